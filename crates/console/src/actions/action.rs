//! What an action is.

use crate::Model;
use crate::error::Refused;
use crate::msg::Effect;

/// What a person wants when they look for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// See something.
    Look,
    /// Judge work and answer questions.
    Decide,
    /// Change what is done, and how.
    Steer,
    /// Go somewhere.
    Move,
    /// Go away, or be elsewhere for a while.
    Leave,
}

impl Group {
    /// Every group, in the order of the help.
    pub(crate) const ALL: [Self; 5] = [Self::Look, Self::Decide, Self::Steer, Self::Move, Self::Leave];

    /// The word.
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

/// What an action takes in the palette, after its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// A text, which may be missing: what it is.
    Optional(&'static str),
    /// A text that a dialog asks for when it is missing: what it is.
    Asked(&'static str),
}

/// One thing that can be done.
pub struct Action {
    /// Its name in keys.yaml and in the palette.
    pub name: &'static str,
    /// Its keys, unless keys.yaml says otherwise.
    pub keys: &'static [&'static str],
    /// One or two words for the footer.
    pub short: &'static str,
    /// A sentence for help, palette and documentation.
    pub title: &'static str,
    /// Where it is found in the help.
    pub group: Group,
    /// Whether it asks before it does something that cannot be taken back.
    pub destructive: bool,
    /// What it takes.
    pub argument: Argument,
    /// Whether it can be done now, and why not.
    pub available: fn(&Model) -> Result<(), Refused>,
    /// Does it.
    pub run: fn(&mut Model, Option<&str>) -> Vec<Effect>,
}
