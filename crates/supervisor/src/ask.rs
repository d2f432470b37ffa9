//! Commands from the command line: sent to the running supervisor, or run in this process by the same code.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::SupervisorError;
use super::message::Message;
use super::run::build_kernel;
use paddock_config::{Environment, Workspace};
use paddock_engine::decide::Memo;
use paddock_ipc::workspace_lock::{LockError, WorkspaceLock};
use paddock_ipc::{Client, IpcError};
use paddock_model::command::{Command, Reply};

/// Longest wait for a reply. A command may have to wait for a landing that is being flushed on a slow disk.
const REPLY_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest wait for a supervisor that holds the lock but does not listen yet, or not any more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause between two attempts to reach the supervisor or to take the lock.
const PAUSE: Duration = Duration::from_millis(20);

/// Returns whether a supervisor listens on the socket. A frozen one and one with another protocol version
/// count as listening: waiting for them would not help.
fn supervisor_listens(workspace: &Workspace) -> bool {
    !matches!(Client::connect(&workspace.runtime()), Ok(None))
}

/// Acquires the workspace lock for a supervisor.
///
/// Retries for up to `patience` if the holder is a one-shot command, or a supervisor that is starting or
/// stopping. Fails at once if a live supervisor listens.
///
/// # Errors
/// [`LockError::WorkspaceHeld`] names the holder.
pub(super) fn take_workspace_lock(
    workspace: &Workspace,
    patience: Duration,
) -> Result<WorkspaceLock, LockError> {
    let give_up_at = Instant::now() + patience;
    loop {
        match WorkspaceLock::try_take(&workspace.runtime()) {
            // The socket is what tells the holders apart: only a supervisor at work listens.
            Err(LockError::WorkspaceHeld { .. })
                if Instant::now() < give_up_at && !supervisor_listens(workspace) =>
            {
                std::thread::sleep(PAUSE);
            }
            taken => return taken,
        }
    }
}

/// Runs a command and returns its reply.
///
/// The running supervisor executes it. Without one, this process takes the workspace lock, runs the same
/// code, and waits until every effect that follows from the command is done.
///
/// # Errors
/// Fails if the supervisor cannot be reached, or if the workspace cannot be used.
pub fn ask(
    workspace: &Workspace,
    environment: &Environment,
    command: Command,
) -> Result<Reply, SupervisorError> {
    let give_up_at = Instant::now() + CONNECT_TIMEOUT;
    loop {
        if let Some(mut client) = Client::connect(&workspace.runtime())? {
            let reply = client.command(command.clone(), REPLY_TIMEOUT);
            // A supervisor that is ending says so for every command that it did not begin. Asking the next
            // one is therefore safe: no command runs twice.
            let is_too_late = match &reply {
                Ok(reply) => reply.as_ref().is_err_and(|refusal| refusal.is_ending),
                Err(error) => *error == IpcError::Leaving,
            };
            if !is_too_late || Instant::now() >= give_up_at {
                return Ok(reply?);
            }
            std::thread::sleep(PAUSE);
            continue;
        }
        match WorkspaceLock::try_take_for_command(&workspace.runtime()) {
            Ok(lock) => return run_here(workspace, environment, command, &lock),
            // The holder has the lock but no socket: it is starting, stopping, or a one-shot command.
            Err(LockError::WorkspaceHeld { .. }) if Instant::now() < give_up_at => std::thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Runs the command in this process, under the lock that the caller holds.
fn run_here(
    workspace: &Workspace,
    environment: &Environment,
    command: Command,
    _lock: &WorkspaceLock,
) -> Result<Reply, SupervisorError> {
    // Unbounded on purpose: `message` explains why it cannot grow without end.
    let (inbox, messages) = mpsc::channel();
    // Passive: the engine records what the command asks for and starts no session, gate or landing of its
    // own.
    let mut kernel =
        build_kernel(workspace, environment, Memo::passive(), (inbox.clone(), messages), Arc::new(|_| {}))?;
    // No watch has reported edits, so read the files now: a person edits a project file and then runs a
    // command that relies on it.
    kernel.read_project_files_first()?;
    let answer = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&answer);
    let reply_to = move |reply| *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply);
    drop(inbox.send(Message::Command(Box::new(command), Box::new(reply_to))));
    kernel.serve_one()?;
    // Only after this is everything that the command caused on disk.
    kernel.writer.close()?;
    let reply = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    reply.ok_or(SupervisorError::Gone)
}

impl super::kernel::Kernel {
    /// Handles messages until nothing is in flight any more.
    fn serve_one(&mut self) -> Result<(), SupervisorError> {
        let world = Arc::clone(&self.world);
        while let Some(message) = next_message(&self.inbox, || world.is_idle())? {
            self.handle(message)?;
        }
        Ok(())
    }
}

/// Returns the next message, or `None` once nothing is in flight and the inbox is empty.
///
/// An effect sends its result, decrements `in_flight`, then sends `Wake`. Therefore:
///
/// - while something is in flight a wake is still to come, and blocking is safe;
/// - once idle, every result is already in the inbox, so one more `try_recv` is enough. Blocking here would
///   hang for good if the last wake had been received already, and with it the workspace lock.
fn next_message(
    inbox: &mpsc::Receiver<Message>,
    is_idle: impl Fn() -> bool,
) -> Result<Option<Message>, SupervisorError> {
    if let Ok(message) = inbox.try_recv() {
        return Ok(Some(message));
    }
    match is_idle() {
        true => Ok(inbox.try_recv().ok()),
        false => inbox.recv().map(Some).map_err(|_| SupervisorError::Gone),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::message::Pending;

    use super::*;

    /// The last effect ends between the look into the inbox and the check of what is in flight. Its wake is
    /// the last message that ever arrives, so waiting for another one would hang.
    #[test]
    fn the_last_wake_ends_the_wait_even_when_it_arrives_between_two_checks() {
        let (sender, inbox) = mpsc::channel();
        let last = Cell::new(Some(sender));
        let is_idle = || {
            if let Some(sender) = last.take() {
                sender.send(Message::Wake).unwrap();
            }
            true
        };
        assert!(matches!(next_message(&inbox, is_idle), Ok(Some(Message::Wake))));
        assert!(matches!(next_message(&inbox, is_idle), Ok(None)));
    }

    #[test]
    fn effects_in_flight_are_awaited_and_their_results_come_first() {
        let (sender, inbox) = mpsc::channel();
        let busy = Cell::new(true);
        let is_idle = || {
            if busy.replace(false) {
                sender.send(Message::ProjectFilesChanged(Pending::default())).unwrap();
                sender.send(Message::Wake).unwrap();
                return false;
            }
            true
        };
        assert!(matches!(next_message(&inbox, is_idle), Ok(Some(Message::ProjectFilesChanged(_)))));
        assert!(matches!(next_message(&inbox, is_idle), Ok(Some(Message::Wake))));
        assert!(matches!(next_message(&inbox, is_idle), Ok(None)));
    }
}
