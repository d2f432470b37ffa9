//! Pushing the published target branch to the user's remote (`land.push`). Pushes run in parallel with the
//! queue and are tried again with growing pauses. Nothing else waits for them.

use crate::decide::queue::pull;
use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use paddock_model::clock;
use paddock_model::event::Fact;
use paddock_model::ids::{ObjectId, ProjectSlug};
use paddock_model::side_runs::PushWait;

/// First pause between two tries, in milliseconds. Each further pause is twice as long.
const AGAIN_FIRST_MS: i64 = 5_000;
/// Longest pause between two tries, in milliseconds.
const AGAIN_MAX_MS: i64 = 600_000;

pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    if scribe.memo.is_passive {
        return;
    }
    for slug in scribe.marked() {
        let Some(project) = scribe.state.project(&slug) else { continue };
        let (Some(remote), Some(commit)) = (&project.settings.land.push, &project.pushing.due) else {
            continue;
        };
        // A commit that was published since the last try is pushed at once, in spite of the pause.
        let is_new = scribe.memo.push_tried.get(&slug) != Some(commit);
        let again_ms = scribe.memo.push_again.get(&slug).map_or(0, |(_, again_ms)| *again_ms);
        let is_due = (is_new || clock::is_over(again_ms, scribe.now_ms))
            && project.is_workable()
            && !scribe.memo.pushing.contains(&slug);
        // A stopping supervisor pushes once more at most: it must not wait for a pause to end.
        let is_over = scribe.memo.stopping.is_some() && scribe.memo.push_again.contains_key(&slug);
        if is_due && !is_over {
            let order =
                Effect::Push { project: slug.clone(), remote: remote.clone(), commit: commit.clone() };
            scribe.memo.push_tried.insert(slug.clone(), commit.clone());
            scribe.memo.pushing.insert(slug.clone());
            scribe.order(order);
        }
    }
}

pub(in crate::decide) fn answered(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    commit: &ObjectId,
    result: Result<(), PushWait>,
) {
    scribe.memo.pushing.remove(slug);
    scribe.mark(slug);
    let Some(project) = scribe.state.project(slug) else { return };
    let Some(remote) = project.settings.land.push.clone() else { return };
    match result {
        Ok(()) => {
            scribe.memo.push_again.remove(slug);
            scribe.record(Fact::Pushed { project: slug.clone(), remote, commit: commit.clone() });
        }
        Err(wait) => {
            let known = project.pushing.wait.clone();
            let tries = scribe.memo.push_again.get(slug).map_or(0, |(tries, _)| *tries);
            let pause_ms = (AGAIN_FIRST_MS << tries.min(8)).min(AGAIN_MAX_MS);
            scribe.memo.push_again.insert(slug.clone(), (tries + 1, scribe.now_ms + pause_ms));
            pull::push_refused(scribe, slug, commit, &wait);
            // The same failure repeats at every try; only news is recorded.
            if known.is_none_or(|known| known.code != wait.code || known.text != wait.text) {
                scribe.record(Fact::PushWaits { project: slug.clone(), remote, wait });
            }
        }
    }
}

#[cfg(test)]
#[path = "push_tests.rs"]
mod tests;
