//! Bringing in what others pushed (`queue pull`): the remote's branch is fetched and merged into landed work,
//! and what comes of it is published and pushed.
//!
//! The merge is an entry of the queue like the user's own commits: it goes first, alone, and through the gate.
//! A remote's branch that holds everything that has landed needs no merge: the target branch is
//! fast-forwarded to it, and the tip follows as it follows the user's commits. The order is served once a push
//! succeeds. If somebody pushes in between, the fetch is repeated, [`ROUNDS_MAX`] times at most.

use crate::decide::queue::entries::drop_entry;
use crate::decide::refusals::unknown_project;
use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use crate::input::PublishAnswer;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::{Dropped, Fact};
use paddock_model::facts::Relation;
use paddock_model::ids::{ObjectId, ProjectSlug};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::side_runs::{Fetched, PullFailure, PullFault, PullStage, PushWait, RemoteCause};
use paddock_model::train::Subject;

/// Fetches for one order, at most. Where others push that often, a person chooses a quieter moment.
pub(in crate::decide) const ROUNDS_MAX: u32 = 5;

/// A person orders the remote's commits to be brought in.
pub(in crate::decide) fn ask(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    if let Some(held) = hold_of(project) {
        return Err(Refusal::new(held));
    }
    let branch = project.settings.target_branch.clone();
    let is_pulling = project.pushing.is_pulling();
    let is_going_on = is_pulling && (has_entry(project) || scribe.memo.pulling.contains(slug));
    scribe.mark(slug);
    scribe.memo.pull_now.insert(slug.clone());
    if is_going_on {
        return Ok(Answer::text(format!(
            "what others pushed to {branch} is being brought in already; `paddock queue list` shows how far it is"
        )));
    }
    scribe.record(Fact::PullAsked { project: slug.clone(), round: 1 });
    let then = match project_pushes(scribe, slug) {
        true => ", through the gate, and pushed",
        false => ", through the gate",
    };
    Ok(Answer::text(format!("fetching {branch}; what is new there is merged with landed work{then}")))
}

fn project_pushes(scribe: &Scribe<'_>, slug: &ProjectSlug) -> bool {
    scribe.state.project(slug).is_some_and(|project| project.settings.land.push.is_some())
}

/// Returns what keeps a pull from beginning; `None` if nothing does.
fn hold_of(project: &Project) -> Option<String> {
    use ReasonCode as R;
    let slug = &project.slug;
    // These are about the branch or the repository itself: first of all it has to be clear what they are.
    let codes = [
        R::TargetUnset,
        R::TargetChanged,
        R::TargetMissing,
        R::TargetRewritten,
        R::RepositoryBroken,
        R::Untrusted,
    ];
    if let Some(reason) = codes.iter().find_map(|code| project.holds.get(code)) {
        return Some(format!("{}; {}", reason.text, reason.clears));
    }
    let off = || format!("project {slug} is disabled; `paddock project enable {slug}`");
    (!project.is_enabled()).then(off)
}

fn has_entry(project: &Project) -> bool {
    project.train.entries.iter().any(|entry| entry.subject == Subject::Remote)
}

/// Orders the fetches and moves of the target branch that pulls are due for.
pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    for slug in scribe.marked() {
        let Some(project) = scribe.state.project(&slug) else { continue };
        let Some(pull) = &project.pushing.pull else { continue };
        // A command without a supervisor serves its own order alone, and a supervisor that stops begins none.
        let is_wanted = match scribe.memo.is_passive {
            true => scribe.memo.pull_now.contains(&slug),
            false => scribe.memo.stopping.is_none(),
        };
        let integration = &project.integration;
        let is_free = is_wanted
            && project.is_workable()
            && hold_of(project).is_none()
            && integration.is_made
            && !integration.is_moving_to_target()
            && !scribe.memo.pulling.contains(&slug);
        if !is_free {
            continue;
        }
        let order = match &pull.stage {
            PullStage::Fetching => {
                Effect::FetchRemote { project: slug.clone(), tip: integration.tip.clone() }
            }
            PullStage::Forwarding(to) => Effect::ForwardTarget {
                project: slug.clone(),
                published: integration.published.clone(),
                to: to.clone(),
            },
            PullStage::Merging(_) | PullStage::Merged | PullStage::Failed(_) => continue,
        };
        scribe.memo.pulling.insert(slug.clone());
        scribe.order(order);
    }
}

