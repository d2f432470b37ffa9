//! Reading and writing files below a folder that somebody else can write to: no link is ever followed, so that
//! nothing outside of the folder is read or changed.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};

use crate::files::random_hex;

/// A folder below which files are read and written.
#[derive(Debug)]
pub struct Beneath {
    folder: OwnedFd,
    path: PathBuf,
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Beneath {
    /// Opens a folder. The last part of its path must be no link.
    ///
    /// # Errors
    /// Fails if there is no folder.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let opened = rustix::fs::openat(CWD, folder, FOLDER, Mode::empty())?;
        Ok(Self { folder: opened, path: folder.to_owned() })
    }

    /// Returns the path that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a file hold these bytes, atomically. Folders that are missing are made; a link, a file or a pipe
    /// in the place of a folder is removed first. The file is not flushed.
    ///
    /// # Errors
    /// The system's error: a folder stands in the file's place, for one.
    pub fn write(&self, name: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        let (folder, last) = self.parent(name, true)?;
        // In the top folder, where nobody takes what a crash leaves for one of the files below.
        let (top, temporary) = (&self.folder, format!(".paddock-{}", random_hex(8)?));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // The mode has few bits, and each is one that the system knows.
        let mode = Mode::from_bits_truncate(mode);
        let file = rustix::fs::openat(top, &*temporary, flags, mode)?;
        let mut file = File::from(file);
        let written = file.write_all(bytes);
        let moved = written.and_then(|()| Ok(rustix::fs::renameat(top, &*temporary, &folder, last)?));
        if moved.is_err() {
            // What stays of it is a file of no meaning.
            let _ = rustix::fs::unlinkat(top, &*temporary, AtFlags::empty());
        }
        moved
    }

    /// Reads a file of at most `bytes_max` bytes. `None` if nothing is there, or something else than a file, or
    /// a larger one. Never waits.
    ///
    /// # Errors
    /// The system's error.
    pub fn read(&self, name: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let (folder, last) = match self.parent(name, false) {
            Ok(found) => found,
            Err(error) if is_nothing(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&folder, last, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(error) if is_nothing(&error.into()) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let facts = file.metadata()?;
        if !facts.is_file() || facts.len() > bytes_max {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
    }

    /// Removes a file, a link or a pipe. Does nothing if nothing is there.
    ///
    /// # Errors
    /// The system's error: a folder stands there, for one.
    pub fn remove(&self, name: &Path) -> io::Result<()> {
        let removed = self
            .parent(name, false)
            .and_then(|(folder, last)| Ok(rustix::fs::unlinkat(&folder, last, AtFlags::empty())?));
        match removed {
            Err(error) if is_nothing(&error) => Ok(()),
            other => other,
        }
    }

    /// Makes a folder, and those that lead to it.
    ///
    /// # Errors
    /// The system's error.
    pub fn make_folder(&self, name: &Path) -> io::Result<()> {
        let (folder, last) = self.parent(name, true)?;
        entered(&folder, last, true).map(drop)
    }

    /// Opens the folder that holds a name.
    fn parent<'n>(&self, name: &'n Path, make: bool) -> io::Result<(OwnedFd, &'n Path)> {
        let mut folder = self.folder.try_clone()?;
        let mut parts = name.components().peekable();
        while let Some(part) = parts.next() {
            let Component::Normal(part) = part else { return Err(io::ErrorKind::InvalidInput.into()) };
            if parts.peek().is_none() {
                return Ok((folder, Path::new(part)));
            }
            folder = entered(&folder, Path::new(part), make)?;
        }
        Err(io::ErrorKind::InvalidInput.into())
    }
}

/// Opens a folder in a folder; makes it if `make` says so, in the place of whatever else stands there.
fn entered(folder: &OwnedFd, name: &Path, make: bool) -> io::Result<OwnedFd> {
    match rustix::fs::openat(folder, name, FOLDER, Mode::empty()) {
        Ok(opened) => return Ok(opened),
        Err(error) if !make => return Err(error.into()),
        Err(_) => {}
    }
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(facts) if FileType::from_raw_mode(facts.st_mode) != FileType::Directory => {
            rustix::fs::unlinkat(folder, name, AtFlags::empty())?;
        }
        _ => {}
    }
    match rustix::fs::mkdirat(folder, name, Mode::from_bits_truncate(0o777)) {
        Ok(()) => {}
        Err(error) if io::Error::from(error).kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    Ok(rustix::fs::openat(folder, name, FOLDER, Mode::empty())?)
}

/// Returns whether an error says that no file can be at a path: nothing is there, or a link is, or something
/// else stands in the place of a folder.
fn is_nothing(error: &io::Error) -> bool {
    // A link that must not be followed is a loop; a socket cannot be opened at all.
    let others = [rustix::io::Errno::LOOP, rustix::io::Errno::NXIO].map(|errno| Some(errno.raw_os_error()));
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || others.contains(&error.raw_os_error())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_nothing_outside() {
        let home = tempfile::tempdir().unwrap();
        let (inside, outside) = (home.path().join("in"), home.path().join("out"));
        fs::create_dir_all(inside.join("real")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "theirs").unwrap();
        symlink(&outside, inside.join("linked")).unwrap();
        symlink(outside.join("file"), inside.join("real/file")).unwrap();
        let beneath = Beneath::open(&inside).unwrap();
        assert!(beneath.read(Path::new("linked/file"), 100).unwrap().is_none());
        assert!(beneath.read(Path::new("real/file"), 100).unwrap().is_none());
        beneath.write(Path::new("linked/file"), b"ours", 0o644).unwrap();
        beneath.write(Path::new("real/file"), b"ours", 0o644).unwrap();
        assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "theirs");
        assert_eq!(beneath.read(Path::new("linked/file"), 100).unwrap().as_deref(), Some(b"ours".as_slice()));
        assert_eq!(beneath.read(Path::new("real/file"), 3).unwrap(), None, "it is larger");
        beneath.remove(Path::new("real/file")).unwrap();
        beneath.remove(Path::new("real/file")).unwrap();
        assert!(Beneath::open(&inside.join("real/file")).is_err());
        for name in ["../out/file", "/etc/passwd", ""] {
            assert!(beneath.write(Path::new(name), b"", 0o644).is_err(), "{name}");
        }
        symlink(&outside, home.path().join("link")).unwrap();
        assert!(Beneath::open(&home.path().join("link")).is_err());
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let beneath = Beneath::open(home.path()).unwrap();
        assert_eq!(beneath.read(Path::new("pipe"), 100).unwrap(), None);
        assert_eq!(beneath.read(Path::new("pipe/file"), 100).unwrap(), None);
        beneath.write(Path::new("pipe/file"), b"text", 0o600).unwrap();
        assert_eq!(fs::read(home.path().join("pipe/file")).unwrap(), b"text");
        beneath.make_folder(Path::new("a/b/c")).unwrap();
        assert!(home.path().join("a/b/c").is_dir());
    }
}
