//! Orders about projects: add, enable, pause, trust and remove.

use super::scribe::Scribe;
use crate::decide::queue::holds::release;
use crate::decide::target::retarget;
use crate::effect::Effect;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::facts::{RepositoryFacts, TrustRecord};
use paddock_model::ids::ProjectSlug;
use paddock_model::reason::ReasonCode;
use paddock_model::settings::ProjectSettings;

pub(super) fn add(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    settings: Box<ProjectSettings>,
    repository: RepositoryFacts,
) -> Reply {
    if scribe.state.project(slug).is_some() {
        return Err(Refusal::new(format!("project {slug} exists; choose another name with --slug")));
    }
    // Two worktrees of one repository share their refs, so the common git directory is compared.
    let same = scribe.state.projects().find(|other| other.common_dir == repository.common_dir);
    if let Some(other) = same {
        let text =
            format!("project {} works on this repository already; two projects never share one", other.slug);
        return Err(Refusal::new(text));
    }
    let (branch, at) = (settings.target_branch.clone(), repository.target.clone());
    scribe.mark(slug);
    scribe.record(Fact::ProjectAdded { project: slug.clone(), settings, repository, agents_may_plan: true });
    // HEAD was detached and the file names no branch: the project waits until a person names one.
    if branch.is_empty() {
        retarget::key_read(scribe, slug, None);
        return Ok(Answer::text(format!("project {slug} is registered; it waits for its target branch")));
    }
    scribe.order(Effect::MakeIntegration { project: slug.clone(), at: at.clone() });
    Ok(Answer::text(format!("project {slug} is registered; it lands on {branch}, now at {}", at.short())))
}

pub(super) fn enable(scribe: &mut Scribe<'_>, project: ProjectSlug, enabled: bool) -> Reply {
    let word = if enabled { "enabled" } else { "disabled" };
    let text = format!("project {project} is {word}");
    scribe.mark(&project);
    scribe.record(Fact::ProjectEnabled { project, enabled });
    Ok(Answer::text(text))
}

pub(super) fn pause(scribe: &mut Scribe<'_>, project: ProjectSlug, paused: bool) -> Reply {
    let word = match paused {
        true => "paused: no new sessions start; running sessions and the queue continue",
        false => "resumed",
    };
    let text = format!("project {project} is {word}");
    scribe.mark(&project);
    scribe.record(Fact::ProjectPaused { project, paused });
    Ok(Answer::text(text))
}

pub(super) fn trust(scribe: &mut Scribe<'_>, project: ProjectSlug, trust: TrustRecord) -> Reply {
    scribe.record(Fact::ProjectTrusted { project: project.clone(), trust, landing: None });
    release(scribe, &project, ReasonCode::Untrusted);
    let text = format!("the git configuration of project {project} is trusted as it is now");
    // The configuration may have changed again since the person looked at it.
    scribe.order(Effect::Look { project });
    Ok(Answer::text(text))
}

pub(super) fn remove(scribe: &mut Scribe<'_>, project: &ProjectSlug) -> Reply {
    // Nobody would harvest these sessions or read these runs after the project is gone.
    let is_busy = scribe.state.open_sessions().any(|session| session.objective.project == *project)
        || scribe.state.open_gates().any(|gate| gate.project == *project)
        || scribe.state.project(project).is_some_and(|p| p.train.landing.is_some());
    if is_busy {
        let text = format!(
            "sessions or gate runs of {project} are in progress; disable the project and let them end first"
        );
        return Err(Refusal::new(text));
    }
    scribe.record(Fact::ProjectRemoved { project: project.clone() });
    let text = "is no longer managed; its branches, worktrees and refs stay as they are, except for its gate \
         worktrees";
    Ok(Answer::text(format!("project {project} {text}")))
}
