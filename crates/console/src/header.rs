//! The header: says in words whether work is in progress,
//! whether anything needs a person, and what was spent.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::data::SupervisorSeen;
use super::layout::NARROW;
use super::theme::Theme;
use super::{Model, text};
use paddock_model::objective::Status;
use paddock_model::usage::usd_of;

/// Width of the progress bar, in columns.
const BAR: usize = 20;

/// Returns the first words of the header: whether work is in progress, and if not, why not.
fn activity(model: &Model, is_wide: bool, theme: &Theme) -> (String, Style) {
    let (digest, glyphs) = (&model.digest, &theme.glyphs);
    let project = model.shown_project();
    let has_work = [Status::Ready, Status::Review, Status::Queued]
        .iter()
        .any(|status| digest.counts.get(status).is_some_and(|count| *count > 0));
    // The first arm that applies wins, so they are ordered by what a person has to know first.
    match &model.facts.supervisor {
        SupervisorSeen::Unknown => ("connecting".to_owned(), theme.dim),
        SupervisorSeen::Starting => (format!("{} starting", glyphs.ready), theme.dim),
        SupervisorSeen::Stopped { .. } => {
            let key = model.keymap.key("start").filter(|_| is_wide);
            let hint = key.map(|key| format!(" ({key} starts it)")).unwrap_or_default();
            (format!("{} supervisor stopped{hint}", glyphs.failed), theme.failed)
        }
        SupervisorSeen::Running { .. } if project.is_some_and(|project| project.paused) => {
            (format!("{} paused", glyphs.set_aside), theme.needs)
        }
        SupervisorSeen::Running { .. } if digest.running + digest.gates > 0 => {
            let word = if is_wide { " working" } else { "" };
            (format!("{}{word} {}/{}", glyphs.working, digest.running, digest.slots), theme.working)
        }
        SupervisorSeen::Running { .. } if project.is_none() => {
            (format!("{} ready", glyphs.ready), theme.plain)
        }
        SupervisorSeen::Running { .. } if digest.total > 0 && digest.landed == digest.total => {
            (format!("{} all {}", glyphs.landed, done_word(model)), theme.landed)
        }
        SupervisorSeen::Running { .. } if has_work => (format!("{} waiting", glyphs.ready), theme.plain),
        SupervisorSeen::Running { .. } => (format!("{} idle", glyphs.ready), theme.plain),
    }
}

/// Returns the style of an amount with a limit: a warning from 80 %, a failure from 100 %.
fn limit_style(used: f64, limit: Option<f64>, theme: &Theme) -> Style {
    match limit {
        Some(limit) if used >= limit => theme.failed,
        Some(limit) if used >= limit * 0.8 => theme.needs,
        _ => theme.plain,
    }
}

/// Returns what was spent today: dollars where an agent reports them, else the minutes of sessions.
fn spent(model: &Model, is_wide: bool, theme: &Theme) -> Option<(String, Style)> {
    let spent = model.digest.spent;
    let budget = model.shown_project().map(|project| &project.settings.budget);
    // Minutes are always known, dollars only where an agent reports them; the more telling number is shown.
    if let Some(usd) = spent.usd {
        let limit = budget.and_then(|budget| budget.usd);
        let shown = limit.map(|limit| format!("/{limit:.0}")).unwrap_or_default();
        return Some((format!("{}{shown}", usd_of(usd)), limit_style(usd, limit, theme)));
    }
    let limit = budget.and_then(|budget| budget.session_minutes);
    let shown = limit.map(|limit| format!("/{limit}")).unwrap_or_default();
    // Minutes without a limit are the first thing to leave out on a narrow screen.
    if !is_wide && limit.is_none() {
        return None;
    }
    let word = if is_wide { " min today" } else { " min" };
    #[expect(clippy::cast_precision_loss, reason = "minutes of a day")]
    let style = limit_style(spent.minutes as f64, limit.map(|limit| limit as f64), theme);
    Some((format!("{}{shown}{word}", spent.minutes), style))
}

/// Draws the header.
pub(crate) fn view(model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let is_wide = area.width >= NARROW;
    let gap = || Span::raw(if is_wide { "   " } else { "  " });
    let mut line = vec![Span::raw(" ")];
    if is_wide {
        line.extend([Span::styled("paddock", theme.dim), Span::raw("  ")]);
    }
    let name = model.project.as_ref().map_or("no project", |slug| slug.as_str());
    line.extend([
        Span::styled(text::cut(name, if is_wide { 24 } else { 14 }), theme.strong),
        Span::raw("  "),
    ]);
    let (word, style) = activity(model, is_wide, theme);
    line.push(Span::styled(word, style));
    if model.shown_project().is_some() {
        line.extend([gap(), Span::raw(format!("queue {}", model.digest.queue)), gap()]);
        line.push(match model.digest.needs.len() {
            0 => Span::styled("nothing needs you", theme.dim),
            1 => Span::styled(format!("{} 1 needs you", theme.glyphs.needs), theme.needs),
            count => Span::styled(format!("{} {count} need you", theme.glyphs.needs), theme.needs),
        });
        if !model.digest.elsewhere.is_empty() {
            let more = format!(" +{} in other projects", model.digest.elsewhere.len());
            line.push(Span::styled(more, theme.needs));
        }
        if let Some((text, style)) = spent(model, is_wide, theme) {
            line.extend([gap(), Span::styled(text, style)]);
        }
    }
    // The right part is drawn in full; the left part gets the columns that remain.
    let right = landed(model, is_wide, theme);
    let taken = u16::try_from(right.width()).unwrap_or(0) + 1;
    text::put_line(buf, area.x, area.y, area.width.saturating_sub(taken + 1), &Line::from(line));
    text::put_line(buf, area.right().saturating_sub(taken), area.y, taken, &right);
}

fn landed<'a>(model: &Model, is_wide: bool, theme: &Theme) -> Line<'a> {
    let (landed, total) = (model.digest.landed, model.digest.total);
    // Facts that cannot be read matter more than the progress that they claim.
    if let Some(problem) = &model.facts.problem {
        return Line::styled(text::cut(problem, 40), theme.failed);
    }
    if total == 0 {
        return Line::default();
    }
    let mut spans = Vec::new();
    if is_wide {
        #[expect(clippy::cast_precision_loss, reason = "a bar of twenty columns")]
        let (part, whole) = (landed as f64, total as f64);
        let glyphs = &theme.glyphs;
        let full = text::bar(part, whole, BAR, glyphs.bar_full, "");
        // The empty part is drawn apart, in another style than the full one.
        let empty = BAR.saturating_sub(text::width(&full));
        spans.push(Span::styled(full, theme.landed));
        spans.push(Span::styled(format!("{} ", glyphs.bar_empty.repeat(empty)), theme.dim));
    }
    spans.push(Span::styled(format!("{landed}/{total} {}", done_word(model)), theme.plain));
    Line::from(spans)
}

/// Returns the word for finished objectives: `done` if one of them had nothing to land, else `landed`.
fn done_word(model: &Model) -> &'static str {
    if model.digest.unchanged == 0 { "landed" } else { "done" }
}
