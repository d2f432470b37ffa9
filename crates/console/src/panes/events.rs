//! The pane of events, newest last.

mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Copied, Heading, Pane, PaneId, Reaction, Target, Verb, scrolled, teach};
use crate::theme::Theme;
use crate::{Model, layout, text};
use paddock_ipc::EventLine;
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_report::event_lines;

pub(crate) use state::Local;

/// Events that are intermediate steps and mean little to a person; shown only while the pane has the whole
/// screen, or with a filter.
const STEPS: [&str; 18] = [
    "session_used",
    "day_began",
    "worktree_ordered",
    "worktree_made",
    "worktree_retired",
    "worktree_removed",
    "merge_started",
    "merge_made",
    "queue_reset",
    "landing_started",
    "session_planned",
    "session_exited",
    "external_started",
    "objective_active",
    "objective_review",
    "objective_done",
    "queue_entered",
    "proof_written",
];

/// Events that report progress. As in the lists below, the names are public types of events.
const REACHED: [&str; 5] =
    ["landed", "published", "goal_completed", "milestone_completed", "phase_completed"];

/// Events that report a wait, for a person or for a time.
const NEEDS: [&str; 8] = [
    "needs_review",
    "queue_held",
    "project_held",
    "publication_waits",
    "budget_exhausted",
    "agent_unusable",
    "agent_locked",
    "agent_cooling",
];

/// Events that report a failure.
const FAILED: [&str; 4] = ["objective_failed", "merge_failed", "landing_abandoned", "worktree_failed"];

pub(crate) struct Events;

fn has_screen(model: &Model) -> bool {
    model.active() == PaneId::Events && model.zoomed
}

/// Returns the events to show: those of the shown project and of the workspace that pass the filter.
fn lines(model: &Model) -> Vec<&EventLine> {
    let wanted = model.panes.events.filter.to_lowercase();
    // A person who filters looks for something: steps are searched, too.
    let all = has_screen(model) || !wanted.is_empty();
    let is_shown = |line: &&EventLine| {
        let is_of = line.project.is_none()
            || line.project.as_deref() == model.project.as_ref().map(ProjectSlug::as_str);
        let is_wanted = || wanted.is_empty() || model.panes.events.has(line, &wanted);
        is_of && (all || !STEPS.contains(&line.kind.as_str())) && is_wanted()
    };
    model.facts.events.iter().filter(is_shown).collect()
}

/// Returns the index of the selected event, or of the last one while the pane follows. If the selected event
/// is no longer kept, the next one takes its place.
fn selected_index(model: &Model, lines: &[&EventLine]) -> usize {
    let last = lines.len().saturating_sub(1);
    let Some(at) = model.panes.events.at else { return last };
    lines.iter().position(|line| line.seq >= at).unwrap_or(last)
}

fn style(kind: &str, theme: &Theme) -> Style {
    if REACHED.contains(&kind) {
        theme.landed
    } else if NEEDS.contains(&kind) {
        theme.needs
    } else if FAILED.contains(&kind) {
        theme.failed
    } else {
        theme.plain
    }
}

fn time(line: &EventLine) -> String {
    // A time that cannot be parsed is shown as stored.
    line.at.parse::<jiff::Timestamp>().map_or_else(|_| line.at.clone(), |at| text::clock(at.as_millisecond()))
}

/// Returns what happened, without the subject if the row shows it already.
fn what_happened(line: &EventLine) -> String {
    let words = text::clean(&event_lines::said(line));
    let words = match (&line.objective, line.session) {
        (_, Some(_)) => words.strip_prefix("session ").unwrap_or(&words),
        (Some(_), None) => words.strip_prefix("objective ").unwrap_or(&words),
        (None, None) => &words,
    };
    words.to_owned()
}

/// Returns the objective and session of an event in words.
fn about(line: &EventLine) -> String {
    match (&line.objective, line.session) {
        (Some(objective), Some(session)) => format!("{objective} #{session}"),
        (Some(objective), None) => objective.clone(),
        (None, Some(session)) => format!("session {session}"),
        (None, None) => String::new(),
    }
}

