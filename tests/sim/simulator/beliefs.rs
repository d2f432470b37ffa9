//! Why phases are completed. Notes what each planner saw when its session began, independently of the
//! engine's own records, and checks every completion against it.

use std::collections::BTreeMap;

use paddock_engine::input::Input;
use paddock_model::command::Command;
use paddock_model::event::{Event, Fact};
use paddock_model::hierarchy::{Level, NodeKey, NodeOrder, Stage};
use paddock_model::ids::{NodeId, ObjectiveId, ProjectSlug};
use paddock_model::objective::Status;
use paddock_model::session::SessionKind;
use paddock_model::state::State;

/// The objectives of a phase, with their outcomes.
type Seen = BTreeMap<ObjectiveId, Outcome>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Landed,
    Open,
    Failed,
}

#[derive(Debug, Clone)]
enum Word {
    Planner(Seen),
    Person(Seen),
}

/// Plans that claim a phase to be done, and what their authors had seen.
#[derive(Debug, Default)]
pub(super) struct Beliefs {
    seen: BTreeMap<ProjectSlug, Seen>,
    words: BTreeMap<NodeKey, Word>,
    /// Whether a person completes a node by hand in this step.
    is_by_hand: bool,
    checked: Vec<NodeKey>,
}

fn look(state: &State, project: &ProjectSlug, phase: Option<&NodeId>) -> Seen {
    let Some(phase) = phase else { return Seen::new() };
    let of_phase =
        |one: &&paddock_model::objective::Objective| one.spec.phase.as_deref() == Some(phase.as_str());
    let outcome = |status: Status| match status {
        Status::Done | Status::Skipped => Outcome::Landed,
        Status::Failed | Status::Cancelled => Outcome::Failed,
        _ => Outcome::Open,
    };
    state
        .objectives_of(project)
        .filter(of_phase)
        .map(|one| (one.key.id.clone(), outcome(one.status)))
        .collect()
}

impl Beliefs {
    /// Notes the start of a step.
    pub(super) fn begin(&mut self, input: &Input) {
        self.checked.clear();
        let is_complete =
            |command: &Command| matches!(command, Command::Node { order: NodeOrder::Complete, .. });
        self.is_by_hand = matches!(input, Input::Command(command) if is_complete(command));
    }

    /// Records an event before it changes the state.
    pub(super) fn on_event(&mut self, state: &State, event: &Event) -> Result<(), String> {
        match &event.fact {
            Fact::SessionPlanned { objective, plan } if plan.kind == SessionKind::Planner => {
                let project = &objective.project;
                let phase = state.active_line(project).phase.map(|phase| phase.key.id.clone());
                self.seen.insert(project.clone(), look(state, project, phase.as_ref()));
            }
            Fact::PlanApplied { project, session, phase: Some(phase), objectives, .. } => {
                let key = NodeKey { project: project.clone(), level: Level::Phase, id: phase.clone() };
                let has_waited = state.project(project).is_some_and(|found| found.planning.waiting.is_some());
                let word = match has_waited {
                    true => Word::Person(look(state, project, Some(phase))),
                    false => Word::Planner(self.seen.get(project).cloned().unwrap_or_default()),
                };
                if !objectives.is_empty() {
                    self.words.remove(&key);
                } else if session.is_some() {
                    self.words.insert(key, word);
                }
            }
            Fact::PhaseChecksPassed { node, .. } => self.checked.push(node.clone()),
            Fact::NodeMoved { node, level: Level::Phase, to, .. } => return self.moved(state, node, *to),
            _ => {}
        }
        Ok(())
    }

    fn moved(&mut self, state: &State, node: &NodeKey, to: Stage) -> Result<(), String> {
        let word = self.words.remove(node);
        if to != Stage::Completed || self.is_by_hand || self.checked.contains(node) {
            return Ok(());
        }
        let now = look(state, &node.project, Some(&node.id));
        let failed = |seen: &Seen| -> Vec<ObjectiveId> {
            seen.iter().filter(|(_, how)| **how == Outcome::Failed).map(|(id, _)| id.clone()).collect()
        };
        match word {
            None => Err(format!("beliefs: {node} is completed without a plan, a check or a person")),
            Some(Word::Planner(seen)) if seen != now => Err(format!(
                "beliefs: {node} is completed by a plan that saw {seen:?}, but now it is {now:?}"
            )),
            Some(Word::Planner(_)) if !failed(&now).is_empty() => {
                Err(format!("beliefs: {node} is completed though {:?} failed", failed(&now)))
            }
            Some(Word::Person(seen))
                if failed(&now).iter().any(|id| seen.get(id) != Some(&Outcome::Failed)) =>
            {
                Err(format!(
                    "beliefs: {node} is completed though {:?} failed since a person looked",
                    failed(&now)
                ))
            }
            Some(Word::Person(seen)) if now.keys().any(|id| !seen.contains_key(id)) => {
                Err(format!("beliefs: {node} is completed though work came since a person looked"))
            }
            Some(_) => Ok(()),
        }
    }
}
