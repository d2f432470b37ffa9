//! One project's queue, driven by the real engine. The effects that the engine orders run on the model.

use std::collections::{BTreeMap, BTreeSet};

use paddock_engine::decide::{Decision, Memo, outstanding, step};
use paddock_engine::effect::Effect;
use paddock_engine::input::{CandidateAnswer, ChainMade, Input, LandingAnswer, MemberConflict};
use paddock_engine::input::{Problem, PublishAnswer};
use paddock_model::command::Command;
use paddock_model::event::{Event, Fact};
use paddock_model::facts::{RepositoryFacts, TrustRecord};
use paddock_model::gate::{CommandResult, Verdict};
use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveId, ProjectSlug};
use paddock_model::path::RepoPath;
use paddock_model::project::Project;
use paddock_model::session::Exit;
use paddock_model::settings::{ProjectSettings, Slots};
use paddock_model::state::{Counters, State};
use paddock_model::train::{Entry, Link, Rates, Subject};
use paddock_model::verdicts::KnownVerdict;

use super::settings::settings;
use super::world::{Faults, World};
use crate::rng::Rng;

/// How a queue is set up.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub faults: Faults,
    /// Gate slots; 0 for automatic slots.
    pub slots: u32,
    pub strict: bool,
    pub flaky_retries: u32,
    /// Failure rate that the queue knows from the start, in millionths. `None`: the queue learns it.
    pub given: Option<u32>,
}

pub(super) struct Queue {
    pub rng: Rng,
    pub state: State,
    pub memo: Memo,
    pub world: World,
    pub integration: ObjectId,
    pub target: ObjectId,
    /// Effects that are ordered and have not run.
    pub pool: Vec<Effect>,
    /// Answers on their way.
    pub inbox: Vec<Input>,
    /// Gate runs under their keepers, and whether each has been asked to stop.
    pub gates: BTreeMap<GateId, bool>,
    /// Results of gate runs that have ended.
    pub ended: BTreeMap<GateId, Vec<CommandResult>>,
    pub events: Vec<Event>,
    pub now_ms: i64,
    /// Current heads of branches, by objective.
    pub branches: BTreeMap<ObjectiveId, ObjectId>,
    /// Trees that the gate found green.
    pub green: BTreeSet<ObjectId>,
    pub gate_runs: usize,
    /// How often the gate gave a wrong verdict on a tree. At most once, since the queue repeats a red run
    /// once.
    pub lies: BTreeMap<ObjectId, u32>,
}

pub(super) fn slug() -> ProjectSlug {
    ProjectSlug::new("q").unwrap()
}

pub(super) fn objective(number: u32) -> ObjectiveId {
    ObjectiveId::new(format!("o{number}")).unwrap()
}

impl Queue {
    /// Makes a project with an integration ref, a green tip, and an empty queue.
    pub(super) fn new(seed: u64, setup: &Setup) -> Self {
        let (world, root) = World::new(seed, setup.faults);
        let mut settings: ProjectSettings = settings();
        settings.queue.slots = if setup.slots == 0 { Slots::Auto } else { Slots::Count(setup.slots) };
        settings.queue.strict = setup.strict;
        settings.queue.flaky_retries = setup.flaky_retries;
        let mut queue = Self {
            rng: Rng::new(seed ^ 0xC0FFEE),
            state: State::default(),
            memo: Memo::default(),
            integration: root.clone(),
            target: root.clone(),
            green: BTreeSet::from([world.at(&root).tree.id()]),
            world,
            pool: Vec::new(),
            inbox: Vec::new(),
            gates: BTreeMap::new(),
            ended: BTreeMap::new(),
            events: Vec::new(),
            now_ms: 1_000_000,
            branches: BTreeMap::new(),
            gate_runs: 0,
            lies: BTreeMap::new(),
        };
        queue.begin(settings, &root, setup.given);
        queue
    }

    fn begin(&mut self, settings: ProjectSettings, root: &ObjectId, given: Option<u32>) {
        let repository = RepositoryFacts {
            root: "/q".into(),
            common_dir: "/q/.git".into(),
            bare: false,
            target: root.clone(),
            trust: TrustRecord { entries: Vec::new() },
        };
        let terms = settings.gate_terms();
        let add = Command::ProjectAdd { project: slug(), settings: Box::new(settings), repository };
        self.take(Input::Command(Box::new(add)));
        self.take(Input::IntegrationMade { project: slug(), tip: Ok(root.clone()) });
        self.pool.clear();
        let mut project = self.project().clone();
        project.train.rates = Rates { given, ..Rates::default() };
        project.verdicts.push(KnownVerdict {
            tree: self.world.at(root).tree.id(),
            terms,
            verdict: Verdict::Green,
            gate: GateId(0),
            at_ms: self.now_ms,
            runs: 1,
            has_crashed: false,
            may_be_passing: false,
            has_tests: false,
        });
        self.reload(project);
    }

