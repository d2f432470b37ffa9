//! The main loop: receive messages, update the model, run the effects, draw at most one frame.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::commands::CommandLine;
use super::dialogs::output::Output;
use super::error::Error;
use super::frame_rate;
use super::memory::Memory;
use super::msg::{Ask, Effect, Foreground, Job, Msg, QuitHow, World};
use super::terminal::Screen;
use super::theme::Theme;
use super::update::{Urgency, settle, update};
use super::worker::Workers;
use super::{Model, clipboard, input, msg, programs, ring, store_feed};
use super::{actions, keymap};
use paddock_config::error::display_all;
use paddock_config::{ConfigError, Environment, Workspace};
use paddock_model::answers::Answers;
use paddock_model::ids::ProjectSlug;
use paddock_os::fail_points::trouble_point;

/// Upper bound on the messages handled before a frame is
/// drawn, so that a flood of them cannot starve the screen.
const DRAIN_MAX: usize = 4096;

/// The arguments of [`open`].
#[derive(Debug, Clone)]
pub struct Opening {
    /// The workspace to show.
    pub workspace: Workspace,
    /// The process environment, extended by the workspace's `.env`.
    pub environment: Environment,
    /// Function that runs a command, through the supervisor or without one.
    pub ask: Ask,
    /// Project to show first; `None` shows the one of the last visit.
    pub project: Option<ProjectSlug>,
    /// Whether to start a supervisor if none is running.
    pub start: bool,
    /// Arguments for a supervisor that the console starts, in addition to `run --no-tui`.
    pub arguments: Vec<String>,
    /// Commands of the command line, offered in the palette.
    pub commands: Vec<CommandLine>,
    /// The engine's functions that answer questions about a state, such as why an objective waits.
    pub answers: Answers,
}

/// Why the console could not be opened, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Standard input or output is not a terminal.
    #[error("the console needs a terminal; without one, use `paddock run --no-tui` or `paddock status`")]
    NoTerminal,
    /// An operation on the terminal or a system call failed.
    #[error("the console stopped: {0}")]
    Io(#[from] io::Error),
}

struct Console {
    model: Model,
    world: World,
    workers: Workers,
    screen: Screen,
    input: input::Input,
    messages: Receiver<Msg>,
    /// Shortest time between two frames that show streamed output.
    frame_interval: Duration,
    quit: Option<QuitHow>,
    is_terminal_lost: bool,
}

/// Opens the console and runs it until the person leaves. The terminal is restored before this returns.
///
/// # Errors
/// Fails if there is no terminal, a thread cannot be started, or the terminal reports an error.
pub fn open(opening: Opening) -> Result<QuitHow, ConsoleError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(ConsoleError::NoTerminal);
    }
    // The threads start before the terminal is entered: an
    // error of theirs is then printed on a normal screen.
    let (sender, messages) = msg::messages();
    let Opening { workspace, environment, ask, project, start, arguments, commands, answers } = opening;
    let world = World { workspace: workspace.clone(), environment, ask, messages: sender.clone() };
    let mut model = initial_model(&workspace, &world.environment, commands, answers);
    if project.is_some() {
        model.project = project;
    }
    model.size = crossterm::terminal::size()?;
    let workers = Workers::start(world.clone(), arguments)?;
    if start {
        workers.start_supervisor();
    }
    store_feed::start(&world)?;
    input::listen_for_signals(sender.clone())?;
    let mut screen = Screen::enter(workspace.logs().join("console.log"))?;
    if model.mouse {
        screen.set_mouse(true)?;
    }
    // Raw mode is on by now. Read earlier, keys would arrive line by line and be echoed.
    let input = input::Input::start(sender)?;
    // A frame over SSH costs bandwidth: streamed output is drawn half as often there.
    let is_remote = std::env::var_os("SSH_CONNECTION").is_some();
    let frame_interval = Duration::from_millis(if is_remote { 200 } else { 100 });
    let mut console = Console {
        model,
        world,
        workers,
        screen,
        input,
        messages,
        frame_interval,
        quit: None,
        is_terminal_lost: false,
    };
    let ended = console.run();
    let memory = Memory::from_model(&console.model);
    let (quit, is_terminal_lost) = (console.quit.unwrap_or(QuitHow::Leave), console.is_terminal_lost);
    // Restore the terminal before writing the file: a disk that hangs must not keep the terminal in raw mode.
    drop(console);
    memory.save(&workspace);
    match ended {
        // Errors of a terminal that was closed are expected: the console simply ends.
        Err(_) if is_terminal_lost => Ok(QuitHow::Leave),
        other => other.map(|()| quit).map_err(ConsoleError::Io),
    }
}

