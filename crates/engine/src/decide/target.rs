//! The user's target branch: what follows from where it was found.
//!
//! The branch is compared with two commits: the one that Paddock published last, and the integration tip.

pub(super) mod bypass;
pub(super) mod retarget;
pub(super) mod watch;

use super::scribe::Scribe;
use super::wording::integration_of;
use crate::decide::queue::entries::drop_users_entry;
use crate::decide::queue::holds::{hold, hold_queue_until, release, release_queue};
use crate::decide::queue::publish;
use crate::decide::queue::pull;
use crate::effect::{Effect, LandedWork};
use crate::input::Problem;
use paddock_model::event::Fact;
use paddock_model::facts::{Relation, TargetFacts};
use paddock_model::ids::{ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Cause, Status};
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::state::State;
use paddock_model::train::Subject;

pub(super) fn looked(scribe: &mut Scribe<'_>, slug: &ProjectSlug, facts: &TargetFacts) {
    if scribe.memo.unlooked.remove(slug) {
        scribe.mark(slug);
    }
    let Some(project) = scribe.state.project(slug) else { return };
    let integration = &project.integration;
    if !integration.is_made {
        // A commit of the user at this moment would be answered by moving a ref that does not exist. The
        // branch is read again once the ref is made.
        return;
    }
    let is_busy = scribe.memo.publishing.contains_key(slug)
        || integration.is_moving_to_target()
        || project.train.landing.is_some();
    if is_busy {
        return; // The answer of the effect in progress orders another look.
    }
    // The look raced with a landing or publication: its relations are to commits of the past.
    if facts.tip != integration.tip || facts.published != integration.published {
        scribe.order(Effect::Look { project: slug.clone() });
        return;
    }
    let is_news = integration.target != facts.target;
    scribe.mark(slug);
    if is_news {
        // The user's new commits may repair a base that was red.
        scribe.record(Fact::TargetSeen { project: slug.clone(), target: facts.target.clone() });
        release_queue(scribe, slug, &[ReasonCode::TargetRed]);
    }
    match &facts.target {
        None => missing(scribe, slug),
        Some(target) => {
            release(scribe, slug, ReasonCode::TargetMissing);
            present(scribe, slug, target, facts);
        }
    }
}

fn present(scribe: &mut Scribe<'_>, slug: &ProjectSlug, target: &ObjectId, facts: &TargetFacts) {
    use Relation as R;
    match (facts.to_published, facts.to_tip) {
        // Published work is missing: the branch was reset, amended or replaced.
        (R::Ancestor | R::Diverged, _) => return rewritten(scribe, slug, target),
        (R::Same, R::Same | R::Ancestor) => nothing_of_the_users(scribe, slug),
        // The branch is ahead of what was recorded as published, and the tip contains it. A publication
        // succeeded without its record, or the user fast-forwarded the branch themselves.
        (R::Descendant, R::Same | R::Ancestor) => publish::published(scribe, slug, target),
        // The user committed on top of everything that has landed: the tip simply follows.
        (R::Same | R::Descendant, R::Descendant) => {
            let from = facts.tip.clone();
            let project = slug.clone();
            scribe.record(Fact::ExternalIntended {
                project: project.clone(),
                from: from.clone(),
                to: target.clone(),
            });
            scribe.order(Effect::MoveExternal { project, from, to: target.clone() });
        }
        // The user committed while other work landed. `Same` occurs after `queue republish`: a rewritten
        // target counts as published then, without being part of the tip.
        (R::Same | R::Descendant, R::Diverged) => enqueue_users_commits(scribe, slug, target),
    }
    release(scribe, slug, ReasonCode::TargetRewritten);
}

/// The target branch is where Paddock published last. Commits of the user that diverged from it are gone:
/// their queue entry and its refusal are out of date.
fn nothing_of_the_users(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    drop_users_entry(scribe, slug, None);
    // Without this, publishing would wait for ever after the user took back commits that conflicted.
    let is_refused = |project: &Project| project.integration.external_refused.is_some();
    if scribe.state.project(slug).is_some_and(is_refused) {
        scribe.record(Fact::PublicationFreed { project: slug.clone() });
    }
}

