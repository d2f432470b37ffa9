//! The user's own folder among the system's temporary files.
//!
//! Everybody may write to the folder of temporary files, so whatever lies there under a known name may have
//! been put there by another user, to read or to replace what is written to it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files::{create_private_dir, make_private};

/// Permission bits that let the group and all others write.
const OTHERS_WRITE: u32 = 0o022;
/// The bit that lets users write who are neither the owner nor in the group.
const ALL_WRITE: u32 = 0o002;
/// The bit by which only the owner of an entry may rename or remove it.
const STICKY: u32 = 0o1000;

/// Returns the folder `paddock-UID` below `parent`, made if it is missing, which only this user can enter.
///
/// # Errors
/// Fails if the folder cannot be made, or if it is not one that only this user can have made: a link or a
/// file, another user's, one that others may write to, or one that others may replace.
pub fn own_folder(parent: &Path) -> io::Result<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let folder = parent.join(format!("paddock-{uid}"));
    let refused = |why: &str| io::Error::other(format!("{} {why}", folder.display()));
    if !parent.is_absolute() {
        return Err(refused("is not an absolute path"));
    }
    let above = fs::metadata(parent)?;
    if above.mode() & ALL_WRITE != 0 && above.mode() & STICKY == 0 {
        return Err(refused("can be replaced by other users"));
    }
    create_private_dir(&folder)?;
    let found = fs::symlink_metadata(&folder)?;
    match () {
        () if !found.is_dir() => Err(refused("is no folder")),
        () if found.uid() != uid => Err(refused("belongs to another user")),
        () if found.mode() & OTHERS_WRITE != 0 => Err(refused("can be written by other users")),
        () => make_private(&folder).map(|()| folder),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_folder_that_others_may_have_made_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let parent = home.path().join("tmp");
        fs::create_dir(&parent).unwrap();
        let folder = own_folder(&parent).unwrap();
        assert_eq!(own_folder(&parent).unwrap(), folder);
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        own_folder(&parent).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);

        fs::set_permissions(&folder, Permissions::from_mode(0o770)).unwrap();
        let text = |parent: &Path| own_folder(parent).unwrap_err().to_string();
        assert!(text(&parent).ends_with("can be written by other users"), "{}", text(&parent));
        fs::remove_dir(&folder).unwrap();
        symlink(home.path(), &folder).unwrap();
        assert!(text(&parent).ends_with("is no folder"));
        fs::remove_file(&folder).unwrap();
        fs::write(&folder, "").unwrap();
        assert!(text(&parent).ends_with("is no folder"));
        fs::remove_file(&folder).unwrap();
        fs::set_permissions(&parent, Permissions::from_mode(0o777)).unwrap();
        assert!(text(&parent).ends_with("can be replaced by other users"));
        fs::set_permissions(&parent, Permissions::from_mode(0o1777)).unwrap();
        own_folder(&parent).unwrap();
        assert!(text(Path::new("tmp")).ends_with("is not an absolute path"));
    }
}
