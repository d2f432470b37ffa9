//! The pane of one objective: its facts at the left, and tabs at the right.

mod around;
mod facts;
mod state;
mod tabs;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Copied, Heading, Pane, PaneId, Reaction, Target, Verb, chosen, diff, scrolled, teach};
use crate::finder::FinderKind;
use crate::log::{LogId, draw, lock_log};
use crate::msg::{Effect, Foreground};
use crate::theme::Theme;
use crate::{Model, layout, text};
use paddock_model::ids::{GateId, SessionId};
use paddock_model::objective::Objective;
use paddock_model::session::Session;

pub(crate) use state::Local;
use state::Tab;

/// Columns from which on the facts are shown at the left of the tabs.
const FACTS_FROM_WIDTH: u16 = 96;

pub(crate) struct ObjectiveView;

/// Returns the objective that is shown.
fn shown(model: &Model) -> Option<&Objective> {
    model.facts.state.objective(model.selected.as_ref()?)
}

/// Returns the index of the selected session. The session is selected by id: a new one moves the rows down,
/// but not the selection.
fn selected_index(model: &Model, all: &[&Session]) -> Option<usize> {
    chosen(all, model.panes.objective.session.as_ref(), |session| Some(session.id))
}

/// Returns the tab that is shown in a pane of this width.
fn tab(model: &Model, columns: u16) -> Tab {
    match model.panes.objective.tab {
        Tab::Facts if columns >= FACTS_FROM_WIDTH => Tab::Sessions,
        tab => tab,
    }
}

fn width(model: &Model) -> u16 {
    layout::inside(model, PaneId::Objective).map_or(0, |area| area.width)
}

/// Returns the gate run whose output is on the screen: the newest one, in the tab of the queue.
#[must_use]
pub(crate) fn gate(model: &Model) -> Option<GateId> {
    let one = shown(model).filter(|_| tab(model, width(model)) == Tab::Queue)?;
    tabs::gates(model, one).first().map(|gate| gate.id)
}

fn all_tabs(columns: u16) -> impl Iterator<Item = Tab> {
    Tab::ALL.into_iter().filter(move |tab| *tab != Tab::Facts || columns < FACTS_FROM_WIDTH)
}

/// Draws lines from `top` on. Returns the largest useful value of `top`.
fn put_lines(lines: &[Line<'_>], top: usize, area: Rect, buf: &mut Buffer) -> usize {
    let last = lines.len().saturating_sub(usize::from(area.height));
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(top.min(last))) {
        text::put_line(buf, area.x + 1, y, area.width.saturating_sub(2), line);
    }
    last
}

struct View<'a> {
    model: &'a Model,
    one: &'a Objective,
    theme: &'a Theme,
}

