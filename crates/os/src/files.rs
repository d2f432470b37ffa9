//! Files that are written completely or not at all, and files and folders that are closed to other users.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::FileError;

/// Mode of files that hold state.
pub const PRIVATE_FILE_MODE: u32 = 0o600;
/// Mode of folders that hold state.
pub const PRIVATE_DIR_MODE: u32 = 0o700;

/// Returns random bytes in lower-case hexadecimal, two digits a byte.
///
/// # Errors
/// Fails if the system gives no random numbers.
pub fn random_hex(bytes: usize) -> io::Result<String> {
    let mut buffer = vec![0u8; bytes];
    getrandom::fill(&mut buffer).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(buffer.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// When written bytes reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// Whenever the system writes them back. They survive the death of any process, but no power loss.
    Later,
    /// Before the call returns, together with the folder's entry. They survive a power loss.
    Now,
}

/// Makes a folder, and its missing parents, that only the user can enter. Leaves an existing folder as it is.
///
/// # Errors
/// Fails if the folder cannot be made, or if something else has its name.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(PRIVATE_DIR_MODE).create(path)?;
    // The umask applies to `create`, and a strange one removes the user's own bits as well.
    fs::set_permissions(path, fs::Permissions::from_mode(PRIVATE_DIR_MODE))
}

/// Makes one folder that only the user can enter. Returns `false` if anything has that name already, a link
/// included. The caller then has to check what it is.
///
/// # Errors
/// Fails if the folder cannot be made.
pub fn create_private_dir(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(PRIVATE_DIR_MODE).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a file or a folder the mode of private files or folders.
///
/// # Errors
/// Fails if it does not exist or does not belong to the user.
pub fn make_private(path: &Path) -> io::Result<()> {
    let mode = if fs::metadata(path)?.is_dir() { PRIVATE_DIR_MODE } else { PRIVATE_FILE_MODE };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Removes the rights of all other users and leaves the owner's as they are: a read-only file stays
/// read-only.
///
/// # Errors
/// Fails if the file does not exist or does not belong to the user.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))
}

/// Returns the mode of a file, for the file that will replace it; [`PRIVATE_FILE_MODE`] if there is no such
/// file.
#[must_use]
pub fn mode_of(path: &Path) -> u32 {
    path.metadata().map_or(PRIVATE_FILE_MODE, |found| found.permissions().mode() & 0o777)
}

/// Writes a file atomically: readers see the old bytes or the new ones, and with [`Flush::Now`] so does the
/// next boot after a power loss. Of several concurrent writers the last one wins.
///
/// # Errors
/// Fails if the folder cannot be written. The old file is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32, flush: Flush) -> io::Result<()> {
    let temporary = write_beside(path, bytes, mode, flush)?;
    put(&temporary, path, flush).inspect_err(|_| discard(&temporary))
}

/// Moves a complete file to its final name in the same folder, replacing a file of that name, and flushes the
/// folder.
///
/// # Errors
/// Fails if the file cannot be moved, or if the folder cannot be flushed after the move.
pub fn move_into_place(from: &Path, to: &Path) -> io::Result<()> {
    put(from, to, Flush::Now)
}

/// Renames the file, and flushes the folder if asked to.
fn put(from: &Path, to: &Path, flush: Flush) -> io::Result<()> {
    fs::rename(from, to)?;
    // The new name is an entry of the folder: without flushing the folder, a power loss may bring the old
    // entry back.
    match flush {
        Flush::Now => sync_parent(to),
        Flush::Later => Ok(()),
    }
}

/// Like [`write_atomic`] with [`Flush::Now`], for a file that must not exist yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if the file exists; otherwise as [`write_atomic`].
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = write_beside(path, bytes, mode, Flush::Now)?;
    // A hard link fails if the name exists. A rename would replace the file.
    let linked = fs::hard_link(&temporary, path).and_then(|()| fs::remove_file(&temporary));
    linked.and_then(|()| sync_parent(path)).inspect_err(|_| discard(&temporary))
}

