//! `paddock salvage`: lists, shows and restores uncommitted work that sessions left.
//!
//! A harvest keeps such work as a commit under a ref of its own, which is on no branch.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::output;
use paddock_git::{
    HEAD, Repository, Restored, Salvaged, restore_as_branch, restore_into, salvaged, salvaged_stat,
};
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::Status;
use paddock_model::state::State;
use paddock_report::text::{counted, harmless, rfc3339, table};

/// Maximum number of paths that a message names.
const PATHS_SHOWN_MAX: usize = 20;

#[derive(Debug, Subcommand)]
pub(super) enum Salvage {
    /// List salvaged work, and refs and stashes of yours that changed while sessions ran
    #[command(after_help = "Examples:\n  paddock salvage list\n  paddock salvage list fix-the-login --json")]
    List(List),
    /// Show the files of a salvage, and how much each changes
    #[command(after_help = "Examples:\n  paddock salvage show fix-the-login/3\n  paddock salvage show 3")]
    Show(Show),
    /// Restore a salvage; existing files are never overwritten
    #[command(after_help = "Examples:
  paddock salvage restore 3                       into the objective's worktree
  paddock salvage restore 3 --to ~/look-at-it     into a new folder
  paddock salvage restore 3 --to-branch rescued   as a branch")]
    Restore(Restore),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Objective whose salvaged work to list; default: all objectives
    objective: Option<String>,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Salvage: number of the session, OBJECTIVE/NUMBER, or ref
    which: String,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// Salvage: number of the session, OBJECTIVE/NUMBER, or ref
    which: String,
    /// New or empty folder to restore into; default: the objective's worktree
    #[arg(long, value_name = "DIR", conflicts_with = "to_branch")]
    to: Option<PathBuf>,
    /// New branch to make of the salvaged work
    #[arg(long, value_name = "BRANCH")]
    to_branch: Option<String>,
}

impl Salvage {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        match self {
            Self::List(list) => list.execute(context, &state),
            Self::Show(show) => show.execute(context, &state),
            Self::Restore(restore) => restore.execute(context, &state),
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::error(error.to_string())
}

/// Salvaged work with its project and repository.
type Kept = (ProjectSlug, Repository, Salvaged);

/// Returns all salvaged work of the selected project, or of every project.
fn all(context: &Context, state: &State) -> Result<Vec<Kept>, Failure> {
    if let Some(project) = &context.project {
        context.project(state, Some(project.as_str()))?;
    }
    let mut kept = Vec::new();
    let is_meant = |slug: &ProjectSlug| context.project.as_ref().is_none_or(|only| only == slug);
    for project in state.projects().filter(|project| is_meant(&project.slug)) {
        let repository = Repository::open(project.settings.repo_root.as_ref()).map_err(failed)?;
        for one in salvaged(&repository).map_err(failed)? {
            kept.push((project.slug.clone(), repository.clone(), one));
        }
    }
    Ok(kept)
}

/// Finds one piece of salvaged work by session, `OBJECTIVE/NUMBER` or ref. Fails if none or several match.
fn find(context: &Context, state: &State, which: &str) -> Result<Kept, Failure> {
    // The forms that `list`, reports and git show, so that any of them can be pasted.
    let is_meant = |one: &Salvaged| {
        let number = one.number();
        which == number || which == format!("{}/{number}", one.objective) || which == one.reference
    };
    let mut found: Vec<Kept> = all(context, state)?.into_iter().filter(|(_, _, one)| is_meant(one)).collect();
    // The length is taken after `pop`: 0 means that the one popped was the only match.
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), _) => Err(Failure::usage(format!(
            "{which:?} matches salvaged work of several projects; name one with --project SLUG"
        ))),
        (None, _) => Err(Failure::error(format!(
            "there is no salvaged work {which:?}; `paddock salvage list` lists all"
        ))),
    }
}

