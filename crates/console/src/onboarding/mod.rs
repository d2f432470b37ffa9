//! The first start in a repository: one screen with three questions, each with a proposed answer.
//!
//! The screen comes before the console, since there may be no workspace yet.
//! Nothing is written before the person presses Start. The command line passes in
//! a [`Setup`], which runs the code of `paddock init` and `paddock project add`.

mod agents;
mod questions;

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

pub use agents::{AgentSeen, on_path};
pub(crate) use questions::Questions;
pub use questions::{Answers, Found, State};

use super::error::Refused;
use super::msg::{Effect, Msg};
use super::terminal::Screen;
use super::update::update;
use super::{Model, ahead, input, msg};

/// The operations that the screen needs. They block, so each runs on a thread of its own.
pub trait Setup: Send + Sync {
    /// Inspects the repository.
    ///
    /// # Errors
    /// Fails with a sentence that says why the repository cannot be managed, and what to do.
    fn look(&self) -> Result<Found, Refused>;

    /// Returns the agents on PATH. Blocks for seconds.
    fn agents(&self) -> Vec<AgentSeen>;

    /// Creates the workspace, registers the repository and adds the goal.
    ///
    /// # Errors
    /// Fails with a sentence that says what could not be done. Whatever was done before is undone.
    fn execute(&self, answers: &Answers) -> Result<(), Refused>;
}

/// How the screen was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The repository is set up.
    Done,
    /// The person left without an answer; nothing was written.
    Declined,
}

/// The result of an operation.
enum News {
    Looked(Result<Found, Refused>),
    Agents(Vec<AgentSeen>),
    Executed(Result<(), Refused>),
}

/// Results of the threads. Each thread pushes its result, then wakes the loop with a message.
#[derive(Clone)]
struct Inbox {
    /// At most one result of each kind: an operation is repeated only after its result was taken.
    news: Arc<Mutex<Vec<News>>>,
    messages: SyncSender<Msg>,
    setup: Arc<dyn Setup>,
}

impl Inbox {
    fn start(&self, work: impl FnOnce(&dyn Setup) -> News + Send + 'static) -> io::Result<()> {
        let inbox = self.clone();
        let run = move || {
            let news = work(inbox.setup.as_ref());
            // A panic of another thread cannot leave a pushed result
            // half-written, so a poisoned lock is still good.
            inbox.news.lock().unwrap_or_else(PoisonError::into_inner).push(news);
            let _ = inbox.messages.send(Msg::Tick);
        };
        thread::Builder::new().name("setup".into()).spawn(run).map(drop)
    }

    fn take(&self) -> Vec<News> {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Shows the screen until the person has answered or left. `model` holds the theme and the keymap; `log` is
/// the file for reports of panics.
///
/// # Errors
/// Fails if the terminal reports an error, or a thread cannot be started.
pub fn run(mut model: Model, setup: Arc<dyn Setup>, log: PathBuf) -> io::Result<Left> {
    let (messages, incoming) = msg::messages();
    let inbox = Inbox { news: Arc::default(), messages: messages.clone(), setup };
    // Both take a moment, so they start before the first frame.
    inbox.start(|setup| News::Looked(setup.look()))?;
    inbox.start(|setup| News::Agents(setup.agents()))?;
    model.size = crossterm::terminal::size()?;
    let state = Rc::new(RefCell::new(State::default()));
    model.open(Box::new(Questions::new(state.clone())));
    input::listen_for_signals(messages.clone())?;
    let mut screen = Screen::enter(log)?;
    let mut input = input::Input::start(messages)?;
    let left = loop {
        screen.draw(&model)?;
        model.ahead.seen();
        let Ok(msg) = incoming.recv() else { break Left::Declined };
        let (_, effects) = update(&mut model, msg);
        let is_leaving = effects.iter().any(|effect| matches!(effect, Effect::Quit(_)));
        let was_working = state.borrow().is_working();
        for news in inbox.take() {
            state.borrow_mut().take(&model, news);
        }
        // As after a supervisor's answer: replay or drop the keys that were typed during the setup.
        if was_working && !state.borrow().is_working() {
            let is_refused = !state.borrow().is_done();
            ahead::answered(&mut model, 0, is_refused);
        }
        if state.borrow().is_done() {
            break Left::Done;
        }
        if is_leaving || model.dialogs.is_empty() {
            break Left::Declined;
        }
        for request in state.borrow_mut().take_requests() {
            match request {
                questions::Request::Look => inbox.start(|setup| News::Looked(setup.look()))?,
                questions::Request::Execute(answers) => {
                    inbox.start(move |setup| News::Executed(setup.execute(&answers)))?;
                }
            }
        }
    };
    // The console starts an input thread of its own; two would share the keys between them.
    input.pause();
    Ok(left)
}
