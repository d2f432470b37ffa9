//! Health of agents: a failure makes an agent cool down, or puts it out of use until a person acts.
//!
//! Health is kept for the whole workspace, since an agent's subscription is the user's and not the project's.
//!
//! `model::failure` names the classes of failure and the remedy for each:
//!
//! | remedy | then |
//! |---|---|
//! | cool down (rate limit, quota, overload, network) | `agent_cooled`: the agent starts no session until the time that it named, else after a backoff that grows until a session succeeds. The session ends `interrupted` and costs no retry; the worker's next agent takes over |
//! | a person (authentication) | `agent_locked`: the agent is out of use until a check passes, a person enables it, or its settings change. Without another agent the objective goes to needs_review (`agent_login`), and leaves it when the agent is free again |
//! | a person (refused by a trust or permission check) | needs_review for that objective |
//! | a smaller prompt (context too long) | a retry with half the commits |
//! | a retry | a correction session |
//!
//! Health belongs to the agent's id in the whole workspace: a subscription belongs to the user, not to a
//! project. Sessions that ran at the same time met one outage, so only a session that began after a cooldown
//! lengthens the next one. The jitter is derived from agent and session, as the engine draws no random
//! numbers. A cooldown's end is a timer, counts as moving for `--until-idle`, and survives a restart because
//! it is recorded. After a cooldown one session tries the agent (`assignment::probe`); its other sessions, in
//! every project, wait until that one had a success or has worked for ten seconds.

use crate::assignment::agent_for;
use crate::decide::scribe::Scribe;
use crate::decide::wording::choices;
use paddock_model::agent::{AgentHealth, Check, cooldown_after};
use paddock_model::command::{Answer, Reply};
use paddock_model::event::Fact;
use paddock_model::failure::{Failure, FailureClass, Remedy};
use paddock_model::ids::{AgentId, ObjectiveKey, Person};
use paddock_model::objective::{Cause, Status};
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::Session;
use paddock_model::settings::ProjectSettings;

/// Records a failure that is about the agent and not about its work: a cooldown or a missing login.
pub(in crate::decide) fn note(scribe: &mut Scribe<'_>, session: &Session, failure: &Failure) {
    let agent = &session.agent;
    match failure.class.remedy() {
        Remedy::CoolDown => {
            let began_ms = session.started_ms.unwrap_or(session.planned_ms);
            cool(scribe, agent, failure, (began_ms, session.id.0), Some(session));
        }
        Remedy::Human if failure.class == FailureClass::Authentication => {
            lock(scribe, agent, failure, Some(session));
        }
        Remedy::Human | Remedy::Smaller | Remedy::Retry => {}
    }
}

fn cool(
    scribe: &mut Scribe<'_>,
    agent: &AgentId,
    failure: &Failure,
    run: (i64, u64),
    session: Option<&Session>,
) {
    let none = AgentHealth::default();
    let health = scribe.state.agent_health(agent).unwrap_or(&none);
    // Sessions that ran in parallel hit one limit together; only one that began after the cooldown makes it
    // longer.
    let Some(cooldown) = cooldown_after(health, agent, failure, run, scribe.now_ms) else { return };
    let project = session.map(|session| session.objective.project.clone());
    let (agent, session) = (agent.clone(), session.map(|session| session.id));
    scribe.record(Fact::AgentCooled { agent, project, session, cooldown: Box::new(cooldown) });
    scribe.mark_all();
}

fn lock(scribe: &mut Scribe<'_>, agent: &AgentId, failure: &Failure, session: Option<&Session>) {
    // Sessions in parallel fail for the same missing login; one record is enough.
    if scribe.state.agent_health(agent).is_some_and(|health| health.locked.is_some()) {
        return;
    }
    let project = session.map(|session| session.objective.project.clone());
    let (agent, session, failure) = (agent.clone(), session.map(|session| session.id), failure.clone());
    scribe.record(Fact::AgentLocked { agent, project, session, failure });
    scribe.mark_all();
}

/// Frees the agents whose command or environment changed: the cause of their failure may be gone.
pub(in crate::decide) fn reconfigured(
    scribe: &mut Scribe<'_>,
    before: &ProjectSettings,
    now: &ProjectSettings,
) {
    for agent in &now.agents {
        // An agent that is new in the settings has no failure to be freed of.
        let is_other = before.agent(&agent.id).is_some_and(|old| {
            old.command != agent.command || old.env != agent.env || old.cli_command != agent.cli_command
        });
        let health = scribe.state.agent_health(&agent.id);
        let is_held_up =
            health.is_some_and(|health| health.locked.is_some() || health.cooling(scribe.now_ms).is_some());
        if is_other && is_held_up {
            let why = "its settings changed".to_owned();
            scribe.record(Fact::AgentFreed { agent: agent.id.clone(), why });
            resume_objectives(scribe, &agent.id);
        }
    }
}

