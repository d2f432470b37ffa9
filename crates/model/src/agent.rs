//! How agents fare, over all projects of the workspace: a subscription is the user's, so what one project finds
//! out of an agent holds for every project that has an agent of that id.

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureClass};
use super::ids::{AgentId, Person, ProjectSlug, SessionId};

/// Failures kept of an agent.
pub(crate) const TROUBLES_MAX: usize = 5;
/// The longest cooldown: a little more than the month after which every known quota is renewed, in milliseconds.
const COOLDOWN_MAX_MS: i64 = 32 * 86_400_000;
/// A named time that has passed is still believed for so long, in milliseconds.
const JUST_LIFTED_MS: i64 = 15 * 60_000;
/// The shortest, in milliseconds.
const COOLDOWN_MIN_MS: i64 = 1_000;
/// After a cooldown one session shows whether the agent works again; the others wait until it went well, or has
/// worked for so long, in milliseconds.
pub const PROBE_MS: i64 = 10_000;
/// The most that a wait until a named time is lengthened by, in milliseconds.
const JITTER_MAX_MS: i64 = 30_000;

/// One failure of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// What it was.
    pub failure: Failure,
    /// Where it was met.
    pub project: Option<ProjectSlug>,
    /// In which session; none: in a check.
    pub session: Option<SessionId>,
}

/// A time in which no session is started with an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooldown {
    /// Unix milliseconds.
    pub since_ms: i64,
    /// Unix milliseconds.
    pub until_ms: i64,
    /// Why.
    pub failure: Failure,
    /// Whether the agent itself named the time.
    pub named: bool,
    /// The how-manieth cooldown without a success between them, from 1.
    pub in_a_row: u32,
}

/// What a check of an agent came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Whether it answered as it was asked to.
    pub ok: bool,
    /// What it says of its version.
    pub version: Option<String>,
    /// From its start to its end, in milliseconds.
    pub latency_ms: u64,
    /// Why not.
    pub failure: Option<Failure>,
}

/// A person's word that an agent is not to be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Unix milliseconds.
    pub since_ms: i64,
    /// Who.
    pub by: Person,
}

/// All that is recorded of an agent's health.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentHealth {
    /// When a session or check last went well, in Unix milliseconds.
    pub last_success_ms: Option<i64>,
    /// Its last failures, oldest first.
    pub troubles: Vec<Trouble>,
    /// The last cooldown; it may be over.
    pub cooldown: Option<Cooldown>,
    /// It needs a person before it can work: not logged in. Until it is checked, enabled, or its settings change.
    pub locked: Option<Trouble>,
    /// A person disabled it.
    pub disabled: Option<Disabled>,
    /// The last check, and when it was, in Unix milliseconds.
    pub checked: Option<(i64, Check)>,
}

impl Cooldown {
    /// Whether its time is over. One that would last twice as long as it was meant to was recorded by a clock that
    /// has been set back since.
    #[must_use]
    pub fn is_over(&self, now_ms: i64) -> bool {
        let (meant_ms, left_ms) = (self.until_ms - self.since_ms, self.until_ms.saturating_sub(now_ms));
        left_ms <= 0 || left_ms > meant_ms.saturating_mul(2)
    }
}

impl AgentHealth {
    /// The cooldown that it is in.
    #[must_use]
    pub fn cooling(&self, now_ms: i64) -> Option<&Cooldown> {
        self.cooldown.as_ref().filter(|cooldown| !cooldown.is_over(now_ms))
    }

    /// When the last cooldown was over, if nothing has gone well since, in Unix milliseconds.
    #[must_use]
    pub fn untried_since(&self, now_ms: i64) -> Option<i64> {
        let cooldown = self.cooldown.as_ref()?;
        (cooldown.in_a_row > 0 && cooldown.is_over(now_ms)).then_some(cooldown.until_ms)
    }

    /// Why only a person can make it work again.
    #[must_use]
    pub fn out_of_use(&self) -> Option<String> {
        if let Some(disabled) = &self.disabled {
            return Some(format!("disabled by {}", disabled.by));
        }
        self.locked.as_ref().map(|trouble| trouble.failure.to_string())
    }

