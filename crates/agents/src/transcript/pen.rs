//! Writes the readable lines, each plain and bounded, all of them together bounded too.

use paddock_model::cut;
use std::collections::VecDeque;

use super::Setting;
use super::line::{LINE_MAX_BYTES, Line, LineKind};
use crate::terminal::plain;

/// So much is kept of lines that nobody has taken, in bytes.
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
        while self.bytes > UNTAKEN_MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= cost(&oldest);
        }
    }
}

fn cost(line: &Line) -> usize {
    line.text.len() + size_of::<Line>()
}

/// What a format writes with.
pub(super) struct Pen<'a> {
    pub(super) setting: &'a Setting,
    pub(super) lines: &'a mut Lines,
    /// When the present event was, if it says so.
    pub(super) at_ms: Option<i64>,
}

impl Pen<'_> {
    /// Writes a line unless there is nothing in it.
    pub(super) fn line(&mut self, kind: LineKind, text: &str) {
        let text = tidied(text);
        if !text.is_empty() {
            self.lines.add(Line { kind, text, at_ms: self.at_ms });
        }
    }

    /// The time that durations of the present event are counted from.
    pub(super) fn now_ms(&self) -> i64 {
        self.at_ms.unwrap_or(self.setting.now_ms)
    }
}

/// Of a line's bytes, those that the word on what is missing may take.
const GAP_BYTES: usize = 64;

/// Plain and bounded text without empty lines around it.
fn tidied(text: &str) -> String {
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
