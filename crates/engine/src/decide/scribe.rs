//! The scribe: the only hand that writes. It applies each fact as it is recorded, so that what is decided
//! next sees it.

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
