//! Divides the screen into header, panes and footer. Pure,
//! so that drawing and mouse clicks agree on every place.

use ratatui::layout::Rect;

use super::Model;
use super::panes::{MAIN, PaneId};

/// Smallest size in which the console is drawn: columns, rows.
pub(crate) const MIN_SIZE: (u16, u16) = (60, 15);
/// Width below which the header drops words and its bar, in columns.
pub(crate) const NARROW: u16 = 100;
/// Height from which all six panes have a frame, in rows.
pub(crate) const ALL_FRAMED_ROWS: u16 = 30;

/// The areas of the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// The header, one row high.
    pub header: Rect,
    /// Framed panes, with the area that includes the frame.
    pub panes: Vec<(PaneId, Rect)>,
    /// Folded panes: one row each, without a frame.
    pub folded: Vec<(PaneId, Rect)>,
    /// The footer, one row high.
    pub footer: Rect,
}

/// Divides the screen. Returns `None` if it is smaller than 60 columns or 15 rows.
#[must_use]
pub fn parts(model: &Model) -> Option<Parts> {
    let (columns, rows) = model.size;
    if columns < MIN_SIZE.0 || rows < MIN_SIZE.1 {
        return None;
    }
    let row = |y: u16| Rect { x: 0, y, width: columns, height: 1 };
    let body = Rect { x: 0, y: 1, width: columns, height: rows - 2 };
    let mut parts = Parts { header: row(0), footer: row(rows - 1), ..Parts::default() };
    match model.covers.last() {
        Some(cover) => parts.panes.push((*cover, body)),
        // A cover comes before the zoom: it always fills the body.
        None if model.zoomed => parts.panes.push((model.focus, body)),
        None => main(model, body, &mut parts),
    }
    Some(parts)
}

/// Returns the panes that are on the screen, folded ones included.
#[must_use]
pub(crate) fn visible(model: &Model) -> Vec<PaneId> {
    let Some(parts) = parts(model) else { return Vec::new() };
    parts.panes.iter().chain(&parts.folded).map(|(id, _)| *id).collect()
}

/// Returns the inner area of a pane; `None` if it is folded or not on the screen.
#[must_use]
pub(crate) fn inside(model: &Model, id: PaneId) -> Option<Rect> {
    let parts = parts(model)?;
    let (_, area) = parts.panes.iter().find(|(shown, _)| *shown == id)?;
    Some(inner(*area))
}

/// Returns the area inside a frame.
#[must_use]
pub(crate) fn inner(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

/// Arranges the six panes in two columns. On low screens the last two are folded, unless one has the focus.
fn main(model: &Model, body: Rect, parts: &mut Parts) {
    // The body lacks the rows of header and footer.
    let is_high = body.height + 2 >= ALL_FRAMED_ROWS;
    // The left column holds the objectives, which need a little more than half.
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

/// Swaps a folded pane that has the focus with the pane above it.
fn swap_in(focus: PaneId, parts: &mut Parts) {
    // The left column is Objectives, Queue, Needs; the right one Log, Budgets, Events.
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

/// Returns the heights of the three rows of panes on a high screen.
fn high(height: u16) -> [u16; 3] {
    let last = (height / 5).clamp(5, 9);
    let middle = (height / 4).clamp(7, 11);
    [height - middle - last, middle, last]
}

/// Returns the heights of the three rows of panes on a low screen; the last holds two folded panes.
fn low(height: u16) -> [u16; 3] {
    let middle = (height / 4).clamp(4, 6);
    [height.saturating_sub(middle + 2), middle, 2]
}