    /// Builds the state anew from its stored parts, with this project.
    pub(super) fn reload(&mut self, project: Project) {
        let gates = self.state.gates().cloned().collect();
        let counters: Counters = self.state.counters().clone();
        self.state = State::from_parts(counters, vec![project], Vec::new(), Vec::new(), gates, Vec::new());
    }

    pub(super) fn project(&self) -> &Project {
        self.state.project(&slug()).unwrap()
    }

    /// Puts a branch head into the queue as review does.
    pub(super) fn enqueue(&mut self, id: &ObjectiveId, head: ObjectId, priority: i32) {
        self.branches.insert(id.clone(), head.clone());
        let entry = self.project().train.next_entry;
        let subject = Subject::Objective(id.clone());
        self.record(Fact::EntryQueued { project: slug(), entry, subject, head, priority });
    }

    pub(super) fn record(&mut self, fact: Fact) {
        let seq = self.state.counters().seq + 1;
        let event = Event { seq, at_ms: self.now_ms, fact };
        self.state.apply(&event);
        self.events.push(event);
    }

    pub(super) fn take(&mut self, input: Input) -> Vec<Event> {
        let Decision { events, effects, .. } = step(&mut self.state, &mut self.memo, input, self.now_ms);
        let _ = self.state.take_touched();
        self.gate_runs += events.iter().filter(|e| matches!(e.fact, Fact::GatePlanned { .. })).count();
        self.events.extend(events.iter().cloned());
        self.pool.extend(effects);
        events
    }

    /// Replaces the supervisor after a kill: replies on their way are lost, and outstanding effects are
    /// ordered again.
    pub(super) fn restart(&mut self) {
        self.memo = Memo::default();
        self.inbox.clear();
        self.pool = outstanding(&self.state);
        self.take(Input::Tick);
    }

    /// Runs the effect at this place in the pool.
    pub(super) fn execute(&mut self, place: usize) {
        let effect = self.pool.remove(place);
        match effect {
            Effect::MakeCandidate { members, onto, ahead, .. } => {
                let answer = self.candidates(&members, &onto);
                self.inbox.push(Input::CandidateAnswered { project: slug(), members, onto, ahead, answer });
            }
            Effect::StartGate { gate } => {
                if let Some(results) = self.ended.get(&gate).cloned() {
                    self.inbox.push(Input::GateExited { gate, results: Some(results), from_nothing: false });
                } else if self.state.gate(gate).is_some_and(|run| run.finished_ms.is_none()) {
                    self.gates.entry(gate).or_insert(false);
                }
            }
            Effect::StopGate { gate } => {
                self.gates.entry(gate).and_modify(|stopped| *stopped = true);
            }
            Effect::Land { entry, .. } => self.land(entry),
            Effect::WriteProof { commit, .. } => {
                self.inbox.push(Input::ProofWritten { project: slug(), commit, result: Ok("0".into()) });
            }
            Effect::Publish { to, published, .. } => {
                let answer = match self.target == published || self.target == to {
                    true => PublishAnswer::Published,
                    false => PublishAnswer::Moved,
                };
                if answer == PublishAnswer::Published {
                    self.target = to.clone();
                }
                self.inbox.push(Input::PublishAnswered { project: slug(), to, answer });
            }
            Effect::RemoveGateFolder { slot, .. } => {
                let is_taken = self.state.open_gates().any(|run| run.slot == slot);
                let result = if is_taken { Err("taken".to_owned()) } else { Ok(()) };
                self.inbox.push(Input::GateFolderRemoved {
                    project: slug(),
                    slot,
                    result: result.map_err(Problem::new),
                });
            }
            Effect::Look { .. } => super::target::look(self),
            Effect::MoveExternal { from, to, .. } => super::target::move_external(self, &from, to),
            _ => {}
        }
    }

    fn entry(&self, id: EntryId) -> Option<Entry> {
        self.project().train.entry(id).cloned()
    }

