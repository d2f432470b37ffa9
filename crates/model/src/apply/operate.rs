//! Changes by people's orders about objectives and the hierarchy.

use crate::event::Event;
use crate::hierarchy::{HierarchyNode, Level, NodeKey, Stage};
use crate::ids::{NodeId, ObjectId, ObjectiveKey, ProjectSlug, SessionId};
use crate::marks::Mark;
use crate::objective::{Cause, Objective, ObjectiveSpec, Status};
use crate::operate::{Approval, BeforePause, By, HumanNote};
use crate::planning::PhaseProgress;
use crate::session::{Exit, SessionEnd};
use crate::state::{EntityKey, State};
use crate::train::Subject;

/// Notes and approvals kept per objective.
const KEPT_MAX: usize = 20;

impl State {
    pub(super) fn widen_scope(&mut self, key: &ObjectiveKey, globs: &[String], by: By) {
        let Some(found) = self.objective_mut(key) else { return };
        found.expansions += u32::from(by == By::Automatic);
        let scope = &mut found.spec.path_scope;
        let new: Vec<String> = globs.iter().filter(|glob| !scope.contains(glob)).cloned().collect();
        match by {
            By::Automatic => found.operated.grown_scope.extend(new.iter().cloned()),
            // Naming a glob means choosing it, even if recovery had added it before.
            By::Human => found.operated.grown_scope.retain(|glob| !globs.contains(glob)),
        }
        scope.extend(new);
        // Recovery compared the wider scope with those that are held. A person did not have to.
        found.operated.scope_released |= by == By::Human;
    }

    pub(super) fn keep_note(&mut self, key: &ObjectiveKey, note: &str) {
        let Some(found) = self.objective_mut(key) else { return };
        found.operated.note = Some(HumanNote { text: note.to_owned(), given_to: None });
        // Only the next session gets the note itself. Later ones find it in the history.
        found.history.push(format!("a person: {note}"));
        let excess = found.history.len().saturating_sub(KEPT_MAX);
        found.history.drain(..excess);
    }

    pub(super) fn keep_approval(&mut self, key: &ObjectiveKey, approval: &Approval) {
        let Some(found) = self.objective_mut(key) else { return };
        found.operated.approvals.push(approval.clone());
        let excess = found.operated.approvals.len().saturating_sub(KEPT_MAX);
        found.operated.approvals.drain(..excess);
    }

    pub(super) fn keep_marks(&mut self, key: &ObjectiveKey, head: &ObjectId, marks: &[Mark]) {
        let Some(found) = self.objective_mut(key) else { return };
        found.operated.marked = (!marks.is_empty()).then(|| (head.clone(), marks.to_vec()));
    }

    pub(super) fn add_node(
        &mut self,
        key: &NodeKey,
        (title, description): (&str, &str),
        parent: Option<&NodeId>,
        event: &Event,
    ) {
        self.touched.insert(EntityKey::Node(key.clone()));
        let new = HierarchyNode {
            key: key.clone(),
            title: title.to_owned(),
            description: description.to_owned(),
            parent: parent.cloned(),
            stage: Stage::Planned,
            since_ms: event.at_ms,
            added_seq: event.seq,
            rank: None,
            progress: PhaseProgress::default(),
        };
        self.nodes.insert(key.clone(), new);
    }

    /// Puts these nodes in the given order, by dealing out the positions that they have among them. All other
    /// nodes of the level keep their positions.
    pub(super) fn order_nodes(&mut self, project: &ProjectSlug, level: Level, order: &[NodeId]) {
        let key = |id: &NodeId| NodeKey { project: project.clone(), level, id: id.clone() };
        let known: Vec<NodeKey> = order.iter().map(key).filter(|key| self.nodes.contains_key(key)).collect();
        let mut places: Vec<u64> = known.iter().map(|key| self.nodes[key].place().0).collect();
        places.sort_unstable();
        for (key, place) in known.iter().zip(places) {
            self.change_node(key, |node| node.rank = Some(place));
        }
    }

    pub(super) fn change_node(&mut self, key: &NodeKey, change: impl FnOnce(&mut HierarchyNode)) {
        self.touched.insert(EntityKey::Node(key.clone()));
        if let Some(node) = self.nodes.get_mut(key) {
            change(node);
        }
    }

    pub(super) fn forget_nodes(&mut self, project: &ProjectSlug) {
        let keys: Vec<NodeKey> = self.nodes_of(project).map(|node| node.key.clone()).collect();
        for key in keys {
            self.nodes.remove(&key);
            self.touched.insert(EntityKey::Node(key));
        }
    }

