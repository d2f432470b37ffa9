//! The log pane: the transcript or raw output of a session, followed or held still, searched and filtered.

mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Copied, Heading, Pane, PaneId, Reaction, Verb, teach};
use crate::finder::FinderKind;
use crate::log::{LogId, Matcher, Mode, Open, Raw, Shared, View, draw, grouped, lock_log, paged};
use crate::msg::Effect;
use crate::theme::Theme;
use crate::{Model, layout};
use paddock_model::ids::SessionId;
use paddock_model::session::{Session, SessionKind};

pub(crate) use state::Local;

/// Lines of a transcript that are opened in the pager as text, at most. For a longer one, the pager opens the
/// file.
const PAGED_LINES_MAX: u64 = 50_000;

pub(crate) struct Log;

/// Returns the session whose log is shown.
fn session(model: &Model) -> Option<&Session> {
    model.facts.state.session(model.default_target().session?)
}

fn open(model: &Model) -> Option<(LogId, &Open)> {
    let of = LogId::Session(session(model)?.id);
    Some((of, model.panes.log.book.get(of)?))
}

/// Returns the words that name a session: `41 auth-tokens · claude`.
#[must_use]
pub(crate) fn name(session: &Session, theme: &Theme) -> String {
    let dot = theme.glyphs.dot;
    let kind = match session.kind {
        SessionKind::Planner => return format!("{} planner {dot} {}", session.id, session.agent),
        SessionKind::Work => String::new(),
        kind => format!(" {dot} {kind}"),
    };
    format!("{} {} {dot} {}{kind}", session.id, session.objective.id, session.agent)
}

/// Returns the search and the filter of a log in words: `/ error: not found`.
#[must_use]
pub(crate) fn search_words(model: &Model, view: &View, log: &Shared) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(filter) = &log.filter {
        let count = grouped(filter.hits.len() as u64);
        let more = if filter.is_full() { "+" } else { "" };
        parts.push(format!("& {}: {count}{more}", named(&filter.matcher)));
    }
    if let Some(find) = view.find() {
        // The result belongs to a text: one that was typed since has no result yet.
        let missed = model.panes.log.book.missed() == Some(find.text());
        let result = if missed { "not found" } else { "n N" };
        parts.push(format!("/ {}: {result}", named(find)));
    }
    parts
}

/// Returns a pattern as typed, with a remark if it is matched literally: `foo( as plain text`.
#[must_use]
pub(crate) fn named(matcher: &Matcher) -> String {
    let how = if matcher.caveat().is_some() { " as plain text" } else { "" };
    format!("{}{how}", matcher.text())
}

/// Returns the words at the right of the frame: mode, search, and whether the view follows.
fn status_words(model: &Model, of: LogId, open: &Open) -> String {
    let (view, log) = (open.view.borrow(), lock_log(&open.log));
    let mut parts = Vec::new();
    match view.mode() {
        Mode::Readable => {}
        Mode::Raw(Raw::Out) => parts.push("raw".to_owned()),
        Mode::Raw(Raw::Err) => parts.push("raw, standard error".to_owned()),
    }
    parts.extend(search_words(model, &view, &log));
    let is_over = log.doc.is_over();
    parts.push(match (view.follows(), view.new_lines(&log)) {
        // Reading comes first: until the backlog is read, counts of new lines mean nothing.
        _ if view.is_reading() => "reading".to_owned(),
        _ if !log.is_caught_up() => format!("reading, {} lines", grouped(log.doc.lines(view.mode()))),
        (true, _) if is_over => end_word(model, of),
        (true, _) => "following".to_owned(),
        (false, 0) => "held".to_owned(),
        (false, 1) => "held, 1 new line".to_owned(),
        (false, new) => format!("held, {} new lines", grouped(new)),
    });
    parts.join("  ")
}

/// Returns how a job that is over has ended.
fn end_word(model: &Model, of: LogId) -> String {
    match of {
        LogId::Session(id) => {
            model.facts.state.session(id).map_or("over", |session| session.status.word()).replace('_', " ")
        }
        LogId::Gate(_) => "over".to_owned(),
    }
}

/// Applies a verb to the view of a log. Returns false if the view does not use it.
pub(crate) fn steer(view: &mut View, log: &mut Shared, height: u16, verb: &Verb) -> bool {
    // Two rows of the page before stay visible, so that a reader does not lose the line.
    let page = i64::from(height.max(3)) - 2;
    match verb {
        Verb::Move(by) => view.move_by(log, i64::from(*by)),
        Verb::Page(by) => view.scroll_by(log, i64::from(*by) * page),
        Verb::Top => view.to_top(log),
        Verb::Bottom => view.follow(),
        Verb::Follow if view.follows() => view.pause(log),
        Verb::Follow => view.follow(),
        Verb::Raw => view.next_mode(log),
        Verb::Fold => return view.toggle_fold(log),
        Verb::In => return view.toggle_fold(log),
        Verb::Own("wrap") => view.toggle_wrap(),
        _ => return false,
    }
    true
}

