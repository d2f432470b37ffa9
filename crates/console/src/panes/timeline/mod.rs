//! The timeline: sessions and gate runs of the last hours as bars, with the present at the right edge.

mod rows;
mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{Heading, Pane, Reaction, Target, Verb, chosen, gone, scrolled, stepped, teach};
use crate::msg::Effect;
use crate::theme::Theme;
use crate::{Model, text};
use paddock_model::ids::{ObjectiveId, ObjectiveKey};
use rows::{Bar, Ended, TimelineRow, rows};

pub(crate) use state::Local;

const MINUTE_MS: i64 = 60_000;
/// Time spans that can be shown, and the distance between the marks of the axis, both in minutes.
const SPANS: [(i64, i64); 10] =
    [(2, 1), (5, 1), (10, 2), (30, 5), (60, 10), (120, 30), (240, 60), (480, 60), (960, 120), (1440, 240)];
/// Index of the longest span that is chosen automatically: eight hours, a night.
const LONGEST: usize = 7;

pub(crate) struct Timeline;

/// Returns the index of the span: the chosen one, or the shortest that shows all since the first session, up
/// to [`LONGEST`].
fn span(model: &Model) -> usize {
    if let Some(span) = model.panes.timeline.span {
        return span.min(SPANS.len() - 1);
    }
    let first = model.facts.state.sessions().next().map_or(model.now_ms, |session| session.planned_ms);
    let since = (model.now_ms - first) / MINUTE_MS;
    let fits = SPANS.iter().position(|(minutes, _)| *minutes >= since).unwrap_or(LONGEST);
    fits.min(LONGEST)
}

fn since_ms(model: &Model) -> i64 {
    model.now_ms - SPANS[span(model)].0 * MINUTE_MS
}

fn shown(model: &Model) -> Vec<TimelineRow> {
    model.shown_project().map(|project| rows(model, project, since_ms(model))).unwrap_or_default()
}

/// Returns the index of the selected row; at first, that of the objective selected in the list.
fn selected_index(model: &Model, rows: &[TimelineRow]) -> Option<usize> {
    let first = model.selected.as_ref().map(|key| &key.id);
    let first = first.filter(|id| rows.iter().any(|row| row.objective.as_ref() == Some(*id)));
    chosen(rows, model.panes.timeline.at.as_ref().or(first), |row| row.objective.clone())
}

fn style(ended: Ended, theme: &Theme) -> Style {
    match ended {
        Ended::Running => theme.working,
        Ended::Well => theme.landed,
        Ended::Limit => theme.needs,
        Ended::Badly => theme.failed,
        Ended::GivenUp => theme.dim,
    }
}

/// Returns the mark at the end of a bar. It says the same as the colour, for terminals and eyes without
/// colours.
fn mark(ended: Ended, theme: &Theme) -> &'static str {
    match ended {
        Ended::Running => theme.glyphs.arrow,
        Ended::Well => "",
        Ended::Limit => "!",
        Ended::Badly => theme.glyphs.failed,
        Ended::GivenUp => theme.glyphs.dash,
    }
}

/// Maps times to columns.
struct Axis {
    x: u16,
    columns: u16,
    since_ms: i64,
    now_ms: i64,
}

impl Axis {
    fn column(&self, at_ms: i64) -> u16 {
        let (whole, part) = ((self.now_ms - self.since_ms).max(1), at_ms - self.since_ms);
        let column = part.clamp(0, whole) * i64::from(self.columns.saturating_sub(1)) / whole;
        self.x + u16::try_from(column).unwrap_or(0)
    }
}

fn draw_bar(bar: &Bar, axis: &Axis, y: u16, buf: &mut Buffer, theme: &Theme) {
    let (from, to) = (axis.column(bar.from_ms), axis.column(bar.to_ms));
    let columns = to - from + 1;
    let style = style(bar.ended, theme);
    let fill = if theme.glyphs.ascii { "=" } else { "━" };
    text::put(buf, from, y, columns, &fill.repeat(usize::from(columns)), style);
    // A label needs a part of the bar on both sides; otherwise the bar could not be seen.
    let label = u16::try_from(text::width(&bar.label)).unwrap_or(u16::MAX);
    if columns >= label.saturating_add(4) {
        text::put(buf, from + 1, y, label + 2, &format!(" {} ", bar.label), style);
    }
    let mark = mark(bar.ended, theme);
    if !mark.is_empty() {
        text::put(buf, to, y, 1, mark, style.add_modifier(Modifier::BOLD));
    }
}

fn draw_axis(axis: &Axis, step: i64, y: u16, buf: &mut Buffer, theme: &Theme) {
    let line = if theme.glyphs.ascii { "-" } else { "─" };
    text::put(buf, axis.x, y, axis.columns, &line.repeat(usize::from(axis.columns)), theme.border);
    let end = axis.x + axis.columns;
    text::put(buf, end.saturating_sub(4), y, 4, " now", theme.strong);
    let step_ms = step * MINUTE_MS;
    // Marks are at round times (10:00, 10:30), not at round distances from now.
    let mut at = axis.since_ms - axis.since_ms.rem_euclid(step_ms) + step_ms;
    // A mark is left out if the label of the one before would overlap it.
    let mut free = axis.x;
    while at < axis.now_ms {
        let x = axis.column(at);
        // A mark near the right edge would run into "now".
        if x >= free && x + 10 < end {
            let tick = if theme.glyphs.ascii { "+" } else { "┴" };
            text::put(buf, x, y, 1, tick, theme.border);
            free = x + 1 + text::put(buf, x + 1, y, 5, &text::clock(at), theme.dim) + 2;
        }
        at += step_ms;
    }
}

