//! Resetting what was put into the pool, and removing what is too much.

use std::path::PathBuf;

use super::super::error::GitError;
use super::super::gate_folder::{clear, exact::Exact};
use super::super::repository::Repository;
use super::ready::Ready;
use super::shelf::{Entry, Pool};
use paddock_model::ids::ObjectId;
use paddock_os::fail_points::fail_point;
use paddock_os::plain;

/// File among the records of a folder that is out of the pool, with the folder's path.
pub(super) const PLACE_FILE: &str = "place";

/// What a pool is to hold.
pub struct PoolOrder<'a> {
    /// Commit that worktrees will probably be made for.
    pub commit: &'a ObjectId,
    /// Most entries; with 0 the pool is emptied.
    pub most: usize,
    /// Whether the work is to end as soon as it can. Asked between entries.
    pub must_end: &'a dyn Fn() -> bool,
}

/// What a pool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolState {
    /// Entries that a worktree can be made from.
    pub ready: usize,
    /// Entries that were removed.
    pub removed: usize,
}

/// Brings every entry of a pool that is not ready to the commit, and removes those that cannot be brought
/// there, and those that are too many. Others may use the pool meanwhile, from this process.
///
/// # Errors
/// Fails if the pool cannot be listed. What goes wrong with one entry costs that entry.
pub fn tend_pool(repository: &Repository, pool: &Pool, order: &PoolOrder<'_>) -> Result<PoolState, GitError> {
    let mut state = PoolState::default();
    if order.most == 0 {
        state.removed = remove_pool(pool)?;
        return Ok(state);
    }
    let fingerprint = repository.checkout_fingerprint()?;
    let names = pool.names()?;
    let (ready, others): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| {
        Ready::read(&pool.record(name)).is_some_and(|ready| ready.fingerprint == fingerprint)
    });
    // Those that are ready first: the others are reset only if there is a place for them.
    for name in ready.into_iter().chain(others) {
        if (order.must_end)() {
            return Ok(state);
        }
        let Some(entry) = pool.entry(name) else { continue };
        let is_fitting = state.ready < order.most;
        match is_fitting.then(|| tend(repository, pool, &entry, order.commit, &fingerprint)) {
            Some(Ok(())) => state.ready += 1,
            outcome => {
                if let Some(Err(error)) = outcome {
                    tracing::info!(%error, folder = %entry.folder.display(), "an entry of a pool is removed");
                }
                match entry.remove() {
                    Ok(()) => state.removed += 1,
                    Err(error) => tracing::warn!(%error, "an entry of a pool could not be removed"),
                }
            }
        }
    }
    sweep(pool)?;
    Ok(state)
}

/// Removes a project's pool, and everything that is known of folders that were in it. Returns the number of
/// entries.
///
/// # Errors
/// Fails if the file system reports an error.
pub fn remove_pool(pool: &Pool) -> Result<usize, GitError> {
    let (names, mut removed) = (pool.names()?, 0);
    for name in names.union(&pool.records()?) {
        if let Some(entry) = pool.entry(name) {
            entry.remove()?;
            removed += usize::from(names.contains(name));
        }
    }
    pool.remove_probes()?;
    pool.remove_empty();
    Ok(removed)
}

/// Makes an entry ready, unless it is.
fn tend(
    repository: &Repository,
    pool: &Pool,
    entry: &Entry,
    commit: &ObjectId,
    fingerprint: &str,
) -> Result<(), GitError> {
    if Ready::read(&entry.private).is_some_and(|ready| ready.fingerprint == fingerprint) {
        return Ok(());
    }
    Ready::remove(&entry.private)?;
    let exact = Exact::new(repository, &entry.folder, &entry.private, pool.trust);
    let submodules = exact.reset(commit)?;
    fail_point!("pool.reset");
    let ready = Ready { commit: commit.clone(), fingerprint: fingerprint.to_owned(), submodules };
    ready.write(&entry.private)
}

/// Removes the records of folders that are gone, and what killed processes left.
fn sweep(pool: &Pool) -> Result<(), GitError> {
    pool.remove_probes()?;
    let names = pool.names()?;
    for name in pool.records()?.iter().filter(|name| !names.contains(*name)) {
        let Some(entry) = pool.entry(name) else { continue };
        let place = plain::read_to_string(entry.private.join(PLACE_FILE)).unwrap_or_default();
        let is_gone = !Pool::is_out(name) || std::fs::symlink_metadata(PathBuf::from(place)).is_err();
        // A thread that has just put a folder there has it by now.
        let is_gone = is_gone && std::fs::symlink_metadata(&entry.folder).is_err();
        if is_gone {
            clear(&entry.private).map_err(GitError::io(&entry.private))?;
        }
    }
    Ok(())
}