/// The remote's branch was fetched and compared with `tip`, or could not be.
pub(in crate::decide) fn fetched(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    tip: &ObjectId,
    result: Result<(Fetched, Relation), PullFailure>,
) {
    scribe.memo.pulling.remove(slug);
    scribe.mark(slug);
    let Some(project) = scribe.state.project(slug) else { return };
    let is_awaited = project.pushing.pull.as_ref().is_some_and(|pull| pull.stage == PullStage::Fetching);
    // Something landed meanwhile: the comparison is out of date, and the fetch is ordered again.
    if !is_awaited || (result.is_ok() && project.integration.tip != *tip) {
        return;
    }
    let (fetched, relation) = match result {
        Ok(found) => found,
        Err(failure) => return fail(scribe, slug, failure),
    };
    let head = fetched.head.clone();
    scribe.record(Fact::RemoteFetched { project: slug.clone(), fetched, relation });
    match relation {
        // Nothing is lacking: only the push is left, and it is tried at once.
        Relation::Same | Relation::Ancestor => push_now(scribe, slug),
        Relation::Descendant => {}
        Relation::Diverged => enqueue(scribe, slug, head),
    }
}

fn push_now(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    scribe.memo.push_tried.remove(slug);
    scribe.memo.push_again.remove(slug);
}

/// Queues the remote's commits: their merge with the tip goes first, and through the gate.
fn enqueue(scribe: &mut Scribe<'_>, slug: &ProjectSlug, head: ObjectId) {
    drop_remote_entry(scribe, slug);
    let Some(entry) = scribe.state.project(slug).map(|project| project.train.next_entry) else { return };
    let (project, subject) = (slug.clone(), Subject::Remote);
    scribe.record(Fact::EntryQueued { project, entry, subject, head, priority: 0 });
}

/// Drops the entry of the remote's commits, if there is one.
pub(in crate::decide) fn drop_remote_entry(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let Some(project) = scribe.state.project(slug) else { return };
    let found = project.train.entries.iter().find(|entry| entry.subject == Subject::Remote).cloned();
    if let Some(entry) = found {
        drop_entry(scribe, slug, &entry, Dropped::Superseded);
    }
}

/// The target branch was fast-forwarded to the fetched commit, or could not be.
pub(in crate::decide) fn forwarded(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    to: &ObjectId,
    answer: PublishAnswer,
) {
    scribe.memo.pulling.remove(slug);
    scribe.mark(slug);
    // What moved is found there: the tip follows commits that hold everything that has landed.
    scribe.order(Effect::Look { project: slug.clone() });
    let Some(project) = scribe.state.project(slug) else { return };
    let stage = project.pushing.pull.as_ref().map(|pull| &pull.stage);
    if !matches!(stage, Some(PullStage::Forwarding(awaited)) if awaited == to) {
        return;
    }
    match answer {
        // The look records the rest. A second move to the same commit would change nothing.
        PublishAnswer::Published => drop(scribe.memo.pulling.insert(slug.clone())),
        PublishAnswer::Moved => again(scribe, slug),
        PublishAnswer::Waits(wait) => {
            let text = format!("what was fetched is not on the target branch yet: {}", wait.text);
            let (fault, files) = (PullFault::Checkout, wait.files);
            fail(scribe, slug, PullFailure { fault, text, files, at_ms: scribe.now_ms });
        }
    }
}

/// Fetches once more, unless that was done too often.
fn again(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let Some(project) = scribe.state.project(slug) else { return };
    let Some(round) = project.pushing.pull.as_ref().map(|pull| pull.round) else { return };
    if round < ROUNDS_MAX {
        return scribe.record(Fact::PullAsked { project: slug.clone(), round: round + 1 });
    }
    let text = format!("somebody pushed again after each of {ROUNDS_MAX} merges");
    let failure = PullFailure { fault: PullFault::Outrun, text, files: Vec::new(), at_ms: scribe.now_ms };
    fail(scribe, slug, failure);
}

/// The push of everything that was brought in was refused for this reason: if somebody pushed meanwhile, the
/// pull begins again.
pub(in crate::decide) fn push_refused(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    commit: &ObjectId,
    wait: &PushWait,
) {
    let Some(project) = scribe.state.project(slug) else { return };
    let is_merged = project.pushing.pull.as_ref().is_some_and(|pull| pull.stage == PullStage::Merged);
    // A push that was ordered before the merge says nothing about it.
    if is_merged && wait.cause == Some(RemoteCause::Ahead) && project.integration.tip == *commit {
        again(scribe, slug);
    }
}

/// Records that the pull failed. Nothing was changed.
pub(in crate::decide) fn fail(scribe: &mut Scribe<'_>, slug: &ProjectSlug, failure: PullFailure) {
    scribe.record(Fact::PullFailed { project: slug.clone(), failure });
}

/// The branch that the target branch follows was compared with it. Only news is recorded.
pub(in crate::decide) fn upstream_seen(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    upstream: Option<paddock_model::side_runs::Upstream>,
) {
    if scribe.state.project(slug).is_some_and(|project| project.upstream != upstream) {
        scribe.record(Fact::UpstreamSeen { project: slug.clone(), upstream });
    }
}
