//! The grid: the last lines of every running session, side by side.

mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Borders, Widget};

use super::{Heading, Pane, PaneId, Reaction, Target, Verb, chosen, log, stepped, teach};
use crate::log::{LogId, draw, lock_log};
use crate::msg::Effect;
use crate::theme::Theme;
use crate::{Model, layout, text};
use paddock_model::ids::SessionId;
use paddock_model::session::Session;

pub(crate) use state::Local;

/// Tiles shown at once; with more sessions the grid has pages.
const TILES_MAX: usize = 8;
/// Columns of the narrowest tile that can be read, border included.
const TILE_WIDTH: u16 = 38;
/// Rows of the lowest tile, border included: three lines of log.
const TILE_HEIGHT: u16 = 5;

pub(crate) struct Grid;

/// Opens the grid over the screen. If the session selected last is over, the first one is selected.
pub(crate) fn open(model: &mut Model) {
    if selected(model, &running(model)).is_none() {
        model.panes.grid.selected = None;
    }
    model.cover(PaneId::Grid);
}

/// Returns the running sessions of the shown project, oldest first.
fn running(model: &Model) -> Vec<&Session> {
    let project = model.project.as_ref();
    let sessions = model.facts.state.open_sessions();
    sessions.filter(|session| project.is_none_or(|slug| session.objective.project == *slug)).collect()
}

/// Returns the index of the selected session.
fn selected(model: &Model, all: &[&Session]) -> Option<usize> {
    chosen(all, model.panes.grid.selected.as_ref(), |session| Some(session.id))
}

/// Returns the columns and rows of tiles for `count` sessions, as far as they fit.
fn shape(area: Rect, count: usize) -> (u16, u16) {
    let (columns_max, rows_max) = ((area.width / TILE_WIDTH).max(1), (area.height / TILE_HEIGHT).max(1));
    let tiles_max = usize::from(columns_max) * usize::from(rows_max);
    let count = u16::try_from(count.min(TILES_MAX).min(tiles_max)).unwrap_or(1).max(1);
    // Few columns: the lines of a log are long.
    let columns = match count {
        1 => 1,
        2..=4 => 2,
        5..=6 => 3,
        _ => 4,
    };
    let columns = columns.min(columns_max);
    (columns, count.div_ceil(columns).min(rows_max))
}

/// Returns the sessions of the page that holds the selected one, or the place where it was.
fn page<'a>(model: &Model, all: &[&'a Session], area: Rect) -> Vec<&'a Session> {
    let (columns, rows) = shape(area, all.len());
    let per_page = usize::from(columns * rows);
    let near = stepped(None, model.panes.grid.near, 0, all.len());
    let first = selected(model, all).unwrap_or(near) / per_page * per_page;
    all.iter().skip(first).take(per_page).copied().collect()
}

/// Returns the sessions whose tiles are on the screen.
fn tiles(model: &Model) -> Vec<&Session> {
    let Some(area) = layout::inside(model, PaneId::Grid) else { return Vec::new() };
    page(model, &running(model), area)
}

/// Returns the areas of the tiles, row by row.
fn places(area: Rect, count: usize) -> Vec<Rect> {
    let (columns, rows) = shape(area, count);
    // Each edge is computed from the whole length, so that the tiles fill the area without a gap.
    let cut = |length: u16, parts: u16, at: u16| u32::from(length) * u32::from(at) / u32::from(parts.max(1));
    let cut = |length, parts, at| u16::try_from(cut(length, parts, at)).unwrap_or(u16::MAX);
    let mut places = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let (x, y) = (cut(area.width, columns, column), cut(area.height, rows, row));
            let (right, bottom) = (cut(area.width, columns, column + 1), cut(area.height, rows, row + 1));
            places.push(Rect { x: area.x + x, y: area.y + y, width: right - x, height: bottom - y });
        }
    }
    places
}

