//! The recheck: once a day the gate runs on the newest landed tree in a new folder without caches.
//!
//! What a run starts with beyond the commit's files may hide a fault: a cache that only this machine has, a
//! file that a gate command planted. The recheck finds that out, as do a landing whose run had nothing to
//! start with and `verify --rerun`.
//!
//! - It is due a day after the last landed tree that was judged from nothing, if something has landed since,
//!   or when a person asks. It then gets the next slot (`gates::is_recheck_next`), and the queue cannot take it
//!   back: otherwise a queue that is never idle would put it off for ever.
//! - Its verdict is not among those that land or blame (`apply::queue::settle_gate`), and is no flake.
//! - Red is repeated from nothing as often as `queue.flaky_retries` says, and at least once. If it stays red,
//!   the queue is held, and everything that rests on the caches is dropped: their number goes up, known
//!   verdicts are forgotten, and open runs are cancelled.
//! - A run without a verdict, or red for a cause that may pass, is tried again after an hour.

use crate::decide::queue::blame::in_words;
use crate::decide::queue::gates;
use crate::decide::refusals::unknown_project;
use crate::decide::scribe::Scribe;
use crate::listing::a_few_of;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::gate::{GateRun, Purpose, Start, Verdict};
use paddock_model::ids::{GateId, ObjectId, ProjectSlug};
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::side_runs::Doubtful;

/// Objectives that a hold names; the others are counted.
const NAMED_MAX: usize = 5;

/// Returns when the next recheck will be due, in Unix milliseconds. `None` if one is due now, or if none will
/// be before something lands or a person acts.
pub(in crate::decide) fn due_ms(project: &Project, now_ms: i64) -> Option<i64> {
    let may_run = !project.settings.verify.is_empty() && !gates::is_held(project);
    let due_ms = project.recheck.due_ms(&project.settings.gate_terms(), now_ms);
    // One that is due waits for something else: a slot, free disk space, or a person.
    due_ms.filter(|due_ms| may_run && *due_ms > now_ms)
}

/// Starts the rechecks that are due.
pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    if scribe.is_quiet() {
        return;
    }
    for slug in scribe.marked() {
        let Some(project) = scribe.state.project(&slug) else { continue };
        // The folder of a run that is landing stays as it is until its caches are kept.
        let is_landing = project.train.landing.is_some();
        if is_landing || !gates::is_recheck_next(scribe.state, project, scribe.now_ms) {
            continue;
        }
        let Some(landed) = project.recheck.tree(&project.settings.gate_terms()).cloned() else { continue };
        let (commit, tree) = (landed.commit, landed.tree);
        let wanted = gates::Wanted { purpose: Purpose::Recheck, commit, tree, commands: Vec::new() };
        gates::start(scribe, &slug, wanted);
    }
}

/// A recheck is over and recorded.
pub(in crate::decide) fn ended(scribe: &mut Scribe<'_>, run: &GateRun) {
    let Some(verdict) = run.verdict.filter(|_| !run.cancelled) else { return };
    let Some(project) = scribe.state.project(&run.project) else { return };
    let recheck = &project.recheck;
    if !recheck.is_open(&run.commit) {
        return;
    }
    match verdict {
        Verdict::Green => scribe.record(Fact::RecheckJudged {
            project: run.project.clone(),
            gate: Some(run.id),
            commit: run.commit.clone(),
            verdict,
            doubtful: Vec::new(),
            landings: 0,
        }),
        Verdict::Red if recheck.red > project.settings.queue.flaky_retries.max(1) => {
            let since = match recheck.newest.as_ref().is_some_and(|newest| newest.terms != run.terms) {
                true => " under a gate that was changed since",
                false => "",
            };
            let problem = format!(
                "{} is not green{since} on the landed commit {} in a new folder without caches",
                in_words(Some(run)),
                run.commit.short()
            );
            differ(scribe, &run.project, Some(run.id), &run.commit, &problem);
        }
        Verdict::Red | Verdict::NotEvaluated => {}
    }
}

