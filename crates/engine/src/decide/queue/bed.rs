//! A project with a gate in memory, whose queue the tests answer for.

use crate::decide::{Decision, Memo, step};
use crate::effect::Effect;
use crate::input::{CandidateAnswer, ChainMade, Input, LandingAnswer, PublishAnswer};
use paddock_model::command::Command;
use paddock_model::event::{Event, Fact};
use paddock_model::facts::{RepositoryFacts, TrustRecord};
use paddock_model::gate::{CommandResult, GateRun};
use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveId, ProjectSlug};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::session::Exit;
use paddock_model::settings::{ProjectSettings, Slots};
use paddock_model::state::State;
use paddock_model::train::{Link, Subject};

const SETTINGS: &str = include_str!("../../../../../tests/data/simulated-settings.json");

pub(super) fn slug() -> ProjectSlug {
    ProjectSlug::new("q").unwrap()
}

pub(super) fn oid(number: u64) -> ObjectId {
    ObjectId::new(format!("{number:040x}")).unwrap()
}

pub(super) fn result(exit: Exit) -> CommandResult {
    CommandResult { took_ms: 1, ..CommandResult::new("t", exit) }
}

/// One project with a gate, whose queue the test answers for.
pub(super) struct Bed {
    pub(super) state: State,
    pub(super) memo: Memo,
    pub(super) now_ms: i64,
    pub(super) events: Vec<Event>,
    pub(super) effects: Vec<Effect>,
}

impl Bed {
    pub(super) fn new(slots: u32) -> Self {
        Self::with(|settings| settings.queue.slots = Slots::Count(slots))
    }

    /// Returns a project with the simulator's settings after `change`.
    pub(super) fn with(change: impl FnOnce(&mut ProjectSettings)) -> Self {
        let (state, memo) = (State::default(), Memo::working(None, None));
        let mut bed = Self { state, memo, now_ms: 1, events: Vec::new(), effects: Vec::new() };
        let mut settings: ProjectSettings = serde_json::from_str(SETTINGS).unwrap();
        change(&mut settings);
        let repository = RepositoryFacts {
            root: "/q".into(),
            common_dir: "/q/.git".into(),
            bare: false,
            target: oid(1),
            trust: TrustRecord { entries: Vec::new() },
        };
        let settings = Box::new(settings);
        bed.command(Command::ProjectAdd { project: slug(), settings, repository }).unwrap();
        bed.take(Input::IntegrationMade { project: slug(), tip: Ok(oid(1)) });
        bed
    }

    pub(super) fn take(&mut self, input: Input) -> Decision {
        let decision = step(&mut self.state, &mut self.memo, input, self.now_ms);
        self.events.extend(decision.events.iter().cloned());
        self.effects.extend(decision.effects.iter().cloned());
        decision
    }

    pub(super) fn command(&mut self, command: Command) -> Result<String, String> {
        let reply = self.take(Input::Command(Box::new(command))).reply.unwrap();
        reply.map(|answer| answer.text).map_err(|refusal| refusal.text)
    }

    pub(super) fn project(&self) -> &Project {
        self.state.project(&slug()).unwrap()
    }

    pub(super) fn tick_at(&mut self, now_ms: i64) -> Decision {
        self.now_ms = now_ms;
        self.take(Input::Tick)
    }

    pub(super) fn open(&self) -> Vec<&GateRun> {
        self.state.open_gates().collect()
    }

    pub(super) fn queue(&mut self, entry: u64) {
        let subject = Subject::Objective(ObjectiveId::new(format!("o{entry}")).unwrap());
        let project = slug();
        let (entry, head) = (EntryId(entry), oid(100 + entry));
        self.apply(Fact::EntryQueued { project, entry, subject, head, priority: 0 });
    }

    pub(super) fn apply(&mut self, fact: Fact) {
        let seq = self.state.counters().seq + 1;
        self.state.apply(&Event { seq, at_ms: self.now_ms, fact });
    }

    /// Answers the order to merge: each entry makes a tree of its own.
    pub(super) fn merge(&mut self) {
        let made = self.effects.iter().rev().find_map(|effect| {
            let Effect::MakeCandidate { members, onto, ahead: false, .. } = effect else { return None };
            Some((members.clone(), onto.clone()))
        });
        let (members, onto) = made.unwrap();
        let link = |id: &EntryId| Link { entry: *id, commit: oid(200 + id.0), tree: oid(300 + id.0) };
        let made = ChainMade {
            onto_tree: oid(if onto == oid(1) { 2 } else { 299 }),
            links: members.iter().map(link).collect(),
            separate: Vec::new(),
            sealed: true,
            conflicts: Vec::new(),
            moved: Vec::new(),
        };
        let answer = CandidateAnswer::Made(Box::new(made));
        self.take(Input::CandidateAnswered { project: slug(), members, onto, ahead: false, answer });
    }

    pub(super) fn exit(&mut self, gate: GateId, code: i32, from_nothing: bool) -> Decision {
        let results = Some(vec![result(Exit::Code(code))]);
        self.take(Input::GateExited { gate, results, from_nothing })
    }

    /// Lets entries pass the gate together and land.
    pub(super) fn land(&mut self, entries: &[u64], from_nothing: bool) -> Decision {
        entries.iter().for_each(|entry| self.queue(*entry));
        self.take(Input::Tick);
        self.merge();
        while self.project().train.landing.is_none() {
            let gate = self.open()[0].id;
            self.exit(gate, 0, from_nothing);
        }
        let landing = self.project().train.landing.clone().unwrap();
        let (entry, commit) = (landing.members[0], landing.candidate.commit);
        let answer = LandingAnswer::Landed;
        let to = commit.clone();
        let decision = self.take(Input::LandingAnswered { project: slug(), entry, commit, answer });
        self.take(Input::PublishAnswered { project: slug(), to, answer: PublishAnswer::Published });
        decision
    }

    pub(super) fn hold(&self) -> Option<ReasonCode> {
        self.project().train.held.as_ref().map(|held| held.code)
    }
}
