//! A supervisor in the foreground, and the events that it tells.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::DEADLINE;

/// No event for so long: the round is given up, and the run that follows it does the rest.
const IDLE: Duration = Duration::from_secs(2);

pub struct Supervisor {
    child: Child,
    events: Receiver<Value>,
    pub seen: Vec<Value>,
}

impl Supervisor {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, events) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Ok(event) = serde_json::from_str(&line) else { return };
                if tell.send(event).is_err() {
                    return;
                }
            }
        });
        Self { child, events, seen: Vec::new() }
    }

    /// The next event that is wanted, told from now on.
    pub fn next(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let left = DEADLINE.saturating_sub(begun.elapsed());
            let Ok(event) = self.events.recv_timeout(left) else {
                let told: Vec<String> = self.seen.iter().map(ToString::to_string).collect();
                panic!("waited in vain for {what}; told:\n{}", told.join("\n"));
            };
            self.seen.push(event.clone());
            if wanted(&event) {
                return event;
            }
        }
    }

    /// The next event of this type.
    pub fn heard(&mut self, kind: &str) -> Value {
        self.next(kind, |event| event["type"] == kind)
    }

    /// The next event of this type about an objective.
    pub fn heard_of(&mut self, kind: &str, objective: &str) -> Value {
        let what = format!("{kind} of {objective}");
        self.next(&what, |event| event["type"] == kind && event["objective"] == objective)
    }

    /// Whether an event is told before nothing happens any more.
    pub fn any_or_idle(&mut self) -> bool {
        let event = self.events.recv_timeout(IDLE);
        let is_told = event.is_ok();
        self.seen.extend(event);
        is_told
    }

    /// Whether an event of this type is told before nothing happens any more.
    pub fn heard_or_idle(&mut self, kind: &str) -> bool {
        while self.any_or_idle() {
            if self.seen.last().is_some_and(|event| event["type"] == kind) {
                return true;
            }
        }
        false
    }

    /// Told until now, without waiting.
    pub fn so_far(&mut self) -> &[Value] {
        self.seen.extend(self.events.try_iter());
        &self.seen
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Whether it has ended by itself.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// SIGKILL: it can do nothing about it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: the exit code, and everything that was told.
    pub fn stop(mut self) -> (i32, Vec<Value>) {
        kill_process(self.pid(), Signal::TERM).unwrap();
        self.wait()
    }

    /// It ends by itself.
    pub fn wait(&mut self) -> (i32, Vec<Value>) {
        let mut ended = None;
        super::until("the supervisor has ended", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        let code = ended.and_then(|status| status.code()).unwrap_or(-1);
        self.seen.extend(self.events.iter());
        (code, std::mem::take(&mut self.seen))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