/// Records that a landed commit is not green from nothing, holds the queue, and drops what rests on the
/// caches.
fn differ(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    gate: Option<GateId>,
    commit: &ObjectId,
    problem: &str,
) {
    scribe.mark(slug);
    let Some(project) = scribe.state.project(slug) else { return };
    let (doubtful, landings) = (project.recheck.since.clone(), project.recheck.landings);
    let branch = &project.settings.target_branch;
    let output = match gate {
        Some(gate) => format!("read its output in runtime/gates/{gate}, "),
        None => String::new(),
    };
    let text = format!(
        "{problem}: {}; Paddock held the queue and threw the kept caches away",
        since_in_words(&doubtful, landings)
    );
    let clears = format!(
        "{output}correct {branch} or the gate, then `paddock --project {slug} queue release`; \
         `paddock queue recheck` tries again"
    );
    let reason = Reason::new(ReasonCode::RecheckDiffers, scribe.now_ms, text, clears);
    // Another hold may end by itself, and this one must not.
    let is_known = project.train.held.as_ref().is_some_and(|held| held.code == ReasonCode::RecheckDiffers);
    let (project, commit) = (slug.clone(), commit.clone());
    let verdict = Verdict::Red;
    scribe.record(Fact::RecheckJudged { project, gate, commit, verdict, doubtful, landings });
    if !is_known {
        scribe.record(Fact::QueueHeld { project: slug.clone(), reason });
    }
    cancel_doubtful(scribe, slug);
}

/// Cancels the open runs that started with caches and whose verdict would count for the queue.
fn cancel_doubtful(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let counts = |run: &&GateRun| match run.purpose {
        Purpose::Candidate { .. }
        | Purpose::Base { .. }
        | Purpose::Ahead { .. }
        | Purpose::External
        | Purpose::Tamper { .. } => run.start == Start::Kept && !run.cancelled,
        Purpose::Canary | Purpose::Phase { .. } | Purpose::Recheck => false,
    };
    let own = scribe.state.open_gates().filter(|run| run.project == *slug);
    let doubtful: Vec<GateId> = own.filter(counts).map(|run| run.id).collect();
    for gate in doubtful {
        gates::cancel(scribe, slug, gate);
    }
}

/// Returns the landings since a landed tree was last judged from nothing, each objective with its commit.
fn since_in_words(doubtful: &[Doubtful], landings: u64) -> String {
    let named = |landing: &Doubtful| {
        let name = match landing.objectives.as_slice() {
            [] => "your own commits".to_owned(),
            ids => a_few_of(ids, NAMED_MAX),
        };
        format!("{name} ({})", landing.commit.short())
    };
    let names: Vec<String> = doubtful.iter().take(NAMED_MAX).map(named).collect();
    let more = landings.saturating_sub(names.len() as u64);
    match (names.is_empty(), more) {
        (true, _) => "nothing has landed since the last run from nothing".to_owned(),
        (_, 0) => format!("since the last run from nothing landed {}", names.join(", ")),
        (_, more) => {
            format!("since the last run from nothing landed {} and {more} more", names.join(", "))
        }
    }
}

/// `queue recheck`.
pub(in crate::decide) fn ask(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    if project.settings.verify.is_empty() {
        let text = format!("{slug} has no gate: its project file has no commands under `verify`");
        return Err(Refusal::new(text));
    }
    if project.recheck.newest.is_none() {
        let text = format!("nothing has landed in {slug} through its gate yet, so there is nothing to run");
        return Err(Refusal::new(text));
    }
    let (is_held, is_asked) = (gates::is_held(project), project.recheck.asked);
    scribe.mark(slug);
    if !is_asked {
        scribe.record(Fact::RecheckAsked { project: slug.clone() });
    }
    let what = "on the newest landed tree in a new folder without caches";
    let how = "`paddock events` shows its verdict";
    Ok(Answer::text(match (scribe.memo.is_passive, is_held) {
        (_, true) => format!("the gate will run {what} when the merge queue is released; {how}"),
        (true, false) => format!("the gate will run {what} when a supervisor works; {how}"),
        (false, false) => format!("the gate runs {what}; {how}"),
    }))
}

/// A landed commit was run from nothing by a person, and was not green (`verify --rerun`).
pub(in crate::decide) fn reported(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    commit: &ObjectId,
    problem: &str,
) -> Reply {
    let problem = format!("the landed commit {} is not green from nothing ({problem})", commit.short());
    differ(scribe, slug, None, commit, &problem);
    Ok(Answer::text(format!(
        "the merge queue of {slug} is held and its caches are thrown away; `paddock --project {slug} queue \
         release` releases it"
    )))
}

#[cfg(test)]
#[path = "recheck_tests.rs"]
mod tests;
