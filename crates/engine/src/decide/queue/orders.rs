//! Orders about the merge queue as a whole.

use crate::decide::queue::entries::drop_users_entry;
use crate::decide::queue::holds::release;
use crate::decide::refusals::unknown_project;
use crate::decide::scribe::Scribe;
use crate::decide::target;
use crate::decide::target::bypass;
use crate::effect::Effect;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};

pub(in crate::decide) fn hold(scribe: &mut Scribe<'_>, project: &ProjectSlug) -> Reply {
    scribe.mark(project);
    let clears = format!("`paddock --project {project} queue release`");
    let reason = Reason::new(ReasonCode::QueueHeld, scribe.now_ms, "a person holds the merge queue", clears);
    scribe.record(Fact::QueueHeld { project: project.clone(), reason });
    Ok(Answer::text(format!("the merge queue of {project} is held; `paddock queue release` releases it")))
}

/// Releases the queue. A hold of the whole project is not released by this; the answer says what clears it.
pub(in crate::decide) fn release_queue(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    let other = project.landing_hold().map(|reason| format!("{}; {}", reason.text, reason.clears));
    match (project.train.held.is_some(), &other) {
        (false, Some(other)) => {
            Err(Refusal::new(format!("`queue release` does not clear what stops {slug}: {other}")))
        }
        (_, other) => {
            let text = match other {
                Some(other) => format!("the merge queue of {slug} is released, but {other}"),
                None => format!("the merge queue of {slug} goes on"),
            };
            scribe.mark(slug);
            scribe.record(Fact::QueueReleased { project: slug.clone() });
            Ok(Answer::text(text))
        }
    }
}

pub(in crate::decide) fn adopt(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug).cloned() else {
        return Err(unknown_project(scribe, slug));
    };
    // There is no target branch to adopt, or a person has to say first which one it is.
    use ReasonCode as R;
    refuse_unsettled(&project, &[R::TargetUnset, R::TargetChanged, R::TargetMissing])?;
    // The same order accepts a bypass, since both take the branch as it is.
    if !project.holds.contains_key(&ReasonCode::TargetRewritten) {
        if let Some(reply) = bypass::accept(scribe, slug) {
            return reply;
        }
        let branch = &project.settings.target_branch;
        let text = format!("there is nothing to adopt: {branch} descends from what was published");
        return Err(Refusal::new(text));
    }
    target::adopt(scribe, &project);
    Ok(Answer::text(format!(
        "{} is adopted as it is; landings that it lacks go to needs_review",
        project.settings.target_branch
    )))
}

pub(in crate::decide) fn republish(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    refuse_unsettled(project, &[ReasonCode::TargetUnset, ReasonCode::TargetChanged])?;
    let integration = project.integration.clone();
    let branch = project.settings.target_branch.clone();
    let is_missing = project.holds.contains_key(&ReasonCode::TargetMissing);
    let is_rewritten = project.holds.contains_key(&ReasonCode::TargetRewritten);
    // The commit that counts as published from now on: the next publication fast-forwards from it.
    let published = match &integration.target {
        _ if is_missing => integration.tip.clone(),
        Some(target) if is_rewritten => target.clone(),
        _ => {
            return Err(Refusal::new(format!(
                "there is nothing to republish: {branch} holds what was published"
            )));
        }
    };
    release(scribe, slug, ReasonCode::TargetMissing);
    release(scribe, slug, ReasonCode::TargetRewritten);
    // The user's commits on the old branch are not to be merged any more.
    drop_users_entry(scribe, slug, None);
    scribe.record(Fact::RepublishAsked { project: slug.clone(), published });
    // A missing branch is created by the publication. A rewritten one is looked at again, and its commits are
    // merged with the landed work first.
    if is_missing {
        scribe.memo.publish_now.insert(slug.clone(), true);
    } else {
        scribe.order(Effect::Look { project: slug.clone() });
    }
    Ok(Answer::text(format!("landed work is being published to {branch} again")))
}

pub(in crate::decide) fn publish(scribe: &mut Scribe<'_>, project: ProjectSlug) -> Reply {
    let text =
        format!("publishing {project} now; `paddock queue list` shows what is in the way, if anything");
    scribe.mark(&project);
    scribe.memo.publish_now.insert(project, false);
    Ok(Answer::text(text))
}

/// Fails if the project is held for one of these reasons about its target branch; the refusal says the way
/// out.
fn refuse_unsettled(project: &Project, codes: &[ReasonCode]) -> Result<(), Refusal> {
    match codes.iter().find_map(|code| project.holds.get(code)) {
        Some(reason) => Err(Refusal::new(format!("{}; {}", reason.text, reason.clears))),
        None => Ok(()),
    }
}
