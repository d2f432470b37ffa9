//! How many files a process may have open: a supervisor takes all that it is allowed, jobs get what the user had.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below it no supervisor starts: a few sessions, a gate and some clients take about 50, and what fails for want
/// of the next one fails in the middle of a merge.
pub const OPEN_FILES_MIN: u64 = 256;
/// What a supervisor with dozens of sessions, gates and clients has room in; `doctor` warns below it.
pub const OPEN_FILES_ENOUGH: u64 = 1_024;
/// More are never asked for: some programs walk through all that there could be. Some systems allow only the
/// second, whatever they say.
const WANTED: [u64; 2] = [65_536, 10_240];

/// Too few files may be open here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "at most {limit} files may be open at once here, and a supervisor needs {OPEN_FILES_MIN}: raise the limit \
     (`ulimit -Hn {OPEN_FILES_ENOUGH}` as root, LimitNOFILE= of a service, nofile in /etc/security/limits.conf) \
     and start it again"
)]
pub struct TooFewOpenFiles {
    /// What is allowed at most.
    pub limit: u64,
}

/// What the limit was before it was raised; none where there was none, or where it was left as it is.
static BEFORE: OnceLock<u64> = OnceLock::new();

/// The limit that a supervisor started from here would have; none where there is none.
#[must_use]
pub fn within_reach() -> Option<u64> {
    let limits = getrlimit(Resource::Nofile);
    let most = limits.maximum.unwrap_or(WANTED[0]).min(WANTED[0]);
    limits.current.map(|current| current.max(most))
}

/// Raises this process's limit as far as it may, up to a bound. Programs that it starts inherit it; jobs are put
/// back to what there was ([`of_jobs`]).
///
/// # Errors
/// When even then it is too small.
pub fn raise() -> Result<(), TooFewOpenFiles> {
    let limits = getrlimit(Resource::Nofile);
    let Some(before) = limits.current else { return Ok(()) };
    for wanted in WANTED {
        let current = limits.maximum.map_or(wanted, |most| most.min(wanted));
        if current <= before {
            break;
        }
        if setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limits.maximum }).is_ok() {
            // A second call would take the raised one for the user's.
            let _ = BEFORE.set(before);
            break;
        }
    }
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < OPEN_FILES_MIN => Err(TooFewOpenFiles { limit }),
        _ => Ok(()),
    }
}

/// What jobs are limited to, as the user was; none when they inherit what there is.
#[must_use]
pub fn of_jobs() -> Option<u64> {
    BEFORE.get().copied()
}
