//! The rows of the timeline, derived from the state.

use std::collections::BTreeMap;

use crate::Model;
use paddock_model::gate::VerdictCode;
use paddock_model::ids::{ObjectiveId, SessionId};
use paddock_model::project::Project;
use paddock_model::session::{Session, SessionEnd, SessionStatus};

/// Newest sessions and gate runs that are examined, at most. More than a night has; the rows are derived for
/// every frame, so the cost must be bounded.
const EXAMINED_MAX: usize = 5_000;

/// How a session or gate run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Still running.
    Running,
    /// Ended normally.
    Well,
    /// Stopped at a limit or by an outside error; the work continues later.
    Limit,
    /// Failed, or killed by a person.
    Badly,
    /// Cancelled, because the result was no longer needed.
    GivenUp,
}

/// A session or gate run, drawn as a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Start, in Unix milliseconds.
    pub from_ms: i64,
    /// End, or now, in Unix milliseconds.
    pub to_ms: i64,
    /// How the session or gate run ended.
    pub ended: Ended,
    /// Label, drawn if the bar is long enough.
    pub label: String,
    /// Session of the bar; `None` for a gate run.
    pub session: Option<SessionId>,
}

/// A row of bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimelineRow {
    /// Objective of the sessions; `None` for gate runs.
    pub objective: Option<ObjectiveId>,
    /// Name of the row.
    pub name: String,
    /// Bars, oldest first.
    pub bars: Vec<Bar>,
}

fn ended(session: &Session) -> Ended {
    match session.status {
        SessionStatus::Ended(SessionEnd::Completed | SessionEnd::Partial) => Ended::Well,
        SessionStatus::Ended(SessionEnd::OverBudget | SessionEnd::Interrupted) => Ended::Limit,
        SessionStatus::Ended(
            SessionEnd::Blocked
            | SessionEnd::Failed
            | SessionEnd::Stalled
            | SessionEnd::Lost
            | SessionEnd::Killed,
        ) => Ended::Badly,
        SessionStatus::Starting
        | SessionStatus::Running
        | SessionStatus::Stopping
        | SessionStatus::Harvesting => Ended::Running,
    }
}

/// Returns the rows with a bar after `since_ms`: sessions by objective, in the order of the first one, then
/// gate runs by slot.
#[must_use]
pub(crate) fn rows(model: &Model, project: &Project, since_ms: i64) -> Vec<TimelineRow> {
    let mut found: BTreeMap<&ObjectiveId, Vec<Bar>> = BTreeMap::new();
    for session in model.facts.state.sessions().rev().take(EXAMINED_MAX) {
        let to_ms = session.finished_ms.unwrap_or(model.now_ms);
        if session.objective.project != project.slug || to_ms < since_ms {
            continue;
        }
        let kind = match session.kind {
            paddock_model::session::SessionKind::Work => String::new(),
            kind => format!(" {kind}"),
        };
        let bar = Bar {
            from_ms: session.started_ms.unwrap_or(session.planned_ms),
            to_ms,
            ended: ended(session),
            label: format!("{}{kind}", session.id),
            session: Some(session.id),
        };
        found.entry(&session.objective.id).or_default().push(bar);
    }
    let row = |(id, mut bars): (&ObjectiveId, Vec<Bar>)| {
        bars.reverse();
        TimelineRow { objective: Some(id.clone()), name: id.to_string(), bars }
    };
    let mut rows: Vec<TimelineRow> = found.into_iter().map(row).collect();
    // By the first bar in the span: rows keep their order as later sessions are added.
    rows.sort_by_key(|row| row.bars.first().map_or(i64::MAX, |bar| bar.from_ms));
    rows.extend(gates(model, project, since_ms));
    rows
}

fn gates(model: &Model, project: &Project, since_ms: i64) -> Vec<TimelineRow> {
    let mut slots: BTreeMap<u32, Vec<Bar>> = BTreeMap::new();
    for gate in model.facts.state.gates().rev().take(EXAMINED_MAX) {
        let to_ms = gate.finished_ms.unwrap_or(model.now_ms);
        if gate.project != project.slug || to_ms < since_ms {
            continue;
        }
        let ended = match (gate.finished_ms, gate.cancelled, gate.code()) {
            (None, false, _) => Ended::Running,
            // A run that ended without a verdict was stopped before its gate could judge.
            (_, true, _) | (_, _, None) => Ended::GivenUp,
            (_, _, Some(VerdictCode::Green | VerdictCode::GreenExitOnly)) => Ended::Well,
            (_, _, Some(VerdictCode::Red | VerdictCode::FewerTests)) => Ended::Badly,
            (_, _, Some(VerdictCode::NotEvaluated)) => Ended::Limit,
        };
        let bar = Bar { from_ms: gate.started_ms, to_ms, ended, label: gate.id.to_string(), session: None };
        slots.entry(gate.slot).or_default().push(bar);
    }
    // With one slot a number would say nothing.
    let several = slots.len() > 1;
    let row = |(slot, mut bars): (u32, Vec<Bar>)| {
        bars.reverse();
        let name = if several { format!("gate {slot}") } else { "gate".to_owned() };
        TimelineRow { objective: None, name, bars }
    };
    slots.into_iter().map(row).collect()
}
