//! The merge queue in the status document: the order, the verdicts, and predicted conflicts.

use super::{CanaryStatus, ChangedStatus, GateSlotsStatus, GateStatus, QueueStatus, RadarStatus};
use super::{RecheckStatus, VerdictStatus, View};
use crate::evidence;
use crate::text::rfc3339;
use paddock_model::gate::{CommandResult, GateRun, Purpose, Start, Verdict, VerdictCode};
use paddock_model::project::Project;
use paddock_model::settings::Slots;
use paddock_model::train::{Entry, Subject};

/// Number of latest green runs whose mean is the expected duration of the next run. Few, so that the estimate
/// follows a gate whose duration changes.
const MEAN_OF: usize = 5;

fn name(entry: &Entry) -> Option<String> {
    match &entry.subject {
        Subject::Objective(id) => Some(id.to_string()),
        Subject::Target | Subject::Remote => None,
    }
}

pub(super) fn queue(view: &View<'_>, project: &Project) -> Vec<QueueStatus> {
    let order = (view.answers.in_order)(&project.train);
    let is_held = project.train.held.is_some();
    let expected_s = expected_seconds(view, project);
    let shown = |entry: &Entry| name(entry).unwrap_or_else(|| project.settings.target_branch.clone());
    let status = |(place, entry): (usize, &&Entry)| {
        let open = run_of(view, project, entry);
        let elapsed_s = open.map_or(0, |run| seconds(run, view.now_ms));
        // The estimate assumes one run for each entry up to this one; batches and parallel slots make it
        // shorter.
        let runs = u64::try_from(place + 1).unwrap_or(1);
        QueueStatus {
            objective: name(entry),
            subject: match &entry.subject {
                Subject::Objective(_) => "objective",
                Subject::Target => "target",
                Subject::Remote => "remote",
            },
            position: place + 1,
            state: state_of(project, entry, open.is_some()),
            batch: project.train.batch_of(entry.id),
            ahead: order[..place].iter().map(|entry| shown(entry)).collect(),
            since: rfc3339(entry.queued_ms),
            gate: open.map(|run| GateStatus {
                run: run.id.0,
                purpose: run.purpose.word(),
                slot: run.slot,
                seconds: elapsed_s,
                start: run.start.word(),
                job_slot: None,
            }),
            verdicts: verdicts(view, project, entry),
            eta_seconds: expected_s
                .filter(|_| !is_held)
                .map(|expected| expected.saturating_mul(runs).saturating_sub(elapsed_s)),
        }
    };
    order.iter().enumerate().map(status).collect()
}

fn state_of(project: &Project, entry: &Entry, is_gating: bool) -> &'static str {
    let train = &project.train;
    // A landing whose intent is recorded is finished even when the queue is held, so it comes before the
    // hold.
    match () {
        () if train.is_landing(entry.id) => "landing",
        () if train.held.is_some() => "held",
        () if is_gating => "gating",
        () if train.is_separate(entry.id) => "conflict",
        () if train.batch_of(entry.id).is_some() => "batched",
        () => "waiting",
    }
}

fn seconds(run: &GateRun, now_ms: i64) -> u64 {
    let until = run.finished_ms.unwrap_or(now_ms);
    u64::try_from(until.saturating_sub(run.started_ms)).unwrap_or(0) / 1_000
}

fn run_of<'v>(view: &View<'v>, project: &Project, entry: &Entry) -> Option<&'v GateRun> {
    // A cancelled run may still be stopping, but it no longer judges the entry.
    let is_own = |run: &&GateRun| run.project == project.slug && run.purpose.entries().contains(&entry.id);
    view.state.open_gates().filter(is_own).find(|run| !run.cancelled)
}