impl List {
    fn execute(self, context: &Context, state: &State) -> Outcome {
        let mut kept = all(context, state)?;
        if let Some(objective) = &self.objective {
            kept.retain(|(slug, _, one)| {
                *objective == one.objective || *objective == format!("{slug}/{}", one.objective)
            });
        }
        // Neither belongs to an objective.
        let refs = if self.objective.is_none() { kept_values(context, state)? } else { Vec::new() };
        if self.json {
            let mut document: Vec<_> = kept.iter().map(|(slug, _, one)| json(slug, one)).collect();
            document.extend(refs.iter().map(KeptValue::json));
            output::json(&document)?;
            return Ok(Exit::Good);
        }
        if kept.is_empty() && refs.is_empty() {
            output::note("there is no salvaged work: every session committed its changes");
        }
        let row = |(slug, _, one): &Kept| {
            vec![
                format!("{}/{}", one.objective, one.number()),
                slug.to_string(),
                rfc3339(one.time_s.saturating_mul(1000)),
                counted(one.paths.len(), "path"),
                names(&one.paths.iter().take(3).map(ToString::to_string).collect::<Vec<_>>(), 3),
            ]
        };
        output::print(&table(&kept.iter().map(row).collect::<Vec<_>>(), 0))?;
        if !refs.is_empty() {
            output::line("changed while sessions ran; these commands restore what was there:")?;
            let row =
                |one: &KeptValue| vec![harmless(&one.name), one.project.to_string(), harmless(&one.restore)];
            output::print(&table(&refs.iter().map(row).collect::<Vec<_>>(), 0))?;
        }
        Ok(Exit::Good)
    }
}

/// A value of a ref of the user, or an entry of the stash, that changed while sessions ran.
struct KeptValue {
    project: ProjectSlug,
    kind: &'static str,
    name: String,
    reference: String,
    commit: String,
    /// The git command that restores it.
    restore: String,
}

impl KeptValue {
    fn json(&self) -> serde_json::Value {
        let none = serde_json::Value::Null;
        serde_json::json!({
            "project": self.project, "objective": none, "session": none, "ref": self.reference,
            "commit": self.commit, "at": none, "paths": [], "kind": self.kind, "name": self.name,
            "restore": self.restore,
        })
    }
}

/// Returns what Paddock keeps of the user's refs and stash, in all projects that are meant.
fn kept_values(context: &Context, state: &State) -> Result<Vec<KeptValue>, Failure> {
    let mut found = Vec::new();
    let is_meant = |slug: &ProjectSlug| context.project.as_ref().is_none_or(|only| only == slug);
    for project in state.projects().filter(|project| is_meant(&project.slug)) {
        let repository = Repository::open(project.settings.repo_root.as_ref()).map_err(failed)?;
        let git = format!("git -C {}", quoted(&project.settings.repo_root));
        for one in repository.kept_refs().map_err(failed)? {
            let name = quoted(&one.name);
            let restore = match (one.name.as_str(), one.value.strip_prefix("ref: ")) {
                (_, Some(target)) => format!("{git} symbolic-ref {name} {}", quoted(target)),
                // A checkout moves HEAD with its files.
                (HEAD, None) => format!("{git} checkout {}", one.value),
                (_, None) => format!("{git} update-ref {name} {}", one.value),
            };
            let (name, reference, commit) = (one.name, one.reference, one.value);
            found.push(KeptValue {
                project: project.slug.clone(),
                kind: "ref",
                name,
                reference,
                commit,
                restore,
            });
        }
        for (reference, commit, message) in repository.kept_stashes().map_err(failed)? {
            let commit = commit.as_str().to_owned();
            let restore = format!("{git} stash store -m {} {commit}", quoted(&message));
            let (project, name) = (project.slug.clone(), format!("stash '{message}'"));
            found.push(KeptValue { project, kind: "stash", name, reference, commit, restore });
        }
    }
    Ok(found)
}

/// Returns a word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

fn json(slug: &ProjectSlug, one: &Salvaged) -> serde_json::Value {
    let paths: Vec<String> = one.paths.iter().map(ToString::to_string).collect();
    serde_json::json!({
        "project": slug, "objective": one.objective, "session": one.session, "ref": one.reference,
        "commit": one.commit, "at": rfc3339(one.time_s.saturating_mul(1000)), "paths": paths,
        "left": one.left,
        "kind": if one.stash.is_some() { "stash_of_session" } else { "uncommitted" },
    })
}

