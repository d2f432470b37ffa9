//! While the disk is full nothing can be recorded, so nothing is decided and nothing is begun. Running sessions go
//! on under their keepers, and work goes on by itself when there is room.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use super::error::SupervisorError;
use super::kernel::Kernel;
use super::message::{Inbox, Message};
use super::world::World;
use paddock_model::command::{Answer, Command, Refusal};
use paddock_store::{OnRoom, Room, StoreError};

/// So often it is looked whether there is room, or the time of the run is over.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Below this, in bytes, what fails fails for want of space.
const FULL_BYTES: u64 = 1 << 20;
/// Below this number of files that can still be made, too; file systems that make inodes as they need them name none.
const FULL_INODES: u64 = 16;

/// Whether nothing of any size can be written there. A file system that cannot say is not full.
pub(super) fn is_disk_full(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|stat| {
        let lacks_inodes = stat.f_files > 0 && stat.f_favail < FULL_INODES;
        lacks_inodes || stat.f_bavail.saturating_mul(stat.f_frsize) < FULL_BYTES
    })
}

/// Whether these are the system's words for a full disk, or a spent quota.
pub(super) fn says_disk_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

/// Tells the kernel, and whoever reads the supervisor's own output.
pub(super) fn teller(inbox: Inbox) -> OnRoom {
    Box::new(move |room| {
        match &room {
            Room::Missing(StoreError::DiskFull { path }) => {
                tracing::error!(database = %path.display(), "the disk is full: nothing is begun until there is room");
                eprintln!(
                    "the disk of {} is full: nothing new is begun, sessions go on, and work goes on by itself when \
                     there is room",
                    path.display()
                );
            }
            Room::Missing(error) => tracing::error!(%error, "nothing can be written"),
            Room::Found => {
                tracing::info!("there is room on the disk again");
                eprintln!("there is room on the disk again: work goes on");
            }
        }
        // When the kernel is gone the process is ending.
        drop(inbox.send(Message::Room(room)));
    })
}

impl World {
    /// Waits while there is no room, unless the supervisor is to end: an effect that is not begun is done later, one
    /// that fails half-way has to be explained to somebody.
    pub(super) fn wait_until_there_is_room(&self) {
        while self.is_full() && !self.is_ending.load(Ordering::SeqCst) {
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Whether nothing can be written where work goes on.
    pub(super) fn is_full(&self) -> bool {
        is_disk_full(self.workspace.root()) || self.repository_roots().iter().any(|root| is_disk_full(root))
    }

    /// Does it again when it failed for want of space, as soon as there is some.
    pub(super) fn with_room<T>(&self, mut act: impl FnMut() -> Result<T, String>) -> Result<T, String> {
        loop {
            let outcome = act();
            let is_full = outcome.as_ref().is_err_and(|problem| says_disk_full(problem) || self.is_full());
            if !is_full || self.is_ending.load(Ordering::SeqCst) {
                return outcome;
            }
            tracing::warn!("the disk is full: an effect waits for room");
            thread::sleep(LOOK_INTERVAL);
        }
    }
}

impl Kernel {
    /// Keeps what comes in for later, in its order. People are told at once that nothing can be recorded; whoever
    /// stops the supervisor ends it here, and what it had decided and not recorded is decided again by the next.
    pub(super) fn wait_for_room(&mut self, full: &StoreError) -> Result<(), SupervisorError> {
        let mut kept = VecDeque::new();
        loop {
            match self.inbox.recv_timeout(LOOK_INTERVAL) {
                Ok(Message::Room(Room::Found)) => break,
                Ok(Message::StoreFailed(error)) => return Err(error.into()),
                Ok(Message::Stop(_, is_interrupt)) => {
                    self.interrupted |= is_interrupt;
                    return Err(full.clone().into());
                }
                Ok(Message::Command(command, reply_to)) => {
                    if matches!(*command, Command::SupervisorStop { .. }) {
                        let text =
                            "stopping; the disk is full, so sessions were left to go on under their keepers";
                        reply_to(Ok(Answer::text(text)));
                        return Err(full.clone().into());
                    }
                    reply_to(Err(Refusal::new(format!("{full}; nothing was done"))));
                }
                Ok(other) => kept.push_back(other),
                Err(RecvTimeoutError::Timeout) if self.end_at.is_some_and(|end| Instant::now() >= end) => {
                    return Err(full.clone().into());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(SupervisorError::Gone),
            }
        }
        kept.into_iter().try_for_each(|message| self.take(message))
    }
}
