//! The user's remote, to which others push as well.

use paddock_engine::input::PublishAnswer;
use paddock_model::facts::Relation;
use paddock_model::ids::{ObjectId, ProjectSlug};
use paddock_model::project::WaitCode;
use paddock_model::side_runs::{Fetched, PullFailure, PullFault, PushCode, PushWait, RemoteCause};

use super::effects::waiting;
use super::world::World;
use crate::rng::Rng;

/// Half of the pushes to the user's remote fail while faults are on.
pub(super) fn push(world: &World, rng: &mut Rng) -> Result<(), PushWait> {
    if !world.faults || rng.percent(50) {
        return Ok(());
    }
    let code = *rng.pick(&[PushCode::Unreachable, PushCode::Rejected]);
    let cause = (code == PushCode::Rejected).then_some(RemoteCause::Ahead);
    Err(PushWait { code, cause, text: "no".to_owned(), since_ms: 0 })
}

/// Somebody else has pushed: nothing that is new, a commit on top of the tip, or one beside it.
pub(super) fn fetch(
    world: &mut World,
    rng: &mut Rng,
    project: &ProjectSlug,
    tip: &ObjectId,
) -> Result<(Fetched, Relation), PullFailure> {
    if world.faults && rng.percent(20) {
        let (fault, text) = (PullFault::Fetch(Some(RemoteCause::Network)), "no".to_owned());
        return Err(PullFailure { fault, text, files: Vec::new(), at_ms: 0 });
    }
    let repo = world.repos.get_mut(project).unwrap();
    let found = |head: ObjectId, relation| {
        let name = "origin/main".to_owned();
        Ok((Fetched { name, head }, relation))
    };
    let (base, relation) = match rng.below(3) {
        0 => return found(tip.clone(), Relation::Same),
        1 => (tip.clone(), Relation::Descendant),
        _ => match repo.commits[tip].parents.first().cloned() {
            Some(parent) => (parent, Relation::Diverged),
            None => (tip.clone(), Relation::Descendant),
        },
    };
    let mut tree = repo.tree(&base).clone();
    let path = *rng.pick(&["others/notes", "area0/o0", "area1/o1"]);
    tree.insert(path.to_owned(), rng.below(1_000_000) as u64);
    let head = repo.commit(vec![base], tree);
    found(head, relation)
}

/// Fast-forwards the target branch to a fetched commit.
pub(super) fn forward(
    world: &mut World,
    project: &ProjectSlug,
    published: &ObjectId,
    to: &ObjectId,
) -> PublishAnswer {
    if world.disk_full || world.in_the_way.contains(project) {
        return PublishAnswer::Waits(waiting(WaitCode::Untracked));
    }
    let repo = world.repos.get_mut(project).unwrap();
    match repo.target.clone() {
        Some(target) if target == *to => PublishAnswer::Published,
        Some(target) if target == *published && repo.is_in(&target, to) => {
            repo.target = Some(to.clone());
            PublishAnswer::Published
        }
        _ => PublishAnswer::Moved,
    }
}
