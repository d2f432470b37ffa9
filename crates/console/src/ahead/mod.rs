//! Type-ahead: keys that arrive while a dialog waits for the supervisor's answer.
//!
//! The person typed them for that dialog. After a refusal they are replayed into its text, in order. Keys
//! that cannot be replayed are dropped, and a message counts them: a key that would send the form again
//! before anyone has read the refusal, and all keys if the dialog has closed. No such key ever reaches
//! another dialog or a pane, not even one that arrives between the answer and the frame that shows it.

mod replay;

use std::collections::VecDeque;

use crossterm::event::KeyEvent;

pub(crate) use replay::{answered, keep};

/// One input event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A key press.
    Key(KeyEvent),
    /// Pasted text.
    Paste(String),
}

/// The queue of input typed ahead.
#[derive(Debug, Default)]
pub struct Ahead {
    typed: VecDeque<Typed>,
    /// Number of dropped events that no message has counted yet.
    unused: usize,
    /// Whether an answer has closed a dialog and no frame has shown that yet.
    is_unseen: bool,
}

impl Ahead {
    /// Returns the number of keys and pastes typed since the dialog began to wait.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        // Events that will be dropped count, too: the person has typed them all the same.
        self.typed.len() + self.unused
    }

    /// Notes that a frame was drawn: from now on keys are meant for what is on the screen.
    pub fn seen(&mut self) {
        self.is_unseen = false;
    }

    /// Returns a suffix for the line of a dialog that waits: `  (3 keys typed ahead)`.
    #[must_use]
    pub(crate) fn described(&self) -> String {
        match self.len() {
            0 => String::new(),
            1 => "  (1 key typed ahead)".to_owned(),
            keys => format!("  ({keys} keys typed ahead)"),
        }
    }
}
