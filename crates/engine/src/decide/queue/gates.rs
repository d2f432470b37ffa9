//! Gate runs of every purpose: whether one may start, in which slot, and how it is cancelled.

use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use paddock_model::clock::distance_ms;
use paddock_model::event::Fact;
use paddock_model::evidence::KnownComparison;
use paddock_model::gate::{GateRun, Purpose, Start, Verdict};
use paddock_model::ids::{GateId, ObjectId, ProjectSlug};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::settings::GateCommand;
use paddock_model::state::State;
use paddock_model::verdicts::{KnownVerdict, VERDICT_AGE_MAX_MS, terms_of};

/// A gate run to start.
pub(in crate::decide) struct Wanted {
    /// Use of the verdict.
    pub(in crate::decide) purpose: Purpose,
    /// Commit to check out.
    pub(in crate::decide) commit: ObjectId,
    /// Tree of the commit.
    pub(in crate::decide) tree: ObjectId,
    /// Commands to run. Empty for the project's `verify`.
    pub(in crate::decide) commands: Vec<GateCommand>,
}

/// Starts a gate run and returns its id. `None` if the project is not workable, the supervisor is stopping,
/// the disk is low, no slot is free, or a recheck gets the next one.
pub(in crate::decide) fn start(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    wanted: Wanted,
) -> Option<GateId> {
    start_in(scribe, slug, wanted, false)
}

/// Like [`start`]. With `is_trial`, the run may use one slot more than the project has.
pub(in crate::decide) fn start_in(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    wanted: Wanted,
    is_trial: bool,
) -> Option<GateId> {
    let project = scribe.state.project(slug)?;
    let may_start = project.is_workable()
        && !project.holds.contains_key(&ReasonCode::DiskLow)
        && scribe.memo.stopping.is_none()
        && !scribe.memo.is_passive;
    let is_reserved =
        wanted.purpose != Purpose::Recheck && is_recheck_next(scribe.state, project, scribe.now_ms);
    let slot = free_slot(scribe, slug, is_trial).filter(|_| may_start && !is_reserved)?;
    // The terms are those of the start. If the settings change while the run is open, its verdict is about
    // the old gate, and no one may mistake it for a verdict of the new one.
    let commands = if wanted.commands.is_empty() { &project.settings.verify } else { &wanted.commands };
    let terms = terms_of(commands, project.settings.worktree.setup.as_deref());
    let start = start_of(project, &wanted, &terms, scribe.now_ms);
    // Numbers are never used again, so a late answer cannot be taken for that of another run.
    let gate = GateId(scribe.state.counters().gate + 1);
    scribe.record(Fact::GatePlanned {
        project: slug.clone(),
        gate,
        entry: wanted.purpose.entries().first().copied().unwrap_or_default(),
        on_base: matches!(wanted.purpose, Purpose::Base { .. }),
        commit: wanted.commit,
        tree: wanted.tree,
        terms,
        purpose: Some(wanted.purpose),
        slot,
        commands: wanted.commands,
        start,
    });
    scribe.order(Effect::StartGate { gate });
    Some(gate)
}

/// Returns whether a recheck is due and gets the next slot. Other runs wait for that, or a queue that is never
/// idle would put the recheck off for ever.
pub(in crate::decide) fn is_recheck_next(state: &State, project: &Project, now_ms: i64) -> bool {
    let is_open = |run: &GateRun| run.project == project.slug && run.purpose == Purpose::Recheck;
    !project.settings.verify.is_empty()
        && !is_held(project)
        && project.recheck.is_due(&project.settings.gate_terms(), now_ms)
        && !state.open_gates().any(is_open)
}

/// Returns whether the queue of a project may not move.
pub(in crate::decide) fn is_held(project: &Project) -> bool {
    project.train.held.is_some() || project.landing_hold().is_some()
}

/// Returns what a run may start with. A cache that an earlier run left may be the cause of a failure, so a
/// repeat has none, nor has the run on the base that a failure is compared with.
fn start_of(project: &Project, wanted: &Wanted, terms: &str, now_ms: i64) -> Start {
    let has_failed = |known: &KnownVerdict| {
        known.tree == wanted.tree
            && known.terms == terms
            && known.verdict != Verdict::Green
            && distance_ms(now_ms, known.at_ms) < VERDICT_AGE_MAX_MS
    };
    let lacks_tests = |known: &KnownComparison| {
        known.tree == wanted.tree && !known.outcome.may_land() && known.terms == terms
    };
    let is_repeat = project.verdicts.iter().any(has_failed) || project.compared.iter().any(lacks_tests);
    match wanted.purpose {
        Purpose::Recheck => Start::FromNothing,
        // What the branch's own tests left in a folder must not reach the tests of the base.
        Purpose::Tamper { ref entries } if !entries.is_empty() => Start::FromNothing,
        _ if wanted.purpose.is_on_base() || is_repeat => Start::WithoutCaches,
        _ => Start::Kept,
    }
}

/// Returns the first of the project's slots that no open run has. A cancelled run keeps its slot until its
/// processes are gone: they still work in the slot's folder.
fn free_slot(scribe: &Scribe<'_>, slug: &ProjectSlug, is_trial: bool) -> Option<u32> {
    let slots = scribe.state.project(slug)?.gate_slots() + u32::from(is_trial);
    let taken = |slot: &u32| scribe.state.open_gates().any(|run| run.project == *slug && run.slot == *slot);
    (1..=slots).find(|slot| !taken(slot))
}

/// Cancels a run. Its slot is free once its processes are gone.
pub(in crate::decide) fn cancel(scribe: &mut Scribe<'_>, project: &ProjectSlug, gate: GateId) {
    scribe.record(Fact::GateCancelled { project: project.clone(), gate });
    scribe.order(Effect::StopGate { gate });
}
