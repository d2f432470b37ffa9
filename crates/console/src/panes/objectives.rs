//! The objectives of the project: hierarchy, dependency lanes, states.

mod choice;
pub(crate) mod columns;
mod listed;
mod plan;
mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Heading, Pane, PaneId, Reaction, Target, Verb, scrolled, teach};
use crate::graph::{self, GlyphSet, Kin, Piece, Row, kin};
use crate::msg::Effect;
use crate::theme::Theme;
use crate::{Model, text};
use columns::{Columns, Setting};
use listed::{inside, list, plan};
use paddock_model::answers::{Answers, Surroundings};
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::Status;
use paddock_model::state::State;
use plan::Plan;

pub(crate) use state::Local;

/// The pane.
pub(crate) struct Objectives;

/// Why the selected one is where it is, in one line.
fn why_selected(model: &Model, key: &ObjectiveKey) -> String {
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
    plan: &'a Plan,
    kin: Vec<Kin>,
    columns: Columns,
    glyphs: &'static GlyphSet,
    gutter: u16,
}

impl<'a> View<'a> {
    fn new(model: &'a Model, theme: &'a Theme, plan: &'a Plan, area: Rect) -> Self {
        let selected = plan.row_of(model.selected.as_ref()).and_then(|row| plan.rows.get(row));
        let kin = kin(&plan.nodes, &plan.shape.order, selected.map_or(&[], Row::nodes));
        let gutter = u16::try_from(plan.drawing.width()).unwrap_or(0);
        let room = area.width.saturating_sub(gutter + 4);
        let sessions = model.facts.state.sessions();
        let has_cost = sessions.rev().take(200).any(|session| session.account.usage.usd_micros.is_some());
        let longest = (plan.shape.name_width, plan.shape.title_width);
        let columns = Columns::new(usize::from(room), longest, has_cost);
        let glyphs = if theme.glyphs.ascii { &graph::ASCII } else { &graph::UNICODE };
        Self { model, theme, plan, kin, columns, glyphs, gutter }
    }

    fn kin_of(&self, row: usize) -> Kin {
        let nodes = self.plan.rows.get(row).map_or(&[][..], Row::nodes);
        nodes.iter().fold(Kin::default(), |kin, &at| kin.or(self.kin[at as usize]))
    }

    fn row(&self, number: usize, area: Rect, buf: &mut Buffer) {
        let pieces = self.plan.drawing.gutter(number, &|row| self.kin_of(row), self.glyphs);
        for (x, Piece { glyph, is_lit }) in (area.x + 1..area.right()).zip(&pieces) {
            let style = if *is_lit { self.theme.strong } else { self.theme.dim };
            buf[(x, area.y)].set_char(*glyph).set_style(style);
        }
        let x = area.x + 1 + self.gutter;
        let rest = Rect { x, width: area.right().saturating_sub(x + 1), ..area };
        match self.plan.rows.get(number) {
            Some(Row::Node(at)) => {
                let Some(key) = self.plan.shape.keys.get(*at as usize) else { return };
                let Some(one) = self.model.facts.state.objective(key) else { return };
                let setting = Setting {
                    model: self.model,
                    theme: self.theme,
                    columns: self.columns,
                    is_kin: self.kin[*at as usize].is_any(),
                    is_critical: self.plan.critical[*at as usize],
                };
                columns::draw(one, &setting, rest, buf);
            }
            Some(Row::Folded(nodes)) => self.folded(nodes, rest, buf),
            Some(Row::Heading { group, again }) => self.heading(*group, *again, &pieces, area, buf),
            None => {}
        }
    }

    fn folded(&self, nodes: &[u32], area: Rect, buf: &mut Buffer) {
        let names = nodes.iter().rev().filter_map(|&at| self.plan.shape.keys.get(at as usize));
        let names: Vec<&str> = names.map(|key| key.id.as_str()).take(12).collect();
        let said = format!("+{} done", nodes.len());
        let used = text::put(buf, area.x, area.y, area.width, &said, self.theme.landed);
        let x = area.x + used + 2;
        text::put(buf, x, area.y, area.right().saturating_sub(x), &names.join(", "), self.theme.dim);
    }

    /// A heading begins right of the lanes that pass it.
    fn heading(&self, group: u32, again: bool, pieces: &[Piece], area: Rect, buf: &mut Buffer) {
        let passing = pieces.iter().rposition(|piece| piece.glyph != ' ').map_or(0, |at| at + 2);
        let x = area.x + 1 + u16::try_from(passing).unwrap_or(0);
        let (landed, all) = self.plan.counts.get(group as usize).copied().unwrap_or_default();
        let counts = format!("{landed}/{all}");
        let row = Rect { width: area.width.saturating_sub(1), ..area };
        text::put_right(buf, row, 1, &counts, self.theme.dim);
        let room = area.right().saturating_sub(x + 4 + u16::try_from(counts.len()).unwrap_or(0));
        let title = self.plan.shape.groups.get(group as usize).map_or("", String::as_str);
        let title = if again { format!("{title} (again)") } else { title.to_owned() };
        text::put(buf, x, area.y, room, &title, self.theme.strong);
    }
}

