//! Removing what a gate run left, whatever it is: read-only folders, pipes, trees of any depth.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::table::{Kind, Stat};

/// Permission bits without which the owner cannot list or change a folder.
const OWNER_ALL: u32 = 0o700;

/// Removes a path and everything below it. Does nothing if nothing is there. A link is removed, never
/// followed; the parent must be a folder that can be changed.
///
/// Each folder is moved to the top before it is emptied, so that neither the depth of a tree nor the length
/// of its paths matters.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let Some(stat) = Stat::read(path)? else { return Ok(()) };
    if stat.kind != Kind::Folder {
        return fs::remove_file(path);
    }
    open_up(path, &stat)?;
    // A folder that holds nothing needs no second folder.
    if fs::remove_dir(path).is_ok() {
        return Ok(());
    }
    let flat = path.join(format!(".paddock-removed-{}", paddock_os::files::random_hex(8)?));
    fs::create_dir(&flat)?;
    let (mut due, mut number) = (vec![path.to_owned()], 0_u64);
    while let Some(folder) = due.pop() {
        for entry in fs::read_dir(&folder)? {
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
            if let Some(stat) = Stat::read(&found)? {
                open_up(&found, &stat)?;
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
    fs::remove_dir(path)
}

/// Gives the owner every right on a folder. Other bits stay.
pub(super) fn open_up(folder: &Path, stat: &Stat) -> io::Result<()> {
    if stat.mode & OWNER_ALL == OWNER_ALL {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(stat.mode | OWNER_ALL))
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
        remove(&tree).unwrap();
        remove(&tree).unwrap();
        assert!(!tree.exists());
        assert_eq!(fs::read_to_string(outside.join("precious")).unwrap(), "mine");
    }
}
