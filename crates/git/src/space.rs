//! Whether a failure means that a disk is full.
//!
//! git says so in words only where the system's error reaches its message. A checkout that cannot write a file
//! says `unable to write file NAME` and no more, and `git worktree add` then removes what it has written: when
//! the failure is read, the disk has space again. So the size of the commit is compared with what is free.

use std::error::Error;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::error::GitError;
use super::repository::Repository;
use paddock_os::files::{create_private, random_hex};

/// Bytes that a file takes at least: file systems give space in blocks.
const BLOCK_BYTES: u64 = 4096;
/// Most bytes that are written to find out whether a disk or a quota takes them.
const PROBE_BYTES_MAX: u64 = 16 << 20;

/// Returns whether a program's output holds the system's message for a full disk or a spent quota.
#[must_use]
pub fn says_disk_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

/// Returns whether an error of the system means a full disk or a spent quota.
#[must_use]
pub fn is_out_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

impl GitError {
    /// Returns whether the cause is a full disk or a spent quota.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        if matches!(self, Self::NoSpace { .. }) {
            return true;
        }
        let mut cause: Option<&dyn Error> = Some(self);
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(is_out_of_space) {
                return true;
            }
            cause = error.source();
        }
        // The git program and libgit2 pass on the system's message, but not its error code.
        says_disk_full(&self.to_string())
    }
}

/// What a checkout of a commit takes on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    bytes: u64,
    files: u64,
}

/// Returns the error of a checkout of `commit` to `folder`, as [`GitError::NoSpace`] if the cause is that the
/// disk takes no more.
pub(super) fn checkout_error(
    repository: &Repository,
    folder: &Path,
    commit: &str,
    error: GitError,
) -> GitError {
    let could_not_write = match &error {
        GitError::Program { stderr, .. } => stderr.to_lowercase().contains("unable to write"),
        _ => false,
    };
    // A folder that git has removed again is on the disk of its nearest parent.
    let Some(place) = folder.ancestors().find(|path| path.is_dir()).filter(|_| could_not_write) else {
        return error;
    };
    match size_of(repository, commit) {
        Ok(size) if lacks(place, size) => {
            GitError::NoSpace { folder: folder.to_owned(), needed_bytes: size.bytes, said: error.to_string() }
        }
        Ok(_) | Err(_) => error,
    }
}

/// Returns what the files of a commit take, without what filters add.
fn size_of(repository: &Repository, commit: &str) -> Result<Size, GitError> {
    let library = repository.library()?;
    let (tree, objects) = (library.revparse_single(commit)?.peel_to_tree()?, library.odb()?);
    let mut size = Size { bytes: 0, files: 0 };
    tree.walk(git2::TreeWalkMode::PreOrder, |_, entry| {
        let bytes = match entry.kind() {
            Some(git2::ObjectType::Blob) => objects.read_header(entry.id()).map_or(0, |(bytes, _)| bytes),
            _ => 0,
        };
        size.bytes += u64::try_from(bytes).unwrap_or(u64::MAX).max(1).next_multiple_of(BLOCK_BYTES);
        size.files += 1;
        git2::TreeWalkResult::Ok
    })?;
    Ok(size)
}

/// Returns whether a disk has no space for a checkout.
fn lacks(folder: &Path, size: Size) -> bool {
    let is_short = rustix::fs::statvfs(folder).is_ok_and(|stat| {
        // File systems that make inodes as they need them report a total of 0.
        let lacks_inodes = stat.f_files > 0 && stat.f_favail <= size.files;
        lacks_inodes || stat.f_bavail.saturating_mul(stat.f_frsize) <= size.bytes
    });
    // A spent quota shows only when something is written.
    is_short || probe(folder, size.bytes.min(PROBE_BYTES_MAX)).is_err_and(|error| is_out_of_space(&error))
}

/// Writes bytes to a file in the folder and removes it.
fn probe(folder: &Path, bytes: u64) -> io::Result<()> {
    let path = folder.join(format!(".paddock-space-{}", random_hex(6)?));
    let written = create_private(&path).and_then(|mut file| fill(&mut file, bytes));
    // An error leaves an empty name at worst.
    let _ = std::fs::remove_file(&path);
    written
}

fn fill(file: &mut File, bytes: u64) -> io::Result<()> {
    let block = [0; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        file.write_all(&block[..count])?;
        left -= u64::try_from(count).unwrap_or(left);
    }
    // Some file systems find out only when they write back.
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn an_error_knows_whether_space_was_missing_wherever_it_came_from() {
        let io_at = |kind: ErrorKind| GitError::Io { path: PathBuf::from("/x"), source: kind.into() };
        let of_git = |stderr: &str| GitError::Program {
            command: "add".to_owned(),
            status: "exit status: 128".to_owned(),
            stderr: stderr.to_owned(),
        };
        assert!(
            io_at(ErrorKind::QuotaExceeded).is_disk_full() && io_at(ErrorKind::StorageFull).is_disk_full()
        );
        assert!(
            of_git("fatal: sha1 file: write error. Out of diskspace: No space left on device").is_disk_full()
        );
        assert!(!of_git("fatal: bad object").is_disk_full() && !io_at(ErrorKind::NotFound).is_disk_full());
        assert!(
            GitError::Library(git2::Error::from_str("could not write: No space left on device"))
                .is_disk_full()
        );
    }
}
