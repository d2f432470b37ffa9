//! Phases: when a phase has no work left, its checks run; when they pass, the next phase becomes active.
//!
//! The checks run as a gate run of purpose `Phase` on the integration tip. A failed check is passed to the
//! next plan; a second failure after an empty plan goes to a person. `hierarchy::complete` is the only way to
//! complete a phase, milestone or goal, whether by checks, by belief or by a person; the next planned goal
//! follows.

use crate::decide::queue::gates::{self, Wanted};
use crate::decide::queue::holds::hold_planner;
use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use crate::input::Problem;
use paddock_model::event::Fact;
use paddock_model::gate::{GateRun, Purpose};
use paddock_model::hierarchy::{HierarchyNode, Level, NodeKey, Stage};
use paddock_model::ids::{GateId, NodeId, ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::Status;
use paddock_model::operate::By;
use paddock_model::plan::PhaseCheck;
use paddock_model::planning::{Belief, FailedCheck, VAIN_MAX, planners};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::settings::GateCommand;
use paddock_model::state::State;

/// Runs of a phase's checks in a row without a result, before a person is asked.
const LOST_MAX: u32 = 3;
/// Time limit of a check, in minutes: the default of a gate command.
const CHECK_TIMEOUT_MINUTES: u32 = 20;

/// Returns whether the phase has an objective in one of these states.
fn has_any(state: &State, phase: &NodeKey, statuses: &[Status]) -> bool {
    let belongs = |id: &ObjectiveId| {
        let key = ObjectiveKey { project: phase.project.clone(), id: id.clone() };
        let own = state.objective(&key).and_then(|objective| objective.spec.phase.as_deref());
        own == Some(phase.id.as_str())
    };
    statuses.iter().any(|status| state.in_status(&phase.project, *status).iter().any(belongs))
}

/// Returns whether the checks of the active phase are due.
#[must_use]
pub(crate) fn checks_due(state: &State, project: &Project, phase: &HierarchyNode) -> bool {
    let progress = &phase.progress;
    if !progress.has_checks() || progress.checking.is_some() || progress.lost >= LOST_MAX {
        return false;
    }
    // The same checks on the same tip would fail again: they run again once something has landed.
    let is_news = progress
        .failed
        .as_ref()
        .is_none_or(|failed| state.gate(failed.gate).is_none_or(|run| run.commit != project.integration.tip));
    is_news && is_finished(state, project, phase)
}

/// Returns whether no work of the phase is left or planned, and there was some. An empty phase is not
/// finished: its objectives may not have been added yet. The planner's belief that nothing is to be done
/// counts as well.
fn is_finished(state: &State, project: &Project, phase: &HierarchyNode) -> bool {
    // A plan that is being made or approved may add work to the phase.
    let planning = &project.planning;
    let is_planned = planning.run.is_some() || planning.waiting.is_some() || planning.is_asked;
    !is_planned
        && !has_any(state, &phase.key, &Status::UNFINISHED)
        && (is_believed_done(state, phase) || has_any(state, &phase.key, &[Status::Done, Status::Skipped]))
}

/// Returns whether the planner or a person believes that the phase is done, and has seen the phase as it is
/// now.
pub(in crate::decide) fn is_believed_done(state: &State, phase: &HierarchyNode) -> bool {
    let holds = |belief: &Belief| {
        belief.holds(&state.phase_view(&phase.key.project, &phase.key.id), phase.progress.has_checks())
    };
    phase.progress.belief.as_ref().is_some_and(holds)
}

/// Returns whether checks may run in a project.
pub(in crate::decide) fn may_check(project: &Project) -> bool {
    project.is_workable() && !project.paused && project.dispatch_hold().is_none()
}

pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    if scribe.is_quiet() {
        return;
    }
    for slug in scribe.marked() {
        let Some(project) = scribe.state.project(&slug).filter(|project| may_check(project)) else {
            continue;
        };
        let Some(phase) = scribe.state.active_line(&slug).phase else { continue };
        if checks_due(scribe.state, project, phase) {
            let (tip, phase) = (project.integration.tip.clone(), phase.clone());
            start_checks(scribe, &phase, tip);
        } else if is_reached(scribe.state, project, phase) {
            let key = phase.key.clone();
            crate::decide::plans::hierarchy::complete(scribe, &key);
        }
    }
}

/// Returns whether a phase without checks is reached: none of its work is left, and the planner or a person
/// believes that it is done. If an objective of the phase failed or was cancelled, only a person's belief
/// counts.
fn is_reached(state: &State, project: &Project, phase: &HierarchyNode) -> bool {
    !phase.progress.has_checks() && is_finished(state, project, phase) && is_believed_done(state, phase)
}

/// Starts the checks of a phase on the integration tip. They wait for a gate slot like every other run.
fn start_checks(scribe: &mut Scribe<'_>, phase: &HierarchyNode, tip: ObjectId) {
    let checks = phase.progress.all_checks();
    let command = |(place, check): (usize, &PhaseCheck)| {
        GateCommand::new(format!("check-{}", place + 1), check.check_command.clone(), CHECK_TIMEOUT_MINUTES)
    };
    let wanted = Wanted {
        purpose: Purpose::Phase { phase: phase.key.id.clone() },
        // The tree only matters for verdicts, and none is kept of checks.
        tree: tip.clone(),
        commit: tip,
        commands: checks.iter().enumerate().map(command).collect(),
    };
    gates::start(scribe, &phase.key.project, wanted);
}

