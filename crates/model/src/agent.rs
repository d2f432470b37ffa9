//! Health of agents.
//!
//! It is kept by the agent's id for the whole workspace: a subscription is the user's, so a limit that one
//! project runs into holds for every project with an agent of that id.

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureClass};
use super::ids::{AgentId, Person, ProjectSlug, SessionId};

/// Failures kept per agent.
pub(crate) const TROUBLES_MAX: usize = 5;
/// Longest cooldown in milliseconds: a little more than a month, after which every known quota is renewed.
const COOLDOWN_MAX_MS: i64 = 32 * 86_400_000;
/// How long ago, in milliseconds, a reset time may lie and still be believed. Harvesting a session takes
/// time.
const JUST_LIFTED_MS: i64 = 15 * 60_000;
/// Shortest cooldown in milliseconds.
const COOLDOWN_MIN_MS: i64 = 1_000;
/// How long the first session after a cooldown runs alone, in milliseconds. The agent's other sessions wait
/// until it has succeeded, or has worked for this long without running into the limit again.
pub const PROBE_MS: i64 = 10_000;
/// Largest jitter of a cooldown until a named time, in milliseconds.
const JITTER_MAX_MS: i64 = 30_000;

/// A failure of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When it happened, in Unix milliseconds.
    pub at_ms: i64,
    /// The failure.
    pub failure: Failure,
    /// Project in which it happened; `None` for a check.
    pub project: Option<ProjectSlug>,
    /// Session in which it happened; `None` for a check.
    pub session: Option<SessionId>,
}

/// A period in which no session is started with an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooldown {
    /// Start, in Unix milliseconds.
    pub since_ms: i64,
    /// End, in Unix milliseconds.
    pub until_ms: i64,
    /// The failure that caused it.
    pub failure: Failure,
    /// Whether the agent itself named the end.
    pub named: bool,
    /// Ordinal among the cooldowns since the last success, from 1; 0 after a success.
    pub in_a_row: u32,
}

/// Result of `agent check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Whether the agent gave the requested answer.
    pub ok: bool,
    /// Version that the agent reports.
    pub version: Option<String>,
    /// Duration from start to end, in milliseconds.
    pub latency_ms: u64,
    /// Why the check failed; `None` if it did not.
    pub failure: Option<Failure>,
}

/// A person's order not to use an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// When, in Unix milliseconds.
    pub since_ms: i64,
    /// The person.
    pub by: Person,
}

/// Health of an agent, with everything recorded about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentHealth {
    /// When a session or a check last succeeded, in Unix milliseconds.
    pub last_success_ms: Option<i64>,
    /// Last failures, oldest first.
    pub troubles: Vec<Trouble>,
    /// The last cooldown, which may be over.
    pub cooldown: Option<Cooldown>,
    /// Failure that only a person can repair, such as a missing login. It is cleared by a successful check,
    /// by enabling the agent, or by other settings.
    pub locked: Option<Trouble>,
    /// Set while the agent is disabled.
    pub disabled: Option<Disabled>,
    /// The last check, and when it was, in Unix milliseconds.
    pub checked: Option<(i64, Check)>,
}

impl Cooldown {
    /// Returns whether the cooldown is over. If it would last twice as long as it was meant to, the clock was
    /// set back since, and the cooldown counts as over.
    #[must_use]
    pub fn is_over(&self, now_ms: i64) -> bool {
        let (meant_ms, left_ms) = (self.until_ms - self.since_ms, self.until_ms.saturating_sub(now_ms));
        left_ms <= 0 || left_ms > meant_ms.saturating_mul(2)
    }
}

impl AgentHealth {
    /// Returns the cooldown that is in force, if any.
    #[must_use]
    pub fn cooling(&self, now_ms: i64) -> Option<&Cooldown> {
        self.cooldown.as_ref().filter(|cooldown| !cooldown.is_over(now_ms))
    }

    /// Returns the end of the last cooldown, in Unix milliseconds, if it is over and nothing has succeeded
    /// since.
    #[must_use]
    pub fn untried_since(&self, now_ms: i64) -> Option<i64> {
        let cooldown = self.cooldown.as_ref()?;
        (cooldown.in_a_row > 0 && cooldown.is_over(now_ms)).then_some(cooldown.until_ms)
    }

    /// Returns why the agent cannot be used until a person acts; `None` if it can.
    #[must_use]
    pub fn out_of_use(&self) -> Option<String> {
        if let Some(disabled) = &self.disabled {
            return Some(format!("disabled by {}", disabled.by));
        }
        self.locked.as_ref().map(|trouble| trouble.failure.to_string())
    }

