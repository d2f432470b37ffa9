//! The logs that are open, each with its views, and the thread that reads them on.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use super::doc::{Doc, Mode, Raw, Shared};
use super::follow::{Of, Order, SharedLog, Watched, start, turn, whole_text};
use super::lens::Place;
use super::matcher::Matcher;
use super::seek::Search;
use super::source::Stream;
use super::view::View;
use crate::Model;
use crate::model::FinderKind;
use crate::msg::{Effect, Foreground, Job};
use paddock_agents::transcript::Setting;
use paddock_runner::log::LogReader;

/// Logs kept open: those of a grid and the ones looked at last. Each may hold its readable text.
const OPEN_MAX: usize = 16;

/// An open log.
#[derive(Debug)]
pub struct Open {
    /// The log.
    pub log: SharedLog,
    /// The view of the log's pane.
    pub view: RefCell<View>,
    /// The view of its tile in the grid.
    pub tile: RefCell<View>,
    folder: PathBuf,
    used: u64,
}

/// The open logs.
#[derive(Debug, Default)]
pub struct Book {
    open: BTreeMap<Of, Open>,
    orders: Option<Sender<Order>>,
    is_starting: bool,
    watched: Vec<(Of, bool)>,
    clock: u64,
    /// What the last search did not find.
    missed: Option<String>,
}

impl Book {
    /// An open log.
    #[must_use]
    pub fn get(&self, of: Of) -> Option<&Open> {
        self.open.get(&of)
    }

    /// What was looked for last and is nowhere.
    #[must_use]
    pub(crate) fn missed(&self) -> Option<&str> {
        self.missed.as_deref()
    }

    /// Why what is looked for in a log, or filtered by, is not used as a pattern.
    #[must_use]
    pub(crate) fn caveat(&self, of: Of, kind: FinderKind) -> Option<String> {
        let open = self.open.get(&of)?;
        let matcher = match kind {
            FinderKind::Find => open.view.borrow().find().cloned(),
            FinderKind::Filter => turn(&open.log).filter.as_ref().map(|filter| filter.matcher.clone()),
        };
        matcher?.caveat().map(str::to_owned)
    }

    /// Goes where a search has led.
    pub(crate) fn found(&mut self, of: Of, text: &str, place: Option<Place>) {
        let Some(open) = self.open.get(&of) else { return };
        let mut view = open.view.borrow_mut();
        if view.find().is_none_or(|find| find.text() != text) {
            return;
        }
        match place {
            Some(place) => {
                view.go_to(&mut turn(&open.log), place);
                self.missed = None;
            }
            None => self.missed = Some(text.to_owned()),
        }
    }

    /// Looks for something in a log, from the cursor on; without a text for what was looked for last.
    pub(crate) fn search(&mut self, of: Of, text: Option<&str>, forward: bool) {
        self.missed = None;
        let Some(open) = self.open.get(&of) else { return };
        let mut view = open.view.borrow_mut();
        if let Some(text) = text {
            view.set_find(Matcher::new(text));
        }
        let (Some(matcher), Some(orders)) = (view.find().cloned(), &self.orders) else { return };
        let mut log = turn(&open.log);
        let mode = view.mode();
        // A text that is typed is looked for on the line at hand, too.
        let from = view.cursor(&mut log);
        let here = log.doc.content(mode, from.entry, from.line).filter(|_| text.is_some());
        if here.is_some_and(|content| matcher.matches(&content.text())) {
            return;
        }
        let search = Search { mode, matcher, from, forward, has_turned: false };
        let (log, folder) = (open.log.clone(), open.folder.clone());
        let _ = orders.send(Order::Search { of, log, folder, search });
    }

    /// Lays a filter over a log; an empty text takes it away.
    pub(crate) fn filter(&mut self, of: Of, text: &str) {
        if let Some(open) = self.open.get(&of) {
            let mut log = turn(&open.log);
            open.view.borrow_mut().set_filter(&mut log, Matcher::new(text));
        }
        // The thread looks at once.
        self.send_watched();
    }

    /// Opens a log in the pager: its readable text, or, when it has more than so many lines, the file that holds
    /// its end. Both are read beside the loop.
    #[must_use]
    pub(crate) fn paged(&self, of: Of, lines_max: u64) -> Option<Effect> {
        let open = self.open.get(&of)?;
        let mode = open.view.borrow().mode();
        let (log, folder) = (open.log.clone(), open.folder.clone());
        Some(Effect::Job(Job::new("open the log", move |_| {
            let program = match whole_text(&log, &folder, mode, lines_max) {
                Some(text) => (!text.is_empty()).then_some(Foreground::Page(text)),
                None => newest_file(&folder, mode).map(Foreground::PageFile),
            };
            Box::new(move |model: &mut Model| match program {
                Some(program) => vec![Effect::Foreground(program)],
                None => {
                    model.say_no("open: there is nothing in this log".to_owned());
                    Vec::new()
                }
            })
        })))
    }

