//! The phase and the goal that an event belongs to.
//!
//! Stored events name their objective, not its phase, which may change later. Here the phase is the one at the
//! time of the event: [`Lineage`] follows the events that say where objectives and phases belong.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::event_types;
use paddock_ipc::EventLine;
use paddock_model::event::FactKind;
use paddock_model::hierarchy::{Level, NodeKey, Stage};
use paddock_model::ids::{NodeId, ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::state::State;

/// Where objectives, phases and milestones belong.
trait Places {
    fn phase_of(&self, project: &str, objective: &str) -> Option<String>;
    fn parent_of(&self, project: &str, level: Level, id: &str) -> Option<String>;
    fn active_phase(&self, project: &str) -> Option<String>;
}

/// Where objectives, phases and milestones belong after the events so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Phase of each objective, by project and id.
    phases: BTreeMap<(String, String), String>,
    /// Parent of each phase and milestone, by project, level and id.
    parents: BTreeMap<(String, Level, String), String>,
    /// The phase of each project that became active last.
    active: BTreeMap<String, String>,
}

impl Places for Lineage {
    fn phase_of(&self, project: &str, objective: &str) -> Option<String> {
        self.phases.get(&(project.to_owned(), objective.to_owned())).cloned()
    }

    fn parent_of(&self, project: &str, level: Level, id: &str) -> Option<String> {
        self.parents.get(&(project.to_owned(), level, id.to_owned())).cloned()
    }

    fn active_phase(&self, project: &str) -> Option<String> {
        self.active.get(project).cloned()
    }
}

impl Places for State {
    fn phase_of(&self, project: &str, objective: &str) -> Option<String> {
        let key =
            ObjectiveKey { project: ProjectSlug::new(project).ok()?, id: ObjectiveId::new(objective).ok()? };
        self.objective(&key)?.spec.phase.clone()
    }

    fn parent_of(&self, project: &str, level: Level, id: &str) -> Option<String> {
        let key = NodeKey { project: ProjectSlug::new(project).ok()?, level, id: NodeId::new(id).ok()? };
        self.node(&key)?.parent.as_ref().map(ToString::to_string)
    }

    fn active_phase(&self, project: &str) -> Option<String> {
        let project = ProjectSlug::new(project).ok()?;
        self.active_line(&project).phase.map(|phase| phase.key.id.to_string())
    }
}

impl Lineage {
    /// Returns the places of a state.
    #[must_use]
    pub fn from_state(state: &State) -> Self {
        let mut found = Self::default();
        for one in state.objectives() {
            found.put(one.key.project.as_str(), one.key.id.as_str(), one.spec.phase.as_deref());
        }
        for node in state.projects().flat_map(|project| state.nodes_of(&project.slug)) {
            let parent = node.parent.as_ref().map(NodeId::as_str);
            let project = node.key.project.as_str();
            found.put_node(project, node.key.level, node.key.id.as_str(), parent);
            if node.key.level == Level::Phase && node.stage == Stage::Active {
                found.active.insert(project.to_owned(), node.key.id.to_string());
            }
        }
        found
    }

    /// Returns the stored types of the events that [`Self::note`] reads.
    #[must_use]
    pub fn kinds() -> Vec<String> {
        [
            FactKind::ObjectiveAdded,
            FactKind::ObjectiveEdited,
            FactKind::ObjectiveDeleted,
            FactKind::NodeAdded,
            FactKind::NodeEdited,
            FactKind::NodeDeleted,
            FactKind::NodeMoved,
        ]
        .map(|kind| kind.stored().to_owned())
        .to_vec()
    }

    fn put(&mut self, project: &str, objective: &str, phase: Option<&str>) {
        let key = (project.to_owned(), objective.to_owned());
        match phase {
            Some(phase) => drop(self.phases.insert(key, phase.to_owned())),
            None => drop(self.phases.remove(&key)),
        }
    }

    fn put_node(&mut self, project: &str, level: Level, id: &str, parent: Option<&str>) {
        let key = (project.to_owned(), level, id.to_owned());
        match parent {
            Some(parent) => drop(self.parents.insert(key, parent.to_owned())),
            None => drop(self.parents.remove(&key)),
        }
    }

    /// Follows a line of a stored type. Other events than those of [`Self::kinds`] change nothing.
    pub fn note(&mut self, line: &EventLine) {
        let is = |kind: FactKind| line.kind == kind.stored();
        let Some(project) = line.project.as_deref() else { return };
        if is(FactKind::ObjectiveAdded) || is(FactKind::ObjectiveEdited) {
            if let Some(objective) = &line.objective {
                self.put(project, objective, line.data["spec"]["phase"].as_str());
            }
        } else if is(FactKind::ObjectiveDeleted) {
            if let Some(objective) = &line.objective {
                self.put(project, objective, None);
            }
        } else if let Some((level, id)) = node_of(&line.data) {
            if is(FactKind::NodeAdded) || is(FactKind::NodeEdited) {
                self.put_node(project, level, id, line.data["parent"].as_str());
            } else if is(FactKind::NodeMoved) {
                if level == Level::Phase && line.data["to"].as_str() == Some(Stage::Active.word()) {
                    self.active.insert(project.to_owned(), id.to_owned());
                }
            } else if is(FactKind::NodeDeleted) {
                self.put_node(project, level, id, None);
                let is_other =
                    |own: &str, phase: &str| own != project || level != Level::Phase || phase != id;
                self.phases.retain(|(own, _), phase| is_other(own, phase));
            }
        }
    }

