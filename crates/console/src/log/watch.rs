//! Opens the logs that the panes on the screen want, and starts the follower thread.

use std::path::{Path, PathBuf};

use super::book::{Book, open};
use super::doc::{Mode, Raw};
use super::follow::{start, whole_text};
use super::requests::LogId;
use super::source::Stream;
use crate::Model;
use crate::msg::{Effect, Foreground, Job};
use paddock_runner::log::LogReader;

/// Returns the folder of a job, the format of its log, and whether it runs.
fn log_source(model: &Model, of: LogId) -> Option<(PathBuf, String, bool)> {
    let workspace = model.workspace.as_ref()?;
    match of {
        LogId::Session(id) => {
            let session = model.facts.state.session(id)?;
            let settings = model.facts.state.project(&session.objective.project).map(|one| &one.settings);
            let agent = settings.and_then(|one| one.agents.iter().find(|agent| agent.id == session.agent));
            // An agent that was removed from the settings leaves logs whose format is unknown: they show as
            // plain text.
            let format = agent.map_or("plain", |agent| agent.transcript.as_str());
            Some((workspace.session_dir(id), format.to_owned(), session.status.is_open()))
        }
        LogId::Gate(id) => {
            let gate = model.facts.state.gate(id)?;
            Some((workspace.gate_dir(id), "plain".to_owned(), gate.finished_ms.is_none()))
        }
    }
}

/// Follows exactly these logs from now on. Returns no effect unless the follower thread must be started.
pub fn watch(model: &mut Model, wanted: &[LogId]) -> Vec<Effect> {
    let mut watched = Vec::new();
    for &of in wanted {
        let Some((folder, format, is_open)) = log_source(model, of) else { continue };
        let book = &mut model.panes.log.book;
        book.clock += 1;
        let used = book.clock;
        let open = book.open.entry(of).or_insert_with(|| open(folder, &format, model.now_ms));
        open.used = used;
        watched.push((of, is_open));
    }
    let book = &mut model.panes.log.book;
    // Panes settle after every message: an unchanged list must not wake the follower.
    if watched == book.watched && book.requests.is_some() {
        return Vec::new();
    }
    book.watched = watched;
    book.close_least_recently_used();
    if book.requests.is_some() {
        book.send_watched();
        return Vec::new();
    }
    // Without the flag, every message until the thread runs would start another one.
    if book.is_starting || book.watched.is_empty() {
        return Vec::new();
    }
    book.is_starting = true;
    vec![Effect::Job(Job::new("read logs", |world| {
        let started = start(world);
        Box::new(move |model: &mut Model| {
            match started {
                Ok(sender) => {
                    model.panes.log.book.requests = Some(sender);
                    // The list may have changed while the thread was being started.
                    model.panes.log.book.send_watched();
                }
                Err(error) => model.say_no(format!("logs cannot be read: {error}")),
            }
            Vec::new()
        })
    }))]
}

/// Opens a log in the pager: its text as shown, or, if it has more than `lines_max` lines, the segment file
/// that holds its end. A job reads either, since the console's loop must not wait for a disk.
#[must_use]
pub(crate) fn paged(book: &Book, of: LogId, lines_max: u64) -> Option<Effect> {
    let open = book.get(of)?;
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

/// Returns the segment file that holds the end of a log. A transcript of both streams opens standard
/// output's.
fn newest_file(folder: &Path, mode: Mode) -> Option<PathBuf> {
    let stream = match mode {
        Mode::Raw(Raw::Err) => Stream::Stderr,
        _ => Stream::Stdout,
    };
    LogReader::open(folder, stream).newest_file()
}
