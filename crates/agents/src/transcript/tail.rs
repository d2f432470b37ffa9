//! The last lines of a stream, in which a program that fails says why.

use paddock_model::cut;
use std::collections::VecDeque;

const LINES_MAX: usize = 40;
const LINE_MAX_BYTES: usize = 4 << 10;

/// The last lines that are not empty.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
}

impl Tail {
    pub(super) fn push(&mut self, line: &str) {
        let line = line.trim_end();
        if line.trim().is_empty() {
            return;
        }
        // A long line is kept from its beginning, where the error is named.
        self.lines.push_back(cut::start(line, LINE_MAX_BYTES).to_owned());
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
    }

    /// Iterates over the lines from the last one backwards.
    pub(super) fn backwards(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().rev().map(String::as_str)
    }

    /// Returns the last line; empty if there is none.
    pub(super) fn last(&self) -> &str {
        self.lines.back().map_or("", String::as_str)
    }

    /// Returns the line near the end that begins like an error, in which a program says why it ends. Other
    /// lines do not count, because they can be output of commands that the program passed on.
    pub(super) fn own_error(&self) -> Option<&str> {
        // Usage hints and the path of a log may follow the error.
        const NEAR: usize = 12;
        self.backwards().take(NEAR).find(|line| is_error_line(line))
    }
}

/// Returns whether a line begins like an error: `error: …`, `Error: …`, `fatal: …`, `[API Error: …`, `name:
/// error: …`.
fn is_error_line(line: &str) -> bool {
    let lower = line.trim_start_matches(['[', ' ', '✗', '✘', '×', '!']).to_lowercase();
    let begins = ["error", "fatal", "api error", "panic"].iter().any(|word| lower.starts_with(word));
    // Indented lines are part of a stack trace.
    let is_stack = line.starts_with(char::is_whitespace);
    !is_stack && (begins || lower.split_once(": ").is_some_and(|(_, rest)| rest.starts_with("error")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_like_an_error_near_the_end_is_one() {
        let own = |text: &str| {
            let mut tail = Tail::default();
            text.lines().for_each(|line| tail.push(line));
            tail.own_error().map(str::to_owned)
        };
        assert_eq!(own("ok\nError: rate limit\n\n").as_deref(), Some("Error: rate limit"));
        assert_eq!(own("prog: error: bad\nUsage: prog\n").as_deref(), Some("prog: error: bad"));
        assert_eq!(own("GET /x answered HTTP 429 Too Many Requests\n"), None);
        assert_eq!(own(&format!("error: early\n{}", "line\n".repeat(20))), None);
    }
}
