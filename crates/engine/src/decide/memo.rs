//! What a running supervisor remembers in addition to the state.

use std::collections::{BTreeMap, BTreeSet};

use paddock_model::command::StopMode;
use paddock_model::ids::{GateId, ObjectId, ObjectiveId, ProjectSlug, SessionId};
use paddock_model::scope::OverlapCache;
use paddock_model::side_runs::{Prepared, SideTree};
use paddock_model::usage::Usage;

/// What a running supervisor remembers in addition to the state: caches, and work in progress in this
/// process.
///
/// Nothing in it survives the process, so nothing in it may be needed after a restart.
#[derive(Default)]
pub struct Memo {
    /// Compiled globs, and the scopes that were compared.
    pub(super) overlaps: OverlapCache,
    /// For each project: its number of objectives when the cache was filled, and the length of the longest
    /// chain of dependents behind each of them.
    pub(super) critical: BTreeMap<ProjectSlug, (usize, BTreeMap<ObjectiveId, u32>)>,
    /// How the supervisor is stopping. `None` while it runs.
    pub stopping: Option<StopMode>,
    /// Whether a single command is answered without a supervisor, so that no phase runs.
    pub is_passive: bool,
    /// The only project to work on. `None` for all of them.
    pub only: Option<ProjectSlug>,
    /// Override of every project's `max_parallel_sessions`.
    pub max_parallel: Option<u32>,
    /// Least time between two planner runs of a project, in milliseconds. `None` if no planner is started.
    pub planner_cooldown_ms: Option<i64>,
    /// Time of the last tick, in Unix milliseconds; moved back with the clock.
    pub(super) ticked_ms: i64,
    /// Time of the last input, in Unix milliseconds.
    pub(super) seen_ms: i64,
    /// Usage of running sessions, as their agents last reported it.
    pub(super) live: BTreeMap<SessionId, Usage>,
    /// Sessions that cannot be harvested until their repository can be used again.
    pub(super) harvest_waits: BTreeSet<SessionId>,
    /// Sessions that went on while their repository could not be used: their agent may have failed for the
    /// same cause.
    pub(super) without_repository: BTreeSet<SessionId>,
    /// Projects whose target branch has not been read since the supervisor started.
    pub(super) unlooked: BTreeSet<ProjectSlug>,
    /// `notify` commands that failed, and when that was last recorded, in Unix milliseconds.
    pub(super) notify_failed: BTreeMap<(ProjectSlug, String), i64>,
    /// Number of panics in this process, by project and by the work that panicked.
    pub(super) panics: BTreeMap<(Option<ProjectSlug>, String), u32>,
    /// Integration tips that are the user's own commits, with their trees.
    pub(super) external: BTreeMap<ProjectSlug, (ObjectId, ObjectId)>,
    /// Publications in progress.
    pub(super) publishing: BTreeMap<ProjectSlug, ObjectId>,
    /// Publications that wait: attempts so far and when the next is due, in Unix milliseconds.
    pub(super) publish_again: BTreeMap<ProjectSlug, (u32, i64)>,
    /// Trees that are being made for side runs.
    pub(super) preparing: BTreeSet<(ProjectSlug, SideTree)>,
    /// Trees that are ready for side runs. Each is dropped once the verdict of its run is used.
    pub(super) prepared: BTreeMap<(ProjectSlug, SideTree), Prepared>,
    /// Gate runs whose tests are being compared with those on the base.
    pub(super) comparing: BTreeSet<(ProjectSlug, GateId)>,
    /// Gate worktrees that are being removed, or could not be.
    pub(super) emptying: BTreeSet<(ProjectSlug, u32)>,
    /// Queues that are held because the disk was full under the gate.
    pub(super) starved: BTreeMap<ProjectSlug, DiskWait>,
    /// Commit that was last tried to be pushed.
    pub(super) push_tried: BTreeMap<ProjectSlug, ObjectId>,
    /// Pushes in progress.
    pub(super) pushing: BTreeSet<ProjectSlug>,
    /// Pushes that wait: attempts so far and when the next is due, in Unix milliseconds.
    pub(super) push_again: BTreeMap<ProjectSlug, (u32, i64)>,
    /// Pulls whose fetch, or whose move of the target branch, is in progress.
    pub(super) pulling: BTreeSet<ProjectSlug>,
    /// Pulls that a person asked this process for.
    pub(super) pull_now: BTreeSet<ProjectSlug>,
    /// When proofs that could not be written are tried again, in Unix milliseconds.
    pub(super) prove_again: BTreeMap<ProjectSlug, i64>,
    /// Publications that a person asked for; `true` if a missing target branch may be created.
    pub(super) publish_now: BTreeMap<ProjectSlug, bool>,
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memo").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

impl Memo {
    /// Returns a memo for a command without a supervisor: nothing is dispatched, merged or published.
    #[must_use]
    pub fn passive() -> Self {
        Self { is_passive: true, ..Self::default() }
    }

    /// Returns a memo for a supervisor that works on one project or on all of them. `max_parallel` overrides
    /// the number of parallel sessions in each.
    #[must_use]
    pub fn working(only: Option<ProjectSlug>, max_parallel: Option<u32>) -> Self {
        Self { only, max_parallel, ..Self::default() }
    }

    /// Returns whether a session that is over waits for its repository: it runs no more, and nothing follows
    /// from it until the repository is back.
    #[must_use]
    pub fn waits_for_repository(&self, session: SessionId) -> bool {
        self.harvest_waits.contains(&session)
    }

    /// Returns whether this process works on a project.
    #[must_use]
    pub fn covers(&self, project: &ProjectSlug) -> bool {
        self.only.as_ref().is_none_or(|only| only == project)
    }
}

/// A queue that is held because the disk was full under the gate.
#[derive(Debug, Clone, Default)]
pub(super) struct DiskWait {
    /// Free bytes in each place when they were first read. `None` before that.
    pub(super) free: Option<Vec<u64>>,
    /// Number of holds for this reason since the gate was last green.
    pub(super) tries: u32,
    /// When the queue is released in any case, in Unix milliseconds.
    pub(super) again_ms: i64,
}
