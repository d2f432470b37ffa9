//! Changes by events about planner sessions, plans, and the checks of phases.

use crate::event::SessionPlan;
use crate::gate::Purpose;
use crate::hierarchy::{Level, NodeKey, Stage};
use crate::ids::{GateId, NodeId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use crate::operate::By;
use crate::plan::{PhaseCheck, PlanDocument};
use crate::planning::{
    Belief, FailedCheck, FailedRound, NOTES_MAX, PhaseProgress, PlannerRun, Planning, WaitingPlan,
};
use crate::session::SessionKind;
use crate::state::State;

/// Returns a plan that waits for a person's approval.
pub(super) fn waiting(
    session: SessionId,
    phase: &Option<NodeId>,
    plan: &PlanDocument,
    warnings: &[String],
    since_ms: i64,
) -> WaitingPlan {
    WaitingPlan { session, phase: phase.clone(), plan: plan.clone(), warnings: warnings.to_vec(), since_ms }
}

impl State {
    /// Records that a person asked for a plan. Whatever kept the planner back no longer does.
    pub(super) fn ask_plan(&mut self, project: &ProjectSlug) {
        self.plan(project, |planning| {
            planning.is_asked = true;
            planning.is_repaired = false;
            planning.reset_failures();
        });
        let phase = self.active_line(project).phase.map(|node| node.key.id.clone());
        self.progress(project, phase.as_ref(), |progress| (progress.lost, progress.vain) = (0, 0));
    }

    pub(super) fn plan_made(&mut self, project: &ProjectSlug, waiting: Option<WaitingPlan>) {
        self.plan(project, |planning| {
            planning.waiting = waiting;
            // Every plan counts as barren until something lands (`progressed`).
            planning.barren += 1;
            planning.failures = 0;
            planning.faults.clear();
            (planning.repair_due, planning.is_repaired) = (false, false);
        });
    }

    pub(super) fn plan_refused(&mut self, project: &ProjectSlug, faults: &[String]) {
        self.plan(project, |planning| {
            planning.faults = faults.to_vec();
            // Each plan gets one repair, so that a planner cannot go round in circles.
            planning.repair_due = !planning.is_repaired;
            planning.is_repaired = true;
            planning.failures = 0;
        });
    }

    pub(super) fn plan_rejected(&mut self, project: &ProjectSlug, note: &str) {
        self.plan(project, |planning| {
            planning.waiting = None;
            planning.reset_failures();
            planning.notes.push(note.to_owned());
            let excess = planning.notes.len().saturating_sub(NOTES_MAX);
            planning.notes.drain(..excess);
        });
    }

    pub(super) fn set_checks(&mut self, phase: &NodeKey, checks: &[PhaseCheck], by: By) {
        self.progress_of(phase, |progress| {
            match by {
                By::Human => progress.checks = checks.to_vec(),
                By::Automatic => progress.planned_checks = checks.to_vec(),
            }
            // A person's checks are a new start. The planner's own must not reset the count of rounds that it
            // could not satisfy.
            (progress.failed, progress.vain) = (None, progress.vain * u32::from(by == By::Automatic));
        });
    }

    /// Removes a check from both lists. The other checks are due again, and the planner gets a new start: the
    /// removed one may be why it could not satisfy them.
    pub(super) fn remove_check(&mut self, phase: &NodeKey, check: &PhaseCheck) {
        self.progress_of(phase, |progress| {
            progress.checks.retain(|known| !known.is_same(check));
            progress.planned_checks.retain(|known| !known.is_same(check));
            progress.removed_checks.push(check.clone());
            (progress.failed, progress.vain) = (None, 0);
        });
        self.plan(&phase.project, Planning::reset_failures);
    }

    pub(super) fn checks_failed(
        &mut self,
        phase: &NodeKey,
        gate: GateId,
        failed: &[FailedCheck],
        at_ms: i64,
    ) {
        self.progress_of(phase, |progress| {
            progress.checking = None;
            progress.lost = 0;
            // The planner believed that nothing was left to do, and the checks disagree.
            progress.vain += u32::from(progress.is_believed_done);
            (progress.is_believed_done, progress.belief) = (false, None);
            progress.failed = Some(FailedRound { gate, checks: failed.to_vec(), at_ms });
        });
    }

    /// Records that a plan was applied, whether the planner or a person wrote it.
    pub(super) fn plan_applied(
        &mut self,
        project: &ProjectSlug,
        is_planners: bool,
        phase: Option<&NodeId>,
        (objectives, belief): (&[ObjectiveId], Option<&Belief>),
    ) {
        self.plan(project, |planning| {
            planning.waiting = None;
            planning.notes.clear();
            if !is_planners {
                planning.reset_failures();
            }
        });
        self.progress(project, phase, |progress| {
            // Checks alone, from a person, neither state nor withdraw the belief that the phase is done.
            if is_planners || !objectives.is_empty() || belief.is_some() {
                progress.is_believed_done = objectives.is_empty();
                progress.belief = belief.cloned();
            }
            progress.failed = None;
            if !objectives.is_empty() {
                progress.vain = 0;
            }
        });
    }

    /// Records that a gate run was planned. A run of a phase's checks keeps them as they are now.
    pub(super) fn begin_checks(&mut self, project: &ProjectSlug, purpose: &Purpose, gate: GateId) {
        if let Purpose::Phase { phase } = purpose {
            self.progress(project, Some(phase), |progress| {
                progress.checked = progress.all_checks();
                progress.checking = Some(gate);
            });
        }
    }

    /// Records that a gate run was cancelled. A phase's checks then have no result, and are due again.
    pub(super) fn cancel_checks(&mut self, project: &ProjectSlug, gate: GateId) {
        let Some(Purpose::Phase { phase }) = self.gates.get(&gate).map(|run| run.purpose.clone()) else {
            return;
        };
        self.progress(project, Some(&phase), |progress| {
            if progress.checking == Some(gate) {
                progress.checking = None;
            }
        });
    }

    /// Records that a planner session was planned.
    pub(super) fn begin_planning(&mut self, project: &ProjectSlug, plan: &SessionPlan, at_ms: i64) {
        if plan.kind != SessionKind::Planner {
            return;
        }
        let phase = self.active_line(project).phase.map(|node| node.key.id.clone());
        self.progress(project, phase.as_ref(), |progress| progress.runs += 1);
        // What the session sees now decides later whether its belief still counts.
        let saw = phase.as_ref().map(|phase| self.phase_view(project, phase)).unwrap_or_default();
        self.plan(project, |planning| {
            let is_repair = planning.repair_due;
            planning.run = Some(PlannerRun { session: plan.session, phase, is_repair, saw });
            planning.last_ms = Some(at_ms);
            (planning.is_asked, planning.repair_due) = (false, false);
        });
    }

    /// Records that a session is over. After a planner session the cooldown begins.
    pub(super) fn end_planning(&mut self, project: &ProjectSlug, session: SessionId, at_ms: i64) {
        let is_run = |planning: &Planning| planning.run.as_ref().is_some_and(|run| run.session == session);
        if self.projects.get(project).is_some_and(|project| is_run(&project.planning)) {
            self.plan(project, |planning| {
                planning.run = None;
                planning.last_ms = Some(at_ms);
            });
        }
    }

    /// Records that an objective is done, which proves that the last plans were of use.
    pub(super) fn note_progress(&mut self, key: &ObjectiveKey) {
        let phase = self.objectives.get(key).and_then(|objective| objective.spec.phase.clone());
        let phase = phase.and_then(|phase| NodeId::new(phase.as_str()).ok());
        self.progress(&key.project, phase.as_ref(), |progress| {
            (progress.failed, progress.vain) = (None, 0);
        });
        self.plan(&key.project, Planning::progressed);
    }

    /// Records that a node moved to another stage. What was remembered of the planner was about another
    /// phase.
    pub(super) fn stage_moved(&mut self, node: &NodeKey, to: Stage) {
        // The planner works on the active phase, so only activating or completing a phase concerns it.
        if node.level != Level::Phase || to == Stage::Planned {
            return;
        }
        self.plan(&node.project, |planning| {
            planning.reset_failures();
            planning.notes.clear();
            planning.faults.clear();
            (planning.repair_due, planning.is_repaired) = (false, false);
        });
        if to == Stage::Active {
            self.progress_of(node, |progress| {
                (progress.is_believed_done, progress.belief, progress.failed) = (false, None, None);
                (progress.lost, progress.vain) = (0, 0);
            });
        }
    }

    pub(super) fn plan(&mut self, project: &ProjectSlug, change: impl FnOnce(&mut Planning)) {
        self.change(project, |project| change(&mut project.planning));
    }

    fn progress(
        &mut self,
        project: &ProjectSlug,
        phase: Option<&NodeId>,
        change: impl FnOnce(&mut PhaseProgress),
    ) {
        if let Some(id) = phase {
            let key = NodeKey { project: project.clone(), level: Level::Phase, id: id.clone() };
            self.progress_of(&key, change);
        }
    }

    pub(super) fn progress_of(&mut self, node: &NodeKey, change: impl FnOnce(&mut PhaseProgress)) {
        if self.nodes.contains_key(node) {
            self.change_node(node, |node| change(&mut node.progress));
        }
    }
}