    /// Has read what the last frame wanted to show and did not have; to be called after each frame.
    pub(crate) fn read_wanted(&self) {
        let Some(orders) = &self.orders else { return };
        let open = self.watched.iter().filter_map(|(of, _)| self.open.get(of));
        if open.into_iter().any(|open| turn(&open.log).doc.wants()) {
            let _ = orders.send(Order::Read);
        }
    }

    fn send_watched(&self) {
        let Some(orders) = &self.orders else { return };
        let watched = self.watched.iter().filter_map(|(of, is_open)| {
            let open = self.open.get(of)?;
            Some(Watched { of: *of, log: open.log.clone(), folder: open.folder.clone(), is_open: *is_open })
        });
        let _ = orders.send(Order::Watch(watched.collect()));
    }

    fn forget_the_oldest(&mut self) {
        let wanted: BTreeSet<Of> = self.watched.iter().map(|(of, _)| *of).collect();
        while self.open.len() > OPEN_MAX.max(wanted.len()) {
            let idle = self.open.iter().filter(|(of, _)| !wanted.contains(of));
            let Some(oldest) = idle.min_by_key(|(_, open)| open.used).map(|(of, _)| *of) else { return };
            self.open.remove(&oldest);
        }
    }
}

/// Whose folder, which format, and whether the job runs.
fn facts(model: &Model, of: Of) -> Option<(PathBuf, String, bool)> {
    let workspace = model.workspace.as_ref()?;
    match of {
        Of::Session(id) => {
            let session = model.facts.state.session(id)?;
            let settings = model.facts.state.project(&session.objective.project).map(|one| &one.settings);
            let agent = settings.and_then(|one| one.agents.iter().find(|agent| agent.id == session.agent));
            let format = agent.map_or("plain", |agent| agent.transcript.as_str());
            Some((workspace.session_dir(id), format.to_owned(), session.status.is_open()))
        }
        Of::Gate(id) => {
            let gate = model.facts.state.gate(id)?;
            Some((workspace.gate_dir(id), "plain".to_owned(), gate.finished_ms.is_none()))
        }
    }
}

/// Has exactly these logs read on. Without a change it wants nothing.
pub fn watch(model: &mut Model, wanted: &[Of]) -> Vec<Effect> {
    let mut watched = Vec::new();
    for &of in wanted {
        let Some((folder, format, is_open)) = facts(model, of) else { continue };
        let book = &mut model.panes.log.book;
        book.clock += 1;
        let used = book.clock;
        let open = book.open.entry(of).or_insert_with(|| open(folder, &format, model.now_ms));
        open.used = used;
        watched.push((of, is_open));
    }
    let book = &mut model.panes.log.book;
    if watched == book.watched && book.orders.is_some() {
        return Vec::new();
    }
    book.watched = watched;
    book.forget_the_oldest();
    if book.orders.is_some() {
        book.send_watched();
        return Vec::new();
    }
    if book.is_starting || book.watched.is_empty() {
        return Vec::new();
    }
    book.is_starting = true;
    vec![Effect::Job(Job::new("read logs", |world| {
        let started = start(world);
        Box::new(move |model: &mut Model| {
            match started {
                Ok(orders) => {
                    model.panes.log.book.orders = Some(orders);
                    model.panes.log.book.send_watched();
                }
                Err(error) => model.say_no(format!("logs cannot be read: {error}")),
            }
            Vec::new()
        })
    }))]
}

/// The file that holds the end of a log.
fn newest_file(folder: &Path, mode: Mode) -> Option<PathBuf> {
    let stream = match mode {
        Mode::Raw(Raw::Err) => Stream::Stderr,
        _ => Stream::Stdout,
    };
    LogReader::open(folder, stream).newest_file()
}

fn open(folder: PathBuf, format: &str, now_ms: i64) -> Open {
    let setting = Setting { now_ms, zone: jiff::tz::TimeZone::system() };
    let doc = Doc::new(format, setting);
    Open {
        log: Arc::new(Mutex::new(Shared::new(doc))),
        view: RefCell::default(),
        tile: RefCell::default(),
        folder,
        used: 0,
    }
}