fn missing(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    release(scribe, slug, ReasonCode::TargetRewritten); // A branch that is gone cannot be adopted.
    let Some(branch) = branch_of(scribe, slug) else { return };
    let text = format!("the target branch {branch} is gone");
    let clears = format!(
        "`paddock project set-target {slug} BRANCH` if the branch was renamed or work is to land elsewhere; \
         otherwise create it again, or let `paddock --project {slug} queue republish` create it with all \
         landed work"
    );
    hold(scribe, slug, ReasonCode::TargetMissing, text, clears);
}

fn rewritten(scribe: &mut Scribe<'_>, slug: &ProjectSlug, target: &ObjectId) {
    let Some(branch) = branch_of(scribe, slug) else { return };
    let text = format!(
        "the target branch {branch} was rewritten: it is at {} and lacks work that was published to it",
        target.short()
    );
    let clears = format!(
        "`paddock --project {slug} queue adopt` takes it as it is; `queue republish` brings landed work \
         back, merged with what is there now; `paddock project set-target {slug} BRANCH` lands elsewhere"
    );
    hold(scribe, slug, ReasonCode::TargetRewritten, text, clears);
}

fn branch_of(scribe: &Scribe<'_>, slug: &ProjectSlug) -> Option<String> {
    scribe.state.project(slug).map(|project| project.settings.target_branch.clone())
}

/// Queues the user's commits, which diverged from the tip: their merge with the tip goes first, and through
/// the gate. A target commit that was refused before is not queued again, as it would fail in the same way.
fn enqueue_users_commits(scribe: &mut Scribe<'_>, slug: &ProjectSlug, target: &ObjectId) {
    let Some(project) = scribe.state.project(slug) else { return };
    if project.integration.external_refused.as_ref() == Some(target) {
        return;
    }
    if project.train.entries.iter().any(|e| e.subject == Subject::Target && e.head == *target) {
        return;
    }
    drop_users_entry(scribe, slug, Some(target));
    let Some(entry) = scribe.state.project(slug).map(|project| project.train.next_entry) else { return };
    let (project, head) = (slug.clone(), target.clone());
    scribe.record(Fact::EntryQueued { project, entry, subject: Subject::Target, head, priority: 0 });
}

pub(super) fn moved(scribe: &mut Scribe<'_>, slug: &ProjectSlug, to: &ObjectId, result: Result<(), Problem>) {
    let Some(project) = scribe.state.project(slug) else { return };
    // The answer to an earlier move.
    if project.integration.adopting.as_ref() != Some(to) {
        return;
    }
    let from = project.integration.tip.clone();
    let unpublished = project.integration.unpublished.clone();
    scribe.mark(slug);
    match result {
        Ok(()) => {
            // The user may have committed again while the ref moved.
            scribe.order(Effect::Look { project: slug.clone() });
            scribe.record(Fact::ExternalAdopted { project: slug.clone(), from, to: to.clone() });
            // Whatever was fetched for a pull is compared with the new tip.
            scribe.memo.pulling.remove(slug);
            drop_users_entry(scribe, slug, None);
            for id in unpublished {
                publish::retire(scribe, &ObjectiveKey { project: slug.clone(), id });
            }
        }
        Err(problem) => {
            // No look is ordered here: it would find the same commits, and the move would fail for ever.
            let text = format!("the integration ref could not be moved to the user's commits: {problem}");
            let to = to.clone();
            scribe.record(Fact::ExternalAbandoned {
                project: slug.clone(),
                to,
                problem: problem.into_text(),
            });
            hold_queue(scribe, slug, text);
        }
    }
}

/// Holds the queue because the integration ref could not be moved. Nothing lands until a person has looked at
/// it.
fn hold_queue(scribe: &mut Scribe<'_>, slug: &ProjectSlug, text: String) {
    let (reference, tip) = integration_of(scribe.state.project(slug));
    let clears = format!(
        "make sure that {reference} is at {tip} (`git update-ref {reference} {tip}`), then `paddock \
         --project {slug} queue release`; or `paddock project set-target {slug} BRANCH` if work is to land \
         on another branch"
    );
    hold_queue_until(scribe, slug, Reason::new(ReasonCode::RepositoryBroken, scribe.now_ms, text, clears));
}

