//! What the lines of the built-in scripted agent mean; lines of other plain agents are what they say.

use paddock_agents::summary::{BEGIN, END};
use paddock_agents::transcript::LineKind;

/// How much of a line is looked at.
pub(crate) const PREFIX_BYTES: usize = 200;

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It begins something.
    Verb {
        /// What.
        kind: LineKind,
        /// How many bytes at its front the verb stands for.
        skip: usize,
    },
    /// It goes on with what the line before was.
    More,
    /// It belongs to the summary at the end, which is told in one line when it is complete.
    Hidden,
    /// The summary, in one line.
    Outcome(String),
}

/// Reads the beginnings of lines.
#[derive(Debug, Default)]
pub(crate) struct Sense {
    is_scripted: bool,
    has_begun: bool,
    summary: Option<Summary>,
    /// What the line before was.
    last: Option<LineKind>,
}

#[derive(Debug, Default)]
struct Summary {
    status: String,
    text: String,
}

impl Sense {
    /// What the next line is, by its first [`PREFIX_BYTES`].
    pub(crate) fn meaning(&mut self, line: &str) -> Meaning {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_first && line.split_once(" session, attempt ").is_some_and(|(kind, _)| is_kind(kind)) {
            self.is_scripted = true;
            return Meaning::Verb { kind: LineKind::Note, skip: 0 };
        }
        if let Some(outcome) = self.summary(line) {
            return outcome;
        }
        if !self.is_scripted {
            return if is_first { Meaning::Verb { kind: LineKind::Say, skip: 0 } } else { Meaning::More };
        }
        let (kind, skip) = match (verb(line), self.last) {
            (Some(verb), _) => verb,
            (None, Some(LineKind::Output | LineKind::Say)) => return Meaning::More,
            (None, Some(LineKind::Run)) => (LineKind::Output, 0),
            (None, _) => (LineKind::Say, 0),
        };
        self.last = Some(kind);
        Meaning::Verb { kind, skip }
    }

    fn summary(&mut self, line: &str) -> Option<Meaning> {
        match line.trim_end() {
            BEGIN => {
                self.summary = Some(Summary::default());
                return Some(Meaning::Hidden);
            }
            END => {
                let summary = self.summary.take()?;
                let (status, text) = (summary.status, summary.text);
                let outcome = if text.is_empty() { status } else { format!("{status}: {text}") };
                return Some(if outcome.is_empty() { Meaning::Hidden } else { Meaning::Outcome(outcome) });
            }
            _ => {}
        }
        let summary = self.summary.as_mut()?;
        if let Some(status) = line.strip_prefix("status: ") {
            status.trim().clone_into(&mut summary.status);
        }
        if let Some(text) = line.strip_prefix("summary: ") {
            text.trim().trim_matches('"').clone_into(&mut summary.text);
        }
        Some(Meaning::Hidden)
    }
}

fn is_kind(word: &str) -> bool {
    matches!(word, "work" | "follow-up" | "correction" | "conflict" | "planner")
}

/// The words that the scripted agent begins its lines with, and what follows them.
fn verb(line: &str) -> Option<(LineKind, usize)> {
    let (word, _) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
    let skip = word.len() + 1;
    match word {
        "write" | "append" => Some((LineKind::Edit, skip)),
        "delete" | "copy" | "touch" => Some((LineKind::Edit, 0)),
        "commit" => Some((LineKind::Commit, skip)),
        "run" => Some((LineKind::Run, skip)),
        "sleep" | "wait-for" | "hang" | "ignore-term" | "orphan:" => Some((LineKind::Note, 0)),
        "failing," => Some((LineKind::Error, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripted_agents_lines_are_verbs_and_output() {
        let mut sense = Sense::default();
        let verb = |kind, skip| Meaning::Verb { kind, skip };
        assert_eq!(sense.meaning("work session, attempt 1: Cart\n"), verb(LineKind::Note, 0));
        assert_eq!(sense.meaning("I begin with the cart.\n"), verb(LineKind::Say, 0));
        assert_eq!(sense.meaning("Then its test.\n"), Meaning::More);
        assert_eq!(sense.meaning("write src/cart.rs\n"), verb(LineKind::Edit, 6));
        assert_eq!(sense.meaning("run cargo test\n"), verb(LineKind::Run, 4));
        assert_eq!(sense.meaning("running 3 tests\n"), verb(LineKind::Output, 0));
        assert_eq!(sense.meaning("ok\n"), Meaning::More);
        assert_eq!(sense.meaning("commit Add the cart\n"), verb(LineKind::Commit, 7));
        assert_eq!(sense.meaning(BEGIN), Meaning::Hidden);
        assert_eq!(sense.meaning("status: completed\n"), Meaning::Hidden);
        assert_eq!(sense.meaning("summary: \"the cart\"\n"), Meaning::Hidden);
        assert_eq!(sense.meaning(END), Meaning::Outcome("completed: the cart".into()));
    }

    #[test]
    fn what_other_plain_agents_write_is_what_they_say() {
        let mut sense = Sense::default();
        assert_eq!(sense.meaning("run cargo test\n"), Meaning::Verb { kind: LineKind::Say, skip: 0 });
        assert_eq!(sense.meaning("commit something\n"), Meaning::More);
        assert_eq!(sense.meaning(BEGIN), Meaning::Hidden);
        assert_eq!(sense.meaning("status: partial\n"), Meaning::Hidden);
        assert_eq!(sense.meaning(END), Meaning::Outcome("partial".into()));
    }
}
