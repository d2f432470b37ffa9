//! Why a queued objective has not landed yet.

use super::{Surroundings, project_stop, reason, stopped};
use crate::domain::gate::Purpose;
use crate::domain::objective::Objective;
use crate::domain::project::Project;
use crate::domain::reason::{Reason, ReasonCode};
use crate::domain::state::State;
use crate::domain::train::{Entry, Stage, Subject};

pub(super) fn why(state: &State, project: &Project, objective: &Objective, facts: &Surroundings) -> Reason {
    let order = project.train.in_order();
    let is_own = |entry: &&Entry| entry.subject == Subject::Objective(objective.key.id.clone());
    let place = order.iter().position(is_own);
    let entry = place.map(|place| order[place]);
    let is_landing = entry.is_some_and(|entry| matches!(entry.stage, Stage::Landing { .. }));
    let hold = project.train.held.clone().or_else(|| project.landing_hold().cloned());
    if let Some(hold) = hold.filter(|_| !is_landing) {
        return hold;
    }
    let disabled = (!project.is_enabled()).then(|| project_stop(project, objective)).flatten();
    if let Some(stop) = disabled.or_else(|| stopped(objective, facts)) {
        return stop;
    }
    match (entry, place) {
        (Some(entry), Some(0)) => first(state, objective, entry, facts),
        (Some(_), Some(place)) => {
            let names: Vec<String> = order[..place].iter().map(|entry| name(entry)).collect();
            let text = format!("number {} in the merge queue, behind {}", place + 1, names.join(", "));
            reason(objective, ReasonCode::QueueBehind, text, "those before it land or leave the queue")
        }
        _ => reason(objective, ReasonCode::Building, "enters the merge queue", "the next cycle"),
    }
}

fn name(entry: &Entry) -> String {
    match &entry.subject {
        Subject::Objective(id) => id.to_string(),
        Subject::Target => "your own commits".to_owned(),
    }
}

fn first(state: &State, objective: &Objective, entry: &Entry, facts: &Surroundings) -> Reason {
    if let Some(until_ms) = entry.not_before_ms.filter(|at_ms| *at_ms > facts.now_ms) {
        let seconds = (until_ms - facts.now_ms + 999) / 1000;
        let text = format!("first in the merge queue; tried again in {seconds} s");
        return reason(objective, ReasonCode::Backoff, text, "the time passes");
    }
    match &entry.stage {
        Stage::Waiting | Stage::Building { .. } => {
            reason(objective, ReasonCode::Building, "its merge is being made", "the merge is made")
        }
        Stage::Built(_) => reason(objective, ReasonCode::Gating, "its gate run is starting", "the gate ends"),
        Stage::Gating { gate, .. } => {
            let run = state.gate(*gate);
            let since_ms = run.map_or(objective.since_ms, |run| run.started_ms);
            let text = match run.is_some_and(|run| matches!(run.purpose, Purpose::Base { .. })) {
                true => format!("its gate was not green; it runs on what it would land on (run {gate})"),
                false => format!("the gate runs on its merge (run {gate})"),
            };
            Reason::new(ReasonCode::Gating, since_ms, text, "the gate ends")
        }
        Stage::Passed { .. } | Stage::Landing { .. } => {
            reason(objective, ReasonCode::Landing, "it is landing", "the integration ref moves")
        }
    }
}