/// Sends the objectives back to work that needed a person only because this agent was not logged in.
fn resume_objectives(scribe: &mut Scribe<'_>, agent: &AgentId) {
    scribe.mark_all();
    let waits = |key: &&ObjectiveKey| {
        let Some(objective) = scribe.state.objective(key) else { return false };
        // A worktree that is being removed cannot take a session.
        let is_due = objective.reason.as_ref().is_some_and(|why| why.code == ReasonCode::AgentLogin)
            && objective
                .worktree
                .as_ref()
                .is_none_or(|w| w.stage != paddock_model::objective::WorktreeStage::Removing);
        let last = objective.sessions.last().and_then(|id| scribe.state.session(*id));
        is_due
            && last.is_some_and(|session| session.agent == *agent && !session.status.is_open())
            && scribe
                .state
                .project(&key.project)
                .is_some_and(|project| agent_for(scribe.state, project, objective).is_some())
    };
    let all = scribe.state.objectives().filter(|objective| objective.status == Status::NeedsReview);
    let keys: Vec<ObjectiveKey> = all.map(|objective| &objective.key).filter(waits).cloned().collect();
    for key in keys {
        let next = scribe.state.objective(&key).map(|objective| objective.next.clone());
        scribe.move_to(&key, Status::Ready, Cause::Human, None, next);
    }
}

/// Returns the reason why the objective needs a person, or `None` if its worker has another usable agent.
pub(in crate::decide) fn nobody_left(
    scribe: &Scribe<'_>,
    key: &ObjectiveKey,
    agent: &AgentId,
    failure: &Failure,
) -> Option<Reason> {
    let project = scribe.state.project(&key.project)?;
    let objective = scribe.state.objective(key)?;
    if agent_for(scribe.state, project, objective).is_some() {
        return None;
    }
    let text = format!("the agent {agent} cannot work: {failure}; no other agent of its worker can be used");
    let clears = format!(
        "log {agent} in, then `paddock agent check {agent}` lets the objective continue; or {}",
        choices(objective)
    );
    Some(Reason::new(ReasonCode::AgentLogin, scribe.now_ms, text, clears))
}

/// A person enables or disables an agent.
pub(in crate::decide) fn enable(
    scribe: &mut Scribe<'_>,
    agent: &AgentId,
    enabled: bool,
    by: Person,
) -> Reply {
    scribe.record(Fact::AgentEnabled { agent: agent.clone(), enabled, by });
    if !enabled {
        scribe.mark_all();
        let text = "no new session uses it, in any project; running sessions continue";
        return Ok(Answer::text(format!("agent {agent} is disabled: {text}")));
    }
    resume_objectives(scribe, agent);
    // The settings of a project outrank this order, so the answer names the files that still say no.
    let is_off = |project: &&paddock_model::project::Project| {
        project.settings.agent(agent).is_some_and(|found| !found.enabled)
    };
    let off: Vec<String> =
        scribe.state.projects().filter(is_off).map(|p| format!("projects/{}.yaml", p.slug)).collect();
    let except = match off.is_empty() {
        true => String::new(),
        false => format!("; but {} says `enabled: false`", off.join(", ")),
    };
    Ok(Answer::text(format!("agent {agent} may be used{except}")))
}

/// A person had an agent checked. A check that succeeds is proof enough to free the agent.
pub(in crate::decide) fn checked(scribe: &mut Scribe<'_>, agent: &AgentId, check: Check) -> Reply {
    let (ok, failure) = (check.ok, check.failure.clone());
    scribe.record(Fact::AgentChecked { agent: agent.clone(), check });
    if ok {
        let health = scribe.state.agent_health(agent);
        let is_held_up =
            health.is_some_and(|health| health.locked.is_some() || health.cooling(scribe.now_ms).is_some());
        if is_held_up {
            let why = "a check went well".to_owned();
            scribe.record(Fact::AgentFreed { agent: agent.clone(), why });
        }
        resume_objectives(scribe, agent);
        return Ok(Answer::text(format!("agent {agent} works")));
    }
    if let Some(failure) = failure {
        match failure.class.remedy() {
            Remedy::CoolDown => cool(scribe, agent, &failure, (scribe.now_ms, 0), None),
            Remedy::Human if failure.class == FailureClass::Authentication => {
                lock(scribe, agent, &failure, None);
            }
            Remedy::Human | Remedy::Smaller | Remedy::Retry => {}
        }
        return Ok(Answer::text(format!("agent {agent} does not work: {failure}")));
    }
    Ok(Answer::text(format!("agent {agent} did not answer as it was asked to")))
}
