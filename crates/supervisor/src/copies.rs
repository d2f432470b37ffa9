//! Copies of the database, made next to it every few hours. `paddock doctor --restore` puts one back.

use std::time::{Duration, Instant};

use super::executor::ExecutorKey;
use super::kernel::Kernel;
use super::world::World;
use paddock_store::Reader;

/// Age of the newest copy at which another one is made. Three copies are kept, so the oldest is less than a
/// day old.
const COPY_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// Interval of the check of that age.
const CHECK_INTERVAL: Duration = Duration::from_secs(10 * 60);

impl Kernel {
    /// Orders a copy of the database if the last check is long enough ago.
    pub(super) fn copy_database_if_due(&mut self) {
        if self.copies_checked_at.is_some_and(|at| at.elapsed() < CHECK_INTERVAL) {
            return;
        }
        self.copies_checked_at = Some(Instant::now());
        self.spawn_look(ExecutorKey::Copies, "copying the database", copy);
    }
}

/// Copies the database if the newest copy is old enough. A failure is only logged: work does not depend on
/// copies.
fn copy(world: &World) {
    let copied = Reader::open(world.workspace.db()).and_then(|reader| reader.copy_if_due(COPY_AGE));
    match copied {
        Ok(Some(path)) => tracing::info!(copy = %path.display(), "copied the database"),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the database could not be copied"),
    }
}
