//! Landing: the integration ref moves by compare-and-swap, after a check that the promise is kept.

use super::super::world::{Site, World};
use super::candidates::candidate_ref;
use crate::domain::ids::{ObjectId, ObjectiveKey, ProjectSlug};
use crate::domain::input::{Input, LandingAnswer};
use crate::domain::state::State;
use crate::domain::train::{Candidate, Stage, Subject};
use crate::git::{LandOrder, LandOutcome, land as land_in};

pub(in super::super) struct Order {
    site: Site,
    entry: u64,
    candidate: Candidate,
    /// Where the branch started.
    from: ObjectId,
    head: ObjectId,
}

impl Order {
    pub(in super::super) fn of(state: &State, project: &ProjectSlug, entry: u64) -> Option<Self> {
        let entry = state.project(project)?.train.entry(entry)?;
        let Stage::Landing { candidate, .. } = &entry.stage else { return None };
        let site = Site::find(state, project)?;
        let from = match &entry.subject {
            Subject::Target => site.published.clone(),
            Subject::Objective(id) => {
                let key = ObjectiveKey { project: project.clone(), id: id.clone() };
                let worktree = state.objective(&key).and_then(|objective| objective.worktree.as_ref());
                worktree.map_or_else(|| candidate.onto.clone(), |worktree| worktree.base.clone())
            }
        };
        Some(Self { site, entry: entry.id, candidate: candidate.clone(), from, head: entry.head.clone() })
    }
}

/// Reconciled by the ref: at the candidate or beyond it has happened, where it was it has not.
pub(in super::super) fn land(world: &World, order: &Order) {
    let wanted = LandOrder {
        integration_ref: order.site.integration_ref.clone(),
        old: order.candidate.onto.clone(),
        new: order.candidate.commit.clone(),
        verified_tree: order.candidate.tree.clone(),
        members: vec![(order.from.clone(), order.head.clone())],
    };
    let outcome =
        world.repository(&order.site.repo_root).and_then(|repository| land_in(&repository, &wanted));
    let answer = match outcome {
        Ok(LandOutcome::Landed | LandOutcome::AlreadyLanded) => LandingAnswer::Landed,
        Ok(LandOutcome::Moved { found }) => LandingAnswer::Moved { found },
        Ok(LandOutcome::SelfCheckFailed { why }) => LandingAnswer::SelfCheckFailed(why),
        Err(error) => LandingAnswer::Failed(error.to_string()),
    };
    let has_landed = answer == LandingAnswer::Landed;
    world.tell(Input::LandingAnswered { project: order.site.slug.clone(), entry: order.entry, answer });
    if has_landed {
        release_candidate(world, order);
    }
}

/// The integration ref holds the merge from here on: its own ref is not needed any more. One that a crash
/// leaves behind does no harm.
fn release_candidate(world: &World, order: &Order) {
    let name = candidate_ref(order.entry);
    let released = world
        .repository(&order.site.repo_root)
        .and_then(|repository| repository.delete_ref(&name, &order.candidate.commit));
    if let Err(error) = released {
        tracing::debug!(%error, name, "a candidate's ref stays");
    }
}
