//! Users, who commit to, reset and delete their branch, leave files in the way, and give commands.

use paddock_engine::effect::Effect;
use paddock_engine::input::Input;
use paddock_model::command::Command;
use paddock_model::facts::{TrustFound, TrustRecord};
use paddock_model::ids::ProjectSlug;
use paddock_model::objective::Objective;
use paddock_model::reason::ReasonCode;

use super::git::Repo;
use super::setup;
use super::sim::Sim;
use crate::rng::Rng;

/// A user does something to a repository.
pub(super) fn disturb(sim: &mut Sim) {
    let project = some_project(sim);
    let rng = &mut sim.rng;
    let repo = sim.world.repos.get_mut(&project).unwrap();
    let what = match rng.below(20) {
        0..=8 => commit(repo, rng),
        9 => reset(repo, rng),
        10 => repo.target.take().map(|_| "deletes the target branch"),
        11 => merge_integration(repo),
        12 => return late_commit(sim, &project),
        13 if sim.kind.wild => {
            sim.world.disk_full ^= true;
            Some(if sim.world.disk_full { "fills the disk" } else { "frees the disk" })
        }
        _ => toggle_files(sim, &project),
    };
    if let Some(what) = what {
        sim.say(|| format!("the user of {project} {what}"));
    }
    notice(sim, &project);
}

/// The user moves or deletes the target branch.
pub(super) fn move_target(sim: &mut Sim) {
    let project = some_project(sim);
    let rng = &mut sim.rng;
    let repo = sim.world.repos.get_mut(&project).unwrap();
    let what = match rng.below(4) {
        0 => commit(repo, rng),
        1 => reset(repo, rng),
        2 => merge_integration(repo),
        _ => repo.target.take().map(|_| "deletes the target branch"),
    };
    sim.say(|| format!("the user of {project} {}", what.unwrap_or("does nothing")));
    notice(sim, &project);
}

/// The supervisor's watch notices that a ref moved, and orders a look.
pub(super) fn notice(sim: &mut Sim, project: &ProjectSlug) {
    // Notifications of the system can be lost. The supervisor then finds the change at its next poll.
    let is_lost = !sim.quiet && sim.rng.percent(20);
    if sim.world.is_up && !is_lost {
        sim.pool.push(Effect::Look { project: project.clone() });
    }
}

fn some_project(sim: &mut Sim) -> ProjectSlug {
    let all: Vec<ProjectSlug> = sim.world.repos.keys().cloned().collect();
    sim.rng.pick(&all).clone()
}

fn commit(repo: &mut Repo, rng: &mut Rng) -> Option<&'static str> {
    let at = repo.target.clone()?;
    let mut tree = repo.tree(&at).clone();
    let path = *rng.pick(&["user/notes", "CHANGELOG.md", "area0/o0", "area1/o1", "user/other"]);
    tree.insert(path.to_owned(), rng.below(1_000_000) as u64);
    repo.target = Some(repo.commit(vec![at], tree));
    Some("commits")
}

fn reset(repo: &mut Repo, rng: &mut Rng) -> Option<&'static str> {
    let at = repo.target.clone()?;
    let parent = repo.commits[&at].parents.first().cloned()?;
    repo.target = Some(match rng.percent(50) {
        true => parent,
        false => {
            let tree = repo.tree(&parent).clone();
            repo.commit(vec![parent], tree)
        }
    });
    Some("resets the target branch")
}

/// The user follows Paddock's advice and merges the integration ref.
pub(super) fn merge_integration(repo: &mut Repo) -> Option<&'static str> {
    let (at, tip) = (repo.target.clone()?, repo.integration.clone()?);
    if repo.is_in(&tip, &at) {
        return None;
    }
    let tree = repo.merge_anyhow(&at, &tip);
    repo.target = Some(repo.commit(vec![at, tip], tree));
    Some("merges the integration ref")
}

/// Somebody commits on a work branch, with or without a session on it. The supervisor may or may not notice.
fn late_commit(sim: &mut Sim, project: &ProjectSlug) {
    let rng = &mut sim.rng;
    let repo = sim.world.repos.get_mut(project).unwrap();
    let names: Vec<String> = repo.branches.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = rng.pick(&names).clone();
    let at = repo.branches[&name].clone();
    let mut tree = repo.tree(&at).clone();
    tree.insert("CHANGELOG.md".to_owned(), rng.below(1_000_000) as u64);
    let head = repo.commit(vec![at], tree);
    repo.branches.insert(name.clone(), head.clone());
    repo.touched.insert(name.clone());
    let of_branch = |objective: &&Objective| objective.branch() == name;
    let objective = sim.state.objectives_of(project).find(of_branch).map(|objective| objective.key.clone());
    if let Some(objective) = objective.filter(|_| sim.world.is_up && sim.rng.percent(50)) {
        sim.world.inbox.push(Input::BranchSeen { objective, head });
    }
    sim.say(|| format!("the user of {project} commits on {name}"));
}

