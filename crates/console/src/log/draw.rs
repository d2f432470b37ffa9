//! Draws rows of a log.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::doc::Shared;
use super::rows::ScreenRow;
use super::view::View;
use crate::text;
use crate::theme::Theme;
use paddock_agents::transcript::LineKind;

/// Draws a view of a log. The first column is reserved for the mark of the cursor.
pub fn draw(view: &mut View, log: &mut Shared, area: Rect, buf: &mut Buffer, theme: &Theme, focused: bool) {
    // One column for the mark of the cursor, and one blank at the right.
    let width = usize::from(area.width.saturating_sub(2));
    let rows = view.draw(log, width, usize::from(area.height));
    let zone = TimeZone::system();
    for (y, row) in (area.y..area.bottom()).zip(&rows) {
        draw_row(row, Rect { y, height: 1, ..area }, buf, theme, &zone);
        if row.is_cursor && focused {
            text::put(buf, area.x, y, 1, theme.glyphs.selected, theme.strong);
        }
    }
}

fn draw_row(row: &ScreenRow, area: Rect, buf: &mut Buffer, theme: &Theme, zone: &TimeZone) {
    let (x, end) = (area.x + 1, area.right());
    let at = |cells: usize| x.saturating_add(u16::try_from(cells).unwrap_or(u16::MAX)).min(end);
    if let Some(at_ms) = row.at_ms {
        let time = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(zone.clone());
        text::put(buf, x, area.y, end - x, &time.strftime("%H:%M:%S").to_string(), theme.dim);
    }
    let verb_x = at(row.time_width);
    if let Some(verb) = row.verb {
        text::put(buf, verb_x, area.y, end - verb_x, verb, verb_style(row.kind, theme));
    }
    let mut text_x = at(row.indent);
    // A fold has no text of its own.
    if let Some(lines) = row.folded {
        let more = if theme.glyphs.ascii { "..." } else { "…" };
        let words = format!("{more} {} more, Enter", grouped(lines));
        text::put(buf, text_x, area.y, end - text_x, &words, theme.dim);
        return;
    }
    let base = text_style(row.kind, theme);
    for run in &row.runs {
        if text_x >= end {
            return;
        }
        let style = base.patch(allowed(run.style, theme));
        let (next, _) = buf.set_stringn(text_x, area.y, &run.text, usize::from(end - text_x), style);
        text_x = next;
    }
}

fn verb_style(kind: Option<LineKind>, theme: &Theme) -> Style {
    match kind {
        Some(LineKind::Error) => theme.failed,
        Some(LineKind::Commit) => theme.strong,
        _ => theme.dim,
    }
}

fn text_style(kind: Option<LineKind>, theme: &Theme) -> Style {
    match kind {
        Some(LineKind::Error) => theme.failed,
        Some(LineKind::Commit) => theme.strong,
        // What the agent says and does is brighter than the output of its commands.
        Some(LineKind::Output | LineKind::Note) => theme.dim,
        _ => theme.plain,
    }
}

/// Removes the agent's colours if the theme has none (`NO_COLOR`); bold and the like stay.
fn allowed(style: Style, theme: &Theme) -> Style {
    match theme.working.fg {
        Some(_) => style,
        None => Style { fg: None, bg: None, ..style },
    }
}

/// Formats a number with its digits in groups: `12 345`.
#[must_use]
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
