//! Orders about a session: kill it, or extend its budget.

use crate::decide::scribe::Scribe;
use crate::decide::wording::described;
use crate::effect::Effect;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::ids::{ObjectiveKey, SessionId};
use paddock_model::session::{SessionBudget, Stop};

pub(in crate::decide) fn kill(scribe: &mut Scribe<'_>, id: SessionId) -> Reply {
    let Some(session) = scribe.state.session(id) else {
        return Err(Refusal::new(format!("there is no session {id}; `paddock session list` shows them")));
    };
    let (objective, status) = (session.objective.clone(), session.status);
    if !status.has_processes() {
        return Err(Refusal::new(format!("session {id} is not running: it is {}", status.word())));
    }
    // A session that is stopping may be killed all the same: the agent may not react to a gentle stop.
    if session.stop != Some(Stop::Human) {
        let stop = Stop::Human;
        scribe.record(Fact::SessionStopping { objective: objective.clone(), session: id, stop, now: true });
    }
    scribe.order(Effect::StopSession { session: id, stop: Stop::Human, now: true });
    let whose = if objective.id.is_planner() { "the planner".to_owned() } else { objective.to_string() };
    let text = format!("session {id} of {whose} is being killed");
    Ok(Answer { text, objectives: about(objective) })
}

/// Additions to a session's budget.
pub(in crate::decide) struct More {
    pub(in crate::decide) minutes: u32,
    pub(in crate::decide) commits: u32,
    pub(in crate::decide) tokens: u64,
    pub(in crate::decide) usd_micros: u64,
}

pub(in crate::decide) fn extend(scribe: &mut Scribe<'_>, id: SessionId, more: &More) -> Reply {
    let Some(session) = scribe.state.session(id) else {
        return Err(Refusal::new(format!("there is no session {id}; `paddock session list` shows them")));
    };
    if !session.status.is_at_work() {
        return Err(Refusal::new(format!("session {id} is not running: it is {}", session.status.word())));
    }
    let now = session.budget;
    if (more.minutes, more.commits, more.tokens, more.usd_micros) == (0, 0, 0, 0) {
        return Err(Refusal::new("say how much more: --minutes M, --commits C, --tokens T, --usd D"));
    }
    let unlimited = [(more.tokens, now.max_tokens, "tokens"), (more.usd_micros, now.max_usd_micros, "cost")];
    if let Some((_, _, what)) = unlimited.iter().find(|(more, limit, _)| *more > 0 && limit.is_none()) {
        return Err(Refusal::new(format!("session {id} has no limit of {what}: there is nothing to extend")));
    }
    let objective = session.objective.clone();
    let budget = SessionBudget {
        max_commits: now.max_commits.saturating_add(more.commits),
        max_minutes: now.max_minutes.saturating_add(more.minutes),
        max_tokens: now.max_tokens.map(|tokens| tokens.saturating_add(more.tokens)),
        max_usd_micros: now.max_usd_micros.map(|usd| usd.saturating_add(more.usd_micros)),
    };
    scribe.record(Fact::SessionExtended { objective: objective.clone(), session: id, budget });
    scribe.order(Effect::ExtendSession { session: id });
    let text = format!("session {id} may now use {}", described(&budget));
    Ok(Answer { text, objectives: about(objective) })
}

/// Returns the objective that a session works for, as the answer lists it. A planner's session works for
/// none.
fn about(objective: ObjectiveKey) -> Vec<ObjectiveKey> {
    if objective.id.is_planner() { Vec::new() } else { vec![objective] }
}
