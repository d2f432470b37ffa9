//! Whether a process belongs to a job of this machine.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use paddock_os::processes::{ancestors, first_argument, own_pid};

/// The hidden command that runs a keeper.
pub(super) const KEEPER_COMMAND: &str = "__keeper";

/// Returns whether a process descends from a keeper, and so is part of a job.
///
/// A keeper is the parent of all orphans below it, so a process gets away from it only by killing it. On
/// systems other than Linux nothing is known, and the answer is `false`.
#[must_use]
pub fn is_in_a_job(pid: i32) -> bool {
    static ABOVE: OnceLock<BTreeSet<i32>> = OnceLock::new();
    // A keeper above this process says nothing: a supervisor that runs inside a job shares it with everybody.
    let above = ABOVE.get_or_init(|| ancestors(own_pid()).into_iter().collect());
    ancestors(pid)
        .into_iter()
        .filter(|pid| !above.contains(pid))
        .any(|pid| first_argument(pid).as_deref() == Some(KEEPER_COMMAND.as_bytes()))
}
