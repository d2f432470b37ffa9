//! The conflict radar of each project: who will collide with whom, kept up to date as commits appear.

use std::sync::PoisonError;

use super::error::EffectError;
use super::screens::Seen;
use super::world::{Site, World};
use paddock_engine::input::Input;
use paddock_git::{BRANCHES_MAX, clear_radar};
use paddock_model::facts::Collision;
use paddock_model::ids::{ObjectId, ObjectiveId, ProjectSlug};
use paddock_model::objective::Status;
use paddock_model::state::State;

/// The branches to compare.
pub(super) struct Order {
    site: Site,
    branches: Vec<(ObjectiveId, String)>,
}

impl Order {
    /// The branches of whatever is not over, those nearest to landing first; none when a scan waits already.
    pub(super) fn from_state(world: &World, state: &State, project: &ProjectSlug) -> Option<Self> {
        let site = Site::find(state, project)?;
        let order = [Status::Queued, Status::Review, Status::Active, Status::Ready, Status::NeedsReview];
        let ids =
            order.into_iter().chain([Status::Paused]).flat_map(|status| state.in_status(project, status));
        let mut branches = Vec::new();
        for id in ids.into_iter().take(BRANCHES_MAX) {
            let key = paddock_model::ids::ObjectiveKey { project: project.clone(), id: id.clone() };
            let worktree = state.objective(&key).and_then(|objective| objective.worktree.as_ref());
            branches.extend(worktree.map(|worktree| (id.clone(), worktree.branch.clone())));
        }
        let has_nothing = branches.is_empty() && state.project(project)?.collisions.is_empty();
        let mut due = world.radars.due.lock().unwrap_or_else(PoisonError::into_inner);
        (!has_nothing && due.insert(project.clone())).then_some(Self { site, branches })
    }
}

/// Compares, and tells when anything is to be told. A repository that cannot be read is told of by whoever looks
/// at it.
pub(super) fn scan(world: &World, order: &Order) {
    world.radars.due.lock().unwrap_or_else(PoisonError::into_inner).remove(&order.site.slug);
    match scanned(world, order) {
        Ok(Some(collisions)) => {
            world.report(Input::CollisionsSeen { project: order.site.slug.clone(), collisions });
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, project = %order.site.slug, "the radar sees nothing"),
    }
}

fn scanned(world: &World, order: &Order) -> Result<Option<Vec<Collision>>, EffectError> {
    // Merging can run the merge drivers that the user agreed to, and no others.
    let repository = world.trusted(&order.site)?;
    let tip = repository.commit_of(&order.site.integration_ref)?;
    let tip = tip.unwrap_or_else(|| order.site.tip.clone());
    let names: Vec<String> = order.branches.iter().map(|(_, branch)| branch.clone()).collect();
    let heads = repository.heads_of(&names)?;
    let live: Vec<(ObjectiveId, ObjectId)> =
        heads.into_iter().map(|(index, head)| (order.branches[index].0.clone(), head)).collect();
    let mut screen = {
        let mut screens = world.radars.screens.lock().unwrap_or_else(PoisonError::into_inner);
        screens.remove(&order.site.slug)
    };
    if screen.is_none() {
        clear_radar(&repository);
    }
    let mut screen = screen.take().unwrap_or_default();
    let seen: Seen = (tip.clone(), live.clone());
    let is_known = screen.seen.as_ref() == Some(&seen);
    let heads: Vec<ObjectId> = live.iter().map(|(_, head)| head.clone()).collect();
    let clashes = if is_known { None } else { Some(screen.radar.scan(&repository, &tip, &heads)) };
    screen.seen = match &clashes {
        Some(Err(_)) => None,
        _ => Some(seen),
    };
    world
        .radars
        .screens
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(order.site.slug.clone(), screen);
    let Some(clashes) = clashes.transpose()? else { return Ok(None) };
    let collisions = clashes.into_iter().map(|clash| Collision {
        objective: live[clash.branch].0.clone(),
        with: clash.other.map(|other| live[other].0.clone()),
        paths: clash.paths,
    });
    Ok(Some(collisions.collect()))
}
