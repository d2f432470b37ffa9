//! The state of a workspace: the fold of all its events.
//!
//! [`State::apply`](super::apply) is the only function that changes it. Supervisor and console therefore hold
//! equal states after the same event, and a restart may load the stored rows instead of replaying the log.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::agent::AgentHealth;
use super::gate::GateRun;
use super::hierarchy::{HierarchyNode, Level, Line, NodeKey, Stage};
use super::ids::{AgentId, GateId, NodeId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use super::objective::{Objective, Status};
use super::planning::PhaseView;
use super::project::Project;
use super::session::Session;

/// Facts about the workspace as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Sequence number of the last event.
    pub seq: u64,
    /// Number of the last session.
    pub session: u64,
    /// Number of the last gate run.
    pub gate: u64,
    /// When the user's current day began, in Unix milliseconds. The supervisor reports it, since the engine
    /// knows no time zone.
    #[serde(default)]
    pub day_ms: i64,
    /// Health of each agent. It is kept per workspace, not per project, because a subscription is the user's.
    #[serde(default)]
    pub agents: BTreeMap<AgentId, AgentHealth>,
}

/// Names an entity whose stored row has to be written again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntityKey {
    /// The [`Counters`].
    Counters,
    /// A project.
    Project(ProjectSlug),
    /// An objective.
    Objective(ObjectiveKey),
    /// A session.
    Session(SessionId),
    /// A gate run.
    Gate(GateId),
    /// A goal, milestone or phase.
    Node(NodeKey),
}

/// Everything that Paddock knows about a workspace.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(super) counters: Counters,
    pub(super) projects: BTreeMap<ProjectSlug, Project>,
    pub(super) objectives: BTreeMap<ObjectiveKey, Objective>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) gates: BTreeMap<GateId, GateRun>,
    pub(super) nodes: BTreeMap<NodeKey, HierarchyNode>,
    pub(super) touched: BTreeSet<EntityKey>,
    pub(super) index: Index,
}

/// Caches derived from the rest of the state. [`State::check_index`] compares them with a slow derivation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Index {
    pub(super) by_status: BTreeMap<(ProjectSlug, Status), BTreeSet<ObjectiveId>>,
    pub(super) dependents: BTreeMap<ObjectiveKey, BTreeSet<ObjectiveId>>,
    pub(super) open_sessions: BTreeSet<SessionId>,
    pub(super) open_gates: BTreeSet<GateId>,
}

/// Two states are equal if their stored parts are equal. Caches follow from these, and pending writes are not
/// content.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.counters == other.counters
            && self.projects == other.projects
            && self.objectives == other.objectives
            && self.sessions == other.sessions
            && self.gates == other.gates
            && self.nodes == other.nodes
    }
}

static NO_IDS: BTreeSet<ObjectiveId> = BTreeSet::new();

impl State {
    /// Assembles a state from its stored rows, and derives the caches.
    #[must_use]
    pub fn from_parts(
        counters: Counters,
        projects: Vec<Project>,
        objectives: Vec<Objective>,
        sessions: Vec<Session>,
        gates: Vec<GateRun>,
        nodes: Vec<HierarchyNode>,
    ) -> Self {
        let mut state = Self {
            counters,
            projects: projects.into_iter().map(|p| (p.slug.clone(), p)).collect(),
            objectives: objectives.into_iter().map(|o| (o.key.clone(), o)).collect(),
            sessions: sessions.into_iter().map(|s| (s.id, s)).collect(),
            gates: gates.into_iter().map(|g| (g.id, g)).collect(),
            nodes: nodes.into_iter().map(|node| (node.key.clone(), node)).collect(),
            // The parts come from the stored rows, so none of them has to be written.
            touched: BTreeSet::new(),
            index: Index::default(),
        };
        state.index = state.derive_index();
        state
    }

    /// Returns the counters of the workspace.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns the health of an agent, which all projects share; `None` if nothing is recorded about it.
    #[must_use]
    pub fn agent_health(&self, id: &AgentId) -> Option<&AgentHealth> {
        self.counters.agents.get(id)
    }

