//! What sessions have used.

use super::ids::ProjectSlug;
use super::session::Session;
use super::state::State;

/// Milliseconds of a session that fall after the day's beginning. Of one over midnight only today's part counts;
/// one that ended counts the time that the machine was awake.
#[must_use]
pub fn used_since_ms(session: &Session, day_start_ms: i64, now_ms: i64) -> i64 {
    let Some(started) = session.started_ms else { return 0 };
    let ended = session.finished_ms.unwrap_or(now_ms).min(now_ms);
    let today = (ended - started.max(day_start_ms)).max(0);
    let awake = session.process.as_ref().map(|process| process.awake_seconds.saturating_mul(1_000));
    match awake.map(|awake| i64::try_from(awake).unwrap_or(i64::MAX)) {
        Some(awake) if started >= day_start_ms => awake,
        _ => today,
    }
}

/// Minutes of sessions that a project has used since the day began.
#[must_use]
pub fn session_minutes_since(state: &State, project: &ProjectSlug, day_start_ms: i64, now_ms: i64) -> u64 {
    // Sessions are numbered in the order of their planning: older ones than the first of today do not follow.
    let recent = state.sessions().rev().take_while(|session| {
        session.status.is_open() || session.finished_ms.is_none_or(|ended| ended >= day_start_ms - DAY_MS)
    });
    let used = recent
        .filter(|session| session.objective.project == *project)
        .map(|session| used_since_ms(session, day_start_ms, now_ms));
    u64::try_from(used.sum::<i64>() / 60_000).unwrap_or(0)
}

/// A session may outlast a day; none is looked for that ended more than a day before.
const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ObjectId, ObjectiveId, ObjectiveKey, SessionId};
    use crate::domain::session::{Exit, ProcessEnd, SessionBudget, SessionKind, SessionStatus};

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
            budget: SessionBudget { max_commits: 1, max_minutes: 1 },
            from: ObjectId::new("0".repeat(40)).unwrap(),
            process: awake_seconds.map(end),
            harvest: None,
            account: crate::domain::usage::Account::default(),
            resume: None,
        }
    }

    #[test]
    fn of_a_session_over_midnight_only_todays_part_counts() {
        assert_eq!(used_since_ms(&session(0, Some(100_000), Some(100)), 60_000, 200_000), 40_000);
        assert_eq!(used_since_ms(&session(0, None, None), 60_000, 90_000), 30_000);
    }

    #[test]
    fn time_that_the_machine_slept_does_not_count() {
        assert_eq!(used_since_ms(&session(70_000, Some(170_000), Some(20)), 60_000, 200_000), 20_000);
    }
}
