//! The pane of a plan that waits for approval, as the objectives that it would add to the graph.

mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Copied, Heading, Pane, PaneId, Reaction, Target, Verb, teach};
use crate::graph::{self, Drawing, Folds, Kin, Node, Rails, Row};
use crate::theme::Theme;
use crate::{Model, layout, text};
use paddock_model::ids::ObjectiveId;
use paddock_model::objective::Status;
use paddock_model::plan::PlannedObjective;
use paddock_model::planning::WaitingPlan;
use paddock_model::project::Project;

pub(crate) use state::Local;

/// Columns of the graph, at most.
const GRAPH_COLUMNS_MAX: usize = 8;
/// Lines of the planner's reasoning, at most: the objectives below it must be visible without scrolling.
const REASONING_MAX: usize = 6;

pub(crate) struct Plan;

/// Returns the plan that waits in the shown project.
#[must_use]
pub(crate) fn waiting(model: &Model) -> Option<&WaitingPlan> {
    model.shown_project()?.planning.waiting.as_ref()
}

/// A node of the graph as the plan would make it: an existing objective, or a new one.
enum Part<'m> {
    Known(&'m ObjectiveId, Status),
    New(&'m PlannedObjective),
}

/// Returns the new objectives and the existing ones that they depend on, existing ones first.
fn parts<'m>(model: &'m Model, project: &'m Project, plan: &'m WaitingPlan) -> (Vec<Part<'m>>, Vec<Node>) {
    let new = &plan.plan.objectives;
    let mut parts: Vec<Part<'m>> = Vec::new();
    for id in new.iter().flat_map(|one| &one.depends_on) {
        // Each existing objective once, however many new ones depend on it.
        let is_had = parts.iter().any(|part| matches!(part, Part::Known(had, _) if *had == id));
        if is_had || new.iter().any(|one| one.id == *id) {
            continue;
        }
        let key = paddock_model::ids::ObjectiveKey { project: project.slug.clone(), id: id.clone() };
        let status = model.facts.state.objective(&key).map_or(Status::Todo, |one| one.status);
        parts.push(Part::Known(id, status));
    }
    // After the existing ones: the graph places earlier nodes above.
    parts.extend(new.iter().map(Part::New));
    let id_of = |part: &Part<'m>| match part {
        Part::Known(id, _) => *id,
        Part::New(one) => &one.id,
    };
    let place = |id: &ObjectiveId| parts.iter().position(|part| id_of(part) == id);
    let nodes = parts.iter().map(|part| match part {
        Part::Known(..) => Node::default(),
        Part::New(one) => {
            let needs = one.depends_on.iter().filter_map(place);
            Node { needs: needs.filter_map(|at| u32::try_from(at).ok()).collect(), ..Node::default() }
        }
    });
    let nodes = nodes.collect();
    (parts, nodes)
}

type Spans = Vec<(String, Style)>;

/// Returns the lines of a new objective: id and title, facts, acceptance criteria.
fn new_lines(one: &PlannedObjective, theme: &Theme) -> Vec<Spans> {
    let mut head = vec![("+ ".to_owned(), theme.landed), (one.id.to_string(), theme.landed)];
    head.push((format!("  {}", one.title), theme.plain));
    let mut facts = vec![one.worker_id.to_string()];
    if one.priority != 0 {
        facts.push(format!("priority {}", one.priority));
    }
    if !one.path_scope.is_empty() {
        facts.push(one.path_scope.join(", "));
    }
    facts.extend(one.session_budget.max_minutes.map(|minutes| format!("{minutes} min")));
    facts.extend(one.session_budget.max_commits.map(|commits| format!("{commits} commits")));
    let mut lines = vec![head, vec![(format!("    {}", facts.join("  ")), theme.dim)]];
    let met = one.acceptance_criteria.iter().map(|one| vec![(format!("    when {one}"), theme.dim)]);
    lines.extend(met);
    lines
}

/// Returns the plan as lines.
fn lines(model: &Model, columns: usize, theme: &Theme) -> Vec<Spans> {
    let (Some(project), Some(plan)) = (model.shown_project(), waiting(model)) else { return Vec::new() };
    let mut lines: Vec<Spans> = Vec::new();
    let reasoning = text::wrap(plan.plan.reasoning.trim(), columns);
    lines.extend(reasoning.into_iter().take(REASONING_MAX).map(|line| vec![(line, theme.plain)]));
    if !lines.is_empty() {
        lines.push(Vec::new());
    }
    for warning in &plan.warnings {
        let words = format!("{} {warning}", theme.glyphs.needs);
        lines.extend(text::wrap(&words, columns).into_iter().map(|line| vec![(line, theme.needs)]));
    }
    if !plan.warnings.is_empty() {
        lines.push(Vec::new());
    }
    lines.extend(graph(model, project, plan, theme));
    if !plan.plan.phase_checks.is_empty() {
        lines.extend([Vec::new(), vec![("the phase is done when".to_owned(), theme.strong)]]);
    }
    for check in &plan.plan.phase_checks {
        let words = vec![
            (format!("  {}  ", check.description), theme.plain),
            (check.check_command.clone(), theme.dim),
        ];
        lines.push(words);
    }
    lines
}

