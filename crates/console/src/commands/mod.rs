//! Runs commands of the `paddock` command line from the palette,
//! each as a process, and shows their output in a dialog.

mod process;

pub(crate) use process::run;

/// A command of the command line, as the palette lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The words that name it: `objective retry`.
    pub words: String,
    /// One line of help.
    pub about: String,
    /// Its arguments: `<ID> [--note <TEXT>]`.
    pub usage: String,
    /// Whether it has required arguments.
    pub needs_more: bool,
}