/// Lists up to `max` paths, and the number of the others.
fn names(paths: &[String], max: usize) -> String {
    let shown: Vec<String> = paths.iter().take(max).map(|path| harmless(path)).collect();
    let more = match paths.len() - shown.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("{}{more}", shown.join(", "))
}

impl Show {
    fn execute(self, context: &Context, state: &State) -> Outcome {
        let (slug, repository, one) = find(context, state, &self.which)?;
        let at = rfc3339(one.time_s.saturating_mul(1000));
        output::line(&format!("{slug}/{}, session {}, {at}", one.objective, one.session))?;
        output::line(&format!("{} at {}", one.reference, one.commit))?;
        let stat = salvaged_stat(&repository, &one).map_err(failed)?;
        stat.lines().try_for_each(|line| output::line(&harmless(line)))?;
        if !one.left.is_empty() {
            output::line("not saved, still in the session's folder, or in the one kept in its place:")?;
            one.left.iter().try_for_each(|line| output::line(&format!("  {}", harmless(line))))?;
        }
        Ok(Exit::Good)
    }
}

impl Restore {
    fn execute(self, context: &Context, state: &State) -> Outcome {
        let (slug, repository, one) = find(context, state, &self.which)?;
        if let Some(branch) = &self.to_branch {
            return match restore_as_branch(&repository, &one, branch).map_err(failed)? {
                true => {
                    output::line(&format!("the branch {} holds the salvaged work", harmless(branch)))?;
                    Ok(Exit::Good)
                }
                false => Err(Failure::error(format!("the branch {branch} exists already; name another"))),
            };
        }
        let folder = match &self.to {
            Some(to) => new_folder(to)?,
            None => idle_worktree(state, &slug, &one)?,
        };
        match restore_into(&repository, &one, &folder).map_err(failed)? {
            Restored::Done(paths) => {
                let count = counted(paths.len(), "path");
                output::line(&format!("{count} restored into {}", harmless(&folder.display().to_string())))?;
                Ok(Exit::Good)
            }
            Restored::InTheWay(paths) => {
                let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
                Err(Failure::error(format!(
                    "nothing was restored: {} in {} would be overwritten; move them away, or restore with --to DIR",
                    names(&paths, PATHS_SHOWN_MAX),
                    folder.display()
                )))
            }
        }
    }
}

fn new_folder(to: &Path) -> Result<PathBuf, Failure> {
    let folder = Context::absolute(to)?;
    let problem = |error: std::io::Error| Failure::error(format!("{}: {error}", folder.display()));
    // `restore_into` overwrites nothing by itself; an empty folder keeps the salvaged files apart from
    // others.
    fs::create_dir_all(&folder).map_err(problem)?;
    if fs::read_dir(&folder).map_err(problem)?.next().is_some() {
        return Err(Failure::error(format!("{} is not empty; name a new folder", folder.display())));
    }
    Ok(folder)
}

/// Returns the worktree of the objective. Fails if it is gone, or if a session works there or is about to.
fn idle_worktree(state: &State, slug: &ProjectSlug, one: &Salvaged) -> Result<PathBuf, Failure> {
    let elsewhere = "restore with --to DIR or --to-branch BRANCH";
    let objective = state
        .objectives_of(slug)
        .find(|objective| objective.key.id.as_str() == one.objective)
        .ok_or_else(|| Failure::error(format!("the objective {} is gone; {elsewhere}", one.objective)))?;
    let id = &objective.key.id;
    let Some(worktree) = objective.ready_worktree() else {
        return Err(Failure::error(format!("{id} has no worktree; {elsewhere}")));
    };
    let is_open = |key: &ObjectiveKey| state.open_sessions().any(|session| session.objective == *key);
    // In these states a session may start in the worktree at any moment.
    let is_about_to = matches!(objective.status, Status::Ready | Status::Active | Status::Review);
    if is_about_to || is_open(&objective.key) {
        let status = objective.status;
        return Err(Failure::error(format!(
            "a session works in the worktree of {id}, or is about to ({status}): `paddock objective pause {id}` \
             first, or {elsewhere}"
        )));
    }
    Ok(PathBuf::from(&worktree.path))
}
