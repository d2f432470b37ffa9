//! The simulated planner: good and bad plans, failed runs, red and green checks of phases, and how people
//! react.

use std::collections::BTreeMap;

use paddock_engine::decide::Memo;
use paddock_engine::input::{Input, Problem};
use paddock_model::command::Command;
use paddock_model::event::{Event, Fact};
use paddock_model::facts::PlanFacts;
use paddock_model::hierarchy::{ImportedNode, Level};
use paddock_model::ids::{GateId, NodeId, ObjectiveId, ProjectSlug, SessionId};
use paddock_model::plan::{CheckType, PhaseCheck, PlanDocument, PlannedBudget, PlannedObjective};
use paddock_model::planning::FailedCheck;
use paddock_model::session::{Session, SessionKind};
use paddock_model::settings::{ApprovalRule, ProjectSettings};
use paddock_model::state::State;
use paddock_model::usage::Account;

use super::agent::Behaviour as B;
use super::sim::{Kind, Sim};
use super::world::World;
use crate::rng::{Rng, mix};

/// Cooldown between planner runs.
const COOLDOWN_MS: i64 = 120_000;

/// Returns the memory of a supervisor at its start.
pub(super) fn memo(kind: Kind) -> Memo {
    let mut memo = Memo::default();
    memo.planner_cooldown_ms = kind.planner.then_some(COOLDOWN_MS);
    memo
}

/// Gives a project a planner.
pub(super) fn allow_planning(settings: &mut ProjectSettings, rng: &mut Rng, kind: Kind) {
    settings.session_defaults.planner_agent = Some("one".into());
    settings.agents.iter_mut().for_each(|agent| (agent.planner, agent.plans) = (true, true));
    if !kind.calm && rng.percent(30) {
        settings.planner.approval = ApprovalRule::Manual;
    }
}

fn check(name: &str) -> PhaseCheck {
    let (description, check_command) = (name.to_owned(), name.to_owned());
    PhaseCheck { description, check_type: CheckType::Shell, check_command, expected: String::new() }
}

/// Returns a goal of two milestones with two phases each, some of which have checks.
pub(super) fn goal(rng: &mut Rng) -> Vec<ImportedNode> {
    let id = |text: &str| NodeId::new(text).unwrap();
    let mut nodes = Vec::new();
    let mut add = |level, name: &str, parent: Option<&str>, checks| {
        let (title, description) = (name.to_owned(), String::new());
        nodes.push(ImportedNode { level, id: id(name), title, description, parent: parent.map(id), checks });
    };
    add(Level::Goal, "g", None, Vec::new());
    for milestone in ["m0", "m1"] {
        add(Level::Milestone, milestone, Some("g"), Vec::new());
        for phase in 0..2 {
            let checks = if rng.percent(50) { vec![check("one"), check("two")] } else { Vec::new() };
            add(Level::Phase, &format!("{milestone}p{phase}"), Some(milestone), checks);
        }
    }
    nodes
}

/// Returns the behaviour of a planner's session.
pub(super) fn behaviour(world: &World, session: &Session) -> B {
    let mut rng = Rng::new(mix(world.seed ^ mix(session.id.0 ^ 0x91A2)));
    match world.faults && rng.percent(35) {
        true => *rng.pick(&[B::Fail, B::Lost, B::Hang, B::Stalled, B::Signal, B::NotStarted]),
        false => B::Good,
    }
}

/// Reads the output of a planner's session. It depends on the seed and the session alone, since a restarted
/// supervisor reads it again.
pub(super) fn harvest(world: &mut World, session: &Session, fails: bool) {
    let mut rng = Rng::new(mix(world.seed ^ mix(session.id.0)));
    let is_first = session.attempt == 1;
    let plan = match (world.faults, rng.below(10)) {
        (true, 0..=2) => Err(vec!["plan:1: unknown worker".to_owned()]),
        (true, 3) => {
            Ok(PlanDocument { objectives: vec![objective(&mut rng, "o0")], ..PlanDocument::default() })
        }
        (true, 4..=7) => Ok(plan(&mut rng, session.id)),
        (false, _) if is_first => Ok(plan(&mut rng, session.id)),
        _ => Ok(PlanDocument::default()),
    };
    let facts = match fails {
        true => Err("unreadable".to_owned()),
        false => Ok(Box::new(PlanFacts { plan, salvage: None, account: Account::default() })),
    };
    world.inbox.push(Input::PlanRead { session: session.id, facts: facts.map_err(Problem::new) });
}

fn plan(rng: &mut Rng, session: SessionId) -> PlanDocument {
    let count = 1 + rng.below(3);
    let objectives = (0..count).map(|n| objective(rng, &format!("p{session}-{n}"))).collect();
    let phase_checks = if rng.percent(30) { vec![check("planned")] } else { Vec::new() };
    PlanDocument { reasoning: "because".to_owned(), phase_checks, objectives }
}