fn graph(model: &Model, project: &Project, plan: &WaitingPlan, theme: &Theme) -> Vec<Spans> {
    let (parts, nodes) = parts(model, project, plan);
    // Without objectives there is no graph to show, only what the planner believes.
    if plan.plan.objectives.is_empty() {
        return nothing_to_add(model, project, plan, theme);
    }
    let glyphs = if theme.glyphs.ascii { &graph::ASCII } else { &graph::UNICODE };
    let rows = graph::rows(&nodes, &graph::order(&nodes), &Folds::default());
    let rails = Rails::new(&nodes, &rows, GRAPH_COLUMNS_MAX);
    let passing = |at: usize| -> String {
        // Returns the gutter of the lines below an objective's first: edges that leave that row downward pass
        // through them.
        let below = rails.gutter(at, &|_| Kin::default(), glyphs);
        let leads_down = |glyph: char| matches!(glyph, '│' | '├' | '╭' | '┬' | '┼' | '|' | '+' | '.');
        let bar = if theme.glyphs.ascii { '|' } else { '│' };
        below.iter().map(|piece| if leads_down(piece.glyph) { bar } else { ' ' }).collect()
    };
    let mut lines = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let Row::Node(node) = row else { continue };
        let Some(part) = usize::try_from(*node).ok().and_then(|node| parts.get(node)) else { continue };
        let gutter: String =
            rails.gutter(at, &|_| Kin::default(), glyphs).iter().map(|piece| piece.glyph).collect();
        match part {
            Part::Known(id, status) => {
                let look = theme.status(*status);
                let words = format!("{} {id}  {}", look.glyph, look.word);
                lines.push(vec![(gutter, theme.dim), (words, theme.dim)]);
            }
            Part::New(one) => {
                for (index, mut line) in new_lines(one, theme).into_iter().enumerate() {
                    let before = if index == 0 { gutter.clone() } else { passing(at) };
                    line.insert(0, (before, theme.dim));
                    lines.push(line);
                }
            }
        }
    }
    lines
}

/// Returns the lines of a plan without objectives: the planner's belief that the phase is done, and the
/// objectives that speak against it.
fn nothing_to_add(model: &Model, project: &Project, plan: &WaitingPlan, theme: &Theme) -> Vec<Spans> {
    let phase = plan.phase.as_ref();
    let named = phase.map(|phase| format!(" {phase}")).unwrap_or_default();
    let words = format!("The planner believes that the phase{named} is done: it adds no objective.");
    let mut lines = vec![vec![(words, theme.plain)]];
    let Some(view) = phase.map(|phase| model.facts.state.phase_view(&project.slug, phase)) else {
        return lines;
    };
    for (what, ids, style) in [
        ("failed or cancelled", &view.failed, theme.needs),
        ("waiting for you", &view.stuck, theme.needs),
        ("not done yet", &view.moving, theme.dim),
    ] {
        if !ids.is_empty() {
            let ids: Vec<&str> = ids.iter().map(ObjectiveId::as_str).collect();
            lines.push(vec![(format!("  {what}: "), theme.dim), (ids.join(", "), style)]);
        }
    }
    lines.push(vec![("Approving this plan marks the phase as done.".to_owned(), theme.dim)]);
    lines
}

fn columns(model: &Model) -> usize {
    layout::inside(model, PaneId::Plan).map_or(80, |area| usize::from(area.width.saturating_sub(2)))
}

impl Pane for Plan {
    fn name(&self) -> &'static str {
        "Plan"
    }

    fn heading(&self, model: &Model) -> Heading {
        let Some(plan) = waiting(model) else { return Heading::default() };
        let phase = plan.phase.as_ref().map(|phase| format!("for phase {phase}")).unwrap_or_default();
        let since = text::short_time(model.now_ms - plan.since_ms);
        Heading { left: phase, right: format!("session {}, waits {since}", plan.session) }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        if waiting(model).is_none() {
            let lines =
                ["No plan waits for you.", "With `planner: {approval: manual}` every plan waits here first."];
            return teach(&lines, area, buf, theme);
        }
        let lines = lines(model, usize::from(area.width.saturating_sub(2)), theme);
        let local = &model.panes.plan;
        local.top.set(local.top.get().min(lines.len().saturating_sub(usize::from(area.height))));
        for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(local.top.get())) {
            let mut x = area.x + 1;
            for (words, style) in line {
                x += text::put(buf, x, y, area.right().saturating_sub(x + 1), words, *style);
            }
        }
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let count = lines(model, columns(model), &model.theme).len();
        let page =
            layout::inside(model, PaneId::Plan).map_or(10, |area| isize::try_from(area.height).unwrap_or(10));
        let top = model.panes.plan.top.get();
        let to = match verb {
            Verb::Move(by) => top.saturating_add_signed(by as isize),
            Verb::Page(by) => top.saturating_add_signed(by as isize * (page - 1).max(1)),
            Verb::Top => 0,
            Verb::Bottom => count,
            _ => return Reaction::Ignored,
        };
        // The view limits the position further: only it knows its height.
        model.panes.plan.top.set(to.min(count));
        Reaction::done()
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["approve", "reject", "plan", "copy", "out"]
    }

    fn target(&self, _model: &Model) -> Target {
        Target::default()
    }

    fn copy(&self, model: &Model) -> Option<Copied> {
        waiting(model)?;
        let text = |line: &Spans| line.iter().map(|(words, _)| words.as_str()).collect::<String>();
        let all: Vec<String> = lines(model, 100, &model.theme).iter().map(text).collect();
        Some(Copied { text: all.join("\n"), what: "the plan".to_owned() })
    }
}