    /// Forgets a node. The objectives of a phase stay, without a phase: a later phase of the same id is not
    /// theirs.
    pub(super) fn forget_node(&mut self, key: &NodeKey) {
        self.touched.insert(EntityKey::Node(key.clone()));
        self.nodes.remove(key);
        if key.level != Level::Phase {
            return;
        }
        let is_in = |one: &&Objective| one.spec.phase.as_deref() == Some(key.id.as_str());
        let left: Vec<ObjectiveKey> =
            self.objectives_of(&key.project).filter(is_in).map(|one| one.key.clone()).collect();
        for objective in left {
            if let Some(found) = self.objective_mut(&objective) {
                found.spec.phase = None;
            }
        }
    }

    pub(super) fn forget_objective(&mut self, key: &ObjectiveKey) {
        self.touched.insert(EntityKey::Objective(key.clone()));
        let Some(objective) = self.objectives.remove(key) else { return };
        if let Some(ids) = self.index.by_status.get_mut(&(key.project.clone(), objective.status)) {
            ids.remove(&key.id);
        }
        self.unlink_dependencies(&objective);
    }

    pub(super) fn edit(&mut self, key: &ObjectiveKey, spec: ObjectiveSpec) {
        let Some(before) = self.objective(key).cloned() else { return };
        // The index is updated with the old and the new dependencies, since neither can be found from the
        // other.
        self.unlink_dependencies(&before);
        for dependency in &spec.depends_on {
            let on = ObjectiveKey { project: key.project.clone(), id: dependency.clone() };
            self.index.dependents.entry(on).or_default().insert(key.id.clone());
        }
        self.change(&key.project, |project| {
            let is_own = |subject: &Subject| *subject == Subject::Objective(key.id.clone());
            // The queue orders its entries by a copy of the priority.
            for entry in project.train.entries.iter_mut().filter(|entry| is_own(&entry.subject)) {
                entry.priority = spec.priority;
            }
        });
        let Some(objective) = self.objective_mut(key) else { return };
        if objective.spec.path_scope != spec.path_scope {
            // The person saw the whole scope when they edited it, so they chose these globs too.
            objective.operated.grown_scope.clear();
            objective.operated.scope_released = true;
            // The review passed under another scope, so it has to be made again.
            if let Some(before_pause) =
                objective.operated.before_pause.as_mut().filter(|a| a.status == Status::Queued)
            {
                before_pause.status = Status::Review;
            }
        }
        objective.spec = spec;
    }
}

/// Makes the changes that a move to another state brings for the effects of people's orders.
pub(super) fn after_move(objective: &mut Objective, from: Status, to: Status, cause: Cause) {
    let operated = &mut objective.operated;
    let is_set_aside = to.is_set_aside();
    // While it is set aside, other objectives may work in its paths.
    operated.scope_released |= is_set_aside;
    operated.pause_asked &= !is_set_aside;
    // The next step stays undecided during a pause and is decided in review. A move elsewhere is that
    // decision.
    operated.unfollowed &= matches!(to, Status::Paused | Status::Review);
    operated.before_pause =
        (to == Status::Paused).then(|| BeforePause { status: from, reason: objective.reason.clone() });
    if (from.may_be_retried(), to, cause) == (true, Status::Ready, Cause::Human) {
        start_afresh(objective);
    }
}

/// Resets the bounds of recovery, because a person sent the objective back to work.
fn start_afresh(objective: &mut Objective) {
    objective.retries = 0;
    objective.lost_in_a_row = 0;
    objective.stopped_in_a_row = 0;
    objective.setup_failures = 0;
    objective.operated.sessions_before = u32::try_from(objective.sessions.len()).unwrap_or(u32::MAX);
    match &mut objective.worktree {
        Some(worktree) => worktree.failures = 0,
        // The branch was removed with the worktree; the next one begins at the integration tip.
        None => objective.head = None,
    }
}

/// Records that a session was harvested. The next step is undecided, and the note in its prompt is dropped if
/// its agent got to read it.
pub(super) fn after_harvest(
    objective: &mut Objective,
    session: SessionId,
    end: SessionEnd,
    exit: Option<&Exit>,
) {
    objective.operated.unfollowed = true;
    // Such a session may have ended before its agent read the prompt.
    let has_run = !matches!(end, SessionEnd::Interrupted | SessionEnd::Lost)
        && !matches!(exit, Some(Exit::NotStarted(_) | Exit::SetupFailed(_)));
    let was_given = |note: &HumanNote| note.given_to == Some(session);
    if has_run && objective.operated.note.as_ref().is_some_and(was_given) {
        objective.operated.note = None;
    }
}