/// Returns a plan written by a person, whose ids may be taken.
pub(super) fn written(rng: &mut Rng) -> PlanDocument {
    let number = rng.below(20);
    let objectives = vec![objective(rng, &format!("w{number}")), objective(rng, &format!("w{}", number + 1))];
    PlanDocument { objectives, ..PlanDocument::default() }
}

fn objective(rng: &mut Rng, id: &str) -> PlannedObjective {
    PlannedObjective {
        id: ObjectiveId::new(id).unwrap(),
        title: id.to_owned(),
        description: String::new(),
        acceptance_criteria: Vec::new(),
        path_scope: vec![format!("area{}/**", rng.below(4))],
        depends_on: Vec::new(),
        context_refs: Vec::new(),
        worker_id: "implementer".into(),
        priority: 0,
        session_budget: PlannedBudget::default(),
    }
}

/// Reads the output of phase checks, which is the same each time.
pub(super) fn read_checks(world: &mut World, gate: GateId, fails: bool) {
    let is_red = world.faults && mix(world.seed ^ mix(gate.0)).is_multiple_of(2);
    let text = || "words".to_owned();
    let one = FailedCheck { description: text(), command: text(), problem: text(), output: text() };
    let failed =
        if fails { Err("unreadable".to_owned()) } else { Ok(if is_red { vec![one] } else { Vec::new() }) };
    world.inbox.push(Input::ChecksRead { gate, failed: failed.map_err(Problem::new) });
}

/// Returns a command of a person about plans.
pub(super) fn ask(rng: &mut Rng, project: ProjectSlug) -> Command {
    match rng.below(10) {
        0..=2 => Command::PlanNow { project },
        3..=7 => Command::PlanApprove { project },
        _ => Command::PlanReject { project, note: "not so".to_owned() },
    }
}

/// Answers what planning waits for at the end. Returns `false` if it waits for nothing.
pub(super) fn clear(sim: &mut Sim, slug: &ProjectSlug) -> Result<bool, String> {
    let Some(planning) = sim.state.project(slug).map(|project| project.planning.clone()) else {
        return Ok(false);
    };
    let project = || slug.clone();
    let believes = planning.waiting.as_ref().map(|waiting| waiting.plan.objectives.is_empty());
    let command = match () {
        () if believes == Some(true) => Command::PlanApprove { project: project() },
        () if believes.is_some() => Command::PlanReject { project: project(), note: "enough".to_owned() },
        () if planning.stuck.is_some() => Command::PlanNow { project: project() },
        () => return Ok(false),
    };
    sim.take(Input::Command(Box::new(command)))?;
    Ok(true)
}

/// For each project, the time of the last planner run, and whether the next one may start without the
/// cooldown.
#[derive(Debug, Default)]
pub(super) struct Runs(BTreeMap<ProjectSlug, (i64, bool)>);

/// Checks that a project has one planner run at a time, none while a plan waits, and none before the end of
/// the cooldown, unless a person asked or a plan was refused.
pub(super) fn on_event(runs: &mut Runs, state: &State, event: &Event) -> Result<(), String> {
    match &event.fact {
        Fact::PlanAsked { project } | Fact::PlanRefused { project, .. } => {
            runs.0.entry(project.clone()).or_insert((i64::MIN / 2, true)).1 = true;
        }
        Fact::PlannerHeld { project, .. } => {
            runs.0.entry(project.clone()).or_insert((i64::MIN / 2, false)).1 = false;
        }
        Fact::SessionHarvested { objective, .. } if objective.id.is_planner() => {
            runs.0.entry(objective.project.clone()).or_insert((0, false)).0 = event.at_ms;
        }
        Fact::SessionPlanned { objective, plan } if plan.kind == SessionKind::Planner => {
            let project = objective.project.clone();
            let (last_ms, may_start) =
                runs.0.insert(project.clone(), (event.at_ms, false)).unwrap_or((i64::MIN / 2, true));
            let is_over = event.at_ms >= last_ms + COOLDOWN_MS || event.at_ms + COOLDOWN_MS < last_ms;
            if !is_over && !may_start {
                return Err(format!(
                    "planner: a run of {project} starts {} ms after the last",
                    event.at_ms - last_ms
                ));
            }
            let open = state.open_sessions().filter(|session| session.objective == *objective).count();
            let waits = state.project(&project).is_some_and(|project| project.planning.waiting.is_some());
            if open > 1 || waits {
                return Err(format!("planner: {open} runs of {project} at once, a plan waits: {waits}"));
            }
        }
        _ => {}
    }
    Ok(())
}
