//! Locks on files: the kernel releases them however their holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::error::FileError;
use super::files::PRIVATE_FILE_MODE;

/// Opens a lock file, making it where it is missing.
///
/// # Errors
/// What the system said.
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

/// Takes a lock without waiting; `false` when another holds it.
///
/// # Errors
/// What the system said.
pub fn try_lock(file: &File, path: &Path) -> Result<bool, FileError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(FileError::at("lock", path)(error)),
    }
}

/// A lock that somebody else gets as soon as this is dropped. Closing the file alone would keep it for as long as a
/// program that another thread is just starting has a copy of it.
#[derive(Debug)]
pub struct HeldLock(Option<File>);

impl HeldLock {
    /// Takes a lock without waiting, making its file where it is missing; `None` when another holds it.
    ///
    /// # Errors
    /// What the system said.
    pub fn take(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open_lock(path)?;
        Ok(try_lock(&file, path)?.then_some(Self(Some(file))))
    }

    /// Waits until nobody holds the lock.
    ///
    /// # Errors
    /// What the system said.
    pub fn wait_for(path: &Path) -> Result<Self, FileError> {
        let file = open_lock(path)?;
        file.lock().map_err(FileError::at("lock", path))?;
        Ok(Self(Some(file)))
    }

    /// The file, to be handed to a program that goes on holding the lock.
    #[must_use]
    pub fn into_stdio(mut self) -> Stdio {
        self.0.take().map_or_else(Stdio::null, Stdio::from)
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked by closing it.
        let _ = self.0.take().map(|file| file.unlock());
    }
}

/// A lock whose file holds a text about its holder. The lock decides; the text is for people, and stale text with a free
/// lock means nothing. Given up when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct TextLock(File);

/// A reader that asks whether the text is stale holds the lock for an instant; that long is waited.
const ATTEMPTS: u32 = 20;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(5);
/// A holder that was killed may be dying still, or a child of one that is gone may be between its fork and its
/// program, holding the file for as long as that takes on a busy machine: so long is waited for it.
const GONE_PATIENCE: Duration = Duration::from_secs(5);
/// The text is a few lines; what else stands there is not read without end.
const TEXT_MAX_BYTES: u64 = 16 * 1024;

/// Somebody else holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Held {
    /// What the holder wrote into the file.
    pub text: String,
}

impl TextLock {
    /// Takes the lock and writes the text, or returns who holds it. `is_gone` says whether the process
    /// that a text names has certainly ended: then the lock is waited for.
    ///
    /// # Errors
    /// What the system said; a symbolic link in place of the file is an error.
    pub fn take(path: &Path, text: &str, is_gone: impl Fn(&str) -> bool) -> io::Result<Result<Self, Held>> {
        let mut file = open(path, true)?;
        let begun = Instant::now();
        let mut left = ATTEMPTS;
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::WouldBlock if left == 0 => {
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
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        Ok(Ok(Self(file)))
    }

    /// The text of the holder, without taking the lock; none when the lock is free.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn text_of_holder(path: &Path) -> io::Result<Option<String>> {
        let mut file = match open(path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            // Not left to closing: a program that another thread is just starting may have a copy of the file.
            Ok(()) => file.unlock().map(|()| None),
            Err(TryLockError::WouldBlock) => read_text(&mut file).map(Some),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for TextLock {
    fn drop(&mut self) {
        // Only courtesy: text that stays is stale, and the lock says so.
        let _ = self.0.set_len(0);
        // Closing alone would keep the lock while a program that another thread is just starting has a copy of it.
        let _ = self.0.unlock();
    }
}

fn open(path: &Path, write: bool) -> io::Result<File> {
    // No following of links: what an agent put there must not make us write elsewhere.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(write).create(write).mode(PRIVATE_FILE_MODE);
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default()).open(path)
}

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
}
