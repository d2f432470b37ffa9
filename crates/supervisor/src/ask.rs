//! Commands from the command line: to the supervisor that runs, or carried out here by the same code.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::SupervisorError;
use super::message::Message;
use super::run::kernel;
use paddock_config::{Environment, Workspace};
use paddock_engine::decide::Memo;
use paddock_ipc::lock::{LockError, WorkspaceLock};
use paddock_ipc::{Client, IpcError};
use paddock_model::command::{Command, Reply};

/// How long a reply may take: a landing that is being flushed on a slow disk, not more.
const REPLY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a supervisor that has just taken the lock may need until it listens.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries to reach somebody.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether a supervisor listens. One that is frozen, or speaks another language, does.
fn listens(workspace: &Workspace) -> bool {
    !matches!(Client::connect(&workspace.runtime()), Ok(None))
}

/// Takes the workspace for a supervisor. Whoever holds it and listens to nobody carries out one command, or comes
/// or goes, and is waited for so long; a supervisor that listens stays.
///
/// # Errors
/// [`LockError::WorkspaceHeld`] names who has it.
pub(super) fn take(workspace: &Workspace, patience: Duration) -> Result<WorkspaceLock, LockError> {
    let give_up_at = Instant::now() + patience;
    loop {
        match WorkspaceLock::try_take(&workspace.runtime()) {
            Err(LockError::WorkspaceHeld { .. }) if Instant::now() < give_up_at && !listens(workspace) => {
                std::thread::sleep(PAUSE);
            }
            taken => return taken,
        }
    }
}

/// Has a command carried out: by the running supervisor, or, when there is none, here, under its lock, by the
/// same code, until everything that follows from it is done.
///
/// # Errors
/// When the supervisor cannot be reached, or the workspace cannot be worked in.
pub fn ask(
    workspace: &Workspace,
    environment: &Environment,
    command: Command,
) -> Result<Reply, SupervisorError> {
    let give_up_at = Instant::now() + CONNECT_TIMEOUT;
    loop {
        if let Some(mut client) = Client::connect(&workspace.runtime())? {
            let reply = client.command(command.clone(), REPLY_TIMEOUT);
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
            Ok(lock) => return here(workspace, environment, command, &lock),
            // Somebody is between the lock and the socket, at one end of their work or the other.
            Err(LockError::WorkspaceHeld { .. }) if Instant::now() < give_up_at => std::thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}

fn here(
    workspace: &Workspace,
    environment: &Environment,
    command: Command,
    _lock: &WorkspaceLock,
) -> Result<Reply, SupervisorError> {
    // Without a bound of its own: `message` says why it cannot grow without end.
    let (inbox, messages) = mpsc::channel();
    let mut kernel =
        kernel(workspace, environment, Memo::passive(), (inbox.clone(), messages), Arc::new(|_| {}))?;
    // What somebody has just written there counts for what they ask for now.
    kernel.read_project_files_first()?;
    let answer = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&answer);
    let reply_to = move |reply| *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply);
    drop(inbox.send(Message::Command(Box::new(command), Box::new(reply_to))));
    kernel.serve_one()?;
    kernel.writer.close()?;
    let reply = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    reply.ok_or(SupervisorError::Gone)
}

impl super::kernel::Kernel {
    /// Takes what comes in until nothing is in flight any more.
    fn serve_one(&mut self) -> Result<(), SupervisorError> {
        let world = Arc::clone(&self.world);
        while let Some(message) = next_message(&self.inbox, || world.is_idle())? {
            self.take(message)?;
        }
        Ok(())
    }
}

/// What came in next; none when nothing is in flight and everything was taken. Whoever ends tells first, then
/// counts as ended, and wakes last: so it is waited only where a wake is still to come, and what was told before
/// the last one ended is in the inbox by the time that nothing is in flight.
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

    /// The last effect ends between the look into the inbox and the look at what is in flight, and its wake comes
    /// right behind: nothing else will ever come.
    #[test]
    fn a_wake_that_comes_late_is_not_waited_behind() {
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
    fn what_is_in_flight_is_waited_for_and_what_it_told_is_taken_first() {
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
