//! The first start in a repository: three questions, each with a good answer in it already.
//!
//! A screen of its own before the console: there may be no workspace yet, and nothing is written before the last
//! yes. What is looked up and what is done is behind [`Setup`], which the command line gives: it is the code of
//! `init` and `project add`.

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

/// What the screen has done for it.
pub trait Setup: Send + Sync {
    /// Looks at the repository.
    ///
    /// # Errors
    /// For people: why it cannot be taken under management, and what to do.
    fn look(&self) -> Result<Found, Refused>;

    /// The agents on PATH. Takes seconds.
    fn agents(&self) -> Vec<AgentSeen>;

    /// Makes the workspace, registers the repository, adds the goal.
    ///
    /// # Errors
    /// For people: what could not be done; nothing half-done is left.
    fn execute(&self, answers: &Answers) -> Result<(), Refused>;
}

/// How the screen was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Everything is set up.
    Done,
    /// The person does not want to, or not now; nothing was written.
    Not,
}

/// What threads bring.
enum News {
    Looked(Result<Found, Refused>),
    Agents(Vec<AgentSeen>),
    CarriedOut(Result<(), Refused>),
}

/// Where threads put what they bring; a message wakes the loop.
#[derive(Clone)]
struct Inbox {
    /// One of a kind at most: the next is looked up when this one was taken.
    news: Arc<Mutex<Vec<News>>>,
    messages: SyncSender<Msg>,
    setup: Arc<dyn Setup>,
}

impl Inbox {
    fn start(&self, work: impl FnOnce(&dyn Setup) -> News + Send + 'static) -> io::Result<()> {
        let inbox = self.clone();
        let run = move || {
            let news = work(inbox.setup.as_ref());
            inbox.news.lock().unwrap_or_else(PoisonError::into_inner).push(news);
            let _ = inbox.messages.send(Msg::Tick);
        };
        thread::Builder::new().name("setup".into()).spawn(run).map(drop)
    }

    fn take(&self) -> Vec<News> {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Shows the screen; `model` holds the theme and the keys, `log` is where a panic is written down.
///
/// # Errors
/// What the terminal says.
pub fn run(mut model: Model, setup: Arc<dyn Setup>, log: PathBuf) -> io::Result<Left> {
    let (messages, incoming) = msg::messages();
    let inbox = Inbox { news: Arc::default(), messages: messages.clone(), setup };
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
        let Ok(msg) = incoming.recv() else { break Left::Not };
        let (_, effects) = update(&mut model, msg);
        let is_leaving = effects.iter().any(|effect| matches!(effect, Effect::Quit(_)));
        let was_working = state.borrow().is_working();
        for news in inbox.take() {
            state.borrow_mut().take(&model, news);
        }
        if was_working && !state.borrow().is_working() {
            let is_refused = !state.borrow().is_done();
            ahead::answered(&mut model, 0, is_refused);
        }
        if state.borrow().is_done() {
            break Left::Done;
        }
        if is_leaving || model.dialogs.is_empty() {
            break Left::Not;
        }
        for wish in state.borrow_mut().wishes() {
            match wish {
                questions::Wish::Look => inbox.start(|setup| News::Looked(setup.look()))?,
                questions::Wish::CarryOut(answers) => {
                    inbox.start(move |setup| News::CarriedOut(setup.execute(&answers)))?;
                }
            }
        }
    };
    // The console reads the keys from now on.
    input.pause();
    Ok(left)
}