/// Writes the bytes to a new hidden file in the same folder and returns its path. Removes the file on an
/// error.
fn write_beside(path: &Path, bytes: &[u8], mode: u32, flush: Flush) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(".");
    // Cut, since a name of the longest allowed length has no space for the suffix.
    hidden.push(name.to_string_lossy().chars().take(40).collect::<String>());
    hidden.push(format!(".{}.tmp", random_hex(6)?));
    let temporary = path.with_file_name(hidden);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    // The bytes are flushed before the rename. In the other order a power loss could leave the new name with
    // an empty file.
    let written = file
        .write_all(bytes)
        .and_then(|()| file.set_permissions(fs::Permissions::from_mode(mode)))
        .and_then(|()| if flush == Flush::Now { file.sync_all() } else { Ok(()) });
    match written {
        Ok(()) => Ok(temporary),
        Err(error) => {
            discard(&temporary);
            Err(error)
        }
    }
}

/// Removes a temporary file after an error.
fn discard(temporary: &Path) {
    // Ignored: the first error is the one to report, and a temporary file that stays does no harm.
    let _ = fs::remove_file(temporary);
}

/// Creates a private file that must not exist, writes the bytes, and flushes file and folder. Returns `false`
/// if the file exists.
///
/// Unlike [`write_new`], which needs a second name, this can show readers a part of the bytes. It is for
/// files whose mere existence decides something.
///
/// # Errors
/// Fails if the file cannot be created or written. The file is then removed again, as far as the disk allows.
pub fn create(path: &Path, bytes: &[u8]) -> Result<bool, FileError> {
    let mut file = match create_private(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(FileError::at("create", path)(error)),
    };
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_parent(path));
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written.map(|()| true).map_err(FileError::at("write", path))
}

/// Creates a private file that must not exist, and opens it for reading and writing.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if the file exists; otherwise the system's error.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(PRIVATE_FILE_MODE).open(path)
}

/// Opens a private file for writing and empties it. Creates a missing one.
///
/// # Errors
/// Fails with the system's error if the file cannot be opened.
pub fn open_truncated(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE_FILE_MODE).open(path)
}

/// Opens a private file for appending. Creates a missing one.
///
/// # Errors
/// Fails with the system's error if the file cannot be opened.
pub fn open_appending(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(PRIVATE_FILE_MODE).open(path)
}

/// Flushes the folder of this path, so that its entries survive a power loss.
fn sync_parent(path: &Path) -> io::Result<()> {
    // The parent of a bare file name is an empty path, which cannot be opened.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Returns a path that starts the running program, even if an upgrade has replaced or removed its file (Linux
/// only).
///
/// # Errors
/// Fails if the system does not say which program runs.
pub fn own_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// Returns whether an open file is the one at this path: the path may have been given to another file since.
#[must_use]
pub fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    open.dev() == named.dev() && open.ino() == named.ino()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atomic_write_replaces_and_a_new_one_never_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        write_new(&path, b"one", 0o600).unwrap();
        assert_eq!(write_new(&path, b"two", 0o600).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        for (flush, text) in [(Flush::Now, "three"), (Flush::Later, "four")] {
            write_atomic(&path, text.as_bytes(), 0o600, flush).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_private_folder_is_made_with_its_parents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        make_private_dir(&path).unwrap();
        make_private_dir(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "").unwrap();
        assert!(write_atomic(&path, b"new", 0o600, Flush::Later).is_err(), "a folder is in the way");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn readable_files_are_closed_to_others_and_a_folder_in_the_way_is_only_reported() {
        let folder = tempfile::tempdir().unwrap();
        let (file, dir) = (folder.path().join("f"), folder.path().join("d"));
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        close_to_others(&file).unwrap();
        assert_eq!(mode_of(&file), 0o400);
        make_private(&file).unwrap();
        assert_eq!(mode_of(&file), 0o600);
        assert!(create_private_dir(&dir).unwrap());
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!create_private_dir(&dir).unwrap());
        assert_eq!(mode_of(&dir), 0o755);
        make_private(&dir).unwrap();
        assert_eq!(mode_of(&dir), 0o700);
    }
}
