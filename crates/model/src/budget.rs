//! Usage of sessions per day, against a project's daily limits.

use serde::{Deserialize, Serialize};

use super::ids::{ProjectSlug, SessionId};
use super::session::{ProcessEnd, Session};
use super::state::State;
use super::usage::{Tokens, Usage, dollars};

/// Returns how long, in milliseconds, a session ran since the day began, without the time that the machine
/// slept.
///
/// Only the part after midnight counts, and never more than the session's whole awake time: how much of that
/// was before midnight is not recorded.
#[must_use]
pub fn used_since_ms(session: &Session, day_start_ms: i64, now_ms: i64) -> i64 {
    let Some(started) = session.started_ms else { return 0 };
    let ended = session.finished_ms.unwrap_or(now_ms);
    // The keeper measures awake time, but reports it only at the end. Until then the wall clock is corrected
    // by the jumps that were seen.
    let awake = match &session.process {
        Some(process) => i64::try_from(process.awake_seconds.saturating_mul(1_000)).unwrap_or(i64::MAX),
        None => (ended - started).saturating_sub(session.jumped_ms).max(0),
    };
    match started >= day_start_ms {
        true => awake,
        false => (ended.min(now_ms) - day_start_ms).clamp(0, awake),
    }
}

/// An amount that a project may use in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayLimit {
    /// Dollars.
    Usd,
    /// Tokens.
    Tokens,
    /// Minutes of sessions.
    SessionMinutes,
}

impl DayLimit {
    /// Returns the key of the limit in the section `budget` of a project file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Usd => "usd_per_day",
            Self::Tokens => "tokens_per_day",
            Self::SessionMinutes => "session_minutes_per_day",
        }
    }
}

/// Usage of a project in the user's day. Amounts that agents did not report are not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Minutes of sessions.
    pub minutes: u64,
    /// Tokens.
    pub tokens: u64,
    /// Cost in millionths of a dollar.
    pub usd_micros: u64,
    /// Number of sessions.
    pub sessions: u32,
    /// Number of ended sessions whose agent did not report tokens.
    pub tokens_unknown: u32,
    /// Number of ended sessions whose agent did not report a cost.
    pub usd_unknown: u32,
}

impl Spent {
    /// Returns the tokens; `None` if no agent reported any.
    #[must_use]
    pub fn known_tokens(&self) -> Option<u64> {
        (self.tokens > 0 || self.tokens_unknown == 0).then_some(self.tokens)
    }

    /// Returns the cost in dollars; `None` if no agent reported any.
    #[must_use]
    pub fn known_usd(&self) -> Option<f64> {
        (self.usd_micros > 0 || self.usd_unknown == 0).then(|| dollars(self.usd_micros))
    }
}

/// Returns what a project has used since the day began. `live` returns the latest reports of running
/// sessions, which are recorded only from time to time.
#[must_use]
pub fn spent_since<'u>(
    state: &State,
    project: &ProjectSlug,
    day_ms: i64,
    now_ms: i64,
    live: impl Fn(SessionId) -> Option<&'u Usage>,
) -> Spent {
    // Sessions are numbered in the order of their planning, so the walk can end at the first one that ended
    // long before today.
    let recent = state.sessions().rev().take_while(|session| {
        session.status.is_open() || session.finished_ms.is_none_or(|ended| ended >= day_ms - DAY_MS)
    });
    let own = recent.filter(|session| session.objective.project == *project);
    let mut used_ms = 0;
    let mut spent = Spent::default();
    for session in own.filter(|session| session.finished_ms.is_none_or(|ended| ended >= day_ms)) {
        used_ms += used_since_ms(session, day_ms, now_ms);
        add_usage(&mut spent, session, live(session.id).unwrap_or(&session.account.usage), day_ms);
    }
    spent.minutes = u64::try_from(used_ms / 60_000).unwrap_or(0);
    spent
}

