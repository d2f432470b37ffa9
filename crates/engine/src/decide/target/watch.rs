//! Observations of project files, repositories and the machine, and the holds that follow from them.

use crate::decide::queue::holds::{hold, release, release_queue};
use crate::decide::queue::publish;
use crate::decide::scribe::Scribe;
use crate::decide::sessions::{harvest, set_up};
use crate::effect::Effect;
use crate::input::Problem;
use paddock_model::event::Fact;
use paddock_model::facts::{Carried, Collision, TrustFound};
use paddock_model::ids::{ObjectId, ProjectSlug, SessionId};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::refs::MovedRef;
use paddock_model::settings::ProjectSettings;

/// Least time between two records of the same command's failure, in milliseconds.
const NOTIFY_AGAIN_MS: i64 = 3_600_000;
/// Changed keys of a git configuration that a hold names.
const CHANGES_SHOWN_MAX: usize = 8;

pub(in crate::decide) fn config_read(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    settings: Result<Box<ProjectSettings>, Problem>,
) {
    let Some(project) = scribe.state.project(slug) else { return };
    match settings {
        Ok(mut settings) => {
            // Reading the file never moves the target branch: `retarget` decides that.
            settings.target_branch.clone_from(&project.settings.target_branch);
            let is_other_set_up = project.settings.worktree.setup != settings.worktree.setup;
            if project.settings != *settings {
                let is_other_gate = project.settings.verify != settings.verify;
                let before = project.settings.clone();
                let now = settings.clone();
                scribe.record(Fact::ProjectConfigured { project: slug.clone(), settings });
                crate::decide::sessions::health::reconfigured(scribe, &before, &now);
                // The queue was held for what the old gate said; the new one may say otherwise.
                if is_other_gate {
                    release_queue(scribe, slug, &[ReasonCode::TargetRed, ReasonCode::NotEvaluated]);
                }
            }
            if is_other_set_up {
                // The command that fails is another one now.
                set_up::works(scribe, slug);
            }
            release(scribe, slug, ReasonCode::ConfigBroken);
            scribe.mark(slug);
        }
        Err(problem) => {
            let clears = format!(
                "correct the file, or agree to the repository's commands (`paddock project trust {slug}`); until then \
                 the settings read last stay in force, and nothing new starts"
            );
            hold(scribe, slug, ReasonCode::ConfigBroken, problem.into_text(), clears);
        }
    }
}

/// A `notify` command of the user failed. It is recorded at most once an hour: a command that always fails
/// must not fill the log.
pub(in crate::decide) fn notify_failed(
    scribe: &mut Scribe<'_>,
    project: ProjectSlug,
    run: String,
    problem: Problem,
) {
    let now_ms = scribe.now_ms;
    let last = scribe.memo.notify_failed.insert((project.clone(), run.clone()), now_ms);
    if last.is_some_and(|at_ms| (0..NOTIFY_AGAIN_MS).contains(&(now_ms - at_ms))) {
        // The hour counts from the last record, not from the last failure.
        scribe.memo.notify_failed.insert((project, run), last.unwrap_or(now_ms));
        return;
    }
    if scribe.state.project(&project).is_some() {
        scribe.record(Fact::NotifyFailed { project, run, problem: problem.into_text() });
    }
}

pub(in crate::decide) fn integration_made(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    tip: Result<ObjectId, Problem>,
) {
    let Some(project) = scribe.state.project(slug) else { return };
    if project.integration.is_made {
        return;
    }
    match tip {
        Ok(tip) => {
            scribe.record(Fact::IntegrationMade { project: slug.clone(), tip });
            release(scribe, slug, ReasonCode::RepositoryBroken);
            scribe.order(Effect::Look { project: slug.clone() });
        }
        Err(problem) => repository_failed(scribe, slug, problem),
    }
}

/// A repository could not be read. It no longer counts as waiting for its first look: its hold stops
/// dispatch.
pub(in crate::decide) fn look_failed(scribe: &mut Scribe<'_>, slug: &ProjectSlug, problem: Problem) {
    scribe.memo.unlooked.remove(slug);
    repository_failed(scribe, slug, problem);
}

