//! Files that are whole or absent, and folders that are private.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::FileError;

/// The mode of files with state.
pub const PRIVATE_FILE_MODE: u32 = 0o600;
/// The mode of folders with state.
pub const PRIVATE_DIR_MODE: u32 = 0o700;

/// Random bytes as lower-case hexadecimal, two digits a byte.
///
/// # Errors
/// When the system gives no random numbers.
pub fn random_hex(bytes: usize) -> io::Result<String> {
    let mut buffer = vec![0u8; bytes];
    getrandom::fill(&mut buffer).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(buffer.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// When written bytes reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// When the system writes them back: they survive the death of any process, not that of the machine.
    Later,
    /// Before the call returns, with the folder's entry: they survive power loss.
    Now,
}

/// Makes a folder (and its parents) that only the user can enter; one that exists is left as it is.
///
/// # Errors
/// When it cannot be made, or something else stands in its place.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(PRIVATE_DIR_MODE).create(path)?;
    // A strange umask could have taken the user's own bits away.
    fs::set_permissions(path, fs::Permissions::from_mode(PRIVATE_DIR_MODE))
}

/// Makes one folder that only the user can enter. Returns `false` when something has that name, a link included: it is
/// left as it is, and the caller has to look at what it is.
///
/// # Errors
/// When it cannot be made.
pub fn create_private_dir(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(PRIVATE_DIR_MODE).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives what exists the mode of private files, or of private folders if it is one.
///
/// # Errors
/// When it does not exist or is not the user's.
pub fn make_private(path: &Path) -> io::Result<()> {
    let mode = if fs::metadata(path)?.is_dir() { PRIVATE_DIR_MODE } else { PRIVATE_FILE_MODE };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Takes the rights of all others and gives the owner none: a file made read-only stays so.
///
/// # Errors
/// When it does not exist or is not the user's.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))
}

/// The mode of a file, for what replaces it: [`PRIVATE_FILE_MODE`] when there is none.
#[must_use]
pub fn mode_of(path: &Path) -> u32 {
    path.metadata().map_or(PRIVATE_FILE_MODE, |found| found.permissions().mode() & 0o777)
}

/// Writes a file so that readers see the old bytes or the new ones; with [`Flush::Now`] power loss keeps one of both.
/// Several may write it at once: one of them is the last.
///
/// # Errors
/// When the folder cannot be written; the old file is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32, flush: Flush) -> io::Result<()> {
    let temporary = write_beside(path, bytes, mode, flush)?;
    put(&temporary, path, flush).inspect_err(|_| discard(&temporary))
}

/// Moves a complete file to its final name in the same folder, over what has that name, and flushes the folder.
///
/// # Errors
/// What the system said; the file then has its old name, or the folder could not be flushed.
pub fn move_into_place(from: &Path, to: &Path) -> io::Result<()> {
    put(from, to, Flush::Now)
}

fn put(from: &Path, to: &Path, flush: Flush) -> io::Result<()> {
    fs::rename(from, to)?;
    match flush {
        Flush::Now => sync_parent(to),
        Flush::Later => Ok(()),
    }
}

/// Like [`write_atomic`] with [`Flush::Now`], for a file that must not exist yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when it does; else as [`write_atomic`].
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = write_beside(path, bytes, mode, Flush::Now)?;
    // A link, unlike a rename, never replaces what is there.
    let linked = fs::hard_link(&temporary, path).and_then(|()| fs::remove_file(&temporary));
    linked.and_then(|()| sync_parent(path)).inspect_err(|_| discard(&temporary))
}

/// Writes the bytes into a new file in the same folder. On an error it is gone again.
fn write_beside(path: &Path, bytes: &[u8], mode: u32, flush: Flush) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(".");
    // Cut, so that the longest allowed name still leaves room for the suffix.
    hidden.push(name.to_string_lossy().chars().take(40).collect::<String>());
    hidden.push(format!(".{}.tmp", random_hex(6)?));
    let temporary = path.with_file_name(hidden);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
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

/// The first error is the one that matters; a temporary file left behind harms nobody.
fn discard(temporary: &Path) {
    let _ = fs::remove_file(temporary);
}

/// Creates a private file that must not exist and makes it durable; `false` when it exists. On an error it is gone again,
/// as far as the disk lets us.
///
/// # Errors
/// What the system said.
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

/// Creates a private file that must not exist, open for reading and writing.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when it does; else what the system said.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(PRIVATE_FILE_MODE).open(path)
}

/// Opens a private file for writing, without what was in it; makes it when it is absent.
///
/// # Errors
/// What the system said.
pub fn open_truncated(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE_FILE_MODE).open(path)
}

/// Opens a private file for writing behind what is in it; makes it when it is absent.
///
/// # Errors
/// What the system said.
pub fn open_appending(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(PRIVATE_FILE_MODE).open(path)
}

/// Flushes the folder of this path, so that its entries survive power loss.
fn sync_parent(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The running program, even when its file was replaced or removed by an upgrade.
///
/// # Errors
/// What the system said.
pub fn own_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// Whether an open file is the one at this path.
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
    fn what_others_could_read_is_closed_and_a_folder_in_the_way_is_only_reported() {
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
