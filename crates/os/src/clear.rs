//! Removing what a program left, whatever it is: read-only folders, pipes, trees of any depth.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::files::random_hex;

/// Permission bits without which the owner cannot list or change a folder.
const OWNER_ALL: u32 = 0o700;

/// Removes a path and everything below it. Does nothing if nothing is there. A link is removed, never
/// followed; the parent must be a folder that can be changed.
///
/// Each folder is moved to the top before it is emptied, so that neither the depth of a tree nor the length
/// of its paths matters.
///
/// # Errors
/// Fails if an entry cannot be read or removed, such as the mount point of a file system.
pub fn remove(path: &Path) -> io::Result<()> {
    remove_until(path, None).map(drop)
}

/// Like [`remove`], and stops at the deadline. Returns whether everything is gone; a later call continues.
///
/// # Errors
/// As [`remove`].
pub fn remove_until(path: &Path, deadline: Option<Instant>) -> io::Result<bool> {
    let Some(facts) = facts_of(path)? else { return Ok(true) };
    if !facts.is_dir() {
        return fs::remove_file(path).map(|()| true);
    }
    open_up(path, &facts)?;
    // A folder that holds nothing needs no second folder.
    if fs::remove_dir(path).is_ok() {
        return Ok(true);
    }
    let is_late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let flat = path.join(format!(".paddock-removed-{}", random_hex(8)?));
    match fs::create_dir(&flat) {
        // On a full disk there may be no space for another folder before something is gone.
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            return fs::remove_dir_all(path).map(|()| true);
        }
        made => made?,
    }
    let (mut due, mut number) = (vec![path.to_owned()], 0_u64);
    while let Some(folder) = due.pop() {
        for entry in fs::read_dir(&folder)? {
            if is_late() {
                return Ok(false);
            }
            let entry = entry?;
            let found = entry.path();
            if found == flat {
                continue;
            }
            if !entry.file_type()?.is_dir() {
                fs::remove_file(&found)?;
                continue;
            }
            // A folder that moves needs write access to itself: its `..` changes.
            if let Some(facts) = facts_of(&found)? {
                open_up(&found, &facts)?;
            }
            number += 1;
            let moved = flat.join(number.to_string());
            fs::rename(&found, &moved)?;
            due.push(moved);
        }
        if folder != path {
            fs::remove_dir(&folder)?;
        }
    }
    fs::remove_dir(&flat)?;
    fs::remove_dir(path).map(|()| true)
}

/// Removes a folder of Paddock's own, in which no program worked, and everything in it. Does nothing if nothing is
/// there, or if another process removes the same.
///
/// # Errors
/// Fails if an entry cannot be removed.
pub fn remove_own(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives a folder another name beside its own, so that its path is free at once, and returns it. `None` if
/// nothing has the path. The name begins with `prefix`.
///
/// # Errors
/// Fails if the folder cannot be renamed.
pub fn set_aside(folder: &Path, prefix: &str) -> io::Result<Option<PathBuf>> {
    let to = folder.with_file_name(format!("{prefix}{}", random_hex(6)?));
    match fs::rename(folder, &to) {
        Ok(()) => Ok(Some(to)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the metadata of a path itself; `None` if nothing is there.
fn facts_of(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(facts) => Ok(Some(facts)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives the owner every right on a folder. Other bits stay.
fn open_up(folder: &Path, facts: &Metadata) -> io::Result<()> {
    let mode = facts.permissions().mode() & 0o7777;
    if mode & OWNER_ALL == OWNER_ALL {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(mode | OWNER_ALL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_and_closed_trees_go_and_what_links_lead_to_stays() {
        let home = tempfile::tempdir().unwrap();
        let (outside, tree) = (home.path().join("outside"), home.path().join("tree"));
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("precious"), "mine").unwrap();
        fs::create_dir(&tree).unwrap();
        std::os::unix::fs::symlink(&outside, tree.join("link")).unwrap();
        // Longer than any path that the system takes in one call.
        let mut spine = tree.join("d0");
        fs::create_dir(&spine).unwrap();
        for level in 1..300 {
            let above = home.path().join(format!("d{level}-{}", "x".repeat(20)));
            fs::create_dir(&above).unwrap();
            fs::rename(&spine, above.join("inside")).unwrap();
            spine = tree.join("d0");
            fs::rename(&above, &spine).unwrap();
        }
        fs::write(spine.join("file"), "text").unwrap();
        for mode in [0o000, 0o500] {
            let closed = tree.join(format!("closed-{mode:o}"));
            fs::create_dir_all(closed.join("in")).unwrap();
            fs::write(closed.join("in/file"), "text").unwrap();
            fs::set_permissions(closed.join("in"), fs::Permissions::from_mode(mode)).unwrap();
            fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).unwrap();
        }
        assert!(!remove_until(&tree, Some(Instant::now())).unwrap());
        let aside = set_aside(&tree, "old-").unwrap().unwrap();
        assert!(!tree.exists() && set_aside(&tree, "old-").unwrap().is_none());
        remove(&aside).unwrap();
        remove(&aside).unwrap();
        assert!(!aside.exists());
        assert_eq!(fs::read_to_string(outside.join("precious")).unwrap(), "mine");
    }
}
