//! Budgets: of a session while it runs, and of a project's day.

use super::holds::{hold, release};
use super::scribe::Scribe;
use super::stops::ask_to_stop;
use paddock_model::budget::{DayLimit, Spent, spent_since, used_since_ms};
use paddock_model::clock::distance_ms;
use paddock_model::event::Fact;
use paddock_model::failure::{Failure, Remedy};
use paddock_model::ids::{ProjectSlug, SessionId};
use paddock_model::reason::ReasonCode;
use paddock_model::session::{Session, Stop};
use paddock_model::settings::DayBudget;
use paddock_model::usage::{Usage, micros};

/// Usage of a running session is recorded at most so often, in milliseconds: what is between two records is
/// read again from its output after a restart.
const RECORD_EVERY_MS: i64 = 120_000;
/// An agent that waits longer than this for a limit to be lifted is stopped, in milliseconds: its slot is worth
/// more to others, and it goes on from its commits.
const WAIT_PATIENCE_MS: i64 = 120_000;

/// A running session's agent told what it has used, and what it waits for.
pub(super) fn reported(scribe: &mut Scribe<'_>, id: SessionId, usage: Usage, waits: Option<Failure>) {
    let Some(session) = scribe.state.session(id).cloned() else { return };
    if !session.status.is_at_work() {
        return;
    }
    scribe.memo.live.insert(id, usage.clone());
    let over = over(&session, &usage);
    let is_due = distance_ms(scribe.now_ms, session.usage_ms) >= RECORD_EVERY_MS || over.is_some();
    if is_due && usage != session.account.usage {
        let objective = session.objective.clone();
        scribe.record(Fact::SessionUsed { objective, session: id, usage });
    }
    let until_ms = waits.as_ref().and_then(|failure| failure.reset_ms);
    let is_long = until_ms.is_some_and(|at_ms| at_ms - scribe.now_ms > WAIT_PATIENCE_MS);
    let waits = waits.filter(|failure| is_long && failure.class.remedy() == Remedy::CoolDown);
    if let Some(stop) = over {
        ask_to_stop(scribe, &session, stop);
    } else if let Some(failure) = waits {
        super::health::note(scribe, &session, &failure);
        ask_to_stop(scribe, &session, Stop::Waiting);
    }
    scribe.mark(&session.objective.project);
}

/// The limit of its own that a session has reached.
fn over(session: &Session, usage: &Usage) -> Option<Stop> {
    let budget = &session.budget;
    let tokens = usage.tokens.map(paddock_model::usage::Tokens::total);
    if budget.max_tokens.zip(tokens).is_some_and(|(max, used)| used >= max) {
        return Some(Stop::Tokens);
    }
    let is_dear = budget.max_usd_micros.zip(usage.usd_micros).is_some_and(|(max, used)| used >= max);
    is_dear.then_some(Stop::Cost)
}

/// The machine slept, or somebody set its clock: no session used that time.
pub(super) fn clock_jumped(scribe: &mut Scribe<'_>, by_ms: i64) {
    scribe.record(Fact::ClockJumped { by_ms });
    scribe.mark_all();
}

/// How far apart two counts of a session's time may be that are both right, in milliseconds: its start is told later
/// than it happens.
const COUNT_INTERVAL_MS: i64 = 3_000;

/// A session was found again by a supervisor that cannot know how long the machine slept before it: its keeper does.
pub(super) fn awake(scribe: &mut Scribe<'_>, id: SessionId, awake_ms: i64) {
    let Some(session) = scribe.state.session(id) else { return };
    if session.started_ms.is_none() || !session.status.has_processes() {
        return;
    }
    let believed_ms = used_since_ms(session, i64::MIN, scribe.now_ms);
    let by_ms = believed_ms.saturating_sub(awake_ms);
    if by_ms.saturating_abs() >= COUNT_INTERVAL_MS {
        let objective = session.objective.clone();
        scribe.mark(&objective.project);
        scribe.record(Fact::SessionSlept { objective, session: id, by_ms });
    }
}

/// The user's day began: what is spent from here on counts to the new one.
pub(super) fn day_began(scribe: &mut Scribe<'_>, since_ms: i64) {
    scribe.mark_all();
    if scribe.state.counters().day_ms == since_ms {
        return;
    }
    // A day that began before a session did takes nothing off it.
    let carried = scribe.state.open_sessions().filter(|session| session.planned_ms < since_ms);
    let usage = |session: &Session| {
        let live = scribe.memo.live.get(&session.id).cloned();
        (session.id, live.unwrap_or_else(|| session.account.usage.clone()))
    };
    let carried = carried.map(usage).collect();
    scribe.record(Fact::DayBegan { since_ms, carried });
}

/// Holds the projects that have spent what they may in a day, and lets them go on when a new one begins.
pub(super) fn run(scribe: &mut Scribe<'_>) {
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

/// Which of the day's limits is reached, and how high it is.
fn exhausted(limits: &DayBudget, spent: &Spent) -> Option<(DayLimit, String)> {
    let usd = limits.usd.filter(|usd| micros(*usd).is_some_and(|limit| spent.usd_micros >= limit));
    if let Some(usd) = usd {
        return Some((DayLimit::Usd, format!("${usd:.2}")));
    }
    if let Some(tokens) = limits.tokens.filter(|limit| spent.tokens >= *limit) {
        return Some((DayLimit::Tokens, format!("{tokens} tokens")));
    }
    let minutes = limits.session_minutes.filter(|limit| spent.minutes >= *limit)?;
    Some((DayLimit::SessionMinutes, format!("{minutes} minutes of sessions")))
}
