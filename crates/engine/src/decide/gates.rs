//! Gate runs of every purpose: when one may start, in which slot, and how one is given up.

use super::scribe::Scribe;
use crate::effect::Effect;
use paddock_model::event::Fact;
use paddock_model::gate::Purpose;
use paddock_model::ids::{GateId, ObjectId, ProjectSlug};
use paddock_model::reason::ReasonCode;
use paddock_model::settings::GateCommand;
use paddock_model::verdicts::terms_of;

/// A gate run that is wanted.
pub(super) struct Wanted {
    pub(super) purpose: Purpose,
    /// The commit that is checked out.
    pub(super) commit: ObjectId,
    /// Its tree.
    pub(super) tree: ObjectId,
    /// What is run; none: the project's `verify`.
    pub(super) commands: Vec<GateCommand>,
}

/// Starts a gate run when one may start: the project can be worked on, nothing is stopping, the disk is not
/// low and a slot is free. A run that is still being stopped has its slot until it is gone.
pub(super) fn start(scribe: &mut Scribe<'_>, slug: &ProjectSlug, wanted: Wanted) -> Option<GateId> {
    start_in(scribe, slug, wanted, false)
}

/// The same; in a slot more than the project has, where that is to be tried.
pub(super) fn start_in(
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
    let slot = free_slot(scribe, slug, is_trial).filter(|_| may_start)?;
    let commands = if wanted.commands.is_empty() { &project.settings.verify } else { &wanted.commands };
    let terms = terms_of(commands, project.settings.worktree.setup.as_deref());
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
    });
    scribe.order(Effect::StartGate { gate });
    Some(gate)
}

/// The first of the project's slots that no open run has.
fn free_slot(scribe: &Scribe<'_>, slug: &ProjectSlug, is_trial: bool) -> Option<u32> {
    let slots = scribe.state.project(slug)?.gate_slots() + u32::from(is_trial);
    let taken = |slot: &u32| scribe.state.open_gates().any(|run| run.project == *slug && run.slot == *slot);
    (1..=slots).find(|slot| !taken(slot))
}

/// Gives up a run; its slot is free once it is gone.
pub(super) fn cancel(scribe: &mut Scribe<'_>, project: &ProjectSlug, gate: GateId) {
    scribe.record(Fact::GateCancelled { project: project.clone(), gate });
    scribe.order(Effect::StopGate { gate });
}
