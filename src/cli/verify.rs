//! `paddock verify`: checks that the repository matches every recorded landing. Changes nothing.

mod check;
mod history;
mod rerun;

use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::events::parse_since;
use super::exit_codes::{Exit, Failure, Outcome};
use super::output;
use check::{Check, Kind, Row};
use history::History;
use paddock_git::Repository;
use paddock_ipc::workspace_lock::is_running;
use paddock_model::command::Command;
use paddock_model::ids::{ObjectId, ProjectSlug};
use paddock_model::project::Project;
use paddock_model::state::State;
use paddock_report::text::{counted, harmless, table};
pub(super) use rerun::FOLDER as RERUN_FOLDER;
use rerun::{Differing, Rerun};

/// Maximum number of reads of the log and the ref while a supervisor moves them.
const READS_MAX: usize = 5;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paddock verify
  paddock verify --since 1d --json
  paddock verify --rerun

Exits with 0 if everything is as recorded, with 1 if anything is not.")]
pub(super) struct Verify {
    /// Time of the first landing to check: RFC 3339, a local date, or a length back from now (30m, 2h, 1d)
    #[arg(long, value_name = "T", value_parser = parse_since)]
    since: Option<i64>,
    /// Run the gate's present commands again on every tree that landed verified
    #[arg(long)]
    rerun: bool,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

/// Result for one project, for scripts.
#[derive(Debug, Serialize)]
struct Report {
    project: ProjectSlug,
    #[serde(rename = "ref")]
    reference: String,
    tip: Option<ObjectId>,
    ok: bool,
    faults: Vec<String>,
    commits: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Document {
    version: u32,
    ok: bool,
    projects: Vec<Report>,
}

impl Verify {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        // First, since it fails while a supervisor runs: better before minutes of checks than after.
        let mut rerun = self.rerun.then(|| Rerun::new(context)).transpose()?;
        let mut projects = Vec::new();
        let state = context.state()?;
        for project in state.projects() {
            if context.project.as_ref().is_none_or(|wanted| *wanted == project.slug) {
                projects.push(self.report(context, (&state, project), rerun.as_mut())?);
            }
        }
        if projects.is_empty() {
            return Err(Failure::error("there is nothing to verify: no project is registered"));
        }
        if let Some(rerun) = rerun {
            hold_queues(context, rerun.end())?;
        }
        let ok = projects.iter().all(|report| report.ok);
        match self.json {
            true => output::json(&Document { version: 1, ok, projects })?,
            false => projects.iter().try_for_each(print)?,
        }
        Ok(if ok { Exit::Good } else { Exit::Error })
    }

    fn report(
        &self,
        context: &Context,
        (state, project): (&State, &Project),
        rerun: Option<&mut Rerun<'_>>,
    ) -> Result<Report, Failure> {
        let reference = project.integration_ref();
        let error = |error: paddock_git::GitError| Failure::error(format!("{}: {error}", project.slug));
        let repository = Repository::open(Path::new(&project.settings.repo_root)).map_err(error)?;
        let repository = repository.agreeing(project.trust.entries.iter().cloned());
        let (history, tip) = read(context, &project.slug, &repository, &reference)?;
        let mut faults = Vec::new();
        if tip != history.tip {
            let words = |at: Option<&ObjectId>| at.map_or_else(|| "gone".to_owned(), |at| format!("at {at}"));
            faults.push(format!(
                "{reference} was moved by hand: it is {}, and Paddock left it {}",
                words(tip.as_ref()),
                words(history.tip.as_ref())
            ));
        }
        let check = Check { workspace: &context.workspace, repository: &repository, history: &history };
        // Without the ref there is nothing to walk along; the missing ref is a fault by itself.
        let mut commits = match &tip {
            Some(tip) => check.rows(tip).map_err(error)?,
            None => Vec::new(),
        };
        // `since` selects what is shown and run again; every commit must be checked to know its kind.
        commits.retain(|row| self.since.is_none_or(|since| row.at_ms >= since));
        if let Some(rerun) = rerun {
            rerun.run(state, project, &repository, &mut commits)?;
        }
        let ok = faults.is_empty() && commits.iter().all(|row| row.faults.is_empty());
        Ok(Report { project: project.slug.clone(), reference, tip, ok, faults, commits })
    }
}

/// Holds the queue of each project with a landing that differs.
fn hold_queues(context: &Context, differing: Vec<Differing>) -> Result<(), Failure> {
    let mut held: Vec<ProjectSlug> = Vec::new();
    for Differing { project, commit, fault } in differing {
        // One hold names all landings since the last run from nothing.
        if !held.contains(&project) {
            held.push(project.clone());
            let answer = context.ask(Command::RecheckDiffers { project, commit, problem: fault })?;
            output::note(&answer.text);
        }
    }
    Ok(())
}

/// Reads the recorded history and the present commit of the ref.
///
/// A landing records its end after it has moved the ref, so the two may differ for a moment while a
/// supervisor works; they are read again then.
fn read(
    context: &Context,
    project: &ProjectSlug,
    repository: &Repository,
    reference: &str,
) -> Result<(History, Option<ObjectId>), Failure> {
    let mut found = (History::default(), None);
    for _ in 0..READS_MAX {
        let Some(reader) = context.reader()? else { break };
        found.0 = History::read(&reader, project)?;
        found.1 = repository.commit_of(reference).map_err(|error| Failure::error(error.to_string()))?;
        if found.1 == found.0.tip || is_running(&context.workspace.runtime()).is_none() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    Ok(found)
}

fn print(report: &Report) -> Result<(), Failure> {
    let count = |kind| report.commits.iter().filter(|row| row.kind == kind).count();
    // Faults of the ref itself belong to no commit, but count.
    let wrong = report.commits.iter().filter(|row| !row.faults.is_empty()).count() + report.faults.len();
    let verdict = match wrong {
        0 => "all as recorded".to_owned(),
        wrong => format!("{wrong} not as recorded"),
    };
    output::line(&format!(
        "{}: {} on {}: {} verified, {} unverified, {} external; {verdict}",
        report.project,
        counted(report.commits.len(), "commit"),
        report.reference,
        count(Kind::Verified),
        count(Kind::Unverified),
        count(Kind::External)
    ))?;
    let rows: Vec<Vec<String>> = report.commits.iter().map(in_columns).collect();
    // Below a landing go the tests by which it differs from the one before.
    for (line, row) in table(&rows, 2).lines().zip(&report.commits) {
        output::line(line)?;
        for line in row.proof.iter().flat_map(|proof| &proof.differences) {
            output::line(&format!("      {}", harmless(line)))?;
        }
    }
    for fault in &report.faults {
        output::line(&format!("  ✗ {}", harmless(fault)))?;
    }
    for row in &report.commits {
        for fault in &row.faults {
            output::line(&format!("  ✗ {}: {}", row.commit.short(), harmless(fault)))?;
        }
    }
    Ok(())
}

fn in_columns(row: &Row) -> Vec<String> {
    let mark = if row.faults.is_empty() { "✓" } else { "✗" };
    let proven = row.proof.as_ref().and_then(|proof| proof.text.as_deref());
    let verdict = row.verdict.or(proven).map_or_else(String::new, |words| format!(": {words}"));
    let gate = row.gate.map_or_else(String::new, |gate| format!("gate run {gate}{verdict}"));
    let name = row.objective.clone().unwrap_or_else(|| harmless(&row.summary));
    vec![
        mark.to_owned(),
        row.commit.short().to_owned(),
        row.kind.word().to_owned(),
        row.at.clone(),
        gate,
        name,
    ]
}