/// Orders the adoption of the target branch (`queue adopt`). The answer comes to [`adopted`].
pub(super) fn adopt(scribe: &mut Scribe<'_>, project: &Project) {
    let (slug, from) = (project.slug.clone(), project.integration.tip.clone());
    // The intent is recorded first: a crash between the move of the ref and its record would otherwise leave
    // the queue behind the ref for good.
    if !project.integration.taking_target {
        scribe.record(Fact::AdoptionIntended { project: slug, from });
        scribe.order(adopt_effect(scribe.state, project));
    }
}

/// Returns the effect that moves the integration ref to the target branch and finds out which landings it
/// lacks.
pub(super) fn adopt_effect(state: &State, project: &Project) -> Effect {
    let landed = state.objectives_of(&project.slug).filter_map(|objective| {
        let commit = objective.landed.as_ref()?.commit.clone()?;
        Some(LandedWork { id: objective.key.id.clone(), commit, head: objective.head.clone() })
    });
    let (from, landed) = (project.integration.tip.clone(), landed.collect());
    Effect::AdoptTarget { project: project.slug.clone(), from, landed }
}

pub(super) fn adopted(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    result: Result<(ObjectId, Vec<ObjectiveId>), Problem>,
) {
    let Some(project) = scribe.state.project(slug).filter(|p| p.integration.taking_target) else { return };
    let integration = &project.integration;
    let (from, unpublished) = (integration.tip.clone(), integration.unpublished.clone());
    scribe.mark(slug);
    scribe.order(Effect::Look { project: slug.clone() });
    match result {
        Ok((to, lost)) => {
            take_target(scribe, slug, from, &to, lost);
            for id in unpublished {
                publish::retire(scribe, &ObjectiveKey { project: slug.clone(), id });
            }
        }
        Err(problem) => {
            let text = format!("the target branch could not be adopted: {problem}");
            scribe.record(Fact::AdoptionAbandoned { project: slug.clone(), problem: problem.into_text() });
            hold_queue(scribe, slug, text);
        }
    }
}

fn take_target(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    from: ObjectId,
    to: &ObjectId,
    lost: Vec<ObjectiveId>,
) {
    scribe.record(Fact::TargetAdopted { project: slug.clone(), from, to: to.clone(), lost: lost.clone() });
    drop_users_entry(scribe, slug, None);
    pull::drop_remote_entry(scribe, slug);
    release(scribe, slug, ReasonCode::TargetRewritten);
    release(scribe, slug, ReasonCode::TargetMissing);
    for id in lost {
        let key = ObjectiveKey { project: slug.clone(), id };
        if scribe.state.objective(&key).is_none_or(|objective| objective.status != Status::Done) {
            // The objective waits for a person already, and the table of states names no such move.
            continue;
        }
        let text = format!(
            "its landing is missing from the target branch that was adopted at {}; branches that were begun \
             after the landing contain it, and bring it back when they land",
            to.short()
        );
        let clears = "retry it or leave it (its branch is kept unless its worktree was removed); if the \
                      landing must not come back, `paddock objective cancel` the objectives whose branches \
                      contain it";
        let reason = Reason::new(ReasonCode::LandingLost, scribe.now_ms, text, clears);
        scribe.move_to(&key, Status::NeedsReview, Cause::LandingLost, Some(reason), None);
    }
}

/// Remembers the user's own commit that the integration tip is, with its tree: the queue may run the gate on
/// it.
pub(super) fn external_seen(scribe: &mut Scribe<'_>, project: ProjectSlug, seen: (ObjectId, ObjectId)) {
    if scribe.memo.external.get(&project) != Some(&seen) {
        scribe.mark(&project);
        scribe.memo.external.insert(project, seen);
    }
}
