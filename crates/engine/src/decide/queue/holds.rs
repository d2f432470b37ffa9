//! Holds of a project, of its queue and of its planner: placing and releasing them.
//!
//! A hold is recorded once. Its condition may be reported again at every look, and the log must not fill up
//! with it.

use crate::decide::scribe::Scribe;
use paddock_model::event::Fact;
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};

/// Holds a project, unless it has the same hold with the same text already.
pub(in crate::decide) fn hold(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    code: ReasonCode,
    text: String,
    clears: impl Into<String>,
) {
    scribe.mark(slug);
    let Some(project) = scribe.state.project(slug) else { return };
    // Another text is news: the same condition may have a new cause.
    let is_known = project.holds.get(&code).is_some_and(|reason| reason.text == text);
    if !is_known {
        let reason = Reason::new(code, scribe.now_ms, text, clears);
        scribe.record(Fact::ProjectHeld { project: slug.clone(), reason });
    }
}

/// Releases a hold of a project, if the project has it.
pub(in crate::decide) fn release(scribe: &mut Scribe<'_>, slug: &ProjectSlug, code: ReasonCode) {
    scribe.mark(slug);
    let is_held = scribe.state.project(slug).is_some_and(|project| project.holds.contains_key(&code));
    if is_held {
        scribe.record(Fact::ProjectReleased { project: slug.clone(), code });
    }
}

/// Holds the queue until a person releases it.
pub(in crate::decide) fn hold_queue(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    code: ReasonCode,
    text: &str,
) -> bool {
    let clears = format!("repair the cause, then `paddock --project {project} queue release`");
    hold_queue_until(scribe, project, Reason::new(code, scribe.now_ms, text, clears))
}

/// Holds the queue, unless it is held already. Returns whether the hold is new; an earlier reason stays.
pub(in crate::decide) fn hold_queue_until(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    reason: Reason,
) -> bool {
    let is_held = scribe.state.project(project).is_some_and(|project| project.train.held.is_some());
    if !is_held {
        scribe.record(Fact::QueueHeld { project: project.clone(), reason });
    }
    !is_held
}

/// Releases the queue if it is held for one of these reasons: the cause may be gone, and the next try will
/// show it.
pub(in crate::decide) fn release_queue(scribe: &mut Scribe<'_>, slug: &ProjectSlug, codes: &[ReasonCode]) {
    let has_reason = |project: &Project| project.train.held.as_ref().is_some_and(|r| codes.contains(&r.code));
    if scribe.state.project(slug).is_some_and(has_reason) {
        scribe.mark(slug);
        scribe.record(Fact::QueueReleased { project: slug.clone() });
    }
}

/// Holds the planner until a person acts.
pub(in crate::decide) fn hold_planner(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    code: ReasonCode,
    text: String,
) {
    let clears = format!(
        "`paddock --project {project} plan` starts the planner again; or continue by hand with `objective \
         add`, `phase edit` or `phase complete`"
    );
    let reason = Reason::new(code, scribe.now_ms, text, clears);
    scribe.record(Fact::PlannerHeld { project: project.clone(), reason });
}
