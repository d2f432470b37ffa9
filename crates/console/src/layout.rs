//! Where everything is, for every size. Pure: views and keys ask the same function.

use ratatui::layout::Rect;

use super::Model;
use super::panes::{MAIN, PaneId};

/// Below this the console only says that it needs more room.
pub(crate) const LEAST: (u16, u16) = (60, 15);
/// Below this many columns some columns are dropped.
pub(crate) const NARROW: u16 = 100;
/// From this many rows on every pane has a frame.
pub(crate) const HIGH: u16 = 30;

/// The parts of the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// The header: one row.
    pub header: Rect,
    /// Panes with their frames.
    pub panes: Vec<(PaneId, Rect)>,
    /// Panes in one row each, without frames.
    pub folded: Vec<(PaneId, Rect)>,
    /// The footer: one row.
    pub footer: Rect,
}

/// Divides the screen; none when it is too small.
#[must_use]
pub fn parts(model: &Model) -> Option<Parts> {
    let (columns, rows) = model.size;
    if columns < LEAST.0 || rows < LEAST.1 {
        return None;
    }
    let row = |y: u16| Rect { x: 0, y, width: columns, height: 1 };
    let body = Rect { x: 0, y: 1, width: columns, height: rows - 2 };
    let mut parts = Parts { header: row(0), footer: row(rows - 1), ..Parts::default() };
    match model.covers.last() {
        Some(cover) => parts.panes.push((*cover, body)),
        None if model.zoomed => parts.panes.push((model.focus, body)),
        None => main(model, body, &mut parts),
    }
    Some(parts)
}

/// The panes whose content is on the screen.
#[must_use]
pub(crate) fn visible(model: &Model) -> Vec<PaneId> {
    let Some(parts) = parts(model) else { return Vec::new() };
    parts.panes.iter().chain(&parts.folded).map(|(id, _)| *id).collect()
}

/// The inside of a pane that is on the screen with a frame.
#[must_use]
pub(crate) fn inside(model: &Model, id: PaneId) -> Option<Rect> {
    let parts = parts(model)?;
    let (_, area) = parts.panes.iter().find(|(shown, _)| *shown == id)?;
    Some(inner(*area))
}

/// What a frame leaves.
#[must_use]
pub(crate) fn inner(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

/// Six panes where there is room; on low screens the last two are a line each, unless they have the focus.
fn main(model: &Model, body: Rect, parts: &mut Parts) {
    let is_high = body.height + 2 >= HIGH;
    let left = body.width * 13 / 25;
    let columns = [(0, left), (left, body.width - left)];
    let heights = if is_high { high(body.height) } else { low(body.height) };
    let mut y = body.y;
    for (line, height) in heights.into_iter().enumerate() {
        let pair = [MAIN[line * 2], MAIN[line * 2 + 1]];
        if line == 2 && !is_high {
            for (index, id) in pair.into_iter().enumerate() {
                let at = y + u16::try_from(index).unwrap_or(0);
                parts.folded.push((id, Rect { y: at, height: 1, ..body }));
            }
            continue;
        }
        for (id, (x, width)) in pair.into_iter().zip(columns) {
            parts.panes.push((id, Rect { x: body.x + x, y, width, height }));
        }
        y += height;
    }
    let focused_is_folded = parts.folded.iter().any(|(id, _)| *id == model.focus);
    if focused_is_folded {
        swap_in(model.focus, parts);
    }
}

/// A folded pane that has the focus takes the place of the one above it.
fn swap_in(focus: PaneId, parts: &mut Parts) {
    let above = if focus == PaneId::Needs { PaneId::Queue } else { PaneId::Budgets };
    for (id, _) in &mut parts.panes {
        if *id == above {
            *id = focus;
        }
    }
    for (id, _) in &mut parts.folded {
        if *id == focus {
            *id = above;
        }
    }
}

fn high(height: u16) -> [u16; 3] {
    let last = (height / 5).clamp(5, 9);
    let middle = (height / 4).clamp(7, 11);
    [height - middle - last, middle, last]
}

fn low(height: u16) -> [u16; 3] {
    let middle = (height / 4).clamp(4, 6);
    [height.saturating_sub(middle + 2), middle, 2]
}
