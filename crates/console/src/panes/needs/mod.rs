//! The pane of needs: what waits for a person, and what each key would do about it.

mod card;
mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Heading, Pane, PaneId, Reaction, Target, Verb, chosen, gone, stepped, teach};
use crate::data::failure_lines::failure_lines;
use crate::data::{Need, NeedKind, evidence};
use crate::msg::{Effect, Job};
use crate::theme::Theme;
use crate::{Model, text};
use paddock_model::gate::{GateRun, VerdictCode};
use paddock_model::ids::{AgentId, GateId};
use paddock_model::planning::unanswered;
use paddock_model::reason::ReasonCode;

pub(crate) use card::Card;
pub(crate) use card::card;

pub(crate) use state::Local;

/// Gate runs whose failure lines are kept, and runs searched for the last red one, at most.
const GATES_MAX: usize = 200;
/// Columns of a line's name: `tried`, `evidence`.
const NAME: u16 = 9;
/// Lines that each text of a card keeps in a low pane. One line is rarely a whole sentence.
const LINES_MIN: usize = 2;
/// Lines of each text in a high pane. A longer text is no summary; `Enter` or `E` shows the whole.
const LINES_MAX: usize = 12;

pub(crate) struct Needs;

/// Returns the index of the selected need.
fn selected_index(model: &Model) -> Option<usize> {
    chosen(&model.digest.needs, model.panes.needs.at.as_ref(), |need| Some(need.occurrence()))
}

/// Returns the index of the need whose card is open: the selected one, or, after that is resolved, the one
/// now at its place. Only the card is shown then; keys are refused, since nothing is selected.
fn open(model: &Model) -> usize {
    selected_index(model)
        .unwrap_or_else(|| stepped(None, model.panes.needs.near.get(), 0, model.digest.needs.len()))
}

/// Returns the selected need.
#[must_use]
pub(crate) fn selected(model: &Model) -> Option<&Need> {
    model.digest.needs.get(selected_index(model)?)
}

/// Returns whether the waiting plan is the target of keys.
#[must_use]
pub(crate) fn is_plan(model: &Model) -> bool {
    match model.active() {
        PaneId::Plan => true,
        PaneId::Needs => selected(model).is_some_and(|need| need.kind == NeedKind::Plan),
        _ => false,
    }
}

/// Returns the agent about which the selected need asks whether it may plan.
#[must_use]
pub(crate) fn asked_planner(model: &Model) -> Option<AgentId> {
    let is_asked = |need: &&Need| need.reason.code == ReasonCode::MayPlan;
    selected(model).filter(|_| model.active() == PaneId::Needs).filter(is_asked)?;
    unanswered(model.shown_project()?).first().map(|agent| (*agent).clone())
}

/// Returns the keys of actions with what each would do, in one line.
fn key_line(model: &Model, keys: &[(&'static str, &'static str)], theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for (name, what) in keys {
        // An action without a key is run by its name.
        let key = model.keymap.key(name).unwrap_or_else(|| format!(":{name}"));
        spans.push(Span::styled(key, theme.key));
        spans.push(Span::styled(format!(" {what}   "), theme.dim));
    }
    spans
}

/// A line of a card. Only the first line of a text has a name.
struct CardLine {
    name: &'static str,
    text: String,
    is_evidence: bool,
}

/// Returns the lines of a card, at most `rows` if possible. The limit is the same for all texts, so that the
/// longest are cut first; no text is cut to fewer than [`LINES_MIN`] lines.
fn card_lines(card: &Card, columns: usize, rows: usize) -> Vec<CardLine> {
    let fits = |each: &usize| card_lines_limited(card, columns, *each).len() <= rows;
    let each = (LINES_MIN..=LINES_MAX).rev().find(fits).unwrap_or(LINES_MIN);
    card_lines_limited(card, columns, each)
}

/// Returns the lines of a card, with at most `each` lines for each text.
fn card_lines_limited(card: &Card, columns: usize, each: usize) -> Vec<CardLine> {
    let mut all = Vec::new();
    let mut add = |name: &'static str, text: &str, is_evidence: bool| {
        let lines = text::wrap(text, columns);
        // A mark shows that the text is longer, since the last line may end like a sentence.
        let is_cut = lines.len() > each;
        for (index, mut line) in lines.into_iter().take(each).enumerate() {
            if is_cut && index + 1 == each {
                line = text::cut(&format!("{line} …"), columns);
            }
            let name = if index == 0 { name } else { "" };
            all.push(CardLine { name, text: line, is_evidence });
        }
    };
    if let Some(tried) = &card.tried {
        add("tried", tried, false);
    }
    for (index, line) in card.evidence.iter().enumerate() {
        add(if index == 0 { "evidence" } else { "" }, line, true);
    }
    if let Some(clears) = &card.clears {
        add("clears", clears, false);
    }
    all
}

