//! The loop: drain what has come, update, carry effects out, draw at most one frame.

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
use paddock_config::{Environment, Workspace};
use paddock_model::answers::Answers;
use paddock_model::ids::ProjectSlug;
use paddock_os::fail_points::trouble_point;

/// Messages taken in before a frame is drawn, at most: a flood must not starve the screen.
const DRAIN_MAX: usize = 4096;

/// What the console is opened with.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The workspace.
    pub workspace: Workspace,
    /// The environment with the workspace's `.env`.
    pub environment: Environment,
    /// How commands are run.
    pub ask: Ask,
    /// The project to show.
    pub project: Option<ProjectSlug>,
    /// Whether a supervisor is started if none runs.
    pub start: bool,
    /// What the supervisor is started with, beside `run --no-tui`.
    pub arguments: Vec<String>,
    /// The commands of the command line, for the palette.
    pub commands: Vec<CommandLine>,
    /// The engine's answers to what the console asks of a state.
    pub answers: Answers,
}

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Standard input or output is no terminal.
    #[error("the console needs a terminal; `paddock run --no-tui` works without one, `paddock status` looks")]
    NoTerminal,
    /// The terminal or the system failed.
    #[error("the console cannot go on: {0}")]
    Io(#[from] io::Error),
}

struct Console {
    model: Model,
    world: World,
    workers: Workers,
    screen: Screen,
    input: input::Input,
    messages: Receiver<Msg>,
    frame_rate: Duration,
    quit: Option<QuitHow>,
    is_lost: bool,
}

/// Opens the console; returns how it was left, once the terminal is restored.
///
/// # Errors
/// [`ConsoleError::NoTerminal`], or what the terminal says.
pub fn open(opening: Opening) -> Result<QuitHow, ConsoleError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(ConsoleError::NoTerminal);
    }
    let (sender, messages) = msg::messages();
    let Opening { workspace, environment, ask, project, start, arguments, commands, answers } = opening;
    let world = World { workspace: workspace.clone(), environment, ask, messages: sender.clone() };
    let mut model = prepared(&workspace, &world.environment, commands, answers);
    if project.is_some() {
        model.project = project;
    }
    model.size = crossterm::terminal::size()?;
    let workers = Workers::start(world.clone(), arguments)?;
    if start {
        workers.start_supervisor();
    }
    store_feed::start(&world)?;
    input::hear(sender.clone())?;
    let mut screen = Screen::enter(workspace.logs().join("console.log"))?;
    if model.mouse {
        screen.set_mouse(true)?;
    }
    let input = input::Input::start(sender)?;
    let is_far = std::env::var_os("SSH_CONNECTION").is_some();
    let frame_rate = Duration::from_millis(if is_far { 200 } else { 100 });
    let mut console =
        Console { model, world, workers, screen, input, messages, frame_rate, quit: None, is_lost: false };
    let ended = console.run();
    let memory = Memory::from_model(&console.model);
    let (quit, is_lost) = (console.quit.unwrap_or(QuitHow::Leave), console.is_lost);
    // The terminal first: a disk may hang.
    drop(console);
    memory.save(&workspace);
    match ended {
        // Where the terminal is gone, that is no error of the console.
        Err(_) if is_lost => Ok(QuitHow::Leave),
        other => other.map(|()| quit).map_err(ConsoleError::Io),
    }
}

/// The model before anything is known: keys, looks, and where the person was.
fn prepared(
    workspace: &Workspace,
    environment: &Environment,
    commands: Vec<CommandLine>,
    answers: Answers,
) -> Model {
    let mut keys = actions::keymap();
    let mut faults = keys.load(workspace, environment);
    let (theme, wrong) = Theme::load(&keymap::files("theme.yaml", workspace, environment), environment);
    faults.extend(wrong);
    let workspace_of = Some(workspace.clone());
    let mut model = Model { workspace: workspace_of, theme, commands, ..Model::new(answers, keys) };
    Memory::load(workspace).recall(&mut model);
    if !faults.is_empty() {
        let text = format!("{}\n\nThe rest is used.", display_all(&faults));
        model.open(Box::new(Output::new("Faults in keys.yaml or theme.yaml", &text)));
    }
    model
}

