//! What comes in and what goes out of an update.

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

/// A change to the model that was prepared elsewhere.
pub(crate) type Change = Box<dyn FnOnce(&mut Model) -> Vec<Effect> + Send>;

/// Everything that can change the model.
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse was used (only when it is switched on).
    Mouse(MouseEvent),
    /// The terminal has this many columns and rows now.
    Resized(u16, u16),
    /// The terminal got or lost the focus, as far as it tells.
    Focused(bool),
    /// Time has passed while something runs.
    Tick,
    /// What happened in the workspace.
    Facts(FactsMsg),
    /// The answer to [`Effect::Ask`].
    Answered {
        /// What was asked for, for people: `retry auth-tokens`.
        doing: String,
        /// The reply, or why there is none.
        reply: Result<Reply, Error>,
    },
    /// The result of a job, or news from a thread that one started.
    Apply(Change),
    /// Like [`Msg::Apply`], for output that streams in: drawn at most some ten times a second.
    Stream(Change),
    /// The process is asked to end, to stop or was continued.
    Signal(Signal),
    /// The terminal is gone.
    TerminalLost,
}

/// How many messages may wait for the loop. The threads that send them wait when that is reached, so what they read
/// stays where it is: keys in the terminal, events in the database, output in its files. A loop that works never lets
/// so many come together; one that hangs must not gather the world in memory.
const MESSAGES_MAX: usize = 256;

/// The way to the loop. The loop itself must not send: it would wait for itself.
#[must_use]
pub fn messages() -> (SyncSender<Msg>, Receiver<Msg>) {
    sync_channel(MESSAGES_MAX)
}

/// Signals that concern the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT from outside: restore the terminal and leave.
    End,
    /// SIGHUP: the terminal is gone or going.
    HangUp,
    /// SIGTSTP from outside: suspend.
    Suspend,
    /// SIGWINCH.
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

/// Runs a command; fails where it could not be run at all.
type Run = dyn Fn(Command) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

/// How a command is run: by the supervisor, or by this process when none works. The caller of the console hands it in.
#[derive(Clone)]
pub struct Ask {
    run: Arc<Run>,
    /// How long a supervisor that starts waits for a command that holds the workspace's lock.
    pub patience: Duration,
}

impl Ask {
    /// Runs commands by this function, which may take as long as a landing; an error is for people.
    pub fn new(
        run: impl Fn(Command) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
        patience: Duration,
    ) -> Self {
        Self { run: Arc::new(run), patience }
    }

    /// Runs a command and waits for its reply.
    ///
    /// # Errors
    /// [`Error::NotRun`] when the command could not be run at all.
    pub(crate) fn run(&self, command: Command) -> Result<Reply, Error> {
        (self.run)(command).map_err(Error::NotRun)
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ask")
    }
}

/// What jobs and threads have of the world.
#[derive(Debug, Clone)]
pub struct World {
    /// The workspace.
    pub workspace: Workspace,
    /// The environment with the workspace's `.env`.
    pub environment: Environment,
    /// How commands are run.
    pub ask: Ask,
    /// Where messages to the loop go.
    pub messages: SyncSender<Msg>,
}

/// Work on a thread of its own that ends with a change to the model.
pub struct Job {
    /// What it does, for people and tests.
    pub name: String,
    /// The work.
    pub run: Box<dyn FnOnce(&World) -> Change + Send>,
}

impl Job {
    /// A job.
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
    /// The supervisor goes on.
    Leave,
    /// The supervisor stops in order.
    Graceful,
    /// The supervisor stops at once, sessions are killed.
    Kill,
}

/// A program that gets the terminal until it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreground {
    /// `$PAGER` on a text.
    Page(String),
    /// `$PAGER` on a file.
    PageFile(PathBuf),
    /// `$VISUAL` or `$EDITOR` on a file or folder.
    Edit(PathBuf),
    /// The user's shell in this folder.
    Shell(PathBuf),
}

/// What an update wants done.
#[derive(Debug)]
pub enum Effect {
    /// Have a command carried out by the supervisor, or here when none runs.
    Ask {
        /// The command.
        command: Box<Command>,
        /// What it is, for people: `retry auth-tokens`.
        doing: String,
    },
    /// Do this beside the loop.
    Job(Job),
    /// Put a text on the clipboard; `what` names it.
    Copy {
        /// The text.
        text: String,
        /// What it is, for people.
        what: String,
    },
    /// Hand the terminal to a program.
    Foreground(Foreground),
    /// Ring: a human is needed.
    Notify(String),
    /// Write bytes that the terminal acts upon but does not show.
    Send(Vec<u8>),
    /// Start the supervisor in the background.
    StartSupervisor,
    /// Switch reports of the mouse on or off.
    Mouse(bool),
    /// Draw everything anew.
    Redraw,
    /// Stop the process until it is continued.
    Suspend,
    /// Leave.
    Quit(QuitHow),
}

impl Effect {
    /// A command for the supervisor.
    #[must_use]
    pub(crate) fn ask(command: Command, doing: impl Into<String>) -> Self {
        Self::Ask { command: Box::new(command), doing: doing.into() }
    }
}