    /// Iterates over all projects, ordered by slug.
    pub fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.values()
    }

    /// Returns the project with that slug.
    #[must_use]
    pub fn project(&self, slug: &ProjectSlug) -> Option<&Project> {
        self.projects.get(slug)
    }

    /// Iterates over all objectives, ordered by project and id.
    pub fn objectives(&self) -> impl Iterator<Item = &Objective> {
        self.objectives.values()
    }

    /// Iterates over the objectives of a project, ordered by id.
    pub fn objectives_of<'a>(&'a self, project: &'a ProjectSlug) -> impl Iterator<Item = &'a Objective> {
        self.objectives.values().filter(move |objective| objective.key.project == *project)
    }

    /// Returns the objective with that key.
    #[must_use]
    pub fn objective(&self, key: &ObjectiveKey) -> Option<&Objective> {
        self.objectives.get(key)
    }

    /// Iterates over all sessions, oldest first.
    pub fn sessions(&self) -> impl DoubleEndedIterator<Item = &Session> {
        self.sessions.values()
    }

    /// Returns the session with that number.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// Iterates over the sessions that have not ended.
    pub fn open_sessions(&self) -> impl Iterator<Item = &Session> {
        self.index.open_sessions.iter().filter_map(|id| self.sessions.get(id))
    }

    /// Returns the gate run with that number.
    #[must_use]
    pub fn gate(&self, id: GateId) -> Option<&GateRun> {
        self.gates.get(&id)
    }

    /// Iterates over all gate runs, oldest first.
    pub fn gates(&self) -> impl DoubleEndedIterator<Item = &GateRun> {
        self.gates.values()
    }

    /// Iterates over the gate runs that have not ended.
    pub fn open_gates(&self) -> impl Iterator<Item = &GateRun> {
        self.index.open_gates.iter().filter_map(|id| self.gates.get(id))
    }

    /// Returns the ids of the objectives of a project that are in a state.
    #[must_use]
    pub fn in_status(&self, project: &ProjectSlug, status: Status) -> &BTreeSet<ObjectiveId> {
        self.index.by_status.get(&(project.clone(), status)).unwrap_or(&NO_IDS)
    }

    /// Returns the ids of the objectives that depend directly on this one.
    #[must_use]
    pub fn dependents(&self, key: &ObjectiveKey) -> &BTreeSet<ObjectiveId> {
        self.index.dependents.get(key).unwrap_or(&NO_IDS)
    }

    /// Returns the dependencies of an objective that are neither done nor skipped. A dependency that does not
    /// exist (any more) blocks nothing.
    #[must_use]
    pub fn unmet(&self, objective: &Objective) -> Vec<&Objective> {
        let dependencies = objective.spec.depends_on.iter().map(|id| self.sibling(&objective.key, id));
        dependencies.flatten().filter(|dependency| !dependency.status.frees_dependents()).collect()
    }

    /// Returns the objective with that id in the same project.
    #[must_use]
    pub fn sibling(&self, key: &ObjectiveKey, id: &ObjectiveId) -> Option<&Objective> {
        self.objectives.get(&ObjectiveKey { project: key.project.clone(), id: id.clone() })
    }

    /// Takes the keys of all entities that changed since the last call: the rows that the next commit has to
    /// write.
    #[must_use]
    pub fn take_touched(&mut self) -> BTreeSet<EntityKey> {
        std::mem::take(&mut self.touched)
    }

    fn derive_index(&self) -> Index {
        let mut index = Index::default();
        for objective in self.objectives.values() {
            let project = &objective.key.project;
            let id = objective.key.id.clone();
            for dependency in &objective.spec.depends_on {
                let on = ObjectiveKey { project: project.clone(), id: dependency.clone() };
                index.dependents.entry(on).or_default().insert(id.clone());
            }
            index.by_status.entry((project.clone(), objective.status)).or_default().insert(id);
        }
        let open = |session: &&Session| session.status.is_open();
        index.open_sessions = self.sessions.values().filter(open).map(|session| session.id).collect();
        let running = |gate: &&GateRun| gate.finished_ms.is_none();
        index.open_gates = self.gates.values().filter(running).map(|gate| gate.id).collect();
        index
    }

    /// Returns whether the caches agree with what they are derived from. This walks the whole state: it is
    /// meant for debug builds and the simulator.
    #[must_use]
    pub fn check_index(&self) -> bool {
        let mut kept = self.index.clone();
        // `apply` leaves empty sets behind, which a fresh derivation does not have.
        kept.by_status.retain(|_, ids| !ids.is_empty());
        kept.dependents.retain(|_, ids| !ids.is_empty());
        kept == self.derive_index()
    }
}

