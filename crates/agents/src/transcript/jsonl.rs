//! Formats with one JSON event per line on standard output.

use std::fmt::Debug;

use serde_json::Value;

use super::json;
use super::line::LineKind;
use super::pen::{Lines, Pen};
use super::plain::Plain;
use super::splitter::Splitter;
use super::tail::Tail;
use super::trace::Trace;
use super::{Format, Reading, Setting, Stream};
use crate::failure::{of_exit, of_message};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::session::Exit;

/// Limit on an event, in bytes. It is large, because events contain the output of tools.
const EVENT_MAX_BYTES: usize = 8 << 20;
/// Limit on a line of standard error, in bytes.
const ERROR_MAX_BYTES: usize = 64 << 10;

/// How a run ended.
pub(super) struct End<'a> {
    /// Exit of the agent; `None` while it runs.
    pub(super) exit: Option<&'a Exit>,
    /// Last lines of standard error.
    pub(super) errors: &'a Tail,
    pub(super) setting: &'a Setting,
}

impl End<'_> {
    /// Returns whether the agent ended otherwise than with exit code 0.
    pub(super) fn has_failed(&self) -> bool {
        self.exit.is_some_and(|exit| *exit != Exit::Code(0))
    }

    /// Returns the failure for an exit that no event explains, in the words of the program's own error on
    /// standard error. If the agent never began, it ran no tool, so the last line is the agent's own whatever
    /// it looks like.
    pub(super) fn unexplained(&self, has_begun: bool) -> Option<Failure> {
        let failure = self.unspoken()?;
        let own = self.errors.own_error().or_else(|| (!has_begun).then(|| self.errors.last()));
        // A signal explains itself; only the words of a crash can name a better class.
        let words = own.filter(|words| failure.class == FailureClass::Crashed && !words.is_empty());
        let Some(words) = words else { return Some(failure) };
        let found = of_message(words, self.setting.now_ms, &self.setting.zone);
        let class = if found.class == FailureClass::Other { FailureClass::Crashed } else { found.class };
        Some(Failure { class, ..found })
    }

    /// Returns the failure that the exit status alone shows.
    pub(super) fn unspoken(&self) -> Option<Failure> {
        of_exit(self.exit, self.errors.last())
    }

    /// Returns the failure of an agent that exited with 0 in the middle of its events, without the event that
    /// says that it is done.
    pub(super) fn silent(&self, has_begun: bool) -> Option<Failure> {
        let is_silent = has_begun && self.exit == Some(&Exit::Code(0));
        is_silent.then(|| {
            Failure::new(FailureClass::Other, "exited with status 0 before it reported that it was done")
        })
    }
}

/// The meaning of an agent's events.
pub(super) trait Events: Debug + Default + Send {
    /// Reads one event.
    fn event(&mut self, event: &Value, pen: &mut Pen<'_>);
    /// Returns the reading so far, or, with an exit, the final one.
    fn reading(&self, end: &End<'_>) -> Reading;
    /// Writes what it has not written yet, at the end of the output.
    fn end(&mut self, _pen: &mut Pen<'_>) {}
    /// Returns the kind under which a line of standard error is shown; `None` if it is not shown.
    fn error_kind(_line: &str) -> Option<LineKind> {
        Some(LineKind::Note)
    }
}

/// A reader of events.
#[derive(Debug)]
pub(super) struct Jsonl<E> {
    events: E,
    out: Splitter,
    err: Splitter,
    errors: Tail,
    trace: Trace,
    /// The output as plain text, until the first event comes: settings may make an agent write plain text.
    plain: Option<Plain>,
}

impl<E: Events> Default for Jsonl<E> {
    fn default() -> Self {
        let (out, err) = (Splitter::new(EVENT_MAX_BYTES), Splitter::new(ERROR_MAX_BYTES));
        Self {
            events: E::default(),
            out,
            err,
            errors: Tail::default(),
            trace: Trace::default(),
            plain: Some(Plain::default()),
        }
    }
}

/// Reads a line. Returns whether it held events.
fn read_line<E: Events>(events: &mut E, line: &[u8], excess: usize, pen: &mut Pen<'_>) -> bool {
    if excess > 0 {
        // The line was cut, so it cannot be parsed; its beginning still shows that it was an event.
        pen.line(LineKind::Note, &format!("[an event of {} bytes was left out]", line.len() + excess));
        return line.starts_with(b"{");
    }
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Array(all)) => all.iter().for_each(|event| one(events, event, pen)),
        Ok(event @ Value::Object(_)) => one(events, &event, pen),
        // Any other line is a warning of the agent's libraries, or of a wrapper around the agent.
        _ => {
            pen.line(LineKind::Note, &String::from_utf8_lossy(line));
            return false;
        }
    }
    true
}

fn one<E: Events>(events: &mut E, event: &Value, pen: &mut Pen<'_>) {
    pen.at_ms = json::time_ms(event, "/timestamp");
    events.event(event, pen);
    pen.at_ms = None;
}

fn error<E: Events>(errors: &mut Tail, trace: &mut Trace, line: &[u8], pen: &mut Pen<'_>) {
    let text = String::from_utf8_lossy(line);
    errors.push(&text);
    if trace.takes(&text) {
        return;
    }
    trace.close(pen);
    if let Some(kind) = E::error_kind(&text) {
        pen.line(kind, &text);
    }
}

impl<E: Events> Format for Jsonl<E> {
    fn push(&mut self, stream: Stream, bytes: &[u8], setting: &Setting, lines: &mut Lines) {
        let mut pen = Pen { setting, lines, at_ms: None };
        let Self { events, out, err, errors, trace, plain } = self;
        match stream {
            Stream::Out => {
                if let Some(plain) = plain {
                    plain.keep(bytes);
                }
                let mut are_events = false;
                out.push(bytes, |line, excess| are_events |= read_line(events, line, excess, &mut pen));
                if are_events {
                    *plain = None;
                }
            }
            Stream::Err => err.push(bytes, |line, _| error::<E>(errors, trace, line, &mut pen)),
        }
    }

    fn end(&mut self, setting: &Setting, lines: &mut Lines) {
        let mut pen = Pen { setting, lines, at_ms: None };
        let Self { events, out, err, errors, trace, plain } = self;
        let mut are_events = false;
        out.finish(|line, excess| are_events |= read_line(events, line, excess, &mut pen));
        if are_events {
            *plain = None;
        }
        events.end(&mut pen);
        err.finish(|line, _| error::<E>(errors, trace, line, &mut pen));
        trace.close(&mut pen);
    }

    fn reading(&self, exit: Option<&Exit>, setting: &Setting) -> Reading {
        let reading = self.events.reading(&End { exit, errors: &self.errors, setting });
        match &self.plain {
            Some(plain) => Reading { final_text: plain.said(), said: plain.said(), ..reading },
            None => reading,
        }
    }
}
