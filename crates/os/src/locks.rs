//! File locks. The kernel releases them however their holder dies, so a held lock proves that its holder
//! lives.
//!
//! All locks here are `flock` locks: they belong to the open file and not to the process. A child that
//! inherits the file shares the lock. That is how a keeper is born holding its locks, and it is also why a
//! lock is released by unlocking and not just by closing: a child that another thread is just starting has a
//! copy of the file until its `exec`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::error::FileError;
use super::files::{PRIVATE_FILE_MODE, is_at};

/// Opens a lock file, and creates a missing one.
///
/// # Errors
/// Fails if the file cannot be opened.
pub fn open_lock(path: &Path) -> Result<File, FileError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE_FILE_MODE)
        .open(path)
        .map_err(FileError::at("open the lock", path))
}

/// Takes a lock without waiting. Returns `false` if it is held.
///
/// # Errors
/// Fails if the file cannot be locked, on some network file systems for one.
pub fn try_lock(file: &File, path: &Path) -> Result<bool, FileError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(FileError::at("lock", path)(error)),
    }
}

/// A held lock, which is free as soon as the value is dropped.
#[derive(Debug)]
pub struct HeldLock(Option<File>);

impl HeldLock {
    /// Takes a lock without waiting, and creates a missing file. Returns `None` if the lock is held.
    ///
    /// # Errors
    /// Fails if the file cannot be opened or locked.
    pub fn take(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open_lock(path)?;
        Ok(try_lock(&file, path)?.then_some(Self(Some(file))))
    }

    /// Waits for a lock and takes it.
    ///
    /// # Errors
    /// Fails if the file cannot be opened or locked.
    pub fn wait_for(path: &Path) -> Result<Self, FileError> {
        let file = open_lock(path)?;
        file.lock().map_err(FileError::at("lock", path))?;
        Ok(Self(Some(file)))
    }

    /// Returns the file as a standard stream for a child, which then holds the lock.
    #[must_use]
    pub fn into_stdio(mut self) -> Stdio {
        // Taken out, so that dropping `self` does not unlock it.
        self.0.take().map_or_else(Stdio::null, Stdio::from)
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        // An error is harmless: closing the file releases the lock a little later.
        let _ = self.0.take().map(|file| file.unlock());
    }
}

/// A lock whose file holds a text about its holder. Released when dropped, or when the process ends in any
/// way.
///
/// The lock alone decides. The text is for people, and means nothing while the lock is free.
#[derive(Debug)]
pub struct TextLock(File);

/// Number of attempts to take a lock that is held. [`TextLock::text_of_holder`] holds it for an instant.
const ATTEMPTS: u32 = 20;
/// Pause between two attempts.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(5);
/// How long to wait for a lock whose holder has ended. The holder may have been killed and not be dead yet,
/// or its child may be between fork and `exec` with a copy of the file, which takes a while on a busy
/// machine.
const GONE_PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes read of the text, which is a few lines. Another program may have written anything to the file.
const TEXT_MAX_BYTES: u64 = 16 * 1024;

/// The lock is held by another process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Held {
    /// The text that the holder wrote to the file.
    pub text: String,
}

