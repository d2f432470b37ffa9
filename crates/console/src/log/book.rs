//! The logs that are open, each with its views, and the way to the thread that reads them on.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::doc::{Doc, Shared};
use super::lens::Place;
use super::matcher::Matcher;
use super::order::{Desk, Of, SharedLog, Sought, Watched, turn};
use super::seek::Search;
use super::view::View;
use crate::finder::FinderKind;
use paddock_agents::transcript::Setting;

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
    pub(super) folder: PathBuf,
    pub(super) used: u64,
}

/// The open logs.
#[derive(Debug, Default)]
pub struct Book {
    pub(super) open: BTreeMap<Of, Open>,
    pub(super) orders: Option<Desk>,
    pub(super) is_starting: bool,
    pub(super) watched: Vec<(Of, bool)>,
    pub(super) clock: u64,
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
        orders.order(|orders| orders.search = Some(Sought { of, log, folder, search }));
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

    /// Has read what the last frame wanted to show and did not have; to be called after each frame.
    pub(crate) fn read_wanted(&self) {
        let Some(orders) = &self.orders else { return };
        let open = self.watched.iter().filter_map(|(of, _)| self.open.get(of));
        if open.into_iter().any(|open| turn(&open.log).doc.wants()) {
            orders.order(|orders| orders.read = true);
        }
    }

    pub(super) fn send_watched(&self) {
        let Some(orders) = &self.orders else { return };
        let watched = self.watched.iter().filter_map(|(of, is_open)| {
            let open = self.open.get(of)?;
            Some(Watched { of: *of, log: open.log.clone(), folder: open.folder.clone(), is_open: *is_open })
        });
        let watched = watched.collect();
        orders.order(|orders| orders.watch = Some(watched));
    }

    pub(super) fn forget_the_oldest(&mut self) {
        let wanted: BTreeSet<Of> = self.watched.iter().map(|(of, _)| *of).collect();
        while self.open.len() > OPEN_MAX.max(wanted.len()) {
            let idle = self.open.iter().filter(|(of, _)| !wanted.contains(of));
            let Some(oldest) = idle.min_by_key(|(_, open)| open.used).map(|(of, _)| *of) else { return };
            self.open.remove(&oldest);
        }
    }
}

pub(super) fn open(folder: PathBuf, format: &str, now_ms: i64) -> Open {
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
