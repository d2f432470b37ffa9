//! Draws one frame: header, panes, footer and the topmost dialog. Routes mouse events to the panes.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Block, Borders, Clear, Widget};

use super::layout::{self, MIN_SIZE, inner};
use super::msg::Effect;
use super::panes::{MAIN, PaneId, Verb, pane};
use super::theme::Theme;
use super::{Model, footer, header, text};

/// Draws the whole screen.
pub fn draw(model: &Model, buf: &mut Buffer) {
    parts(model, buf);
    // Replaced at the end, since agents write typographic characters into texts that any pane may show.
    if model.theme.glyphs.ascii {
        text::spell_in_ascii(buf);
    }
}

fn parts(model: &Model, buf: &mut Buffer) {
    let theme = &model.theme;
    let area = buf.area;
    if (area.width, area.height) != model.size {
        // The terminal was resized just now. The resize message is on its way and draws the next frame.
        return;
    }
    let Some(parts) = layout::parts(model) else { return too_small(area, buf, theme) };
    header::view(model, parts.header, buf, theme);
    for (id, rect) in &parts.panes {
        framed(model, *id, *rect, buf, theme);
    }
    for (id, rect) in &parts.folded {
        folded(model, *id, *rect, buf, theme);
    }
    if model.dialogs.last().is_some() {
        dialog(model, buf, theme);
    }
    footer::view(model, parts.footer, buf, theme);
}

fn too_small(area: Rect, buf: &mut Buffer, theme: &Theme) {
    let needs = format!("Paddock needs {}×{}", MIN_SIZE.0, MIN_SIZE.1);
    let has = format!("this is {}×{}", area.width, area.height);
    text::put(buf, area.x, area.y, area.width, &needs, theme.strong);
    text::put(buf, area.x, area.y + 1, area.width, &has, theme.dim);
}

fn framed(model: &Model, id: PaneId, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let is_focused = model.active() == id && model.dialogs.is_empty();
    let border = if model.active() == id { theme.border_focus } else { theme.border };
    Block::new().borders(Borders::ALL).border_set(theme.glyphs.border).border_style(border).render(area, buf);
    let pane = pane(id);
    let heading = pane.heading(model);
    // The number is the key that focuses the pane; a narrow frame keeps its columns for the title.
    let number = MAIN.iter().position(|main| *main == id).filter(|_| area.width >= 24);
    let mut title = number.map(|index| format!("{} ", index + 1)).unwrap_or_default() + pane.name();
    if !heading.left.is_empty() {
        title = format!("{title} {} {}", theme.glyphs.dot, text::clean(&heading.left));
    }
    let style = if is_focused { theme.title_focus } else { theme.title };
    let columns = area.width.saturating_sub(4);
    // The right part of the heading is measured first and gets at most half; the title takes the rest.
    let right = match heading.right.as_str() {
        "" => 0,
        right => {
            let right = format!(" {} ", text::cut(right, usize::from(columns / 2)));
            text::put_right(buf, area, 2, &right, theme.dim);
            u16::try_from(text::width(&right)).unwrap_or(0)
        }
    };
    let title = format!(" {} ", text::cut(&title, usize::from(columns.saturating_sub(right + 2))));
    text::put(buf, area.x + 2, area.y, columns.saturating_sub(right), &title, style);
    pane.view(model, inner(area), buf, theme);
}

fn folded(model: &Model, id: PaneId, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let pane = pane(id);
    match pane.folded(model, theme) {
        Some(line) => text::put_line(buf, area.x + 1, area.y, area.width.saturating_sub(2), &line),
        None => {
            text::put(buf, area.x + 1, area.y, area.width.saturating_sub(2), pane.name(), theme.dim);
        }
    }
}

/// Draws the topmost dialog, centred and a little above the middle.
pub(super) fn dialog(model: &Model, buf: &mut Buffer, theme: &Theme) {
    let Some(dialog) = model.dialogs.last() else { return };
    // The last row is the footer, which shows the dialog's keys.
    let screen = Rect { height: buf.area.height.saturating_sub(1), ..buf.area };
    let (columns, rows) = dialog.size(model);
    let (columns, rows) = match dialog.is_full() {
        true => (screen.width, screen.height),
        false => ((columns + 4).min(screen.width), (rows + 2).min(screen.height)),
    };
    let area = Rect {
        x: screen.x + (screen.width - columns) / 2,
        y: screen.y + (screen.height - rows) / 3,
        width: columns,
        height: rows,
    };
    Clear.render(area, buf);
    Block::new()
        .borders(Borders::ALL)
        .border_set(theme.glyphs.border)
        .border_style(theme.border_focus)
        .render(area, buf);
    let title = format!(" {} ", text::cut(&dialog.title(model), usize::from(columns.saturating_sub(6))));
    text::put(buf, area.x + 2, area.y, columns.saturating_sub(4), &title, theme.title_focus);
    let inside = inner(area);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    dialog.view(model, inside, buf, theme);
}

/// Handles the mouse: a click focuses a pane and selects
/// the row under it, the wheel scrolls the pane under it.
pub(crate) fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    // Dialogs react to keys alone, and a click outside one must not change the selection that it is about.
    if !model.dialogs.is_empty() {
        return Vec::new();
    }
    let at = Position { x: event.column, y: event.row };
    let Some(parts) = layout::parts(model) else { return Vec::new() };
    let mut places = parts.panes.iter().chain(&parts.folded);
    let Some((id, area)) = places.find(|(_, area)| area.contains(at)) else { return Vec::new() };
    let verb = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            // A cover has the keys already, and the focus behind it must not change.
            if MAIN.contains(id) {
                model.focus = *id;
            }
            let inside = inner(*area);
            if inside.contains(at) {
                pane(*id).click(model, usize::from(at.y - inside.y));
            }
            return Vec::new();
        }
        MouseEventKind::ScrollDown => Verb::Move(3),
        MouseEventKind::ScrollUp => Verb::Move(-3),
        _ => return Vec::new(),
    };
    match pane(*id).on(model, verb) {
        super::panes::Reaction::Done(effects) => effects,
        super::panes::Reaction::Ignored => Vec::new(),
    }
}
