//! The pane of the merge queue: its entries in landing order, and what each waits for.

mod entries;
mod radar;
mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::log::steer;
use super::{Heading, Pane, PaneId, Reaction, Target, Verb, chosen, gone, scrolled, stepped, teach};
use crate::finder::FinderKind;
use crate::log::{LogId, draw as draw_log, lock_log};
use crate::msg::Effect;
use crate::theme::Theme;
use crate::{Model, layout, text};
use entries::{Bracket, Row, other_runs, rows};
use paddock_model::ids::{GateId, ObjectiveId, ObjectiveKey};
use paddock_model::project::Project;
use paddock_model::settings::Slots;
use paddock_report::evidence;

pub(crate) use state::Local;

/// Columns of a progress bar.
const BAR: usize = 9;
/// Rows from which on a pane with the whole screen shows the output of a gate run below the list.
const OUTPUT_FROM_HEIGHT: u16 = 12;

pub(crate) struct Queue;

/// Returns the index of the selected entry.
fn selected_index(model: &Model, rows: &[Row]) -> Option<usize> {
    chosen(rows, model.panes.queue.at.as_ref(), |row| row.objective.clone())
}

/// Returns whether the pane has the whole screen.
fn has_screen(model: &Model) -> bool {
    model.active() == PaneId::Queue && model.zoomed
}

/// Returns the gate run whose output is shown: that of the selected entry, else an open one, else the last
/// one. Returns `None` unless the pane has the whole screen.
#[must_use]
pub(crate) fn gate(model: &Model) -> Option<GateId> {
    if !has_screen(model) {
        return None;
    }
    let project = model.shown_project()?;
    let rows = rows(model, project);
    let selected = selected_index(model, &rows).and_then(|at| rows.get(at)).and_then(|row| row.gate);
    let state = &model.facts.state;
    let open = || state.open_gates().find(|gate| gate.project == project.slug).map(|gate| gate.id);
    // Bounded: the pane is drawn for every key.
    let last = || state.gates().rev().take(200).find(|gate| gate.project == project.slug).map(|gate| gate.id);
    selected.or_else(open).or_else(last)
}

fn state_style(state: &str, theme: &Theme) -> Style {
    match state {
        "gate" => theme.working,
        "lands" => theme.landed,
        _ => theme.dim,
    }
}

fn bracket(bracket: Bracket, ascii: bool) -> &'static str {
    match (bracket, ascii) {
        (Bracket::None, _) => " ",
        (Bracket::First, false) => "╭",
        (Bracket::Middle, false) => "│",
        (Bracket::Last, false) => "╰",
        (_, true) => "|",
    }
}

fn draw_row(at: usize, row: &Row, names: u16, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let glyphs = &theme.glyphs;
    let (mut x, y) = (area.x + 1, area.y);
    let put = |buf: &mut Buffer, x: u16, words: &str, style: Style| {
        text::put(buf, x, y, area.right().saturating_sub(x + 1), words, style)
    };
    put(buf, x, &text::fit_right(&(at + 1).to_string(), 2), theme.dim);
    put(buf, x + 3, bracket(row.bracket, glyphs.ascii), theme.working);
    x += 5;
    text::put(buf, x, y, names, &row.name, theme.plain);
    x += names + 2;
    put(buf, x, row.state, state_style(row.state, theme));
    // Five letters of the state, and a gap.
    x += 7;
    if let Some(progress) = &row.progress {
        // In a narrow row the words are shortened first, then the bar is dropped: command and time say more.
        let columns = usize::from(area.right().saturating_sub(x + 1));
        let (full, short) = (progress.words(), progress.short_words());
        let (words, has_bar) = match columns {
            columns if columns >= text::width(&full) + BAR + 2 => (full, true),
            columns if columns >= text::width(&short) + BAR + 2 => (short, true),
            _ => (short, false),
        };
        if let Some(share) = progress.share().filter(|_| has_bar) {
            let bar = text::bar(share, 1.0, BAR, glyphs.bar_full, glyphs.bar_empty);
            x += put(buf, x, &bar, theme.working) + 2;
        }
        x += put(buf, x, &words, theme.plain) + 2;
    }
    put(buf, x, &row.detail, theme.dim);
}

