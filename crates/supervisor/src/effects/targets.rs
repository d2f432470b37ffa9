//! The refs of a project: looks at the target branch, moves the integration ref to the user's commits, and
//! publishes landed work to the target branch.

use std::path::Path;

use super::super::agreement::Known;
use super::super::clock::now_ms;
use super::super::homecoming;
use super::super::projects::read_again;
use super::super::user_refs;
use super::super::world::{Site, World};
use super::bypass;
use super::candidates::candidate_name;
use super::{origin, remote};
use paddock_engine::effect::LandedWork;
use paddock_engine::input::{Input, Problem, PublishAnswer};
use paddock_git::{CasOutcome, GitError, Needed, PublishOrder, PublishOutcome, Repository, is_lfs_installed};
use paddock_model::facts::{Relation, TargetFacts};
use paddock_model::ids::{ObjectId, ObjectiveId, ObjectiveKey};
use paddock_model::path::RepoPath;
use paddock_model::project::{PublicationWait, WaitCode};
use paddock_model::reason::ReasonCode;
use paddock_os::fail_points::{fail_point, trouble_point};

/// What to do about git LFS that is not installed.
pub const LFS_REMEDY: &str = "install git-lfs where Paddock's PATH finds it; Paddock then goes on by itself";

/// Says which file needs git LFS.
#[must_use]
pub fn lfs_text(needed: &Needed) -> String {
    format!("git LFS is not installed: git cannot check out {} ({})", needed.path, needed.attribute)
}

/// Most files that a waiting publication names.
const FILES_MAX: usize = 20;
/// Problem of a move whose compare-and-swap found another commit.
const INTEGRATION_MOVED: &str = "the integration ref is not at the commit that Paddock recorded";

/// Makes the integration ref at `at`.
///
/// Reconciled by the ref itself: one that exists is used as it is. If the target branch was set anew, the ref
/// is moved to `at`, and its old commit is kept under another name.
pub(in super::super) fn make_integration(world: &World, site: &Site, at: &ObjectId, known: &Known) {
    fail_point!("integration.before");
    if site.is_reset {
        // The new target branch may have other gate commands. They have to be known before anything lands on
        // it.
        read_again(world, &site.slug, known);
    }
    let make = || {
        let repository = world.repository(&site.repo_root)?;
        if site.is_reset {
            return reset_integration(&repository, site, at);
        }
        match repository.set_ref(&site.integration_ref, None, at, "paddock: begin")? {
            CasOutcome::Done => Ok(at.clone()),
            // It exists: an earlier run of this effect made it.
            CasOutcome::Modified { found: Some(found) } => Ok(found),
            CasOutcome::Modified { found: None } => Err(GitError::Unexpected(
                "another program removed the integration ref while Paddock made it".into(),
            )),
        }
    };
    let tip = world.with_disk_space(site, "the integration ref is made", make);
    if tip.is_ok() {
        origin::follow(world, site);
    }
    fail_point!("integration.after");
    let tip = tip.map_err(|error| error.to_string());
    world.report(Input::IntegrationMade { project: site.slug.clone(), tip: tip.map_err(Problem::new) });
}

/// Moves the integration ref to `at` and keeps what it held. Returns `at`.
fn reset_integration(repository: &Repository, site: &Site, at: &ObjectId) -> Result<ObjectId, GitError> {
    let name = &site.integration_ref;
    // The refs of earlier target branches can be in the way of this name: git cannot have both `a` and `a/b`.
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
        CasOutcome::Modified { .. } => Err(GitError::Unexpected(INTEGRATION_MOVED.into())),
    }
}

/// Keeps an integration ref's commit under another ref before the ref moves, so that no landed work is lost.
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

