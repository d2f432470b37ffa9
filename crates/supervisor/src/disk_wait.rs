//! Waits while the disk is full.
//!
//! Nothing can be recorded then, so the kernel decides nothing and starts nothing. Running sessions continue
//! under their keepers, and the supervisor resumes by itself once there is free space.
//!
//! The writer retries its batch until there is space, the kernel keeps incoming messages, people get a
//! refusal that names the disk, effects wait, keepers keep the records of their jobs, and a failure for lack
//! of space costs no retry.

use std::collections::VecDeque;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::error::SupervisorError;
use super::kernel::Kernel;
use super::message::{Inbox, Message};
use super::own_files;
use paddock_model::command::{Answer, Command, Refusal};
use paddock_store::{DiskSpace, News, OnNews, StoreError};

/// Interval of the check whether the run's duration is over.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Returns the function that the store calls when the disk fills up, when it has free space again, and when
/// the database was put back. It informs the kernel, the log, and the person who reads the supervisor's
/// standard error.
pub(super) fn notifier(inbox: Inbox) -> OnNews {
    Box::new(move |news| {
        // An error means that the kernel is gone and the process is ending.
        drop(inbox.send(match news {
            News::Disk(space) => {
                say(&space);
                Message::DiskSpace(space)
            }
            News::PutBack(put_back) => own_files::database_put_back(&put_back),
            News::Failed(error) => Message::StoreFailed(error),
        }));
    })
}

/// Tells the log and a person at the terminal what happened to the disk.
fn say(space: &DiskSpace) {
    match space {
        DiskSpace::Missing(StoreError::DiskFull { path }) => {
            tracing::error!(database = %path.display(), "the disk is full: nothing starts until it has free space");
            eprintln!(
                "the disk of {} is full: nothing new starts, running sessions continue, and work resumes by \
                     itself once there is free space",
                path.display()
            );
        }
        DiskSpace::Missing(error) => tracing::error!(%error, "nothing can be written"),
        DiskSpace::Found => {
            tracing::info!("the disk has free space again");
            eprintln!("the disk has free space again: work resumes");
        }
    }
}

impl Kernel {
    /// Waits until the disk has free space, and handles the messages of that time afterwards, in their order.
    ///
    /// Commands are refused at once, with the reason. A stop ends the supervisor from here: the next one
    /// decides again what this one decided and could not record.
    ///
    /// # Errors
    /// Fails with `full` if the supervisor is asked to stop or its duration is over, or if the store fails.
    pub(super) fn wait_for_disk_space(&mut self, full: &StoreError) -> Result<(), SupervisorError> {
        // Bounded for the same reasons as the inbox: see `message`.
        let mut kept = VecDeque::new();
        loop {
            match self.inbox.recv_timeout(LOOK_INTERVAL) {
                Ok(Message::DiskSpace(DiskSpace::Found)) => break,
                Ok(Message::StoreFailed(error)) => return Err(error.into()),
                // A graceful stop cannot be decided, since it could not be recorded.
                Ok(Message::Stop(_, is_interrupt)) => {
                    self.interrupted |= is_interrupt;
                    return Err(full.clone().into());
                }
                Ok(Message::Command(command, reply_to)) => {
                    if matches!(*command, Command::SupervisorStop { .. }) {
                        let text =
                            "stopping; the disk is full, so running sessions continue under their keepers";
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
        kept.into_iter().try_for_each(|message| self.handle(message))
    }
}
