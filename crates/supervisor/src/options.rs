//! The options of a headless supervisor's run, and how the run ended.

use std::time::Duration;

use paddock_model::ids::ProjectSlug;

/// The flags of `paddock run --no-tui`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Work on this project only; `None`: on all enabled projects.
    pub project: Option<ProjectSlug>,
    /// Resume outstanding work, run the phases once, and end. Sessions continue under their keepers.
    pub once: bool,
    /// End when nothing runs and nothing can move without a human.
    pub until_idle: bool,
    /// Stop gracefully after this time.
    pub duration: Option<Duration>,
    /// Overrides every project's `max_parallel_sessions`.
    pub max_parallel: Option<u32>,
    /// Overrides `PADDOCK_POLL_SECONDS`.
    pub poll_seconds: Option<u64>,
    /// Overrides `PADDOCK_PLANNER_COOLDOWN`, in seconds.
    pub planner_cooldown: Option<u64>,
    /// Start no planner.
    pub no_planner: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// All objectives are done or skipped, published as asked, and the goals that were started are reached.
    Done,
    /// At least one thing waits for a human.
    NeedsHuman,
    /// Nothing waits for a human, yet not everything is done.
    Stuck,
    /// The run was asked to stop; or its time or its one cycle was over, and the work that is left continues
    /// by itself.
    Stopped,
    /// The run was interrupted from the terminal.
    Interrupted,
}