fn draw_head(model: &Model, need: &Need, card: &Card, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let x = area.x + 1;
    text::put(buf, x, area.y, 1, theme.glyphs.needs, theme.needs);
    let taken = text::put(buf, x + 2, area.y, area.width / 3, &card.name, theme.strong);
    let since = match need.reason.since_ms {
        // The time is unknown.
        0 => String::new(),
        since_ms => text::short_time(model.now_ms - since_ms),
    };
    text::put_right(buf, area, 1, &since, theme.dim);
    let x = x + 2 + taken + 2;
    let end = area.right().saturating_sub(u16::try_from(since.len()).unwrap_or(0) + 3);
    text::put(buf, x, area.y, end.saturating_sub(x), &card.what, theme.needs);
}

/// Draws the cards: the open one whole, the others as one line each.
fn draw(model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let needs = &model.digest.needs;
    let at = open(model);
    model.panes.needs.near.set(at);
    let Some(selected) = needs.get(at) else { return };
    let card_of = card(model, selected);
    // Two rows are for the head and the keys of the open card. Its text leaves one row for each other card,
    // up to a third of the pane: with many needs, the evidence of the open one is worth more than their
    // heads.
    let others = needs.len() - 1;
    let height = usize::from(area.height);
    let body = height.saturating_sub(2 + others.min(height / 3));
    let lines = card_lines(&card_of, usize::from(area.width.saturating_sub(NAME + 6)), body);
    let body = body.min(lines.len());
    // Head, text, and keys if a row is left for them.
    let own = 1 + body + usize::from(height > 1 + body);
    model.panes.needs.rows.set(own);
    let for_others = height.saturating_sub(own);
    let first = model.panes.needs.top.get().min(at).max((at).saturating_sub(for_others));
    let first = first.min(needs.len().saturating_sub(for_others + 1));
    model.panes.needs.top.set(first);
    let mut y = area.y;
    for (index, need) in needs.iter().enumerate().skip(first) {
        if y >= area.bottom() {
            return;
        }
        let row = Rect { y, height: 1, ..area };
        if index != at {
            draw_head(model, need, &card(model, need), row, buf, theme);
            y += 1;
            continue;
        }
        draw_head(model, need, &card_of, row, buf, theme);
        if model.active() == PaneId::Needs && selected_index(model).is_some() {
            text::put(buf, area.x, y, 1, theme.glyphs.selected, theme.needs);
        }
        y += 1;
        for line in lines.iter().take(body) {
            let style = if line.is_evidence { theme.plain } else { theme.dim };
            text::put(buf, area.x + 3, y, NAME, line.name, theme.dim);
            let x = area.x + 3 + NAME;
            text::put(buf, x, y, area.right().saturating_sub(x + 1), &line.text, style);
            y += 1;
        }
        if y < area.bottom() {
            let keys = Line::from(key_line(model, &card_of.keys, theme));
            text::put_line(buf, area.x + 3, y, area.width.saturating_sub(4), &keys);
            y += 1;
        }
    }
}

/// Returns the last gate run of the project that was not green. If the queue is held for a red gate, it is
/// this run's.
pub(super) fn red_gate(model: &Model) -> Option<GateId> {
    let project = model.shown_project()?;
    let is_green = |code: VerdictCode| matches!(code, VerdictCode::Green | VerdictCode::GreenExitOnly);
    let is_red =
        |gate: &&GateRun| gate.project == project.slug && gate.code().is_some_and(|code| !is_green(code));
    model.facts.state.gates().rev().take(GATES_MAX).find(is_red).map(|gate| gate.id)
}

/// Returns the gate runs whose failure lines the open card shows.
fn wanted_gates(model: &Model) -> Vec<GateId> {
    let Some(need) = model.digest.needs.get(open(model)) else { return Vec::new() };
    match &need.kind {
        NeedKind::Objective(key) => {
            let one = model.facts.state.objective(key);
            one.and_then(evidence::failed_gate).into_iter().collect()
        }
        NeedKind::Queue => red_gate(model).into_iter().collect(),
        _ => Vec::new(),
    }
}

