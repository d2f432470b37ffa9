//! What a session is started with and what it says at its end: command line, prompt, plan, summary, and the
//! built-in scripted agent.

pub mod command;
pub mod failure;
pub mod planner;
pub mod prompt;
pub mod scripted;

pub mod summary;
pub mod transcript;
