//! Why an objective is not moving: the exact condition, since when it holds, and what would clear it.
//!
//! If several conditions hold at once, one that does not end by itself is reported first.

mod nodes;
mod queued;
mod stops;

pub(crate) use nodes::no_planner;
pub use nodes::nothing_planned;

use self::stops::{project_stop, reason, stopped};
use super::decide::{OVERTAKEN_MAX, taken_slots};
use crate::assignment::{agent_for, all_cooling, all_tried, worker_for};
use paddock_model::agent::{AgentHealth, length};
use paddock_model::answers::Surroundings;
use paddock_model::clock;
use paddock_model::ids::{AgentId, ObjectiveKey};
use paddock_model::objective::{Objective, Status, WorktreeStage};
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::scope::OverlapCache;
use paddock_model::session::SessionStatus;
use paddock_model::settings::OverlapRule;
use paddock_model::state::State;

/// Returns the reason why this objective is in its state, or `None` if it is done. Compiled globs are kept in
/// `overlaps` between calls.
#[must_use]
pub(crate) fn why_with(
    state: &State,
    objective: &Objective,
    facts: &Surroundings,
    overlaps: &mut OverlapCache,
) -> Option<Reason> {
    let project = state.project(&objective.key.project)?;
    match objective.status {
        Status::Done => None,
        Status::Todo => Some(todo(state, project, objective, facts)),
        Status::Ready => Some(Ready { state, project, objective, facts }.why(overlaps)),
        Status::Active => Some(active(state, project, objective)),
        Status::Review => Some(stopped(objective, facts).unwrap_or_else(|| review(objective))),
        Status::Queued => Some(queued::why(state, project, objective, facts)),
        Status::NeedsReview | Status::Paused | Status::Skipped | Status::Failed | Status::Cancelled => {
            Some(objective.reason.clone().unwrap_or_else(|| set_aside_reason(objective)))
        }
    }
}

fn set_aside_reason(objective: &Objective) -> Reason {
    let text = format!("a person moved it to {}", objective.status);
    let clears = format!("`paddock objective show {}`, then a person decides", objective.key.id);
    reason(objective, ReasonCode::Human, text, &clears)
}

fn todo(state: &State, project: &Project, objective: &Objective, facts: &Surroundings) -> Reason {
    // A stuck dependency far up the chain is the real cause: to name the direct dependency, which only waits
    // as well, would help nobody.
    let unmet = state.unmet(objective);
    if let Some(stuck) = stuck_behind(state, &unmet) {
        let name = &stuck.key.id;
        let why = stuck.reason.as_ref().map(|reason| format!(": {}", reason.text)).unwrap_or_default();
        let text = format!("blocked by {name}, which is {}{why}", stuck.status);
        let clears = format!("{name} moves on; `paddock objective show {name}` says what it needs");
        return reason(objective, ReasonCode::BlockedBy, text, &clears);
    }
    if unmet.is_empty() {
        let stop = project_stop(project, objective).or_else(|| stopped(objective, facts));
        let soon = || reason(objective, ReasonCode::Dependencies, "about to become ready", "the next cycle");
        return stop.unwrap_or_else(soon);
    }
    let names: Vec<String> = unmet.iter().map(|one| format!("{} ({})", one.key.id, one.status)).collect();
    let text = format!("waits for {}", names.join(", "));
    reason(objective, ReasonCode::Dependencies, text, "it starts by itself once they are done")
}

