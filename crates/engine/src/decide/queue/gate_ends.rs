//! The end of a gate run: its record, and its effect on what the run was for.

use crate::decide::plans::phases;
use crate::decide::queue::disk_space;
use crate::decide::queue::recheck;
use crate::decide::queue::side_runs;
use crate::decide::scribe::Scribe;
use paddock_model::event::Fact;
use paddock_model::gate::{CommandResult, Purpose, Verdict, verdict_of};
use paddock_model::ids::{GateId, ProjectSlug};
use paddock_model::reason::ReasonCode;
use paddock_model::settings::Slots;
use paddock_model::verdicts::contradicted;

/// The processes of a run are gone. `results` is `None` if the run left no record.
pub(in crate::decide) fn exited(
    scribe: &mut Scribe<'_>,
    id: GateId,
    results: Option<Vec<CommandResult>>,
    from_nothing: bool,
) {
    let Some(gate) = scribe.state.gate(id).cloned() else { return };
    let Some(project) = scribe.state.project(&gate.project) else { return };
    if gate.finished_ms.is_some() {
        return;
    }
    if results.is_none() && project.holds.contains_key(&ReasonCode::RepositoryBroken) && !gate.cancelled {
        // The run needed the repository. It says nothing, and another one starts when the repository is back.
        scribe.record(Fact::GateCancelled { project: gate.project.clone(), gate: id });
        return exited(scribe, id, None, from_nothing);
    }
    // Without results the verdict is "not evaluated": a missing record must never count as green.
    let results = results.unwrap_or_default();
    let commands = if gate.commands.is_empty() { &project.settings.verify } else { &gate.commands };
    let verdict = verdict_of(&results, commands.len());
    // Checks of a phase run other commands than the gate, so they cannot contradict its verdicts. A recheck
    // that does contradict them has found what it is there for.
    let is_other = matches!(gate.purpose, Purpose::Phase { .. } | Purpose::Recheck);
    let known = contradicted(&project.verdicts, &gate.tree, &gate.terms, verdict).filter(|_| !is_other);
    let earlier = known.map(|known| known.gate);
    scribe.mark(&gate.project);
    let project = gate.project.clone();
    scribe.record(Fact::GateEnded { project: project.clone(), gate: id, verdict, results, from_nothing });
    // Two verdicts on one tree are a flake: it is recorded, and nobody is blamed. A cancelled run has no
    // verdict.
    if let (Some(earlier), false) = (earlier, gate.cancelled) {
        scribe.record(Fact::FlakeSeen { project, tree: gate.tree, earlier, gate: id });
    }
    ended(scribe, id);
}

/// Informs the owner of a run that is over and recorded. The queue needs no call: its next plan finds the
/// verdict among the recorded ones.
fn ended(scribe: &mut Scribe<'_>, gate: GateId) {
    let Some(run) = scribe.state.gate(gate).cloned() else { return };
    side_runs::ended(scribe, &run);
    measured(scribe, &run.project);
    if run.verdict == Some(Verdict::Green) {
        disk_space::over(scribe, &run.project);
    }
    match &run.purpose {
        Purpose::Candidate { .. } | Purpose::Base { .. } | Purpose::Ahead { .. } | Purpose::External => {}
        Purpose::Canary | Purpose::Tamper { .. } => {}
        Purpose::Recheck => recheck::ended(scribe, &run),
        Purpose::Phase { .. } => phases::checks_ended(scribe, &run),
    }
}

/// Records how many slots are worth their contention, if the number has changed.
fn measured(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let Some(project) = scribe.state.project(slug) else { return };
    let Some(found) = project.slot_tuning.measured().filter(|_| project.settings.queue.slots == Slots::Auto)
    else {
        return;
    };
    if project.slot_tuning.found.is_none_or(|known| known.slots != found.slots) {
        let terms = project.slot_tuning.terms.clone();
        scribe.record(Fact::SlotsMeasured { project: slug.clone(), terms, found });
    }
}
