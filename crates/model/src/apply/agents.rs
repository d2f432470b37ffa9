//! What is known of agents, and of the user's day.

use crate::agent::{AgentHealth, Check, Cooldown, Disabled, Trouble};
use crate::failure::Failure;
use crate::ids::{AgentId, Person, ProjectSlug, SessionId};
use crate::session::{Session, SessionEnd};
use crate::state::{EntityKey, State};
use crate::usage::Usage;

fn trouble(failure: Failure, of: (Option<&ProjectSlug>, Option<SessionId>), at_ms: i64) -> Trouble {
    Trouble { at_ms, failure, project: of.0.cloned(), session: of.1 }
}

impl State {
    /// No session is started with the agent until its cooldown is over.
    pub(super) fn cool_agent(
        &mut self,
        agent: &AgentId,
        of: (Option<&ProjectSlug>, Option<SessionId>),
        cooldown: &Cooldown,
        at_ms: i64,
    ) {
        let health = self.health_mut(agent);
        health.note(trouble(cooldown.failure.clone(), of, at_ms));
        health.cooldown = Some(cooldown.clone());
    }

    /// No session is started with the agent until a person has done something.
    pub(super) fn lock_agent(
        &mut self,
        agent: &AgentId,
        of: (Option<&ProjectSlug>, Option<SessionId>),
        failure: &Failure,
        at_ms: i64,
    ) {
        let health = self.health_mut(agent);
        health.note(trouble(failure.clone(), of, at_ms));
        health.locked = Some(trouble(failure.clone(), of, at_ms));
    }

    pub(super) fn enable_agent(&mut self, agent: &AgentId, enabled: bool, by: &Person, at_ms: i64) {
        let health = self.health_mut(agent);
        health.disabled = (!enabled).then(|| Disabled { since_ms: at_ms, by: by.clone() });
        if enabled {
            health.free();
        }
    }

    /// What running sessions had used by the start of the day counts to the day before.
    pub(super) fn begin_day(&mut self, since_ms: i64, carried: &[(SessionId, Usage)]) {
        self.counters.day_ms = since_ms;
        for (id, usage) in carried {
            if let Some(session) = self.session_mut(*id) {
                session.before_today = usage.clone();
                session.account.usage = usage.clone();
            }
        }
    }

    /// No session used the time that the clock has gained.
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
        if check.ok {
            health.went_well(at_ms);
        }
    }

    /// A session's agent did its work, whatever the work is worth.
    pub(super) fn fared(&mut self, id: SessionId, end: SessionEnd, at_ms: i64) {
        let Some(session) = self.session(id) else { return };
        if end.has_worked() && session.account.failure.is_none() {
            let agent = session.agent.clone();
            self.health_mut(&agent).went_well(at_ms);
        }
    }
}