/// Returns the first stuck objective among the unmet dependencies, direct or indirect.
fn stuck_behind<'s>(state: &'s State, unmet: &[&'s Objective]) -> Option<&'s Objective> {
    // Many paths may lead to one dependency; each is walked once.
    let mut seen: std::collections::BTreeSet<&ObjectiveKey> = std::collections::BTreeSet::new();
    let mut waiting: Vec<&Objective> = unmet.iter().rev().copied().collect();
    while let Some(next) = waiting.pop() {
        if next.status.is_stuck() {
            return Some(next);
        }
        if seen.insert(&next.key) {
            waiting.extend(state.unmet(next));
        }
    }
    None
}

fn active(state: &State, project: &Project, objective: &Objective) -> Reason {
    // The last session is the one at work: an objective has one session at a time.
    let last = objective.sessions.last().and_then(|id| state.session(*id));
    let Some(session) = last else {
        return reason(objective, ReasonCode::Working, "a session is being started", "the session ends");
    };
    let (id, kind, agent) = (session.id, session.kind, &session.agent);
    let broken = project.holds.get(&ReasonCode::RepositoryBroken);
    if let Some(hold) = broken.filter(|_| session.status == SessionStatus::Harvesting) {
        let text = format!("the work of session {id} waits for the repository: {}", hold.text);
        return reason(objective, ReasonCode::RepositoryBroken, text, &hold.clears);
    }
    let (code, text) = match session.status {
        SessionStatus::Starting => {
            (ReasonCode::Working, format!("{kind} session {id} by {agent} is starting"))
        }
        SessionStatus::Running => {
            (ReasonCode::Working, format!("{kind} session {id} by {agent} works on it"))
        }
        SessionStatus::Stopping => {
            (ReasonCode::Working, format!("{kind} session {id} by {agent} is stopping"))
        }
        SessionStatus::Harvesting | SessionStatus::Ended(_) => {
            (ReasonCode::Harvesting, format!("the work of session {id} is being read"))
        }
    };
    // A person who sees this in the morning should know whom to ask.
    let text = match &session.trouble {
        Some(trouble) => format!("{text}; {trouble}"),
        None => text,
    };
    let since_ms = session.started_ms.unwrap_or(session.planned_ms);
    let then = if objective.operated.pause_asked { "; then it is paused" } else { "" };
    Reason::new(code, since_ms, format!("{text}{then}"), "the session ends")
}

fn review(objective: &Objective) -> Reason {
    let text = match objective.sessions.last() {
        Some(id) => format!("the work of session {id} is being reviewed"),
        None => "it is being reviewed".to_owned(),
    };
    reason(objective, ReasonCode::Harvesting, text, "the review ends")
}

/// Returns a time of day in UTC: the engine does not know the reader's time zone.
fn clock_utc(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} UTC", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Returns the reason why no agent is usable for the objective's next session, even after a cooldown. `None`
/// if one is usable.
pub(super) fn no_agent(state: &State, project: &Project, objective: &Objective) -> Option<Reason> {
    if agent_for(state, project, objective).is_some() {
        return None;
    }
    let clears = format!(
        "name an agent that can be started in projects/{}.yaml (`agents` or `workers`)",
        project.slug
    );
    let Some(found) = worker_for(state, project, objective) else {
        let text = format!("there is no worker {}{}", objective.spec.worker, project.settings_note());
        return Some(reason(objective, ReasonCode::NoAgent, text, &clears));
    };
    let worker = &found.id;
    let out_of_use = |id: &AgentId| state.agent_health(id).and_then(AgentHealth::out_of_use);
    let problem = |id: &AgentId| {
        let why = project.unusable_agents.get(id).cloned().or_else(|| out_of_use(id));
        why.map(|why| format!("{id}: {why}"))
    };
    let problems: Vec<String> = found.agents.iter().filter_map(problem).collect();
    // An agent that only needs a login is the quickest way out.
    let clears = match found.agents.iter().find(|id| out_of_use(id).is_some()) {
        Some(id) => format!("log {id} in and `paddock agent check {id}`, or `paddock agent enable {id}`"),
        None => clears,
    };
    let text = match (found.agents.is_empty(), problems.is_empty()) {
        (true, _) => {
            format!(
                "the worker {worker} has no agent: its settings name none, and Paddock found none on PATH"
            )
        }
        (false, true) => format!("every agent of the worker {worker} is disabled"),
        (false, false) => {
            format!("no agent of the worker {worker} can be used ({})", problems.join("; "))
        }
    };
    Some(reason(objective, ReasonCode::NoAgent, text, &clears))
}

/// A ready objective, checked by the rules of `decide::sessions::dispatch`.
struct Ready<'a> {
    state: &'a State,
    project: &'a Project,
    objective: &'a Objective,
    facts: &'a Surroundings,
}

