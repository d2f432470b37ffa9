//! While the disk is full nothing can be recorded, so nothing is decided and nothing is begun. Running sessions go
//! on under their keepers, and work goes on by itself when there is room.

use std::collections::VecDeque;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::error::SupervisorError;
use super::kernel::Kernel;
use super::message::{Inbox, Message};
use paddock_model::command::{Answer, Command, Refusal};
use paddock_store::{DiskSpace, OnDiskSpace, StoreError};

/// So often it is looked whether there is room, or the time of the run is over.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Tells the kernel, and whoever reads the supervisor's own output.
pub(super) fn notifier(inbox: Inbox) -> OnDiskSpace {
    Box::new(move |space| {
        match &space {
            DiskSpace::Missing(StoreError::DiskFull { path }) => {
                tracing::error!(database = %path.display(), "the disk is full: nothing is begun until there is room");
                eprintln!(
                    "the disk of {} is full: nothing new is begun, sessions go on, and work goes on by itself when \
                     there is room",
                    path.display()
                );
            }
            DiskSpace::Missing(error) => tracing::error!(%error, "nothing can be written"),
            DiskSpace::Found => {
                tracing::info!("there is room on the disk again");
                eprintln!("there is room on the disk again: work goes on");
            }
        }
        // When the kernel is gone the process is ending.
        drop(inbox.send(Message::DiskSpace(space)));
    })
}

impl Kernel {
    /// Keeps what comes in for later, in its order. People are told at once that nothing can be recorded; whoever
    /// stops the supervisor ends it here, and what it had decided and not recorded is decided again by the next.
    pub(super) fn wait_for_disk_space(&mut self, full: &StoreError) -> Result<(), SupervisorError> {
        // It grows as little as the inbox: see `message`.
        let mut kept = VecDeque::new();
        loop {
            match self.inbox.recv_timeout(LOOK_INTERVAL) {
                Ok(Message::DiskSpace(DiskSpace::Found)) => break,
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
