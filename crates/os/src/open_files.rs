//! The limit of open files. A supervisor raises its own as far as it may; jobs get the user's limit back.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Limit below which no supervisor starts. A few sessions, a gate and some clients need about 50 files, and a
/// supervisor that runs out of them fails in the middle of a merge.
pub const OPEN_FILES_MIN: u64 = 256;
/// Limit that is enough for dozens of sessions, gates and clients. `doctor` warns below it.
pub const OPEN_FILES_ENOUGH: u64 = 1_024;
/// Limits to try, in this order. Never more than the first: some programs walk through all descriptors that
/// the limit allows. Some systems accept only the second, whatever maximum they report.
const WANTED: [u64; 2] = [65_536, 10_240];

/// The limit of open files is too low for a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "at most {limit} files may be open at once here, and a supervisor needs {OPEN_FILES_MIN}: raise the limit \
     (`ulimit -Hn {OPEN_FILES_ENOUGH}` as root, LimitNOFILE= of a service, nofile in /etc/security/limits.conf) \
     and start it again"
)]
pub struct TooFewOpenFiles {
    /// The limit, as far as it could be raised.
    pub limit: u64,
}

/// The limit before this process raised it. Unset if the process has no limit, or did not raise it.
static BEFORE: OnceLock<u64> = OnceLock::new();

/// Returns the limit that a supervisor started from this process would have; `None` if there is no limit.
#[must_use]
pub fn within_reach() -> Option<u64> {
    let limits = getrlimit(Resource::Nofile);
    let most = limits.maximum.unwrap_or(WANTED[0]).min(WANTED[0]);
    limits.current.map(|current| current.max(most))
}

/// Raises this process's limit as far as it may, up to a bound. Programs that it starts inherit the raised
/// limit; jobs are put back to the user's limit ([`limit_for_jobs`]).
///
/// # Errors
/// Fails if the limit is below [`OPEN_FILES_MIN`] even then.
pub fn raise() -> Result<(), TooFewOpenFiles> {
    let limits = getrlimit(Resource::Nofile);
    let Some(before) = limits.current else { return Ok(()) };
    for wanted in WANTED {
        let current = limits.maximum.map_or(wanted, |most| most.min(wanted));
        if current <= before {
            break;
        }
        if setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limits.maximum }).is_ok() {
            // Set once: a second call would take the raised limit for the user's.
            let _ = BEFORE.set(before);
            break;
        }
    }
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < OPEN_FILES_MIN => Err(TooFewOpenFiles { limit }),
        _ => Ok(()),
    }
}

/// Returns the limit for jobs: the user's, before this process raised its own. `None` if jobs simply inherit
/// the limit.
#[must_use]
pub fn limit_for_jobs() -> Option<u64> {
    BEFORE.get().copied()
}
