//! `paddock plan`: starts the planner, handles its plans, and applies plans that people write.

mod show;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::output;
use super::project_files::newest;
use paddock_config::plan_file::{self, PlanContext};
use paddock_model::command::{Answer, Command};
use paddock_model::ids::{ObjectiveId, ProjectSlug, WorkerId};
use paddock_model::plan::unordered_overlaps;
use paddock_model::scope::OverlapCache;
use paddock_report::text::harmless;

/// Maximum size of a document that is read from a file or standard input; a plan is a few kilobytes.
const PLAN_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  paddock plan                     plan the active phase now
  paddock plan --dry-run           print the prompt that the planner would get
  paddock plan show"
)]
pub(super) struct Plan {
    /// Print the planner's prompt and start nothing
    #[arg(long)]
    dry_run: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add all objectives of a plan in the planner's format to the active phase, or none if it has faults
    #[command(after_help = "Examples:
  paddock plan apply plan.yaml
  paddock --project web plan apply - < plan.yaml")]
    Apply(Apply),
    /// Show what the waiting plan would add; if no plan waits, show what the planner does
    #[command(after_help = "Examples:\n  paddock plan show\n  paddock plan show --json")]
    Show(show::Show),
    /// Approve the waiting plan: its objectives are added; an empty plan marks the phase done
    #[command(after_help = "Examples:\n  paddock plan approve")]
    Approve(Approve),
    /// Reject the waiting plan; the planner reads the note in its next prompt
    #[command(after_help = "Examples:\n  paddock plan reject --note 'smaller steps, and tests first'")]
    Reject(Reject),
}

#[derive(Debug, Args)]
struct Apply {
    /// File with the plan; - for standard input
    file: PathBuf,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Approve {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Reject {
    /// What is wrong with the plan
    #[arg(long, value_name = "TEXT")]
    note: String,
}

impl Plan {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        match self.action {
            None if self.dry_run => dry_run(context),
            None => {
                let project = context.project(&context.state()?, None)?;
                context.ask_and_say(Command::PlanNow { project })?;
                Ok(Exit::Good)
            }
            Some(Action::Apply(apply)) => apply.execute(context),
            Some(Action::Show(show)) => show.execute(context),
            Some(Action::Approve(Approve { json })) => {
                let project = context.project(&context.state()?, None)?;
                say(&context.ask(Command::PlanApprove { project })?, json)
            }
            Some(Action::Reject(Reject { note })) => {
                let project = context.project(&context.state()?, None)?;
                context.ask_and_say(Command::PlanReject { project, note })?;
                Ok(Exit::Good)
            }
        }
    }
}

fn say(answer: &Answer, json: bool) -> Outcome {
    match json {
        true => output::json(answer)?,
        false => output::line(&answer.text)?,
    }
    Ok(Exit::Good)
}

fn dry_run(context: &Context) -> Outcome {
    let state = context.state()?;
    let slug = context.project(&state, None)?;
    let Some(project) = state.project(&slug) else { return Ok(Exit::Good) };
    if state.active_line(&slug).phase.is_none() && state.undivided(&slug).is_none() {
        let text = "no phase is active: `paddock goal add TITLE`, `paddock goal import FILE.md`, or \
                    `paddock phase activate ID`";
        return Err(Failure::error(text));
    }
    // The settings are those that a supervisor would use: those of the project file, or, if the file has
    // faults, the recorded ones.
    let project = newest(context, project).unwrap_or_else(|_| project.clone());
    let prompt = paddock_supervisor::planner_prompt(&context.workspace, &state, &project)?;
    // The prompt quotes text that agents wrote, whose control characters must not reach the terminal.
    output::print(&prompt.lines().map(|line| harmless(line) + "\n").collect::<String>())?;
    Ok(Exit::Good)
}

impl Apply {
    fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let slug = context.project(&state, None)?;
        let Some(project) = state.project(&slug) else { return Ok(Exit::Good) };
        // A worker that a person has just added to the project file counts.
        let (project, broken) = match newest(context, project) {
            Ok(project) => (project, None),
            // The settings that were read last are in force.
            Err(why) => (project.clone(), Some(why)),
        };
        let (text, shown) = read(&self.file)?;
        let existing: Vec<ObjectiveId> =
            state.objectives_of(&slug).map(|found| found.key.id.clone()).collect();
        let workers: Vec<WorkerId> =
            project.settings.workers.iter().map(|worker| worker.id.clone()).collect();
        let plan = plan_file::read(&text, &shown, &PlanContext { existing: &existing, workers: &workers });
        let plan = plan.map_err(|faults| {
            if let Some(Failure::Said(_, why)) = broken {
                note_broken_file(&slug, &why);
            }
            Failure::faults(&faults, "nothing of the plan was applied")
        })?;
        // Overlapping scopes without an order are only a warning: the setting `path_conflicts` decides
        // whether such objectives run one after the other.
        let mut overlaps = OverlapCache::default();
        for warning in unordered_overlaps(&plan.document, &project.settings.shared_patterns, &mut overlaps) {
            output::note(&format!("warning: {}", harmless(&warning)));
        }
        if plan.document.asks_nothing() && state.active_line(&slug).phase.is_none() {
            return Err(Failure::error(format!(
                "{shown}: the plan contains no objective, and no phase is active that it could end"
            )));
        }
        let answer = context.ask(Command::PlanApply { project: slug, plan: Box::new(plan.document) })?;
        say(&answer, self.json)
    }
}

/// Says that the project's file has faults, so that what a plan names may be missing because of the file.
fn note_broken_file(slug: &ProjectSlug, why: &str) {
    output::note(&format!(
        "projects/{slug}.yaml has faults, so the plan was checked against its last good settings:\n{}",
        why.lines().map(harmless).collect::<Vec<_>>().join("\n")
    ));
}

/// Reads a document from a file, or from standard input for `-`. Returns its text and its name for messages.
///
/// Fails if the document cannot be read, is too long, or is not UTF-8.
pub(super) fn read(file: &Path) -> Result<(String, String), Failure> {
    let shown = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let failed = |error: std::io::Error| Failure::error(format!("{shown}: cannot be read: {error}"));
    let mut bytes = Vec::new();
    // One byte more than allowed is read, so that a longer document is noticed and an endless one ends.
    let read = match file == Path::new("-") {
        true => std::io::stdin().lock().take(PLAN_BYTES_MAX + 1).read_to_end(&mut bytes),
        false => fs::File::open(file).and_then(|file| file.take(PLAN_BYTES_MAX + 1).read_to_end(&mut bytes)),
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > PLAN_BYTES_MAX {
        return Err(Failure::error(format!("{shown} is longer than {} MiB", PLAN_BYTES_MAX >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::error(format!("{shown} is not UTF-8 text")))?;
    Ok((text, shown))
}
