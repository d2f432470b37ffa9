//! Answers that clients show and the engine finds: the questions, as functions that are handed in.
//!
//! A console and a report ask why an objective does not move and what waits for a person. The engine finds the answers.
//! Clients take its functions, so that they need not depend on it.

use super::ids::ProjectSlug;
use super::needs::Need;
use super::objective::Objective;
use super::project::Project;
use super::reason::Reason;
use super::scope::OverlapCache;
use super::state::State;
use super::train::{Entry, Train};

/// What explaining needs to know besides the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether a supervisor works in the workspace.
    pub supervisor_running: bool,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// What overrides every project's `max_parallel_sessions`, if anything does.
    pub max_parallel: Option<u32>,
}

/// The questions, each with the function that answers it.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// Why an objective is where it is; none when it is done. The cache keeps compiled globs between calls.
    pub why: fn(&State, &Objective, &Surroundings, &mut OverlapCache) -> Option<Reason>,
    /// Why an active goal stands still that has no work left and gets none by itself.
    pub nothing_planned: fn(&State, &Project) -> Option<Reason>,
    /// Everything that waits for a person in a project, first what stops the most.
    pub needs: fn(&State, &ProjectSlug) -> Vec<Need>,
    /// The entries of a merge queue as they will land when all goes well.
    pub in_order: fn(&Train) -> Vec<&Entry>,
}

impl Answers {
    /// Why one objective is where it is; none when it is done.
    #[must_use]
    pub fn why_one(&self, state: &State, objective: &Objective, facts: &Surroundings) -> Option<Reason> {
        (self.why)(state, objective, facts, &mut OverlapCache::default())
    }
}
