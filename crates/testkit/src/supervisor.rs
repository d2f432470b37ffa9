//! A supervisor that runs in parallel with the test, and the events that it prints.

use std::borrow::BorrowMut;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::wait::DEADLINE;

/// Time without an event after which a test assumes that nothing happens any more.
const IDLE: Duration = Duration::from_secs(2);

/// Number of the last events that a failing test prints.
const SHOWN: usize = 40;

#[derive(Default)]
struct Heard {
    events: Vec<Value>,
    is_over: bool,
}

/// A program that prints events as JSON lines: `run --json`, or `events --follow --json`. Dropping this kills
/// the program.
///
/// Functions like `wait` search all events since the start. Functions like `next` and `heard` read the events
/// one after the other: each call continues behind the event that the last call returned.
pub struct Supervisor {
    child: Child,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    reader: Option<JoinHandle<()>>,
    /// Number of events that were read one after the other.
    read: usize,
}

/// Returns whether an event has this type and is about this objective (`*` for any).
pub fn is(event: &Value, kind: &str, objective: &str) -> bool {
    // Events of the queue name their objective in the subject of their data.
    let about = match event["objective"].is_null() {
        true => &event["data"]["subject"]["objective"],
        false => &event["objective"],
    };
    event["type"] == kind && (objective == "*" || about == objective)
}

/// Returns the index of the first event of this type about this objective.
pub fn place_of(events: &[Value], kind: &str, objective: &str) -> usize {
    let found = events.iter().position(|event| is(event, kind, objective));
    assert!(found.is_some(), "no {kind} of {objective}");
    found.unwrap()
}

/// Returns the number of events of this type about this objective.
pub fn count(events: &[Value], kind: &str, objective: &str) -> usize {
    events.iter().filter(|event| is(event, kind, objective)).count()
}

impl Supervisor {
    /// Starts the command. Its standard error is dropped.
    pub fn start(mut command: impl BorrowMut<Command>) -> Self {
        command.borrow_mut().stderr(Stdio::null());
        Self::start_with_stderr(command)
    }

    /// Starts the command. Its standard error goes where the command says.
    pub fn start_with_stderr(mut command: impl BorrowMut<Command>) -> Self {
        let mut child = command.borrow_mut().stdout(Stdio::piped()).spawn().unwrap();
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let hears = Arc::clone(&heard);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                hears.0.lock().unwrap().events.push(event);
                hears.1.notify_all();
            }
            hears.0.lock().unwrap().is_over = true;
            hears.1.notify_all();
        });
        Self { child, heard, reader: Some(reader), read: 0 }
    }

    /// Waits for an event, which must come before the program ends.
    pub fn wait(&self, kind: &str, objective: &str) -> Value {
        self.wait_nth(kind, objective, 1)
    }

    /// Waits for the nth event of this type, counted from 1.
    pub fn wait_nth(&self, kind: &str, objective: &str, nth: usize) -> Value {
        self.wait_where(&format!("{kind} of {objective}"), |event| is(event, kind, objective), nth)
    }

    /// Waits for the nth event for which `holds` returns true, counted from 1.
    pub fn wait_where(&self, what: &str, holds: impl Fn(&Value) -> bool, nth: usize) -> Value {
        let look = |events: &[Value]| events.iter().filter(|event| holds(event)).nth(nth - 1).cloned();
        self.look(DEADLINE, look).unwrap_or_else(|| self.never(what))
    }

    /// Waits for the next event for which `wanted` returns true.
    pub fn next(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = self.next_within(DEADLINE, wanted);
        found.unwrap_or_else(|| self.never(what))
    }

    /// Waits for the next event of this type.
    pub fn heard(&mut self, kind: &str) -> Value {
        self.next(kind, |event| event["type"] == kind)
    }

    /// Waits for the next event of this type about an objective.
    pub fn heard_of(&mut self, kind: &str, objective: &str) -> Value {
        let what = format!("{kind} of {objective}");
        self.next(&what, |event| event["type"] == kind && event["objective"] == objective)
    }

    /// Returns whether an event comes within two seconds.
    pub fn any_or_idle(&mut self) -> bool {
        self.next_within(IDLE, |_| true).is_some()
    }

    /// Returns whether an event of this type comes before two seconds pass without any event.
    pub fn heard_or_idle(&mut self, kind: &str) -> bool {
        loop {
            match self.next_within(IDLE, |_| true) {
                Some(event) if event["type"] == kind => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Waits for the next event for which `wanted` returns true. Returns `None` if it does not come in time,
    /// or if the program ended without it.
    fn next_within(&mut self, longest: Duration, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let from = self.read;
        let look = |events: &[Value]| {
            let at = from + events[from..].iter().position(&wanted)?;
            Some((at, events[at].clone()))
        };
        let (at, event) = self.look(longest, look)?;
        self.read = at + 1;
        Some(event)
    }

    /// Waits until `find` finds something among the events. Returns `None` if it does not in time, or if the
    /// program ended before.
    fn look<T>(&self, longest: Duration, find: impl Fn(&[Value]) -> Option<T>) -> Option<T> {
        let until = Instant::now() + longest;
        let mut heard = self.heard.0.lock().unwrap();
        loop {
            let found = find(&heard.events);
            let left = until.saturating_duration_since(Instant::now());
            if found.is_some() || heard.is_over || left.is_zero() {
                return found;
            }
            heard = self.heard.1.wait_timeout(heard, left).unwrap().0;
        }
    }

    fn never(&self, what: &str) -> ! {
        panic!("{what} never came: {:#?}", brief(&self.events()))
    }

    /// Returns all events until now.
    pub fn events(&self) -> Vec<Value> {
        self.heard.0.lock().unwrap().events.clone()
    }

    /// Returns the process id of the program.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Returns whether the program has ended by itself.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Kills the program with SIGKILL, as a crash would end it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until the program ends. Returns its exit code, or -1 if a signal ended it.
    pub fn end(&mut self) -> i32 {
        let is_over = || self.heard.0.lock().unwrap().is_over;
        if !crate::within(DEADLINE, is_over) {
            self.never("the end");
        }
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Waits until the program ends. Returns its exit code as [`Self::end`] does, and all events.
    pub fn finish(&mut self) -> (i32, Vec<Value>) {
        (self.end(), self.events())
    }

    /// Stops the program with SIGTERM, and waits until it ends. Returns the same as [`Self::finish`].
    pub fn terminate(mut self) -> (i32, Vec<Value>) {
        self.signal(Signal::TERM);
        self.finish()
    }

    /// Stops the program as a user would, and waits until it ends. Returns all events.
    pub fn stop(self) -> Vec<Value> {
        self.terminate().1
    }
}

/// Returns the last events in a form that a person can read in a failed test.
fn brief(events: &[Value]) -> Vec<String> {
    let last = events.iter().rev().take(SHOWN).rev();
    last.map(|event| format!("{} {} {}", event["type"], event["objective"], event["data"])).collect()
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
