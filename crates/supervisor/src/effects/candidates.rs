//! Makes the queue's candidates: a chain of merges, made in memory without a worktree.

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

/// Most landings that a conflict names.
const LANDED_MAX: usize = 8;
/// Most bytes kept of git's message about a conflict.
const TEXT_MAX_BYTES: usize = 2_000;

/// A chain of merges to make.
pub(in super::super) struct Order {
    site: Site,
    members: Vec<Member>,
    /// Members of the engine's order, including those that have left the queue since. The answer names them,
    /// so that the engine can tell which order it answers.
    asked: Vec<EntryId>,
    /// Tip that the first member is merged onto.
    onto: ObjectId,
    /// Whether the chain is for a run ahead of the entries' turn.
    ahead: bool,
    has_gate: bool,
    sign: bool,
}

/// One entry of the chain.
struct Member {
    entry: EntryId,
    /// Work branch, which still has to be at the pinned head. `None` for the user's own commits.
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
        // Entries that have left the queue since the order are skipped.
        let members = asked.iter().filter_map(|id| Member::from_state(state, &site, found.train.entry(*id)?));
        let has_gate = !found.settings.verify.is_empty();
        let sign = found.settings.sign;
        Some(Self { members: members.collect(), site, asked, onto, ahead, has_gate, sign })
    }
}

impl Member {
    /// Returns the member with the message of its merge; `None` if its objective is gone.
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
            Subject::Remote => {
                let remote = format!("remote branch '{}'", site.target_branch);
                (None, format!("Merge {remote} into landed work\n"), remote, String::new())
            }
        };
        let merge = ChainMember { head: entry.head.clone(), message, line, trailers };
        Some(Self { entry: entry.id, branch, merge })
    }
}

/// Makes a chain of merges.
///
/// Reconciled by making it again: the same inputs give the same merges.
pub(in super::super) fn make(world: &World, order: &Order) {
    fail_point!("candidate.before");
    let make = || world.with_disk_space(&order.site, "queued work is merged", || answer(world, order));
    let answer = past_locks(world, &order.site, make);
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

/// Returns the name of the ref that keeps the merges from git's garbage collection until they land. There is
/// one chain; merges made ahead of their turn have a ref of their own and are made again in their turn.
pub(super) fn candidate_name(ahead: bool) -> &'static str {
    if ahead { "ahead" } else { "batch" }
}

/// Makes the chain and returns the answer for the engine.
fn answer(world: &World, order: &Order) -> Result<CandidateAnswer, EffectError> {
    let repository = world.trusted(&order.site)?;
    // A branch that has moved since its head was pinned is left out: its new commits were not reviewed.
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
        // An answer of its own: the engine holds the queue until the user has repaired signing.
        Err(error @ GitError::Signing(_)) => return Ok(CandidateAnswer::Unsigned(Problem::new(error))),
        made => made?,
    };
    let entry = |place: &usize| members[*place].entry;
    let link = |link: ChainLink| Link { entry: entry(&link.member), commit: link.commit, tree: link.tree };
    let conflict = |(place, paths, messages): (usize, Vec<RepoPath>, Vec<String>)| MemberConflict {
        entry: entry(&place),
        text: conflict_text(&repository, &order.onto, &members[place].merge.head, &paths, &messages),
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

/// Returns whether a work branch is still at the pinned head.
pub(super) fn is_at(repository: &Repository, branch: &str, head: &ObjectId) -> Result<bool, GitError> {
    let found = repository.commit_of(&format!("refs/heads/{branch}"))?;
    Ok(found.as_ref() == Some(head))
}

/// Returns what the conflict session's prompt says about a conflict.
pub(super) fn conflict_text(
    repository: &Repository,
    onto: &ObjectId,
    head: &ObjectId,
    paths: &[RepoPath],
    messages: &[String],
) -> String {
    let text = landed_there(repository, onto, head, paths) + &messages.join("\n");
    cut::start(&text, TEXT_MAX_BYTES).to_owned()
}

/// Returns the landings that changed the conflicting files meanwhile. They tell an agent what the other side
/// intended.
fn landed_there(repository: &Repository, onto: &ObjectId, head: &ObjectId, paths: &[RepoPath]) -> String {
    // An error only leaves this list out; the conflict itself is reported either way.
    let found = repository.landed_on(onto, head, paths, LANDED_MAX).unwrap_or_default();
    if found.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = found.iter().map(|summary| format!("- {summary}")).collect();
    format!("What landed on these files meanwhile:\n{}\n\n", lines.join("\n"))
}
