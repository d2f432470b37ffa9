//! The open logs with their views, and the requests to the follower thread.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::doc::{Doc, Shared};
use super::lens::Place;
use super::matcher::Matcher;
use super::requests::{FollowedLog, LogId, RequestSender, SearchRequest, SharedLog, lock_log};
use super::seek::Search;
use super::view::View;
use crate::finder::FinderKind;
use paddock_agents::transcript::Setting;

/// Logs kept open, unless more are on the screen. Enough for all tiles of the grid and the logs shown before
/// it; each may hold the text of its transcript, so the number is bounded.
const OPEN_MAX: usize = 16;

/// An open log.
#[derive(Debug)]
pub struct Open {
    /// The log.
    pub log: SharedLog,
    /// View of the log pane, or of the queue's pane for a gate run.
    pub view: RefCell<View>,
    /// View of the tile in the grid, or of the tab of an objective.
    pub tile: RefCell<View>,
    /// Folder of the job.
    pub(super) folder: PathBuf,
    /// Value of [`Book::clock`] when the log was shown last.
    pub(super) used: u64,
}

/// The open logs.
#[derive(Debug, Default)]
pub struct Book {
    pub(super) open: BTreeMap<LogId, Open>,
    /// Channel to the follower thread; `None` until it runs.
    pub(super) requests: Option<RequestSender>,
    /// Whether the follower thread is being started.
    pub(super) is_starting: bool,
    /// The followed logs, and whether their jobs run.
    pub(super) watched: Vec<(LogId, bool)>,
    /// Counts uses of logs, to find the least recently used one.
    pub(super) clock: u64,
    /// Text of the last search, if it was not found.
    missed: Option<String>,
}

impl Book {
    /// Returns a log if it is open.
    #[must_use]
    pub fn get(&self, of: LogId) -> Option<&Open> {
        self.open.get(&of)
    }

    /// Returns the text of the last search if it was not found.
    #[must_use]
    pub(crate) fn missed(&self) -> Option<&str> {
        self.missed.as_deref()
    }

    /// Returns why the search or filter of a log is not used as a pattern, if it is not.
    #[must_use]
    pub(crate) fn caveat(&self, of: LogId, kind: FinderKind) -> Option<String> {
        let open = self.open.get(&of)?;
        let matcher = match kind {
            FinderKind::Find => open.view.borrow().find().cloned(),
            FinderKind::Filter => lock_log(&open.log).filter.as_ref().map(|filter| filter.matcher.clone()),
        };
        matcher?.caveat().map(str::to_owned)
    }

    /// Applies the result of a search: moves the cursor to `place`, or records that the text was not found.
    pub(crate) fn found(&mut self, of: LogId, text: &str, place: Option<Place>) {
        let Some(open) = self.open.get(&of) else { return };
        let mut view = open.view.borrow_mut();
        // A late result of an older search does not move the view.
        if view.find().is_none_or(|find| find.text() != text) {
            return;
        }
        match place {
            Some(place) => {
                view.go_to(&mut lock_log(&open.log), place);
                self.missed = None;
            }
            None => self.missed = Some(text.to_owned()),
        }
    }

    /// Searches a log from the cursor on: for `text`, or for the last text again if `None`.
    pub(crate) fn search(&mut self, of: LogId, text: Option<&str>, forward: bool) {
        self.missed = None;
        let Some(open) = self.open.get(&of) else { return };
        let mut view = open.view.borrow_mut();
        if let Some(text) = text {
            view.set_find(Matcher::new(text));
        }
        // An empty text has no matcher: it only ends the search.
        let (Some(matcher), Some(requests)) = (view.find().cloned(), &self.requests) else { return };
        let mut log = lock_log(&open.log);
        let mode = view.mode();
        // The search is sent with every letter typed: the cursor stays on its line as long as that matches.
        // To go to the next match (no text), the line is left.
        let from = view.cursor(&mut log);
        let here = log.doc.content(mode, from.entry, from.line).filter(|_| text.is_some());
        if here.is_some_and(|content| matcher.matches(&content.text())) {
            return;
        }
        let search = Search { mode, matcher, from, forward, has_turned: false };
        let (log, folder) = (open.log.clone(), open.folder.clone());
        requests.send(|requests| requests.search = Some(SearchRequest { of, log, folder, search }));
    }

    /// Filters a log; an empty text ends the filter.
    pub(crate) fn filter(&mut self, of: LogId, text: &str) {
        if let Some(open) = self.open.get(&of) {
            let mut log = lock_log(&open.log);
            open.view.borrow_mut().set_filter(&mut log, Matcher::new(text));
        }
        // The request has nothing new in it; it wakes the thread, which may sleep if no job runs.
        self.send_watched();
    }

    /// Asks the thread to read the text that the last frame lacked. Called after each frame.
    pub(crate) fn read_wanted(&self) {
        let Some(requests) = &self.requests else { return };
        // Only followed logs are on the screen; wanted text of others is read when they are followed again.
        let open = self.watched.iter().filter_map(|(of, _)| self.open.get(of));
        if open.into_iter().any(|open| lock_log(&open.log).doc.wants()) {
            requests.send(|requests| requests.read = true);
        }
    }

    /// Sends the list of followed logs to the thread.
    pub(super) fn send_watched(&self) {
        let Some(requests) = &self.requests else { return };
        let watched = self.watched.iter().filter_map(|(of, is_open)| {
            let open = self.open.get(of)?;
            Some(FollowedLog {
                of: *of,
                log: open.log.clone(),
                folder: open.folder.clone(),
                is_open: *is_open,
            })
        });
        let watched = watched.collect();
        requests.send(|requests| requests.watch = Some(watched));
    }

    /// Closes logs beyond [`OPEN_MAX`], but none that is on the screen.
    pub(super) fn close_least_recently_used(&mut self) {
        let wanted: BTreeSet<LogId> = self.watched.iter().map(|(of, _)| *of).collect();
        // A large grid may show more logs than the bound.
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
