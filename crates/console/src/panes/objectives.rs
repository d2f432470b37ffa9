//! The pane of objectives: headings, the graph of dependencies, and the state of each objective.

mod cache;
mod choice;
pub(crate) mod columns;
mod list;
mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Heading, Pane, PaneId, Reaction, Target, Verb, scrolled, teach};
use crate::graph::{self, GlyphSet, Kin, Piece, Row, kin};
use crate::msg::Effect;
use crate::theme::Theme;
use crate::{Model, text};
use cache::{current_list, inside, rows_area};
use columns::{Columns, RowContext};
use list::List;
use paddock_model::answers::{Answers, Surroundings};
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::Status;
use paddock_model::state::State;

pub(crate) use state::Local;

pub(crate) struct Objectives;

/// Returns why the selected objective is in its state, in one line.
fn why_selected(model: &Model, key: &ObjectiveKey) -> String {
    // Cached by the version of the facts: an explanation looks at the whole project, and the pane is drawn
    // for every key.
    let version = model.facts.version;
    if let Some((_, _, text)) =
        model.panes.objectives.why.borrow().as_ref().filter(|(at, of, _)| *at == version && of == key)
    {
        return text.clone();
    }
    let surroundings = Surroundings {
        supervisor_running: model.facts.supervisor.is_running(),
        now_ms: model.now_ms,
        max_parallel: None,
    };
    let one = model.facts.state.objective(key);
    let text = match one.map(|one| (one, model.answers.why_one(&model.facts.state, one, &surroundings))) {
        Some((_, Some(reason))) => reason.text,
        Some((one, None)) => match one.landed.as_ref().map(|landed| landed.published_at_ms.is_some()) {
            Some(true) => "landed and published".to_owned(),
            Some(false) => "landed, not published yet".to_owned(),
            None => "done".to_owned(),
        },
        None => String::new(),
    };
    model.panes.objectives.why.replace(Some((version, key.clone(), text.clone())));
    text
}

struct View<'a> {
    model: &'a Model,
    theme: &'a Theme,
    list: &'a List,
    kin: Vec<Kin>,
    columns: Columns,
    glyphs: &'static GlyphSet,
    gutter: u16,
}

impl<'a> View<'a> {
    fn new(model: &'a Model, theme: &'a Theme, list: &'a List, area: Rect) -> Self {
        let selected = list.row_of(model.selected.as_ref()).and_then(|row| list.rows.get(row));
        let kin = kin(&list.nodes, &list.shape.order, selected.map_or(&[], Row::nodes));
        let gutter = u16::try_from(list.drawing.width()).unwrap_or(0);
        let width = area.width.saturating_sub(gutter + 4);
        // Many agents report no cost: the column is shown only if a recent session has one.
        let sessions = model.facts.state.sessions();
        let has_cost = sessions.rev().take(200).any(|session| session.account.usage.usd_micros.is_some());
        let longest = (list.shape.name_width, list.shape.title_width);
        let columns = Columns::new(usize::from(width), longest, has_cost);
        let glyphs = if theme.glyphs.ascii { &graph::ASCII } else { &graph::UNICODE };
        Self { model, theme, list, kin, columns, glyphs, gutter }
    }

    /// Returns how a row is related to the selection: a fold by any of its objectives.
    fn kin_of(&self, row: usize) -> Kin {
        let nodes = self.list.rows.get(row).map_or(&[][..], Row::nodes);
        nodes.iter().fold(Kin::default(), |kin, &at| kin.or(self.kin[at as usize]))
    }

    fn row(&self, number: usize, area: Rect, buf: &mut Buffer) {
        let pieces = self.list.drawing.gutter(number, &|row| self.kin_of(row), self.glyphs);
        for (x, Piece { glyph, is_lit }) in (area.x + 1..area.right()).zip(&pieces) {
            let style = if *is_lit { self.theme.strong } else { self.theme.dim };
            buf[(x, area.y)].set_char(*glyph).set_style(style);
        }
        let x = area.x + 1 + self.gutter;
        let rest = Rect { x, width: area.right().saturating_sub(x + 1), ..area };
        match self.list.rows.get(number) {
            Some(Row::Node(at)) => {
                let Some(key) = self.list.shape.keys.get(*at as usize) else { return };
                let Some(one) = self.model.facts.state.objective(key) else { return };
                let context = RowContext {
                    model: self.model,
                    theme: self.theme,
                    columns: self.columns,
                    is_kin: self.kin[*at as usize].is_any(),
                    is_critical: self.list.critical[*at as usize],
                };
                columns::draw(one, &context, rest, buf);
            }
            Some(Row::Folded(nodes)) => self.folded(nodes, rest, buf),
            Some(Row::Heading { group, again }) => self.heading(*group, *again, &pieces, area, buf),
            None => {}
        }
    }

