//! Copies of the database, made beside it now and then: what `paddock doctor --restore` puts back.

use std::time::{Duration, Instant};

use super::executor::ExecutorKey;
use super::kernel::Kernel;
use super::world::World;
use paddock_store::Reader;

/// The age at which the newest copy is followed by another. Three are kept, so the oldest is of the day.
const COPY_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// So often the age is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(10 * 60);

impl Kernel {
    pub(super) fn copy_database_if_due(&mut self) {
        if self.copies_checked_at.is_some_and(|at| at.elapsed() < LOOK_INTERVAL) {
            return;
        }
        self.copies_checked_at = Some(Instant::now());
        self.spawn_look(ExecutorKey::Copies, "copying the database", copy);
    }
}

/// Whatever goes wrong with a copy, work goes on.
fn copy(world: &World) {
    let copied = Reader::open(world.workspace.db()).and_then(|reader| reader.copy_if_due(COPY_AGE));
    match copied {
        Ok(Some(path)) => tracing::info!(copy = %path.display(), "copied the database"),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the database could not be copied"),
    }
}
