//! The objectives of the project: hierarchy, dependency lanes, states.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Heading, Pane, Reaction, Verb, scrolled, teach};
use crate::console::theme::Theme;
use crate::console::{Model, text};
use crate::domain::objective::Objective;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// The first row on the screen.
    pub top: Cell<usize>,
    /// Only objectives with this in their id or title.
    pub filter: String,
}

/// The pane.
pub struct Objectives;

fn shown(model: &Model) -> Vec<&Objective> {
    let Some(project) = &model.project else { return Vec::new() };
    let wanted = model.panes.objectives.filter.to_lowercase();
    let has = |one: &&Objective| {
        wanted.is_empty()
            || one.key.id.as_str().contains(&wanted)
            || one.spec.title.to_lowercase().contains(&wanted)
    };
    let mut rows: Vec<&Objective> = model.facts.state.objectives_of(project).filter(has).collect();
    rows.sort_by_key(|one| one.added_seq);
    rows
}

impl Pane for Objectives {
    fn name(&self) -> &'static str {
        "Objectives"
    }

    fn heading(&self, model: &Model) -> Heading {
        let filter = &model.panes.objectives.filter;
        let right = if filter.is_empty() { String::new() } else { format!("/ {filter}") };
        Heading { left: String::new(), right }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let rows = shown(model);
        if rows.is_empty() {
            return teach(
                &["No objective yet. `o` adds one, `a` adds a goal;", "`paddock demo` shows a full run."],
                area,
                buf,
                theme,
            );
        }
        let at = rows.iter().position(|one| Some(&one.key) == model.selected.as_ref()).unwrap_or(0);
        let height = usize::from(area.height);
        let top = scrolled(model.panes.objectives.top.get(), at, height, rows.len());
        model.panes.objectives.top.set(top);
        for (y, (index, one)) in (area.y..area.bottom()).zip(rows.iter().enumerate().skip(top)) {
            let look = theme.status(one.status);
            let row = Rect { y, height: 1, ..area };
            text::put(buf, area.x + 1, y, 2, look.glyph, look.style);
            text::put(buf, area.x + 3, y, area.width.saturating_sub(18), one.key.id.as_str(), theme.plain);
            text::put_right(buf, row, 1, look.word, look.style);
            if index == at {
                theme.select(buf, row, model.focus == super::PaneId::Objectives);
            }
        }
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let rows: Vec<_> = shown(model).iter().map(|one| one.key.clone()).collect();
        let at = rows.iter().position(|key| Some(key) == model.selected.as_ref()).unwrap_or(0);
        let last = rows.len().saturating_sub(1);
        let page = i32::from(model.size.1) / 2;
        let step = |by: i32| at.saturating_add_signed(by as isize).min(last);
        let to = match verb {
            Verb::Move(by) => step(by),
            Verb::Page(by) => step(by * page),
            Verb::Top => 0,
            Verb::Bottom => last,
            Verb::Find(text) | Verb::Filter(text) => {
                model.panes.objectives.filter = text;
                return Reaction::done();
            }
            _ => return Reaction::Ignored,
        };
        model.selected = rows.get(to).cloned();
        Reaction::done()
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["goal-add", "objective-add", "retry", "escalate", "kill", "extend", "diff", "explain"]
    }
}