/// Returns the lines below the entries: other gate runs, and the state of publishing.
fn footer_lines(model: &Model, project: &Project, theme: &Theme, full_screen: bool) -> Vec<(String, Style)> {
    let mut lines = Vec::new();
    lines.extend(other_runs(model, project).into_iter().map(|(_, words)| (words, theme.working)));
    let waiting = &project.integration.unpublished;
    // Objectives that had nothing to land count as landed but were never published.
    let landed = model.digest.landed.saturating_sub(model.digest.unchanged);
    let published = landed.saturating_sub(waiting.len());
    let dot = theme.glyphs.dot;
    let words = format!("published {published}");
    match &project.integration.waits {
        None if waiting.is_empty() => lines.push((words, theme.dim)),
        None => {
            lines.push((format!("{words}  {dot}  {} landed, not published yet", waiting.len()), theme.dim));
        }
        Some(wait) => {
            // A wait is shown even if nothing is listed as unpublished yet.
            let count = waiting.len().max(1);
            let verb = if count == 1 { "waits" } else { "wait" };
            let why = format!("{words}  {dot}  {count} {verb}: {}", wait.text);
            lines.push((why, theme.needs));
            if full_screen {
                lines.extend(wait.files.iter().map(|file| (format!("  {file}"), theme.plain)));
            }
        }
    }
    if full_screen && !waiting.is_empty() {
        let ids: Vec<&str> = waiting.iter().map(ObjectiveId::as_str).collect();
        lines.push((format!("not published yet: {}", ids.join(", ")), theme.dim));
    }
    lines
}

/// Returns the number of slots. If it was measured, the words include the figure that it follows from:
/// `slots 1 (a run takes 1.70× as long in parallel)`.
fn slots(project: &Project) -> String {
    let count = project.gate_slots();
    let found = project.slot_tuning.found(&project.settings.gate_terms());
    match found.filter(|_| project.settings.queue.slots == Slots::Auto) {
        Some(found) => {
            let factor = f64::from(found.beside) / 1_000.0;
            format!("slots {count} (a run takes {factor:.2}× as long in parallel)")
        }
        None => format!("slots {count}"),
    }
}

/// Returns why the queue is held, if it is.
fn hold(project: &Project) -> Option<String> {
    let reason = project.train.held.as_ref().or_else(|| project.landing_hold())?;
    Some(format!("held: {}", reason.text))
}

/// Draws the reason of a hold, the entries and the footer lines. Returns the number of rows drawn.
fn list(model: &Model, project: &Project, area: Rect, buf: &mut Buffer, theme: &Theme) -> u16 {
    let rows = rows(model, project);
    let mut y = area.y;
    let width = area.width.saturating_sub(2);
    if let Some(held) = hold(project) {
        text::put(buf, area.x + 1, y, width, &held, theme.needs);
        y += 1;
    }
    let footer = footer_lines(model, project, theme, has_screen(model));
    let footer_rows = u16::try_from(footer.len()).unwrap_or(0);
    let free = area.bottom().saturating_sub(y);
    // The entries come first, but the footer keeps up to half of the rows: why publishing waits must be
    // visible.
    let for_entries = free.saturating_sub(footer_rows.min(free / 2));
    let at = selected_index(model, &rows);
    let height = usize::from(for_entries).min(rows.len().max(1));
    let local = &model.panes.queue;
    // Without a selection both positions stay, so that the list does not jump.
    local.near.set(at.unwrap_or(local.near.get()));
    let top = scrolled(local.top.get(), at.unwrap_or(local.top.get()), height, rows.len());
    local.top.set(top);
    local.shown.set((usize::from(y - area.y), height.min(rows.len() - top)));
    // Names take a third of the pane at most; progress and reasons matter more.
    let widest = rows.iter().map(|row| text::width(&row.name)).max().unwrap_or(0);
    let names = u16::try_from(widest).unwrap_or(0).clamp(8, (area.width / 3).max(8));
    if rows.is_empty() {
        let words = "Nothing is queued: work that passes its review comes here.";
        text::put(buf, area.x + 1, y, width, words, theme.dim);
        y += 1;
    }
    for (index, row) in rows.iter().enumerate().skip(top).take(height) {
        let row_area = Rect { y, height: 1, ..area };
        draw_row(index, row, names, row_area, buf, theme);
        if Some(index) == at && model.active() == PaneId::Queue {
            theme.select(buf, row_area, true);
        }
        y += 1;
    }
    for (line, style) in footer.into_iter().take(usize::from(area.bottom().saturating_sub(y))) {
        text::put(buf, area.x + 1, y, width, &line, style);
        y += 1;
    }
    y - area.y
}

