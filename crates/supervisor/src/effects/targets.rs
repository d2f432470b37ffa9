//! The three refs of a project: looking at the target, moving the integration ref onto the user's commits,
//! publishing.

use std::path::Path;

use super::super::agreement::Known;
use super::super::clock::now_ms;
use super::super::projects::read_again;
use super::super::trust::{agreed, read_trust, with_agreement};
use super::super::world::{Site, World};
use super::bypass;
use super::candidates::candidate_name;
use paddock_engine::input::{Input, Problem, PublishAnswer};
use paddock_git::{CasOutcome, GitError, PublishOrder, PublishOutcome, Repository};
use paddock_model::facts::{Relation, TargetFacts, TrustRecord};
use paddock_model::ids::{ObjectId, ObjectiveId, ObjectiveKey};
use paddock_model::path::RepoPath;
use paddock_model::project::{PublicationWait, WaitCode};
use paddock_model::reason::ReasonCode;
use paddock_os::fail_points::{fail_point, trouble_point};

/// Files that a waiting publication names.
const FILES_MAX: usize = 20;

/// Reconciled by the ref itself: one that exists is taken as it is, or, where the target branch was set, kept under
/// another name and put at `at`.
pub(in super::super) fn make_integration(world: &World, site: &Site, at: &ObjectId, known: &Known) {
    fail_point!("integration.before");
    if site.is_reset {
        // The gate of the branch that work lands on now is known before anything lands there.
        read_again(world, &site.slug, known);
    }
    let tip = world.repository(&site.repo_root).and_then(|repository| {
        if site.is_reset {
            return reset_integration(&repository, site, at);
        }
        match repository.set_ref(&site.integration_ref, None, at, "paddock: begin")? {
            CasOutcome::Done => Ok(at.clone()),
            CasOutcome::Modified { found: Some(found) } => Ok(found),
            CasOutcome::Modified { found: None } => {
                Err(GitError::Unexpected("the ref comes and goes".into()))
            }
        }
    });
    fail_point!("integration.after");
    let tip = tip.map_err(|error| error.to_string());
    world.report(Input::IntegrationMade { project: site.slug.clone(), tip: tip.map_err(Problem::new) });
}

fn reset_integration(repository: &Repository, site: &Site, at: &ObjectId) -> Result<ObjectId, GitError> {
    let name = &site.integration_ref;
    // Of branches that were renamed: git has no ref below the name of another one.
    for (other, commit) in repository.refs_below("refs/paddock/integration/")? {
        let is_in_the_way =
            |one: &str, two: &str| one.strip_prefix(two).is_some_and(|rest| rest.starts_with('/'));
        if is_in_the_way(&other, name) || is_in_the_way(name, &other) {
            keep_integration(repository, &commit)?;
            repository.delete_ref(&other, &commit)?;
        }
    }
    let before = repository.commit_of(name)?;
    if before.as_ref() == Some(at) {
        return Ok(at.clone());
    }
    if let Some(before) = &before {
        keep_integration(repository, before)?;
    }
    match repository.set_ref(name, before.as_ref(), at, "paddock: set the target branch")? {
        CasOutcome::Done => Ok(at.clone()),
        CasOutcome::Modified { .. } => Err(GitError::Unexpected("the integration ref was elsewhere".into())),
    }
}

/// What an integration ref held stays reachable: nothing that landed is lost when it is put elsewhere.
fn keep_integration(repository: &Repository, tip: &ObjectId) -> Result<(), GitError> {
    let kept = format!("refs/paddock/kept/integration/{}", tip.short());
    let before = repository.commit_of(&kept)?;
    repository.set_ref(
        &kept,
        before.as_ref(),
        tip,
        "paddock: before the integration ref was put elsewhere",
    )?;
    Ok(())
}

