//! `paddock project`: lists, shows, enables, pauses, trusts and removes projects.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit_codes::{Exit, Outcome};
use super::project_add::Add;
use super::project_target::{self, SetTargetArgs};
use super::project_trust::TrustArgs;
use super::verify::RERUN_FOLDER;
use super::{git_config, output, status};
use paddock_config::Workspace;
use paddock_git::{GitError, Listed, Pool, Repository, StatTrust, remove_gate, remove_origin, remove_pool};
use paddock_model::command::Command;
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project as Found;
use paddock_model::settings::ProjectSettings;
use paddock_report::text::{harmless, table};

#[derive(Debug, Subcommand)]
pub(super) enum Project {
    /// Register a repository as a project
    #[command(after_help = "Examples:
  paddock project add ~/src/web
  paddock project add . --slug web --target-branch main --yes")]
    Add(Add),
    /// List all projects
    #[command(after_help = "Examples:\n  paddock project list\n  paddock project list --json")]
    List(List),
    /// Show a project and its settings
    #[command(after_help = "Examples:\n  paddock project show\n  paddock project show web --json")]
    Show(Show),
    /// Enable a project: agents work on it again
    #[command(after_help = "Examples:\n  paddock project enable web")]
    Enable(Named),
    /// Disable a project: nothing new starts, and nothing of it waits for you
    #[command(after_help = "Examples:\n  paddock project disable web")]
    Disable(Named),
    /// Remove a project from Paddock; its branches, worktrees and refs stay
    #[command(after_help = "Examples:\n  paddock project remove web")]
    Remove(Removed),
    /// Trust a repository's current git configuration, hooks and attributes, and the target branch in its
    /// file
    #[command(after_help = "Examples:
  paddock project trust web
  paddock project trust web --yes

What changed is shown, and asked about on a terminal. Without one, or with --yes, it is agreed to as shown.")]
    Trust(TrustArgs),
    /// Change the target branch, which work lands on
    #[command(after_help = "Examples:
  paddock project set-target trunk
  paddock project set-target web release/2.x
  paddock project set-target web trunk --yes

The target branch changes only by this command, or by `project trust` after an edit of the project file; checking out \
another branch does not change it. The new branch must exist. If it has no commits beyond what was published (the old branch under another name), landing \
continues as before. Otherwise landing continues from the commit that the branch is at. The command is refused while \
a landing is in progress. Without --yes it is also refused if work in progress would bring commits of the old branch \
along.")]
    SetTarget(SetTargetArgs),
    /// Pause a project: no new sessions start; running sessions and the queue continue
    #[command(after_help = "Examples:\n  paddock project pause web")]
    Pause(Named),
    /// Resume a paused project
    #[command(after_help = "Examples:\n  paddock project resume web")]
    Resume(Named),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Project slug; default: --project, else the only project
    slug: Option<String>,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Project slug; default: --project, else the only project
    slug: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Removed {
    /// Project slug
    // Required, unlike elsewhere: no project should be removed because it is the default.
    slug: String,
}

impl Project {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        if context.project.is_some() && !matches!(self, Self::Add(_)) {
            context.named_project(&context.state()?)?;
        }
        let (named, make): (Named, fn(_) -> Command) = match self {
            Self::Add(add) => return add.execute(context),
            Self::List(list) => return list.execute(context),
            Self::Show(show) => return show.execute(context),
            Self::Remove(removed) => return removed.execute(context),
            Self::Trust(trust) => return trust.execute(context),
            Self::SetTarget(set) => return set.execute(context),
            Self::Enable(named) => (named, |project| Command::ProjectEnable { project, enabled: true }),
            Self::Disable(named) => (named, |project| Command::ProjectEnable { project, enabled: false }),
            Self::Pause(named) => (named, |project| Command::ProjectPause { project, paused: true }),
            Self::Resume(named) => (named, |project| Command::ProjectPause { project, paused: false }),
        };
        let project = context.project(&context.state()?, named.slug.as_deref())?;
        context.ask_and_say(make(project))?;
        Ok(Exit::Good)
    }
}

