//! The end of a run: faults stop, users answer what only they can answer, and everything must end.

use paddock_engine::decide::{Settled, settled};
use paddock_engine::input::Input;
use paddock_model::command::Command;
use paddock_model::ids::ProjectSlug;
use paddock_model::objective::{Objective, Status};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::settings::PublishRule;

use super::answers;
use super::checks;
use super::people;
use super::sim::Sim;

/// Largest number of rounds in which users answer.
const ROUNDS_MAX: usize = 24;

pub(super) fn play(sim: &mut Sim) -> Result<(), String> {
    sim.say(|| "======== everything goes quiet".to_owned());
    sim.quiet = true;
    sim.world.faults = false;
    sim.world.disk_full = false;
    sim.world.in_the_way.clear();
    sim.last_words = if sim.kind.calm { 0 } else { sim.rng.below(3) };
    super::agents::lift_budgets(sim)?;
    if sim.rng.percent(50) || sim.stopping.is_some() {
        sim.restart()?;
    }
    let mut is_last_look = false;
    for _ in 0..ROUNDS_MAX {
        // A look at every repository finds the changes whose notice was lost.
        let projects: Vec<ProjectSlug> = sim.world.repos.keys().cloned().collect();
        projects.iter().for_each(|project| people::notice(sim, project));
        sim.settle()?;
        checks::under_way(sim)?;
        let projects: Vec<ProjectSlug> = sim.world.repos.keys().cloned().collect();
        let mut is_clear = true;
        for project in projects {
            is_clear &= !clear(sim, &project)?;
        }
        // Results of looks can arrive in the wrong order, so the last one counts only if another look, with
        // no changes in between, agrees.
        if is_clear && is_last_look {
            ended(sim)?;
            return answers::play(sim);
        }
        is_last_look = is_clear;
        sim.last_words = if is_clear { 0 } else { sim.last_words };
    }
    let left: Vec<String> =
        sim.state.projects().map(|p| format!("{:?} {:?}", p.holds, p.train.held)).collect();
    Err(format!("clearing: what waits for users comes back for ever: {}", left.join("; ")))
}

/// Lets the user change the target branch at a random moment of the quiet end.
pub(super) fn last_word(sim: &mut Sim) {
    if sim.last_words > 0 && sim.rng.below(150) == 0 {
        sim.last_words -= 1;
        people::move_target(sim);
    }
}

/// The user does what Paddock asks for. Returns `false` if there was nothing to do.
pub(super) fn clear(sim: &mut Sim, slug: &ProjectSlug) -> Result<bool, String> {
    let mut commands = Vec::new();
    let found = sim.state.project(slug).cloned().ok_or("the project is gone")?;
    let project = || slug.clone();
    if !found.enabled {
        commands.push(Command::ProjectEnable { project: project(), enabled: true });
    }
    if found.paused {
        commands.push(Command::ProjectPause { project: project(), paused: false });
    }
    if found.train.held.is_some() {
        commands.push(Command::QueueRelease { project: project() });
    }
    if found.holds.contains_key(&ReasonCode::TargetRewritten) {
        let is_adopted = sim.rng.percent(50);
        commands.push(match is_adopted {
            true => Command::QueueAdopt { project: project() },
            false => Command::QueueRepublish { project: project() },
        });
    } else if found.holds.contains_key(&ReasonCode::TargetMissing) {
        commands.push(Command::QueueRepublish { project: project() });
    }
    if found.pushing.pull_failure().is_some() {
        commands.push(Command::QueuePull { project: project() });
    }
    if found.holds.contains_key(&ReasonCode::Untrusted) {
        commands.push(Command::ProjectTrust { project: project(), trust: found.trust.clone() });
    }
    for agent in super::agents::out_of_use(&sim.state) {
        commands.push(Command::AgentEnable { agent, enabled: true, by: "ada".into() });
    }
    let needs_agents = !found.unusable_agents.is_empty();
    let mut has_acted = needs_agents || !commands.is_empty();
    for command in commands {
        sim.take(Input::Command(Box::new(command)))?;
    }
    if found.holds.contains_key(&ReasonCode::RepositoryBroken) {
        sim.take(Input::RepositoryFine { project: slug.clone() })?;
        has_acted = true;
    }
    if found.holds.contains_key(&ReasonCode::DiskLow) {
        let (code, clears) = (ReasonCode::DiskLow, String::new());
        sim.take(Input::HoldSeen { project: slug.clone(), code, text: None, clears })?;
        has_acted = true;
    }
    if found.integration.external_refused.is_some() && found.holds.is_empty() {
        let repo = sim.world.repos.get_mut(slug).unwrap();
        let what = people::merge_integration(repo);
        has_acted |= what.is_some();
        people::notice(sim, slug);
    }
    if needs_agents {
        sim.restart()?;
    }
    has_acted |= super::planning::clear(sim, slug)?;
    Ok(has_acted)
}

fn ended(sim: &mut Sim) -> Result<(), String> {
    // From here on the user does nothing, so that the end can be checked.
    sim.last_words = 0;
    let slugs: Vec<ProjectSlug> = sim.world.repos.keys().cloned().collect();
    for project in slugs {
        let command = Command::QueuePublish { project };
        sim.take(Input::Command(Box::new(command)))?;
    }
    sim.settle()?;
    let Some(end) = settled(&sim.state, &sim.memo) else {
        return Err("ended: everything has ended, but something counts as moving".to_owned());
    };
    for objective in sim.state.objectives() {
        all_moved(sim, objective)?;
    }
    for project in sim.state.projects() {
        is_published(sim, project)?;
    }
    let is_all_done = sim.state.objectives().all(|objective| objective.status.frees_dependents());
    match is_all_done == (end == Settled::Done) {
        true => Ok(()),
        false => Err(format!("ended: the outcome {end:?} disagrees with the objectives")),
    }
}

/// Checks that an objective is done, waits for a person with a reason, or depends on one that does.
fn all_moved(sim: &Sim, objective: &Objective) -> Result<(), String> {
    let key = &objective.key;
    let holds = match objective.status {
        Status::Done => {
            let is_manual = sim.state.project(&key.project).is_some_and(is_manual);
            is_manual || objective.worktree.is_none()
        }
        Status::NeedsReview | Status::Paused | Status::Skipped | Status::Failed | Status::Cancelled => {
            objective.reason.is_some()
        }
        Status::Todo => sim
            .state
            .unmet(objective)
            .iter()
            .any(|other| other.status.is_stuck() || other.status == Status::Todo),
        _ => false,
    };
    let state = format!("{} {:?}", objective.status, objective.worktree);
    if holds { Ok(()) } else { Err(format!("ended: {key} is left: {state}")) }
}

fn is_manual(project: &Project) -> bool {
    project.settings.land.publish == PublishRule::Manual
}

fn is_published(sim: &Sim, project: &Project) -> Result<(), String> {
    let repo = &sim.world.repos[&project.slug];
    let integration = &project.integration;
    if repo.integration.as_ref() != Some(&integration.tip) {
        return Err(format!("ended: {} does not know where its integration ref is", project.slug));
    }
    if !project.train.entries.is_empty() {
        return Err(format!("ended: entries are left in the queue of {}", project.slug));
    }
    let is_there = repo.target.as_ref() == Some(&integration.tip) && integration.published == integration.tip;
    if !is_there || !integration.unpublished.is_empty() || integration.waits.is_some() {
        let at = repo.target.as_ref().map(|target| target.short().to_owned());
        return Err(format!("ended: landed work is not published: {integration:?}, target at {at:?}"));
    }
    Ok(())
}
