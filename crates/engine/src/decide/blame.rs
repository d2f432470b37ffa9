//! Blame: what follows when the gate is not green, for the branch or for the queue.

use super::holds::hold_queue_until;
use super::scribe::Scribe;
use super::{disk_space, send_back};
use crate::judge::Trial;
use paddock_model::gate::{CommandResult, GateRun, Verdict};
use paddock_model::ids::{EntryId, GateId, ProjectSlug};
use paddock_model::reason::{Reason, ReasonCode};

fn run_of(scribe: &Scribe<'_>, gate: Option<GateId>) -> Option<GateRun> {
    scribe.state.gate(gate?).cloned()
}

/// The command that kept a run from being green, and how it ended.
fn failed(run: &GateRun) -> Option<&CommandResult> {
    run.results.iter().find(|result| result.verdict() != Verdict::Green)
}

fn in_words(run: Option<&GateRun>) -> String {
    match run.and_then(|run| failed(run).map(|result| (run, result))) {
        Some((run, result)) => {
            format!("the gate command {} ({}, gate run {})", result.name, result.outcome(), run.id)
        }
        None => "the gate (it could not be run)".to_owned(),
    }
}

/// Red alone on a green base: the branch is sent back with what failed.
pub(super) fn send_back(
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
    match run.as_ref().and_then(|run| failed(run).cloned()) {
        Some(result) => {
            if let Some(run) = &run {
                send_back::red(scribe, run, &entry, &result);
            }
            true
        }
        // Its record is gone: nobody can be told what is wrong.
        None => hold_not_evaluated(scribe, project, trial, false),
    }
}

/// The base is red: nobody's branch is to blame, and nothing can land on it.
pub(super) fn hold_red(scribe: &mut Scribe<'_>, slug: &ProjectSlug, gate: GateId) -> bool {
    let run = run_of(scribe, Some(gate));
    if let Some(run) = run.as_ref().filter(|run| disk_space::starved(run).is_some()) {
        return disk_space::hold(scribe, slug, run);
    }
    let Some(project) = scribe.state.project(slug) else { return false };
    let (branch, tip) = (&project.settings.target_branch, project.integration.tip.short());
    let what = in_words(run.as_ref());
    let text =
        format!("{what} is red on {branch} itself, at {tip}: no branch is to blame, and nothing lands");
    let clears = format!(
        "commit a correction on {branch}, or mend `verify` in the project file, or put an objective first that mends \
         it (`paddock objective prioritize ID 9`); `paddock --project {slug} queue release` tries again"
    );
    let reason = Reason::new(ReasonCode::TargetRed, scribe.now_ms, text, clears);
    hold_queue_until(scribe, slug, reason)
}

/// Nothing can be said of the candidate, nor is it the branch's doing.
pub(super) fn hold_not_evaluated(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    trial: &Trial,
    on_base: bool,
) -> bool {
    let run = run_of(scribe, trial.last);
    if let Some(run) = run.as_ref().filter(|run| disk_space::starved(run).is_some()) {
        return disk_space::hold(scribe, slug, run);
    }
    let what = in_words(run.as_ref());
    let on_base = match on_base {
        true => ", and it cannot on the branch it would land on either",
        false => "",
    };
    let text =
        format!("{what} could not be evaluated twice in a row{on_base}: that is no verdict on the work");
    let clears = format!("mend what keeps it from running, then `paddock --project {slug} queue release`");
    let reason = Reason::new(ReasonCode::NotEvaluated, scribe.now_ms, text, clears);
    hold_queue_until(scribe, slug, reason)
}
