//! Failures, usage and waits of simulated agents, and how people react to them.

use paddock_engine::ANSWERS;
use paddock_engine::input::Input;
use paddock_model::agent::Check;
use paddock_model::answers::Surroundings;
use paddock_model::command::Command;
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::ids::{AgentId, SessionId};
use paddock_model::objective::Status;
use paddock_model::reason::ReasonCode;
use paddock_model::session::Session;
use paddock_model::settings::DayBudget;
use paddock_model::state::State;
use paddock_model::usage::{Account, Tokens, Usage};

use super::agent::Behaviour as B;
use super::sim::Sim;
use crate::rng::{Rng, mix};

/// Tokens per commit.
const TOKENS: u64 = 1_000;

pub(super) fn budget(rng: &mut Rng, calm: bool) -> DayBudget {
    let mut some = |most: usize| (!calm && rng.percent(15)).then(|| 1 + rng.below(most) as u64);
    DayBudget {
        tokens: some(12).map(|count| count * TOKENS),
        usd: some(10).map(|count| count as f64 / 100.0),
        session_minutes: some(120),
    }
}

/// Returns the usage that an agent reports. Every other session reports none.
fn usage(session: &Session, commits: usize) -> Usage {
    let reports_usage = mix(session.id.0).is_multiple_of(2);
    let used = Tokens { input: TOKENS * commits as u64, cached: 0, output: 1 };
    let usd_micros = reports_usage.then_some(10_000 * commits as u64);
    Usage { tokens: reports_usage.then_some(used), usd_micros, ..Usage::default() }
}

/// Returns the report of an agent after a commit, if it has anything to report.
pub(super) fn report_after_commit(
    id: SessionId,
    session: &Session,
    behaviour: B,
    (commits, now_ms): (u32, i64),
) -> Option<Input> {
    let usage = usage(session, commits as usize);
    let short = Failure::new(FailureClass::Overloaded, "529").until(Some(now_ms + 1_000));
    // Waits this short must not stop a session.
    let waits = (behaviour == B::Marked).then_some(short);
    (usage != Usage::default() || waits.is_some()).then_some(Input::SessionReported {
        session: id,
        usage,
        waits,
    })
}

/// Returns the report of an agent that waits for hours.
pub(super) fn waits(session: &Session, now_ms: i64) -> Input {
    let limit = Failure::new(FailureClass::RateLimit, "429").until(Some(now_ms + 40_000_000));
    Input::SessionReported { session: session.id, usage: usage(session, 1), waits: Some(limit) }
}

/// Returns usage and failure in an agent's transcript at its end.
pub(super) fn account(session: &Session, behaviour: B, commits: usize, now_ms: i64) -> Account {
    let named = mix(session.id.0 ^ 5) % 7_200_000;
    let reset_ms = now_ms + i64::try_from(named).unwrap();
    let failure = |class| Some(Failure::new(class, "words"));
    let failure = match behaviour {
        B::Limited if session.id.0.is_multiple_of(2) => {
            failure(FailureClass::RateLimit).map(|failure| failure.until(Some(reset_ms)))
        }
        B::Limited => failure(FailureClass::Overloaded),
        B::NoLogin => failure(FailureClass::Authentication),
        B::TooLong => failure(FailureClass::ContextTooLong),
        B::Refused => failure(FailureClass::Refused),
        _ => None,
    };
    Account { usage: usage(session, commits), failure, ..Account::default() }
}

/// People enable, disable and check agents.
pub(super) fn order(rng: &mut Rng) -> Command {
    let agent = AgentId::from(*rng.pick(&["one", "two"]));
    if rng.percent(30) {
        let failure = rng.percent(40).then(|| {
            let class =
                *rng.pick(&[FailureClass::RateLimit, FailureClass::Authentication, FailureClass::Other]);
            Failure::new(class, "words")
        });
        let check = Check { ok: failure.is_none(), version: None, latency_ms: 1, failure };
        return Command::AgentChecked { agent, check };
    }
    Command::AgentEnable { agent, enabled: rng.percent(60), by: "ada".into() }
}

/// Returns the agents that wait for a person.
pub(super) fn out_of_use(state: &State) -> Vec<AgentId> {
    let is_out = |id: &AgentId| state.agent_health(id).is_some_and(|health| health.out_of_use().is_some());
    ["one", "two"].map(AgentId::from).into_iter().filter(is_out).collect()
}

/// Users remove the budgets.
pub(super) fn lift_budgets(sim: &mut Sim) -> Result<(), String> {
    let projects: Vec<_> = sim.state.projects().map(|p| (p.slug.clone(), p.settings.clone())).collect();
    for (project, mut settings) in projects {
        settings.budget = DayBudget::default();
        sim.take(Input::ConfigRead { project, settings: Ok(Box::new(settings)) })?;
    }
    Ok(())
}

/// Checks that every objective that waits has a reason, and that a reason about a cooldown names its end.
pub(super) fn waits_are_explained(sim: &Sim) -> Result<(), String> {
    let facts = Surroundings { supervisor_running: true, now_ms: sim.now_ms, max_parallel: None };
    for objective in sim.state.objectives().filter(|objective| objective.status != Status::Done) {
        let key = &objective.key;
        let Some(reason) = ANSWERS.why_one(&sim.state, objective, &facts) else {
            return Err(format!("explained: {key} is {} and nothing says why", objective.status));
        };
        let cools =
            |id: &str| sim.state.agent_health(&id.into()).is_some_and(|h| h.cooling(sim.now_ms).is_some());
        let starts = reason.code == ReasonCode::Working && reason.text.contains("about to start");
        if starts && cools("one") && cools("two") {
            return Err(format!("explained: {key} is said to start while every agent cools down"));
        }
        if reason.code == ReasonCode::Cooling && !reason.text.starts_with("cooling until ") {
            return Err(format!("explained: {key} does not say until when: {}", reason.text));
        }
    }
    Ok(())
}