    pub(super) fn record(&mut self, trouble: Trouble) {
        self.troubles.push(trouble);
        let excess = self.troubles.len().saturating_sub(TROUBLES_MAX);
        self.troubles.drain(..excess);
    }

    pub(super) fn succeeded(&mut self, at_ms: i64) {
        self.last_success_ms = Some(at_ms);
        if let Some(cooldown) = &mut self.cooldown {
            // This also ends the probe: the agent's other sessions may start (`untried_since`).
            cooldown.in_a_row = 0;
        }
    }

    /// Lifts cooldown and lock, because a person, a check or new settings give the agent another chance.
    pub(super) fn free(&mut self) {
        self.cooldown = None;
        self.locked = None;
    }
}

/// Returns the first and the longest wait, in milliseconds, if the agent names no time.
fn backoff(class: FailureClass) -> (i64, i64) {
    match class {
        FailureClass::Quota => (15 * 60_000, 6 * 3_600_000),
        FailureClass::Network => (15_000, 10 * 60_000),
        FailureClass::Overloaded => (30_000, 15 * 60_000),
        _ => (60_000, 30 * 60_000),
    }
}

/// Returns the cooldown that follows from a failure: until the time that the agent named, else a backoff that
/// doubles.
///
/// `began_ms` is the start of the failed run. The cooldown is lengthened by a jitter that differs between
/// agents and sessions, so that not all of them start again at the same moment. Returns `None` if the
/// cooldown in force covers this failure already.
#[must_use]
pub fn cooldown_after(
    health: &AgentHealth,
    agent: &AgentId,
    failure: &Failure,
    (began_ms, seed): (i64, u64),
    now_ms: i64,
) -> Option<Cooldown> {
    let before = health.cooldown.as_ref();
    // Runs that had begun before the cooldown met the same limit, not another one.
    let is_same = before.is_some_and(|cooldown| began_ms <= cooldown.since_ms);
    let count = before.map_or(0, |cooldown| cooldown.in_a_row);
    let in_a_row = if is_same { count.max(1) } else { count.saturating_add(1) };
    let (first_ms, longest_ms) = backoff(failure.class);
    // `min(10)` keeps the shift from overflowing. Every class has reached its longest wait long before.
    let backoff_ms = (first_ms << in_a_row.saturating_sub(1).min(10)).min(longest_ms);
    // A limit that was lifted while the session was harvested counts as lifted now. An older time says
    // nothing about now.
    let is_meant = |reset_ms: &i64| *reset_ms > now_ms - JUST_LIFTED_MS;
    let named_ms = failure.reset_ms.filter(is_meant).map(|reset_ms| (reset_ms - now_ms).max(0));
    let wait_ms = match named_ms {
        // An agent that names a time again and again, each time wrongly, is not believed for ever.
        Some(named_ms) if in_a_row > 2 => named_ms.max(backoff_ms / 4),
        Some(named_ms) => named_ms,
        None => backoff_ms,
    };
    // The named end must be kept closely; a guess may be spread further.
    let spread_ms = match named_ms {
        Some(_) => (wait_ms / 64).min(JITTER_MAX_MS),
        None => wait_ms / 4,
    };
    let wait_ms = (wait_ms + jitter(agent, seed, spread_ms)).clamp(COOLDOWN_MIN_MS, COOLDOWN_MAX_MS);
    let until_ms = now_ms + wait_ms;
    let named = named_ms.is_some();
    if let Some(active) = health.cooling(now_ms) {
        // Keep the cooldown in force, unless this failure knows the end better or shows that it was too
        // short.
        let says_more = named && (!active.named || until_ms > active.until_ms);
        let is_longer = !named && !active.named && !is_same;
        if !says_more && !is_longer {
            return None;
        }
    }
    let failure = failure.clone();
    Some(Cooldown { since_ms: now_ms, until_ms, failure, named, in_a_row })
}

/// Returns a jitter below or equal to `spread_ms`. It is derived from agent and session, as the engine draws
/// no random numbers: the same input must give the same decision.
fn jitter(agent: &AgentId, seed: u64, spread_ms: i64) -> i64 {
    // FNV-1a, then a finalizer, without which neighbouring session numbers would give neighbouring results.
    let bytes = agent.as_str().bytes().chain(seed.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let spread = u64::try_from(spread_ms).unwrap_or(0);
    i64::try_from((mixed >> 17) % (spread + 1)).unwrap_or(0)
}

/// Formats a duration for people: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
#[must_use]
pub fn length(ms: i64) -> String {
    // Rounded up, so that a wait never reads as `0 s`.
    let seconds = ms.max(0).saturating_add(999) / 1_000;
    let minutes = seconds / 60;
    match (minutes / 1_440, minutes / 60, minutes) {
        (0, 0, 0..=1) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
#[path = "agent_tests.rs"]
mod tests;
