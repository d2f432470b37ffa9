//! Makes and removes the worktrees of objectives.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use super::super::clock::now_ms;
use super::super::error::EffectError;
use super::super::world::{Site, World};
use super::attempts::{past_locks, patiently};
use paddock_engine::input::{Input, Problem};
use paddock_git::{GitError, Repository, SalvageOrder, WorktreeSpec};
use paddock_model::ids::{ObjectId, ObjectiveKey};
use paddock_model::state::State;
use paddock_os::fail_points::fail_point;
use paddock_os::plain;

/// A worktree to make or to remove.
pub(in super::super) struct Order {
    site: Site,
    objective: ObjectiveKey,
    path: PathBuf,
    branch: String,
    base: ObjectId,
    /// Counter that the answer carries back, so that the engine ignores the answer to an older order.
    epoch: u64,
    /// Head that landed, if one did.
    head: Option<ObjectId>,
    last_session: u64,
}

impl Order {
    pub(in super::super) fn from_state(state: &State, key: &ObjectiveKey, epoch: u64) -> Option<Self> {
        let objective = state.objective(key)?;
        let worktree = objective.worktree.as_ref()?;
        Some(Self {
            site: Site::find(state, &key.project)?,
            objective: key.clone(),
            path: PathBuf::from(&worktree.path),
            branch: worktree.branch.clone(),
            base: worktree.base.clone(),
            epoch,
            head: objective.head.clone(),
            last_session: objective.sessions.last().map_or(0, |session| session.0),
        })
    }
}

/// Makes the worktree of an objective.
///
/// Reconciled by git's own record of the worktree and Paddock's marker in it: one that exists is used as it
/// is.
pub(in super::super) fn make(world: &World, order: &Order) {
    fail_point!("worktree.before");
    let doing = format!("the worktree of {} is made", order.objective);
    let result = past_locks(world, &order.site, || {
        patiently(|| world.with_disk_space(&order.site, &doing, || make_in(world, order)))
    });
    let result = result.map_err(|error| error.to_string());
    fail_point!("worktree.after");
    world.report(Input::WorktreeAnswered {
        objective: order.objective.clone(),
        epoch: order.epoch,
        result: result.map_err(Problem::new),
    });
}

/// Makes a worktree again if its folder was deleted. The branch still has everything that was committed.
pub(super) fn make_again_if_gone(world: &World, place: &Place<'_>) -> Result<(), EffectError> {
    // Anything at this path counts as there, a symbolic link included: `find_worktree`, which comes next,
    // refuses a link.
    if place.path.symlink_metadata().is_ok() {
        return Ok(());
    }
    let repository = world.trusted(place.site)?;
    tracing::warn!(path = %place.path.display(), "a worktree was deleted by hand; it is made again");
    add(&repository, place)
}

fn make_in(world: &World, order: &Order) -> Result<(), EffectError> {
    let repository = world.trusted(&order.site)?;
    let place = Place {
        site: &order.site,
        objective: &order.objective,
        path: &order.path,
        branch: &order.branch,
        base: &order.base,
    };
    add(&repository, &place)
}

/// The place of a worktree and the objective that it belongs to.
pub(super) struct Place<'a> {
    pub(super) site: &'a Site,
    pub(super) objective: &'a ObjectiveKey,
    pub(super) path: &'a Path,
    pub(super) branch: &'a str,
    pub(super) base: &'a ObjectId,
}

/// Makes the worktree with git, and copies the files of `worktree.copy` into it.
fn add(repository: &Repository, place: &Place<'_>) -> Result<(), EffectError> {
    if let Some(parent) = place.path.parent() {
        fs::create_dir_all(parent).map_err(EffectError::at(parent))?;
    }
    let spec = WorktreeSpec {
        path: place.path.to_owned(),
        branch: place.branch.to_owned(),
        base: place.base.clone(),
        marker: place.objective.to_string(),
    };
    paddock_git::add_worktree(repository, &spec)?;
    for name in &place.site.copy {
        copy_file(&place.site.repo_root, place.path, name)?;
    }
    Ok(())
}

