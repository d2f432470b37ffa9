//! The scribe: the only writer of the state during a step.
//!
//! Each fact is applied as it is recorded, so that the next decision of the same step sees it.

use std::collections::BTreeSet;

use super::memo::Memo;
use crate::effect::Effect;
use paddock_model::event::{Event, Fact};
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Cause, NextSession, Status, is_legal};
use paddock_model::reason::Reason;
use paddock_model::state::State;

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

    /// Returns a value that changes whenever a fact is recorded or an effect ordered.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.events.len(), self.effects.len())
    }

    /// Returns the projects that the phases have to look at: with many projects, an input about one of them
    /// must not cost a pass over all.
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

    /// Records a fact: applies it now, and has it stored before any effect is executed.
    pub(super) fn record(&mut self, fact: Fact) {
        let event = Event { seq: self.state.counters().seq + 1, at_ms: self.now_ms, fact };
        self.state.apply(&event);
        self.events.push(event);
    }

    /// Orders an effect, to be executed once the facts recorded so far are stored.
    pub(super) fn order(&mut self, effect: Effect) {
        // Several rules of one step may ask for the same look or stop.
        if !self.effects.contains(&effect) {
            self.effects.push(effect);
        }
    }

    /// Moves an objective and returns whether it moved. A move that the table of states does not name is not
    /// recorded.
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
        // An illegal move is a fault of the engine. Tests stop at it; in a release the objective stays where
        // it is, which is safer than a state that no rule handles.
        debug_assert!(is_allowed, "{key}: {from} -> {to} by {cause:?} is not in the table of states");
        if is_allowed {
            let objective = key.clone();
            self.record(Fact::ObjectiveMoved { objective, from, to, cause, reason, next });
        }
        is_allowed
    }

    /// Returns whether no new work may start: the supervisor is stopping, or there is none.
    pub(super) fn is_quiet(&self) -> bool {
        self.memo.is_passive || self.memo.stopping.is_some()
    }
}
