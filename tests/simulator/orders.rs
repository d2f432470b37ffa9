//! What people ask of objectives, without knowing whether it can be done now.

use paddock::domain::command::Command;
use paddock::domain::ids::ProjectSlug;
use paddock::domain::objective::Objective;
use paddock::domain::operate::{Order, SpecEdit};

use super::sim::Sim;

/// An order about one objective of a project; none when it has none.
pub fn order(sim: &mut Sim, project: &ProjectSlug) -> Option<Command> {
    let all: Vec<Objective> = sim.state.objectives_of(project).cloned().collect();
    if all.is_empty() {
        return None;
    }
    let objective = sim.rng.pick(&all).clone();
    let other = sim.rng.pick(&all).key.id.clone();
    let rng = &mut sim.rng;
    let note = rng.percent(50).then(|| "look again".to_owned());
    let order = match rng.below(22) {
        0..=4 => Order::Retry { note },
        5 | 6 => {
            let seen = sim.world.repos[project].branches.get(&objective.branch()).cloned();
            Order::Approve { note, head: seen.filter(|_| rng.percent(80)) }
        }
        7 | 8 => Order::Reject { note: "not so".to_owned(), is_final: rng.percent(30) },
        9 => Order::Skip,
        10 | 11 => Order::Pause,
        12..=14 => Order::Resume,
        15 => Order::Cancel,
        16 => Order::Escalate { note },
        17 => Order::Expand { globs: vec![format!("area{}/**", rng.below(3))] },
        18 => Order::Prioritize { priority: i32::try_from(rng.below(5)).unwrap() },
        19 => {
            Order::Edit { edit: Box::new(SpecEdit { depends_on: Some(vec![other]), ..Default::default() }) }
        }
        20 => {
            let scope = Some(vec![format!("area{}/**", rng.below(3))]);
            Order::Edit { edit: Box::new(SpecEdit { path_scope: scope, ..Default::default() }) }
        }
        _ => Order::Delete,
    };
    Some(Command::Objective { objective: objective.key, order, by: "somebody".to_owned() })
}