/// Draws the pane with the whole screen: the list, the conflict radar, and the output of a gate run.
fn full_screen(model: &Model, project: &Project, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let mut taken = list(model, project, Rect { height: area.height / 2, ..area }, buf, theme);
    // The radar is dropped before the output: at least seven rows of it must remain.
    let radar = radar::rows(&model.answers, project);
    if radar > 0 && taken + radar + 8 < area.height {
        let radar_area = Rect { y: area.y + taken + 1, height: radar, ..area };
        radar::draw(&model.answers, project, radar_area, buf, theme);
        taken += radar + 1;
    }
    let Some(gate) = gate(model) else { return };
    let rule = area.y + taken;
    let below = Rect { y: rule + 1, height: area.bottom().saturating_sub(rule + 1), ..area };
    let line = theme.glyphs.border.horizontal_top.repeat(usize::from(area.width));
    text::put(buf, area.x, rule, area.width, &line, theme.border);
    text::put(buf, area.x + 2, rule, area.width.saturating_sub(4), &gate_status(model, gate), theme.strong);
    draw_search(model, gate, Rect { y: rule, height: 1, ..area }, buf, theme);
    let Some(open) = model.panes.log.book.get(LogId::Gate(gate)) else {
        return teach(&["Reading the output …"], below, buf, theme);
    };
    let mut log = lock_log(&open.log);
    if log.doc.lines(open.view.borrow().mode()) == 0 {
        let words = match log.doc.is_over() {
            true => "The gate run printed nothing.",
            false => "The gate run has printed nothing yet.",
        };
        return teach(&[words], below, buf, theme);
    }
    draw_log(&mut open.view.borrow_mut(), &mut log, below, buf, theme, false);
}

/// Draws the search and filter of the output at the right of the rule above it.
fn draw_search(model: &Model, gate: GateId, rule: Rect, buf: &mut Buffer, theme: &Theme) {
    let Some(open) = model.panes.log.book.get(LogId::Gate(gate)) else { return };
    let words = super::log::search_words(model, &open.view.borrow(), &lock_log(&open.log)).join("  ");
    if !words.is_empty() {
        let words = text::cut(&words, usize::from(rule.width / 2));
        text::put_right(buf, rule, 2, &format!(" {words} "), theme.dim);
    }
}

/// Returns the results of a gate run so far: ` gate run 12 · tests green 1:24 · 42 tests (41 before) `.
fn gate_status(model: &Model, gate: GateId) -> String {
    let Some(run) = model.facts.state.gate(gate) else { return String::new() };
    let dot = model.theme.glyphs.dot;
    let mut words = format!(" gate run {gate}");
    for result in &run.results {
        let took = text::running(i64::try_from(result.took_ms).unwrap_or(0));
        words.push_str(&format!(" {dot} {} {} {took}", result.name, result.code().words()));
    }
    // The words of a command say whether it reported tests; here they are counted for all.
    let tests = if run.finished_ms.is_some() {
        evidence::totals(run)
    } else {
        evidence::reported_tests(&run.results)
    };
    words.extend(tests.map(|tests| format!(" {dot} {tests}")));
    words.extend(evidence::differences(run).iter().take(2).map(|line| format!(" {dot} {line}")));
    if run.finished_ms.is_none() {
        let project = model.facts.state.project(&run.project);
        let progress = project.map(|project| entries::progress(model, project, run).words());
        words.push_str(&format!(" {dot} {}", progress.unwrap_or_default()));
    } else if run.cancelled {
        words.push_str(&format!(" {dot} cancelled"));
    }
    words + " "
}