/// Goals, milestones and phases.
impl State {
    /// Returns the goal, milestone or phase with that key.
    #[must_use]
    pub fn node(&self, key: &NodeKey) -> Option<&HierarchyNode> {
        self.nodes.get(key)
    }

    /// Iterates over all goals, milestones and phases.
    pub fn nodes(&self) -> impl Iterator<Item = &HierarchyNode> {
        self.nodes.values()
    }

    /// Iterates over the goals, milestones and phases of a project.
    pub fn nodes_of<'a>(&'a self, project: &'a ProjectSlug) -> impl Iterator<Item = &'a HierarchyNode> {
        self.nodes.values().filter(move |node| node.key.project == *project)
    }

    /// Returns the goal, milestone and phase that are active in a project. At most one of each level is
    /// active.
    #[must_use]
    pub fn active_line(&self, project: &ProjectSlug) -> Line<'_> {
        let active = |level: Level| {
            let is_active = |node: &&HierarchyNode| node.key.level == level && node.stage == Stage::Active;
            self.nodes.values().filter(|node| node.key.project == *project).find(is_active)
        };
        Line { goal: active(Level::Goal), milestone: active(Level::Milestone), phase: active(Level::Phase) }
    }

    /// Returns the active milestone, else the active goal, if nothing was ever added below it. The engine
    /// gives such a node a phase of its own, so that it can be planned.
    #[must_use]
    pub fn undivided(&self, project: &ProjectSlug) -> Option<&HierarchyNode> {
        let line = self.active_line(project);
        let node = line.milestone.or(line.goal).filter(|_| line.phase.is_none())?;
        let is_below = |other: &HierarchyNode| {
            other.key.level.parent() == Some(node.key.level) && other.parent.as_ref() == Some(&node.key.id)
        };
        (!self.nodes_of(project).any(is_below)).then_some(node)
    }

    /// Returns the planned node that begins when this one is complete: the first of those with its parent.
    #[must_use]
    pub fn next_after<'s>(&'s self, node: &'s HierarchyNode) -> Option<&'s HierarchyNode> {
        let is_next = |other: &&HierarchyNode| {
            other.key.level == node.key.level && other.parent == node.parent && other.stage == Stage::Planned
        };
        self.nodes_of(&node.key.project).filter(is_next).min_by_key(|other| other.place())
    }

    /// Groups the objectives of a phase by how far they have come.
    #[must_use]
    pub fn phase_view(&self, project: &ProjectSlug, phase: &NodeId) -> PhaseView {
        let in_any = |statuses: &[Status]| -> BTreeSet<ObjectiveId> {
            let all = statuses.iter().flat_map(|status| self.in_status(project, *status));
            let belongs = |id: &&ObjectiveId| {
                let key = ObjectiveKey { project: project.clone(), id: (*id).clone() };
                let own_phase = self.objective(&key).and_then(|objective| objective.spec.phase.as_deref());
                own_phase == Some(phase.as_str())
            };
            all.filter(belongs).cloned().collect()
        };
        use Status as S;
        PhaseView {
            moving: in_any(&[S::Todo, S::Ready, S::Active, S::Review, S::Queued]),
            stuck: in_any(&[S::NeedsReview, S::Paused]),
            failed: in_any(&[S::Failed, S::Cancelled]),
            done: in_any(&[S::Done, S::Skipped]).len(),
        }
    }

    /// Returns the phase of an objective, with the milestone and the goal to which it belongs.
    #[must_use]
    pub fn line_of(&self, objective: &Objective) -> Line<'_> {
        let find = |level: Level, id: Option<&NodeId>| {
            let (project, id) = (objective.key.project.clone(), id?.clone());
            self.node(&NodeKey { project, level, id })
        };
        let phase = objective.spec.phase.as_ref().and_then(|id| NodeId::new(id.as_str()).ok());
        let phase = find(Level::Phase, phase.as_ref());
        let milestone = find(Level::Milestone, phase.and_then(|node| node.parent.as_ref()));
        let goal = find(Level::Goal, milestone.and_then(|node| node.parent.as_ref()));
        Line { goal, milestone, phase }
    }
}
