//! Keys that come while a dialog waits for the supervisor's answer.
//!
//! They were typed for that dialog. After a refusal they go into its text, in order; what cannot go there (a key
//! that would send again what nobody has seen the refusal of), and all of them when the dialog is done, is
//! counted and told. None of them reaches another dialog or a pane, not even where the answer came between a
//! key and the frame that shows it.

mod replay;

use std::collections::VecDeque;

use crossterm::event::KeyEvent;

pub(crate) use replay::{answered, keep};

/// Something typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A key.
    Key(KeyEvent),
    /// A text, pasted whole.
    Paste(String),
}

/// What was typed ahead.
#[derive(Debug, Default)]
pub struct Ahead {
    typed: VecDeque<Typed>,
    unused: usize,
    /// A dialog was closed by an answer, and no frame has shown that yet.
    is_unseen: bool,
}

impl Ahead {
    /// How many keys and pastes wait for the answer.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.typed.len() + self.unused
    }

    /// A frame has shown what there is.
    pub fn seen(&mut self) {
        self.is_unseen = false;
    }

    /// What a dialog that waits says at its end: ` (3 keys wait with it)`.
    #[must_use]
    pub(crate) fn described(&self) -> String {
        match self.len() {
            0 => String::new(),
            1 => "  (1 key waits with it)".to_owned(),
            keys => format!("  ({keys} keys wait with it)"),
        }
    }
}