/// Copies one file of `worktree.copy`. Does nothing if the repository's folder lacks the file or the worktree
/// has it.
///
/// # Errors
/// Fails if the name leads out of the repository, or a link in the worktree leads the copy elsewhere.
fn copy_file(from: &Path, to: &Path, name: &str) -> Result<(), EffectError> {
    let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside {
        return Err(EffectError::CopyLeadsOut(name.to_owned()));
    }
    let (source, target) = (from.join(name), to.join(name));
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    if !source.symlink_metadata().is_ok_and(|found| found.is_file()) || is_there(&target) {
        return Ok(());
    }
    // The checked-out files may be an agent's work, and a folder among them a link to a place outside.
    let parents = target.ancestors().skip(1).take_while(|parent| *parent != to);
    if let Some(link) = parents.filter(|parent| parent.is_symlink()).last() {
        return Err(EffectError::CopyThroughLink { name: name.to_owned(), link: link.to_owned() });
    }
    let problem = |source| EffectError::Copy { name: name.to_owned(), source };
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(problem)?;
    }
    copy_new(&source, &target).map_err(problem)
}

/// Copies a file with its mode to a new file.
fn copy_new(source: &Path, target: &Path) -> io::Result<()> {
    let mut from = plain::open(source)?;
    // `create_new` replaces nothing and follows no link in the last part of the path, unlike `fs::copy`.
    let mode = from.metadata()?.permissions().mode() & 0o777;
    let mut to = OpenOptions::new().write(true).create_new(true).mode(mode).open(target)?;
    io::copy(&mut from, &mut to).map(drop)
}

/// Removes the worktree of an objective, and its branch if that has landed.
///
/// Reconciled by looking: every step succeeds if it has happened already.
pub(in super::super) fn remove(world: &World, order: &Order) {
    fail_point!("cleanup.before");
    let removed = past_locks(world, &order.site, || patiently(|| remove_in(world, order)));
    fail_point!("cleanup.after");
    match removed {
        Ok(late) => world.report(Input::WorktreeRemoved { objective: order.objective.clone(), late }),
        // Not reported: the worktree stays recorded as "to be removed", nothing waits for it, and the next
        // start tries again.
        Err(error) => tracing::warn!(objective = %order.objective, %error, "a worktree could not be removed"),
    }
}

/// Removes worktree and branch. Returns the ref that keeps commits made after the landing, if there were any.
fn remove_in(world: &World, order: &Order) -> Result<Option<String>, GitError> {
    let repository = world.repository(&order.site.repo_root)?;
    // First of all: once a ref keeps them, nothing below can lose them.
    let late = keep_late_commits(&repository, order)?;
    if let Ok(worktree) = paddock_git::find_worktree(&repository, &order.path, &order.branch) {
        let wanted = SalvageOrder {
            objective: order.objective.id.to_string(),
            session: order.last_session,
            exclude: order.site.copy.clone(),
            identity: world.identity(&repository),
            time_s: now_ms() / 1_000,
        };
        // A removal that a crash interrupted may have left git's record without the folder.
        let salvaged = match worktree.path.is_dir() {
            true => paddock_git::salvage(&repository, &worktree, &wanted)?,
            false => None,
        };
        let kept_dir = world.workspace.kept_dir();
        let removal = match salvaged.is_none_or(|salvaged| salvaged.left.is_empty()) {
            true => paddock_git::remove_worktree(&repository, &worktree, &kept_dir)?,
            // Some files could not be salvaged, such as very large ones. They exist nowhere else, so the
            // folder is kept.
            false => paddock_git::set_aside_worktree(&repository, &worktree, &kept_dir)?,
        };
        if let paddock_git::Removal::Kept { path } = removal {
            tracing::warn!(objective = %order.objective, path = %path.display(), "a worktree was kept");
        }
    } else {
        paddock_git::finish_removal(&order.path)?;
    }
    fail_point!("cleanup.branch");
    // Only a branch that is exactly at the landed head is deleted: everything on it is on the integration
    // ref. Other branches stay for people.
    if let Some(head) = order.head.as_ref().filter(|_| late.is_none()) {
        let full = format!("refs/heads/{}", order.branch);
        if repository.commit_of(&full)?.as_ref() == Some(head) {
            let tip = repository.commit_of(&order.site.integration_ref)?.unwrap_or(order.site.tip.clone());
            paddock_git::delete_branch(&repository, &order.branch, head, &tip)?;
        }
    }
    Ok(late)
}

/// Puts a ref on commits that were made on the branch after it landed, and returns the ref's name.
fn keep_late_commits(repository: &Repository, order: &Order) -> Result<Option<String>, GitError> {
    let found = repository.commit_of(&format!("refs/heads/{}", order.branch))?;
    let (Some(found), Some(head)) = (found, &order.head) else { return Ok(None) };
    if found == *head {
        return Ok(None);
    }
    let kept = format!("refs/paddock/kept/{}/{}", order.objective.id, found.short());
    let before = repository.commit_of(&kept)?;
    repository.set_ref(&kept, before.as_ref(), &found, "paddock: commits after the landing")?;
    Ok(Some(kept))
}
