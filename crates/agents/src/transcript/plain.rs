//! Plain text: everything that an agent writes on standard output is its own words.

use super::line::LineKind;
use super::pen::{Lines, Pen};
use super::splitter::Splitter;
use super::tail::Tail;
use super::unfold::unfolded;
use super::{Format, Reading, Setting, Stream};
use crate::failure::{of_exit, of_message};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::session::Exit;

/// Limit on a line, in bytes.
const LINE_MAX_BYTES: usize = 64 << 10;
/// Limit on the end of the output that is kept, in bytes.
const TAIL_MAX_BYTES: usize = 256 << 10;

/// A reader of plain text.
#[derive(Debug)]
pub(super) struct Plain {
    out: Splitter,
    err: Splitter,
    errors: Tail,
    tail: Vec<u8>,
}

impl Default for Plain {
    fn default() -> Self {
        let (out, err) = (Splitter::new(LINE_MAX_BYTES), Splitter::new(LINE_MAX_BYTES));
        Self { out, err, errors: Tail::default(), tail: Vec::new() }
    }
}

impl Plain {
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        let kept = &bytes[bytes.len().saturating_sub(TAIL_MAX_BYTES)..];
        self.tail.extend_from_slice(kept);
        // The buffer is cut only when it is twice the limit, so that the work per byte stays constant.
        if self.tail.len() > 2 * TAIL_MAX_BYTES {
            self.tail.drain(..self.tail.len() - TAIL_MAX_BYTES);
        }
    }

    /// Returns the end of the output, with the texts in its JSON.
    pub(super) fn said(&self) -> String {
        let start = self.tail.len().saturating_sub(TAIL_MAX_BYTES);
        unfolded(&String::from_utf8_lossy(&self.tail[start..]))
    }
}

impl Format for Plain {
    fn push(&mut self, stream: Stream, bytes: &[u8], setting: &Setting, lines: &mut Lines) {
        let mut pen = Pen { setting, lines, at_ms: None };
        if stream == Stream::Out {
            self.keep(bytes);
            self.out.push(bytes, |line, _| pen.line(LineKind::Say, &String::from_utf8_lossy(line)));
            return;
        }
        let Self { err, errors, .. } = self;
        err.push(bytes, |line, _| write_as_error(errors, line, &mut pen));
    }

    fn end(&mut self, setting: &Setting, lines: &mut Lines) {
        let mut pen = Pen { setting, lines, at_ms: None };
        self.out.finish(|line, _| pen.line(LineKind::Say, &String::from_utf8_lossy(line)));
        let Self { err, errors, .. } = self;
        err.finish(|line, _| write_as_error(errors, line, &mut pen));
    }

    fn reading(&self, exit: Option<&Exit>, setting: &Setting) -> Reading {
        let said = self.said();
        let failure =
            of_exit(exit, self.errors.last()).map(|failure| explained(failure, &self.errors, setting));
        Reading { final_text: said.clone(), said, failure, ..Reading::default() }
    }
}

fn write_as_error(errors: &mut Tail, line: &[u8], pen: &mut Pen<'_>) {
    let text = String::from_utf8_lossy(line);
    errors.push(&text);
    pen.line(LineKind::Note, &text);
}

/// Returns a failure by exit status with the class and words of the program's own error, if it printed one.
pub(super) fn explained(failure: Failure, errors: &Tail, setting: &Setting) -> Failure {
    let own = errors.own_error().filter(|_| failure.class == FailureClass::Crashed);
    match own.map(|words| of_message(words, setting.now_ms, &setting.zone)) {
        Some(found) if found.class != FailureClass::Other => found,
        Some(found) => Failure { class: FailureClass::Crashed, ..found },
        None => failure,
    }
}