    pub(super) fn note(&mut self, trouble: Trouble) {
        self.troubles.push(trouble);
        let excess = self.troubles.len().saturating_sub(TROUBLES_MAX);
        self.troubles.drain(..excess);
    }

    pub(super) fn went_well(&mut self, at_ms: i64) {
        self.last_success_ms = Some(at_ms);
        if let Some(cooldown) = &mut self.cooldown {
            cooldown.in_a_row = 0;
        }
    }

    /// A person, a check or other settings give it another chance.
    pub(super) fn free(&mut self) {
        self.cooldown = None;
        self.locked = None;
    }
}

/// The first wait without a named time, and the longest, in milliseconds.
fn backoff(class: FailureClass) -> (i64, i64) {
    match class {
        FailureClass::Quota => (15 * 60_000, 6 * 3_600_000),
        FailureClass::Network => (15_000, 10 * 60_000),
        FailureClass::Overloaded => (30_000, 15 * 60_000),
        _ => (60_000, 30 * 60_000),
    }
}

/// The cooldown that follows from a failure: until the time that the agent named, else with a backoff. It is
/// lengthened by a little that differs between agents and sessions, so that not all begin again at one moment.
/// None when what is known already says as much; `began_ms` is when the failed run was begun.
#[must_use]
pub fn cooldown_after(
    health: &AgentHealth,
    agent: &AgentId,
    failure: &Failure,
    (began_ms, seed): (i64, u64),
    now_ms: i64,
) -> Option<Cooldown> {
    let before = health.cooldown.as_ref();
    // Whoever was at work already when the agent began to cool down met the same trouble.
    let is_same = before.is_some_and(|cooldown| began_ms <= cooldown.since_ms);
    let count = before.map_or(0, |cooldown| cooldown.in_a_row);
    let in_a_row = if is_same { count.max(1) } else { count.saturating_add(1) };
    let (first_ms, longest_ms) = backoff(failure.class);
    let backoff_ms = (first_ms << in_a_row.saturating_sub(1).min(10)).min(longest_ms);
    // What was lifted while the session was harvested is as good as lifted now; an older time says nothing.
    let is_meant = |reset_ms: &i64| *reset_ms > now_ms - JUST_LIFTED_MS;
    let named_ms = failure.reset_ms.filter(is_meant).map(|reset_ms| (reset_ms - now_ms).max(0));
    let wait_ms = match named_ms {
        // A time that comes round again and again is not believed for ever.
        Some(named_ms) if in_a_row > 2 => named_ms.max(backoff_ms / 4),
        Some(named_ms) => named_ms,
        None => backoff_ms,
    };
    let spread_ms = match named_ms {
        Some(_) => (wait_ms / 64).min(JITTER_MAX_MS),
        None => wait_ms / 4,
    };
    let wait_ms = (wait_ms + jitter(agent, seed, spread_ms)).clamp(COOLDOWN_MIN_MS, COOLDOWN_MAX_MS);
    let until_ms = now_ms + wait_ms;
    let named = named_ms.is_some();
    if let Some(active) = health.cooling(now_ms) {
        let says_more = named && (!active.named || until_ms > active.until_ms);
        let is_longer = !named && !active.named && !is_same;
        if !says_more && !is_longer {
            return None;
        }
    }
    let failure = failure.clone();
    Some(Cooldown { since_ms: now_ms, until_ms, failure, named, in_a_row })
}

/// Less than `spread_ms`, evenly spread over agents and sessions, and always the same for the same ones.
fn jitter(agent: &AgentId, seed: u64, spread_ms: i64) -> i64 {
    // FNV-1a, then a finalizer that mixes neighbouring numbers well.
    let bytes = agent.as_str().bytes().chain(seed.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let spread = u64::try_from(spread_ms).unwrap_or(0);
    i64::try_from((mixed >> 17) % (spread + 1)).unwrap_or(0)
}

/// A length of time for people: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
#[must_use]
pub fn length(ms: i64) -> String {
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