    fn is_at_head(&self, entry: &Entry) -> bool {
        match &entry.subject {
            Subject::Objective(id) => self.branches.get(id) == Some(&entry.head),
            Subject::Target | Subject::Remote => true,
        }
    }

    fn candidates(&mut self, members: &[EntryId], onto: &ObjectId) -> CandidateAnswer {
        let base = self.world.at(onto).tree.clone();
        let mut made = ChainMade {
            onto_tree: base.id(),
            links: Vec::new(),
            separate: Vec::new(),
            sealed: true,
            conflicts: Vec::new(),
            moved: Vec::new(),
        };
        let (mut chain, mut tree) = (onto.clone(), base.clone());
        let entries: Vec<Entry> = members.iter().filter_map(|id| self.entry(*id)).collect();
        for entry in entries {
            if !self.is_at_head(&entry) {
                made.moved.push(entry.id);
                continue;
            }
            match (self.world.merged(&tree, &entry.head), self.world.merged(&base, &entry.head)) {
                (Some(merged), _) => {
                    tree = merged;
                    let is_first = made.links.is_empty();
                    chain = self.world.commit(vec![chain, entry.head.clone()], tree.clone());
                    let second = if is_first { entry.head.clone() } else { chain.clone() };
                    let commit = self.world.commit(vec![onto.clone(), second], tree.clone());
                    made.links.push(Link { entry: entry.id, commit, tree: tree.id() });
                }
                (None, Some(_)) => made.separate.push(entry.id),
                (None, None) => {
                    let paths = vec![RepoPath::from("a")];
                    made.conflicts.push(MemberConflict { entry: entry.id, paths, text: String::new() });
                }
            }
        }
        CandidateAnswer::Made(Box::new(made))
    }

    fn land(&mut self, entry: EntryId) {
        let Some(landing) = self.project().train.landing.clone() else { return };
        let (onto, commit) = (&landing.candidate.onto, &landing.candidate.commit);
        let entries: Vec<Entry> = landing.members.iter().filter_map(|id| self.entry(*id)).collect();
        let answer = if self.world.is_in(commit, &self.integration) {
            LandingAnswer::Landed
        } else if let Some(moved) = entries.iter().find(|entry| !self.is_at_head(entry)) {
            LandingAnswer::HeadMoved { entry: moved.id }
        } else if self.integration == *onto {
            self.integration = commit.clone();
            LandingAnswer::Landed
        } else {
            LandingAnswer::Moved { found: Some(self.integration.clone()) }
        };
        let commit = landing.candidate.commit.clone();
        self.inbox.push(Input::LandingAnswered { project: slug(), entry, commit, answer });
    }

    /// Ends a gate run with the true verdict, or with a wrong one.
    pub(super) fn end_gate(&mut self, gate: GateId) {
        let Some(stopped) = self.gates.remove(&gate) else { return };
        let Some(run) = self.state.gate(gate) else { return };
        let tree = self.world.at(&run.commit).tree.clone();
        assert_eq!(tree.id(), run.tree, "a gate run names another tree than its commit has");
        let faults = self.world.faults;
        let may_lie = self.lies.get(&tree.id()).is_none_or(|lies| *lies < 1);
        let is_flake = may_lie && faults.flake > 0 && self.rng.below(1_000) < faults.flake;
        let is_broken = may_lie && faults.broken > 0 && self.rng.below(1_000) < faults.broken;
        if is_flake || is_broken {
            *self.lies.entry(tree.id()).or_default() += 1;
        }
        let exit = match () {
            () if stopped => Exit::Signal(15),
            () if is_broken => Exit::Signal(9),
            () if tree.is_green() && !is_flake => Exit::Code(0),
            () => Exit::Code(1),
        };
        if exit == Exit::Code(0) {
            self.green.insert(tree.id());
        }
        let took_ms = u64::try_from(self.now_ms - run.started_ms).unwrap_or(0).max(1);
        let result = CommandResult { took_ms, ..CommandResult::new("t", exit) };
        self.ended.insert(gate, vec![result.clone()]);
        self.inbox.push(Input::GateExited { gate, results: Some(vec![result]), from_nothing: false });
    }

    /// Runs effects and delivers replies until only gates are left.
    pub(super) fn settle(&mut self) {
        for _ in 0..100_000 {
            if !self.pool.is_empty() {
                self.execute(0);
            } else if !self.inbox.is_empty() {
                let input = self.inbox.remove(0);
                self.take(input);
            } else {
                return;
            }
        }
        panic!("endless: the queue never settles although no gate ends");
    }
}
