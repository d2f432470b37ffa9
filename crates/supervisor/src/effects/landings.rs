//! Landing: moves the integration ref by compare-and-swap, after a check that the candidate is what the gate
//! passed.

use super::super::homecoming;
use super::super::world::{Site, World};
use super::attempts::past_locks;
use super::candidates::is_at;
use super::origin;
use paddock_engine::input::{Input, LandingAnswer, Problem};
use paddock_git::{LandOrder, LandOutcome, land as land_in};
use paddock_model::ids::{EntryId, ObjectId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::Objective;
use paddock_model::state::State;
use paddock_model::train::{Candidate, Subject};
use paddock_os::fail_points::{fail_point, trouble_point};

/// A landing to make. Its intent is recorded.
pub(in super::super) struct Order {
    site: Site,
    /// First entry of the batch, which names the landing.
    entry: EntryId,
    candidate: Candidate,
    members: Vec<Member>,
}

/// One entry of the batch that lands.
struct Member {
    entry: EntryId,
    /// Work branch, which still has to be at `head`. `None` for the user's own commits.
    branch: Option<String>,
    /// Commit that the branch started from.
    from: ObjectId,
    /// Head that was pinned and passed the gate.
    head: ObjectId,
}

impl Order {
    pub(in super::super) fn from_state(state: &State, project: &ProjectSlug, entry: EntryId) -> Option<Self> {
        let train = &state.project(project)?.train;
        // An order for a landing that is over by now finds another one, or none, and is dropped.
        let landing = train.landing.as_ref().filter(|landing| landing.members.first() == Some(&entry))?;
        let site = Site::find(state, project)?;
        let member = |id: &EntryId| {
            let entry = train.entry(*id)?;
            let (branch, from) = match &entry.subject {
                Subject::Target | Subject::Remote => (None, site.published.clone()),
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

/// Lands a batch.
///
/// Reconciled by the ref: at the candidate or beyond, the landing has happened; at the old tip, it has not.
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
    // Somebody has committed to a branch since it was judged. The new commits have to be judged before the
    // objective counts as landed, so its entry leaves the queue first.
    if let Some(entry) = first_moved(world, order) {
        let answer = LandingAnswer::HeadMoved { entry };
        return world.report(Input::LandingAnswered { project, entry: order.entry, commit, answer });
    }
    let outcome = past_locks(world, &order.site, || {
        world.with_disk_space(&order.site, "a landing moves the integration ref", || {
            world.repository(&order.site.repo_root).and_then(|repository| land_in(&repository, &wanted))
        })
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
    // Before the report: what follows from a landing finds it in the origin.
    if matches!(answer, LandingAnswer::Landed) {
        origin::follow(world, &order.site);
    }
    fail_point!("landing.after");
    world.report(Input::LandingAnswered { project, entry: order.entry, commit, answer });
}

/// Returns the first member whose branch has moved since its head was pinned. Errors count as "not moved":
/// the landing itself meets and reports them.
fn first_moved(world: &World, order: &Order) -> Option<EntryId> {
    let repository = world.repository(&order.site.repo_root).ok()?;
    // What a person committed in an own place is on no branch before it has come home.
    homecoming::look(world, &repository, &order.site);
    let at = repository.commit_of(&order.site.integration_ref).ok()??;
    // Elsewhere than at the old tip: the landing happened before a crash, or cannot happen. `land_in` finds
    // out which.
    if at != order.candidate.onto {
        return None;
    }
    let has_moved = |member: &&Member| {
        let branch = member.branch.as_ref();
        branch.is_some_and(|branch| matches!(is_at(&repository, branch, &member.head), Ok(false)))
    };
    order.members.iter().find(has_moved).map(|member| member.entry)
}
