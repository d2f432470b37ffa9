//! Work of an objective that is on the target branch without having passed the queue: it is named, and a person may
//! say that it is meant. Nothing is held up by it.

use super::scribe::Scribe;
use paddock_model::bypass::{BypassFacts, reason};
use paddock_model::command::{Answer, Reply};
use paddock_model::event::Fact;
use paddock_model::ids::ProjectSlug;

pub(super) fn seen(scribe: &mut Scribe<'_>, slug: &ProjectSlug, found: BypassFacts) {
    let Some(project) = scribe.state.project(slug) else { return };
    let is_known = project.bypassed.as_ref().is_some_and(|known| known.knows(&found));
    if !is_known && !found.commits.is_empty() {
        scribe.record(Fact::QueueBypassed { project: slug.clone(), found });
    }
}

/// A person takes it as meant; none when there is nothing to be taken so.
pub(super) fn accept(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Option<Reply> {
    let project = scribe.state.project(slug)?;
    reason(project)?;
    let text = format!(
        "{} is taken as it is: what did not pass the queue counts as your own",
        project.settings.target_branch
    );
    scribe.record(Fact::BypassAccepted { project: slug.clone() });
    Some(Ok(Answer::text(text)))
}