/// Looks at everything about a project that can change without Paddock, and reports it. Changes nothing.
pub(in super::super) fn look(world: &World, site: &Site) {
    // Before anything is read: a change from here on has to order another look.
    world.mark_look_begun(&site.slug);
    trouble_point!("look", site.slug.as_str());
    let repository = match world.agreeing(site) {
        Ok(repository) => repository,
        Err(error) => {
            let (project, problem) = (site.slug.clone(), error.to_string());
            return world.report(Input::RepositoryFailed { project, problem: problem.into() });
        }
    };
    match site.trust_found(&repository) {
        Ok(trust) => world.report(Input::TrustRead { project: site.slug.clone(), trust }),
        Err(error) => {
            let (project, problem) = (site.slug.clone(), error.to_string());
            return world.report(Input::RepositoryFailed { project, problem: problem.into() });
        }
    }
    look_at_disk(world, site);
    homecoming::look(world, &repository, site);
    look_at_lfs(world, &repository, site);
    user_refs::look(world, &repository, site);
    // HEAD was detached when the project was added: no branch to look at until a person sets one.
    if site.target_branch.is_empty() {
        return world.report(Input::RepositoryFine { project: site.slug.clone() });
    }
    match target_facts(&repository, site) {
        Ok(facts) => {
            world.report(Input::RepositoryFine { project: site.slug.clone() });
            // Before the facts, which make the engine take the new commits over as the user's own.
            bypass::look(world, &repository, site, &facts);
            remote::look(world, &repository, site);
            world.report(Input::TargetLooked { project: site.slug.clone(), facts });
            look_at_queued(world, &repository, site);
            if site.is_tree_wanted
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

/// Reports queued branches that have moved since their heads were pinned.
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

/// Puts the project on hold while its files need git LFS, which is not installed: every checkout would fail.
fn look_at_lfs(world: &World, repository: &Repository, site: &Site) {
    // An error says nothing about git LFS; a checkout reports it.
    let needed = repository.lacks_lfs(&site.tip, is_lfs_installed).unwrap_or_default();
    let text = needed.map(|needed| lfs_text(&needed));
    let (project, code, clears) = (site.slug.clone(), ReasonCode::LfsMissing, LFS_REMEDY.to_owned());
    world.report(Input::HoldSeen { project, code, text, clears });
}

/// Reports the free disk space where gates work, and puts the project on hold if its disks have too little.
fn look_at_disk(world: &World, site: &Site) {
    let free_bytes = |path: &Path| {
        let stat = rustix::fs::statvfs(path).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    };
    let temporary = std::env::temp_dir();
    // The folder may not exist yet. Its nearest existing parent is on the same disk.
    let worktrees = site.worktrees_root.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    let gates = [worktrees, temporary.as_path()].map(|path| free_bytes(path).unwrap_or(0));
    world.report(Input::DiskSpaceSeen { project: site.slug.clone(), free: gates.to_vec() });
    world.report_disk(site);
}

/// Reads the target branch and its relation to the recorded tip and publication.
fn target_facts(repository: &Repository, site: &Site) -> Result<TargetFacts, GitError> {
    let target = paddock_git::observe(repository, &site.target_branch)?;
    let relation = |to: &ObjectId| match &target {
        Some(target) => repository.relation(target, to),
        None => Ok(Relation::Diverged),
    };
    let (to_tip, to_published) = (relation(&site.tip)?, relation(&site.published)?);
    Ok(TargetFacts { target, tip: site.tip.clone(), published: site.published.clone(), to_tip, to_published })
}

/// Moves the integration ref from `from` to the user's commit `to`.
///
/// Reconciled by the ref: at `to` the move has happened, at `from` it has not.
pub(in super::super) fn move_external(world: &World, site: &Site, from: &ObjectId, to: &ObjectId) {
    let move_it = || {
        let repository = world.repository(&site.repo_root)?;
        repository.set_ref(&site.integration_ref, Some(from), to, "paddock: the user's own commits")
    };
    let moved = world.with_disk_space(site, "the integration ref moves", move_it);
    let result = match moved {
        Ok(CasOutcome::Done) => Ok(()),
        Ok(CasOutcome::Modified { found }) if found.as_ref() == Some(to) => Ok(()),
        Ok(CasOutcome::Modified { .. }) => Err(INTEGRATION_MOVED.to_owned()),
        Err(error) => Err(error.to_string()),
    };
    if result.is_ok() {
        origin::follow(world, site);
    }
    world.report(Input::ExternalMoved {
        project: site.slug.clone(),
        to: to.clone(),
        result: result.map_err(Problem::new),
    });
}

/// Moves the integration ref from `from` to the target branch, which no longer contains all landed work.
///
/// Reconciled by the ref: if it is not at `from`, the move has happened, and the ref's commit is the adopted
/// one.
pub(in super::super) fn adopt(world: &World, site: &Site, from: &ObjectId, landed: &[LandedWork]) {
    let adopt = || try_adopt(world, site, from, landed);
    let result =
        world.with_disk_space(site, "the target branch is adopted", adopt).map_err(|error| error.to_string());
    if result.is_ok() {
        origin::follow(world, site);
    }
    world.report(Input::TargetAdopted { project: site.slug.clone(), result: result.map_err(Problem::new) });
}

/// Returns the adopted commit, and the objectives of `landed` that the target branch no longer contains.
fn try_adopt(
    world: &World,
    site: &Site,
    from: &ObjectId,
    landed: &[LandedWork],
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
    // Read at the first landing whose commits are gone: usually there is none.
    let mut rewritten = None;
    for LandedWork { id, commit, head } in landed {
        let is_in = |commit: &ObjectId, of: &ObjectId| {
            Ok::<bool, GitError>(matches!(
                repository.relation(commit, of)?,
                Relation::Same | Relation::Ancestor
            ))
        };
        // Work that landed on an earlier target branch was never on this one, so it is not lost here.
        if !is_in(commit, from)? || is_in(commit, &target)? {
            continue;
        }
        // The user may have rebased the landing, or squashed it: its work is there under other commits.
        let found = match rewritten.take() {
            Some(found) => found,
            None => repository.rewritten(&target, from)?,
        };
        if !rewritten.insert(found).holds(commit, head.as_ref())? {
            lost.push(id.clone());
        }
    }
    if has_happened.is_some() {
        return Ok((target, lost));
    }
    keep_integration(&repository, from)?;
    match repository.set_ref(&site.integration_ref, Some(from), &target, "paddock: adopt the target")? {
        CasOutcome::Done => Ok((target, lost)),
        CasOutcome::Modified { .. } => Err(GitError::Unexpected(INTEGRATION_MOVED.into())),
    }
}

/// A publication to make.
pub(in super::super) struct Publication {
    /// Commit of the last publication, which the target branch has to be at.
    pub(in super::super) published: ObjectId,
    /// Commit to publish.
    pub(in super::super) to: ObjectId,
    /// Whether to make the target branch again, which was deleted. Only a person asks for that.
    pub(in super::super) create: bool,
}

/// Publishes landed work: fast-forwards the target branch, and the user's checkout if it is on that branch.
///
/// Reconciled by trying: a guarded fast-forward can be tried at any time.
pub(in super::super) fn publish(world: &World, site: &Site, order: &Publication) {
    fail_point!("publish.before");
    let answer = match world.trusted(site) {
        Ok(repository) => publish_in(&repository, site, order),
        Err(error) => waiting_answer(WaitCode::Other, Vec::new(), error.to_string()),
    };
    fail_point!("publish.after");
    let is_published = answer == PublishAnswer::Published;
    world.report(Input::PublishAnswered { project: site.slug.clone(), to: order.to.clone(), answer });
    // After the report, so that nothing waits for this.
    if is_published {
        release_candidate(world, site, &order.to);
        fail_point!("publish.released");
    }
}

/// Deletes the candidates' ref, unless the next candidate is there by now. The integration ref holds the
/// landed work. A ref that a crash leaves behind does no harm.
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

/// Returns the answer that the publication waits, and why.
pub(super) fn waiting_answer(code: WaitCode, files: Vec<RepoPath>, text: String) -> PublishAnswer {
    PublishAnswer::Waits(PublicationWait { code, files, text, since_ms: now_ms() })
}

/// Publishes in the given repository.
pub(super) fn publish_in(repository: &Repository, site: &Site, order: &Publication) -> PublishAnswer {
    if order.create {
        let name = format!("refs/heads/{}", site.target_branch);
        // `None`: only if the branch still does not exist. If the user has made it meanwhile, the steps below
        // decide.
        if let Err(error) = repository.set_ref(&name, None, &order.to, "paddock: republish") {
            return waiting_answer(WaitCode::Other, Vec::new(), error.to_string());
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
            waiting_answer(code, files.iter().take(FILES_MAX).cloned().collect(), text)
        }
        Err(error) => waiting_answer(WaitCode::Other, Vec::new(), error.to_string()),
    }
}
