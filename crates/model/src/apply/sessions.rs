//! Changes by session events.

use crate::event::SessionPlan;
use crate::ids::{ObjectiveKey, SessionId};
use crate::objective::Objective;
use crate::session::{Exit, Harvest, Session, SessionEnd, SessionStatus};
use crate::state::{EntityKey, State};
use crate::usage::{Account, Usage};

/// Lines of history kept per objective: what a prompt can show.
const HISTORY_LINES_MAX: usize = 20;

fn new_session(objective: &ObjectiveKey, plan: &SessionPlan, at_ms: i64) -> Session {
    Session {
        id: plan.session,
        objective: objective.clone(),
        kind: plan.kind,
        agent: plan.agent.clone(),
        worker: plan.worker.clone(),
        attempt: plan.attempt,
        status: SessionStatus::Starting,
        stop: None,
        planned_ms: at_ms,
        started_ms: None,
        finished_ms: None,
        pid: None,
        budget: plan.budget,
        from: plan.from.clone(),
        process: None,
        harvest: None,
        account: Account::default(),
        resume: plan.resume.clone(),
        before_today: Usage::default(),
        jumped_ms: 0,
        trouble: None,
        usage_ms: at_ms,
    }
}

impl State {
    pub(super) fn change_session(&mut self, id: SessionId, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.session_mut(id) {
            change(session);
        }
    }

    pub(super) fn plan_session(&mut self, key: &ObjectiveKey, plan: &SessionPlan, at_ms: i64) {
        self.counters.session = self.counters.session.max(plan.session.0);
        self.touched.insert(EntityKey::Session(plan.session));
        self.sessions.insert(plan.session, new_session(key, plan, at_ms));
        self.index.open_sessions.insert(plan.session);
        self.begin_planning(&key.project, plan, at_ms);
        for id in &plan.overtook {
            let other = ObjectiveKey { project: key.project.clone(), id: id.clone() };
            if let Some(other) = self.objective_mut(&other) {
                other.overtaken += 1;
            }
        }
        let Some(objective) = self.objective_mut(key) else { return };
        objective.sessions.push(plan.session);
        objective.next.not_before_ms = None;
        // The scope was compared with those of the others, and is held again.
        objective.operated.scope_released = false;
        if let Some(note) = &mut objective.operated.note {
            note.given_to = Some(plan.session);
        }
        let is_first = objective.sessions.len() == 1;
        // A worktree may be older than the tip at the first session's start; its branch is moved to the tip
        // then.
        if let Some(worktree) = objective.worktree.as_mut().filter(|_| is_first) {
            worktree.base = plan.from.clone();
        }
    }

    /// Records whether the set-up of a session worked, if it ran to its end.
    pub(super) fn note_set_up(&mut self, id: SessionId, at_ms: i64) {
        let Some(session) = self.session(id).cloned() else { return };
        let is_due = self.objective(&session.objective).is_some_and(|o| session.is_set_up_for(o));
        let project = session.objective.project.clone();
        let has_command = self.project(&project).is_some_and(|p| p.settings.worktree.setup.is_some());
        let Some(process) = session.process.as_ref().filter(|process| process.stop.is_none()) else { return };
        // What could not be submitted ran no command.
        if !is_due || !has_command || session.started_ms.is_none() {
            return;
        }
        self.change(&project, |p| match &process.exit {
            Exit::SetupFailed(_) => p.set_ups.failed(session.planned_ms, at_ms),
            Exit::NotStarted(_) => {}
            Exit::Code(_) | Exit::Signal(_) | Exit::DiskFull(_) => p.set_ups.worked(at_ms),
        });
    }

    pub(super) fn harvest_session(
        &mut self,
        key: &ObjectiveKey,
        id: SessionId,
        end: SessionEnd,
        harvest: Option<&Harvest>,
    ) {
        self.index.open_sessions.remove(&id);
        let mut exit = None;
        self.change_session(id, |s| {
            s.status = SessionStatus::Ended(end);
            s.harvest = harvest.cloned();
            exit = s.process.as_ref().map(|process| process.exit.clone());
        });
        let Some(objective) = self.objective_mut(key) else { return };
        count_in_a_row(objective, end, harvest, exit.as_ref());
        super::operate::after_harvest(objective, id, end, exit.as_ref());
        // If the results could not be read, the last known head stays.
        if let Some(harvest) = harvest {
            objective.head = Some(harvest.head.clone());
        }
        // No agent ran: the next one has nothing to learn from it.
        if matches!(exit, Some(Exit::SetupFailed(_))) {
            return;
        }
        let commits = harvest.map_or(0, |h| h.commits);
        let words = harvest.map_or("", |h| h.summary.as_str());
        objective.history.push(format!("session {id}: {end}, {commits} commits. {words}").trim().to_owned());
        let excess = objective.history.len().saturating_sub(HISTORY_LINES_MAX);
        objective.history.drain(..excess);
    }
}

/// Updates the counters of repeated failures. Each of them ends with the first session that ends otherwise.
fn count_in_a_row(
    objective: &mut Objective,
    end: SessionEnd,
    harvest: Option<&Harvest>,
    exit: Option<&Exit>,
) {
    objective.lost_in_a_row = if end == SessionEnd::Lost { objective.lost_in_a_row + 1 } else { 0 };
    let stopped_early = matches!(end, SessionEnd::Partial | SessionEnd::OverBudget);
    // Commits with findings are not accepted, so they count as no progress.
    let has_progress = harvest.is_some_and(|h| h.commits > 0 && h.findings.is_empty());
    objective.stopped_in_a_row = match (stopped_early, has_progress) {
        (true, false) => objective.stopped_in_a_row + 1,
        _ => 0,
    };
    let setup_failed = matches!(exit, Some(Exit::SetupFailed(_)));
    objective.setup_failures = if setup_failed { objective.setup_failures + 1 } else { 0 };
}