impl Pane for Queue {
    fn name(&self) -> &'static str {
        "Merge queue"
    }

    fn heading(&self, model: &Model) -> Heading {
        let Some(project) = model.shown_project() else { return Heading::default() };
        let left = if hold(project).is_some() { "held".to_owned() } else { String::new() };
        Heading { left, right: slots(project) }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let Some(project) = model.shown_project() else {
            return teach(&["The entries of the merge queue will appear here."], area, buf, theme);
        };
        if has_screen(model) && area.height >= OUTPUT_FROM_HEIGHT {
            return full_screen(model, project, area, buf, theme);
        }
        list(model, project, area, buf, theme);
    }

    fn folded(&self, model: &Model, theme: &Theme) -> Option<Line<'static>> {
        let project = model.shown_project()?;
        let rows = rows(model, project);
        let mut spans = vec![Span::styled(format!("queue {}", rows.len()), theme.strong)];
        if let Some(held) = hold(project) {
            spans.push(Span::styled(format!("  {held}"), theme.needs));
        }
        // One line holds about three entries.
        for row in rows.iter().take(3) {
            spans.push(Span::raw(format!("   {} ", row.name)));
            let words = row.progress.as_ref().map(entries::Progress::words).unwrap_or_default();
            spans.push(Span::styled(format!("{} {words}", row.state), state_style(row.state, theme)));
        }
        Some(Line::from(spans))
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let Some(project) = model.shown_project() else { return Reaction::Ignored };
        let rows = rows(model, project);
        let (at, near) = (selected_index(model, &rows), model.panes.queue.near.get());
        let to = match verb {
            Verb::Move(by) => stepped(at, near, by, rows.len()),
            // While the output of a gate run is shown, only moves by rows select entries; the other verbs are
            // for the output.
            Verb::Page(_)
            | Verb::Top
            | Verb::Bottom
            | Verb::Follow
            | Verb::Raw
            | Verb::Fold
            | Verb::Find(_)
            | Verb::Filter(_)
            | Verb::Found(_)
                if gate(model).is_some() =>
            {
                return on_output(model, &verb);
            }
            Verb::Top => 0,
            Verb::Bottom => rows.len().saturating_sub(1),
            _ => return Reaction::Ignored,
        };
        model.panes.queue.at = rows.get(to).and_then(|row| row.objective.clone());
        Reaction::done()
    }

    fn click(&self, model: &mut Model, row: usize) {
        let Some(project) = model.shown_project() else { return };
        // A click above the entries (the reason of a hold) or below them (the footer, the output) selects
        // nothing.
        let (begin, count) = model.panes.queue.shown.get();
        let Some(row) = row.checked_sub(begin).filter(|row| *row < count) else { return };
        let rows = rows(model, project);
        if let Some(row) = rows.get(model.panes.queue.top.get() + row) {
            model.panes.queue.at = row.objective.clone();
        }
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["in", "hold", "publish", "raise", "lower", "cancel", "diff", "explain"]
    }

    fn caveat(&self, model: &Model, kind: FinderKind) -> Option<String> {
        model.panes.log.book.caveat(LogId::Gate(gate(model)?), kind)
    }

    fn target(&self, model: &Model) -> Target {
        let Some(project) = model.shown_project() else { return Target::default() };
        let rows = rows(model, project);
        let selected = selected_index(model, &rows).and_then(|at| rows.get(at));
        let Some(row) = selected else { return Target::default() };
        let objective = row.objective.clone().map(|id| ObjectiveKey { project: project.slug.clone(), id });
        let found = objective.as_ref().and_then(|key| model.facts.state.objective(key));
        Target { session: found.and_then(|one| one.sessions.last().copied()), objective, gate: row.gate }
    }

    fn why_none(&self, model: &Model) -> String {
        match model.shown_project().is_some_and(|project| !rows(model, project).is_empty()) {
            true => gone("entry"),
            false => "nothing is queued".to_owned(),
        }
    }

    fn settle(&self, model: &mut Model) -> Vec<Effect> {
        if let Some(project) = model.shown_project() {
            let rows = rows(model, project);
            let (is_active, at) = (model.active() == PaneId::Queue, selected_index(model, &rows));
            // Without the focus, an entry that has left the queue is forgotten. With it, nothing is selected
            // then: the first entry must not become the target of a key that was meant for the one that left.
            if !is_active && at.is_none() {
                model.panes.queue.at = None;
            } else if is_active && model.panes.queue.at.is_none() {
                model.panes.queue.at = rows.first().and_then(|row| row.objective.clone());
            }
        }
        Vec::new()
    }

    fn logs(&self, model: &Model) -> Option<Vec<LogId>> {
        Some(gate(model).map(LogId::Gate).into_iter().collect())
    }
}

/// Applies a verb to the output of the gate run.
fn on_output(model: &mut Model, verb: &Verb) -> Reaction {
    let Some(gate) = gate(model) else { return Reaction::Ignored };
    let of = LogId::Gate(gate);
    match verb {
        Verb::Find(text) => model.panes.log.book.search(of, Some(text), true),
        Verb::Found(by) => model.panes.log.book.search(of, None, *by > 0),
        Verb::Filter(text) => model.panes.log.book.filter(of, text),
        verb => {
            // About half of the pane is output; an exact page is not worth laying the pane out again.
            let height = layout::inside(model, PaneId::Queue).map_or(10, |area| area.height / 2);
            let Some(open) = model.panes.log.book.get(of) else { return Reaction::Ignored };
            steer(&mut open.view.borrow_mut(), &mut lock_log(&open.log), height, verb);
        }
    }
    Reaction::done()
}
