//! The agent's own words, message by message, in bounded memory.

use paddock_model::cut;

/// Limit on the end of an agent's words that is kept, in bytes. A summary or a plan has a few kilobytes.
const WORDS_MAX_BYTES: usize = 256 << 10;

/// The messages of an agent.
#[derive(Debug, Default)]
pub(super) struct Words {
    said: String,
    /// Offset in `said` at which the last message begins.
    last: usize,
    /// Whether the last message may still get more pieces.
    is_open: bool,
}

impl Words {
    /// Adds a whole message.
    pub(super) fn say(&mut self, text: &str) {
        self.close();
        self.add(text);
        self.close();
    }

    /// Adds a piece to the open message, or begins a message with it.
    pub(super) fn add(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        if !self.is_open {
            // The first line of a summary must be a line of its own.
            if !self.said.is_empty() && !self.said.ends_with('\n') {
                self.said.push('\n');
            }
            self.last = self.said.len();
            self.is_open = true;
        }
        self.said.push_str(piece);
        self.bound();
    }

    /// Ends the open message.
    pub(super) fn close(&mut self) {
        self.is_open = false;
    }

    /// Returns the last message, or its end.
    pub(super) fn last(&self) -> &str {
        self.said.get(self.last..).unwrap_or("")
    }

    /// Returns all messages, or the end of them.
    pub(super) fn all(&self) -> &str {
        &self.said
    }

    /// Drops the beginning when there is twice as much text as the limit, so that the work per byte stays
    /// constant.
    fn bound(&mut self) {
        if self.said.len() > 2 * WORDS_MAX_BYTES {
            let from = self.said.len() - cut::end(&self.said, WORDS_MAX_BYTES).len();
            self.said.drain(..from);
            // A last message that was cut itself begins at the beginning.
            self.last = self.last.saturating_sub(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_a_message_and_the_last_one_is_known() {
        let mut words = Words::default();
        words.say("one");
        words.add("t");
        words.add("wo\n");
        assert_eq!((words.last(), words.all()), ("two\n", "one\ntwo\n"));
        words.say("");
        assert_eq!(words.last(), "two\n");
        words.say("three");
        assert_eq!(words.last(), "three");
    }

    #[test]
    fn the_kept_words_are_bounded_and_end_where_the_words_end() {
        let mut words = Words::default();
        for _ in 0..40_000 {
            words.add("abcdefghijklmnopqrstuvwxyzé");
        }
        words.add("END");
        assert!(words.all().len() <= 2 * WORDS_MAX_BYTES + 64);
        assert!(words.last().ends_with("éEND"));
    }
}
