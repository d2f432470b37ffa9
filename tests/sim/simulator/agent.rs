//! Simulated agents. Their behaviour depends on the seed, the objective and the attempt alone, so that kills
//! of the supervisor do not change it.

use paddock_engine::input::Input;
use paddock_model::facts::HarvestFacts;
use paddock_model::finding::ElsewhereHead;
use paddock_model::ids::{ObjectId, SessionId};
use paddock_model::path::RepoPath;
use paddock_model::session::{Salvage, Session, SessionKind};
use paddock_model::state::State;
use paddock_model::summary::{SessionSummary, SummaryStatus};

use super::git::{Repo, Tree, is_green};
use super::world::World;
use crate::rng::{Rng, mix};

/// The behaviour of an agent in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    Good,
    Silent,
    Nothing,
    OutOfScope,
    Docs,
    Shared,
    Marked,
    Dirty,
    Elsewhere,
    OverCommits,
    Partial,
    Blocked,
    Fail,
    Signal,
    Stalled,
    Hang,
    Lost,
    SetupFailed,
    NotStarted,
    Limited,
    Waits,
    NoLogin,
    TooLong,
    Refused,
}

use Behaviour as B;

const BAD: [Behaviour; 20] = [
    B::Silent,
    B::Nothing,
    B::OutOfScope,
    B::Docs,
    B::Shared,
    B::Marked,
    B::Dirty,
    B::Elsewhere,
    B::OverCommits,
    B::Partial,
    B::Blocked,
    B::Fail,
    B::Signal,
    B::Stalled,
    B::Hang,
    B::Lost,
    B::SetupFailed,
    B::Limited,
    B::Limited,
    B::TooLong,
];

/// Faults after which the work is the same in the end, however often they occur.
const TAME: [Behaviour; 5] = [B::Fail, B::Shared, B::Marked, B::OutOfScope, B::Dirty];

/// Returns the behaviour in a session, and the number of commits that it makes.
pub(super) fn choose(world: &World, session: &Session, is_calm: bool) -> (Behaviour, u32) {
    let name = session.objective.to_string();
    let about = name.bytes().fold(world.seed, |sum, byte| mix(sum ^ u64::from(byte)));
    let mut rng = Rng::new(about ^ mix(u64::from(session.attempt)));
    let commits = u32::try_from(1 + rng.below(3)).unwrap();
    let behaviour = match (is_calm, world.faults) {
        (true, _) if session.kind != SessionKind::Work => B::Good,
        (true, _) if rng.percent(40) => *rng.pick(&TAME),
        (false, true) if rng.percent(2) => B::NotStarted,
        (false, true) if rng.percent(5) => *rng.pick(&[B::Waits, B::NoLogin, B::Refused]),
        (false, true) if rng.percent(55) => *rng.pick(&BAD),
        _ => B::Good,
    };
    let commits = match behaviour {
        B::Nothing | B::NotStarted | B::SetupFailed => 0,
        B::OverCommits => session.budget.max_commits + 2,
        _ => commits,
    };
    (behaviour, commits)
}

/// Makes one commit on the work branch.
pub(super) fn work(world: &mut World, rng: &mut Rng, state: &State, id: SessionId) {
    let job = &world.jobs[&id];
    let (Some(objective), Some(session)) = (state.objective(&job.objective), state.session(id)) else {
        return;
    };
    let scope = objective.spec.path_scope.first().map_or("area0/**", String::as_str);
    let area = scope.trim_end_matches("**").to_owned();
    let (branch, behaviour) = (objective.branch(), job.behaviour);
    let mends = session.kind != SessionKind::Work;
    let is_in_conflict = session.kind == SessionKind::Conflict;
    let repo = world.repos.get_mut(&objective.key.project).unwrap();
    let head = repo.branches[&branch].clone();
    let mut tree = repo.tree(&head).clone();
    let mut parents = vec![head.clone()];
    if mends {
        mend(repo, &head, &mut tree, &area);
    }
    let tip = repo.integration.clone().unwrap();
    if is_in_conflict && !repo.is_in(&tip, &head) {
        let mended = repo.commit(parents, tree);
        tree = repo.merge_anyhow(&mended, &tip);
        if !is_green(&tree) {
            tree.remove(&format!("{area}mark"));
        }
        parents = vec![mended, tip];
    } else {
        tree.insert(format!("{area}{}", objective.key.id), mix(id.0 ^ rng.below(1_000_000) as u64));
        stray(behaviour, &area, id, &mut tree);
    }
    let commit = repo.commit(parents, tree);
    repo.branches.insert(branch, commit.clone());
    let seen = u32::try_from(repo.since(&world.jobs[&id].from, &commit).len()).unwrap();
    let report = super::agents::report_after_commit(id, session, behaviour, (seen, world.now_ms));
    let job = world.jobs.get_mut(&id).unwrap();
    job.commits_left -= 1;
    if job.watched {
        world.inbox.extend(report);
        world.inbox.push(Input::CommitsSeen { session: id, commits: seen });
    }
}