    fn folded(&self, nodes: &[u32], area: Rect, buf: &mut Buffer) {
        // From the end: the row has space for a few names, and the last ones are nearest to the rows below.
        let names = nodes.iter().rev().filter_map(|&at| self.list.shape.keys.get(at as usize));
        let names: Vec<&str> = names.map(|key| key.id.as_str()).take(12).collect();
        let words = format!("+{} done", nodes.len());
        let used = text::put(buf, area.x, area.y, area.width, &words, self.theme.landed);
        let x = area.x + used + 2;
        text::put(buf, x, area.y, area.right().saturating_sub(x), &names.join(", "), self.theme.dim);
    }

    /// Draws a heading, to the right of the edges that pass its row.
    fn heading(&self, group: u32, again: bool, pieces: &[Piece], area: Rect, buf: &mut Buffer) {
        // Edges of the graph pass a heading; the title must not cut them.
        let passing = pieces.iter().rposition(|piece| piece.glyph != ' ').map_or(0, |at| at + 2);
        let x = area.x + 1 + u16::try_from(passing).unwrap_or(0);
        let (landed, all) = self.list.counts.get(group as usize).copied().unwrap_or_default();
        let counts = format!("{landed}/{all}");
        let row = Rect { width: area.width.saturating_sub(1), ..area };
        text::put_right(buf, row, 1, &counts, self.theme.dim);
        let free = area.right().saturating_sub(x + 4 + u16::try_from(counts.len()).unwrap_or(0));
        let title = self.list.shape.groups.get(group as usize).map_or("", String::as_str);
        let title = if again { format!("{title} (again)") } else { title.to_owned() };
        text::put(buf, x, area.y, free, &title, self.theme.strong);
    }
}

/// Returns the text of a project whose active goal has no objective yet: its title, and what happens next.
fn without_work(answers: &Answers, state: &State, slug: &ProjectSlug, theme: &Theme) -> Option<[String; 2]> {
    let project = state.project(slug)?;
    let title = list::path(&state.active_line(slug), theme);
    // Planning is at one of these steps: running, waiting for approval, stuck, or not begun.
    let next = match (&project.planning.run, &project.planning.waiting, &project.planning.stuck) {
        (Some(run), _, _) => format!("Session {} plans its objectives.", run.session),
        (_, Some(_), _) => "A plan for this goal waits for your approval: `5` shows it.".to_owned(),
        (_, _, Some(reason)) => format!("The planner waits for you: {}.", reason.text),
        _ => match (answers.nothing_planned)(state, project) {
            Some(reason) => format!("The goal waits for you: {}. {}.", reason.text, reason.clears),
            None if project.paused => "The project is paused: `P` lets the planner begin.".to_owned(),
            None => {
                "The planner will divide this goal into objectives; `m` plans now, `o` adds one.".to_owned()
            }
        },
    };
    (!title.is_empty()).then_some([title, next])
}

/// Draws a pane without rows: why there are none, and what to do.
fn empty(model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let filter = &model.panes.objectives.filter;
    if !filter.is_empty() {
        let text = format!("No objective has {filter:?} in its id, title or state. Esc shows all.");
        return teach(&[&text], area, buf, theme);
    }
    if !model.facts.is_loaded {
        return teach(&["Reading …"], area, buf, theme);
    }
    let (state, now) = (&model.facts.state, model.project.as_ref());
    if let Some(words) = now.and_then(|slug| without_work(&model.answers, state, slug, theme)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        return teach(&words, area, buf, theme);
    }
    let lines: &[&str] = match now {
        None => &[
            "No project yet. `paddock project add PATH` registers a repository;",
            "`paddock demo` shows a full run.",
        ],
        Some(_) => {
            &["No objective yet. `a` adds a goal, `o` an objective;", "`paddock demo` shows a full run."]
        }
    };
    teach(lines, area, buf, theme);
}