pub(in crate::decide) fn repository_failed(scribe: &mut Scribe<'_>, slug: &ProjectSlug, problem: Problem) {
    // Whatever these sessions run into from here on may have this cause.
    let open = scribe.state.open_sessions().filter(|session| session.objective.project == *slug);
    let open: Vec<_> = open.map(|session| session.id).collect();
    scribe.memo.without_repository.extend(open);
    let clears = "repair the repository; Paddock looks again by itself";
    hold(scribe, slug, ReasonCode::RepositoryBroken, problem.into_text(), clears);
}

pub(in crate::decide) fn repository_fine(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let is_broken = |project: &Project| project.holds.contains_key(&ReasonCode::RepositoryBroken);
    // Without this report, the hold of a repository that was moved away and back would never be released.
    if scribe.state.project(slug).is_some_and(is_broken) {
        release(scribe, slug, ReasonCode::RepositoryBroken);
        publish::try_again_now(scribe, slug);
    }
    harvest::repository_is_back(scribe, slug);
    // The creation of the integration ref may have failed for the same cause.
    let Some(project) = scribe.state.project(slug) else { return };
    if !project.integration.is_made && project.has_target() {
        let at = project.integration.tip.clone();
        scribe.order(Effect::MakeIntegration { project: slug.clone(), at });
    }
}

pub(in crate::decide) fn trust_read(scribe: &mut Scribe<'_>, slug: &ProjectSlug, found: TrustFound) {
    let TrustFound { before, needed, off } = found;
    // A person has trusted something else meanwhile: the next look compares with that.
    let Some(project) = scribe.state.project(slug).filter(|project| project.trust == before) else { return };
    if project.switched_off != off {
        scribe.record(Fact::ConfigSwitchedOff { project: slug.clone(), entries: off });
    }
    // A person has undone the change.
    if needed.is_empty() {
        return release(scribe, slug, ReasonCode::Untrusted);
    }
    let mut names: Vec<String> = needed.iter().take(CHANGES_SHOWN_MAX).cloned().collect();
    if needed.len() > names.len() {
        names.push(format!("{} more", needed.len() - names.len()));
    }
    let text = format!("git configuration that nobody agreed to is needed: {}", names.join(", "));
    let clears = format!("undo it, or agree to it with `paddock project trust {slug}`");
    hold(scribe, slug, ReasonCode::Untrusted, text, clears);
}

/// A landing changed the configuration within what a person agreed to. If a person has agreed to something
/// else in the meantime, that counts instead.
pub(in crate::decide) fn agreement_carried(scribe: &mut Scribe<'_>, project: ProjectSlug, carried: Carried) {
    if scribe.state.project(&project).is_some_and(|found| found.trust == carried.before) {
        let (trust, landing) = (carried.trust, Some(carried.landing));
        scribe.record(Fact::ProjectTrusted { project, trust, landing });
    }
}

pub(in crate::decide) fn hold_seen(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    code: ReasonCode,
    text: Option<String>,
    clears: String,
) {
    match text {
        Some(text) => hold(scribe, slug, code, text, clears),
        None => release(scribe, slug, code),
    }
}

/// Collisions kept of a project, at most: they are part of its row in the database.
const COLLISIONS_MAX: usize = 100;

/// Records the collisions of live branches, if they have changed. The order of the queue goes by them.
pub(in crate::decide) fn collisions_seen(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    mut collisions: Vec<Collision>,
) {
    // Sorted, so that the same collisions in another order are no news.
    collisions.sort_unstable();
    collisions.dedup();
    collisions.truncate(COLLISIONS_MAX);
    if scribe.state.project(slug).is_some_and(|project| project.collisions != collisions) {
        scribe.mark(slug);
        scribe.record(Fact::CollisionsSeen { project: slug.clone(), collisions });
    }
}

/// Refs of the user changed while sessions ran. Recorded for people; nothing is held for it.
pub(in crate::decide) fn refs_moved(
    scribe: &mut Scribe<'_>,
    project: ProjectSlug,
    sessions: Vec<SessionId>,
    refs: Vec<MovedRef>,
    total: u64,
) {
    if scribe.state.project(&project).is_some() {
        scribe.record(Fact::RefsMoved { project, sessions, refs, total });
    }
}
