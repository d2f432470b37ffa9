//! What a running supervisor remembers beside the state.

use std::collections::{BTreeMap, BTreeSet};

use paddock_model::command::StopMode;
use paddock_model::ids::{ObjectId, ObjectiveId, ProjectSlug, SessionId};
use paddock_model::scope::OverlapCache;
use paddock_model::side_runs::{Prepared, SideTree};
use paddock_model::usage::Usage;

/// What a running supervisor remembers beside the state: caches, and what is in progress in this process.
/// Nothing in it is needed after a restart.
#[derive(Default)]
pub struct Memo {
    /// Compiled globs and answered overlaps.
    pub(super) overlaps: OverlapCache,
    /// The longest chain of dependents behind each objective, per project, and for how many objectives.
    pub(super) critical: BTreeMap<ProjectSlug, (usize, BTreeMap<ObjectiveId, u32>)>,
    /// Whether the supervisor is stopping, and how.
    pub stopping: Option<StopMode>,
    /// No phase runs: a command is answered without a supervisor.
    pub is_passive: bool,
    /// Only this project is worked on.
    pub only: Option<ProjectSlug>,
    /// Overrides every project's `max_parallel_sessions`.
    pub max_parallel: Option<u32>,
    /// The least time between planner runs of a project, in milliseconds; none: no planner is started.
    pub planner_cooldown_ms: Option<i64>,
    /// When all projects were last looked at, in Unix milliseconds; not later than the clock's latest time.
    pub(super) ticked_ms: i64,
    /// When anything last came in, in Unix milliseconds.
    pub(super) seen_ms: i64,
    /// What running sessions have used, as their agents last told.
    pub(super) live: BTreeMap<SessionId, Usage>,
    /// Projects whose target branch has not been looked at since the supervisor started.
    pub(super) unlooked: BTreeSet<ProjectSlug>,
    /// Commands that could not be told of an event, and when that was last recorded, in Unix milliseconds.
    pub(super) notify_failed: BTreeMap<(ProjectSlug, String), i64>,
    /// What panicked in this process, and how often.
    pub(super) panics: BTreeMap<(Option<ProjectSlug>, String), u32>,
    /// Integration tips that are the user's own commits, with their trees.
    pub(super) external: BTreeMap<ProjectSlug, (ObjectId, ObjectId)>,
    /// Publications in progress.
    pub(super) publishing: BTreeMap<ProjectSlug, ObjectId>,
    /// Publications that wait: attempts so far and when the next is due, in Unix milliseconds.
    pub(super) publish_again: BTreeMap<ProjectSlug, (u32, i64)>,
    /// Trees that are being made for gate runs beside the queue.
    pub(super) preparing: BTreeSet<(ProjectSlug, SideTree)>,
    /// Those that are made; each is dropped when its run has said what it had to say.
    pub(super) prepared: BTreeMap<(ProjectSlug, SideTree), Prepared>,
    /// Gate worktrees that are being removed, or could not be.
    pub(super) emptying: BTreeSet<(ProjectSlug, u32)>,
    /// Queues that are held for want of space.
    pub(super) starved: BTreeMap<ProjectSlug, Wait>,
    /// The commit that a push was last tried with.
    pub(super) push_tried: BTreeMap<ProjectSlug, ObjectId>,
    /// Pushes in progress.
    pub(super) pushing: BTreeSet<ProjectSlug>,
    /// Pushes that wait: attempts so far and when the next is due, in Unix milliseconds.
    pub(super) push_again: BTreeMap<ProjectSlug, (u32, i64)>,
    /// When proofs that could not be written are tried again, in Unix milliseconds.
    pub(super) prove_again: BTreeMap<ProjectSlug, i64>,
    /// Publications that a person asked for; `true` when a missing branch may be made again.
    pub(super) publish_now: BTreeMap<ProjectSlug, bool>,
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memo").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

impl Memo {
    /// A memo for answering one command without a supervisor: nothing is dispatched, merged or published.
    #[must_use]
    pub fn passive() -> Self {
        Self { is_passive: true, ..Self::default() }
    }

    /// A memo for working on one project or all, with this many sessions at once in each when it is given.
    #[must_use]
    pub fn working(only: Option<ProjectSlug>, max_parallel: Option<u32>) -> Self {
        Self { only, max_parallel, ..Self::default() }
    }

    /// Whether this process works on a project.
    #[must_use]
    pub fn covers(&self, project: &ProjectSlug) -> bool {
        self.only.as_ref().is_none_or(|only| only == project)
    }
}

/// A queue that is held for want of space.
#[derive(Debug, Clone, Default)]
pub(super) struct Wait {
    /// Bytes that were free in each place, once they were looked at.
    pub(super) free: Option<Vec<u64>>,
    /// How often it was held so, since the gate was green last.
    pub(super) tries: u32,
    /// When it is tried again in any case, in Unix milliseconds.
    pub(super) again_ms: i64,
}