/// Reads keys.yaml and theme.yaml. Returns the keys, the theme, and the files' faults.
fn own_files(workspace: &Workspace, environment: &Environment) -> (keymap::Keymap, Theme, Vec<ConfigError>) {
    let mut keys = actions::keymap();
    let mut faults = keys.load(workspace, environment);
    let (theme, wrong) = Theme::load(&keymap::files("theme.yaml", workspace, environment), environment);
    faults.extend(wrong);
    (keys, theme, faults)
}

/// Returns the faults of the user's and the workspace's keys.yaml and theme.yaml.
#[must_use]
pub fn file_faults(workspace: &Workspace, environment: &Environment) -> Vec<ConfigError> {
    own_files(workspace, environment).2
}

/// Returns the model before any fact is loaded: keys, theme, and the place where the person left off.
fn initial_model(
    workspace: &Workspace,
    environment: &Environment,
    commands: Vec<CommandLine>,
    answers: Answers,
) -> Model {
    let (keys, theme, faults) = own_files(workspace, environment);
    let workspace_of = Some(workspace.clone());
    let mut model = Model { workspace: workspace_of, theme, commands, ..Model::new(answers, keys) };
    Memory::load(workspace).recall(&mut model);
    if !faults.is_empty() {
        let text = format!(
            "{}\n\nPaddock ignores these entries and uses the rest of each file.",
            display_all(&faults)
        );
        model.open(Box::new(Output::new("Faults in keys.yaml or theme.yaml", &text)));
    }
    model
}

impl Console {
    fn run(&mut self) -> io::Result<()> {
        let mut drawn_at = Instant::now();
        let mut due = Urgency::Now;
        loop {
            self.update_clock();
            if frame_rate::is_due(due, drawn_at.elapsed(), self.frame_interval) {
                self.screen.draw(&self.model)?;
                // Keys typed before this frame were meant for a dialog that an answer has closed since; from
                // now on the person sees that it is closed.
                self.model.ahead.seen();
                // The views only note which text they lack; the follower reads it after the frame.
                self.model.panes.log.book.read_wanted();
                (drawn_at, due) = (Instant::now(), Urgency::Never);
            }
            let wait = frame_rate::wait(&self.model, due, drawn_at.elapsed(), self.frame_interval);
            let first = match wait {
                // Nothing on the screen changes with time: block, so that an idle console uses no CPU.
                None => self.messages.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?,
                Some(wait) => match self.messages.recv_timeout(wait) {
                    Ok(msg) => msg,
                    Err(RecvTimeoutError::Timeout) => Msg::Tick,
                    // Cannot happen: `world` holds a sender itself.
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                },
            };
            due = due.max(self.handle_all(first)?);
            if self.quit.is_some() {
                return Ok(());
            }
        }
    }

    /// Handles the first message and those that already wait,
    /// then lets the visible panes fetch what they show.
    fn handle_all(&mut self, first: Msg) -> io::Result<Urgency> {
        self.update_clock();
        let mut due = self.handle(first)?;
        for _ in 0..DRAIN_MAX {
            match self.messages.try_recv() {
                Ok(msg) => due = due.max(self.handle(msg)?),
                Err(_) => break,
            }
        }
        // What the panes need follows from the model: without a change there is nothing new to fetch.
        if due > Urgency::Never {
            let effects = settle(&mut self.model);
            self.execute(effects)?;
        }
        Ok(due)
    }

    fn handle(&mut self, msg: Msg) -> io::Result<Urgency> {
        use super::msg::Signal;
        self.is_terminal_lost |= matches!(msg, Msg::TerminalLost | Msg::Signal(Signal::HangUp));
        let (urgency, effects) = update(&mut self.model, msg);
        self.execute(effects)?;
        Ok(urgency)
    }

