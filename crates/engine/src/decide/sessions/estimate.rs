//! The cost of a session whose agent was stopped before it reported one, estimated from the agent's earlier
//! sessions, so that the budget of the day does not miss it.

use paddock_model::session::{Session, SessionStatus, Stop};
use paddock_model::state::State;
use paddock_model::usage::{Tokens, Usage};

/// Newest sessions of the workspace that are looked at.
const SESSIONS_MAX: usize = 1_000;
/// Newest sessions of the agent that the estimate is made from.
const SAMPLES_MAX: usize = 20;

/// Completes a usage by an estimate of its cost, if the session was stopped and its agent reported none. Without
/// an earlier session of the agent whose cost is known, the cost stays unknown.
pub(super) fn with_estimate(state: &State, session: &Session, usage: Usage) -> Usage {
    let Some(process) = session.process.as_ref().filter(|process| process.has_run()) else { return usage };
    // An agent that ended by itself reported what it reports.
    let was_stopped = process.stop.is_some_and(|stop| stop != Stop::Finished);
    if usage.usd_micros.is_some() || !was_stopped {
        return usage;
    }
    let total = usage.tokens.map(Tokens::total);
    match estimate(state, session, total, process.awake_seconds) {
        Some(micros) => Usage { usd_micros: Some(micros), usd_is_estimate: true, ..usage },
        None => usage,
    }
}

/// Returns the estimated cost in millionths of a dollar: by tokens if they are known, else by time.
fn estimate(state: &State, session: &Session, tokens: Option<u64>, seconds: u64) -> Option<u64> {
    let is_sample = |one: &&Session| {
        let usage = &one.account.usage;
        one.agent == session.agent
            && matches!(one.status, SessionStatus::Ended(_))
            && usage.usd_micros.is_some()
            && !usage.usd_is_estimate
    };
    let samples = state.sessions().rev().take(SESSIONS_MAX).filter(is_sample).take(SAMPLES_MAX);
    let (mut usd, mut by) = (0_u128, 0_u128);
    for one in samples {
        let cost = u128::from(one.account.usage.usd_micros.unwrap_or(0));
        let measure = match tokens {
            Some(_) => one.account.usage.tokens.map(Tokens::total),
            None => one.process.as_ref().map(|process| process.awake_seconds),
        };
        if let Some(measure) = measure.filter(|measure| *measure > 0) {
            (usd, by) = (usd + cost, by + u128::from(measure));
        }
    }
    let measure = u128::from(tokens.unwrap_or(seconds));
    (by > 0).then(|| u64::try_from(usd.saturating_mul(measure) / by).unwrap_or(u64::MAX))
}