impl Console {
    fn run(&mut self) -> io::Result<()> {
        let mut drawn_at = Instant::now();
        let mut due = Urgency::Now;
        loop {
            self.stamp();
            if frame_rate::is_due(due, drawn_at.elapsed(), self.frame_rate) {
                self.screen.draw(&self.model)?;
                self.model.ahead.seen();
                self.model.panes.log.book.read_wanted();
                (drawn_at, due) = (Instant::now(), Urgency::Never);
            }
            let wait = frame_rate::wait(&self.model, due, drawn_at.elapsed(), self.frame_rate);
            let first = match wait {
                None => self.messages.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?,
                Some(wait) => match self.messages.recv_timeout(wait) {
                    Ok(msg) => msg,
                    Err(RecvTimeoutError::Timeout) => Msg::Tick,
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                },
            };
            due = due.max(self.take_all(first)?);
            if self.quit.is_some() {
                return Ok(());
            }
        }
    }

    /// Takes in what is at hand, then lets the visible panes settle.
    fn take_all(&mut self, first: Msg) -> io::Result<Urgency> {
        self.stamp();
        let mut due = self.take(first)?;
        for _ in 0..DRAIN_MAX {
            match self.messages.try_recv() {
                Ok(msg) => due = due.max(self.take(msg)?),
                Err(_) => break,
            }
        }
        if due > Urgency::Never {
            let effects = settle(&mut self.model);
            self.execute(effects)?;
        }
        Ok(due)
    }

    fn take(&mut self, msg: Msg) -> io::Result<Urgency> {
        use super::msg::Signal;
        self.is_lost |= matches!(msg, Msg::TerminalLost | Msg::Signal(Signal::HangUp));
        let (urgency, effects) = update(&mut self.model, msg);
        self.execute(effects)?;
        Ok(urgency)
    }

    fn stamp(&mut self) {
        let now = jiff::Timestamp::now();
        self.model.now_ms = now.as_millisecond();
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
                        // A dialog that waits for the answer hears of it as of any other.
                        let refused = Msg::Answered { doing, reply: Err(Error::Busy) };
                        let (_, effects) = update(&mut self.model, refused);
                        self.execute(effects)?;
                    }
                }
                Effect::Job(job) => {
                    let name = job.name.clone();
                    if !self.workers.run(job) {
                        self.model.say_no(format!("{name}: too much is under way; try again"));
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
            return self.model.say_no(format!("copy: {what} is too long; `v` opens it"));
        }
        match clipboard::way(text, std::env::var_os("TMUX").is_some()) {
            clipboard::Way::Tmux => match clipboard::to_tmux(text) {
                Ok(()) => self.model.say(format!("copied {what}, through tmux")),
                Err(problem) => self.model.say_no(format!("copy: {problem}")),
            },
            clipboard::Way::Osc52(command) => {
                self.screen.obey(command);
                self.model.say(format!("copied {what}, through the terminal (OSC 52)"));
            }
        }
    }

    fn ring(&mut self, text: &str) {
        self.screen.send(ring::BELL);
        if std::env::var_os("TMUX").is_none() {
            return self.screen.send(&ring::notification(text, false));
        }
        // tmux is asked first, and beside the loop: what it does not hand on it may show.
        let wrapped = ring::notification(text, true);
        let job = Job::new("ring", move |_| {
            let passes = ring::passes_through_tmux();
            Box::new(move |_: &mut Model| if passes { vec![Effect::Send(wrapped)] } else { Vec::new() })
        });
        self.workers.run(job);
    }

    fn foreground(&mut self, program: &Foreground) -> io::Result<()> {
        self.input.pause();
        self.screen.lend();
        let said = programs::run(program, &self.world);
        let back = self.screen.take_back();
        self.input.resume();
        if let Err(problem) = said {
            self.model.say_no(problem.to_string());
        }
        back
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.input.pause();
        self.screen.lend();
        // Only this process stops: the supervisor and its sessions have sessions of their own.
        let stopped = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP);
        let back = self.screen.take_back();
        self.input.resume();
        if let Ok(size) = crossterm::terminal::size() {
            self.model.size = size;
        }
        stopped.and(back)
    }
}
