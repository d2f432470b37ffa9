//! The world that outlives every supervisor: repositories, agents under their keepers, and gate runs.

use std::collections::{BTreeMap, BTreeSet};

use paddock_engine::input::Input;
use paddock_model::evidence::Tests;
use paddock_model::gate::CommandResult;
use paddock_model::ids::{GateId, ObjectId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::session::{Exit, ProcessEnd, Stop};
use paddock_model::state::State;

use super::agent::Behaviour;
use super::git::{Repo, is_faked, is_green, tree_id};
use crate::rng::Rng;

/// A session's processes.
#[derive(Debug)]
pub(super) struct Job {
    pub objective: ObjectiveKey,
    pub behaviour: Behaviour,
    pub from: ObjectId,
    pub commits_left: u32,
    pub stop: Option<(Stop, bool)>,
    pub deadline_ms: i64,
    /// Start on the clock that never jumps.
    pub started_ms: Option<i64>,
    /// The end of the job; `Some(None)` if its keeper vanished.
    pub end: Option<Option<ProcessEnd>>,
    /// Whether a supervisor watches the job.
    pub watched: bool,
    /// Whether the clock jumped while no supervisor ran, and the keeper has not been asked since.
    pub misjudged: bool,
}

/// A gate run.
#[derive(Debug)]
pub(super) struct Gate {
    pub project: ProjectSlug,
    pub commit: ObjectId,
    /// Number of commands.
    pub commands: usize,
    /// Whether it starts in a new folder without caches because the day's recheck asks for that.
    pub is_recheck: bool,
    /// Whether it starts in a new folder without caches.
    pub from_nothing: bool,
    pub end: Option<Option<Vec<CommandResult>>>,
    pub stopped: bool,
    pub watched: bool,
}

/// Everything outside Paddock.
#[derive(Debug)]
pub(super) struct World {
    pub repos: BTreeMap<ProjectSlug, Repo>,
    pub jobs: BTreeMap<SessionId, Job>,
    pub gates: BTreeMap<GateId, Gate>,
    /// Results on their way to the supervisor.
    pub inbox: Vec<Input>,
    /// Trees on which a gate run ended with 0.
    pub green: BTreeSet<ObjectId>,
    /// Projects in which files of the user are in the way of publishing.
    pub in_the_way: BTreeSet<ProjectSlug>,
    /// Whether the disk is full.
    pub disk_full: bool,
    /// Adopted sessions whose keepers must still report their awake time.
    pub adopted: Vec<SessionId>,
    /// Whether anything outside may fail.
    pub faults: bool,
    /// Time of the wall clock.
    pub now_ms: i64,
    /// Time of the clock that never jumps.
    pub awake_ms: i64,
    /// Whether a supervisor runs, and so watches the target branch.
    pub is_up: bool,
    pub seed: u64,
}

impl World {
    /// Returns the number of sessions that keepers run for this objective.
    pub(super) fn live_jobs(&self, key: &ObjectiveKey) -> usize {
        self.jobs.values().filter(|job| job.objective == *key && job.end.is_none()).count()
    }

    /// Lets one agent or gate take a step. Returns `false` if there is none.
    pub(super) fn advance(&mut self, rng: &mut Rng, state: &State) -> bool {
        let jobs = self.jobs.iter().filter(|(_, job)| job.end.is_none() && self.can_move(job));
        let jobs: Vec<SessionId> = jobs.map(|(id, _)| *id).collect();
        let gates = self.gates.iter().filter(|(_, gate)| gate.end.is_none()).map(|(id, _)| *id);
        let gates: Vec<GateId> = gates.collect();
        if jobs.is_empty() && gates.is_empty() {
            return false;
        }
        let chosen = rng.below(jobs.len() + gates.len());
        match jobs.get(chosen) {
            Some(id) => self.advance_job(rng, state, *id),
            None => self.end_gate(rng, gates[chosen - jobs.len()]),
        }
        true
    }

    fn can_move(&self, job: &Job) -> bool {
        job.commits_left > 0
            || job.behaviour != Behaviour::Hang
            || job.stop.is_some()
            || self.awake_ms >= job.deadline_ms
    }

    /// Returns the next time at which a keeper stops its agent.
    pub(super) fn next_deadline(&self) -> Option<i64> {
        self.jobs.values().filter(|job| job.end.is_none()).map(|job| job.deadline_ms).min()
    }

    fn advance_job(&mut self, rng: &mut Rng, state: &State, id: SessionId) {
        let job = &self.jobs[&id];
        let is_stopped = job.stop.is_some_and(|(_, now)| now || rng.percent(60));
        if is_stopped || self.awake_ms >= job.deadline_ms {
            let stop = job.stop.map_or(Stop::Minutes, |(stop, _)| stop);
            return self.end_job(id, Exit::Signal(15), Some(stop));
        }
        if self.faults && rng.percent(2) {
            return self.lose_job(id);
        }
        if job.commits_left > 0 {
            return super::agent::work(self, rng, state, id);
        }
        match job.behaviour {
            Behaviour::Fail => self.end_job(id, Exit::Code(1), None),
            Behaviour::Signal => self.end_job(id, Exit::Signal(9), None),
            Behaviour::Lost => self.lose_job(id),
            Behaviour::Stalled => self.end_job(id, Exit::Signal(15), Some(Stop::Stalled)),
            Behaviour::SetupFailed => self.end_job(id, Exit::SetupFailed("exit status 1".into()), None),
            Behaviour::NotStarted => self.end_job(id, Exit::NotStarted("not found".into()), None),
            Behaviour::Hang => {}
            Behaviour::Waits if rng.percent(20) => self.end_job(id, Exit::Code(1), None),
            Behaviour::Waits => {
                let input = state.session(id).map(|session| super::agents::waits(session, self.now_ms));
                self.inbox.extend(input.filter(|_| self.jobs[&id].watched));
            }
            Behaviour::Limited | Behaviour::NoLogin | Behaviour::TooLong | Behaviour::Refused => {
                self.end_job(id, Exit::Code(if rng.percent(80) { 1 } else { 0 }), None);
            }
            _ => self.end_job(id, Exit::Code(0), None),
        }
    }

    pub(super) fn end_job(&mut self, id: SessionId, exit: Exit, stop: Option<Stop>) {
        let process = ProcessEnd { exit, stop, awake_seconds: 1, survivors: 0 };
        let job = self.jobs.get_mut(&id).unwrap();
        job.end = Some(Some(process.clone()));
        if job.watched {
            self.inbox.push(Input::SessionExited { session: id, process });
        }
    }

    fn lose_job(&mut self, id: SessionId) {
        let job = self.jobs.get_mut(&id).unwrap();
        job.end = Some(None);
        if job.watched {
            self.inbox.push(Input::SessionLost { session: id });
        }
    }

    fn end_gate(&mut self, rng: &mut Rng, id: GateId) {
        let gate = self.gates.get_mut(&id).unwrap();
        let tree = self.repos[&gate.project].tree(&gate.commit);
        let exit = match (gate.stopped, self.faults && rng.percent(10), is_green(tree) || is_faked(tree)) {
            (true, ..) => Exit::Signal(15),
            (_, true, _) => Exit::Code(127),
            // Something that only the caches had.
            (_, _, true) if gate.is_recheck && self.faults && rng.percent(50) => Exit::Code(1),
            // A flaky test.
            (_, _, true) if self.faults && rng.percent(8) => Exit::Code(1),
            (_, _, true) => Exit::Code(0),
            _ => Exit::Code(1),
        };
        if exit == Exit::Code(0) {
            self.green.insert(tree_id(tree));
        }
        let is_lost = self.faults && rng.percent(5);
        let tests = matches!(exit, Exit::Code(0 | 1)).then(Tests::untold);
        let result = CommandResult { took_ms: 1, tests, ..CommandResult::new("tests", exit) };
        let results = (!is_lost).then(|| vec![result; gate.commands]);
        gate.end = Some(results.clone());
        if gate.watched {
            self.inbox.push(Input::GateExited { gate: id, results, from_nothing: gate.from_nothing });
        }
    }

    /// Notes a jump of the clock while no supervisor runs.
    pub(super) fn misjudge(&mut self) {
        self.jobs.values_mut().for_each(|job| job.misjudged = true);
    }

    /// Removes the supervisor: keepers continue without it, and results on their way to it are lost.
    pub(super) fn supervisor_gone(&mut self) {
        self.is_up = false;
        self.inbox.clear();
        self.adopted.clear();
        self.jobs.values_mut().for_each(|job| job.watched = false);
        self.gates.values_mut().for_each(|gate| gate.watched = false);
    }
}