/// Looks at everything about a project that can change without Paddock. Changes nothing.
pub(in super::super) fn look(world: &World, site: &Site) {
    world.look_begins(&site.slug);
    trouble_point!("look", site.slug.as_str());
    let repository = match world.repository(&site.repo_root) {
        Ok(repository) => repository,
        Err(error) => {
            let (project, problem) = (site.slug.clone(), error.to_string());
            return world.report(Input::RepositoryFailed { project, problem: problem.into() });
        }
    };
    match read_trust(&repository) {
        Ok(trust) => report_trust(world, site, trust),
        Err(error) => {
            let (project, problem) = (site.slug.clone(), error.to_string());
            return world.report(Input::RepositoryFailed { project, problem: problem.into() });
        }
    }
    look_at_disk(world, site);
    if site.target_branch.is_empty() {
        return world.report(Input::RepositoryFine { project: site.slug.clone() });
    }
    match target_facts(&repository, site) {
        Ok(facts) => {
            world.report(Input::RepositoryFine { project: site.slug.clone() });
            bypass::look(world, &repository, site, &facts);
            world.report(Input::TargetLooked { project: site.slug.clone(), facts });
            look_at_queued(world, &repository, site);
            if site.is_external
                && let Ok(tree) = repository.tree_of(&site.tip)
            {
                let (project, commit) = (site.slug.clone(), site.tip.clone());
                world.report(Input::ExternalSeen { project, commit, tree });
            }
        }
        Err(error) => {
            let (project, problem) = (site.slug.clone(), error.to_string());
            world.report(Input::RepositoryFailed { project, problem: problem.into() });
        }
    }
}

/// Branches that are queued and have moved on since their heads were pinned.
fn look_at_queued(world: &World, repository: &Repository, site: &Site) {
    for (id, head) in &site.queued {
        let found = repository.commit_of(&format!("refs/heads/paddock/{id}/work"));
        if let Ok(Some(found)) = found
            && found != *head
        {
            let objective = ObjectiveKey { project: site.slug.clone(), id: id.clone() };
            world.report(Input::BranchSeen { objective, head: found });
        }
    }
}

fn report_trust(world: &World, site: &Site, trust: TrustRecord) {
    let trust = with_agreement(trust, agreed(&site.trust));
    world.report(Input::TrustRead { project: site.slug.clone(), trust });
}

fn look_at_disk(world: &World, site: &Site) {
    let free_bytes = |path: &Path| {
        let stat = rustix::fs::statvfs(path).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    };
    let temporary = std::env::temp_dir();
    // A folder that is not there yet will lie where the one above it is.
    let worktrees = site.worktrees_root.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    let gates = [worktrees, temporary.as_path()].map(|path| free_bytes(path).unwrap_or(0));
    world.report(Input::DiskSpaceSeen { project: site.slug.clone(), free: gates.to_vec() });
    let places = [world.workspace.root(), site.repo_root.as_path(), worktrees];
    let Some(free) = places.iter().filter_map(|path| free_bytes(path)).min() else { return };
    let free = free as f64 / 1e9;
    let text = (free < site.min_free_gb).then(|| {
        format!("only {free:.1} GB of disk are free; nothing new starts below {} GB", site.min_free_gb)
    });
    let clears = "free some disk space, or lower `disk.min_free_gb`".to_owned();
    let project = site.slug.clone();
    world.report(Input::HoldSeen { project, code: ReasonCode::DiskLow, text, clears });
}

fn target_facts(repository: &Repository, site: &Site) -> Result<TargetFacts, GitError> {
    let target = paddock_git::observe(repository, &site.target_branch)?;
    let relation = |to: &ObjectId| match &target {
        Some(target) => repository.relation(target, to),
        None => Ok(Relation::Diverged),
    };
    let (to_tip, to_published) = (relation(&site.tip)?, relation(&site.published)?);
    Ok(TargetFacts { target, tip: site.tip.clone(), published: site.published.clone(), to_tip, to_published })
}

