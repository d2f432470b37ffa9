//! What a dialog is, and what its keys come to.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::Model;
use crate::ahead::Typed;
use crate::error::Refused;
use crate::msg::Effect;
use crate::theme::Theme;

/// What a key or a paste came to.
pub enum Step {
    /// The dialog stays as it is or has changed.
    Stay,
    /// It stays, and this is done.
    Do(Vec<Effect>),
    /// It closes and nothing is done; its draft is kept.
    Close,
    /// It closes, its draft is forgotten, and this is done.
    Done(Vec<Effect>),
    /// It closes, its draft is forgotten, and this takes its place.
    Next(Box<dyn Dialog>),
    /// It closes, and the action of that name is carried out, with an argument.
    Act(&'static str, Option<String>),
}

/// A dialog. Its state is its own.
pub trait Dialog {
    /// What its frame says.
    fn title(&self, model: &Model) -> String;

    /// How many columns and rows it would like inside its frame; it gets less on a small screen.
    fn size(&self, model: &Model) -> (u16, u16);

    /// Draws the inside.
    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme);

    /// A key.
    fn key(&mut self, model: &Model, key: KeyEvent) -> Step;

    /// Pasted text, whole.
    fn paste(&mut self, _model: &Model, _text: &str) -> Step {
        Step::Stay
    }

    /// What the footer says while it is open: keys and what they do.
    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        vec![("Esc", "close")]
    }

    /// What was typed and would be lost, under a name: kept when the dialog is closed by `Esc`, and given to the
    /// next one by [`Model::draft`].
    fn draft(&self) -> Option<(String, String)> {
        None
    }

    /// What it has asked the supervisor for and waits to hear of, as [`Effect::Ask`] named it.
    fn waits_for(&self) -> Option<&str> {
        None
    }

    /// The answer to that: done, or why not.
    fn answered(&mut self, _model: &Model, _reply: Result<(), Refused>) -> Step {
        Step::Stay
    }

    /// Takes something into its text that was typed while it waited; false when it has no place for it. It must
    /// not send anything.
    fn ahead(&mut self, _model: &Model, _typed: &Typed) -> bool {
        false
    }

    /// Whether it covers the whole screen.
    fn is_full(&self) -> bool {
        false
    }
}
