//! A supervisor beside the test, and what it says.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::place::DEADLINE;

#[derive(Default)]
struct Heard {
    events: Vec<Value>,
    is_over: bool,
}

/// A program that prints events as JSON lines: `run --json`, or `events --follow --json`.
pub struct Supervisor {
    child: Child,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

/// Whether an event is of this type, and about this objective.
pub fn is(event: &Value, kind: &str, objective: &str) -> bool {
    let about = match event["objective"].is_null() {
        true => &event["data"]["subject"]["objective"],
        false => &event["objective"],
    };
    event["type"] == kind && (objective == "*" || about == objective)
}

/// The place of the first event of this type about this objective.
pub fn place_of(events: &[Value], kind: &str, objective: &str) -> usize {
    let found = events.iter().position(|event| is(event, kind, objective));
    assert!(found.is_some(), "no {kind} of {objective}");
    found.unwrap()
}

pub fn count(events: &[Value], kind: &str, objective: &str) -> usize {
    events.iter().filter(|event| is(event, kind, objective)).count()
}

impl Supervisor {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
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
        Self { child, heard, reader: Some(reader) }
    }

    /// Waits for an event; it must come before the program ends.
    pub fn wait(&self, kind: &str, objective: &str) -> Value {
        self.wait_nth(kind, objective, 1)
    }

    /// Waits for the nth event of this kind.
    pub fn wait_nth(&self, kind: &str, objective: &str, nth: usize) -> Value {
        self.wait_where(&format!("{kind} of {objective}"), |event| is(event, kind, objective), nth)
    }

    pub fn wait_where(&self, what: &str, holds: impl Fn(&Value) -> bool, nth: usize) -> Value {
        let until = Instant::now() + DEADLINE;
        let mut heard = self.heard.0.lock().unwrap();
        loop {
            if let Some(event) = heard.events.iter().filter(|event| holds(event)).nth(nth - 1) {
                return event.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!heard.is_over && !left.is_zero(), "{what} never came: {:#?}", brief(&heard.events));
            heard = self.heard.1.wait_timeout(heard, left).unwrap().0;
        }
    }

    /// What was heard until now.
    pub fn events(&self) -> Vec<Value> {
        self.heard.0.lock().unwrap().events.clone()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits until it has ended; its exit code.
    pub fn end(&mut self) -> i32 {
        let until = Instant::now() + DEADLINE;
        let mut heard = self.heard.0.lock().unwrap();
        while !heard.is_over {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it never ended: {:#?}", brief(&heard.events));
            heard = self.heard.1.wait_timeout(heard, left).unwrap().0;
        }
        drop(heard);
        self.reader.take().unwrap().join().unwrap();
        self.child.wait().unwrap().code().unwrap()
    }

    /// Stops it as a user would, and waits until it has.
    pub fn stop(mut self) -> Vec<Value> {
        self.signal(Signal::TERM);
        self.end();
        self.events()
    }
}

/// The events as a person can read them in a failed test.
fn brief(events: &[Value]) -> Vec<String> {
    let last = events.iter().rev().take(40).rev();
    last.map(|event| format!("{} {} {}", event["type"], event["objective"], event["data"])).collect()
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
