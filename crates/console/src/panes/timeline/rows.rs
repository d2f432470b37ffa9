//! What ran when: the lanes of the timeline, from the state.

use std::collections::BTreeMap;

use crate::Model;
use paddock_model::gate::Verdict;
use paddock_model::ids::{ObjectiveId, SessionId};
use paddock_model::project::Project;
use paddock_model::session::{Session, SessionEnd, SessionStatus};

/// Sessions and gate runs looked at, at most: more than a night holds.
const LOOKED_AT_MAX: usize = 5_000;

/// How something that ran ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It runs.
    Running,
    /// As it should.
    Well,
    /// Stopped at a limit, or by an outside error: it goes on later.
    Limit,
    /// It failed, or a person killed it.
    Badly,
    /// Nobody waits for it any more.
    GivenUp,
}

/// One thing that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Unix milliseconds.
    pub from_ms: i64,
    /// Unix milliseconds.
    pub to_ms: i64,
    /// How it ended.
    pub ended: Ended,
    /// What is written on it where there is room.
    pub label: String,
    /// The session, if it is one.
    pub session: Option<SessionId>,
}

/// A line of bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimelineRow {
    /// The objective; none: gate runs.
    pub objective: Option<ObjectiveId>,
    /// What stands before it.
    pub name: String,
    /// What ran, oldest first.
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

/// The lanes that have something after `since_ms`: sessions by objective in the order of their first one, then
/// gate runs by slot.
#[must_use]
pub(crate) fn rows(model: &Model, project: &Project, since_ms: i64) -> Vec<TimelineRow> {
    let mut found: BTreeMap<&ObjectiveId, Vec<Bar>> = BTreeMap::new();
    for session in model.facts.state.sessions().rev().take(LOOKED_AT_MAX) {
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
    rows.sort_by_key(|row| row.bars.first().map_or(i64::MAX, |bar| bar.from_ms));
    rows.extend(gates(model, project, since_ms));
    rows
}

fn gates(model: &Model, project: &Project, since_ms: i64) -> Vec<TimelineRow> {
    let mut slots: BTreeMap<u32, Vec<Bar>> = BTreeMap::new();
    for gate in model.facts.state.gates().rev().take(LOOKED_AT_MAX) {
        let to_ms = gate.finished_ms.unwrap_or(model.now_ms);
        if gate.project != project.slug || to_ms < since_ms {
            continue;
        }
        let ended = match (gate.finished_ms, gate.cancelled, gate.verdict) {
            (None, false, _) => Ended::Running,
            (_, true, _) | (_, _, None) => Ended::GivenUp,
            (_, _, Some(Verdict::Green)) => Ended::Well,
            (_, _, Some(Verdict::Red)) => Ended::Badly,
            (_, _, Some(Verdict::NotEvaluated)) => Ended::Limit,
        };
        let bar = Bar { from_ms: gate.started_ms, to_ms, ended, label: gate.id.to_string(), session: None };
        slots.entry(gate.slot).or_default().push(bar);
    }
    let several = slots.len() > 1;
    let row = |(slot, mut bars): (u32, Vec<Bar>)| {
        bars.reverse();
        let name = if several { format!("gate {slot}") } else { "gate".to_owned() };
        TimelineRow { objective: None, name, bars }
    };
    slots.into_iter().map(row).collect()
}
