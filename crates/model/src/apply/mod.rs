//! Applying an event: the only way in which state changes. It asks nothing but the event and the state.

mod agents;
mod asides;
mod making;
mod objectives;
mod operate;
mod planning;
mod projects;
mod queue;
mod sessions;

use super::event::{Event, Fact};
use super::ids::{ObjectiveKey, ProjectSlug, SessionId};
use super::objective::{Objective, Status};
use super::project::Project;
use super::session::Session;
use super::state::{EntityKey, State};

impl State {
    /// Folds one event into the state. What names a thing that is not there is ignored: such an event was
    /// recorded before that thing was removed.
    pub fn apply(&mut self, event: &Event) {
        self.counters.seq = event.seq;
        self.touched.insert(EntityKey::Counters);
        match &event.fact {
            Fact::SupervisorStarted { .. }
            | Fact::SupervisorStopped { .. }
            | Fact::NotifyFailed { .. }
            | Fact::EffectPanicked { .. }
            | Fact::BudgetExhausted { .. } => {}
            fact if self.apply_to_agents(fact, event.at_ms) => {}
            fact if self.apply_to_projects(fact, event.at_ms) => {}
            fact if self.apply_asides(fact, event.at_ms) => {}
            fact if self.apply_to_objectives(fact, event) => {}
            fact if self.apply_orders(fact, event) => {}
            fact if self.apply_to_sessions(fact, event.at_ms) => {}
            fact if self.apply_to_planning(fact, event.at_ms) => {}
            fact => {
                self.apply_to_queue(fact, event.at_ms);
            }
        }
    }

    pub(super) fn project_mut(&mut self, slug: &ProjectSlug) -> Option<&mut Project> {
        self.touched.insert(EntityKey::Project(slug.clone()));
        self.projects.get_mut(slug)
    }

    pub(super) fn objective_mut(&mut self, key: &ObjectiveKey) -> Option<&mut Objective> {
        self.touched.insert(EntityKey::Objective(key.clone()));
        self.objectives.get_mut(key)
    }

    pub(super) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.touched.insert(EntityKey::Session(id));
        self.sessions.get_mut(&id)
    }

    /// Moves an objective to a state, and the index with it.
    pub(super) fn set_status(&mut self, key: &ObjectiveKey, status: Status, at_ms: i64) {
        let Some(objective) = self.objective_mut(key) else { return };
        let before = std::mem::replace(&mut objective.status, status);
        objective.since_ms = at_ms;
        let project = key.project.clone();
        if let Some(ids) = self.index.by_status.get_mut(&(project.clone(), before)) {
            ids.remove(&key.id);
        }
        self.index.by_status.entry((project, status)).or_default().insert(key.id.clone());
    }
}
