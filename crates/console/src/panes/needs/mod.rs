//! What waits for a human, and what each key would do about it.

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
use paddock_model::gate::{GateRun, Verdict};
use paddock_model::ids::GateId;

pub(crate) use card::Card;
pub(crate) use card::card;

pub(crate) use state::Local;

/// What gate runs said is kept of so many.
const FAILURE_LINES_MAX: usize = 200;
/// The columns of a line's name: `tried`, `because`.
const NAME: u16 = 9;
/// Lines that each text of a card has however little room there is …
const LINES_LEAST: usize = 2;
/// … and where there is plenty: what is longer is no card any more, and `Enter` or `E` shows it.
const LINES_MOST: usize = 12;

/// The pane.
pub(crate) struct Needs;

fn place(model: &Model) -> Option<usize> {
    chosen(&model.digest.needs, model.panes.needs.at.as_ref(), |need| Some(need.occurrence()))
}

/// The need whose card is open: the selected one, or the one that stands where it was.
fn open(model: &Model) -> usize {
    place(model).unwrap_or_else(|| stepped(None, model.panes.needs.near.get(), 0, model.digest.needs.len()))
}

/// The need that is selected.
#[must_use]
pub(crate) fn selected(model: &Model) -> Option<&Need> {
    model.digest.needs.get(place(model)?)
}

/// Whether the plan that waits is what keys are about.
#[must_use]
pub(crate) fn is_plan(model: &Model) -> bool {
    match model.active() {
        PaneId::Plan => true,
        PaneId::Needs => selected(model).is_some_and(|need| need.kind == NeedKind::Plan),
        _ => false,
    }
}

/// The key of an action with what it would do: none when it cannot be done now.
fn key_line(model: &Model, keys: &[(&'static str, &'static str)], theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for (name, what) in keys {
        // What has no key is reached by its name.
        let key = model.keymap.key(name).unwrap_or_else(|| format!(":{name}"));
        spans.push(Span::styled(key, theme.key));
        spans.push(Span::styled(format!(" {what}   "), theme.dim));
    }
    spans
}

/// A line of a card: its name, if it is the first of its kind, and its text.
struct Said {
    name: &'static str,
    text: String,
    is_evidence: bool,
}

/// What a card says, in at most `rows` lines if it can be: the longest of its texts are cut first, and no text
/// to fewer than two lines.
fn said(card: &Card, columns: usize, rows: usize) -> Vec<Said> {
    let fits = |each: &usize| said_in(card, columns, *each).len() <= rows;
    let each = (LINES_LEAST..=LINES_MOST).rev().find(fits).unwrap_or(LINES_LEAST);
    said_in(card, columns, each)
}

/// The same with so many lines for each text at most.
fn said_in(card: &Card, columns: usize, each: usize) -> Vec<Said> {
    let mut all = Vec::new();
    let mut add = |name: &'static str, text: &str, is_evidence: bool| {
        let lines = text::wrap(text, columns);
        let is_cut = lines.len() > each;
        for (index, mut line) in lines.into_iter().take(each).enumerate() {
            if is_cut && index + 1 == each {
                line = text::cut(&format!("{line} …"), columns);
            }
            let name = if index == 0 { name } else { "" };
            all.push(Said { name, text: line, is_evidence });
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
        // Nobody has written down since when.
        0 => String::new(),
        since_ms => text::short_time(model.now_ms - since_ms),
    };
    text::put_right(buf, area, 1, &since, theme.dim);
    let x = x + 2 + taken + 2;
    let end = area.right().saturating_sub(u16::try_from(since.len()).unwrap_or(0) + 3);
    text::put(buf, x, area.y, end.saturating_sub(x), &card.what, theme.needs);
}

/// How many rows cards take that are not selected, and the selected one.
fn draw(model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let needs = &model.digest.needs;
    let at = open(model);
    model.panes.needs.near.set(at);
    let Some(selected) = needs.get(at) else { return };
    let card_of = card(model, selected);
    // Head and keys of the selected card, then as much of what it says as leaves the others a line each.
    let others = needs.len() - 1;
    let height = usize::from(area.height);
    let body = height.saturating_sub(2 + others.min(height / 3));
    let lines = said(&card_of, usize::from(area.width.saturating_sub(NAME + 6)), body);
    let body = body.min(lines.len());
    let own = 1 + body + usize::from(height > 1 + body);
    model.panes.needs.rows.set(own);
    let room = height.saturating_sub(own);
    let first = model.panes.needs.top.get().min(at).max((at).saturating_sub(room));
    let first = first.min(needs.len().saturating_sub(room + 1));
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
        if model.active() == PaneId::Needs && place(model).is_some() {
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

/// The last run of the project that was not green: what holds its queue.
pub(super) fn red_gate(model: &Model) -> Option<GateId> {
    let project = model.shown_project()?;
    let is_red = |gate: &&GateRun| {
        gate.project == project.slug && gate.verdict.is_some_and(|verdict| verdict != Verdict::Green)
    };
    model.facts.state.gates().rev().take(FAILURE_LINES_MAX).find(is_red).map(|gate| gate.id)
}

/// Gate runs whose output the selected card wants.
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
                "What does comes here with its evidence, and the terminal rings once.",
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
        let more = model.digest.needs.len() - 1;
        let more = if more > 0 { format!(" (+{more})") } else { String::new() };
        let name = text::clean(&card.name);
        let mut spans = vec![
            Span::styled(format!("{} {name}{more}: ", theme.glyphs.needs), theme.needs),
            Span::raw(text::cut(&card.what, 48)),
            Span::raw("   "),
        ];
        spans.extend(key_line(model, &card.keys, theme));
        Some(Line::from(spans))
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let (count, near) = (model.digest.needs.len(), model.panes.needs.near.get());
        let to = match verb {
            Verb::Move(by) | Verb::Page(by) | Verb::Found(by) => stepped(place(model), near, by, count),
            Verb::Top => 0,
            Verb::Bottom => count.saturating_sub(1),
            Verb::In => {
                return match selected(model).map(|need| need.kind.clone()) {
                    Some(NeedKind::Plan) => {
                        model.cover(PaneId::Plan);
                        Reaction::done()
                    }
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
            (Some(_), _) => "what is selected here is about no objective".to_owned(),
            (None, true) => "nothing waits for you".to_owned(),
            (None, false) => gone("card"),
        }
    }

    fn settle(&self, model: &mut Model) -> Vec<Effect> {
        let is_active = model.active() == PaneId::Needs;
        if !is_active && place(model).is_none() {
            model.panes.needs.at = None;
        } else if is_active && model.panes.needs.at.is_none() {
            model.panes.needs.at = model.digest.needs.first().map(Need::occurrence);
        }
        let wanted =
            wanted_gates(model).into_iter().find(|gate| !model.panes.needs.reported.contains_key(gate));
        let Some(gate) = wanted else { return Vec::new() };
        let reported = &mut model.panes.needs.reported;
        if reported.len() >= FAILURE_LINES_MAX {
            reported.clear();
        }
        // Asked for once: what cannot be read now is not read the next time either.
        reported.insert(gate, Vec::new());
        vec![Effect::Job(Job::new(format!("read gate run {gate}"), move |world| {
            let lines = failure_lines(&world.workspace.gate_dir(gate));
            Box::new(move |model: &mut Model| {
                model.panes.needs.reported.insert(gate, lines);
                Vec::new()
            })
        }))]
    }
}
