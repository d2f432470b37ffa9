//! Makes and removes the worktrees of objectives.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::super::clock::now_ms;
use super::super::error::EffectError;
use super::super::homecoming;
use super::super::homes::Source;
use super::super::world::{Site, World};
use super::attempts::{past_locks, patiently};
use super::copying::{self, Copied};
use super::origin::upstream;
use paddock_engine::input::{Input, Problem};
use paddock_git::{GitError, Removal, Repository, SalvageOrder, Worktree, WorktreeSpec};
use paddock_git::{remove_worktree, retire_worktree};
use paddock_model::ids::{ObjectId, ObjectiveKey, SessionId};
use paddock_model::state::State;
use paddock_os::fail_points::fail_point;

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
    add(world, &repository, place)
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
    add(world, &repository, &place)
}

/// The place of a worktree and the objective that it belongs to.
pub(super) struct Place<'a> {
    pub(super) site: &'a Site,
    pub(super) objective: &'a ObjectiveKey,
    pub(super) path: &'a Path,
    pub(super) branch: &'a str,
    pub(super) base: &'a ObjectId,
}

/// Ties the place of a session to the project again, with the newest that integration holds. `has_moved` says
/// whether Paddock changed its files since the last session.
pub(super) fn mend(
    repository: &Repository,
    site: &Site,
    worktree: &Worktree,
    has_moved: bool,
) -> Result<(), GitError> {
    if worktree.is_own {
        upstream(repository, site)?;
    }
    let tip = repository.commit_of(&site.integration_ref)?.unwrap_or_else(|| site.tip.clone());
    paddock_git::mend_worktree(repository, worktree, &tip, has_moved)
}

/// Makes the worktree with git, and copies the files of `worktree.copy` into it.
fn add(world: &World, repository: &Repository, place: &Place<'_>) -> Result<(), EffectError> {
    if let Some(parent) = place.path.parent() {
        fs::create_dir_all(parent).map_err(EffectError::at(parent))?;
    }
    let own = match place.site.is_own_wanted {
        true => Some(upstream(repository, place.site)?),
        false => None,
    };
    let spec = WorktreeSpec {
        own,
        path: place.path.to_owned(),
        branch: place.branch.to_owned(),
        base: place.base.clone(),
        marker: place.objective.to_string(),
    };
    let pool = world.pool(repository, place.site)?;
    let worktree = paddock_git::add_pooled_worktree(repository, &spec, Some(&pool))?;
    // One that a crash left without its copies gets them now.
    let missed = copying::copy_into(repository, &worktree, &place.site.repo_root, &place.site.copy)?;
    world.report(Input::CopiesMissed { project: place.site.slug.clone(), missed });
    Ok(())
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
    let found = paddock_git::find_worktree(&repository, &order.path, &order.branch);
    let is_home = found.as_ref().is_ok_and(|worktree| come_home(world, order, &repository, worktree));
    // First of all: once a ref keeps them, nothing below can lose them.
    let late = keep_late_commits(&repository, order)?;
    if let Ok(worktree) = found {
        let wanted = SalvageOrder {
            objective: order.objective.id.to_string(),
            session: order.last_session,
            exclude: Copied::excluded(&worktree, &order.site.copy),
            identity: world.identity(&repository),
            time_s: now_ms() / 1_000,
        };
        // A removal that a crash interrupted may have left git's record without the folder.
        let salvaged = match worktree.path.is_dir() {
            true => paddock_git::salvage(&repository, &worktree, &wanted)?,
            false => None,
        };
        let kept_dir = world.workspace.kept_dir();
        let removal = match is_home && salvaged.is_none_or(|salvaged| salvaged.left.is_empty()) {
            true => give_up(world, &repository, &worktree, order)?,
            // Some files could not be salvaged, such as very large ones. They exist nowhere else, so the
            // folder is kept.
            false => paddock_git::set_aside_worktree(&repository, &worktree, &kept_dir)?,
        };
        if let Removal::Kept { path } = removal {
            tracing::warn!(objective = %order.objective, path = %path.display(), "a worktree was kept");
        }
    } else {
        paddock_git::finish_removal(&repository, &order.path)?;
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

/// Brings home what was made in an own place since its last harvest. Returns whether everything is home; what
/// is not exists in the place alone.
fn come_home(world: &World, order: &Order, repository: &Repository, worktree: &Worktree) -> bool {
    if !worktree.is_own || !worktree.path.is_dir() {
        return true;
    }
    let source = Source {
        repository: repository.clone(),
        worktree: worktree.clone(),
        objective: order.objective.id.clone(),
    };
    let brought = homecoming::last(world, SessionId(order.last_session), &source)
        .and_then(|home| homecoming::keep_left(world, &source, order.last_session, &home).map(drop));
    if let Err(error) = &brought {
        tracing::warn!(objective = %order.objective, %error, "a place is kept: not all of it could be brought home");
    }
    brought.is_ok()
}

/// Removes a worktree that holds nobody's work any more. Its files go to the pool, if they are of use there.
fn give_up(
    world: &World,
    repository: &Repository,
    worktree: &Worktree,
    order: &Order,
) -> Result<Removal, GitError> {
    let kept_dir = world.workspace.kept_dir();
    let pool = world.pool(repository, &order.site)?;
    // The pool is the first thing to go when the disk runs low.
    match world.tends_pools.load(Ordering::SeqCst) && world.spare_bytes(&order.site) > 0 {
        true => retire_worktree(repository, worktree, &kept_dir, (&pool, order.site.pool_max)),
        false => remove_worktree(repository, worktree, &kept_dir),
    }
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
