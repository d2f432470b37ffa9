//! The built-in scripted agent: plain text, with lines that report pretended usage and failures.

use serde_json::Value;

use super::json::{self, text};
use super::line::LineKind;
use super::pen::{Lines, Pen};
use super::plain::Plain;
use super::splitter::Splitter;
use super::{Format, Reading, Setting, Stream};
use crate::failure;
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::session::Exit;
use paddock_model::usage::{Tokens, Usage, micros};

/// Beginning of a line with a report; JSON follows.
pub(crate) const OUTCOME_PREFIX: &str = "paddock-agent: ";

/// Limit on such a line, in bytes.
const LINE_MAX_BYTES: usize = 4 << 10;

/// The state of reading the scripted agent's output.
#[derive(Debug)]
pub(super) struct Scripted {
    plain: Plain,
    lines: Splitter,
    usage: Usage,
    session: Option<String>,
    failure: Option<Failure>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            plain: Plain::default(),
            lines: Splitter::new(LINE_MAX_BYTES),
            usage: Usage::default(),
            session: None,
            failure: None,
        }
    }
}

impl Format for Scripted {
    fn push(&mut self, stream: Stream, bytes: &[u8], setting: &Setting, lines: &mut Lines) {
        self.plain.push(stream, bytes, setting, lines);
        if stream == Stream::Out {
            let mut events = Vec::new();
            self.lines.push(bytes, |line, _| events.extend(event(line)));
            let mut pen = Pen { setting, lines, at_ms: None };
            events.iter().for_each(|event| self.take(event, &mut pen));
        }
    }

    fn end(&mut self, setting: &Setting, lines: &mut Lines) {
        self.plain.end(setting, lines);
        let mut events = Vec::new();
        self.lines.finish(|line, _| events.extend(event(line)));
        let mut pen = Pen { setting, lines, at_ms: None };
        events.iter().for_each(|event| self.take(event, &mut pen));
    }

    fn reading(&self, exit: Option<&Exit>, setting: &Setting) -> Reading {
        let base = self.plain.reading(exit, setting);
        // A reported failure counts only if the exit status shows a failure, too.
        let stated = self.failure.clone().filter(|_| exit.is_some_and(|exit| *exit != Exit::Code(0)));
        Reading {
            usage: self.usage.clone(),
            agent_session: self.session.clone(),
            failure: stated.or(base.failure),
            ..base
        }
    }
}

fn event(line: &[u8]) -> Option<Value> {
    serde_json::from_slice(line.strip_prefix(OUTCOME_PREFIX.as_bytes())?).ok()
}

impl Scripted {
    fn take(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let of = |key: &str| json::count(event, key);
        if let (Some(input), Some(output)) = (of("/tokens/input"), of("/tokens/output")) {
            let run = Tokens { input, cached: of("/tokens/cached").unwrap_or(0), output };
            // Each line reports usage since the line before.
            self.usage.tokens = Some(run.plus(self.usage.tokens.unwrap_or_default()));
        }
        if let Some(usd) = json::number(event, "/usd").and_then(micros) {
            self.usage.usd_micros = Some(usd.saturating_add(self.usage.usd_micros.unwrap_or(0)));
        }
        let own = |key: &str| Some(text(event, key).to_owned()).filter(|text| !text.is_empty());
        self.usage.model = own("/model").or(self.usage.model.take());
        self.session = own("/session").or(self.session.take());
        let class = event.pointer("/failure/class").cloned();
        if let Some(class) = class.and_then(|class| serde_json::from_value::<FailureClass>(class).ok()) {
            let seconds = json::number(event, "/failure/reset_in_s");
            let reset = seconds.and_then(|seconds| failure::after(seconds * 1_000.0, pen.now_ms()));
            self.failure = Some(Failure::new(class, text(event, "/failure/text")).until(reset));
            pen.line(LineKind::Error, &class.to_string());
        }
    }
}