/// A run of checks is over: its results are read.
pub(in crate::decide) fn checks_ended(scribe: &mut Scribe<'_>, run: &GateRun) {
    let Some(node) = checking(scribe, run) else { return };
    match run.results.is_empty() {
        true => lose(scribe, &node, run.id, "its keeper vanished, or it could not be started"),
        false => scribe.order(Effect::ReadChecks { gate: run.id }),
    }
}

/// Returns the phase that waits for this run. `None` if the phase waits for another run, or for none.
fn checking(scribe: &Scribe<'_>, run: &GateRun) -> Option<NodeKey> {
    let Purpose::Phase { phase } = &run.purpose else { return None };
    let node = NodeKey { project: run.project.clone(), level: Level::Phase, id: phase.clone() };
    let found = scribe.state.node(&node)?;
    (found.progress.checking == Some(run.id)).then_some(node)
}

/// The results of a run of checks were read, or could not be.
pub(in crate::decide) fn checks_read(
    scribe: &mut Scribe<'_>,
    gate: GateId,
    failed: Result<Vec<FailedCheck>, Problem>,
) {
    let Some(run) = scribe.state.gate(gate).cloned() else { return };
    let Some(node) = checking(scribe, &run) else { return };
    scribe.mark(&run.project);
    match failed {
        Err(problem) => lose(scribe, &node, gate, problem.text()),
        // No failure and missing results: the run was cut off, and must not count as passed.
        Ok(failed) if failed.is_empty() && run.results.len() < run.commands.len() => {
            lose(scribe, &node, gate, "not every check was run");
        }
        Ok(failed) if failed.is_empty() => pass(scribe, &node, gate),
        Ok(failed) => fail(scribe, &node, gate, failed),
    }
}

fn pass(scribe: &mut Scribe<'_>, node: &NodeKey, gate: GateId) {
    let (project, key) = (node.project.clone(), node.clone());
    scribe.record(Fact::PhaseChecksPassed { project, node: key, gate });
    let Some(project) = scribe.state.project(&node.project) else { return };
    let Some(phase) = scribe.state.node(node).filter(|phase| phase.stage == Stage::Active) else { return };
    // Work may have been added to the phase while its checks ran.
    if is_finished(scribe.state, project, phase) {
        crate::decide::plans::hierarchy::complete(scribe, node);
    }
}

fn fail(scribe: &mut Scribe<'_>, node: &NodeKey, gate: GateId, failed: Vec<FailedCheck>) {
    let (project, key) = (node.project.clone(), node.clone());
    let problem = failed.first().map(|check| format!("{}: {}", named(check), check.problem));
    scribe.record(Fact::PhaseChecksFailed { project, node: key, gate, failed });
    let vain = scribe.state.node(node).map_or(0, |phase| phase.progress.vain);
    let plans = scribe.state.project(&node.project).is_some_and(|p| !planners(p).is_empty());
    let problem = problem.unwrap_or_default();
    // The planner reads the failure in its next prompt. If it answers with an empty plan again and again, it
    // cannot help. Without a planner, people see the failed checks on the phase.
    if vain >= VAIN_MAX && plans {
        let text = format!(
            "the checks of the phase {} failed {vain} times after a plan that had nothing to add ({problem})",
            node.id
        );
        hold_planner(scribe, &node.project, ReasonCode::ChecksFail, text);
    }
}

fn named(check: &FailedCheck) -> &str {
    if check.description.trim().is_empty() { &check.command } else { check.description.trim() }
}

fn lose(scribe: &mut Scribe<'_>, node: &NodeKey, gate: GateId, problem: &str) {
    let (project, key) = (node.project.clone(), node.clone());
    scribe.record(Fact::PhaseChecksLost { project, node: key, gate, problem: problem.to_owned() });
    let lost = scribe.state.node(node).map_or(0, |phase| phase.progress.lost);
    if lost >= LOST_MAX {
        let text = format!("the checks of the phase {} could not be run {lost} times: {problem}", node.id);
        hold_planner(scribe, &node.project, ReasonCode::NotEvaluated, text);
    }
}

/// Sets the checks of a phase, unless it has exactly these. Checks by people and checks by the planner are
/// kept apart.
pub(in crate::decide) fn set_checks(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    phase: &NodeId,
    checks: Vec<PhaseCheck>,
    by: By,
) {
    let node = NodeKey { project: project.clone(), level: Level::Phase, id: phase.clone() };
    // What a person removed stays removed, even if the planner asks for it again.
    let removed = scribe.state.node(&node).map(|found| found.progress.removed_checks.clone());
    let mut checks = checks;
    if by == By::Automatic {
        checks.retain(|check| !removed.iter().flatten().any(|removed| removed.is_same(check)));
    }
    let is_so = |found: &HierarchyNode| match by {
        By::Human => found.progress.checks == checks,
        By::Automatic => found.progress.planned_checks == checks,
    };
    if scribe.state.node(&node).is_some_and(|found| !is_so(found)) {
        scribe.record(Fact::PhaseChecksSet { project: project.clone(), node, checks, by });
    }
}
