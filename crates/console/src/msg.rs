//! Messages into [`update()`](crate::update::update), and the effects that it returns.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};

use super::Model;
use super::data::FactsMsg;
use super::error::Error;
use paddock_config::{Environment, Workspace};
use paddock_model::command::{Command, Reply};

/// A closure, prepared on another thread, that changes the model and returns further effects.
pub(crate) type Change = Box<dyn FnOnce(&mut Model) -> Vec<Effect> + Send>;

/// Everything that can change the model.
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse was used. Sent only while the `mouse` action has switched reports on.
    Mouse(MouseEvent),
    /// The terminal was resized to these columns and rows.
    Resized(u16, u16),
    /// The terminal got (`true`) or lost the focus. Not every terminal reports it.
    Focused(bool),
    /// A wait of the loop has ended without a message: elapsed times or the footer may have to change.
    Tick,
    /// News about the workspace.
    Facts(FactsMsg),
    /// The answer to an [`Effect::Ask`].
    Answered {
        /// Description of the command, as in [`Effect::Ask`].
        doing: String,
        /// The supervisor's reply, or why the command was not run.
        reply: Result<Reply, Error>,
    },
    /// The result of a [`Job`], or a change from a thread that a job started.
    Apply(Change),
    /// Like [`Msg::Apply`], for streamed output, which is drawn at most ten times a second.
    Stream(Change),
    /// The process has received a signal.
    Signal(Signal),
    /// The terminal was closed.
    TerminalLost,
}

/// Capacity of the channel to the loop. When it is full the sending threads wait, and what they would read
/// stays where it is: keys in the terminal, events in the database, output in its files. A loop that works
/// drains the channel long before that; the bound keeps a loop that hangs from filling the memory.
const MESSAGES_MAX: usize = 256;

/// Creates the channel to the loop. The loop itself must
/// not send: on a full channel it would wait for itself.
#[must_use]
pub fn messages() -> (SyncSender<Msg>, Receiver<Msg>) {
    sync_channel(MESSAGES_MAX)
}

/// A signal that the console handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, SIGINT or SIGQUIT from another process: restore the terminal and leave.
    End,
    /// SIGHUP: the terminal is being closed.
    HangUp,
    /// SIGTSTP from another process: suspend.
    Suspend,
    /// SIGWINCH: the terminal was resized.
    Resized,
}

impl fmt::Debug for Msg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "Key({:?} {:?})", key.modifiers, key.code),
            Self::Paste(text) => write!(f, "Paste({} bytes)", text.len()),
            Self::Mouse(_) => f.write_str("Mouse"),
            Self::Resized(columns, rows) => write!(f, "Resized({columns}, {rows})"),
            Self::Focused(is) => write!(f, "Focused({is})"),
            Self::Tick => f.write_str("Tick"),
            Self::Facts(facts) => write!(f, "{facts:?}"),
            Self::Answered { doing, .. } => write!(f, "Answered({doing})"),
            Self::Apply(_) => f.write_str("Apply"),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Signal(signal) => write!(f, "{signal:?}"),
            Self::TerminalLost => f.write_str("TerminalLost"),
        }
    }
}

/// A function that runs a command. Its error says why the
/// command could not be run at all; a refusal is a reply.
type Run = dyn Fn(Command) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

/// Runs commands: through the supervisor, or in this process if none is running. The command line passes it
/// in, since the console does not depend on the supervisor's crate.
#[derive(Clone)]
pub struct Ask {
    run: Arc<Run>,
    /// How long a starting supervisor waits for a one-shot command that holds the workspace's lock.
    pub patience: Duration,
}

impl Ask {
    /// Creates a runner from a function, which may block as
    /// long as a landing takes. Its error is shown to people.
    pub fn new(
        run: impl Fn(Command) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
        patience: Duration,
    ) -> Self {
        Self { run: Arc::new(run), patience }
    }

    /// Runs a command and waits for its reply.
    ///
    /// # Errors
    /// Fails with [`Error::NotRun`] if the command could not be run at all.
    pub(crate) fn run(&self, command: Command) -> Result<Reply, Error> {
        (self.run)(command).map_err(Error::NotRun)
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ask")
    }
}

/// The environment of jobs and threads.
#[derive(Debug, Clone)]
pub struct World {
    /// The workspace that the console shows.
    pub workspace: Workspace,
    /// The process environment, extended by the workspace's `.env`.
    pub environment: Environment,
    /// Runs commands.
    pub ask: Ask,
    /// Sender of the channel to the loop.
    pub messages: SyncSender<Msg>,
}

/// Work that runs on its own thread and ends with a change to the model.
pub struct Job {
    /// Short description, shown if the job fails.
    pub name: String,
    /// The work. Must not touch the model; the [`Change`] that it returns does.
    pub run: Box<dyn FnOnce(&World) -> Change + Send>,
}

impl Job {
    /// Creates a job.
    pub(crate) fn new(name: impl Into<String>, run: impl FnOnce(&World) -> Change + Send + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({})", self.name)
    }
}

/// How the console is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuitHow {
    /// The supervisor keeps running.
    Leave,
    /// The supervisor stops gracefully: sessions are asked to stop and are harvested.
    Graceful,
    /// The supervisor stops at once and kills its sessions.
    Kill,
}

/// A program that the terminal is lent to until it exits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreground {
    /// `$PAGER`, with this text on its standard input.
    Page(String),
    /// `$PAGER` on this file.
    PageFile(PathBuf),
    /// `$VISUAL` or `$EDITOR` on this file or folder.
    Edit(PathBuf),
    /// The user's shell in this folder.
    Shell(PathBuf),
}

/// Work that [`update()`](crate::update::update) wants done and must not do itself.
#[derive(Debug)]
pub enum Effect {
    /// Run a command; the answer comes as [`Msg::Answered`].
    Ask {
        /// The command.
        command: Box<Command>,
        /// Short description for people, such as `retry auth-tokens`. Also identifies the answer.
        doing: String,
    },
    /// Run a job on its own thread.
    Job(Job),
    /// Put a text on the clipboard.
    Copy {
        /// The text.
        text: String,
        /// Short description of the text, such as `the commit id`.
        what: String,
    },
    /// Lend the terminal to a program.
    Foreground(Foreground),
    /// Ring the bell and send a desktop notification: a person is needed.
    Notify(String),
    /// Write an escape sequence to the terminal.
    Send(Vec<u8>),
    /// Start the supervisor in the background.
    StartSupervisor,
    /// Switch the terminal's mouse reports on or off.
    Mouse(bool),
    /// Clear the terminal and redraw everything.
    Redraw,
    /// Suspend the process until it is continued (SIGCONT).
    Suspend,
    /// Leave the console.
    Quit(QuitHow),
}

impl Effect {
    /// Creates an [`Effect::Ask`].
    #[must_use]
    pub(crate) fn ask(command: Command, doing: impl Into<String>) -> Self {
        Self::Ask { command: Box::new(command), doing: doing.into() }
    }
}
