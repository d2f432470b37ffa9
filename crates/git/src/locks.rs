//! Ref locks that a killed process left behind.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::notes::NOTES_REF;
use super::repository::Repository;

/// Age at which a lock counts as left by a killed process. A ref is locked for as long as it takes to write
/// forty bytes, and this workspace holds the repository's claim, so that no other Paddock moves these refs.
/// Shorter than the wait for a locked ref (about two seconds), so that a call that waits meanwhile gets the
/// lock.
const STALE_AFTER: Duration = Duration::from_millis(1_000);

/// Removes the locks that killed processes left on Paddock's own refs, branches and notes, and returns their
/// paths. The caller must hold the repository's claim and must not have moved any ref yet. Sleeps for a
/// second if there is a lock. All other locks are the user's and stay.
#[must_use]
pub fn remove_stale_locks(repository: &Repository) -> Vec<PathBuf> {
    let places = ["refs/paddock", "refs/heads/paddock"].map(|place| repository.common_dir().join(place));
    let notes = repository.common_dir().join(NOTES_REF).with_extension("lock");
    let locks = places.iter().flat_map(|place| locks_in(place)).chain([notes]);
    let before: Vec<(PathBuf, u64, i64)> = locks.filter_map(identified).collect();
    if before.is_empty() {
        return Vec::new();
    }
    // A lock that was released and taken again meanwhile has another inode or time.
    thread::sleep(STALE_AFTER);
    let is_same = |lock: &&(PathBuf, u64, i64)| identified(lock.0.clone()).as_ref() == Some(lock);
    // A lock that cannot be removed is left to the calls that meet it: they report it by name.
    let stale = before.iter().filter(is_same).map(|(path, ..)| path.clone());
    stale.filter(|path| fs::remove_file(path).is_ok()).collect()
}

/// Returns a lock with its inode and modification time, which tell it from a later lock of the same name.
fn identified(lock: PathBuf) -> Option<(PathBuf, u64, i64)> {
    let facts = fs::symlink_metadata(&lock).ok()?;
    Some((lock, facts.ino(), facts.mtime() * 1_000_000_000 + facts.mtime_nsec()))
}

fn locks_in(place: &Path) -> Vec<PathBuf> {
    let (mut due, mut found) = (vec![place.to_owned()], Vec::new());
    while let Some(folder) = due.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match is_folder {
                true => due.push(entry.path()),
                // git forbids ref names that end in `.lock`, so this is no ref.
                false if entry.path().extension().is_some_and(|ending| ending == "lock") => {
                    found.push(entry.path());
                }
                false => {}
            }
        }
    }
    found
}
