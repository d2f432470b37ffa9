//! What objective events change.

use crate::event::{Event, Fact};
use crate::ids::ObjectiveKey;
use crate::objective::{Cause, Landed, NextSession, Objective, ObjectiveSpec, Status};
use crate::objective::{Worktree, WorktreeStage};
use crate::operate::Operated;
use crate::state::{EntityKey, State};

fn new_objective(key: &ObjectiveKey, spec: &ObjectiveSpec, event: &Event) -> Objective {
    Objective {
        key: key.clone(),
        spec: spec.clone(),
        status: Status::Todo,
        reason: None,
        since_ms: event.at_ms,
        added_seq: event.seq,
        next: NextSession::default(),
        sessions: Vec::new(),
        retries: 0,
        expansions: 0,
        lost_in_a_row: 0,
        stopped_in_a_row: 0,
        setup_failures: 0,
        overtaken: 0,
        worktree: None,
        head: None,
        landed: None,
        history: Vec::new(),
        operated: Operated::default(),
    }
}

impl State {
    /// Whether the fact was one of an objective's.
    pub(super) fn apply_to_objectives(&mut self, fact: &Fact, event: &Event) -> bool {
        match fact {
            Fact::ObjectiveAdded { objective, spec } => self.add_objective(objective, spec, event),
            Fact::ObjectiveMoved { objective, from, to, cause, reason, next } => {
                self.set_status(objective, *to, event.at_ms);
                if *to == Status::Done {
                    self.note_progress(objective);
                }
                let Some(found) = self.objective_mut(objective) else { return true };
                super::operate::moved(found, *from, *to, *cause);
                found.reason.clone_from(reason);
                if let Some(next) = next {
                    found.retries += u32::from(next.costs_retry);
                    found.next = next.clone();
                }
                if *cause == Cause::NothingToLand {
                    let at_ms = event.at_ms;
                    found.landed =
                        Some(Landed { commit: None, at_ms, published_at_ms: None, verified: false });
                }
            }
            Fact::WorktreeOrdered { objective, path, branch, base, epoch } => {
                let Some(found) = self.objective_mut(objective) else { return true };
                let failures = found.worktree.as_ref().map_or(0, |worktree| worktree.failures);
                found.worktree = Some(Worktree {
                    stage: WorktreeStage::Preparing,
                    path: path.clone(),
                    branch: branch.clone(),
                    base: base.clone(),
                    failures,
                    epoch: *epoch,
                });
            }
            Fact::WorktreeMade { objective } => self.set_worktree(objective, WorktreeStage::Ready, 0),
            Fact::WorktreeFailed { objective, again_ms, .. } => {
                self.set_worktree(objective, WorktreeStage::Broken, 1);
                if let Some(found) = self.objective_mut(objective) {
                    found.next.not_before_ms = Some(*again_ms);
                }
            }
            Fact::WorktreeRetired { objective } => self.set_worktree(objective, WorktreeStage::Removing, 0),
            Fact::WorktreeRemoved { objective } => {
                if let Some(found) = self.objective_mut(objective) {
                    found.worktree = None;
                }
            }
            _ => return false,
        }
        true
    }

    fn add_objective(&mut self, key: &ObjectiveKey, spec: &ObjectiveSpec, event: &Event) {
        let objective = new_objective(key, spec, event);
        for dependency in &objective.spec.depends_on {
            let on = ObjectiveKey { project: key.project.clone(), id: dependency.clone() };
            self.index.dependents.entry(on).or_default().insert(key.id.clone());
        }
        let place = (key.project.clone(), Status::Todo);
        self.index.by_status.entry(place).or_default().insert(key.id.clone());
        self.touched.insert(EntityKey::Objective(key.clone()));
        self.objectives.insert(key.clone(), objective);
    }

    pub(super) fn unlink_dependencies(&mut self, objective: &Objective) {
        for dependency in &objective.spec.depends_on {
            let on = ObjectiveKey { project: objective.key.project.clone(), id: dependency.clone() };
            if let Some(ids) = self.index.dependents.get_mut(&on) {
                ids.remove(&objective.key.id);
            }
        }
    }

    fn set_worktree(&mut self, key: &ObjectiveKey, stage: WorktreeStage, failed: u32) {
        let found = self.objective_mut(key);
        if let Some(worktree) = found.and_then(|objective| objective.worktree.as_mut()) {
            worktree.stage = stage;
            worktree.failures = if failed == 0 { 0 } else { worktree.failures + failed };
        }
    }
}