    /// Stores the current time in the model: `update` and the views read no clock.
    fn update_clock(&mut self) {
        let now = jiff::Timestamp::now();
        self.model.now_ms = now.as_millisecond();
        // The time zone is consulted once a day, not for every message. Where daylight saving time makes a
        // day of 23 or 25 hours, this notices midnight at most an hour late.
        if self.model.now_ms - self.model.day_ms >= 24 * 3600 * 1000 {
            let midnight = now.to_zoned(jiff::tz::TimeZone::system()).start_of_day();
            self.model.day_ms = midnight.map_or(0, |at| at.timestamp().as_millisecond());
        }
    }

    fn execute(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Ask { command, doing } => {
                    self.model.asking.push(doing.clone());
                    if !self.workers.ask(*command, doing.clone()) {
                        // The dialog that asked waits for an answer,
                        // so it gets this one like the supervisor's.
                        let refused = Msg::Answered { doing, reply: Err(Error::Busy) };
                        let (_, effects) = update(&mut self.model, refused);
                        self.execute(effects)?;
                    }
                }
                Effect::Job(job) => {
                    let name = job.name.clone();
                    if !self.workers.run(job) {
                        self.model.say_no(format!(
                            "{name}: too many jobs are running; try again when one has ended"
                        ));
                    }
                }
                Effect::Copy { text, what } => self.copy(&text, &what),
                Effect::Foreground(program) => self.foreground(&program)?,
                Effect::Notify(text) => self.ring(&text),
                Effect::Send(bytes) => self.screen.send(&bytes),
                Effect::StartSupervisor => self.workers.start_supervisor(),
                Effect::Mouse(on) => self.screen.set_mouse(on)?,
                Effect::Redraw => {
                    trouble_point!("console.redraw");
                    self.screen.clear()?;
                }
                Effect::Suspend => self.suspend()?,
                Effect::Quit(how) => self.quit = Some(how),
            }
        }
        Ok(())
    }

    fn copy(&mut self, text: &str, what: &str) {
        if clipboard::is_too_long(text) {
            return self
                .model
                .say_no(format!("copy: {what} is too long for the clipboard; press `v` to open it"));
        }
        match clipboard::route(text, std::env::var_os("TMUX").is_some()) {
            clipboard::Route::Tmux => match clipboard::to_tmux(text) {
                Ok(()) => self.model.say(format!("copied {what} through tmux")),
                Err(problem) => self.model.say_no(format!("copy: {problem}")),
            },
            clipboard::Route::Osc52(command) => {
                self.screen.obey(command);
                self.model.say(format!("copied {what} through the terminal (OSC 52)"));
            }
        }
    }

    fn ring(&mut self, text: &str) {
        self.screen.send(ring::BELL);
        if std::env::var_os("TMUX").is_none() {
            return self.screen.send(&ring::notification(text, false));
        }
        // A tmux without `allow-passthrough` may print the sequence, so ask it first. That starts a program,
        // which the loop must not wait for.
        let wrapped = ring::notification(text, true);
        // If no job can be started, only the notification is lost; the bell has rung.
        let job = Job::new("ring", move |_| {
            let passes = ring::passes_through_tmux();
            Box::new(move |_: &mut Model| if passes { vec![Effect::Send(wrapped)] } else { Vec::new() })
        });
        self.workers.run(job);
    }

    fn foreground(&mut self, program: &Foreground) -> io::Result<()> {
        // The program reads the same terminal: without the pause the input thread would steal its keys.
        self.input.pause();
        self.screen.lend();
        let outcome = programs::run(program, &self.world);
        let taken_back = self.screen.take_back();
        self.input.resume();
        if let Err(problem) = outcome {
            self.model.say_no(problem.to_string());
        }
        taken_back
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.input.pause();
        self.screen.lend();
        // SIGTSTP stops only this process: the supervisor and
        // the agents run in process sessions of their own.
        let stopped = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP);
        let taken_back = self.screen.take_back();
        self.input.resume();
        // Only the terminal's foreground process group gets SIGWINCH, so a resize went unnoticed meanwhile.
        if let Ok(size) = crossterm::terminal::size() {
            self.model.size = size;
        }
        stopped.and(taken_back)
    }
}