/// A goal that has no objective yet, and what comes next.
fn without_work(answers: &Answers, state: &State, slug: &ProjectSlug, theme: &Theme) -> Option<[String; 2]> {
    let project = state.project(slug)?;
    let title = plan::path(&state.active_line(slug), theme);
    let next = match (&project.planning.run, &project.planning.waiting, &project.planning.stuck) {
        (Some(run), _, _) => format!("Session {} plans its objectives.", run.session),
        (_, Some(_), _) => "A plan for it waits for you: `5` shows it.".to_owned(),
        (_, _, Some(reason)) => format!("The planner waits for you: {}.", reason.text),
        _ => match (answers.nothing_planned)(state, project) {
            Some(reason) => format!("It waits for you: {}. {}.", reason.text, reason.clears),
            None if project.paused => "The project is paused: `P` lets the planner begin.".to_owned(),
            None => "The planner divides it into objectives soon; `m` plans now, `o` adds one.".to_owned(),
        },
    };
    (!title.is_empty()).then_some([title, next])
}

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
    if let Some(said) = now.and_then(|slug| without_work(&model.answers, state, slug, theme)) {
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        return teach(&said, area, buf, theme);
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
            "" if plan(model, inside(model)).drawing.is_cut() => "… more lines than fit".to_owned(),
            "" => String::new(),
            filter => format!("/ {filter}: {}", plan(model, inside(model)).rows.len()),
        };
        Heading { left: String::new(), right }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let plan = plan(model, area);
        if plan.rows.is_empty() {
            return empty(model, area, buf, theme);
        }
        let (list, view) = (list(area), View::new(model, theme, &plan, area));
        let at = choice::row(model, &plan);
        choice::note(model, &plan, area);
        // The heading of what is at the top is shown with it.
        let shown = at.map_or(0, |at| if at == 1 { 0 } else { at });
        let top =
            scrolled(model.panes.objectives.top.get(), shown, usize::from(list.height), plan.rows.len());
        model.panes.objectives.top.set(top);
        for (y, number) in (list.y..list.bottom()).zip(top..plan.rows.len()) {
            let row = Rect { y, height: 1, ..list };
            view.row(number, row, buf);
            if Some(number) == at {
                theme.select(buf, row, model.active() == PaneId::Objectives);
            }
        }
        if list.height < area.height
            && let Some(key) = at.and_then(|at| plan.key(at))
        {
            let said = format!("{}: {}", key.id, why_selected(model, key));
            let style = match model.facts.state.objective(key).map(|one| one.status) {
                Some(Status::NeedsReview | Status::Failed) => theme.needs,
                _ => theme.dim,
            };
            text::put(buf, area.x + 1, list.bottom(), area.width.saturating_sub(2), &said, style);
        }
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let area = inside(model);
        let plan = plan(model, area);
        let places: Vec<usize> = (0..plan.rows.len()).filter(|&row| plan.rows[row].is_selectable()).collect();
        let row = choice::row(model, &plan);
        let near = model.panes.objectives.near.get();
        let step = |by: i32| choice::step(&places, row, near, by);
        let to = match verb {
            Verb::Move(by) => step(by),
            Verb::Page(by) => step(by * i32::from(list(area).height.max(2) - 1)),
            Verb::Top => 0,
            Verb::Bottom => places.len().saturating_sub(1),
            Verb::Find(text) | Verb::Filter(text) => {
                choice::filter(model, text);
                return Reaction::done();
            }
            Verb::In | Verb::Fold => return fold(model, &plan, row, verb == Verb::Fold),
            Verb::Out if !model.panes.objectives.filter.is_empty() => {
                choice::clear(model);
                return Reaction::done();
            }
            _ => return Reaction::Ignored,
        };
        if let Some(&row) = places.get(to) {
            choice::select(model, &plan, row);
        }
        Reaction::done()
    }

    fn click(&self, model: &mut Model, row: usize) {
        let area = inside(model);
        let plan = plan(model, area);
        let at = model.panes.objectives.top.get() + row;
        let is_row = row < usize::from(list(area).height);
        if is_row && plan.rows.get(at).is_some_and(Row::is_selectable) {
            choice::select(model, &plan, at);
        }
    }

    fn target(&self, model: &Model) -> Target {
        let Some(objective) = choice::shown(model) else { return Target::default() };
        // The session that was chosen, where it is one of this objective: a planner's log may be shown beside.
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

/// Unfolds a fold. `Space` anywhere else folds everything that was unfolded.
fn fold(model: &mut Model, plan: &Plan, row: Option<usize>, is_fold: bool) -> Reaction {
    let keys = |nodes: &[u32]| -> Vec<ObjectiveKey> {
        nodes.iter().filter_map(|&at| plan.shape.keys.get(at as usize).cloned()).collect()
    };
    match row.and_then(|row| plan.rows.get(row)) {
        Some(Row::Folded(nodes)) => {
            model.panes.objectives.unfolded.extend(keys(nodes));
            Reaction::done()
        }
        _ if !is_fold => Reaction::Ignored,
        _ => {
            if model.panes.objectives.unfolded.is_empty() {
                model.say("nothing to fold: finished work is folded by itself when room is short".to_owned());
            }
            model.panes.objectives.unfolded.clear();
            Reaction::done()
        }
    }
}