impl Ready<'_> {
    fn why(&self, overlaps: &mut OverlapCache) -> Reason {
        // Causes that a person has to end come before those that pass by themselves: a cooldown is no news
        // while the project is paused.
        let outside = self
            .own_session()
            .or_else(|| project_stop(self.project, self.objective))
            .or_else(|| self.paused())
            .or_else(|| no_agent(self.state, self.project, self.objective))
            .or_else(|| stopped(self.objective, self.facts))
            .or_else(|| self.no_integration());
        outside
            .or_else(|| self.backoff())
            .or_else(|| self.cooling())
            .or_else(|| self.probed())
            .or_else(|| self.overlap(overlaps))
            .or_else(|| self.no_slot())
            .unwrap_or_else(|| self.worktree())
    }

    fn reason(&self, code: ReasonCode, text: impl Into<String>, clears: &str) -> Reason {
        reason(self.objective, code, text, clears)
    }

    /// The objective was set aside and sent back to work while its session was still being stopped. Only one
    /// session at a time may use the worktree.
    fn own_session(&self) -> Option<Reason> {
        let last = self.objective.sessions.last().and_then(|id| self.state.session(*id));
        let session = last.filter(|session| session.status.is_open())?;
        let text = format!("its session {} is still being stopped", session.id);
        Some(self.reason(ReasonCode::Working, text, "the session ends"))
    }

    fn paused(&self) -> Option<Reason> {
        let clears = format!("`paddock project resume {}`", self.project.slug);
        let text = "its project is paused: no new sessions start";
        self.project.paused.then(|| self.reason(ReasonCode::ProjectPaused, text, &clears))
    }

    fn no_integration(&self) -> Option<Reason> {
        let text = "the integration ref of its project is being made";
        (!self.project.integration.is_made)
            .then(|| self.reason(ReasonCode::PreparingWorktree, text, "the ref exists"))
    }

    fn backoff(&self) -> Option<Reason> {
        let until_ms =
            self.objective.next.not_before_ms.filter(|at_ms| !clock::is_over(*at_ms, self.facts.now_ms))?;
        // Rounded up, so that it never says "0 s" while the pause lasts.
        let seconds = (until_ms - self.facts.now_ms + 999) / 1000;
        let kind = self.objective.next.kind;
        let text = format!("its {kind} session starts in {seconds} s at the earliest");
        Some(self.reason(ReasonCode::Backoff, text, "the time passes"))
    }

    fn cooling(&self) -> Option<Reason> {
        let (state, now_ms) = (self.state, self.facts.now_ms);
        let all = all_cooling(state, self.project, self.objective, now_ms)?;
        let (first, until_ms) = all.first().map(|(agent, cooldown)| (*agent, cooldown.until_ms))?;
        let causes: Vec<String> =
            all.iter().map(|(agent, cooldown)| format!("{agent}: {}", cooldown.failure)).collect();
        let wait = length(until_ms - now_ms);
        let text = format!("cooling until {} ({wait} more): {}", clock_utc(until_ms), causes.join("; "));
        let clears = format!("the time passes, or `paddock agent enable {first}`");
        let since_ms = all.iter().map(|(_, cooldown)| cooldown.since_ms).max()?;
        Some(Reason::new(ReasonCode::Cooling, since_ms, text, clears))
    }

    /// Another session probes whether the agent works again after its cooldown.
    fn probed(&self) -> Option<Reason> {
        let now_ms = self.facts.now_ms;
        let (agent, session, until_ms) = all_tried(self.state, self.project, self.objective, now_ms)?;
        let wait = length(until_ms - now_ms);
        let until = clock_utc(until_ms);
        let text = format!(
            "cooling until {until} at the latest: session {session} shows whether {agent} works again"
        );
        let clears = format!("session {session} ends well, or works for {wait} more");
        Some(self.reason(ReasonCode::Cooling, text, &clears))
    }

    fn no_slot(&self) -> Option<Reason> {
        let slots = self.facts.max_parallel.unwrap_or(self.project.settings.max_parallel_sessions);
        let active = taken_slots(self.state, &self.project.slug);
        let text = format!("all session slots are taken ({active} of {slots})");
        (active >= slots as usize).then(|| self.reason(ReasonCode::NoSlot, text, "a session ends"))
    }

    fn overlap(&self, overlaps: &mut OverlapCache) -> Option<Reason> {
        // The same rules as `dispatch::must_wait`.
        let settings = &self.project.settings;
        if settings.path_conflicts == OverlapRule::Allow || self.objective.holds_scope() {
            return None;
        }
        let others = self.state.objectives_of(&self.project.slug);
        for other in others.filter(|other| other.key != self.objective.key) {
            let is_due = other.status == Status::Ready
                && other.overtaken >= OVERTAKEN_MAX
                && self.objective.overtaken < OVERTAKEN_MAX;
            if !other.holds_scope() && !is_due {
                continue;
            }
            let (own, theirs) = (&self.objective.spec.path_scope, &other.spec.path_scope);
            let met = match overlaps.overlap(own, theirs, &settings.shared_patterns) {
                Ok(None) => continue,
                Ok(Some(witness)) => witness.to_string(),
                // Dispatch lets such an objective wait as well.
                Err(error) => format!("the scopes cannot be compared: {error}"),
            };
            let (name, status) = (&other.key.id, other.status);
            return Some(match other.holds_scope() {
                true => {
                    let text = format!("its scope overlaps that of {name} ({status}): {met}");
                    let clears = format!("{name} lands or is set aside");
                    self.reason(ReasonCode::ScopeOverlap, text, &clears)
                }
                false => {
                    let text = format!(
                        "gives way to {name}, which was overtaken {OVERTAKEN_MAX} times and whose scope \
                         overlaps: {met}"
                    );
                    self.reason(ReasonCode::Yielding, text, &format!("{name} starts"))
                }
            });
        }
        None
    }

    fn worktree(&self) -> Reason {
        match self.objective.worktree.as_ref().map(|worktree| worktree.stage) {
            Some(WorktreeStage::Ready) => {
                self.reason(ReasonCode::Working, "its session is about to start", "the next cycle")
            }
            Some(WorktreeStage::Broken) => self.reason(
                ReasonCode::PreparingWorktree,
                "its worktree could not be made; Paddock tries again",
                "the worktree is there",
            ),
            _ => self.reason(
                ReasonCode::PreparingWorktree,
                "its worktree is being made",
                "the worktree is there",
            ),
        }
    }
}