impl Pane for Needs {
    fn name(&self) -> &'static str {
        "Needs you"
    }

    fn heading(&self, model: &Model) -> Heading {
        let count = model.digest.needs.len();
        let right = match count {
            0 | 1 => String::new(),
            _ => format!("{} of {count}", open(model) + 1),
        };
        Heading { left: String::new(), right }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        if model.digest.needs.is_empty() {
            let lines = [
                "Nothing waits for you.",
                "Anything that needs a decision appears here, with its evidence.",
                "The terminal rings once for each.",
            ];
            return teach(&lines, area, buf, theme);
        }
        draw(model, area, buf, theme);
    }

    fn folded(&self, model: &Model, theme: &Theme) -> Option<Line<'static>> {
        let Some(need) = model.digest.needs.get(open(model)) else {
            return Some(Line::from(Span::styled("Nothing waits for you.", theme.dim)));
        };
        let card = card(model, need);
        // Not empty: a card is open.
        let more = model.digest.needs.len() - 1;
        let more = if more > 0 { format!(" (+{more})") } else { String::new() };
        let name = text::clean(&card.name);
        let mut spans = vec![
            Span::styled(format!("{} {name}{more}: ", theme.glyphs.needs), theme.needs),
            // Cut, so that the keys after it stay visible.
            Span::raw(text::cut(&card.what, 48)),
            Span::raw("   "),
        ];
        spans.extend(key_line(model, &card.keys, theme));
        Some(Line::from(spans))
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let (count, near) = (model.digest.needs.len(), model.panes.needs.near.get());
        let to = match verb {
            Verb::Move(by) | Verb::Page(by) | Verb::Found(by) => {
                stepped(selected_index(model), near, by, count)
            }
            Verb::Top => 0,
            Verb::Bottom => count.saturating_sub(1),
            Verb::In => {
                return match selected(model).map(|need| need.kind.clone()) {
                    Some(NeedKind::Plan) => {
                        model.cover(PaneId::Plan);
                        Reaction::done()
                    }
                    // Both are explained by the queue, with the output of the gate and the files in the way.
                    Some(NeedKind::Queue | NeedKind::Publication) => {
                        (model.focus, model.zoomed) = (PaneId::Queue, true);
                        Reaction::done()
                    }
                    _ => Reaction::Ignored,
                };
            }
            _ => return Reaction::Ignored,
        };
        model.panes.needs.at = model.digest.needs.get(to).map(Need::occurrence);
        Reaction::done()
    }

    fn click(&self, model: &mut Model, row: usize) {
        let (local, at) = (&model.panes.needs, open(model));
        let (row, rows) = (local.top.get() + row, local.rows.get());
        // Cards above the open one have a row each; every row of the open card selects it.
        let index = if row < at + rows { row.min(at) } else { row + 1 - rows };
        if let Some(need) = model.digest.needs.get(index) {
            model.panes.needs.at = Some(need.occurrence());
        }
    }

    fn hints(&self, model: &Model) -> Vec<&'static str> {
        let keys = selected(model).map(|need| card(model, need).keys).unwrap_or_default();
        keys.into_iter().map(|(name, _)| name).chain(["explain"]).collect()
    }

    fn target(&self, model: &Model) -> Target {
        match selected(model).map(|need| &need.kind) {
            Some(NeedKind::Objective(key)) => {
                let session = model.facts.state.objective(key).and_then(|one| one.sessions.last().copied());
                Target { objective: Some(key.clone()), session, gate: None }
            }
            _ => Target::default(),
        }
    }

    fn why_none(&self, model: &Model) -> String {
        match (selected(model), model.digest.needs.is_empty()) {
            (Some(_), _) => "the selected card is about no objective".to_owned(),
            (None, true) => "nothing waits for you".to_owned(),
            (None, false) => gone("card"),
        }
    }

    fn settle(&self, model: &mut Model) -> Vec<Effect> {
        let is_active = model.active() == PaneId::Needs;
        // As in the queue: a need that is resolved while the pane has the focus leaves nothing selected.
        if !is_active && selected_index(model).is_none() {
            model.panes.needs.at = None;
        } else if is_active && model.panes.needs.at.is_none() {
            model.panes.needs.at = model.digest.needs.first().map(Need::occurrence);
        }
        let wanted =
            wanted_gates(model).into_iter().find(|gate| !model.panes.needs.failures.contains_key(gate));
        let Some(gate) = wanted else { return Vec::new() };
        let failures = &mut model.panes.needs.failures;
        // Cleared as a whole: what the open card shows is simply read again.
        if failures.len() >= GATES_MAX {
            failures.clear();
        }
        // An empty entry marks the run as requested, so that it is read once: output that cannot be read now
        // could not be read the next time either.
        failures.insert(gate, Vec::new());
        vec![Effect::Job(Job::new(format!("read gate run {gate}"), move |world| {
            // Reads files: on a thread of its own, as every job.
            let lines = failure_lines(&world.workspace.gate_dir(gate));
            Box::new(move |model: &mut Model| {
                model.panes.needs.failures.insert(gate, lines);
                Vec::new()
            })
        }))]
    }
}