/// Undoes earlier faults: restores files out of scope, and removes the mark.
fn mend(repo: &Repo, head: &ObjectId, tree: &mut Tree, area: &str) {
    let before = repo.base_tree(head);
    for path in repo.net_paths(head) {
        if !path.starts_with(area) && path != "CHANGELOG.md" {
            match before.get(&path) {
                Some(content) => tree.insert(path, *content),
                None => tree.remove(&path),
            };
        }
    }
    tree.remove(&format!("{area}mark"));
}

fn stray(behaviour: Behaviour, area: &str, id: SessionId, tree: &mut Tree) {
    match behaviour {
        B::OutOfScope => drop(tree.insert(format!("outside/{id}"), 1)),
        // Allowed by `recovery.expand`, unless another objective holds that scope.
        B::Docs => drop(tree.insert("docs/notes.md".to_owned(), mix(id.0))),
        B::Shared => drop(tree.insert("CHANGELOG.md".to_owned(), mix(id.0))),
        B::Marked => drop(tree.insert(format!("{area}mark"), 1)),
        _ => {}
    }
}

fn summary(behaviour: Behaviour) -> Option<SessionSummary> {
    let status = match behaviour {
        B::Silent | B::Nothing => return None,
        B::Partial => SummaryStatus::Partial,
        B::Blocked => SummaryStatus::Blocked,
        _ => SummaryStatus::Completed,
    };
    Some(SessionSummary {
        status,
        commits_made: None,
        criteria: Vec::new(),
        summary: "words".to_owned(),
        needs_follow_up: false,
        follow_up_notes: String::new(),
        out_of_scope_changes_needed: String::new(),
        lenient: false,
    })
}

/// Reads what a session left, as the effect does.
pub(super) fn harvest(
    world: &mut World,
    session: &Session,
    branch: &str,
) -> Result<Box<HarvestFacts>, String> {
    let first = !matches!(session.status, paddock_model::session::SessionStatus::Ended(_));
    let behaviour = world.jobs.get(&session.id).map_or(Behaviour::Good, |job| job.behaviour);
    let now_ms = world.now_ms;
    let repo = world.repos.get_mut(&session.objective.project).unwrap();
    let Some(head) = repo.branches.get(branch).cloned() else { return Err("the branch is gone".to_owned()) };
    if behaviour == B::Elsewhere && first && !repo.worktrees.contains_key(branch) {
        return Err("the worktree is gone".to_owned());
    }
    let reference = format!("refs/paddock/salvage/{}/{}", session.objective.id, session.id);
    let is_dirty = behaviour == B::Dirty && first;
    let salvage = is_dirty.then(|| Salvage { reference, commit: head.clone(), paths: 1, left: Vec::new() });
    let elsewhere = ElsewhereHead { commit: head.clone(), kept_as: "refs/paddock/kept/x".to_owned() };
    Ok(Box::new(HarvestFacts {
        set_up: paddock_model::facts::SetUpFacts::default(),
        commits: repo.since(&session.from, &head),
        net_paths: repo.net_paths(&head).iter().map(|path| RepoPath::from(path.as_str())).collect(),
        integrator_paths: Vec::new(),
        bad_links: Vec::new(),
        left_behind: Vec::new(),
        secrets: Vec::new(),
        unsearched: Vec::new(),
        uncommitted: if is_dirty { vec![RepoPath::from("forgotten")] } else { Vec::new() },
        salvage,
        tampered: Vec::new(),
        marks: Vec::new(),
        stash_taken: Vec::new(),
        head_elsewhere: (behaviour == B::Elsewhere && first).then_some(elsewhere),
        summary: summary(behaviour),
        account: super::agents::account(session, behaviour, repo.since(&session.from, &head).len(), now_ms),
        head,
    }))
}