fn tile(model: &Model, session: &Session, area: Rect, is_selected: bool, buf: &mut Buffer, theme: &Theme) {
    let border = if is_selected { theme.border_focus } else { theme.border };
    Block::new().borders(Borders::ALL).border_set(theme.glyphs.border).border_style(border).render(area, buf);
    let style = if is_selected { theme.title_focus } else { theme.title };
    let since = session.started_ms.map(|at| text::short_time(model.now_ms - at)).unwrap_or_default();
    let width = area.width.saturating_sub(4);
    let taken = u16::try_from(text::width(&since) + 4).unwrap_or(width);
    // The border shows the selection by its colour; the mark shows it without colours.
    let mark = if is_selected { format!("{} ", theme.glyphs.arrow) } else { String::new() };
    let title = format!(
        " {mark}{} ",
        text::cut(&log::name(session, theme), usize::from(width.saturating_sub(taken)))
    );
    text::put(buf, area.x + 1, area.y, width, &title, style);
    if !since.is_empty() {
        text::put_right(buf, area, 2, &format!(" {since} "), theme.dim);
    }
    let Some(open) = model.panes.log.book.get(LogId::Session(session.id)) else { return };
    // A tile never has the cursor: keys select tiles.
    draw(&mut open.tile.borrow_mut(), &mut lock_log(&open.log), layout::inner(area), buf, theme, false);
}

impl Pane for Grid {
    fn name(&self) -> &'static str {
        "Sessions"
    }

    fn heading(&self, model: &Model) -> Heading {
        let (all, shown) = (running(model).len(), tiles(model).len());
        let left = format!("{all} running");
        // Said only if some sessions have no tile on this page.
        let right = if shown < all { format!("{shown} of {all} shown") } else { String::new() };
        Heading { left, right }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let all = running(model);
        if all.is_empty() {
            let lines =
                &["No session is running.", "`l` shows the log of the newest session, `T` the timeline."];
            return teach(lines, area, buf, theme);
        }
        let at = selected(model, &all).map(|at| all[at].id);
        for (place, session) in places(area, all.len()).into_iter().zip(page(model, &all, area)) {
            tile(model, session, place, Some(session.id) == at, buf, theme);
        }
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        // Ids only: the model is changed below.
        let all: Vec<SessionId> = running(model).iter().map(|session| session.id).collect();
        let Some(last) = all.len().checked_sub(1) else { return Reaction::Ignored };
        let at = selected(model, &running(model));
        let area = layout::inside(model, PaneId::Grid).unwrap_or_default();
        let (columns, rows) = shape(area, all.len());
        let near = model.panes.grid.near;
        let step = |by: i32| stepped(at, near, by, all.len());
        let to = match verb {
            Verb::Sideways(by) => step(by),
            Verb::Move(by) => step(by * i32::from(columns)),
            Verb::Page(by) => step(by * i32::from(columns * rows)),
            Verb::Top => 0,
            Verb::Bottom => last,
            // The selected session has ended: Enter must not open the log of another one.
            Verb::In if at.is_none() => return Reaction::Ignored,
            Verb::In => {
                // The log pane shows the pinned session from now on, whatever is selected in other panes.
                self.settle(model);
                model.pin(self.target(model));
                model.covers.clear();
                (model.focus, model.zoomed) = (PaneId::Log, true);
                return Reaction::done();
            }
            _ => return Reaction::Ignored,
        };
        (model.panes.grid.selected, model.panes.grid.near) = (all.get(to).copied(), to);
        Reaction::done()
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["in", "left", "right", "kill", "extend", "out"]
    }

    fn target(&self, model: &Model) -> Target {
        let all = running(model);
        let Some(session) = selected(model, &all).and_then(|at| all.get(at)) else {
            return Target::default();
        };
        // A planner's session has no objective.
        let objective = model.facts.state.objective(&session.objective).map(|one| one.key.clone());
        Target { objective, session: Some(session.id), gate: None }
    }

    fn why_none(&self, model: &Model) -> String {
        let all = running(model);
        match (selected(model, &all), all.is_empty()) {
            (Some(_), _) => "the selected session is the planner's and has no objective".to_owned(),
            (None, true) => "no session is running".to_owned(),
            (None, false) => "the selected session is over: the arrows select another".to_owned(),
        }
    }

    fn settle(&self, model: &mut Model) -> Vec<Effect> {
        let all = running(model);
        let (index, first) = (selected(model, &all), all.first().map(|session| session.id));
        // Remembered while the session runs: after its end, keys continue from the place where its tile was.
        if let Some(index) = index {
            model.panes.grid.near = index;
        }
        if model.panes.grid.selected.is_none() {
            model.panes.grid.selected = first;
        }
        Vec::new()
    }

    fn logs(&self, model: &Model) -> Option<Vec<LogId>> {
        Some(tiles(model).into_iter().map(|session| LogId::Session(session.id)).collect())
    }
}
