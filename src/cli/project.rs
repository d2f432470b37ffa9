//! `paddock project`.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::{Exit, Outcome};
use super::project_add::Add;
use super::project_target::{self, SetTargetArgs};
use super::verify::RERUN_FOLDER;
use super::{output, repository, status};
use paddock_git::{Repository, remove_gate};
use paddock_model::command::Command;
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project as Found;
use paddock_model::settings::ProjectSettings;
use paddock_report::text::{harmless, table};
use paddock_supervisor::{read_project, with_agreement};

#[derive(Debug, Subcommand)]
pub(super) enum Project {
    /// Put a repository under management
    #[command(after_help = "Examples:
  paddock project add ~/src/web
  paddock project add . --slug web --target-branch main --yes")]
    Add(Add),
    /// All projects
    #[command(after_help = "Examples:\n  paddock project list\n  paddock project list --json")]
    List(List),
    /// One project and its settings
    #[command(after_help = "Examples:\n  paddock project show\n  paddock project show web --json")]
    Show(Show),
    /// Let it be worked on
    #[command(after_help = "Examples:\n  paddock project enable web")]
    Enable(Named),
    /// Keep it from being worked on
    #[command(after_help = "Examples:\n  paddock project disable web")]
    Disable(Named),
    /// Stop managing it; its branches, worktrees and refs stay
    #[command(after_help = "Examples:\n  paddock project remove web")]
    Remove(Removed),
    /// Agree to its git configuration, hooks and attributes, and to the target branch in its file, as they are now
    #[command(after_help = "Examples:\n  paddock project trust web")]
    Trust(Named),
    /// Land on another branch from now on
    #[command(after_help = "Examples:
  paddock project set-target trunk
  paddock project set-target web release/2.x
  paddock project set-target web trunk --yes

Neither a checkout of another branch nor a change of the project file moves the target. The branch must exist. \
Where it has no commit of its own beyond what was published (it is the old one under another name), landing goes on \
as before; else it goes on from where the branch is. Refused while a landing is in progress, and, without --yes, \
where work in progress would bring commits of the old branch along.")]
    SetTarget(SetTargetArgs),
    /// Start no new sessions; running ones and the queue go on
    #[command(after_help = "Examples:\n  paddock project pause web")]
    Pause(Named),
    /// Start sessions again
    #[command(after_help = "Examples:\n  paddock project resume web")]
    Resume(Named),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The project; default: --project, else the only one
    slug: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The project; default: --project, else the only one
    slug: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Removed {
    /// The project
    slug: String,
}

impl Project {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let (named, make): (Named, fn(_) -> Command) = match self {
            Self::Add(add) => return add.execute(context),
            Self::List(list) => return list.execute(context),
            Self::Show(show) => return show.execute(context),
            Self::Remove(removed) => return removed.execute(context),
            Self::Trust(named) => return trust(context, &named),
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

fn trust(context: &Context, named: &Named) -> Outcome {
    let state = context.state()?;
    let slug = context.project(&state, named.slug.as_deref())?;
    let Some(project) = state.project(&slug) else { return Ok(Exit::Good) };
    let other = project_target::named_otherwise(context, project);
    let recorded = project.settings.target_branch.clone();
    let root = project.settings.repo_root.as_ref();
    // The repository's own commands are those of the branch that work lands on afterwards.
    let branch = other.clone().unwrap_or(recorded.clone());
    let found =
        repository::inspect_any(root, Some(&branch).filter(|branch| !branch.is_empty()).map(String::as_str))?;
    if other.is_some() {
        output::note(&format!("changed: the target branch, from {recorded} to {branch}"));
    }
    for name in project.trust.changes(&found.facts.trust) {
        output::note(&format!("changed: {}", harmless(&name)));
    }
    let file = context.workspace.project_file(&slug);
    // A file that cannot be read now is another hold, with its own message.
    let read = read_project(&context.workspace, &context.environment, &file, None, &branch);
    let agreement = read.ok().and_then(|read| read.project.agreement);
    let trust = with_agreement(found.facts.trust, agreement.as_deref());
    // First what may be refused: agreed to is all or nothing.
    if other.is_some() {
        project_target::set(context, &state, project, &branch, false)?;
    }
    context.ask_and_say(Command::ProjectTrust { project: slug, trust })?;
    Ok(Exit::Good)
}

/// The gates' worktrees hold caches and nothing of anybody's. Nothing is at work in them: that would have refused the
/// removal.
fn remove_gates(slug: &ProjectSlug, settings: &ProjectSettings) {
    let Ok(repository) = Repository::open(settings.repo_root.as_ref()) else { return };
    let folder = PathBuf::from(&settings.worktrees_root).join(slug.as_str());
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let is_gate = |name: &str| {
        name.strip_prefix("_gate-").is_some_and(|n| n.parse::<u32>().is_ok())
            || name.starts_with(RERUN_FOLDER)
    };
    let gates = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_gate));
    for gate in gates.map(|entry| entry.path()) {
        if let Err(error) = remove_gate(&repository, &gate) {
            output::note(&format!("the gate's worktree {} stays: {error}", gate.display()));
        }
    }
    // Gone when nothing else is in it.
    drop(fs::remove_dir(&folder));
}

impl Removed {
    fn execute(self, context: &Context) -> Outcome {
        let slug = context.project(&context.state()?, Some(&self.slug))?;
        let settings = context.state()?.project(&slug).map(|project| project.settings.clone());
        context.ask_and_say(Command::ProjectRemove { project: slug.clone() })?;
        if let Some(settings) = settings {
            remove_gates(&slug, &settings);
        }
        // A person may have written in it: it is kept under a name that nothing reads.
        let file = context.workspace.project_file(&slug);
        let kept = file.with_extension("yaml.removed");
        match fs::rename(&file, &kept) {
            Ok(()) => output::note(&format!("its file is kept as {}", kept.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => output::note(&format!("its file {} stays: {error}", file.display())),
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
            }
            output::json(&document)?;
            return Ok(Exit::Good);
        }
        output::print(&describe(context, project))?;
        Ok(Exit::Good)
    }
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
    for reason in project.holds.values() {
        rows.push(vec!["held".to_owned(), harmless(&format!("{} → {}", reason.text, reason.clears))]);
    }
    table(&rows, 0)
}