impl Pane for Objectives {
    fn name(&self) -> &'static str {
        "Objectives"
    }

    fn heading(&self, model: &Model) -> Heading {
        let filter = &model.panes.objectives.filter;
        let right = match filter.as_str() {
            "" if current_list(model, inside(model)).drawing.is_cut() => "… more lines than fit".to_owned(),
            "" => String::new(),
            filter => format!("/ {filter}: {}", current_list(model, inside(model)).rows.len()),
        };
        Heading { left: String::new(), right }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let list = current_list(model, area);
        if list.rows.is_empty() {
            return empty(model, area, buf, theme);
        }
        let (shown_area, view) = (rows_area(area), View::new(model, theme, &list, area));
        let at = choice::row(model, &list);
        choice::note(model, &list, area);
        // The heading above the first objective is shown with it.
        let shown = at.map_or(0, |at| if at == 1 { 0 } else { at });
        let top = scrolled(
            model.panes.objectives.top.get(),
            shown,
            usize::from(shown_area.height),
            list.rows.len(),
        );
        model.panes.objectives.top.set(top);
        for (y, number) in (shown_area.y..shown_area.bottom()).zip(top..list.rows.len()) {
            let row = Rect { y, height: 1, ..shown_area };
            view.row(number, row, buf);
            if Some(number) == at {
                theme.select(buf, row, model.active() == PaneId::Objectives);
            }
        }
        if shown_area.height < area.height
            && let Some(key) = at.and_then(|at| list.key(at))
        {
            let words = format!("{}: {}", key.id, why_selected(model, key));
            let style = match model.facts.state.objective(key).map(|one| one.status) {
                Some(Status::NeedsReview | Status::Failed) => theme.needs,
                _ => theme.dim,
            };
            text::put(buf, area.x + 1, shown_area.bottom(), area.width.saturating_sub(2), &words, style);
        }
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let area = inside(model);
        let list = current_list(model, area);
        // Headings have rows but cannot be selected.
        let places: Vec<usize> = (0..list.rows.len()).filter(|&row| list.rows[row].is_selectable()).collect();
        let row = choice::row(model, &list);
        let near = model.panes.objectives.near.get();
        let step = |by: i32| choice::step(&places, row, near, by);
        let to = match verb {
            Verb::Move(by) => step(by),
            Verb::Page(by) => step(by * i32::from(rows_area(area).height.max(2) - 1)),
            Verb::Top => 0,
            Verb::Bottom => places.len().saturating_sub(1),
            Verb::Find(text) | Verb::Filter(text) => {
                choice::filter(model, text);
                return Reaction::done();
            }
            Verb::In | Verb::Fold => return fold(model, &list, row, verb == Verb::Fold),
            Verb::Out if !model.panes.objectives.filter.is_empty() => {
                choice::clear(model);
                return Reaction::done();
            }
            _ => return Reaction::Ignored,
        };
        if let Some(&row) = places.get(to) {
            choice::select(model, &list, row);
        }
        Reaction::done()
    }

    fn click(&self, model: &mut Model, row: usize) {
        let area = inside(model);
        let list = current_list(model, area);
        let at = model.panes.objectives.top.get() + row;
        // The last row of the pane may be the explanation, which selects nothing.
        let is_row = row < usize::from(rows_area(area).height);
        if is_row && list.rows.get(at).is_some_and(Row::is_selectable) {
            choice::select(model, &list, at);
        }
    }

    fn target(&self, model: &Model) -> Target {
        let Some(objective) = choice::shown(model) else { return Target::default() };
        // The selected session counts only if it is one of this objective: the log pane may show the
        // planner's.
        let sessions = model.facts.state.objective(&objective).map(|one| one.sessions.as_slice());
        let sessions = sessions.unwrap_or_default();
        let chosen = model.session.filter(|id| sessions.contains(id));
        Target { session: chosen.or(sessions.last().copied()), objective: Some(objective), gate: None }
    }

    fn why_none(&self, model: &Model) -> String {
        choice::why_none(model)
    }

    fn settle(&self, model: &mut Model) -> Vec<Effect> {
        choice::settle(model);
        Vec::new()
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["goal-add", "objective-add", "retry", "escalate", "kill", "extend", "diff", "explain"]
    }
}

/// Unfolds the selected fold. `Space` on any other row folds everything again.
fn fold(model: &mut Model, list: &List, row: Option<usize>, is_fold: bool) -> Reaction {
    let keys = |nodes: &[u32]| -> Vec<ObjectiveKey> {
        nodes.iter().filter_map(|&at| list.shape.keys.get(at as usize).cloned()).collect()
    };
    match row.and_then(|row| list.rows.get(row)) {
        Some(Row::Folded(nodes)) => {
            model.panes.objectives.unfolded.extend(keys(nodes));
            Reaction::done()
        }
        _ if !is_fold => Reaction::Ignored,
        _ => {
            if model.panes.objectives.unfolded.is_empty() {
                model.say("nothing to fold: finished objectives fold when the list does not fit".to_owned());
            }
            model.panes.objectives.unfolded.clear();
            Reaction::done()
        }
    }
}
