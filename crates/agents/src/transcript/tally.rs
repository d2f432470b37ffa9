//! The usage of an agent's messages, each message counted once.
//!
//! A message may come in several lines, each with the usage of the whole message so far. The newest line
//! counts.

use std::collections::VecDeque;

use paddock_model::usage::Tokens;

/// Number of messages whose ids are remembered. The lines of one message follow each other closely; only the
/// lines of helpers that work in parallel come in between, and there are far fewer helpers than this.
const KNOWN_MAX: usize = 1024;

/// A message that was counted.
#[derive(Debug)]
struct Counted {
    /// Hash of the message's id, since ids may have any length.
    id: u64,
    tokens: Tokens,
    /// Whether the message is part of the sum. After [`Tally::settle`] the agent's own total contains it
    /// instead.
    is_open: bool,
}

/// The sum over messages.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The remembered messages, oldest first.
    known: VecDeque<Counted>,
    sum: Tokens,
    has_any: bool,
}

impl Tally {
    /// Sets the usage of a message to its newest value.
    pub(super) fn count(&mut self, id: &str, tokens: Tokens) {
        // Zero tokens mean that the agent did not report any; the usage stays unknown, never zero.
        if id.is_empty() || tokens.total() == 0 {
            return;
        }
        self.has_any = true;
        let id = hash(id);
        let Some(before) = self.known.iter_mut().rev().find(|known| known.id == id) else {
            if self.known.len() == KNOWN_MAX {
                self.known.pop_front();
            }
            self.known.push_back(Counted { id, tokens, is_open: true });
            self.sum = self.sum.plus(tokens);
            return;
        };
        // If a total contains the message already, only the part that is new since then is added.
        self.sum = match before.is_open {
            true => self.sum.since(before.tokens).plus(tokens),
            false => self.sum.plus(tokens.since(before.tokens)),
        };
        before.tokens = tokens;
    }

    /// Returns the sum; `None` if no message has reported usage.
    pub(super) fn sum(&self) -> Option<Tokens> {
        self.has_any.then_some(self.sum)
    }

    /// Starts again at zero, because the agent reported a total of its own that contains everything counted
    /// so far.
    pub(super) fn settle(&mut self) {
        (self.sum, self.has_any) = (Tokens::default(), false);
        for known in &mut self.known {
            known.is_open = false;
        }
    }
}

/// Returns the FNV-1a hash of a text, which is the same in every build.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(input: u64, output: u64) -> Tokens {
        Tokens { input, cached: 0, output }
    }

    #[test]
    fn a_message_counts_once_with_its_newest_usage() {
        let mut tally = Tally::default();
        assert_eq!(tally.sum(), None);
        tally.count("a", used(100, 1));
        tally.count("helper", used(7, 3));
        tally.count("a", used(100, 1));
        tally.count("a", used(100, 40));
        assert_eq!(tally.sum(), Some(used(107, 43)));
        tally.count("a", used(90, 40));
        assert_eq!(tally.sum(), Some(used(97, 43)), "the newest, even if it is less");
    }

    #[test]
    fn usage_that_is_not_reported_stays_unknown() {
        let mut tally = Tally::default();
        tally.count("", used(100, 1));
        tally.count("a", Tokens::default());
        assert_eq!(tally.sum(), None);
    }

    #[test]
    fn after_a_total_only_new_usage_counts() {
        let mut tally = Tally::default();
        tally.count("a", used(100, 40));
        tally.settle();
        assert_eq!(tally.sum(), None);
        tally.count("a", used(100, 50));
        tally.count("b", used(10, 1));
        assert_eq!(tally.sum(), Some(used(10, 11)));
    }

    #[test]
    fn millions_of_messages_take_little_memory_and_are_all_counted() {
        let mut tally = Tally::default();
        for number in 0..20_000 {
            let id = format!("{number}");
            tally.count(&id, used(1, 1));
            tally.count(&id, used(1, 2));
        }
        assert_eq!(tally.sum(), Some(used(20_000, 40_000)));
        assert_eq!(tally.known.len(), KNOWN_MAX);
    }

    #[test]
    fn nonsense_neither_wraps_nor_panics() {
        let mut tally = Tally::default();
        tally.count("a", used(u64::MAX, 1));
        tally.count("b", used(u64::MAX, u64::MAX));
        assert_eq!(tally.sum(), Some(used(u64::MAX, u64::MAX)));
        tally.count("b", used(5, 5));
        assert!(tally.sum().is_some());
    }
}
