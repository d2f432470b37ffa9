//! Copying files, links and folders with everything that builders compare: content, mode, modification time.
//! A copy shares nothing with its source: code under test writes into files where they lie.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
use sha2::{Digest, Sha256};

use super::table::{Kind, Seen, Stat};
use crate::remove::delete_folder;
use paddock_os::plain;

/// Copies a file or link to a path where nothing is, with mode and modification time from `stat`. Blocks are
/// shared until written where the file system can do that.
///
/// # Errors
/// Fails with the system's error, and with `InvalidInput` for a folder, pipe, socket or device.
pub(super) fn copy_entry(from: &Path, to: &Path, stat: &Stat) -> io::Result<()> {
    match stat.kind {
        Kind::File => copy_content(from, to)?,
        Kind::Link => symlink(fs::read_link(from)?, to)?,
        Kind::Folder | Kind::Other => return Err(io::ErrorKind::InvalidInput.into()),
    }
    set_facts(to, stat)
}

/// Like [`copy_entry`]; returns the hash of the content, as [`super::table::Seen`] has it.
///
/// # Errors
/// As [`copy_entry`].
pub(super) fn copy_and_hash(from: &Path, to: &Path, stat: &Stat) -> io::Result<[u8; 32]> {
    let files = if stat.kind == Kind::File { start_copy(from, to)? } else { None };
    let Some((mut source, mut target)) = files else {
        if stat.kind != Kind::File {
            copy_entry(from, to, stat)?;
        }
        set_facts(to, stat)?;
        return Ok(Seen::read(from)?.ok_or(io::ErrorKind::NotFound)?.content);
    };
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&buffer[..read]);
                target.write_all(&buffer[..read])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    drop(target);
    set_facts(to, stat)?;
    Ok(hash.finalize().into())
}

/// Gives a path the kind's mode and modification time. Links have no mode of their own.
pub(super) fn set_facts(path: &Path, stat: &Stat) -> io::Result<()> {
    if stat.kind != Kind::Link {
        fs::set_permissions(path, Permissions::from_mode(stat.mode))?;
    }
    set_modified(path, stat.modified_ns)
}

/// Copies the bytes into a new file that nobody else can read yet.
fn copy_content(from: &Path, to: &Path) -> io::Result<()> {
    match start_copy(from, to)? {
        Some((mut source, mut target)) => io::copy(&mut source, &mut target).map(|_| ()),
        None => Ok(()),
    }
}

/// Creates a file that nobody else can read yet. Fails if anything has the name.
fn new_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// Opens both files of a copy. Returns `None` if the copy is already whole: it then shares its blocks with the
/// original until one of them is written.
fn start_copy(from: &Path, to: &Path) -> io::Result<Option<(File, File)>> {
    let (source, target) = (plain::open_itself(from)?, new_file(to)?);
    #[cfg(target_os = "linux")]
    if rustix::fs::ioctl_ficlone(&target, &source).is_ok() {
        return Ok(None);
    }
    #[cfg(target_os = "macos")]
    {
        // The library clones the file where the file system can, and copies it elsewhere.
        drop((source, target));
        fs::copy(from, to)?;
        return Ok(None);
    }
    #[cfg(not(target_os = "macos"))]
    Ok(Some((source, target)))
}

fn set_modified(path: &Path, modified_ns: i128) -> io::Result<()> {
    const SECOND_NS: i128 = 1_000_000_000;
    let seconds = i64::try_from(modified_ns.div_euclid(SECOND_NS)).map_err(io::Error::other)?;
    let nanos = u32::try_from(modified_ns.rem_euclid(SECOND_NS)).map_err(io::Error::other)?;
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: nanos.into() },
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Makes a folder that the user can change, unless one is there. Anything else in its place is deleted.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match Stat::read(path)? {
        Some(stat) if stat.kind == Kind::Folder => return open_up(path, stat.mode, 0o700),
        Some(_) => fs::remove_file(path)?,
        None => {}
    }
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Gives a file or folder the owner's rights in `rights` that its mode lacks.
pub(super) fn open_up(path: &Path, mode: u32, rights: u32) -> io::Result<()> {
    if mode & rights == rights {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode | rights))
}

/// Deletes whatever is at a path, itself and not what a link leads to.
pub(super) fn delete(path: &Path) -> io::Result<()> {
    match Stat::read(path)? {
        None => Ok(()),
        Some(stat) if stat.kind == Kind::Folder => delete_folder(path).map_err(io::Error::other),
        Some(_) => fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_mode_and_time_and_shares_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to, link) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
        fs::write(&from, "one").unwrap();
        fs::set_permissions(&from, Permissions::from_mode(0o555)).unwrap();
        set_modified(&from, 1_234_567_891_000_000_007).unwrap();
        let stat = Stat::read(&from).unwrap().unwrap();
        copy_entry(&from, &to, &stat).unwrap();
        let copied = Stat::read(&to).unwrap().unwrap();
        assert_eq!((copied.mode, copied.modified_ns, copied.size), (0o555, stat.modified_ns, 3));
        assert_ne!(copied.inode, stat.inode);
        fs::set_permissions(&to, Permissions::from_mode(0o755)).unwrap();
        fs::write(&to, "two").unwrap();
        assert_eq!(fs::read_to_string(&from).unwrap(), "one");
        // A time before 1970, and a link to nothing.
        symlink("nowhere", &link).unwrap();
        set_modified(&link, -1).unwrap();
        let stat = Stat::read(&link).unwrap().unwrap();
        let to = folder.path().join("d");
        copy_entry(&link, &to, &stat).unwrap();
        assert_eq!(fs::read_link(&to).unwrap(), Path::new("nowhere"));
        assert_eq!(Stat::read(&to).unwrap().unwrap().modified_ns, -1);
    }

    #[test]
    fn pipes_and_existing_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, to) = (folder.path().join("p"), folder.path().join("to"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let stat = Stat { kind: Kind::File, ..Stat::read(&pipe).unwrap().unwrap() };
        copy_entry(&pipe, &to, &stat).unwrap_err();
        fs::write(&to, "mine").unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "x").unwrap();
        copy_entry(&file, &to, &Stat::read(&file).unwrap().unwrap()).unwrap_err();
        assert_eq!(fs::read_to_string(&to).unwrap(), "mine");
    }
}
