//! Budgets: the limits of a running session, and of a project's day.

use crate::decide::queue::holds::{hold, release};
use crate::decide::scribe::Scribe;
use crate::decide::sessions::stops::ask_to_stop;
use paddock_model::budget::{DayLimit, Spent, spent_since, used_since_ms};
use paddock_model::clock::distance_ms;
use paddock_model::event::Fact;
use paddock_model::failure::{Failure, Remedy};
use paddock_model::ids::{ProjectSlug, SessionId};
use paddock_model::reason::ReasonCode;
use paddock_model::session::{Session, Stop};
use paddock_model::settings::DayBudget;
use paddock_model::usage::{Usage, micros, usd_text};

/// Least time between two records of a session's usage, in milliseconds. Usage between two records is not
/// lost: after a restart the session's output is read again.
const RECORD_EVERY_MS: i64 = 120_000;
/// An agent that waits longer than this for a limit is stopped, in milliseconds. Its slot is worth more to
/// others, and the next session continues from its commits.
const WAIT_PATIENCE_MS: i64 = 120_000;

/// An agent reported the usage of its running session, and the limit that it waits for, if any.
pub(in crate::decide) fn reported(
    scribe: &mut Scribe<'_>,
    id: SessionId,
    usage: Usage,
    waits: Option<Failure>,
) {
    let Some(session) = scribe.state.session(id).cloned() else { return };
    if !session.status.is_at_work() {
        return;
    }
    // Limits are checked at every report, from memory; the record may be up to two minutes behind.
    scribe.memo.live.insert(id, usage.clone());
    let over = over(&session, &usage);
    let is_due = distance_ms(scribe.now_ms, session.usage_ms) >= RECORD_EVERY_MS || over.is_some();
    if is_due && usage != session.account.usage {
        let objective = session.objective.clone();
        scribe.record(Fact::SessionUsed { objective, session: id, usage });
    }
    // A wait without an end is reported only once it is of no use to go on.
    let is_long = |failure: &Failure| {
        failure.reset_ms.is_none_or(|at_ms| at_ms.saturating_sub(scribe.now_ms) > WAIT_PATIENCE_MS)
    };
    let waits = waits.filter(|failure| is_long(failure) && failure.class.remedy() == Remedy::CoolDown);
    // A spent budget is the reason that people see, even if the agent also waits for a limit.
    if let Some(stop) = over {
        ask_to_stop(scribe, &session, stop);
    } else if let Some(failure) = waits {
        crate::decide::sessions::health::note(scribe, &session, &failure);
        ask_to_stop(scribe, &session, Stop::Waiting);
    }
    scribe.mark(&session.objective.project);
}

/// Returns the limit that a session has reached, as the reason to stop it.
fn over(session: &Session, usage: &Usage) -> Option<Stop> {
    let budget = &session.budget;
    let tokens = usage.tokens.map(paddock_model::usage::Tokens::total);
    if budget.max_tokens.zip(tokens).is_some_and(|(max, used)| used >= max) {
        return Some(Stop::Tokens);
    }
    let is_dear = budget.max_usd_micros.zip(usage.usd_micros).is_some_and(|(max, used)| used >= max);
    is_dear.then_some(Stop::Cost)
}

/// The machine slept, or its clock was set. Running sessions did not use that time.
pub(in crate::decide) fn clock_jumped(scribe: &mut Scribe<'_>, by_ms: i64) {
    scribe.record(Fact::ClockJumped { by_ms });
    scribe.mark_all();
}

/// Difference between two counts of a session's time that is not corrected, in milliseconds: the supervisor
/// learns of a session's start a little later than it happens.
const COUNT_INTERVAL_MS: i64 = 3_000;

/// A session of an earlier supervisor was found again. This supervisor cannot know how long the machine slept
/// before it started, but the keeper counted the time awake.
pub(in crate::decide) fn awake(scribe: &mut Scribe<'_>, id: SessionId, awake_ms: i64) {
    let Some(session) = scribe.state.session(id) else { return };
    if session.started_ms.is_none() || !session.status.has_processes() {
        return;
    }
    let believed_ms = used_since_ms(session, i64::MIN, scribe.now_ms);
    let by_ms = believed_ms.saturating_sub(awake_ms);
    // The difference has either sign: the clock may have been set back.
    if by_ms.saturating_abs() >= COUNT_INTERVAL_MS {
        let objective = session.objective.clone();
        scribe.mark(&objective.project);
        scribe.record(Fact::SessionSlept { objective, session: id, by_ms });
    }
}

/// The user's day began. What sessions have used by now counts to the day before.
pub(in crate::decide) fn day_began(scribe: &mut Scribe<'_>, since_ms: i64) {
    scribe.mark_all();
    if scribe.state.counters().day_ms == since_ms {
        return;
    }
    // Only sessions that ran before the day began have used anything of the day before.
    let carried = scribe.state.open_sessions().filter(|session| session.planned_ms < since_ms);
    let usage = |session: &Session| {
        let live = scribe.memo.live.get(&session.id).cloned();
        (session.id, live.unwrap_or_else(|| session.account.usage.clone()))
    };
    let carried = carried.map(usage).collect();
    scribe.record(Fact::DayBegan { since_ms, carried });
}

/// Holds the projects that have spent their budget of the day, and releases them when a new day begins or the
/// budget is raised.
pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    if scribe.memo.is_passive {
        return;
    }
    for slug in scribe.marked() {
        check_day(scribe, &slug);
    }
}

fn check_day(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let Some(project) = scribe.state.project(slug) else { return };
    let (limits, is_held) =
        (project.settings.budget.clone(), project.holds.contains_key(&ReasonCode::DayBudget));
    // Most projects have no budget; summing up their usage at every input would be wasted.
    if !is_held && limits == DayBudget::default() {
        return;
    }
    let live = |id: SessionId| scribe.memo.live.get(&id);
    let spent = spent_since(scribe.state, slug, scribe.state.counters().day_ms, scribe.now_ms, live);
    let Some((what, limit)) = exhausted(&limits, &spent) else {
        if is_held {
            release(scribe, slug, ReasonCode::DayBudget);
        }
        return;
    };
    // Recorded once, when the hold begins.
    if !is_held {
        scribe.record(Fact::BudgetExhausted { project: slug.clone(), what, limit: limit.clone() });
    }
    let text = format!("the day's budget of {limit} is spent; nothing new starts before midnight");
    let key = what.key();
    let clears = format!("wait until midnight, or set a higher `budget.{key}` in projects/{slug}.yaml");
    hold(scribe, slug, ReasonCode::DayBudget, text, clears);
    let running = scribe
        .state
        .open_sessions()
        .filter(|session| session.objective.project == *slug && session.status.is_at_work());
    for session in running.cloned().collect::<Vec<_>>() {
        ask_to_stop(scribe, &session, Stop::DayBudget);
    }
}

/// Returns the limit of the day that is reached, and its value for people.
fn exhausted(limits: &DayBudget, spent: &Spent) -> Option<(DayLimit, String)> {
    let usd = limits.usd.filter(|usd| micros(*usd).is_some_and(|limit| spent.usd_micros >= limit));
    if let Some(usd) = usd {
        return Some((DayLimit::Usd, micros(usd).map_or_else(String::new, usd_text)));
    }
    if let Some(tokens) = limits.tokens.filter(|limit| spent.tokens >= *limit) {
        return Some((DayLimit::Tokens, format!("{tokens} tokens")));
    }
    let minutes = limits.session_minutes.filter(|limit| spent.minutes >= *limit)?;
    Some((DayLimit::SessionMinutes, format!("{minutes} minutes of sessions")))
}
