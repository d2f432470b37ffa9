//! The contents of the tabs of an objective.

use paddock_model::ids::EntryId;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::facts::Sheet;
use crate::data::evidence::finding_line;
use crate::theme::Theme;
use crate::{Model, text};
use paddock_ipc::EventLine;
use paddock_model::gate::{GateRun, Verdict, VerdictCode};
use paddock_model::objective::Objective;
use paddock_model::session::{Session, SessionEnd, SessionStatus};
use paddock_report::{event_lines, evidence};

/// Returns the sessions of an objective, newest first.
pub(crate) fn sessions<'m>(model: &'m Model, one: &'m Objective) -> Vec<&'m Session> {
    one.sessions.iter().rev().filter_map(|id| model.facts.state.session(*id)).collect()
}

fn session_style(session: &Session, theme: &Theme) -> Style {
    match session.status {
        SessionStatus::Ended(SessionEnd::Completed) => theme.plain,
        SessionStatus::Ended(SessionEnd::Partial | SessionEnd::OverBudget | SessionEnd::Interrupted) => {
            theme.dim
        }
        SessionStatus::Ended(
            SessionEnd::Blocked
            | SessionEnd::Failed
            | SessionEnd::Stalled
            | SessionEnd::Lost
            | SessionEnd::Killed,
        ) => theme.failed,
        SessionStatus::Starting
        | SessionStatus::Running
        | SessionStatus::Stopping
        | SessionStatus::Harvesting => theme.working,
    }
}

/// Returns a session as one row.
#[must_use]
pub(crate) fn session_row(model: &Model, session: &Session, theme: &Theme) -> Line<'static> {
    let end = session.finished_ms.unwrap_or(model.now_ms);
    let took =
        session.started_ms.map_or_else(|| theme.glyphs.dash.to_owned(), |at| text::short_time(end - at));
    let commits = session.harvest.as_ref().map_or_else(
        || theme.glyphs.dash.to_owned(),
        |harvest| paddock_report::text::counted(harvest.commits as usize, "commit"),
    );
    let usd = session.account.usage.usd_text().map(|usd| format!("  {usd}")).unwrap_or_default();
    let word = session.status.word().replace('_', " ");
    Line::from(vec![
        Span::styled(text::fit_right(&session.id.to_string(), 4), theme.dim),
        Span::styled(format!("  {}", text::fit(session.kind.word(), 10)), theme.plain),
        Span::styled(format!("  {}", text::fit(&word, 11)), session_style(session, theme)),
        Span::styled(format!("{}  ", text::fit_right(&took, 6)), theme.plain),
        Span::styled(text::fit(&commits, 10), theme.plain),
        Span::styled(format!("  {}{usd}", session.agent), theme.dim),
    ])
}

/// Returns the commits of an objective's sessions, with the findings of their reviews.
#[must_use]
pub(crate) fn checkpoints(
    model: &Model,
    one: &Objective,
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(columns, theme);
    for session in sessions(model, one) {
        let Some(harvest) = &session.harvest else { continue };
        sheet.heading(&format!("Session {}, {}", session.id, session.status.word().replace('_', " ")));
        // Newest first, like the sessions.
        for checkpoint in harvest.checkpoints.iter().rev() {
            let paths = paddock_report::text::counted(checkpoint.paths as usize, "path");
            let what = format!("{}  ({paths})", checkpoint.summary);
            sheet.point(checkpoint.commit.short(), theme.dim, &what, theme.plain);
        }
        // Without this line, the heading of the session would have nothing below it.
        if harvest.checkpoints.is_empty() {
            sheet.text("no commit", theme.dim);
        }
        if let Some(salvage) = &harvest.salvage {
            let what = format!("uncommitted work was kept under {}", salvage.reference);
            sheet.point(theme.glyphs.needs, theme.needs, &what, theme.plain);
        }
        for finding in &harvest.findings {
            sheet.point(theme.glyphs.failed, theme.failed, &finding_line(finding), theme.plain);
        }
        if !harvest.summary.trim().is_empty() {
            sheet.text(harvest.summary.trim(), theme.dim);
        }
    }
    if sheet.lines.is_empty() {
        sheet.text("No session has been harvested yet.", theme.dim);
    }
    sheet.lines
}