impl View<'_> {
    fn tab_bar(&self, shown: Tab, columns: u16, area: Rect, buf: &mut Buffer) {
        let mut x = area.x + 1;
        for tab in all_tabs(columns) {
            let style = if tab == shown { self.theme.selected } else { self.theme.dim };
            let word = match (tab, self.one.sessions.len()) {
                (Tab::Sessions, count) if count > 0 => format!(" {} {count} ", tab.word()),
                _ => format!(" {} ", tab.word()),
            };
            x += text::put(buf, x, area.y, area.right().saturating_sub(x), &word, style) + 1;
        }
    }

    fn tab(&self, tab: Tab, area: Rect, buf: &mut Buffer) {
        let Self { model, one, theme } = self;
        let local = &model.panes.objective;
        let columns = usize::from(area.width.saturating_sub(3));
        let last = match tab {
            Tab::Facts => put_lines(&facts::lines(model, one, columns, theme), local.top, area, buf),
            Tab::Checkpoints => {
                put_lines(&tabs::checkpoints(model, one, columns, theme), local.top, area, buf)
            }
            Tab::Sessions => {
                self.sessions(area, buf);
                0
            }
            Tab::Diff => {
                diff::draw(model, area, buf, theme);
                0
            }
            Tab::Queue => self.queue(area, buf),
            Tab::Around => {
                around::draw(model, one, local.top, area, buf, theme).saturating_sub(usize::from(area.height))
            }
        };
        local.last_top.set(last);
    }

    fn sessions(&self, area: Rect, buf: &mut Buffer) {
        let all = tabs::sessions(self.model, self.one);
        if all.is_empty() {
            return teach(&["No session has worked on this objective yet."], area, buf, self.theme);
        }
        let at = selected_index(self.model, &all).unwrap_or(0);
        // From the top in each frame: an objective rarely has more sessions than rows.
        let top = scrolled(0, at, usize::from(area.height), all.len());
        for (y, (number, session)) in (area.y..area.bottom()).zip(all.iter().enumerate().skip(top)) {
            let row = Rect { y, height: 1, ..area };
            let line = tabs::session_row(self.model, session, self.theme);
            text::put_line(buf, area.x + 1, y, area.width.saturating_sub(2), &line);
            if number == at {
                self.theme.select(buf, row, true);
            }
        }
    }

    /// Draws the tab of the queue: gate runs and events above, the output of the newest run below. Returns
    /// the largest useful first line.
    fn queue(&self, area: Rect, buf: &mut Buffer) -> usize {
        let Self { model, one, theme } = self;
        let columns = usize::from(area.width.saturating_sub(3));
        let lines = tabs::queue(model, one, columns, theme);
        let top = model.panes.objective.top;
        // In a low pane the output would leave no line for the history.
        let open = gate(model).and_then(|id| Some((id, model.panes.log.book.get(LogId::Gate(id))?)));
        let Some((id, open)) = open.filter(|_| area.height >= 12) else {
            return put_lines(&lines, top, area, buf);
        };
        let needs = u16::try_from(lines.len() + 1).unwrap_or(u16::MAX);
        // The output keeps at least half of the tab.
        let above = needs.min(area.height / 2);
        let (list, rest) = (Rect { height: above, ..area }, area.height - above);
        let last = put_lines(&lines, top, list, buf);
        let title = format!("Output of gate run {id}");
        text::put(buf, area.x + 1, list.bottom(), area.width.saturating_sub(2), &title, theme.strong);
        let below = Rect { y: list.bottom() + 1, height: rest.saturating_sub(1), ..area };
        draw(&mut open.tile.borrow_mut(), &mut lock_log(&open.log), below, buf, theme, false);
        last
    }
}

impl Pane for ObjectiveView {
    fn name(&self) -> &'static str {
        "Objective"
    }

    fn heading(&self, model: &Model) -> Heading {
        let left = shown(model).map(|one| one.key.id.to_string()).unwrap_or_default();
        let right = match tab(model, width(model)) {
            Tab::Diff => diff::summary(model).unwrap_or_default(),
            _ => String::new(),
        };
        Heading { left, right }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let Some(one) = shown(model) else {
            return teach(&["No objective is selected."], area, buf, theme);
        };
        let view = View { model, one, theme };
        let shown = tab(model, area.width);
        let mut right = area;
        if area.width >= FACTS_FROM_WIDTH {
            // The facts are short lines; diffs and logs need the larger part.
            let left = Rect { width: area.width * 2 / 5, ..area };
            let columns = usize::from(left.width.saturating_sub(3));
            let facts = facts::lines(model, one, columns, theme);
            let last = put_lines(&facts, model.panes.objective.facts_top, left, buf);
            model.panes.objective.last_facts_top.set(last);
            for y in area.y..area.bottom() {
                buf[(left.right(), y)].set_symbol(theme.glyphs.border.vertical_left).set_style(theme.border);
            }
            right = Rect { x: left.right() + 1, width: area.width - left.width - 1, ..area };
        }
        view.tab_bar(shown, area.width, right, buf);
        let below = Rect { y: right.y + 2, height: right.height.saturating_sub(2), ..right };
        view.tab(shown, below, buf);
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let columns = width(model);
        let height =
            layout::inside(model, PaneId::Objective).map_or(20, |area| area.height.saturating_sub(2));
        let shown_tab = tab(model, columns);
        if let Verb::Sideways(by) = verb {
            let tabs: Vec<Tab> = all_tabs(columns).collect();
            let at = tabs.iter().position(|tab| *tab == shown_tab).unwrap_or(0);
            let count = i32::try_from(tabs.len()).unwrap_or(1);
            // Tabs wrap around: the last is one key from the first.
            let to = (i32::try_from(at).unwrap_or(0) + by).rem_euclid(count);
            let local = &mut model.panes.objective;
            (local.tab, local.top) = (tabs[usize::try_from(to).unwrap_or(0)], 0);
            return Reaction::done();
        }
        // In a wide pane, pages scroll the facts at the left and rows scroll the tab. A diff uses both.
        if let (Verb::Page(by), true) = (&verb, columns >= FACTS_FROM_WIDTH && shown_tab != Tab::Diff) {
            let local = &mut model.panes.objective;
            let step = *by as isize * isize::from(height.max(3).cast_signed() - 2);
            local.facts_top = local.facts_top.saturating_add_signed(step).min(local.last_facts_top.get());
            return Reaction::done();
        }
        match shown_tab {
            Tab::Diff if diff::steer(model, height, &verb) => Reaction::done(),
            Tab::Sessions => on_sessions(model, &verb),
            _ => on_lines(model, height, &verb),
        }
    }

    fn caveat(&self, model: &Model, _kind: FinderKind) -> Option<String> {
        (tab(model, width(model)) == Tab::Diff).then(|| diff::caveat(model)).flatten()
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["left", "right", "in", "retry", "approve", "reject", "skip", "escalate", "widen", "shell", "out"]
    }

    fn target(&self, model: &Model) -> Target {
        let mut target = model.default_target();
        if let Some(one) = shown(model) {
            let all = tabs::sessions(model, one);
            let selected = selected_index(model, &all).and_then(|at| all.get(at));
            target.objective = Some(one.key.clone());
            target.session = selected.map(|session| session.id);
        }
        target
    }

    fn copy(&self, model: &Model) -> Option<Copied> {
        if tab(model, width(model)) == Tab::Diff {
            return Some(Copied { text: diff::whole(model)?, what: "the diff".to_owned() });
        }
        let id = shown(model)?.key.id.to_string();
        Some(Copied { what: format!("the id {id}"), text: id })
    }

    fn paged(&self, model: &Model) -> Option<Effect> {
        let one = shown(model)?;
        if tab(model, width(model)) == Tab::Diff {
            return diff::whole(model).map(|text| Effect::Foreground(Foreground::Page(text)));
        }
        // A fixed width, since the pager does not have the size of the pane.
        let lines = facts::lines(model, one, 100, &model.theme);
        let text: Vec<String> = lines.iter().map(ToString::to_string).collect();
        Some(Effect::Foreground(Foreground::Page(text.join("\n") + "\n")))
    }

    fn settle(&self, model: &mut Model) -> Vec<Effect> {
        // Another objective was selected: tab and positions of the one before mean nothing for it.
        if model.panes.objective.of != model.selected {
            let local = &mut model.panes.objective;
            (local.tab, local.top, local.facts_top, local.session) = (Tab::default(), 0, 0, None);
            local.of.clone_from(&model.selected);
        }
        match tab(model, width(model)) == Tab::Diff {
            true => diff::settle(model),
            false => Vec::new(),
        }
    }

    fn logs(&self, model: &Model) -> Option<Vec<LogId>> {
        Some(gate(model).map(LogId::Gate).into_iter().collect())
    }
}

