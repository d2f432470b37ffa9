//! State: the fold of all events. Nothing changes it but [`State::apply`](super::apply).

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

/// What belongs to the workspace as a whole and outlives a supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// The number of the last event.
    pub seq: u64,
    /// The number of the last session.
    pub session: u64,
    /// The number of the last gate run.
    pub gate: u64,
    /// When the user's day began, in Unix milliseconds, as last told.
    #[serde(default)]
    pub day_ms: i64,
    /// How agents fare, by id.
    #[serde(default)]
    pub agents: BTreeMap<AgentId, AgentHealth>,
}

/// Names one thing whose row a commit has to write.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntityKey {
    /// The counters.
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

/// Everything Paddock knows.
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

/// Caches of what can be derived; [`State::check_index`] is the slow oracle beside them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Index {
    pub(super) by_status: BTreeMap<(ProjectSlug, Status), BTreeSet<ObjectiveId>>,
    pub(super) dependents: BTreeMap<ObjectiveKey, BTreeSet<ObjectiveId>>,
    pub(super) open_sessions: BTreeSet<SessionId>,
    pub(super) open_gates: BTreeSet<GateId>,
}

/// Two states are the same when all that is stored is the same; caches follow from it.
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
    /// Puts a state together from its stored parts.
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
            touched: BTreeSet::new(),
            index: Index::default(),
        };
        state.index = state.derive_index();
        state
    }

    /// The counters.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How an agent fares, in whichever project; none when nothing is known of it.
    #[must_use]
    pub fn agent_health(&self, id: &AgentId) -> Option<&AgentHealth> {
        self.counters.agents.get(id)
    }

    /// All projects, by slug.
    pub fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.values()
    }

    /// A project.
    #[must_use]
    pub fn project(&self, slug: &ProjectSlug) -> Option<&Project> {
        self.projects.get(slug)
    }

    /// All objectives, by name.
    pub fn objectives(&self) -> impl Iterator<Item = &Objective> {
        self.objectives.values()
    }

    /// The objectives of a project, by id.
    pub fn objectives_of<'a>(&'a self, project: &'a ProjectSlug) -> impl Iterator<Item = &'a Objective> {
        self.objectives.values().filter(move |objective| objective.key.project == *project)
    }

    /// An objective.
    #[must_use]
    pub fn objective(&self, key: &ObjectiveKey) -> Option<&Objective> {
        self.objectives.get(key)
    }

    /// All sessions, oldest first.
    pub fn sessions(&self) -> impl DoubleEndedIterator<Item = &Session> {
        self.sessions.values()
    }

    /// A session.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// The sessions that are not over.
    pub fn open_sessions(&self) -> impl Iterator<Item = &Session> {
        self.index.open_sessions.iter().filter_map(|id| self.sessions.get(id))
    }

    /// A gate run.
    #[must_use]
    pub fn gate(&self, id: GateId) -> Option<&GateRun> {
        self.gates.get(&id)
    }

    /// All gate runs, oldest first.
    pub fn gates(&self) -> impl DoubleEndedIterator<Item = &GateRun> {
        self.gates.values()
    }

    /// The gate runs that are not over.
    pub fn open_gates(&self) -> impl Iterator<Item = &GateRun> {
        self.index.open_gates.iter().filter_map(|id| self.gates.get(id))
    }

    /// The objectives of a project in a state, by id.
    #[must_use]
    pub fn in_status(&self, project: &ProjectSlug, status: Status) -> &BTreeSet<ObjectiveId> {
        self.index.by_status.get(&(project.clone(), status)).unwrap_or(&NO_IDS)
    }

    /// The objectives that depend on this one directly.
    #[must_use]
    pub fn dependents(&self, key: &ObjectiveKey) -> &BTreeSet<ObjectiveId> {
        self.index.dependents.get(key).unwrap_or(&NO_IDS)
    }

    /// The dependencies of an objective that are neither done nor skipped.
    #[must_use]
    pub fn unmet(&self, objective: &Objective) -> Vec<&Objective> {
        let dependencies = objective.spec.depends_on.iter().map(|id| self.sibling(&objective.key, id));
        dependencies.flatten().filter(|dependency| !dependency.status.frees_dependents()).collect()
    }

    /// The objective of that id in the same project.
    #[must_use]
    pub fn sibling(&self, key: &ObjectiveKey, id: &ObjectiveId) -> Option<&Objective> {
        self.objectives.get(&ObjectiveKey { project: key.project.clone(), id: id.clone() })
    }

    /// Takes the names of what changed since this was last asked: the rows that a commit has to write.
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

    /// The slow oracle: whether the caches agree with what they are derived from.
    #[must_use]
    pub fn check_index(&self) -> bool {
        let mut kept = self.index.clone();
        kept.by_status.retain(|_, ids| !ids.is_empty());
        kept.dependents.retain(|_, ids| !ids.is_empty());
        kept == self.derive_index()
    }
}

/// The hierarchy.
impl State {
    /// A goal, milestone or phase.
    #[must_use]
    pub fn node(&self, key: &NodeKey) -> Option<&HierarchyNode> {
        self.nodes.get(key)
    }

    /// All goals, milestones and phases.
    pub fn nodes(&self) -> impl Iterator<Item = &HierarchyNode> {
        self.nodes.values()
    }

    /// The goals, milestones and phases of a project.
    pub fn nodes_of<'a>(&'a self, project: &'a ProjectSlug) -> impl Iterator<Item = &'a HierarchyNode> {
        self.nodes.values().filter(move |node| node.key.project == *project)
    }

    /// The aims that are active in a project.
    #[must_use]
    pub fn active_line(&self, project: &ProjectSlug) -> Line<'_> {
        let active = |level: Level| {
            let is_wanted = |node: &&HierarchyNode| node.key.level == level && node.stage == Stage::Active;
            self.nodes.values().filter(|node| node.key.project == *project).find(is_wanted)
        };
        Line { goal: active(Level::Goal), milestone: active(Level::Milestone), phase: active(Level::Phase) }
    }

    /// The active milestone, or else the active goal, that nobody has divided: nothing below it was ever added.
    #[must_use]
    pub fn undivided(&self, project: &ProjectSlug) -> Option<&HierarchyNode> {
        let line = self.active_line(project);
        let node = line.milestone.or(line.goal).filter(|_| line.phase.is_none())?;
        let is_below = |other: &HierarchyNode| {
            other.key.level.parent() == Some(node.key.level) && other.parent.as_ref() == Some(&node.key.id)
        };
        (!self.nodes_of(project).any(is_below)).then_some(node)
    }

    /// How the objectives of a phase stand.
    #[must_use]
    pub fn phase_view(&self, project: &ProjectSlug, phase: &NodeId) -> PhaseView {
        let of = |statuses: &[Status]| -> BTreeSet<ObjectiveId> {
            let all = statuses.iter().flat_map(|status| self.in_status(project, *status));
            let belongs = |id: &&ObjectiveId| {
                let key = ObjectiveKey { project: project.clone(), id: (*id).clone() };
                let of = self.objective(&key).and_then(|objective| objective.spec.phase.as_deref());
                of == Some(phase.as_str())
            };
            all.filter(belongs).cloned().collect()
        };
        use Status as S;
        PhaseView {
            moving: of(&[S::Todo, S::Ready, S::Active, S::Review, S::Queued]),
            stuck: of(&[S::NeedsReview, S::Paused]),
            failed: of(&[S::Failed, S::Cancelled]),
            done: of(&[S::Done, S::Skipped]).len(),
        }
    }

    /// The phase that an objective belongs to, with what that belongs to.
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
