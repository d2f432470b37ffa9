//! The command line from inside the console: every command of `paddock`, run as a process of its own, with what
//! it says in a dialog.

mod process;

pub(crate) use process::run;

/// One command of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// Its words: `objective retry`.
    pub words: String,
    /// What it does.
    pub about: String,
    /// What it takes: `<ID> [--note <TEXT>]`.
    pub usage: String,
    /// Whether it cannot be run without more words.
    pub needs_more: bool,
}