/// Removes the gates' worktrees of a removed project, and its pool. They hold caches and files of git, and no work of agents or people.
///
/// Nothing runs in them: the supervisor refuses to remove a project while gates run.
fn remove_gates(workspace: &Workspace, slug: &ProjectSlug, settings: &ProjectSettings) {
    let Ok(repository) = Repository::open(settings.repo_root.as_ref()) else { return };
    let folder = PathBuf::from(&settings.worktrees_root).join(slug.as_str());
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let slot_of = |name: &str| {
        let rest = name.strip_prefix("_gate-").or_else(|| name.strip_prefix("_fresh-"));
        rest.map(|rest| rest.trim_end_matches(".cache")).is_some_and(|slot| slot.parse::<u32>().is_ok())
    };
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str().filter(|name| slot_of(name) || name.starts_with(RERUN_FOLDER)) else {
            continue;
        };
        // The caches of a gate's worktree lie beside it and are no worktree.
        let removed = match name.ends_with(".cache") {
            true => fs::remove_dir_all(&path).map_err(|error| error.to_string()),
            false => remove_gate(&repository, &path).map(drop).map_err(|error| error.to_string()),
        };
        if let Err(error) = removed {
            output::note(&format!("cannot remove the gate's folder {}: {error}", path.display()));
        }
    }
    if let Err(error) = remove_origin(&folder) {
        output::note(&format!("cannot remove the repository that own places fetch from: {error}"));
    }
    drop(fs::remove_dir_all(workspace.gate_folders_dir(slug)));
    let pool = Pool::new(&repository, &folder, StatTrust::Nothing);
    if let Err(error) = pool.and_then(|pool| remove_pool(&pool)) {
        output::note(&format!("cannot remove the pool of worktrees in {}: {error}", folder.display()));
    }
    // Fails if the folder still holds worktrees of sessions, which stay.
    drop(fs::remove_dir(&folder));
}

impl Removed {
    fn execute(self, context: &Context) -> Outcome {
        let slug = context.project(&context.state()?, Some(&self.slug))?;
        let settings = context.state()?.project(&slug).map(|project| project.settings.clone());
        // A person may have edited the file, so it is renamed instead of deleted; under its old name it would be
        // a project. Before the command: a supervisor must not take the file up again right after it.
        let file = context.workspace.project_file(&slug);
        let mut kept = file.clone().into_os_string();
        kept.push(".removed");
        let kept = PathBuf::from(kept);
        let renamed = fs::rename(&file, &kept);
        let removed = context.ask_and_say(Command::ProjectRemove { project: slug.clone() });
        if removed.is_err() && renamed.is_ok() {
            drop(fs::rename(&kept, &file));
        }
        removed?;
        if let Some(settings) = settings {
            remove_gates(&context.workspace, &slug, &settings);
        }
        match renamed {
            Ok(()) => output::note(&format!("the project file is kept as {}", kept.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                output::note(&format!(
                    "cannot rename the project file {}: {error}; remove it, or the next command takes it up again",
                    file.display()
                ));
            }
        }
        Ok(Exit::Good)
    }
}

impl List {
    fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let document = status::build(context, &state, false);
        if self.json {
            let rows: Vec<_> = state.projects().map(summary).collect();
            output::json(&rows)?;
            return Ok(Exit::Good);
        }
        let rows: Vec<Vec<String>> = document
            .projects
            .iter()
            .map(|project| {
                let root = state.projects().find(|found| found.slug.as_str() == project.slug);
                let total: usize = project.counts.values().sum();
                let done = project.counts.get("done").copied().unwrap_or(0);
                vec![
                    project.slug.clone(),
                    harmless(&project.name),
                    project.state.to_owned(),
                    format!("{done}/{total} done"),
                    harmless(&project.target_branch),
                    root.map(|found| harmless(&found.settings.repo_root)).unwrap_or_default(),
                ]
            })
            .collect();
        if rows.is_empty() {
            output::note("there is no project yet: `paddock project add PATH` registers one");
        }
        output::print(&table(&rows, 0))?;
        Ok(Exit::Good)
    }
}

