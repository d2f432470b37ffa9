//! How a headless supervisor is asked to run, and how it ended.

use paddock_model::ids::ProjectSlug;

/// The flags of `paddock run --no-tui`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Only this project; none = all enabled ones.
    pub project: Option<ProjectSlug>,
    /// Take up what is outstanding, run the phases once, and end; sessions go on under their keepers.
    pub once: bool,
    /// End when nothing runs and nothing can move without a human.
    pub until_idle: bool,
    /// End in order after so many minutes.
    pub duration_minutes: Option<u64>,
    /// Instead of every project's `max_parallel_sessions`.
    pub max_parallel: Option<u32>,
    /// Instead of `PADDOCK_POLL_SECONDS`.
    pub poll_seconds: Option<u64>,
    /// Instead of `PADDOCK_PLANNER_COOLDOWN`, in seconds.
    pub planner_cooldown: Option<u64>,
    /// Start no planner.
    pub no_planner: bool,
    /// Say what would be done and do nothing.
    pub dry_run: bool,
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
    /// It was asked to stop; or its time or its one cycle was over, and what is left goes on by itself.
    Stopped,
    /// It was interrupted from the terminal.
    Interrupted,
}
