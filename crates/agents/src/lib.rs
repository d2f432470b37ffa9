//! Agents: their command lines and prompts, the summaries and transcripts that they write, the failures that
//! they report, and the built-in scripted agent.

pub mod command;
pub(crate) mod failure;
pub mod planner;
pub mod prompt;
pub mod scripted;

pub mod summary;
pub mod terminal;
pub mod transcript;

/// Prompt of `agent check`, which only shows that an agent works.
pub const CHECK_PROMPT: &str = "Reply with exactly one word: OK\n";
