//! Blame: the consequences of a gate that is not green, for the branch or for the whole queue.

use crate::decide::queue::compare;
use crate::decide::queue::disk_space;
use crate::decide::queue::holds::hold_queue_until;
use crate::decide::scribe::Scribe;
use crate::decide::sessions::send_back;
use crate::judge::Trial;
use paddock_model::gate::{CommandResult, GateRun, Verdict};
use paddock_model::ids::{EntryId, GateId, ProjectSlug};
use paddock_model::reason::{Reason, ReasonCode};

fn run_of(scribe: &Scribe<'_>, gate: Option<GateId>) -> Option<GateRun> {
    scribe.state.gate(gate?).cloned()
}

/// Returns the command that kept a run from being green.
fn failed(run: &GateRun) -> Option<&CommandResult> {
    run.results.iter().find(|result| result.verdict() != Verdict::Green)
}

/// Returns the command that kept a run from being green, with its outcome and the number of the run.
pub(in crate::decide) fn in_words(run: Option<&GateRun>) -> String {
    match run.and_then(|run| failed(run).map(|result| (run, result))) {
        Some((run, result)) => {
            format!("the gate command {} ({}, gate run {})", result.name, result.outcome(), run.id)
        }
        None => "the gate (it could not be run)".to_owned(),
    }
}

/// Sends a branch back that is red alone on a green base, with the command that failed. Returns whether
/// anything was recorded.
pub(in crate::decide) fn send_back(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    entry: EntryId,
    trial: &Trial,
) -> bool {
    let Some(entry) = scribe.state.project(project).and_then(|found| found.train.entry(entry)).cloned()
    else {
        return false;
    };
    let run = run_of(scribe, trial.last);
    // A run that is green and lacks tests failed in no command.
    if let Some(run) = run.as_ref().filter(|run| run.verdict == Some(Verdict::Green)) {
        return compare::send_back(scribe, run, &entry);
    }
    match run.as_ref().and_then(|run| failed(run).cloned()) {
        Some(result) => {
            if let Some(run) = &run {
                send_back::red(scribe, run, &entry, &result);
            }
            true
        }
        // The run's record is gone, so there is no fault to report to the agent.
        None => hold_not_evaluated(scribe, project, trial, false),
    }
}

/// Holds the queue because the base is red: no branch is to blame, and nothing can land on it.
pub(in crate::decide) fn hold_red(scribe: &mut Scribe<'_>, slug: &ProjectSlug, gate: GateId) -> bool {
    let run = run_of(scribe, Some(gate));
    // The base itself fails on a full disk: that is about the machine, and ends by itself.
    if let Some(run) = run.as_ref().filter(|run| disk_space::starved(run).is_some()) {
        return disk_space::hold(scribe, slug, run);
    }
    let Some(project) = scribe.state.project(slug) else { return false };
    let (branch, tip) = (&project.settings.target_branch, project.integration.tip.short());
    let what = in_words(run.as_ref());
    let text =
        format!("{what} is red on {branch} itself, at {tip}: no work branch is to blame, and nothing lands");
    let clears = format!(
        "commit a correction on {branch}, or correct `verify` in the project file, or put an objective first \
         that repairs {branch} (`paddock objective prioritize ID 9`); `paddock --project {slug} queue \
         release` tries again"
    );
    let reason = Reason::new(ReasonCode::TargetRed, scribe.now_ms, text, clears);
    hold_queue_until(scribe, slug, reason)
}

/// Holds the queue because the gate cannot be evaluated on the base, with which work has to be compared.
pub(in crate::decide) fn hold_unclear_base(scribe: &mut Scribe<'_>, slug: &ProjectSlug, run: &GateRun) {
    let branch = scribe.state.project(slug).map(|project| project.settings.target_branch.clone());
    hold_unclear(scribe, slug, Some(run), &format!("on {} itself", branch.unwrap_or_default()));
}

/// Holds the queue because the gate cannot be evaluated on the candidate, and the branch is not the cause.
pub(in crate::decide) fn hold_not_evaluated(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    trial: &Trial,
    on_base: bool,
) -> bool {
    let where_tried = match on_base {
        true => "twice in a row, nor on the target branch without the work",
        false => "twice in a row",
    };
    let run = run_of(scribe, trial.last);
    hold_unclear(scribe, slug, run.as_ref(), where_tried)
}

/// Holds the queue because the gate could not be evaluated by this run; `where_tried` ends the sentence.
fn hold_unclear(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    run: Option<&GateRun>,
    where_tried: &str,
) -> bool {
    // A full disk gets a hold of its own, which ends by itself when space is free.
    if let Some(run) = run.filter(|run| disk_space::starved(run).is_some()) {
        return disk_space::hold(scribe, slug, run);
    }
    let what = in_words(run);
    let text = format!("{what} could not be evaluated {where_tried}: that is no verdict on the work");
    let clears =
        format!("repair what keeps the gate from running, then `paddock --project {slug} queue release`");
    let reason = Reason::new(ReasonCode::NotEvaluated, scribe.now_ms, text, clears);
    hold_queue_until(scribe, slug, reason)
}
