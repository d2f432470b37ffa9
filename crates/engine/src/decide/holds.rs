//! What stops a project, its queue or its planner, and what lets it go on: the record of it, once.

use super::scribe::Scribe;
use paddock_model::event::Fact;
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};

/// Holds a project; the same hold with the same text is not recorded again.
pub(super) fn hold(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    code: ReasonCode,
    text: String,
    clears: impl Into<String>,
) {
    scribe.mark(slug);
    let Some(project) = scribe.state.project(slug) else { return };
    let is_known = project.holds.get(&code).is_some_and(|reason| reason.text == text);
    if !is_known {
        let reason = Reason::new(code, scribe.now_ms, text, clears);
        scribe.record(Fact::ProjectHeld { project: slug.clone(), reason });
    }
}

/// Clears a hold of a project, if it has it.
pub(super) fn release(scribe: &mut Scribe<'_>, slug: &ProjectSlug, code: ReasonCode) {
    scribe.mark(slug);
    let is_held = scribe.state.project(slug).is_some_and(|project| project.holds.contains_key(&code));
    if is_held {
        scribe.record(Fact::ProjectReleased { project: slug.clone(), code });
    }
}

/// Holds the queue until a person releases it.
pub(super) fn hold_queue(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    code: ReasonCode,
    text: &str,
) -> bool {
    let clears = format!("mend it, then `paddock --project {project} queue release`");
    hold_queue_until(scribe, project, Reason::new(code, scribe.now_ms, text, clears))
}

/// Holds the queue with a reason of its own; it goes on by what that names.
pub(super) fn hold_queue_until(scribe: &mut Scribe<'_>, project: &ProjectSlug, reason: Reason) -> bool {
    let is_held = scribe.state.project(project).is_some_and(|project| project.train.held.is_some());
    if !is_held {
        scribe.record(Fact::QueueHeld { project: project.clone(), reason });
    }
    !is_held
}

/// What the queue was held for may be mended: it is tried again.
pub(super) fn let_queue_go_on(scribe: &mut Scribe<'_>, slug: &ProjectSlug, codes: &[ReasonCode]) {
    let is_meant = |project: &Project| project.train.held.as_ref().is_some_and(|r| codes.contains(&r.code));
    if scribe.state.project(slug).is_some_and(is_meant) {
        scribe.mark(slug);
        scribe.record(Fact::QueueReleased { project: slug.clone() });
    }
}

/// No run starts until a person does something.
pub(super) fn hold_planner(scribe: &mut Scribe<'_>, project: &ProjectSlug, code: ReasonCode, text: String) {
    let clears = format!(
        "`paddock --project {project} plan` plans anew; `objective add`, `phase edit` and `phase complete` \
         go on by hand"
    );
    let reason = Reason::new(code, scribe.now_ms, text, clears);
    scribe.record(Fact::PlannerHeld { project: project.clone(), reason });
}
