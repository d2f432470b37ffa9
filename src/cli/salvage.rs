//! `paddock salvage`: uncommitted work that sessions left, kept beside every branch.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::output;
use paddock_git::{Repository, Restored, Salvaged, restore_as_branch, restore_into, salvaged, salvaged_stat};
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::Status;
use paddock_model::state::State;
use paddock_report::text::{counted, harmless, rfc3339, table};

/// Paths named in a message.
const PATHS_SHOWN_MAX: usize = 20;

#[derive(Debug, Subcommand)]
pub(super) enum Salvage {
    /// What is kept, of which objective and session
    #[command(after_help = "Examples:\n  paddock salvage list\n  paddock salvage list fix-the-login --json")]
    List(List),
    /// What one holds: its files, and how much it changes in them
    #[command(after_help = "Examples:\n  paddock salvage show fix-the-login/3\n  paddock salvage show 3")]
    Show(Show),
    /// Put one back; nothing that lies there is ever overwritten
    #[command(after_help = "Examples:
  paddock salvage restore 3                       into the objective's worktree
  paddock salvage restore 3 --to ~/look-at-it     into a new folder
  paddock salvage restore 3 --to-branch rescued   as a branch")]
    Restore(Restore),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those of this objective
    objective: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The session's number, OBJECTIVE/NUMBER, or the ref
    which: String,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The session's number, OBJECTIVE/NUMBER, or the ref
    which: String,
    /// Into this folder, which must not exist yet, or be empty
    #[arg(long, value_name = "DIR", conflicts_with = "to_branch")]
    to: Option<PathBuf>,
    /// As this branch, which must not exist yet
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

/// Salvaged work with the repository that holds it.
type Kept = (ProjectSlug, Repository, Salvaged);

/// Everything that is kept in the projects that are meant.
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

fn find(context: &Context, state: &State, which: &str) -> Result<Kept, Failure> {
    let is_meant = |one: &Salvaged| {
        let short = format!("{}/{}", one.objective, one.session);
        which == one.session.to_string() || which == short || which == one.reference
    };
    let mut found: Vec<Kept> = all(context, state)?.into_iter().filter(|(_, _, one)| is_meant(one)).collect();
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), _) => Err(Failure::usage(format!("{which:?} names several; say --project SLUG"))),
        (None, _) => {
            Err(Failure::error(format!("nothing is kept of {which:?}; `paddock salvage list` shows what is")))
        }
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
        if self.json {
            let document: Vec<_> = kept.iter().map(|(slug, _, one)| json(slug, one)).collect();
            output::json(&document)?;
            return Ok(Exit::Good);
        }
        if kept.is_empty() {
            output::note("nothing is kept: every session committed what it did");
        }
        let row = |(slug, _, one): &Kept| {
            vec![
                format!("{}/{}", one.objective, one.session),
                slug.to_string(),
                rfc3339(one.time_s.saturating_mul(1000)),
                counted(one.paths.len(), "path"),
                names(&one.paths.iter().take(3).map(ToString::to_string).collect::<Vec<_>>(), 3),
            ]
        };
        output::print(&table(&kept.iter().map(row).collect::<Vec<_>>(), 0))?;
        Ok(Exit::Good)
    }
}

fn json(slug: &ProjectSlug, one: &Salvaged) -> serde_json::Value {
    let paths: Vec<String> = one.paths.iter().map(ToString::to_string).collect();
    serde_json::json!({
        "project": slug, "objective": one.objective, "session": one.session, "ref": one.reference,
        "commit": one.commit, "at": rfc3339(one.time_s.saturating_mul(1000)), "paths": paths,
    })
}

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
        Ok(Exit::Good)
    }
}

impl Restore {
    fn execute(self, context: &Context, state: &State) -> Outcome {
        let (slug, repository, one) = find(context, state, &self.which)?;
        if let Some(branch) = &self.to_branch {
            return match restore_as_branch(&repository, &one, branch).map_err(failed)? {
                true => {
                    output::line(&format!("the branch {} holds it", harmless(branch)))?;
                    Ok(Exit::Good)
                }
                false => Err(Failure::error(format!("there is a branch {branch} already; name another"))),
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
                    "nothing was restored: {} in {} hold something else; move them away, or restore with --to DIR",
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
    fs::create_dir_all(&folder).map_err(problem)?;
    if fs::read_dir(&folder).map_err(problem)?.next().is_some() {
        return Err(Failure::error(format!("{} is not empty; name a new folder", folder.display())));
    }
    Ok(folder)
}

/// The worktree of its objective, if nothing works in there.
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
