//! The conflict radar of each project: which branches will collide when they land, kept up to date as commits
//! appear.

use std::sync::PoisonError;

use super::error::EffectError;
use super::radars::ScanInputs;
use super::world::{Site, World};
use paddock_engine::input::Input;
use paddock_git::{BRANCHES_MAX, clear_radar};
use paddock_model::facts::Collision;
use paddock_model::ids::{ObjectId, ObjectiveId, ProjectSlug};
use paddock_model::objective::Status;
use paddock_model::state::State;

/// The branches that a scan compares.
pub(super) struct Order {
    site: Site,
    branches: Vec<(ObjectiveId, String)>,
}

impl Order {
    /// Collects the branches of all objectives that are not over, those nearest to landing first. Returns
    /// `None` if a scan is ordered already, or if there is nothing to compare.
    pub(super) fn from_state(world: &World, state: &State, project: &ProjectSlug) -> Option<Self> {
        let site = Site::find(state, project)?;
        // The order decides which branches are left out beyond `BRANCHES_MAX`.
        let order = [Status::Queued, Status::Review, Status::Active, Status::Ready, Status::NeedsReview];
        let ids =
            order.into_iter().chain([Status::Paused]).flat_map(|status| state.in_status(project, status));
        let mut branches = Vec::new();
        for id in ids.into_iter().take(BRANCHES_MAX) {
            let key = paddock_model::ids::ObjectiveKey { project: project.clone(), id: id.clone() };
            let worktree = state.objective(&key).and_then(|objective| objective.worktree.as_ref());
            branches.extend(worktree.map(|worktree| (id.clone(), worktree.branch.clone())));
        }
        // Recorded collisions need one more scan after the last branch is gone, which clears them.
        let has_nothing = branches.is_empty() && state.project(project)?.collisions.is_empty();
        let mut due = world.radars.due.lock().unwrap_or_else(PoisonError::into_inner);
        (!has_nothing && due.insert(project.clone())).then_some(Self { site, branches })
    }
}

/// Compares the branches and reports the collisions, if tip or branches have changed since the last scan.
pub(super) fn scan(world: &World, order: &Order) {
    // Before the branches are read: a commit from here on has to order another scan.
    world.radars.due.lock().unwrap_or_else(PoisonError::into_inner).remove(&order.site.slug);
    match find_collisions(world, order) {
        Ok(Some(collisions)) => {
            world.report(Input::CollisionsSeen { project: order.site.slug.clone(), collisions });
        }
        Ok(None) => {}
        // The look at the target branch reports a repository that cannot be read; the radar is only an early
        // warning.
        Err(error) => tracing::debug!(%error, project = %order.site.slug, "the radar sees nothing"),
    }
}

/// Returns the collisions; `None` if tip and heads are those of the last scan.
fn find_collisions(world: &World, order: &Order) -> Result<Option<Vec<Collision>>, EffectError> {
    // Merging can run merge drivers from the git configuration, so only an agreed one is used.
    let repository = world.trusted(&order.site)?;
    let tip = repository.commit_of(&order.site.integration_ref)?;
    let tip = tip.unwrap_or_else(|| order.site.tip.clone());
    let names: Vec<String> = order.branches.iter().map(|(_, branch)| branch.clone()).collect();
    let heads = repository.heads_of(&names)?;
    let live: Vec<(ObjectiveId, ObjectId)> =
        heads.into_iter().map(|(index, head)| (order.branches[index].0.clone(), head)).collect();
    // Taken out of the map, so that the lock is not held during the scan, which may take seconds. The
    // executor runs one scan per project at a time.
    let mut state = {
        let mut states = world.radars.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.remove(&order.site.slug)
    };
    // The first scan of this process, or the one after a panic: remove what an earlier scan left on disk.
    if state.is_none() {
        clear_radar(&repository);
    }
    let mut state = state.take().unwrap_or_default();
    let inputs: ScanInputs = (tip.clone(), live.clone());
    let is_known = state.scanned.as_ref() == Some(&inputs);
    let heads: Vec<ObjectId> = live.iter().map(|(_, head)| head.clone()).collect();
    let clashes = if is_known { None } else { Some(state.radar.scan(&repository, &tip, &heads)) };
    // After an error the same tip and heads have to be scanned again.
    state.scanned = match &clashes {
        Some(Err(_)) => None,
        _ => Some(inputs),
    };
    world.radars.states.lock().unwrap_or_else(PoisonError::into_inner).insert(order.site.slug.clone(), state);
    let Some(clashes) = clashes.transpose()? else { return Ok(None) };
    let collisions = clashes.into_iter().map(|clash| Collision {
        objective: live[clash.branch].0.clone(),
        with: clash.other.map(|other| live[other].0.clone()),
        paths: clash.paths,
    });
    Ok(Some(collisions.collect()))
}
