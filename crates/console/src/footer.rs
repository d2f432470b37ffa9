//! The footer: what the keys do here and now, or what was just said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::actions;
use super::finder::FinderKind;
use super::panes::pane;
use super::theme::Theme;
use super::{Model, text};

/// Actions at the right end, everywhere.
const ALWAYS: [&str; 5] = ["find", "zoom", "palette", "help", "quit"];

/// Draws it.
pub(crate) fn view(model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
    if let Some(finder) = &model.finder {
        let sign = if finder.kind == FinderKind::Find { "/" } else { "&" };
        let caveat = pane(model.active()).caveat(model, finder.kind);
        let (said, style) = match &caveat {
            Some(caveat) => (caveat.as_str(), theme.needs),
            None => ("Enter keeps it, Esc ends it", theme.dim),
        };
        let line = Line::from(vec![
            Span::styled(format!(" {sign} "), theme.key),
            Span::raw(text::clean(&finder.text)),
            Span::styled(" ", theme.selected),
            Span::styled(format!("   {said}"), style),
        ]);
        return text::put_line(buf, area.x, area.y, area.width, &line);
    }
    let reported = model.note.as_ref().filter(|note| note.is_no);
    if let (Some(dialog), None) = (model.dialogs.last(), reported) {
        let hints = dialog.hints(model);
        return put_hints(hints.iter().map(|(key, what)| ((*key).to_owned(), *what)), area, buf, theme);
    }
    if let Some(note) = &model.note {
        let style = if note.is_no { theme.needs } else { theme.strong };
        text::put(buf, area.x + 1, area.y, area.width.saturating_sub(2), &note.text, style);
        return;
    }
    let shown = |name: &str| {
        let action = actions::find(name)?;
        (action.available)(model).ok()?;
        Some((model.keymap.key(name)?, action.short))
    };
    let always: Vec<_> = ALWAYS.iter().filter_map(|name| shown(name)).collect();
    let taken = always.iter().map(|(key, what)| width(key, what)).sum::<u16>().min(area.width);
    let right = Rect { x: area.right() - taken, width: taken, ..area };
    let left = Rect { width: area.width - taken, ..area };
    put_hints(pane(model.active()).hints(model).into_iter().filter_map(shown), left, buf, theme);
    put_hints(always.into_iter(), right, buf, theme);
}

/// Columns of a hint, with the gap before it.
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
        if x.saturating_add(width(&key, what)) > area.right().saturating_add(2) {
            break;
        }
        x += text::put(buf, x, area.y, area.right() - x, &key, theme.key) + 1;
        x += text::put(buf, x, area.y, area.right() - x, what, theme.dim) + 2;
    }
}
