//! What planner runs, plans and checks of phases change.

use crate::event::{Fact, SessionPlan};
use crate::gate::Purpose;
use crate::hierarchy::{AimKey, Level, Stage};
use crate::ids::{AimId, GateId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use crate::operate::By;
use crate::planning::{Belief, FailedRound, NOTES_MAX, PhaseProgress, PlannerRun, Planning, WaitingPlan};
use crate::session::SessionKind;
use crate::state::State;

impl State {
    /// Whether the fact was one of the planner's.
    pub(super) fn apply_to_planning(&mut self, fact: &Fact, at_ms: i64) -> bool {
        match fact {
            Fact::PlanAsked { project } => {
                self.plan(project, |planning| {
                    planning.is_asked = true;
                    planning.is_repaired = false;
                    planning.forgive();
                });
                let phase = self.active_line(project).phase.map(|aim| aim.key.id.clone());
                self.progress(project, phase.as_ref(), |progress| (progress.lost, progress.vain) = (0, 0));
            }
            Fact::PlanMade { project, session, phase, plan, warnings, waits } => {
                let waiting = WaitingPlan {
                    session: *session,
                    phase: phase.clone(),
                    plan: (**plan).clone(),
                    warnings: warnings.clone(),
                    since_ms: at_ms,
                };
                self.plan(project, |planning| {
                    planning.waiting = waits.then_some(waiting);
                    planning.barren += 1;
                    planning.failures = 0;
                    planning.faults.clear();
                    (planning.repair_due, planning.is_repaired) = (false, false);
                });
            }
            Fact::PlanRefused { project, faults, .. } => self.plan(project, |planning| {
                planning.faults.clone_from(faults);
                planning.repair_due = !planning.is_repaired;
                planning.is_repaired = true;
                planning.failures = 0;
            }),
            Fact::PlanMissed { project, counts, .. } => {
                self.plan(project, |planning| planning.failures += u32::from(*counts));
            }
            Fact::PlanApplied { project, session, phase, objectives, belief } => {
                self.plan_applied(project, session.is_some(), phase.as_ref(), (objectives, belief.as_ref()));
            }
            Fact::PlanRejected { project, note, .. } => self.plan(project, |planning| {
                planning.waiting = None;
                planning.forgive();
                planning.notes.push(note.clone());
                let excess = planning.notes.len().saturating_sub(NOTES_MAX);
                planning.notes.drain(..excess);
            }),
            Fact::PlannerHeld { project, reason } => self.plan(project, |planning| {
                planning.stuck = Some(reason.clone());
                (planning.is_asked, planning.repair_due) = (false, false);
            }),
            Fact::PlannerReleased { project } => self.plan(project, Planning::forgive),
            _ => return self.apply_to_checks(fact, at_ms),
        }
        true
    }

    /// A plan was applied: the planner's, or one that a person wrote.
    fn plan_applied(
        &mut self,
        project: &ProjectSlug,
        is_planners: bool,
        phase: Option<&AimId>,
        (objectives, belief): (&[ObjectiveId], Option<&Belief>),
    ) {
        self.plan(project, |planning| {
            planning.waiting = None;
            planning.notes.clear();
            if !is_planners {
                planning.forgive();
            }
        });
        self.progress(project, phase, |progress| {
            // Checks alone, from a person, are no belief and end none.
            if is_planners || !objectives.is_empty() {
                progress.is_believed_done = objectives.is_empty();
                progress.belief = belief.cloned();
            }
            progress.failed = None;
            if !objectives.is_empty() {
                progress.vain = 0;
            }
        });
    }

    fn apply_to_checks(&mut self, fact: &Fact, at_ms: i64) -> bool {
        match fact {
            Fact::PhaseChecksSet { aim, checks, by, .. } => self.progress_of(aim, |progress| {
                match by {
                    By::Human => progress.checks.clone_from(checks),
                    By::Automatic => progress.planned_checks.clone_from(checks),
                }
                (progress.failed, progress.vain) = (None, progress.vain * u32::from(*by == By::Automatic));
            }),
            Fact::PhaseChecksPassed { aim, .. } => self.progress_of(aim, |progress| {
                (progress.checking, progress.failed) = (None, None);
                (progress.lost, progress.vain) = (0, 0);
            }),
            Fact::PhaseChecksFailed { aim, gate, failed, .. } => self.progress_of(aim, |progress| {
                progress.checking = None;
                progress.lost = 0;
                progress.vain += u32::from(progress.is_believed_done);
                (progress.is_believed_done, progress.belief) = (false, None);
                progress.failed = Some(FailedRound { gate: *gate, checks: failed.clone(), at_ms });
            }),
            Fact::PhaseChecksLost { aim, .. } => self.progress_of(aim, |progress| {
                progress.checking = None;
                progress.lost += 1;
            }),
            _ => return false,
        }
        true
    }

    /// A gate run was planned; one of a phase's checks holds them as they are now.
    pub(super) fn begin_checks(&mut self, project: &ProjectSlug, purpose: &Purpose, gate: GateId) {
        if let Purpose::Phase { phase } = purpose {
            self.progress(project, Some(phase), |progress| {
                progress.checked = progress.all_checks();
                progress.checking = Some(gate);
            });
        }
    }

    /// A run of checks that nobody wants any more says nothing.
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

    /// A session of the planner was planned.
    pub(super) fn begin_planning(&mut self, project: &ProjectSlug, plan: &SessionPlan, at_ms: i64) {
        if plan.kind != SessionKind::Planner {
            return;
        }
        let phase = self.active_line(project).phase.map(|aim| aim.key.id.clone());
        self.progress(project, phase.as_ref(), |progress| progress.runs += 1);
        let saw = phase.as_ref().map(|phase| self.phase_view(project, phase)).unwrap_or_default();
        self.plan(project, |planning| {
            let is_repair = planning.repair_due;
            planning.run = Some(PlannerRun { session: plan.session, phase, is_repair, saw });
            planning.last_ms = Some(at_ms);
            (planning.is_asked, planning.repair_due) = (false, false);
        });
    }

    /// A session is over; the planner's makes room for the next one, after the cooldown.
    pub(super) fn end_planning(&mut self, project: &ProjectSlug, session: SessionId, at_ms: i64) {
        let is_run = |planning: &Planning| planning.run.as_ref().is_some_and(|run| run.session == session);
        if self.projects.get(project).is_some_and(|project| is_run(&project.planning)) {
            self.plan(project, |planning| {
                planning.run = None;
                planning.last_ms = Some(at_ms);
            });
        }
    }

    /// Something of the project is done: plans are not barren.
    pub(super) fn note_progress(&mut self, key: &ObjectiveKey) {
        let phase = self.objectives.get(key).and_then(|objective| objective.spec.phase.clone());
        let phase = phase.and_then(|phase| AimId::new(phase.as_str()).ok());
        self.progress(&key.project, phase.as_ref(), |progress| {
            (progress.failed, progress.vain) = (None, 0);
        });
        self.plan(&key.project, Planning::progressed);
    }

    /// An aim moved to another stage: what was remembered of the planner's luck was another phase's.
    pub(super) fn stage_moved(&mut self, aim: &AimKey, to: Stage) {
        if aim.level != Level::Phase || to == Stage::Planned {
            return;
        }
        self.plan(&aim.project, |planning| {
            planning.forgive();
            planning.notes.clear();
            planning.faults.clear();
            (planning.repair_due, planning.is_repaired) = (false, false);
        });
        if to == Stage::Active {
            self.progress_of(aim, |progress| {
                (progress.is_believed_done, progress.belief, progress.failed) = (false, None, None);
                (progress.lost, progress.vain) = (0, 0);
            });
        }
    }

    fn plan(&mut self, project: &ProjectSlug, change: impl FnOnce(&mut Planning)) {
        self.change(project, |project| change(&mut project.planning));
    }

    fn progress(
        &mut self,
        project: &ProjectSlug,
        phase: Option<&AimId>,
        change: impl FnOnce(&mut PhaseProgress),
    ) {
        if let Some(id) = phase {
            let key = AimKey { project: project.clone(), level: Level::Phase, id: id.clone() };
            self.progress_of(&key, change);
        }
    }

    fn progress_of(&mut self, aim: &AimKey, change: impl FnOnce(&mut PhaseProgress)) {
        if self.aims.contains_key(aim) {
            self.change_aim(aim, |aim| change(&mut aim.progress));
        }
    }
}