impl Pane for Timeline {
    fn name(&self) -> &'static str {
        "Timeline"
    }

    fn heading(&self, model: &Model) -> Heading {
        let (minutes, _) = SPANS[span(model)];
        let span = if minutes < 60 { format!("{minutes} min") } else { format!("{} h", minutes / 60) };
        let (left, right) = if model.theme.glyphs.ascii { ("<-", "->") } else { ("←", "→") };
        Heading { left: format!("last {span}"), right: format!("{left} longer  {right} shorter") }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let rows = shown(model);
        if rows.is_empty() || area.height < 3 || area.width < 40 {
            let lines = ["Nothing has run in this time.", "Sessions and gate runs appear here as bars."];
            return teach(&lines, area, buf, theme);
        }
        let widest = rows.iter().map(|row| text::width(&row.name)).max().unwrap_or(0);
        // Names take a quarter at most: the bars need the width.
        let names = u16::try_from(widest).unwrap_or(0).clamp(8, area.width / 4);
        let x = area.x + 1 + names + 2;
        let axis = Axis {
            x,
            columns: area.right().saturating_sub(x + 1),
            since_ms: since_ms(model),
            now_ms: model.now_ms,
        };
        let at = selected_index(model, &rows);
        let local = &model.panes.timeline;
        local.near.set(at.unwrap_or(local.near.get()));
        // Three rows are for the axis, the legend and the blank row before gate runs.
        let height = usize::from(area.height.saturating_sub(3));
        let top = scrolled(local.top.get(), at.unwrap_or(local.top.get()), height.max(1), rows.len());
        local.top.set(top);
        let mut y = area.y;
        let mut was_session = false;
        for (index, row) in rows.iter().enumerate().skip(top).take(height) {
            // A blank row separates gate runs from sessions if all rows fit.
            if row.objective.is_none() && was_session && rows.len() < height {
                y += 1;
            }
            was_session = row.objective.is_some();
            let is_selected = Some(index) == at;
            let named = if is_selected { theme.strong } else { theme.plain };
            text::put(buf, area.x + 1, y, names, &row.name, named);
            if is_selected {
                text::put(buf, area.x, y, 1, theme.glyphs.selected, theme.strong);
            }
            for bar in &row.bars {
                draw_bar(bar, &axis, y, buf, theme);
            }
            y += 1;
        }
        draw_axis(&axis, SPANS[span(model)].1, y, buf, theme);
        let glyphs = &theme.glyphs;
        let legend = format!(
            "{} running   ! stopped at a limit   {} failed or killed   {} given up",
            glyphs.arrow, glyphs.failed, glyphs.dash
        );
        if y + 1 < area.bottom() {
            text::put(buf, x, y + 1, area.right().saturating_sub(x + 1), &legend, theme.dim);
        }
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let rows = shown(model);
        let (at, near) = (selected_index(model, &rows), model.panes.timeline.near.get());
        let to = match verb {
            Verb::Move(by) | Verb::Page(by) => stepped(at, near, by, rows.len()),
            Verb::Top => 0,
            Verb::Bottom => rows.len().saturating_sub(1),
            Verb::Sideways(by) => {
                // Left is back in time: a longer span.
                let span = span(model).saturating_add_signed(-by as isize).min(SPANS.len() - 1);
                model.panes.timeline.span = Some(span);
                return Reaction::done();
            }
            _ => return Reaction::Ignored,
        };
        // Rows of gate runs have no objective and cannot be selected.
        let objectives = rows.iter().filter_map(|row| row.objective.clone());
        let all: Vec<ObjectiveId> = objectives.collect();
        model.panes.timeline.at = all.get(to.min(all.len().saturating_sub(1))).cloned();
        Reaction::done()
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["left", "right", "in", "log", "explain", "out"]
    }

    fn target(&self, model: &Model) -> Target {
        let rows = shown(model);
        let Some(row) = selected_index(model, &rows).and_then(|at| rows.get(at)) else {
            return Target::default();
        };
        let objective = row.objective.clone().zip(model.project.clone());
        let objective = objective.map(|(id, project)| ObjectiveKey { project, id });
        let session = row.bars.iter().rev().find_map(|bar| bar.session);
        Target { objective, session, gate: None }
    }

    fn why_none(&self, model: &Model) -> String {
        let rows = shown(model);
        match (selected_index(model, &rows), rows.is_empty()) {
            (Some(_), _) => "the selected row shows gate runs, not an objective".to_owned(),
            (None, true) => "nothing has run in this time".to_owned(),
            (None, false) => gone("row"),
        }
    }

    fn settle(&self, model: &mut Model) -> Vec<Effect> {
        if model.panes.timeline.at.is_none() {
            let rows = shown(model);
            let at = selected_index(model, &rows).and_then(|at| rows.get(at));
            model.panes.timeline.at = at.and_then(|row| row.objective.clone());
        }
        Vec::new()
    }
}
