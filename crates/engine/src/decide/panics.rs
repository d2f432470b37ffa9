//! Panics of effects. A panic is a fault of Paddock itself.
//!
//! The panic is recorded and the effect ordered again: executing it once more finds out how far it got, and
//! continues from there. Work that panics three times holds its project, so that other projects continue.

use super::scribe::Scribe;
use crate::decide::queue::holds::{hold, release};
use crate::input::Panicked;
use paddock_model::event::Fact;
use paddock_model::ids::ProjectSlug;
use paddock_model::reason::ReasonCode;

/// Panics of the same work under one supervisor before its project is held.
const TRIES: u32 = 3;

pub(super) fn panicked(scribe: &mut Scribe<'_>, panicked: Panicked) {
    let Panicked { project, doing, effect, problem } = panicked;
    // Panics count by what was done and not by their message, which may differ each time.
    let count = scribe.memo.panics.entry((project.clone(), doing.clone())).or_default();
    *count += 1;
    let times = *count;
    if times > TRIES && effect.is_none() {
        // A background job that runs every few seconds would fill the log with its panics.
        return;
    }
    scribe.record(Fact::EffectPanicked {
        project: project.clone(),
        doing: doing.clone(),
        problem: problem.clone(),
        times,
    });
    if times < TRIES {
        effect.into_iter().for_each(|effect| scribe.order(effect));
    } else if let Some(project) = project {
        let text = format!("Paddock itself is at fault: {doing} panicked {times} times: {problem}");
        let clears = "restart the supervisor to try again, and report the fault with the newest file in \
                      runtime/logs; other projects continue";
        hold(scribe, &project, ReasonCode::EffectPanicked, text, clears);
    }
}

/// Releases the projects that an earlier supervisor held for a panic, so that their effects get another try.
pub(super) fn release_all(scribe: &mut Scribe<'_>) {
    let projects: Vec<ProjectSlug> = scribe.state.projects().map(|project| project.slug.clone()).collect();
    for project in projects.iter().filter(|project| scribe.memo.covers(project)).collect::<Vec<_>>() {
        release(scribe, project, ReasonCode::EffectPanicked);
    }
}