/// Reconciled by the ref: at `to` it has happened, at `from` it has not.
pub(in super::super) fn move_external(world: &World, site: &Site, from: &ObjectId, to: &ObjectId) {
    let moved = world.repository(&site.repo_root).and_then(|repository| {
        repository.set_ref(&site.integration_ref, Some(from), to, "paddock: the user's own commits")
    });
    let result = match moved {
        Ok(CasOutcome::Done) => Ok(()),
        Ok(CasOutcome::Modified { found }) if found.as_ref() == Some(to) => Ok(()),
        Ok(CasOutcome::Modified { .. }) => Err("the integration ref was elsewhere".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    world.report(Input::ExternalMoved {
        project: site.slug.clone(),
        to: to.clone(),
        result: result.map_err(Problem::new),
    });
}

/// Reconciled by the ref: anywhere but at `from`, it has happened, and where the ref is was adopted.
pub(in super::super) fn adopt(
    world: &World,
    site: &Site,
    from: &ObjectId,
    landed: Vec<(ObjectiveId, ObjectId)>,
) {
    let result = adopted(world, site, from, landed).map_err(|error| error.to_string());
    world.report(Input::TargetAdopted { project: site.slug.clone(), result: result.map_err(Problem::new) });
}

fn adopted(
    world: &World,
    site: &Site,
    from: &ObjectId,
    landed: Vec<(ObjectiveId, ObjectId)>,
) -> Result<(ObjectId, Vec<ObjectiveId>), GitError> {
    let repository = world.repository(&site.repo_root)?;
    let gone = || GitError::Unexpected(format!("the branch {} is gone", site.target_branch));
    let tip = repository.commit_of(&site.integration_ref)?;
    let has_happened = tip.as_ref().filter(|tip| *tip != from).cloned();
    let target = match &has_happened {
        Some(tip) => tip.clone(),
        None => paddock_git::observe(&repository, &site.target_branch)?.ok_or_else(gone)?,
    };
    let mut lost = Vec::new();
    for (id, commit) in landed {
        let is_in = |commit: &ObjectId, of: &ObjectId| {
            Ok::<bool, GitError>(matches!(
                repository.relation(commit, of)?,
                Relation::Same | Relation::Ancestor
            ))
        };
        // What landed for another target branch, before this one was set, is no loss of this one.
        if is_in(&commit, from)? && !is_in(&commit, &target)? {
            lost.push(id);
        }
    }
    if has_happened.is_some() {
        return Ok((target, lost));
    }
    keep_integration(&repository, from)?;
    match repository.set_ref(&site.integration_ref, Some(from), &target, "paddock: adopt the target")? {
        CasOutcome::Done => Ok((target, lost)),
        CasOutcome::Modified { .. } => Err(GitError::Unexpected("the integration ref was elsewhere".into())),
    }
}

/// What to publish.
pub(in super::super) struct Publication {
    pub(in super::super) published: ObjectId,
    pub(in super::super) to: ObjectId,
    /// A person asked for the deleted branch to be made again.
    pub(in super::super) create: bool,
}

/// A fast-forward that can be tried at any time: reconciled by trying.
pub(in super::super) fn publish(world: &World, site: &Site, order: &Publication) {
    fail_point!("publish.before");
    let answer = match world.trusted(site) {
        Ok(repository) => publish_in(&repository, site, order),
        Err(error) => waits(WaitCode::Other, Vec::new(), error.to_string()),
    };
    fail_point!("publish.after");
    let is_published = answer == PublishAnswer::Published;
    world.report(Input::PublishAnswered { project: site.slug.clone(), to: order.to.clone(), answer });
    if is_published {
        release_candidate(world, site, &order.to);
        fail_point!("publish.released");
    }
}

/// The integration ref holds what landed: the candidates' ref is not needed any more, unless the next candidate is
/// there by now. Nothing waits for this, and one that a crash leaves behind does no harm.
fn release_candidate(world: &World, site: &Site, landed: &ObjectId) {
    let name = format!("refs/paddock/candidate/{}", candidate_name(false));
    let released = world.repository(&site.repo_root).and_then(|repository| {
        let is_left = repository.commit_of(&name)?.as_ref() == Some(landed);
        is_left.then(|| repository.delete_ref(&name, landed)).transpose()
    });
    if let Err(error) = released {
        tracing::debug!(%error, name, "the candidates' ref stays");
    }
}

fn waits(code: WaitCode, files: Vec<RepoPath>, text: String) -> PublishAnswer {
    PublishAnswer::Waits(PublicationWait { code, files, text, since_ms: now_ms() })
}

fn publish_in(repository: &Repository, site: &Site, order: &Publication) -> PublishAnswer {
    if order.create {
        let name = format!("refs/heads/{}", site.target_branch);
        if let Err(error) = repository.set_ref(&name, None, &order.to, "paddock: republish") {
            return waits(WaitCode::Other, Vec::new(), error.to_string());
        }
    }
    let wanted = PublishOrder {
        target_branch: site.target_branch.clone(),
        published: order.published.clone(),
        to: order.to.clone(),
    };
    match paddock_git::publish(repository, &wanted) {
        Ok(PublishOutcome::Published | PublishOutcome::AlreadyThere) => PublishAnswer::Published,
        Ok(PublishOutcome::TargetMoved { .. } | PublishOutcome::Missing) => PublishAnswer::Moved,
        Ok(PublishOutcome::Waiting { code, files, text, .. }) => {
            waits(code, files.iter().take(FILES_MAX).cloned().collect(), text)
        }
        Err(error) => waits(WaitCode::Other, Vec::new(), error.to_string()),
    }
}
