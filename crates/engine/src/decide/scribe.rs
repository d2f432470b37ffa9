//! The scribe: the only hand that writes. It applies each fact as it is recorded, so that what is decided
//! next sees it.

use std::collections::{BTreeMap, BTreeSet};

use super::room::Wait;
use crate::effect::Effect;
use paddock_model::aside::{Aside, Prepared};
use paddock_model::command::StopMode;
use paddock_model::event::{Event, Fact};
use paddock_model::ids::{ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::{Cause, NextSession, Status, is_legal};
use paddock_model::reason::Reason;
use paddock_model::scope::OverlapCache;
use paddock_model::state::State;
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
    pub(super) preparing: BTreeSet<(ProjectSlug, Aside)>,
    /// Those that are made; each is dropped when its run has said what it had to say.
    pub(super) prepared: BTreeMap<(ProjectSlug, Aside), Prepared>,
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

pub(super) struct Scribe<'a> {
    pub(super) state: &'a mut State,
    pub(super) memo: &'a mut Memo,
    pub(super) now_ms: i64,
    events: Vec<Event>,
    effects: Vec<Effect>,
    marked: BTreeSet<ProjectSlug>,
}

impl<'a> Scribe<'a> {
    pub(super) fn new(state: &'a mut State, memo: &'a mut Memo, now_ms: i64) -> Self {
        Self { state, memo, now_ms, events: Vec::new(), effects: Vec::new(), marked: BTreeSet::new() }
    }

    pub(super) fn finish(self) -> (Vec<Event>, Vec<Effect>) {
        (self.events, self.effects)
    }

    /// Grows whenever something was recorded or ordered.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.events.len(), self.effects.len())
    }

    /// The projects that the phases have to look at.
    pub(super) fn marked(&self) -> Vec<ProjectSlug> {
        self.marked.iter().cloned().collect()
    }

    pub(super) fn mark(&mut self, project: &ProjectSlug) {
        if self.memo.covers(project) {
            self.marked.insert(project.clone());
        }
    }

    pub(super) fn mark_all(&mut self) {
        let slugs = self.state.projects().map(|project| project.slug.clone());
        self.marked = slugs.filter(|slug| self.memo.covers(slug)).collect();
    }

    /// Records a fact: it is applied now and stored before any effect.
    pub(super) fn record(&mut self, fact: Fact) {
        let event = Event { seq: self.state.counters().seq + 1, at_ms: self.now_ms, fact };
        self.state.apply(&event);
        self.events.push(event);
    }

    /// Orders an effect, carried out once everything recorded so far is stored.
    pub(super) fn order(&mut self, effect: Effect) {
        if !self.effects.contains(&effect) {
            self.effects.push(effect);
        }
    }

    /// Moves an objective, if the state machine names that move; else nothing is written and it says so.
    pub(super) fn move_to(
        &mut self,
        key: &ObjectiveKey,
        to: Status,
        cause: Cause,
        reason: Option<Reason>,
        next: Option<NextSession>,
    ) -> bool {
        self.mark(&key.project);
        let Some(from) = self.state.objective(key).map(|objective| objective.status) else { return false };
        let is_allowed = is_legal(from, to, cause);
        debug_assert!(is_allowed, "{key}: {from} -> {to} by {cause:?} is not in the table of states");
        if is_allowed {
            let objective = key.clone();
            self.record(Fact::ObjectiveMoved { objective, from, to, cause, reason, next });
        }
        is_allowed
    }

    /// Whether nothing new is to be started.
    pub(super) fn is_quiet(&self) -> bool {
        self.memo.is_passive || self.memo.stopping.is_some()
    }
}
