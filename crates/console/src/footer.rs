//! The footer: the search line, the keys of the dialog or pane, or the latest message.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::actions;
use super::finder::FinderKind;
use super::panes::pane;
use super::theme::Theme;
use super::{Model, text};

/// Actions shown at the right end for every pane.
const ALWAYS: [&str; 5] = ["find", "zoom", "palette", "help", "quit"];

/// Draws the footer.
pub(crate) fn view(model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
    // In order of precedence: the search line, a dialog's keys, a message, the pane's keys.
    if let Some(finder) = &model.finder {
        let sign = if finder.kind == FinderKind::Find { "/" } else { "&" };
        let caveat = pane(model.active()).caveat(model, finder.kind);
        let (hint, style) = match &caveat {
            Some(caveat) => (caveat.as_str(), theme.needs),
            None => ("Enter keeps it, Esc clears it", theme.dim),
        };
        let line = Line::from(vec![
            Span::styled(format!(" {sign} "), theme.key),
            Span::raw(text::clean(&finder.text)),
            Span::styled(" ", theme.selected),
            Span::styled(format!("   {hint}"), style),
        ]);
        return text::put_line(buf, area.x, area.y, area.width, &line);
    }
    // A refusal replaces the dialog's keys, any other message
    // does not: the person is about to press one of them.
    let refusal = model.note.as_ref().filter(|note| note.is_no);
    if let (Some(dialog), None) = (model.dialogs.last(), refusal) {
        let hints = dialog.hints(model);
        return put_hints(hints.iter().map(|(key, what)| ((*key).to_owned(), *what)), area, buf, theme);
    }
    if let Some(note) = &model.note {
        let style = if note.is_no { theme.needs } else { theme.strong };
        text::put(buf, area.x + 1, area.y, area.width.saturating_sub(2), &note.text, style);
        return;
    }
    let hint = |name: &str| {
        let action = actions::find(name)?;
        // The footer shows only keys that work now; the help lists the others with the reason.
        (action.available)(model).ok()?;
        Some((model.keymap.key(name)?, action.short))
    };
    let always: Vec<_> = ALWAYS.iter().filter_map(|name| hint(name)).collect();
    let right_width = always.iter().map(|(key, what)| width(key, what)).sum::<u16>().min(area.width);
    let right = Rect { x: area.right() - right_width, width: right_width, ..area };
    let left = Rect { width: area.width - right_width, ..area };
    put_hints(pane(model.active()).hints(model).into_iter().filter_map(hint), left, buf, theme);
    put_hints(always.into_iter(), right, buf, theme);
}

/// Returns the columns that a hint takes, gap included.
fn width(key: &str, what: &str) -> u16 {
    u16::try_from(text::width(key) + text::width(what) + 3).unwrap_or(u16::MAX)
}

fn put_hints(
    hints: impl Iterator<Item = (String, &'static str)>,
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
) {
    let mut x = area.x + 1;
    for (key, what) in hints {
        // Hints are whole or absent. The gap after the last one may lie outside the area.
        if x.saturating_add(width(&key, what)) > area.right().saturating_add(2) {
            break;
        }
        x += text::put(buf, x, area.y, area.right() - x, &key, theme.key) + 1;
        x += text::put(buf, x, area.y, area.right() - x, what, theme.dim) + 2;
    }
}
