//! The facts: the state loaded from the database, with
//! every later event applied by the supervisor's own code.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use paddock_ipc::{EventLine, Gauge};
use paddock_model::event::Event;
use paddock_model::state::State;

/// Number of recent events that are kept for display: some hours of work, a few megabytes.
pub(crate) const EVENTS_MAX: usize = 2000;

/// Whether a supervisor is running, as far as the console knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SupervisorSeen {
    /// Not known yet.
    #[default]
    Unknown,
    /// The console is starting one.
    Starting,
    /// One is running, and the console is connected to it.
    Running {
        /// Its process id, for display.
        pid: u32,
    },
    /// None is running.
    Stopped {
        /// Why it could not be started or reached, if that failed.
        problem: Option<String>,
    },
}

impl SupervisorSeen {
    /// Returns whether a supervisor is running.
    #[must_use]
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }
}

/// A state loaded from the database.
#[derive(Debug)]
pub struct Loaded {
    /// The state.
    pub state: State,
    /// The newest events, oldest first, as lines for display.
    pub events: Vec<EventLine>,
}

/// Progress of a supervisor that the console itself starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartStep {
    /// The start has begun.
    Began,
    /// A supervisor holds the workspace's lock.
    Done,
    /// The start failed; holds the reason.
    Failed(String),
}

/// A change of the facts.
#[derive(Debug)]
pub enum FactsMsg {
    /// The whole state was loaded, for the first time or again.
    Loaded(Box<Loaded>),
    /// New events, each with its line for display.
    Happened(Vec<(Event, EventLine)>),
    /// New values of gauges.
    Gauges(Vec<Gauge>),
    /// The feed has connected to a supervisor, or found none.
    Supervisor(SupervisorSeen),
    /// A supervisor that the console starts has reached this step.
    Start(StartStep),
    /// The facts cannot be read; holds the reason.
    Problem(String),
}

/// The console's knowledge of the workspace.
#[derive(Debug, Default)]
pub struct Facts {
    /// The folded state.
    pub state: State,
    /// Whether the state was loaded at least once.
    pub is_loaded: bool,
    /// Recent events, oldest first, as lines for display; at most [`EVENTS_MAX`].
    pub events: VecDeque<EventLine>,
    /// Latest value of each gauge, by name, session and gate run.
    pub gauges: BTreeMap<(String, Option<u64>, Option<u64>), Value>,
    /// Whether a supervisor is running.
    pub supervisor: SupervisorSeen,
    /// Why the facts could not be read and may be out of date.
    pub problem: Option<String>,
    /// Number that grows with every change except of gauges. Caches of views are valid for one version.
    pub version: u64,
    /// Number of times that the whole state was loaded.
    pub loads: u64,
}

impl Facts {
    /// Applies a change. Returns whether anything on the screen may have changed.
    pub(crate) fn apply(&mut self, news: FactsMsg) -> bool {
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
                let is_none = matches!(seen, SupervisorSeen::Stopped { problem: None });
                if is_none && self.supervisor == SupervisorSeen::Starting {
                    // The feed does not find it yet. The thread that starts it reports how the start ended.
                    return false;
                }
                self.set_supervisor(seen)
            }
            FactsMsg::Start(step) => self.start(step),
            FactsMsg::Problem(problem) => {
                // The feed reports the same problem at every attempt to read.
                let is_new = self.problem.as_ref() != Some(&problem);
                self.problem = Some(problem);
                is_new
            }
        }
    }

    fn set_supervisor(&mut self, seen: SupervisorSeen) -> bool {
        let is_new = self.supervisor != seen;
        // Gauges are never stored: without the supervisor that sends them they only age.
        if !seen.is_running() {
            self.gauges.clear();
        }
        self.supervisor = seen;
        self.version += u64::from(is_new);
        is_new
    }

    /// Applies a step of a start. The feed and the thread that starts the supervisor report independently, in
    /// any order. Once the feed is connected, its report is the newer knowledge and wins.
    fn start(&mut self, step: StartStep) -> bool {
        if self.supervisor.is_running() {
            return false;
        }
        match step {
            StartStep::Began => self.set_supervisor(SupervisorSeen::Starting),
            // It holds the lock but the feed is not connected yet; the feed's next report decides.
            StartStep::Done if self.supervisor == SupervisorSeen::Starting => {
                self.set_supervisor(SupervisorSeen::Unknown)
            }
            StartStep::Done => false,
            StartStep::Failed(problem) => {
                self.set_supervisor(SupervisorSeen::Stopped { problem: Some(problem) })
            }
        }
    }

    fn happened(&mut self, happened: Vec<(Event, EventLine)>) -> bool {
        let before = self.state.counters().seq;
        for (event, line) in happened {
            // The loaded state contains this event already. Applying it twice would corrupt the state.
            if event.seq <= self.state.counters().seq {
                continue;
            }
            self.state.apply(&event);
            self.events.push_back(line);
            if self.events.len() > EVENTS_MAX {
                self.events.pop_front();
            }
        }
        // `apply` collects the rows to write for the supervisor.
        // The console writes none, so the list would only grow.
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

    /// Returns the latest value of a session's gauge.
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
    fn a_late_report_of_a_start_does_not_hide_a_running_supervisor() {
        let mut facts = Facts::default();
        facts.apply(FactsMsg::Supervisor(RUNNING));
        for late in [StartStep::Began, StartStep::Done, StartStep::Failed("disk full".to_owned())] {
            assert!(!facts.apply(FactsMsg::Start(late)));
            assert_eq!(facts.supervisor, RUNNING);
        }
    }

    #[test]
    fn a_start_is_shown_until_its_result_is_known() {
        let mut facts = Facts::default();
        facts.apply(FactsMsg::Start(StartStep::Began));
        facts.apply(FactsMsg::Supervisor(SupervisorSeen::Stopped { problem: None }));
        assert_eq!(facts.supervisor, SupervisorSeen::Starting, "the feed just does not find it yet");
        facts.apply(FactsMsg::Start(StartStep::Done));
        facts.apply(FactsMsg::Supervisor(RUNNING));
        assert_eq!(facts.supervisor, RUNNING);
        facts.apply(FactsMsg::Supervisor(SupervisorSeen::Stopped { problem: None }));
        facts.apply(FactsMsg::Start(StartStep::Began));
        facts.apply(FactsMsg::Start(StartStep::Failed("disk full".to_owned())));
        assert_eq!(facts.supervisor, SupervisorSeen::Stopped { problem: Some("disk full".to_owned()) });
    }
}