fn toggle_files(sim: &mut Sim, project: &ProjectSlug) -> Option<&'static str> {
    match sim.world.in_the_way.remove(project) {
        true => Some("removes files in the way"),
        false => {
            sim.world.in_the_way.insert(project.clone());
            Some("leaves files in the way")
        }
    }
}

/// Returns a command of a user, or an observation of the machine.
pub(super) fn ask(sim: &mut Sim) -> Input {
    let project = some_project(sim);
    if sim.rng.percent(40)
        && let Some(command) = super::orders::order(sim, &project)
    {
        return Input::Command(Box::new(command));
    }
    let rng = &mut sim.rng;
    let sessions: Vec<_> = sim.state.open_sessions().map(|session| session.id).collect();
    let command = match (rng.below(37), sessions.is_empty()) {
        (0 | 1, false) => Command::SessionKill { session: *rng.pick(&sessions) },
        (2 | 3, false) => {
            let session = *rng.pick(&sessions);
            Command::SessionExtend { session, minutes: 1, commits: 1, tokens: 500, usd_micros: 5_000 }
        }
        (4, _) => Command::QueueHold { project },
        (5..=7, _) => Command::QueueRelease { project },
        (8..=10, _) => Command::QueueAdopt { project },
        (11 | 12, _) => Command::QueueRepublish { project },
        (13 | 14, _) => Command::QueuePublish { project },
        (15, _) => Command::ProjectPause { project, paused: rng.percent(40) },
        (16, _) => Command::ProjectEnable { project, enabled: rng.percent(60) },
        (17 | 18, _) => {
            let first = sim.state.objectives_of(&project).count();
            let objectives = setup::objectives(rng, first, 1);
            Command::ObjectivesAdd { project, objectives }
        }
        (22, _) => {
            let Some(found) = sim.state.project(&project) else { return Input::Tick };
            let before = found.trust.clone();
            let (needed, off) = (changes(rng), changes(rng));
            return Input::TrustRead { project, trust: TrustFound { before, needed, off } };
        }
        (23, _) => Command::ProjectTrust { project, trust: trust(rng) },
        (24, _) => return Input::RepositoryFailed { project, problem: "locked".into() },
        (25, _) => return Input::RepositoryFine { project },
        (26, _) => return Input::DayBegan { since_ms: sim.now_ms - 1_000 },
        (27 | 28, _) => super::agents::order(rng),
        (29, _) => Command::QueueCanary { project },
        (30, _) => Command::PlanApply { project, plan: Box::new(super::planning::written(rng)) },
        (31, _) => super::orders::node(rng, project),
        (32, _) => return super::orders::configure(sim, project).unwrap_or(Input::Tick),
        (33, _) => {
            let (run, problem) = ("bell".to_owned(), "exit status 1".to_owned());
            return Input::NotifyFailed { project, run, problem: problem.into() };
        }
        (34, _) => Command::AskRecheck { project },
        (36, _) => Command::QueuePull { project },
        (35, _) => {
            let known = sim.state.project(&project).and_then(|found| found.recheck.newest.clone());
            let Some(landed) = known.filter(|_| rng.percent(20)) else { return Input::Tick };
            Command::RecheckDiffers { project, commit: landed.commit, problem: "exit status 1".to_owned() }
        }
        _ => {
            let text = rng.percent(40).then(|| "too little disk is free".to_owned());
            let code = ReasonCode::DiskLow;
            return Input::HoldSeen { project, code, text, clears: "free some".to_owned() };
        }
    };
    Input::Command(Box::new(command))
}

/// Returns names of changed configuration, or none.
fn changes(rng: &mut Rng) -> Vec<String> {
    if rng.percent(60) { vec!["hook post-commit".to_owned()] } else { Vec::new() }
}

/// Returns the configuration that can run programs: unchanged, or with a new hook.
fn trust(rng: &mut Rng) -> TrustRecord {
    let hook = ("hooks/post-commit".to_owned(), "changed".to_owned());
    TrustRecord { entries: if rng.percent(60) { vec![hook] } else { Vec::new() } }
}
