//! The very end: a person answers everything that waits for one, and every objective must end.

use paddock_engine::input::Input;
use paddock_model::command::Command;
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Objective, Status};
use paddock_model::operate::Order;

use super::finale;
use super::sim::Sim;

/// Number of retries by a person before the remaining objectives are skipped.
const TRIES: usize = 3;
/// Largest number of rounds. Several are needed: skipping frees dependents, which may wait for a person in
/// turn.
const ROUNDS_MAX: usize = 40;

/// Returns whether an objective has ended.
fn is_over(status: Status) -> bool {
    matches!(status, Status::Done | Status::Skipped | Status::Cancelled)
}

/// Answers everything that waits, until every objective has ended.
pub(super) fn play(sim: &mut Sim) -> Result<(), String> {
    if !sim.rng.percent(50) {
        return Ok(());
    }
    for round in 0..ROUNDS_MAX {
        let left: Vec<Objective> =
            sim.state.objectives().filter(|objective| !is_over(objective.status)).cloned().collect();
        if left.is_empty() {
            return Ok(());
        }
        for objective in left {
            answer(sim, &objective, round)?;
        }
        sim.settle()?;
        let projects: Vec<ProjectSlug> = sim.world.repos.keys().cloned().collect();
        for project in projects {
            finale::clear(sim, &project)?;
        }
        sim.settle()?;
    }
    let left: Vec<String> = sim.state.objectives().filter(|o| !is_over(o.status)).map(describe).collect();
    Err(format!("answered: {} never end(s) though everything was answered", left.join(", ")))
}

fn describe(objective: &Objective) -> String {
    let why = objective.reason.as_ref().map(|reason| reason.text.as_str()).unwrap_or_default();
    format!("{} ({}: {why})", objective.key, objective.status)
}

fn answer(sim: &mut Sim, objective: &Objective, round: usize) -> Result<(), String> {
    let order = match objective.status {
        Status::Paused => Order::Resume,
        Status::NeedsReview if round < TRIES => Order::Retry { note: None },
        // Dependents of these would wait for ever.
        Status::NeedsReview | Status::Failed => Order::Skip,
        Status::Todo if round >= TRIES && waits_for_a_cancelled_one(sim, &objective.key) => Order::Skip,
        _ => return Ok(()),
    };
    let command = Command::Objective { objective: objective.key.clone(), order, by: "ada".into() };
    sim.take(Input::Command(Box::new(command)))
}

fn waits_for_a_cancelled_one(sim: &Sim, key: &ObjectiveKey) -> bool {
    let Some(objective) = sim.state.objective(key) else { return false };
    sim.state.unmet(objective).iter().any(|other| other.status == Status::Cancelled)
}
