//! An effect panicked: a fault of Paddock itself. It is recorded; carrying the effect out again finds out what has
//! happened and goes on from there. One that panics three times holds its project, by name, so that the others
//! work on.

use super::holds::{hold, release};
use super::scribe::Scribe;
use crate::input::Panicked;
use paddock_model::event::Fact;
use paddock_model::ids::ProjectSlug;
use paddock_model::reason::ReasonCode;

/// So many times the same thing may panic under one supervisor; then its project is held.
const TRIES: u32 = 3;

pub(super) fn panicked(scribe: &mut Scribe<'_>, panicked: Panicked) {
    let Panicked { project, doing, effect, problem } = panicked;
    let count = scribe.memo.panics.entry((project.clone(), doing.clone())).or_default();
    *count += 1;
    let times = *count;
    if times > TRIES && effect.is_none() {
        // What is done every few seconds would bury everything else.
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
        let text = format!("a fault of Paddock itself: {doing} panicked {times} times: {problem}");
        let clears = "start the supervisor again, which tries once more; report it with the newest file in \
                      runtime/logs; other projects work on";
        hold(scribe, &project, ReasonCode::EffectPanicked, text, clears);
    }
}

/// A new supervisor tries what panicked in an earlier one.
pub(super) fn try_again(scribe: &mut Scribe<'_>) {
    let projects: Vec<ProjectSlug> = scribe.state.projects().map(|project| project.slug.clone()).collect();
    for project in projects.iter().filter(|project| scribe.memo.covers(project)).collect::<Vec<_>>() {
        release(scribe, project, ReasonCode::EffectPanicked);
    }
}
