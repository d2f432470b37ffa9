//! Writes the readable lines: plain text, with a limit on each line and on all lines together.

use paddock_model::cut;
use std::collections::VecDeque;

use super::Setting;
use super::line::{LINE_MAX_BYTES, Line, LineKind};
use crate::terminal::plain;

/// Limit on the lines that nobody has taken yet, in bytes.
const UNTAKEN_MAX_BYTES: usize = 4 << 20;

/// The lines that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Lines {
    pub(super) fn take(&mut self) -> Vec<Line> {
        self.bytes = 0;
        std::mem::take(&mut self.lines).into()
    }

    fn add(&mut self, line: Line) {
        self.bytes += cost(&line);
        self.lines.push_back(line);
        // A caller that wants only the reading never takes the lines. Of too many lines the newest are the
        // most useful.
        while self.bytes > UNTAKEN_MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= cost(&oldest);
        }
    }
}

fn cost(line: &Line) -> usize {
    line.text.len() + size_of::<Line>()
}

/// The means by which a format writes lines.
pub(super) struct Pen<'a> {
    pub(super) setting: &'a Setting,
    pub(super) lines: &'a mut Lines,
    /// Time of the present event, if the event says so.
    pub(super) at_ms: Option<i64>,
}

impl Pen<'_> {
    /// Writes a line, unless it is empty.
    pub(super) fn line(&mut self, kind: LineKind, text: &str) {
        let text = tidied(text);
        if !text.is_empty() {
            self.lines.add(Line { kind, text, at_ms: self.at_ms });
        }
    }

    /// Returns the time from which durations in the present event are counted.
    pub(super) fn now_ms(&self) -> i64 {
        self.at_ms.unwrap_or(self.setting.now_ms)
    }
}

/// Bytes of a line that are reserved for the words about omitted bytes.
const GAP_BYTES: usize = 64;

/// Returns the text as plain text within the limit, without empty lines around it.
fn tidied(text: &str) -> String {
    // Cut before the conversion, which takes long for megabytes, and once more after it, so that the limit
    // always holds.
    let bounded = cut::middle_out(text, LINE_MAX_BYTES - GAP_BYTES);
    let clean = plain(bounded.as_bytes());
    cut::middle_out(clean.trim_end().trim_start_matches('\n'), LINE_MAX_BYTES - GAP_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn lines_are_plain_and_bounded_one_by_one_and_all_together() {
        let setting = Setting { now_ms: 0, zone: TimeZone::UTC };
        let mut lines = Lines::default();
        let mut pen = Pen { setting: &setting, lines: &mut lines, at_ms: None };
        pen.line(LineKind::Say, "\n\u{1b}[31mred\u{1b}[0m\r\n\u{9b}2Jx\n\n");
        pen.line(LineKind::Say, " \n");
        pen.line(LineKind::Say, &"登".repeat(20_000));
        let taken = lines.take();
        assert_eq!(taken[0].text, "red\n2Jx");
        assert_eq!(taken.len(), 2);
        assert!(taken[1].text.len() <= LINE_MAX_BYTES && taken[1].text.contains("bytes left out"));
        let mut pen = Pen { setting: &setting, lines: &mut lines, at_ms: None };
        for number in 0..200_000 {
            pen.line(LineKind::Output, &format!("line {number}"));
        }
        assert_eq!(lines.take().last().unwrap().text, "line 199999");
    }
}
