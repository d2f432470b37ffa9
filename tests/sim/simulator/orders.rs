//! Orders of people about objectives and nodes, given without regard to whether they are possible now.

use paddock_engine::input::Input;
use paddock_model::command::Command;
use paddock_model::hierarchy::{Level, NodeKey, NodeOrder};
use paddock_model::ids::{NodeId, ProjectSlug};
use paddock_model::objective::Objective;
use paddock_model::operate::{Order, SpecEdit};

use super::sim::Sim;
use crate::rng::Rng;

/// Returns an order about one objective of a project, or `None` if the project has none.
pub(super) fn order(sim: &mut Sim, project: &ProjectSlug) -> Option<Command> {
    let all: Vec<Objective> = sim.state.objectives_of(project).cloned().collect();
    if all.is_empty() {
        return None;
    }
    let objective = sim.rng.pick(&all).clone();
    let other = sim.rng.pick(&all).key.id.clone();
    let rng = &mut sim.rng;
    let note = rng.percent(50).then(|| "look again".to_owned());
    let order = match rng.below(26) {
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
        21 => Order::Drop { note },
        22 | 23 => Order::Requeue,
        24 => Order::Edit { edit: Box::new(edit(rng)) },
        _ => Order::Delete,
    };
    Some(Command::Objective { objective: objective.key, order, by: "somebody".into() })
}

/// Returns a change of one field of an objective.
fn edit(rng: &mut Rng) -> SpecEdit {
    let mut edit = SpecEdit::default();
    match rng.below(5) {
        0 => edit.title = Some("Another title".to_owned()),
        1 => edit.worker = Some((*rng.pick(&["integrator", "implementer", "nobody"])).into()),
        2 => edit.priority = Some(i32::try_from(rng.below(5)).unwrap() - 2),
        3 => edit.max_commits = Some(u32::try_from(1 + rng.below(4)).unwrap()),
        _ => edit.phase = Some((*rng.pick(&["", "m0p0", "m1p1", "nowhere"])).to_owned()),
    }
    edit
}

/// Returns an order about a goal, milestone or phase.
pub(super) fn node(rng: &mut Rng, project: ProjectSlug) -> Command {
    let (level, id) = *rng.pick(&[
        (Level::Goal, "g"),
        (Level::Milestone, "m0"),
        (Level::Milestone, "m1"),
        (Level::Phase, "m0p0"),
        (Level::Phase, "m0p1"),
        (Level::Phase, "m1p0"),
        (Level::Phase, "late"),
    ]);
    let order = match rng.below(5) {
        0 => NodeOrder::Complete,
        1 | 2 => NodeOrder::Activate,
        3 => NodeOrder::Edit { title: Some("Else".to_owned()), description: None, parent: None },
        _ => {
            let parent = rng.percent(70).then(|| NodeId::new("m1").unwrap());
            NodeOrder::Add { title: "Late".to_owned(), description: String::new(), parent }
        }
    };
    Command::Node { node: NodeKey { project, level, id: NodeId::new(id).unwrap() }, order }
}

/// Returns the input of a project file that was changed or broken.
pub(super) fn configure(sim: &mut Sim, project: ProjectSlug) -> Option<Input> {
    let mut settings = Box::new(sim.state.project(&project)?.settings.clone());
    let rng = &mut sim.rng;
    if rng.percent(15) {
        return Some(Input::ConfigRead { project, settings: Err("line 3: no".into()) });
    }
    match rng.below(6) {
        0 => settings.verify.iter_mut().for_each(|gate| gate.run = format!("true {}", rng.below(3))),
        1 => settings.queue.strict = rng.percent(50),
        2 => settings.queue.flaky_retries = u32::try_from(1 + rng.below(2)).unwrap(),
        3 => settings.budget = super::agents::budget(rng, false),
        4 => settings.queue.canary = rng.percent(50),
        _ => settings.land.push = rng.percent(50).then(|| "origin".to_owned()),
    }
    Some(Input::ConfigRead { project, settings: Ok(settings) })
}