fn verdicts(view: &View<'_>, project: &Project, entry: &Entry) -> Vec<VerdictStatus> {
    let is_own = |run: &&GateRun| {
        run.project == project.slug && !run.cancelled && run.purpose.entries().contains(&entry.id)
    };
    let status = |run: &GateRun| {
        Some(VerdictStatus {
            run: run.id.0,
            purpose: run.purpose.word(),
            verdict: plain(run.code()?),
            code: run.code()?.word(),
            text: evidence::verdict(run)?,
            commands: evidence::commands(run),
            differences: evidence::differences(run),
            seconds: seconds(run, view.now_ms),
            start: run.start.word(),
            from_nothing: run.from_nothing,
            changed: changed(run),
        })
    };
    view.state.gates().filter(is_own).filter_map(status).collect()
}

/// Returns the words of a verdict for scripts of earlier builds, which know no difference in a green one.
fn plain(code: VerdictCode) -> &'static str {
    match code {
        VerdictCode::GreenExitOnly => VerdictCode::Green.words(),
        code => code.words(),
    }
}

fn changed(run: &GateRun) -> Vec<ChangedStatus> {
    let status = |result: &CommandResult| {
        let changed = result.changed.as_ref()?;
        Some(ChangedStatus {
            command: result.name.clone(),
            files: changed.paths.iter().map(ToString::to_string).collect(),
            count: changed.count,
            is_gate: changed.is_gate,
        })
    };
    run.results.iter().filter_map(status).collect()
}

/// Returns the mean duration of the latest green runs; a red run may have stopped early and says nothing, and
/// one without its caches takes longer.
fn expected_seconds(view: &View<'_>, project: &Project) -> Option<u64> {
    let is_green = |run: &&GateRun| {
        run.project == project.slug && run.verdict == Some(Verdict::Green) && run.start == Start::Kept
    };
    let all: Vec<u64> = view.state.gates().filter(is_green).map(|run| seconds(run, view.now_ms)).collect();
    let last = &all[all.len().saturating_sub(MEAN_OF)..];
    let count = u64::try_from(last.len()).ok().filter(|count| *count > 0)?;
    Some(last.iter().sum::<u64>().div_ceil(count))
}

pub(super) fn radar(project: &Project) -> Vec<RadarStatus> {
    let seen = project.collisions.iter().map(|found| RadarStatus {
        objective: found.objective.to_string(),
        with: found.with.as_ref().map(ToString::to_string),
        paths: found.paths.iter().map(ToString::to_string).collect(),
    });
    seen.collect()
}

pub(super) fn canary(project: &Project) -> Option<CanaryStatus> {
    let judged = project.canary.judged.as_ref()?;
    Some(CanaryStatus {
        verdict: judged.verdict.words(),
        checks_nothing: project.checks_nothing().is_some(),
        gate: judged.gate.map(|gate| gate.0),
        at: rfc3339(judged.at_ms),
    })
}

pub(super) fn recheck(view: &View<'_>, project: &Project) -> Option<RecheckStatus> {
    let is_own =
        |run: &&GateRun| run.project == project.slug && run.purpose == Purpose::Recheck && !run.cancelled;
    (!project.settings.verify.is_empty()).then(|| RecheckStatus {
        last: project.recheck.last_ms.map(rfc3339),
        landings: project.recheck.landings,
        asked: project.recheck.asked,
        run: view.state.open_gates().find(is_own).map(|run| run.id.0),
    })
}

pub(super) fn gate_slots(project: &Project) -> Option<GateSlotsStatus> {
    let settings = &project.settings;
    let found = project.slot_tuning.found(&settings.gate_terms());
    let thousandths = |value: f64| value / 1_000.0;
    // Without gate commands there are no gate runs, so a number of them would only confuse.
    (!settings.verify.is_empty()).then(|| GateSlotsStatus {
        slots: project.gate_slots(),
        auto: settings.queue.slots == Slots::Auto,
        alone_seconds: found.map(|found| thousandths(found.alone_ms as f64)),
        beside_factor: found.map(|found| thousandths(f64::from(found.beside))),
        why: project.why_slots(),
    })
}