fn summary(project: &Found) -> serde_json::Value {
    serde_json::json!({
        "slug": project.slug, "name": project.settings.name, "repo_root": project.settings.repo_root,
        "target_branch": project.settings.target_branch, "enabled": project.is_enabled(),
        "paused": project.paused,
    })
}

impl Show {
    fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let slug = context.project(&state, self.slug.as_deref())?;
        let Some(project) = state.project(&slug) else { return Ok(Exit::Good) };
        if self.json {
            let mut document = summary(project);
            if let Some(map) = document.as_object_mut() {
                let settings = serde_json::to_value(&project.settings).unwrap_or_default();
                map.insert("settings".to_owned(), settings);
                let source = project_target::source(context, project).0;
                map.insert("target_branch_from".to_owned(), source.into());
                map.insert("integration_ref".to_owned(), project.integration_ref().into());
                map.insert("integration".to_owned(), project.integration.tip.to_string().into());
                map.insert("published".to_owned(), project.integration.published.to_string().into());
                // Missing while the repository cannot be read, which `doctor` reports.
                if let Ok(entries) = configured(project) {
                    map.insert("git_configuration".to_owned(), git_config::json(&entries));
                }
                map.insert("git_configuration_off".to_owned(), project.switched_off.clone().into());
            }
            output::json(&document)?;
            return Ok(Exit::Good);
        }
        output::print(&describe(context, project))?;
        match configured(project) {
            Ok(entries) => {
                let lines = git_config::lines(&entries);
                if !lines.is_empty() {
                    output::print("git configuration that can run programs\n")?;
                }
                for line in lines {
                    output::print(&format!("  {line}\n"))?;
                }
            }
            Err(error) => output::note(&format!("git's configuration cannot be shown: {error}")),
        }
        Ok(Exit::Good)
    }
}

/// Reads the git configuration that can run programs. Runs none of them.
fn configured(project: &Found) -> Result<Vec<Listed>, GitError> {
    let repository = Repository::open(project.settings.repo_root.as_ref())?;
    repository.agreeing(project.trust.entries.iter().cloned()).configured()
}

fn describe(context: &Context, project: &Found) -> String {
    let settings = &project.settings;
    let file = context.workspace.project_file(&project.slug);
    let yes_no = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    let branch = if project.has_target() { settings.target_branch.as_str() } else { "none" };
    let target = format!("{branch} ({})", project_target::source(context, project).1);
    let integration = format!("{} at {}", project.integration_ref(), project.integration.tip.short());
    let pairs = [
        ("slug", project.slug.to_string()),
        ("name", settings.name.clone()),
        ("repository", settings.repo_root.clone()),
        ("worktrees", settings.worktrees_root.clone()),
        ("target branch", target),
        ("integration", integration),
        ("enabled", yes_no(project.is_enabled())),
        ("paused", yes_no(project.paused)),
        ("sessions at once", settings.max_parallel_sessions.to_string()),
        ("settings", file.display().to_string()),
    ];
    let mut rows: Vec<Vec<String>> =
        pairs.into_iter().map(|(name, value)| vec![name.to_owned(), harmless(&value)]).collect();
    for command in &settings.verify {
        rows.push(vec!["gate".to_owned(), harmless(&format!("{}: {}", command.name, command.run))]);
    }
    if settings.verify.is_empty() {
        rows.push(vec!["gate".to_owned(), "none: work lands unverified".to_owned()]);
    }
    for worker in &settings.workers {
        let agents = match worker.agents.is_empty() {
            true => "no agent".to_owned(),
            false => worker.agents.join(", "),
        };
        rows.push(vec!["worker".to_owned(), format!("{}: {agents}", worker.id)]);
    }
    for name in &project.switched_off {
        rows.push(vec!["switched off".to_owned(), harmless(name)]);
    }
    for reason in project.holds.values() {
        rows.push(vec!["held".to_owned(), harmless(&format!("{} → {}", reason.text, reason.clears))]);
    }
    table(&rows, 0)
}
