//! What a session is started with and what it says at its end: command line, prompt, plan, summary, and the
//! built-in scripted agent.

pub mod command;
pub(crate) mod failure;
pub mod planner;
pub mod prompt;
pub mod scripted;

pub mod summary;
pub mod terminal;
pub mod transcript;

/// What an agent is told when it is only to show that it works.
pub const CHECK_PROMPT: &str = "Reply with exactly one word: OK\n";
