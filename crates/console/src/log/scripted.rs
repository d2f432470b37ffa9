//! Classifies lines of plain output. Only the built-in scripted agent's lines have verbs; lines of other
//! plain agents are prose.

use paddock_agents::summary::{BEGIN, END};
use paddock_agents::transcript::LineKind;

/// Bytes at the front of a line that are examined. All that classifies a line is there; a longer text of a
/// summary is cut to this.
pub(crate) const PREFIX_BYTES: usize = 200;

/// What a line is to the transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineClass {
    /// First line of an entry.
    Starts {
        /// Kind of the entry.
        kind: LineKind,
        /// Bytes at the front of the line that the entry's verb replaces.
        skip: usize,
    },
    /// Further line of the entry before.
    Continues,
    /// Line of the summary block at the end of a session; not shown.
    Hidden,
    /// End of the summary block, with the summary in one line.
    Outcome(String),
}

/// Classifies the lines of one log, in order.
#[derive(Debug, Default)]
pub(crate) struct LineClassifier {
    /// Whether the first line was the scripted agent's greeting.
    is_scripted: bool,
    has_begun: bool,
    /// The summary block that is being read.
    summary: Option<Summary>,
    /// Kind of the entry that the line before belongs to.
    last: Option<LineKind>,
}

#[derive(Debug, Default)]
struct Summary {
    status: String,
    text: String,
    /// Whether the text is in the indented lines that follow.
    is_block: bool,
}

impl LineClassifier {
    /// Classifies the next line by its first [`PREFIX_BYTES`].
    pub(crate) fn classify(&mut self, line: &str) -> LineClass {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        // The scripted agent greets with its session. Without this check, prose of another plain agent that
        // happens to begin with "run" or "write" would be shown as an action.
        if is_first && line.split_once(" session, attempt ").is_some_and(|(kind, _)| is_kind(kind)) {
            self.is_scripted = true;
            return LineClass::Starts { kind: LineKind::Note, skip: 0 };
        }
        if let Some(outcome) = self.summary(line) {
            return outcome;
        }
        if !self.is_scripted {
            return if is_first {
                LineClass::Starts { kind: LineKind::Say, skip: 0 }
            } else {
                LineClass::Continues
            };
        }
        // A line without a verb is output if a command was started before it, and otherwise prose.
        let (kind, skip) = match (verb(line), self.last) {
            (Some(verb), _) => verb,
            (None, Some(LineKind::Output | LineKind::Say)) => return LineClass::Continues,
            (None, Some(LineKind::Run)) => (LineKind::Output, 0),
            (None, _) => (LineKind::Say, 0),
        };
        self.last = Some(kind);
        LineClass::Starts { kind, skip }
    }

    /// Returns the class of a line in or around the summary block, `None` for every other line.
    fn summary(&mut self, line: &str) -> Option<LineClass> {
        match line.trim_end() {
            BEGIN => {
                self.summary = Some(Summary::default());
                return Some(LineClass::Hidden);
            }
            END => {
                let summary = self.summary.take()?;
                let (status, text) = (summary.status, summary.text);
                let outcome = if text.is_empty() { status } else { format!("{status}: {text}") };
                return Some(if outcome.is_empty() {
                    LineClass::Hidden
                } else {
                    LineClass::Outcome(outcome)
                });
            }
            _ => {}
        }
        // Inside the block every line is hidden; other fields are not shown.
        let summary = self.summary.as_mut()?;
        if let Some(status) = line.strip_prefix("status: ") {
            status.trim().clone_into(&mut summary.status);
        }
        if let Some(text) = line.strip_prefix("summary: ").map(str::trim) {
            summary.is_block = text.starts_with(['|', '>']);
            if !summary.is_block {
                text.trim_matches('"').clone_into(&mut summary.text);
            }
        } else if summary.is_block && summary.text.is_empty() && line.starts_with(' ') {
            line.trim().clone_into(&mut summary.text);
        }
        Some(LineClass::Hidden)
    }
}

fn is_kind(word: &str) -> bool {
    matches!(word, "work" | "follow-up" | "correction" | "conflict" | "planner")
}

/// Returns the kind of entry that a line of the scripted agent starts, and the bytes to skip at its front.
/// Words that have no verb of their own on the screen (`delete`, `sleep`) stay in the text.
fn verb(line: &str) -> Option<(LineKind, usize)> {
    let (word, _) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
    let skip = word.len() + 1;
    match word {
        "write" | "append" => Some((LineKind::Edit, skip)),
        // "edits" alone would hide that a file is deleted: the word stays.
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
        let mut classifier = LineClassifier::default();
        let verb = |kind, skip| LineClass::Starts { kind, skip };
        assert_eq!(classifier.classify("work session, attempt 1: Cart\n"), verb(LineKind::Note, 0));
        assert_eq!(classifier.classify("I begin with the cart.\n"), verb(LineKind::Say, 0));
        assert_eq!(classifier.classify("Then its test.\n"), LineClass::Continues);
        assert_eq!(classifier.classify("write src/cart.rs\n"), verb(LineKind::Edit, 6));
        assert_eq!(classifier.classify("run cargo test\n"), verb(LineKind::Run, 4));
        assert_eq!(classifier.classify("running 3 tests\n"), verb(LineKind::Output, 0));
        assert_eq!(classifier.classify("ok\n"), LineClass::Continues);
        assert_eq!(classifier.classify("commit Add the cart\n"), verb(LineKind::Commit, 7));
        assert_eq!(classifier.classify(BEGIN), LineClass::Hidden);
        assert_eq!(classifier.classify("status: completed\n"), LineClass::Hidden);
        assert_eq!(classifier.classify("summary: \"the cart\"\n"), LineClass::Hidden);
        assert_eq!(classifier.classify(END), LineClass::Outcome("completed: the cart".into()));
    }

    #[test]
    fn lines_of_other_plain_agents_are_prose() {
        let mut classifier = LineClassifier::default();
        assert_eq!(
            classifier.classify("run cargo test\n"),
            LineClass::Starts { kind: LineKind::Say, skip: 0 }
        );
        assert_eq!(classifier.classify("commit something\n"), LineClass::Continues);
        assert_eq!(classifier.classify(BEGIN), LineClass::Hidden);
        assert_eq!(classifier.classify("status: partial\n"), LineClass::Hidden);
        assert_eq!(classifier.classify(END), LineClass::Outcome("partial".into()));
    }

    #[test]
    fn the_first_line_of_a_summary_over_several_lines_is_shown() {
        let mut classifier = LineClassifier::default();
        for line in [BEGIN, "status: completed\n", "summary: |\n", "  登录页面 works\n", "  and more\n"] {
            assert_eq!(classifier.classify(line), LineClass::Hidden);
        }
        assert_eq!(classifier.classify(END), LineClass::Outcome("completed: 登录页面 works".into()));
    }
}