impl TextLock {
    /// Takes the lock and writes the text, or returns the holder's text. `is_gone` says whether the process
    /// that a text names has certainly ended; the lock is then waited for.
    ///
    /// # Errors
    /// Fails if the file cannot be opened, locked or written, or if a symbolic link is in its place.
    pub fn take(path: &Path, text: &str, is_gone: impl Fn(&str) -> bool) -> io::Result<Result<Self, Held>> {
        let mut file = open(path, true)?;
        let begun = Instant::now();
        let mut left = ATTEMPTS;
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::WouldBlock if left == 0 => {
                    // Read anew in each round: the holder may change while this waits.
                    let found = read_text(&mut file)?;
                    if begun.elapsed() >= GONE_PATIENCE || !is_gone(&found) {
                        return Ok(Err(Held { text: found }));
                    }
                }
                TryLockError::WouldBlock => left -= 1,
                TryLockError::Error(error) => return Err(error),
            }
            std::thread::sleep(ATTEMPT_PAUSE);
        }
        // The text of a holder that was killed is still there, and may be longer than this one.
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        Ok(Ok(Self(file)))
    }

    /// Returns the holder's text; `None` if the lock is free.
    ///
    /// # Errors
    /// Fails if the file cannot be read.
    pub fn text_of_holder(path: &Path) -> io::Result<Option<String>> {
        let mut file = match open(path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // The only question that the system answers is "can I have it". Shared, so that two readers do not
        // take each other for the holder.
        match file.try_lock_shared() {
            Ok(()) => file.unlock().map(|()| None),
            Err(TryLockError::WouldBlock) => read_text(&mut file).map(Some),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl TextLock {
    /// Returns whether the lock's file is still the one at this path. Another process could lock a file that
    /// took its place.
    #[must_use]
    pub fn is_at(&self, path: &Path) -> bool {
        is_at(&self.0, path)
    }
}

/// A lock whose file holds a record, and which several processes can hold together once its first holder has
/// shared it.
///
/// Unlike the text of a [`TextLock`], the record stays when the lock is released without an end to it: the
/// next process that takes the lock learns who held it last.
#[derive(Debug)]
pub struct SharedLock(File);

impl SharedLock {
    /// Takes the lock for this process alone, and creates a missing file. Returns `None` if anybody holds it.
    ///
    /// # Errors
    /// Fails if the file cannot be opened or locked.
    pub fn take(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open(path, true).map_err(FileError::at("open the lock", path))?;
        Ok(try_lock(&file, path)?.then_some(Self(file)))
    }

    /// Holds the lock together with those who share it. Returns `None` if a process holds it alone.
    ///
    /// # Errors
    /// Fails if the file does not exist, or cannot be opened or locked.
    pub fn join(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open_existing(path).map_err(FileError::at("open the lock", path))?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(FileError::at("lock", path)(error)),
        }
    }

    /// Lets other processes join. For an instant nobody holds the lock; returns `false` if another process has
    /// taken it then.
    ///
    /// # Errors
    /// Fails if the file cannot be locked.
    pub fn share(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.0, rustix::fs::FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the record.
    ///
    /// # Errors
    /// Fails if the file cannot be read.
    pub fn record(&self) -> io::Result<String> {
        let mut file = &self.0;
        file.rewind()?;
        let mut bytes = Vec::new();
        file.take(TEXT_MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns the record of a lock that others hold; an empty one if it cannot be read.
    #[must_use]
    pub fn record_of_others(path: &Path) -> String {
        open(path, false).and_then(|mut file| read_text(&mut file)).unwrap_or_default()
    }

    /// Replaces the record.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn write_record(&self, text: &str) -> io::Result<()> {
        let mut file = &self.0;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())
    }
}

impl Drop for SharedLock {
    fn drop(&mut self) {
        // Unlocked and not only closed: see the module's docs.
        let _ = self.0.unlock();
    }
}

/// A lock on a folder itself. It cannot be deleted without the folder, unlike the file of a lock in it.
///
/// Some file systems, network ones for a start, cannot lock a folder: there the value holds nothing but the
/// identity of the folder.
#[derive(Debug)]
pub struct FolderLock(File);

impl FolderLock {
    /// Takes the lock. Returns `None` if another process holds it.
    ///
    /// # Errors
    /// Fails if the folder cannot be opened.
    pub fn take(folder: &Path) -> io::Result<Option<Self>> {
        let file = open_folder(folder)?;
        for _ in 0..ATTEMPTS {
            match file.try_lock() {
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(Some(Self(file))),
                // Another process that asks who holds it holds it for an instant.
                Err(TryLockError::WouldBlock) => std::thread::sleep(ATTEMPT_PAUSE),
            }
        }
        Ok(None)
    }

    /// Returns whether another process holds the lock. A folder that cannot be opened or locked counts as
    /// free.
    #[must_use]
    pub fn is_held(folder: &Path) -> bool {
        let Ok(file) = open_folder(folder) else { return false };
        match file.try_lock_shared() {
            Ok(()) => file.unlock().is_err(),
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => false,
        }
    }

    /// Returns whether the folder is still the one at this path.
    #[must_use]
    pub fn is_at(&self, folder: &Path) -> bool {
        is_at(&self.0, folder)
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Unlocked and not only closed: see the module's docs.
        let _ = self.0.unlock();
    }
}

/// Opens a folder, to lock it.
fn open_folder(folder: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::DIRECTORY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(flags).open(folder)
}

impl Drop for TextLock {
    fn drop(&mut self) {
        // The text goes first, while the lock is still held: afterwards it may be the next holder's. An error
        // is harmless, since text without a lock means nothing.
        let _ = self.0.set_len(0);
        // Unlocked and not only closed: see the module's docs.
        let _ = self.0.unlock();
    }
}

/// Opens the lock file; creates a missing one if it is opened for writing.
fn open(path: &Path, write: bool) -> io::Result<File> {
    // The claim is inside a repository, where agents write. A symbolic link there must not lead the text
    // elsewhere, and a named pipe must not make the opening hang.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(write).create(write).mode(PRIVATE_FILE_MODE);
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default()).open(path)
}

/// Opens a lock file that exists.
fn open_existing(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
}

/// Reads the text in the file.
fn read_text(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(TEXT_MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_free_at_once_although_a_program_that_is_just_starting_has_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.lock");
        let held = HeldLock::take(&path).unwrap().unwrap();
        let copy = held.0.as_ref().unwrap().try_clone().unwrap();
        assert!(HeldLock::take(&path).unwrap().is_none());
        drop(held);
        assert!(HeldLock::take(&path).unwrap().is_some());
        drop(copy);
    }

    #[test]
    fn a_shared_lock_is_held_by_all_who_joined_and_keeps_its_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared.lock");
        assert!(SharedLock::join(&path).is_err(), "joining makes no file");
        let first = SharedLock::take(&path).unwrap().unwrap();
        first.write_record("a longer record").unwrap();
        first.write_record("a record").unwrap();
        assert!(SharedLock::join(&path).unwrap().is_none());
        assert!(first.share().unwrap());
        let second = SharedLock::join(&path).unwrap().unwrap();
        assert_eq!(second.record().unwrap(), "a record");
        drop(first);
        assert!(SharedLock::take(&path).unwrap().is_none());
        assert_eq!(SharedLock::record_of_others(&path), "a record");
        drop(second);
        assert_eq!(SharedLock::take(&path).unwrap().unwrap().record().unwrap(), "a record");
    }
}
