//! One more fold of the log: the state as it is stored, and every event since.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use paddock_ipc::{EventLine, Gauge};
use paddock_model::event::Event;
use paddock_model::state::State;

/// How many recent events are kept for showing: some hours of work, a few megabytes.
pub(crate) const EVENTS_MAX: usize = 2000;

/// Whether a supervisor works here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SupervisorSeen {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// It is being started.
    Starting,
    /// It runs, and is connected.
    Running {
        /// Its process id, for people.
        pid: u32,
    },
    /// None runs; why, if it should.
    Stopped {
        /// What went wrong, if anything did.
        problem: Option<String>,
    },
}

impl SupervisorSeen {
    /// Whether one runs.
    #[must_use]
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }
}

/// The state as loaded from disk.
#[derive(Debug)]
pub struct Loaded {
    /// The state.
    pub state: State,
    /// The newest events, oldest first, with their public types.
    pub events: Vec<EventLine>,
}

/// How far the console's own start of a supervisor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartStep {
    /// It has begun.
    Began,
    /// A supervisor has the workspace.
    Done,
    /// It went wrong; why, for people.
    Failed(String),
}

/// News about the facts.
#[derive(Debug)]
pub enum FactsMsg {
    /// Everything, anew.
    Loaded(Box<Loaded>),
    /// What happened since, with the public lines of it.
    Happened(Vec<(Event, EventLine)>),
    /// Gauges with new values.
    Gauges(Vec<Gauge>),
    /// Whether a supervisor runs, by whoever looks for one.
    Supervisor(SupervisorSeen),
    /// The console is starting a supervisor, or how that went.
    Start(StartStep),
    /// The facts cannot be read.
    Problem(String),
}

/// Everything the console knows of the workspace.
#[derive(Debug, Default)]
pub struct Facts {
    /// The state.
    pub state: State,
    /// Whether it was loaded at all.
    pub is_loaded: bool,
    /// Recent events, oldest first, with their public types.
    pub events: VecDeque<EventLine>,
    /// The latest values by name, session and gate run.
    pub gauges: BTreeMap<(String, Option<u64>, Option<u64>), Value>,
    /// Whether a supervisor works here.
    pub supervisor: SupervisorSeen,
    /// Why the facts may be old.
    pub problem: Option<String>,
    /// Counts changes of the state and the events: caches go by it.
    pub version: u64,
    /// Counts how often everything was loaded anew.
    pub loads: u64,
}

impl Facts {
    /// Takes news in; tells whether anything that is shown has changed.
    pub(crate) fn take(&mut self, news: FactsMsg) -> bool {
        match news {
            FactsMsg::Loaded(loaded) => {
                let Loaded { state, events } = *loaded;
                (self.state, self.events) = (state, events.into());
                (self.is_loaded, self.problem) = (true, None);
                (self.version, self.loads) = (self.version + 1, self.loads + 1);
                true
            }
            FactsMsg::Happened(happened) => self.happened(happened),
            FactsMsg::Gauges(gauges) => self.gauges(gauges),
            FactsMsg::Supervisor(seen) => {
                let is_early = matches!(seen, SupervisorSeen::Stopped { problem: None });
                if is_early && self.supervisor == SupervisorSeen::Starting {
                    // Whoever starts it says how that ended.
                    return false;
                }
                self.saw(seen)
            }
            FactsMsg::Start(step) => self.start(step),
            FactsMsg::Problem(problem) => {
                let is_new = self.problem.as_ref() != Some(&problem);
                self.problem = Some(problem);
                is_new
            }
        }
    }

    fn saw(&mut self, seen: SupervisorSeen) -> bool {
        let is_new = self.supervisor != seen;
        if !seen.is_running() {
            self.gauges.clear();
        }
        self.supervisor = seen;
        self.version += u64::from(is_new);
        is_new
    }

    /// The two threads that tell of a supervisor are not in step: one that was seen running is known better by
    /// whoever is connected to it than by whoever wanted to start it.
    fn start(&mut self, step: StartStep) -> bool {
        if self.supervisor.is_running() {
            return false;
        }
        match step {
            StartStep::Began => self.saw(SupervisorSeen::Starting),
            StartStep::Done if self.supervisor == SupervisorSeen::Starting => {
                self.saw(SupervisorSeen::Unknown)
            }
            StartStep::Done => false,
            StartStep::Failed(problem) => self.saw(SupervisorSeen::Stopped { problem: Some(problem) }),
        }
    }

    fn happened(&mut self, happened: Vec<(Event, EventLine)>) -> bool {
        let before = self.state.counters().seq;
        for (event, line) in happened {
            // What is in the loaded state already is not folded twice.
            if event.seq <= self.state.counters().seq {
                continue;
            }
            self.state.apply(&event);
            self.events.push_back(line);
            if self.events.len() > EVENTS_MAX {
                self.events.pop_front();
            }
        }
        // Nobody here writes rows.
        drop(self.state.take_touched());
        let is_new = self.state.counters().seq != before;
        self.version += u64::from(is_new);
        is_new
    }

    fn gauges(&mut self, gauges: Vec<Gauge>) -> bool {
        let mut is_new = false;
        for gauge in gauges {
            let key = (gauge.name, gauge.session, gauge.gate);
            is_new |= self.gauges.get(&key) != Some(&gauge.value);
            self.gauges.insert(key, gauge.value);
        }
        is_new
    }

    /// The latest value of a session's gauge.
    #[must_use]
    pub(crate) fn gauge_of_session(&self, name: &str, session: u64) -> Option<&Value> {
        self.gauges.get(&(name.to_owned(), Some(session), None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: SupervisorSeen = SupervisorSeen::Running { pid: 4711 };

    #[test]
    fn a_supervisor_that_was_seen_running_is_not_forgotten_for_a_start_that_is_told_later() {
        let mut facts = Facts::default();
        facts.take(FactsMsg::Supervisor(RUNNING));
        for late in [StartStep::Began, StartStep::Done, StartStep::Failed("no room".to_owned())] {
            assert!(!facts.take(FactsMsg::Start(late)));
            assert_eq!(facts.supervisor, RUNNING);
        }
    }

    #[test]
    fn a_start_is_shown_until_it_is_known_how_it_went() {
        let mut facts = Facts::default();
        facts.take(FactsMsg::Start(StartStep::Began));
        facts.take(FactsMsg::Supervisor(SupervisorSeen::Stopped { problem: None }));
        assert_eq!(facts.supervisor, SupervisorSeen::Starting, "it has not come yet, that is all");
        facts.take(FactsMsg::Start(StartStep::Done));
        facts.take(FactsMsg::Supervisor(RUNNING));
        assert_eq!(facts.supervisor, RUNNING);
        facts.take(FactsMsg::Supervisor(SupervisorSeen::Stopped { problem: None }));
        facts.take(FactsMsg::Start(StartStep::Began));
        facts.take(FactsMsg::Start(StartStep::Failed("no room".to_owned())));
        assert_eq!(facts.supervisor, SupervisorSeen::Stopped { problem: Some("no room".to_owned()) });
    }
}
