//! What is known of agents, and of the user's day.

use crate::agent::{AgentHealth, Check, Disabled, Trouble};
use crate::event::Fact;
use crate::ids::{ProjectSlug, SessionId};
use crate::session::{Session, SessionEnd};
use crate::state::{EntityKey, State};

impl State {
    /// Whether the fact was about agents or the day.
    pub(super) fn apply_to_agents(&mut self, fact: &Fact, at_ms: i64) -> bool {
        let trouble = |failure, project: &Option<ProjectSlug>, session: &Option<SessionId>| Trouble {
            at_ms,
            failure,
            project: project.clone(),
            session: *session,
        };
        match fact {
            Fact::AgentCooled { agent, project, session, cooldown } => {
                let health = self.health_mut(agent);
                health.note(trouble(cooldown.failure.clone(), project, session));
                health.cooldown = Some((**cooldown).clone());
            }
            Fact::AgentLocked { agent, project, session, failure } => {
                let health = self.health_mut(agent);
                health.note(trouble(failure.clone(), project, session));
                health.locked = Some(trouble(failure.clone(), project, session));
            }
            Fact::AgentFreed { agent, .. } => self.health_mut(agent).free(),
            Fact::AgentEnabled { agent, enabled, by } => {
                let health = self.health_mut(agent);
                health.disabled = (!enabled).then(|| Disabled { since_ms: at_ms, by: by.clone() });
                if *enabled {
                    health.free();
                }
            }
            Fact::AgentChecked { agent, check } => self.check_agent(agent, check, at_ms),
            Fact::DayBegan { since_ms, carried } => {
                self.counters.day_ms = *since_ms;
                for (id, usage) in carried {
                    if let Some(session) = self.session_mut(*id) {
                        session.before_today = usage.clone();
                        session.account.usage = usage.clone();
                    }
                }
            }
            Fact::ClockJumped { by_ms } => self.clock_jumped(*by_ms),
            Fact::SessionSlept { session, by_ms, .. } => {
                if let Some(session) = self.session_mut(*session) {
                    session.jumped_ms = session.jumped_ms.saturating_add(*by_ms);
                }
            }
            _ => return false,
        }
        true
    }

    /// No session used the time that the clock has gained.
    fn clock_jumped(&mut self, by_ms: i64) {
        let is_running = |session: &&Session| session.started_ms.is_some() && session.finished_ms.is_none();
        let running = self.open_sessions().filter(is_running);
        let running: Vec<SessionId> = running.map(|session| session.id).collect();
        for id in running {
            if let Some(session) = self.session_mut(id) {
                session.jumped_ms = session.jumped_ms.saturating_add(by_ms);
            }
        }
    }

    fn health_mut(&mut self, agent: &str) -> &mut AgentHealth {
        self.touched.insert(EntityKey::Counters);
        self.counters.agents.entry(agent.to_owned()).or_default()
    }

    fn check_agent(&mut self, agent: &str, check: &Check, at_ms: i64) {
        let health = self.health_mut(agent);
        health.checked = Some((at_ms, check.clone()));
        if check.ok {
            health.went_well(at_ms);
        }
    }

    /// A session's agent did its work, whatever the work is worth.
    pub(super) fn fared(&mut self, id: SessionId, end: SessionEnd, at_ms: i64) {
        let Some(session) = self.session(id) else { return };
        let has_worked = matches!(
            end,
            SessionEnd::Completed | SessionEnd::Partial | SessionEnd::Blocked | SessionEnd::OverBudget
        );
        if has_worked && session.account.failure.is_none() {
            let agent = session.agent.clone();
            self.health_mut(&agent).went_well(at_ms);
        }
    }
}
