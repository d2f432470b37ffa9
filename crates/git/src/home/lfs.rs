//! Files of git LFS: the place sends those that the project lacks, and the project takes what they are named
//! by.

use std::fs::{self, File};
use std::io::{self, BufRead, Read as _, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::fault::Fault;
use super::frame::{self, Frame, Kind};
use super::limits::CHUNK_BYTES;
use super::pointer::Pointer;
use super::talk::Reported;
use crate::error::GitError;
use crate::program::flush_path;
use crate::repository::Repository;
use paddock_os::files::move_into_place;
use paddock_os::plain;

/// Sends one file of the place, or why it has none. Runs on the place's side.
pub(crate) fn send(git_dir: &Path, wanted: &Pointer, output: &mut dyn Write) -> io::Result<()> {
    let file = match open(&wanted.file_below(git_dir), wanted.size) {
        Ok(file) => file,
        Err(reason) => {
            return frame::write(output, Kind::Left, &Reported { path: String::new(), reason }, &[]);
        }
    };
    frame::begin(output, Kind::Lfs, &(), wanted.size)?;
    let mut sent = 0;
    let mut file = file.take(wanted.size);
    let mut piece = vec![0; CHUNK_BYTES];
    while sent < wanted.size {
        // A file that has become shorter is filled up: what arrives is not what its name says.
        let read = file.read(&mut piece).unwrap_or(0);
        let rest = usize::try_from(wanted.size - sent).unwrap_or(usize::MAX);
        let count = if read > 0 { read } else { rest.min(piece.len()) };
        output.write_all(piece.get(..count).unwrap_or_default())?;
        sent += u64::try_from(count).unwrap_or(u64::MAX);
    }
    Ok(())
}

fn open(path: &Path, size: u64) -> Result<File, String> {
    let missing = "is not in .git/lfs of the folder";
    let file = plain::open_itself(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => missing.to_owned(),
        _ => format!("cannot be read in .git/lfs of the folder ({error})"),
    })?;
    match file.metadata().map(|facts| facts.len()) {
        Ok(found) if found == size => Ok(file),
        Ok(found) => Err(format!("has {found} bytes in .git/lfs of the folder instead of {size}")),
        Err(error) => Err(format!("cannot be read in .git/lfs of the folder ({error})")),
    }
}

/// The files of git LFS that a project has.
pub(crate) struct LfsStore<'a> {
    repository: &'a Repository,
    /// Where a file waits until it is whole and what its name says.
    waiting: PathBuf,
}

impl<'a> LfsStore<'a> {
    /// Returns the store, for what comes from the place of this name.
    pub(crate) fn new(repository: &'a Repository, name: &str) -> Self {
        // Beside the files, where git LFS has its own half-made ones: a user may have linked the store to another
        // disk.
        let folder = repository.common_dir().join("lfs/tmp");
        Self { repository, waiting: folder.join(format!("paddock-{name}")) }
    }

    /// Returns whether the project has the file.
    pub(crate) fn has(&self, file: &Pointer) -> bool {
        let path = file.file_below(self.repository.common_dir());
        fs::symlink_metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() == file.size)
    }

    /// Takes the body of a frame as the content of a file. The inner error says what is wrong with it.
    pub(crate) fn take(
        &self,
        input: &mut dyn BufRead,
        frame: &Frame,
        wanted: &Pointer,
    ) -> Result<Result<(), String>, Fault> {
        if frame.length != wanted.size {
            return Err(Fault::Pipe(frame::malformed("a file of git LFS with another size")));
        }
        let ours = |error: io::Error| Fault::Project(GitError::io(&self.waiting)(error));
        if let Some(folder) = self.waiting.parent() {
            fs::create_dir_all(folder).map_err(ours)?;
        }
        // One that a crash left.
        self.discard().map_err(ours)?;
        let file = File::options().write(true).create_new(true).open(&self.waiting).map_err(ours)?;
        let mut to = Hashing { file, hash: Sha256::new(), failed: None };
        let copied = frame::copy_body(input, frame, wanted.size, &mut to);
        let Hashing { hash, failed, .. } = to;
        if let Some(error) = failed {
            drop(self.discard());
            return Err(ours(error));
        }
        copied.map_err(Fault::Pipe)?;
        if <[u8; 32]>::from(hash.finalize()) != wanted.sha256 {
            self.discard().map_err(ours)?;
            return Ok(Err("is something else than its name says in .git/lfs of the folder".to_owned()));
        }
        self.release(wanted)?;
        Ok(Ok(()))
    }

    /// Moves the waiting file to where git LFS looks for it, flushed.
    fn release(&self, file: &Pointer) -> Result<(), GitError> {
        flush_path(&self.waiting)?;
        let target = file.file_below(self.repository.common_dir());
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(GitError::io(folder))?;
        }
        move_into_place(&self.waiting, &target).map_err(GitError::io(&target))
    }

    fn discard(&self) -> io::Result<()> {
        match fs::remove_file(&self.waiting) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Hashes what is written, and tells an error of the file from one of the pipe.
struct Hashing {
    file: File,
    hash: Sha256,
    failed: Option<io::Error>,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.file.write(bytes) {
            Ok(count) => {
                self.hash.update(bytes.get(..count).unwrap_or(bytes));
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let same = io::Error::from(error.kind());
                self.failed = Some(error);
                Err(same)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
