//! Merges made in memory.

use super::super::clock::now_ms;
use super::super::error::EffectError;
use super::super::world::{Site, World};
use super::attempts::past_locks;
use paddock_engine::input::{CandidateAnswer, ChainMade, Input, MemberConflict, Problem};
use paddock_git::{ChainLink, ChainMember, ChainOrder, GitError, RepoPath, Repository, make_chain};
use paddock_model::cut;
use paddock_model::ids::{EntryId, ObjectId, ObjectiveKey, ProjectSlug};
use paddock_model::state::State;
use paddock_model::train::{Entry, Link, Subject};
use paddock_os::fail_points::fail_point;

/// Landings that a conflict names.
const LANDED_MAX: usize = 8;
/// Bytes kept of what git says of a conflict.
const TEXT_MAX_BYTES: usize = 2_000;

pub(in super::super) struct Order {
    site: Site,
    members: Vec<Member>,
    /// The members that were asked for, whether they are still there or not.
    asked: Vec<EntryId>,
    onto: ObjectId,
    ahead: bool,
    has_gate: bool,
    sign: bool,
}

struct Member {
    entry: EntryId,
    /// The branch that has to be at the head still; none for the user's commits.
    branch: Option<String>,
    merge: ChainMember,
}

impl Order {
    pub(in super::super) fn from_state(
        state: &State,
        project: &ProjectSlug,
        asked: Vec<EntryId>,
        onto: ObjectId,
        ahead: bool,
    ) -> Option<Self> {
        let site = Site::find(state, project)?;
        let found = state.project(project)?;
        let members = asked.iter().filter_map(|id| Member::from_state(state, &site, found.train.entry(*id)?));
        let has_gate = !found.settings.verify.is_empty();
        let sign = found.settings.sign;
        Some(Self { members: members.collect(), site, asked, onto, ahead, has_gate, sign })
    }
}

impl Member {
    fn from_state(state: &State, site: &Site, entry: &Entry) -> Option<Self> {
        let (branch, message, line, trailers) = match &entry.subject {
            Subject::Objective(id) => {
                let key = ObjectiveKey { project: site.slug.clone(), id: id.clone() };
                let objective = state.objective(&key)?;
                let title = objective.spec.title.trim();
                let session = objective.sessions.last().map(|n| format!("Paddock-Session: {n}\n"));
                let trailers = format!("Paddock-Objective: {id}\n{}", session.unwrap_or_default());
                let message = format!("Merge objective '{title}' [{id}]\n\n{trailers}");
                (Some(objective.branch()), message, format!("{title} [{id}]"), trailers)
            }
            Subject::Target => {
                let message = format!("Merge branch '{}' into landed work\n", site.target_branch);
                (None, message, format!("branch '{}'", site.target_branch), String::new())
            }
        };
        let merge = ChainMember { head: entry.head.clone(), message, line, trailers };
        Some(Self { entry: entry.id, branch, merge })
    }
}

/// Made from the same inputs they are the same merges: making them again after a crash does no harm.
pub(in super::super) fn make(world: &World, order: &Order) {
    fail_point!("candidate.before");
    let answer = past_locks(world, &order.site, || answer(world, order));
    let answer = answer.unwrap_or_else(|error| {
        tracing::warn!(project = %order.site.slug, %error, "a merge could not be made");
        CandidateAnswer::Failed(Problem::new(error))
    });
    fail_point!("candidate.after");
    world.report(Input::CandidateAnswered {
        project: order.site.slug.clone(),
        members: order.asked.clone(),
        onto: order.onto.clone(),
        ahead: order.ahead,
        answer,
    });
}

/// The name of the ref that keeps merges alive until they land. There is one chain, and what is made ahead of
/// its turn is made again in its turn.
pub(super) fn candidate_name(ahead: bool) -> &'static str {
    if ahead { "ahead" } else { "batch" }
}

fn answer(world: &World, order: &Order) -> Result<CandidateAnswer, EffectError> {
    let repository = world.trusted(&order.site)?;
    let mut moved = Vec::new();
    let mut members = Vec::new();
    for member in &order.members {
        match &member.branch {
            Some(branch) if !is_at(&repository, branch, &member.merge.head)? => moved.push(member.entry),
            _ => members.push(member),
        }
    }
    let wanted = ChainOrder {
        base: order.onto.clone(),
        members: members.iter().map(|member| member.merge.clone()).collect(),
        identity: world.identity(&repository),
        time_s: now_ms() / 1_000,
        name: candidate_name(order.ahead).to_owned(),
        seal: order.has_gate,
        sign: order.sign,
    };
    let made = match make_chain(&repository, &wanted) {
        Err(error @ GitError::Signing(_)) => return Ok(CandidateAnswer::Unsigned(Problem::new(error))),
        made => made?,
    };
    let entry = |place: &usize| members[*place].entry;
    let link = |link: ChainLink| Link { entry: entry(&link.member), commit: link.commit, tree: link.tree };
    let conflict = |(place, paths, messages): (usize, Vec<RepoPath>, Vec<String>)| MemberConflict {
        entry: entry(&place),
        text: conflict_text(&repository, order, &members[place].merge.head, &paths, &messages),
        paths,
    };
    Ok(CandidateAnswer::Made(Box::new(ChainMade {
        onto_tree: repository.tree_of(&order.onto)?,
        links: made.links.into_iter().map(link).collect(),
        separate: made.separate.iter().map(entry).collect(),
        sealed: order.has_gate,
        conflicts: made.conflicts.into_iter().map(conflict).collect(),
        moved,
    })))
}

/// Whether a work branch is at the pinned head still.
pub(super) fn is_at(repository: &Repository, branch: &str, head: &ObjectId) -> Result<bool, GitError> {
    let found = repository.commit_of(&format!("refs/heads/{branch}"))?;
    Ok(found.as_ref() == Some(head))
}

fn conflict_text(
    repository: &Repository,
    order: &Order,
    head: &ObjectId,
    paths: &[RepoPath],
    messages: &[String],
) -> String {
    let text = landed_there(repository, order, head, paths) + &messages.join("\n");
    cut::start(&text, TEXT_MAX_BYTES).to_owned()
}

/// What landed on the conflicting files meanwhile: the other side's intent.
fn landed_there(repository: &Repository, order: &Order, head: &ObjectId, paths: &[RepoPath]) -> String {
    let found = repository.landed_on(&order.onto, head, paths, LANDED_MAX).unwrap_or_default();
    if found.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = found.iter().map(|summary| format!("- {summary}")).collect();
    format!("What landed on these files meanwhile:\n{}\n\n", lines.join("\n"))
}
