//! Reading a file of any size out of the repository in bounded memory.
//!
//! libgit2 holds an object whole, and streams none that is packed. A large file is therefore read from the
//! git program, one process for each: its start is cheap beside the megabytes that it reads.

use std::io::{self, Cursor, Read};
use std::process::{Child, ChildStdout};
use std::time::Duration;

use git2::{ErrorCode, ObjectType, Oid};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::bounded::{reap, signal};
use super::error::GitError;
use super::objects::blob_within;
use super::program::Call;
use super::repository::Repository;

/// Size up to which a file is held in memory, in bytes.
const HELD_MAX: usize = 8 << 20;
/// Longest silence of the program before it counts as hanging. It prepares a file that is packed as a
/// difference before it writes the first byte.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// A file of the repository.
pub(crate) struct BlobFile<'r> {
    repository: &'r Repository,
    library: &'r git2::Repository,
    id: Oid,
    /// Size, in bytes.
    pub bytes: u64,
}

impl<'r> BlobFile<'r> {
    /// Finds a file without reading it. Returns `None` if the object is missing or is no file.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub(crate) fn find(
        repository: &'r Repository,
        library: &'r git2::Repository,
        id: Oid,
    ) -> Result<Option<Self>, GitError> {
        match library.odb()?.read_header(id) {
            Ok((bytes, ObjectType::Blob)) => Ok(Some(Self { repository, library, id, bytes: bytes as u64 })),
            Ok(_) => Ok(None),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the file.
    ///
    /// # Errors
    /// Fails if the repository cannot be read, or if the git program cannot be started.
    pub(crate) fn open(&self) -> Result<Box<dyn Read>, GitError> {
        if self.bytes <= HELD_MAX as u64 {
            let blob = blob_within(self.library, self.id, HELD_MAX);
            let gone = || GitError::Unexpected(format!("the object {} is gone", self.id));
            return Ok(Box::new(Cursor::new(blob.ok_or_else(gone)?.content().to_vec())));
        }
        // With this size git writes an object out as it reads it, unless it is packed as a difference.
        let call = Call::new(self.repository).setting("core.bigFileThreshold", "1m");
        let mut child = call.args(["cat-file", "blob", &self.id.to_string()]).start()?;
        let output = child.stdout.take();
        Ok(Box::new(BlobStream {
            child: Some(child),
            output,
            bytes_left: self.bytes,
            silence_max: SILENCE_MAX,
        }))
    }
}

/// The output of the git program. Dropping it ends the program.
struct BlobStream {
    child: Option<Child>,
    output: Option<ChildStdout>,
    /// Bytes that are still to come.
    bytes_left: u64,
    silence_max: Duration,
}

impl Read for BlobStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(output) = &mut self.output else { return Ok(0) };
        if !buffer.is_empty() && !is_ready(output, self.silence_max)? {
            let minutes = self.silence_max.as_secs() / 60;
            let text = format!("git wrote nothing of a large file for {minutes} minutes and was stopped");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        let count = output.read(buffer)?;
        self.bytes_left = self.bytes_left.saturating_sub(count as u64);
        // A file that ends early is one that git could not read: it must not count as searched.
        if count == 0 && !buffer.is_empty() && self.bytes_left > 0 {
            let text = format!("git ended {} bytes before the end of a large file", self.bytes_left);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        Ok(count)
    }
}

impl Drop for BlobStream {
    fn drop(&mut self) {
        let Some(child) = self.child.take() else { return };
        signal(&child, Signal::KILL);
        drop(self.output.take());
        reap(child);
    }
}

/// Waits until the output has bytes or has ended. Returns `false` after `limit`.
fn is_ready(output: &ChildStdout, limit: Duration) -> io::Result<bool> {
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    loop {
        let mut waiting = [PollFd::new(output, PollFlags::IN)];
        match poll(&mut waiting, Some(&limit)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    fn stream(script: &str, silence_max: Duration) -> BlobStream {
        let mut command = Command::new("sh");
        command.args(["-c", script]).process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = child.stdout.take();
        BlobStream { child: Some(child), output, bytes_left: 10, silence_max }
    }

    #[test]
    fn a_file_that_ends_early_or_never_is_an_error() {
        let mut read = Vec::new();
        let ended = stream("printf abc", Duration::from_secs(60)).read_to_end(&mut read).unwrap_err();
        assert_eq!((ended.kind(), read.as_slice()), (io::ErrorKind::UnexpectedEof, &b"abc"[..]));
        let silent = stream("sleep 600", Duration::from_millis(20)).read_to_end(&mut read).unwrap_err();
        assert_eq!(silent.kind(), io::ErrorKind::TimedOut);
    }
}
