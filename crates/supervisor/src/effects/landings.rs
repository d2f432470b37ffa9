//! Landing: the integration ref moves by compare-and-swap, after a check that the promise is kept.

use super::super::world::{Site, World};
use super::attempts::past_locks;
use super::candidates::is_at;
use paddock_engine::input::{Input, LandingAnswer, Problem};
use paddock_git::{LandOrder, LandOutcome, land as land_in};
use paddock_model::ids::{EntryId, ObjectId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::Objective;
use paddock_model::state::State;
use paddock_model::train::{Candidate, Subject};
use paddock_os::fail_points::{fail_point, trouble_point};

pub(in super::super) struct Order {
    site: Site,
    entry: EntryId,
    candidate: Candidate,
    members: Vec<Member>,
}

struct Member {
    entry: EntryId,
    /// The branch that has to be at the head still; none for the user's commits.
    branch: Option<String>,
    /// Where the branch started.
    from: ObjectId,
    head: ObjectId,
}

impl Order {
    pub(in super::super) fn from_state(state: &State, project: &ProjectSlug, entry: EntryId) -> Option<Self> {
        let train = &state.project(project)?.train;
        let landing = train.landing.as_ref().filter(|landing| landing.members.first() == Some(&entry))?;
        let site = Site::find(state, project)?;
        let member = |id: &EntryId| {
            let entry = train.entry(*id)?;
            let (branch, from) = match &entry.subject {
                Subject::Target => (None, site.published.clone()),
                Subject::Objective(id) => {
                    let key = ObjectiveKey { project: project.clone(), id: id.clone() };
                    let objective = state.objective(&key);
                    let worktree = objective.and_then(|objective| objective.worktree.as_ref());
                    let from = worktree.map_or(&landing.candidate.onto, |worktree| &worktree.base);
                    (objective.map(Objective::branch), from.clone())
                }
            };
            Some(Member { entry: entry.id, branch, from, head: entry.head.clone() })
        };
        let members = landing.members.iter().filter_map(member).collect();
        Some(Self { entry, candidate: landing.candidate.clone(), members, site })
    }
}

/// Reconciled by the ref: at the candidate or beyond it has happened, where it was it has not.
pub(in super::super) fn land(world: &World, order: &Order) {
    fail_point!("landing.before");
    trouble_point!("land");
    let wanted = LandOrder {
        integration_ref: order.site.integration_ref.clone(),
        old: order.candidate.onto.clone(),
        new: order.candidate.commit.clone(),
        verified_tree: order.candidate.tree.clone(),
        members: order.members.iter().map(|member| (member.from.clone(), member.head.clone())).collect(),
    };
    let (project, commit) = (order.site.slug.clone(), order.candidate.commit.clone());
    if let Some(entry) = moved(world, order) {
        let answer = LandingAnswer::HeadMoved { entry };
        return world.report(Input::LandingAnswered { project, entry: order.entry, commit, answer });
    }
    let outcome = past_locks(world, &order.site, || {
        world.repository(&order.site.repo_root).and_then(|repository| land_in(&repository, &wanted))
    });
    let answer = match outcome {
        Ok(LandOutcome::Landed | LandOutcome::AlreadyLanded) => LandingAnswer::Landed,
        Ok(LandOutcome::Moved { found }) => LandingAnswer::Moved { found },
        Ok(LandOutcome::SelfCheckFailed { why }) => LandingAnswer::SelfCheckFailed(why.into()),
        Err(error) => {
            tracing::warn!(project = %order.site.slug, %error, "a landing did not go through");
            LandingAnswer::Failed(Problem::new(error))
        }
    };
    fail_point!("landing.after");
    world.report(Input::LandingAnswered { project, entry: order.entry, commit, answer });
}

/// The first member whose branch has moved on since its head was pinned, as long as nothing has landed.
fn moved(world: &World, order: &Order) -> Option<EntryId> {
    let repository = world.repository(&order.site.repo_root).ok()?;
    let at = repository.commit_of(&order.site.integration_ref).ok()??;
    if at != order.candidate.onto {
        return None;
    }
    let has_moved = |member: &&Member| {
        let branch = member.branch.as_ref();
        branch.is_some_and(|branch| matches!(is_at(&repository, branch, &member.head), Ok(false)))
    };
    order.members.iter().find(has_moved).map(|member| member.entry)
}