    /// Follows a line of a stored type, and returns it with its public type, its phase and its goal.
    pub fn publish(&mut self, mut line: EventLine) -> EventLine {
        // What is deleted belongs where it was; what is added or edited, where it is from now on.
        if line.kind == FactKind::NodeDeleted.stored() || line.kind == FactKind::ObjectiveDeleted.stored() {
            place(self, &mut line);
            self.note(&line);
        } else {
            self.note(&line);
            place(self, &mut line);
        }
        event_types::publish(line)
    }
}

/// Returns a line of a stored type with its public type, and with the phase and the goal that it belongs to in
/// this state.
#[must_use]
pub fn publish(state: &State, mut line: EventLine) -> EventLine {
    place(state, &mut line);
    event_types::publish(line)
}

/// Returns the goal, milestone or phase that an event is about.
fn node_of(data: &Value) -> Option<(Level, &str)> {
    let node = &data["aim"];
    let level = *Level::ALL.iter().find(|level| node["level"].as_str() == Some(level.word()))?;
    Some((level, node["id"].as_str()?))
}

fn place(places: &impl Places, line: &mut EventLine) {
    let Some(project) = line.project.clone() else { return };
    let (level, id) = match node_of(&line.data) {
        Some((level, id)) => (level, id.to_owned()),
        None => {
            // Events of the merge queue have a subject: an objective, or the target branch.
            let subject = || line.data["subject"]["objective"].as_str();
            let own = match line.objective.as_deref().or_else(subject) {
                // Planners work on the active phase.
                Some(id) if id == ObjectiveId::planner().as_str() => places.active_phase(&project),
                Some(id) => places.phase_of(&project, id),
                None => None,
            };
            // Events about plans name their phase themselves.
            let named = || line.data["phase"].as_str().map(str::to_owned);
            let Some(phase) = own.or_else(named) else { return };
            (Level::Phase, phase)
        }
    };
    line.phase = (level == Level::Phase).then(|| id.clone());
    let mut above = Some((level, id));
    while let Some((level, id)) = above {
        if level == Level::Goal {
            line.goal = Some(id);
            return;
        }
        let parent = places.parent_of(&project, level, &id);
        above = level.parent().zip(parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(kind: &str, objective: Option<&str>, data: Value) -> EventLine {
        EventLine {
            version: 1,
            seq: 1,
            at: String::new(),
            kind: kind.to_owned(),
            project: Some("web".to_owned()),
            objective: objective.map(str::to_owned),
            session: None,
            phase: None,
            goal: None,
            data,
        }
    }

    #[test]
    fn events_name_the_phase_and_the_goal_that_they_belonged_to() {
        let mut lineage = Lineage::default();
        let mut of = |kind: &str, objective, data| {
            let line = lineage.publish(line(kind, objective, data));
            (line.phase.unwrap_or_default(), line.goal.unwrap_or_default())
        };
        let is = |phase: &str, goal: &str| (phase.to_owned(), goal.to_owned());
        let node = |level: &str, id: &str| json!({"project": "web", "level": level, "id": id});
        assert_eq!(of("aim_added", None, json!({"aim": node("goal", "g"), "parent": null})), is("", "g"));
        assert_eq!(of("aim_added", None, json!({"aim": node("milestone", "m"), "parent": "g"})), is("", "g"));
        for phase in ["p", "q"] {
            let data = json!({"aim": node("phase", phase), "parent": "m"});
            assert_eq!(of("aim_added", None, data), is(phase, "g"));
        }
        assert_eq!(of("objective_added", Some("a"), json!({"spec": {"phase": "p"}})), is("p", "g"));
        assert_eq!(of("objective_added", Some("b"), json!({"spec": {"phase": null}})), is("", ""));
        assert_eq!(of("landed", Some("a"), json!({})), is("p", "g"));
        assert_eq!(of("objective_edited", Some("a"), json!({"spec": {"phase": "q"}})), is("q", "g"));
        assert_eq!(of("landed", Some("a"), json!({})), is("q", "g"));
        assert_eq!(of("landed", None, json!({"subject": {"objective": "a"}})), is("q", "g"));
        let active = json!({"aim": node("phase", "p"), "level": "phase", "to": "active"});
        assert_eq!(of("aim_moved", None, active), is("p", "g"));
        assert_eq!(of("session_started", Some("_planner"), json!({})), is("p", "g"));
        assert_eq!(of("plan_applied", None, json!({"phase": "p"})), is("p", "g"));
        assert_eq!(of("aim_deleted", None, json!({"aim": node("phase", "q")})), is("q", "g"));
        assert_eq!(of("landed", Some("a"), json!({})), is("", ""));
        assert_eq!(of("landed", Some("b"), json!({})), is("", ""));
    }
}
