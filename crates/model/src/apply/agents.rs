//! Changes by events about agents, and about the user's day.

use crate::agent::{AgentHealth, Check, Cooldown, Disabled, Trouble};
use crate::failure::Failure;
use crate::ids::{AgentId, Person, ProjectSlug, SessionId};
use crate::session::{Session, SessionEnd};
use crate::state::{EntityKey, State};
use crate::usage::Usage;

fn trouble(failure: Failure, source: (Option<&ProjectSlug>, Option<SessionId>), at_ms: i64) -> Trouble {
    Trouble { at_ms, failure, project: source.0.cloned(), session: source.1 }
}

impl State {
    /// Starts a cooldown of an agent.
    pub(super) fn cool_agent(
        &mut self,
        agent: &AgentId,
        source: (Option<&ProjectSlug>, Option<SessionId>),
        cooldown: &Cooldown,
        at_ms: i64,
    ) {
        let health = self.health_mut(agent);
        health.record(trouble(cooldown.failure.clone(), source, at_ms));
        health.cooldown = Some(cooldown.clone());
    }

    /// Locks an agent until a person helps.
    pub(super) fn lock_agent(
        &mut self,
        agent: &AgentId,
        source: (Option<&ProjectSlug>, Option<SessionId>),
        failure: &Failure,
        at_ms: i64,
    ) {
        let health = self.health_mut(agent);
        health.record(trouble(failure.clone(), source, at_ms));
        health.locked = Some(trouble(failure.clone(), source, at_ms));
    }

    pub(super) fn enable_agent(&mut self, agent: &AgentId, enabled: bool, by: &Person, at_ms: i64) {
        let health = self.health_mut(agent);
        // Enabling is also a person's word that the agent works again.
        health.disabled = (!enabled).then(|| Disabled { since_ms: at_ms, by: by.clone() });
        if enabled {
            health.free();
        }
    }

    /// Records what running sessions had used at the start of the day, which counts towards the day before.
    pub(super) fn begin_day(&mut self, since_ms: i64, carried: &[(SessionId, Usage)]) {
        self.counters.day_ms = since_ms;
        for (id, usage) in carried {
            if let Some(session) = self.session_mut(*id) {
                // The recorded usage is up to two minutes older than the one in the event.
                session.before_today = usage.clone();
                session.account.usage = usage.clone();
            }
        }
    }

    /// Takes the time that the wall clock gained off every running session: none of them used it.
    pub(super) fn clock_jumped(&mut self, by_ms: i64) {
        let is_running = |session: &&Session| session.started_ms.is_some() && session.finished_ms.is_none();
        let running = self.open_sessions().filter(is_running);
        let running: Vec<SessionId> = running.map(|session| session.id).collect();
        for id in running {
            if let Some(session) = self.session_mut(id) {
                session.jumped_ms = session.jumped_ms.saturating_add(by_ms);
            }
        }
    }

    pub(super) fn health_mut(&mut self, agent: &AgentId) -> &mut AgentHealth {
        self.touched.insert(EntityKey::Counters);
        self.counters.agents.entry(agent.clone()).or_default()
    }

    pub(super) fn check_agent(&mut self, agent: &AgentId, check: &Check, at_ms: i64) {
        let health = self.health_mut(agent);
        health.checked = Some((at_ms, check.clone()));
        // A failed check is followed by a cooldown or a lock, as an event of its own.
        if check.ok {
            health.succeeded(at_ms);
        }
    }

    /// Records a success of the session's agent, if the agent itself worked.
    pub(super) fn record_success(&mut self, id: SessionId, end: SessionEnd, at_ms: i64) {
        let Some(session) = self.session(id) else { return };
        if end.has_worked() && session.account.failure.is_none() {
            let agent = session.agent.clone();
            self.health_mut(&agent).succeeded(at_ms);
        }
    }
}