/// Applies a verb to the list of sessions. `Enter` opens the log of the selected one.
fn on_sessions(model: &mut Model, verb: &Verb) -> Reaction {
    let Some(last) = shown(model).and_then(|one| tabs::sessions(model, one).len().checked_sub(1)) else {
        return Reaction::Ignored;
    };
    let all: Vec<SessionId> = shown(model)
        .map(|one| tabs::sessions(model, one).iter().map(|one| one.id).collect())
        .unwrap_or_default();
    let at = all.iter().position(|id| Some(*id) == model.panes.objective.session).unwrap_or(0);
    let to = match verb {
        Verb::Move(by) | Verb::Page(by) => at.saturating_add_signed(*by as isize).min(last),
        Verb::Top => 0,
        Verb::Bottom => last,
        Verb::In => {
            // The log pane shows this session, even after a newer one begins.
            model.pin(ObjectiveView.target(model));
            model.covers.clear();
            model.focus = PaneId::Log;
            return Reaction::done();
        }
        _ => return Reaction::Ignored,
    };
    model.panes.objective.session = all.get(to).copied();
    Reaction::done()
}

/// Applies a verb to a tab of lines.
fn on_lines(model: &mut Model, height: u16, verb: &Verb) -> Reaction {
    let last = model.panes.objective.last_top.get();
    let at = model.panes.objective.top.min(last);
    let step = |by: i32| at.saturating_add_signed(by as isize).min(last);
    model.panes.objective.top = match verb {
        Verb::Move(by) => step(*by),
        Verb::Page(by) => step(by * i32::from(height.max(3) - 2)),
        Verb::Top => 0,
        Verb::Bottom => last,
        _ => return Reaction::Ignored,
    };
    Reaction::done()
}

/// Returns the text of the tab with an objective's gate runs.
#[cfg(test)]
pub(super) fn queue_tab(model: &Model, one: &Objective, theme: &Theme) -> String {
    let lines = tabs::queue(model, one, 120, theme);
    lines.iter().map(|line| format!("{line}\n")).collect()
}