/// Returns whether an event is about an objective. Events of the queue name it as their subject instead.
fn is_about(line: &EventLine, one: &Objective) -> bool {
    let subject = line.data.pointer("/subject/objective").and_then(Value::as_str);
    line.objective.as_deref().or(subject) == Some(one.key.id.as_str())
        && line.project.as_deref() == Some(one.key.project.as_str())
}

/// Returns the numbers of an objective's queue entries: the present one, and those of recent events. The
/// state keeps only the present one, but gate runs name the entry that they judged.
fn entries(model: &Model, one: &Objective) -> Vec<EntryId> {
    let now =
        model.facts.state.project(&one.key.project).and_then(|project| project.train.entry_of(&one.key.id));
    let events = model.facts.events.iter().filter(|line| is_about(line, one));
    let earlier = events.filter_map(|line| line.data.get("entry").and_then(Value::as_u64)).map(EntryId);
    let mut all: Vec<EntryId> = earlier.chain(now.map(|entry| entry.id)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Returns the gate runs that judged an objective, newest first.
#[must_use]
pub(crate) fn gates<'m>(model: &'m Model, one: &Objective) -> Vec<&'m GateRun> {
    let entries = entries(model, one);
    let runs = model.facts.state.gates().rev().filter(|gate| gate.project == one.key.project);
    // The newest are enough for the tab.
    runs.filter(|gate| gate.purpose.entries().iter().any(|entry| entries.contains(entry))).take(20).collect()
}

fn verdict(gate: &GateRun, theme: &Theme) -> (&'static str, Style) {
    match gate.code() {
        _ if gate.cancelled => ("cancelled", theme.dim),
        None => ("running", theme.working),
        Some(code @ (VerdictCode::Green | VerdictCode::GreenExitOnly)) => (code.words(), theme.landed),
        Some(code @ (VerdictCode::Red | VerdictCode::FewerTests)) => (code.words(), theme.failed),
        Some(code @ VerdictCode::NotEvaluated) => (code.words(), theme.needs),
    }
}

/// Adds what differs in a run's tests from those on the base, and the test files that the work changes.
fn add_tests(sheet: &mut Sheet<'_>, gate: &GateRun, theme: &Theme) {
    for line in evidence::differences(gate) {
        let style = if line.contains("- ") { theme.failed } else { theme.plain };
        sheet.point("   ", theme.dim, &line, style);
    }
    for file in gate.compared.iter().flat_map(|compared| &compared.comparison.changed) {
        sheet.point("   ", theme.dim, &evidence::changed(file), theme.dim);
    }
}

/// Returns the gate runs of an objective with their commands, and its recent events of the queue.
#[must_use]
pub(crate) fn queue(model: &Model, one: &Objective, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(columns, theme);
    let runs = gates(model, one);
    for gate in &runs {
        let (word, style) = verdict(gate, theme);
        let took = text::short_time(gate.finished_ms.unwrap_or(model.now_ms) - gate.started_ms);
        let tests = evidence::totals(gate).map(|tests| format!(", {tests}")).unwrap_or_default();
        sheet.point(&format!("gate run {}", gate.id), theme.dim, &format!("{word}{tests}, {took}"), style);
        for result in &gate.results {
            let (mark, style) = match result.verdict() {
                Verdict::Green => (theme.glyphs.landed, theme.landed),
                _ => (theme.glyphs.failed, theme.failed),
            };
            let took = text::short_time(i64::try_from(result.took_ms).unwrap_or(i64::MAX));
            sheet.point(
                &format!("  {mark}"),
                style,
                &format!("{}  {}, {took}", result.name, result.outcome()),
                theme.plain,
            );
        }
        add_tests(&mut sheet, gate, theme);
    }
    let events = model.facts.events.iter().rev().filter(|line| is_about(line, one));
    let events: Vec<String> = events
        .filter(|line| {
            // Events of sessions are left out: other tabs show them.
            line.kind.contains("queue") || line.kind.contains("landed") || line.kind.contains("publ")
        })
        .take(20)
        .map(event_lines::human)
        .collect();
    if !events.is_empty() {
        sheet.heading("Events");
        for line in events {
            sheet.text(&line, theme.dim);
        }
    }
    if sheet.lines.is_empty() {
        sheet.text("This objective has not been in the merge queue lately.", theme.dim);
    }
    sheet.lines
}
