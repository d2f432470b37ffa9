//! Publishing: the user's target branch follows the integration ref.
//!
//! A publication is a guarded fast-forward that can be tried again at any time, so nothing about one in
//! progress has to outlive the process.

use crate::decide::memo::Memo;
use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use crate::input::PublishAnswer;
use paddock_model::clock;
use paddock_model::event::Fact;
use paddock_model::ids::{ObjectId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Status, WorktreeStage};
use paddock_model::project::{Project, PublicationWait};
use paddock_model::reason::ReasonCode;
use paddock_model::settings::PublishRule;
use paddock_model::train::Subject;

/// First pause between two tries of a publication that waits, in milliseconds. Each further pause is twice as
/// long.
const AGAIN_FIRST_MS: i64 = 1_000;
/// Longest pause between two tries, in milliseconds.
const AGAIN_MAX_MS: i64 = 20_000;

pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    for slug in scribe.marked() {
        let Some(project) = scribe.state.project(&slug) else { continue };
        if is_due(scribe, project) {
            let (published, to) = (project.integration.published.clone(), project.integration.tip.clone());
            // The person's request is served by this publication. A request that comes while it is in
            // progress asks for another one.
            let create = scribe.memo.publish_now.remove(&slug).unwrap_or(false);
            scribe.memo.publishing.insert(slug.clone(), to.clone());
            scribe.order(Effect::Publish { project: slug, published, to, create });
        }
    }
}

fn is_due(scribe: &Scribe<'_>, project: &Project) -> bool {
    let slug = &project.slug;
    let is_asked = scribe.memo.publish_now.contains_key(slug);
    let is_auto = !scribe.memo.is_passive && is_wanted(project);
    let again_ms = scribe.memo.publish_again.get(slug).map_or(0, |(_, again_ms)| *again_ms);
    // A person's order does not wait for the pause.
    let is_time = is_asked || clock::is_over(again_ms, scribe.now_ms);
    (is_asked || is_auto) && is_time && can_try(project) && !scribe.memo.publishing.contains_key(slug)
}

/// Returns whether landed work is to be published automatically and is not published yet.
pub(in crate::decide) fn is_wanted(project: &Project) -> bool {
    let integration = &project.integration;
    project.settings.land.publish == PublishRule::Auto && integration.published != integration.tip
}

/// Returns whether a publication can succeed as things are.
fn can_try(project: &Project) -> bool {
    use ReasonCode as R;
    let integration = &project.integration;
    // With commits of the user that the tip lacks, a fast-forward is impossible: their merge lands first.
    let has_users_commits = project.train.entries.iter().any(|entry| entry.subject == Subject::Target)
        || integration.external_refused.is_some()
        || integration.is_moving_to_target();
    // These holds stop new work, and say nothing against work that has landed already.
    let is_held = project
        .holds
        .keys()
        .any(|code| !matches!(code, R::DiskLow | R::DayBudget | R::ConfigBroken | R::SetupFailing));
    !has_users_commits && !is_held && project.is_workable()
}

/// Returns whether a publication is tried again in a moment because the target branch moved under the last
/// try. A publication that waits for the user's files does not count: only the user can end that.
pub(in crate::decide) fn is_coming(memo: &Memo, project: &Project) -> bool {
    let is_again = memo.publish_again.contains_key(&project.slug) && project.integration.waits.is_none();
    is_again && is_wanted(project) && can_try(project)
}

/// Returns when a waiting publication is tried again, in Unix milliseconds.
pub(in crate::decide) fn again_at(memo: &Memo, project: &ProjectSlug) -> Option<i64> {
    memo.publish_again.get(project).map(|(_, again_ms)| *again_ms)
}

/// Makes the next try due now, since the obstacle may be gone.
pub(in crate::decide) fn try_again_now(scribe: &mut Scribe<'_>, project: &ProjectSlug) {
    scribe.memo.publish_again.remove(project);
    scribe.mark(project);
}

pub(in crate::decide) fn answered(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    to: &ObjectId,
    answer: PublishAnswer,
) {
    scribe.memo.publishing.remove(slug);
    scribe.mark(slug);
    // The target branch was not acted upon while the publication was in progress (`target::looked`).
    scribe.order(Effect::Look { project: slug.clone() });
    match answer {
        PublishAnswer::Published => {
            scribe.memo.publish_again.remove(slug);
            published(scribe, slug, to);
        }
        PublishAnswer::Waits(wait) => waits(scribe, slug, wait),
        PublishAnswer::Moved => {
            let again_ms = scribe.now_ms + AGAIN_FIRST_MS;
            scribe.memo.publish_again.insert(slug.clone(), (0, again_ms));
        }
    }
}

fn waits(scribe: &mut Scribe<'_>, slug: &ProjectSlug, wait: PublicationWait) {
    let tries = scribe.memo.publish_again.get(slug).map_or(0, |(tries, _)| *tries);
    let pause_ms = (AGAIN_FIRST_MS << tries.min(8)).min(AGAIN_MAX_MS);
    scribe.memo.publish_again.insert(slug.clone(), (tries + 1, scribe.now_ms + pause_ms));
    // Every try fails in the same way until the user does something; only news is recorded.
    let recorded = scribe.state.project(slug).and_then(|project| project.integration.waits.as_ref());
    let is_known = recorded
        .is_some_and(|known| (known.code, &known.files, &known.text) == (wait.code, &wait.files, &wait.text));
    if !is_known {
        scribe.record(Fact::PublicationWaits { project: slug.clone(), wait });
    }
}

/// Records that the target branch holds this commit, and retires the worktrees of the landings up to it.
pub(in crate::decide) fn published(scribe: &mut Scribe<'_>, slug: &ProjectSlug, to: &ObjectId) {
    let Some(project) = scribe.state.project(slug) else { return };
    // Work may have landed while an older tip was published; which landings that older tip holds is not known
    // here, so their worktrees stay until the newest tip is published.
    let mut done = Vec::new();
    if project.integration.tip == *to {
        done.clone_from(&project.integration.unpublished);
    }
    let is_known =
        project.integration.published == *to && done.is_empty() && project.integration.waits.is_none();
    if !is_known {
        scribe.record(Fact::Published { project: slug.clone(), to: to.clone() });
    }
    for id in done {
        retire(scribe, &ObjectiveKey { project: slug.clone(), id });
    }
}

/// Orders the removal of the worktree of an objective that is done.
pub(in crate::decide) fn retire(scribe: &mut Scribe<'_>, key: &ObjectiveKey) {
    let Some(objective) = scribe.state.objective(key) else { return };
    let has_worktree =
        objective.worktree.as_ref().is_some_and(|worktree| worktree.stage != WorktreeStage::Removing);
    if has_worktree && objective.status == Status::Done {
        scribe.record(Fact::WorktreeRetired { objective: key.clone() });
        scribe.order(Effect::RemoveWorktree { objective: key.clone() });
    }
}
