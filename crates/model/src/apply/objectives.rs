//! Changes by objective events.

use crate::event::Event;
use crate::ids::{ObjectId, ObjectiveKey};
use crate::objective::{Cause, Landed, NextSession, Objective, ObjectiveSpec, Status};
use crate::objective::{Worktree, WorktreeStage};
use crate::operate::Operated;
use crate::reason::Reason;
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
    /// Makes the changes that go with a move to another state.
    pub(super) fn follow_move(
        &mut self,
        key: &ObjectiveKey,
        (from, to, cause): (Status, Status, Cause),
        reason: Option<&Reason>,
        next: Option<&NextSession>,
        at_ms: i64,
    ) {
        if to == Status::Done {
            self.note_progress(key);
        }
        let Some(found) = self.objective_mut(key) else { return };
        // Before `reason` is replaced: a pause has to remember the old one.
        super::operate::after_move(found, from, to, cause);
        found.reason = reason.cloned();
        if let Some(next) = next {
            found.retries += u32::from(next.costs_retry);
            found.next = next.clone();
        }
        if cause == Cause::NothingToLand {
            found.landed =
                Some(Landed { commit: None, at_ms, published_at_ms: None, verified: false, gate: None });
        }
    }

    /// Records the order for a new worktree. Failed attempts of the one before it still count.
    pub(super) fn order_worktree(
        &mut self,
        key: &ObjectiveKey,
        (path, branch): (&str, &str),
        base: &ObjectId,
        epoch: u64,
    ) {
        let Some(found) = self.objective_mut(key) else { return };
        let failures = found.worktree.as_ref().map_or(0, |worktree| worktree.failures);
        found.worktree = Some(Worktree {
            stage: WorktreeStage::Preparing,
            path: path.to_owned(),
            branch: branch.to_owned(),
            base: base.clone(),
            failures,
            epoch,
        });
    }

    pub(super) fn add_objective(&mut self, key: &ObjectiveKey, spec: &ObjectiveSpec, event: &Event) {
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

    /// Sets the stage of a worktree. `failed` counts towards the failed attempts in a row; 0 resets them.
    pub(super) fn set_worktree(&mut self, key: &ObjectiveKey, stage: WorktreeStage, failed: u32) {
        let found = self.objective_mut(key);
        if let Some(worktree) = found.and_then(|objective| objective.worktree.as_mut()) {
            worktree.stage = stage;
            worktree.failures = if failed == 0 { 0 } else { worktree.failures + failed };
        }
    }
}