fn add_usage(spent: &mut Spent, session: &Session, usage: &Usage, day_ms: i64) {
    let total = |usage: &Usage| usage.tokens.map(Tokens::total);
    // Only a session from the day before has usage that counts towards that day.
    let is_older = session.planned_ms < day_ms;
    let before = |amount: Option<u64>| amount.filter(|_| is_older).unwrap_or(0);
    let earlier = &session.before_today;
    let tokens = total(usage).map(|now| now.saturating_sub(before(total(earlier))));
    let usd = usage.usd_micros.map(|now| now.saturating_sub(before(earlier.usd_micros)));
    // An agent that never ran used nothing, so nothing is unknown.
    let has_run = session.process.as_ref().is_some_and(ProcessEnd::has_run);
    spent.tokens = spent.tokens.saturating_add(tokens.unwrap_or(0));
    spent.usd_micros = spent.usd_micros.saturating_add(usd.unwrap_or(0));
    spent.sessions += 1;
    spent.tokens_unknown += u32::from(has_run && tokens.is_none());
    spent.usd_unknown += u32::from(has_run && usd.is_none());
}

/// A session that ended this long before the day began, in milliseconds, ends the search. Sessions do not end
/// in the order of their numbers, and one may last over midnight.
const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ObjectId, ObjectiveId, ObjectiveKey, SessionId};
    use crate::session::{Exit, SessionBudget, SessionKind, SessionStatus};

    fn session(started_ms: i64, finished_ms: Option<i64>, awake_seconds: Option<u64>) -> Session {
        let key =
            ObjectiveKey { project: ProjectSlug::new("p").unwrap(), id: ObjectiveId::new("o").unwrap() };
        let end = |awake_seconds| ProcessEnd { exit: Exit::Code(0), stop: None, awake_seconds, survivors: 0 };
        Session {
            id: SessionId(1),
            objective: key,
            kind: SessionKind::Work,
            agent: "a".into(),
            worker: "w".into(),
            attempt: 1,
            status: SessionStatus::Running,
            stop: None,
            planned_ms: started_ms,
            started_ms: Some(started_ms),
            finished_ms,
            pid: None,
            budget: SessionBudget { max_commits: 1, max_minutes: 1, max_tokens: None, max_usd_micros: None },
            from: ObjectId::new("0".repeat(40)).unwrap(),
            process: awake_seconds.map(end),
            harvest: None,
            account: crate::usage::Account::default(),
            resume: None,
            before_today: Usage::default(),
            usage_ms: 0,
            jumped_ms: 0,
            trouble: None,
        }
    }

    #[test]
    fn sleep_and_clock_changes_use_up_no_minutes() {
        let hour_ms = 3_600_000;
        let mut slept = session(10_000, None, None);
        slept.jumped_ms = 8 * hour_ms;
        assert_eq!(used_since_ms(&slept, 0, 10_000 + 8 * hour_ms + 60_000), 60_000);
        // The machine slept over midnight: the session ran today no longer than it ran at all.
        assert_eq!(used_since_ms(&slept, hour_ms, 10_000 + 8 * hour_ms + 60_000), 60_000);
        let mut set_back = session(10 * hour_ms, None, None);
        set_back.jumped_ms = -2 * hour_ms;
        assert_eq!(used_since_ms(&set_back, 0, 8 * hour_ms + 90_000), 90_000);
        let over_midnight = session(0, Some(9 * hour_ms), Some(600));
        assert_eq!(used_since_ms(&over_midnight, hour_ms, 10 * hour_ms), 600_000);
    }

    #[test]
    fn only_the_part_of_a_session_after_midnight_counts() {
        assert_eq!(used_since_ms(&session(0, Some(100_000), Some(100)), 60_000, 200_000), 40_000);
        assert_eq!(used_since_ms(&session(0, None, None), 60_000, 90_000), 30_000);
    }

    #[test]
    fn unreported_usage_is_unknown_unless_the_agent_never_ran() {
        let unknown = |exit: Option<Exit>| {
            let mut session = session(0, Some(400), Some(0));
            if let (Some(process), Some(exit)) = (&mut session.process, exit) {
                process.exit = exit;
            }
            let mut spent = Spent::default();
            add_usage(&mut spent, &session, &Usage::default(), 0);
            (spent.tokens_unknown, spent.usd_unknown)
        };
        assert_eq!(unknown(None), (1, 1));
        assert_eq!(unknown(Some(Exit::NotStarted(String::new()))), (0, 0));
        assert_eq!(unknown(Some(Exit::SetupFailed(String::new()))), (0, 0));
    }

    #[test]
    fn time_asleep_does_not_count() {
        assert_eq!(used_since_ms(&session(70_000, Some(170_000), Some(20)), 60_000, 200_000), 20_000);
    }
}
