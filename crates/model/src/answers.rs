//! Questions that clients ask and the engine answers, as functions.
//!
//! A console or a report shows why an objective does not move and what waits for a person. They receive the
//! engine's functions as [`Answers`], so that they need not depend on the engine.

use super::ids::ProjectSlug;
use super::needs::Need;
use super::objective::Objective;
use super::project::Project;
use super::reason::Reason;
use super::scope::OverlapCache;
use super::state::State;
use super::train::{Entry, Train};

/// Circumstances, apart from the state, on which an explanation depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether a supervisor is running in the workspace.
    pub supervisor_running: bool,
    /// Current time, in Unix milliseconds.
    pub now_ms: i64,
    /// Override of every project's `max_parallel_sessions`; `None` if there is none.
    pub max_parallel: Option<u32>,
}

/// The functions that answer.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// Why an objective is in its state; `None` if it is done. The cache keeps compiled globs between calls.
    pub why: fn(&State, &Objective, &Surroundings, &mut OverlapCache) -> Option<Reason>,
    /// Why an active goal has no work left and will get none by itself; `None` if it will, or has work.
    pub nothing_planned: fn(&State, &Project) -> Option<Reason>,
    /// Everything in a project that waits for a person, most urgent first.
    pub needs: fn(&State, &ProjectSlug) -> Vec<Need>,
    /// Entries of a merge queue in the order in which they will land if all goes well.
    pub in_order: fn(&Train) -> Vec<&Entry>,
}

impl Answers {
    /// Returns why one objective is in its state, for callers that ask about no other.
    #[must_use]
    pub fn why_one(&self, state: &State, objective: &Objective, facts: &Surroundings) -> Option<Reason> {
        (self.why)(state, objective, facts, &mut OverlapCache::default())
    }
}
