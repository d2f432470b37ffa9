//! The type of an action.

use crate::Model;
use crate::error::Refused;
use crate::msg::Effect;

/// Section of the help that lists an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Show something.
    Look,
    /// Decide about work that waits for a person.
    Decide,
    /// Change which work is done, and how.
    Steer,
    /// Move the focus or the selection.
    Move,
    /// Leave or suspend the console, and settings of the terminal.
    Leave,
}

impl Group {
    /// Every group, in the order of the help.
    pub(crate) const ALL: [Self; 5] = [Self::Look, Self::Decide, Self::Steer, Self::Move, Self::Leave];

    /// Returns the heading of the section.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Decide => "decide",
            Self::Steer => "steer",
            Self::Move => "move",
            Self::Leave => "leave",
        }
    }
}

/// The argument that may follow an action's name in the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// No argument.
    None,
    /// An optional text; holds its placeholder, such as `TEXT`.
    Optional(&'static str),
    /// A text that a dialog asks for if it is missing; holds its placeholder.
    Asked(&'static str),
}

/// One action that a person can run: with a key, from the palette, by name in keys.yaml.
pub struct Action {
    /// Name in keys.yaml and in the palette.
    pub name: &'static str,
    /// Default keys; keys.yaml may replace them.
    pub keys: &'static [&'static str],
    /// One or two words for the footer and for messages.
    pub short: &'static str,
    /// One line that says what it does, for help, palette and docs/keys.md.
    pub title: &'static str,
    /// Section of the help.
    pub group: Group,
    /// Whether it cannot be undone and therefore asks for confirmation.
    pub destructive: bool,
    /// Its argument in the palette.
    pub argument: Argument,
    /// Returns why the action is not available now, if it is not.
    pub available: fn(&Model) -> Result<(), Refused>,
    /// Runs the action with its argument.
    pub run: fn(&mut Model, Option<&str>) -> Vec<Effect>,
}
