//! Bypasses: an objective's work that reached the target branch without passing the queue. A notice names it
//! until a person accepts it. Nothing is held up, since the commits may be the user's own intent.

use crate::decide::scribe::Scribe;
use paddock_model::bypass::{BypassFacts, reason};
use paddock_model::command::{Answer, Reply};
use paddock_model::event::Fact;
use paddock_model::ids::ProjectSlug;

pub(in crate::decide) fn seen(scribe: &mut Scribe<'_>, slug: &ProjectSlug, found: BypassFacts) {
    let Some(project) = scribe.state.project(slug) else { return };
    // Every look at the target branch finds the same commits; only news is recorded.
    let is_known = project.bypassed.as_ref().is_some_and(|known| known.knows(&found));
    // Without commits there is nothing to accept.
    if !is_known && !found.commits.is_empty() {
        scribe.record(Fact::QueueBypassed { project: slug.clone(), found });
    }
}

/// A person accepts the bypass (`queue adopt`). `None` if there is none to accept.
pub(in crate::decide) fn accept(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Option<Reply> {
    let project = scribe.state.project(slug)?;
    reason(project)?;
    let text = format!(
        "{} is accepted as it is: commits on it that did not pass the queue count as your own",
        project.settings.target_branch
    );
    scribe.record(Fact::BypassAccepted { project: slug.clone() });
    Some(Ok(Answer::text(text)))
}
