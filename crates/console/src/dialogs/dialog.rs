//! The trait of a dialog, and the result of a key.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::Model;
use crate::ahead::Typed;
use crate::error::Refused;
use crate::msg::Effect;
use crate::theme::Theme;

/// What happens after a dialog has handled a key, a paste or an answer.
pub enum Step {
    /// The dialog stays open.
    Stay,
    /// The dialog stays open, and these effects are run.
    Do(Vec<Effect>),
    /// The dialog closes without an effect. Its draft is kept.
    Close,
    /// The dialog closes, its draft is dropped, and these effects are run.
    Done(Vec<Effect>),
    /// The dialog closes, its draft is dropped, and another one opens in its place.
    Next(Box<dyn Dialog>),
    /// The dialog closes, and the action of this name is run with an argument.
    Act(&'static str, Option<String>),
}

/// A dialog. It keeps its own state and reads the model;
/// only the effects that it returns change anything else.
pub trait Dialog {
    /// Returns the title in its frame.
    fn title(&self, model: &Model) -> String;

    /// Returns the columns and rows that it wants inside its frame. It gets fewer on a small screen.
    fn size(&self, model: &Model) -> (u16, u16);

    /// Draws the area inside the frame.
    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme);

    /// Handles a key.
    fn key(&mut self, model: &Model, key: KeyEvent) -> Step;

    /// Handles a paste: the whole text at once, so that no line of it acts as a key.
    fn paste(&mut self, _model: &Model, _text: &str) -> Step {
        Step::Stay
    }

    /// Returns the keys for the footer and what they do.
    fn hints(&self, _model: &Model) -> Vec<(&'static str, &'static str)> {
        vec![("Esc", "close")]
    }

    /// Returns a name and the text that would be lost if the dialog closed now. [`Step::Close`] keeps it, and
    /// the next dialog with that name starts with it ([`Model::draft`]).
    fn draft(&self) -> Option<(String, String)> {
        None
    }

    /// Returns the description of the command whose answer it waits for, as in [`Effect::Ask`].
    fn waits_for(&self) -> Option<&str> {
        None
    }

    /// Handles the answer to that command.
    fn answered(&mut self, _model: &Model, _reply: Result<(), Refused>) -> Step {
        Step::Stay
    }

    /// Replays an event that was typed while it waited into its text. Returns false if it cannot. Must not
    /// send anything: the person has not read the answer yet.
    fn ahead(&mut self, _model: &Model, _typed: &Typed) -> bool {
        false
    }

    /// Returns whether it fills the whole screen.
    fn is_full(&self) -> bool {
        false
    }
}