impl Pane for Events {
    fn name(&self) -> &'static str {
        "Events"
    }

    fn heading(&self, model: &Model) -> Heading {
        let local = &model.panes.events;
        let filter = if local.filter.is_empty() { String::new() } else { format!("/ {}", local.filter) };
        let held = if local.at.is_some() { "held, G follows" } else { "" };
        Heading { left: filter, right: held.to_owned() }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let lines = lines(model);
        if lines.is_empty() {
            let words = match model.panes.events.filter.is_empty() {
                true => "Nothing has happened yet.",
                false => "No event matches the filter; Esc clears it.",
            };
            return teach(&[words], area, buf, theme);
        }
        let at = selected_index(model, &lines);
        let top = scrolled(model.panes.events.top.get(), at, usize::from(area.height), lines.len());
        model.panes.events.top.set(top);
        // In a wide pane the subjects have a column of their own, so that the descriptions are aligned.
        let about_columns = if area.width >= 90 { 30 } else { 0 };
        for (y, (index, line)) in (area.y..area.bottom()).zip(lines.iter().enumerate().skip(top)) {
            let mut x = area.x + 1;
            x += text::put(buf, x, y, area.width.saturating_sub(2), &time(line), theme.dim) + 1;
            let about = about(line);
            let columns = if about_columns > 0 { about_columns } else { 24.min(area.width / 3) };
            let taken = text::put(buf, x, y, columns, &about, theme.plain);
            x += if about_columns > 0 { about_columns + 1 } else { taken + u16::from(taken > 0) };
            let words = what_happened(line);
            text::put(buf, x, y, area.right().saturating_sub(x + 1), &words, style(&line.kind, theme));
            if index == at && model.active() == PaneId::Events {
                theme.select(buf, Rect { y, height: 1, ..area }, true);
            }
        }
    }

    fn folded(&self, model: &Model, theme: &Theme) -> Option<Line<'static>> {
        // Newest first: the line is cut at its end.
        let newest = lines(model).into_iter().rev().take(3);
        let mut spans = Vec::new();
        for line in newest {
            if !spans.is_empty() {
                spans.push(Span::styled(format!("  {}  ", theme.glyphs.dot), theme.dim));
            }
            let about = about(line);
            let gap = if about.is_empty() { "" } else { " " };
            spans.push(Span::styled(format!("{} ", time(line)), theme.dim));
            spans.push(Span::raw(text::clean(&format!("{about}{gap}"))));
            spans.push(Span::styled(what_happened(line), style(&line.kind, theme)));
        }
        if spans.is_empty() {
            spans.push(Span::styled("Nothing has happened yet.", theme.dim));
        }
        Some(Line::from(spans))
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let page = layout::inside(model, PaneId::Events).map_or(10, |area| i32::from(area.height).max(2) - 1);
        // The selection is kept by sequence number: an index would move with every new event.
        let seqs: Vec<u64> = lines(model).iter().map(|line| line.seq).collect();
        let at = selected_index(model, &lines(model));
        let last = seqs.len().saturating_sub(1);
        let to = match verb {
            Verb::Move(by) => at.saturating_add_signed(by as isize).min(last),
            Verb::Page(by) => at.saturating_add_signed((by * page) as isize).min(last),
            Verb::Top => 0,
            Verb::Bottom | Verb::Follow => last,
            Verb::Find(text) | Verb::Filter(text) => {
                model.panes.events.filter = text;
                return Reaction::done();
            }
            Verb::Out if !model.panes.events.filter.is_empty() => {
                model.panes.events.filter.clear();
                return Reaction::done();
            }
            Verb::Out if model.panes.events.at.is_some() => {
                model.panes.events.at = None;
                return Reaction::done();
            }
            _ => return Reaction::Ignored,
        };
        // A move to the last event follows again, so that new events appear without another key.
        model.panes.events.at = if to >= last { None } else { seqs.get(to).copied() };
        Reaction::done()
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["in", "bottom", "log", "explain", "copy"]
    }

    fn target(&self, model: &Model) -> Target {
        let lines = lines(model);
        // An event may name an objective that does not exist any more.
        let meant = lines.get(selected_index(model, &lines)).and_then(|line| {
            let project = ProjectSlug::new(line.project.clone()?).ok()?;
            let id = ObjectiveId::new(line.objective.clone()?).ok()?;
            let key = ObjectiveKey { project, id };
            let objective = model.facts.state.objective(&key)?;
            let session = line.session.map(SessionId).or(objective.sessions.last().copied());
            Some(Target { objective: Some(key), session, gate: None })
        });
        meant.unwrap_or_default()
    }

    fn why_none(&self, model: &Model) -> String {
        let filter = &model.panes.events.filter;
        match lines(model).is_empty() {
            true if !filter.is_empty() => format!("no event matches {filter:?}: Esc clears the filter"),
            true => "nothing has happened yet".to_owned(),
            false => "the selected event has no objective: j or k selects another".to_owned(),
        }
    }

    fn copy(&self, model: &Model) -> Option<Copied> {
        let lines = lines(model);
        let line = lines.get(selected_index(model, &lines))?;
        Some(Copied { text: event_lines::human(line), what: "the event".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_lists_is_a_type_of_event() {
        let known = paddock_report::event_types::public_types();
        for name in [STEPS.as_slice(), &REACHED, &NEEDS, &FAILED].concat() {
            assert!(known.contains(&name), "{name}");
        }
    }
}