/// Ends the filter; without one, ends the search.
fn leave_filter_or_search(model: &mut Model, of: LogId) -> Reaction {
    let Some(open) = model.panes.log.book.get(of) else { return Reaction::Ignored };
    let (filters, finds) = (lock_log(&open.log).filter.is_some(), open.view.borrow().find().is_some());
    match (filters, finds) {
        (true, _) => model.panes.log.book.filter(of, ""),
        (_, true) => model.panes.log.book.search(of, Some(""), true),
        _ => return Reaction::Ignored,
    }
    Reaction::done()
}

/// Returns the session before or after the shown one, of the same objective or of the planner.
fn sibling_session(model: &Model, by: i32) -> Option<SessionId> {
    let shown = session(model)?;
    let all = match shown.kind {
        // Planner sessions have no objective that could list them.
        SessionKind::Planner => planners(model),
        _ => model.facts.state.objective(&shown.objective)?.sessions.clone(),
    };
    let at = all.iter().position(|id| *id == shown.id)?;
    all.get(at.checked_add_signed(by as isize)?).copied()
}

/// Returns the planner's sessions in the shown project, oldest first.
#[must_use]
pub(crate) fn planners(model: &Model) -> Vec<SessionId> {
    let sessions = model.facts.state.sessions().filter(|one| one.kind == SessionKind::Planner);
    let shown = |one: &&Session| model.project.as_ref().is_none_or(|slug| one.objective.project == *slug);
    sessions.filter(shown).map(|one| one.id).collect()
}

impl Pane for Log {
    fn name(&self) -> &'static str {
        "Log"
    }

    fn heading(&self, model: &Model) -> Heading {
        let Some(session) = session(model) else { return Heading::default() };
        let right = open(model).map(|(of, open)| status_words(model, of, open)).unwrap_or_default();
        Heading { left: name(session, &model.theme), right }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        // The log is opened by the next `settle`, after the session was selected.
        let Some((_, open)) = open(model) else {
            let lines: &[&str] = match (session(model), &model.selected) {
                (Some(_), _) => &["Reading the log …"],
                (None, Some(_)) => {
                    &["No session has worked on this objective yet.", "Its log will appear here."]
                }
                (None, None) => &["No objective is selected.", "The log of its session will appear here."],
            };
            return teach(lines, area, buf, theme);
        };
        let mut log = lock_log(&open.log);
        if log.doc.lines(open.view.borrow().mode()) == 0 {
            let words = match log.doc.is_over() {
                true => "The session wrote nothing.",
                false => "The session has written nothing yet.",
            };
            return teach(&[words], area, buf, theme);
        }
        let focused = model.active() == PaneId::Log;
        draw(&mut open.view.borrow_mut(), &mut log, area, buf, theme, focused);
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let height = layout::inside(model, PaneId::Log).map_or(10, |area| area.height);
        // Sessions are changed even while the log of the shown one is not open yet.
        if let Verb::Sideways(by) = verb {
            match sibling_session(model, by) {
                Some(id) => model.session = Some(id),
                None if by < 0 => model.say("the first session is shown".to_owned()),
                None => model.say("the newest session is shown".to_owned()),
            }
            return Reaction::done();
        }
        let Some((of, open)) = open(model) else { return Reaction::Ignored };
        match &verb {
            Verb::Find(text) => model.panes.log.book.search(of, Some(text), true),
            Verb::Found(_) if open.view.borrow().find().is_none() => {
                model.say_no("next: there is no search; `/` starts one, `&` filters".to_owned());
            }
            Verb::Out => return leave_filter_or_search(model, of),
            Verb::Found(by) => model.panes.log.book.search(of, None, *by > 0),
            Verb::Filter(text) => model.panes.log.book.filter(of, text),
            verb => {
                let done = steer(&mut open.view.borrow_mut(), &mut lock_log(&open.log), height, verb);
                return match (done, verb) {
                    (true, _) => Reaction::done(),
                    // Nothing can be unfolded here: Enter gives the log the whole screen.
                    (false, Verb::In) => {
                        model.zoomed = true;
                        Reaction::done()
                    }
                    (false, Verb::Fold) => {
                        model.say_no("fold: no output is folded here".to_owned());
                        Reaction::done()
                    }
                    _ => Reaction::Ignored,
                };
            }
        }
        Reaction::done()
    }

    fn caveat(&self, model: &Model, kind: FinderKind) -> Option<String> {
        model.panes.log.book.caveat(open(model)?.0, kind)
    }

    fn why_none(&self, model: &Model) -> String {
        match session(model) {
            Some(_) => "the session shown is the planner's and has no objective".to_owned(),
            None => "no objective is selected: `1` goes to the list, j or k selects one".to_owned(),
        }
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec![
            "follow", "raw", "in", "find", "filter", "next", "open", "copy", "left", "right", "kill",
            "extend",
        ]
    }

    fn copy(&self, model: &Model) -> Option<Copied> {
        let (_, open) = open(model)?;
        let text = open.view.borrow().cursor_text(&mut lock_log(&open.log))?;
        Some(Copied { text, what: "the line".to_owned() })
    }

    fn paged(&self, model: &Model) -> Option<Effect> {
        let (of, _) = open(model)?;
        paged(&model.panes.log.book, of, PAGED_LINES_MAX)
    }

    fn logs(&self, model: &Model) -> Option<Vec<LogId>> {
        Some(session(model).map(|session| LogId::Session(session.id)).into_iter().collect())
    }
}
