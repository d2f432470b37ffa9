//! Reading files that somebody else may have put there: a repository, a worktree, a person's configuration.
//!
//! A named pipe in the place of a file makes an ordinary `open` wait until somebody writes, for ever if
//! nobody does; a device may do anything when it is opened. So the kind is looked at first, and the file is
//! then opened in a way that does not wait, in case it was replaced in between.

use std::fmt;
use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::hangs;

/// Size above which [`read`] refuses a file, in bytes. Everything that is read as a whole is text that people
/// or git write; the rest is read in pieces.
pub const WHOLE_BYTES_MAX: u64 = 256 << 20;

/// The device that reads as an empty file.
const NOTHING: &str = "/dev/null";

/// What stands in the place of a file. The cause of the error that [`open`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPlain(&'static str);

impl NotPlain {
    /// Returns what this is, if it is something else than a file, a folder or a link.
    #[must_use]
    pub fn from_file_type(kind: FileType) -> Option<Self> {
        if kind.is_fifo() {
            Some(Self("a named pipe"))
        } else if kind.is_socket() {
            Some(Self("a socket"))
        } else if kind.is_char_device() || kind.is_block_device() {
            Some(Self("a device"))
        } else {
            None
        }
    }

    /// Returns what stands there: "a named pipe".
    #[must_use]
    pub fn what(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for NotPlain {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} stands where a file should be; it was not opened", self.0)
    }
}

impl std::error::Error for NotPlain {}

/// Returns what stands at a path if reading it could wait for somebody: a named pipe, a socket or a device.
/// Follows links, as an `open` would. `None` for a file or a folder, and if nothing is there.
///
/// # Errors
/// Fails if the system does not say what is there, for example because of a link that leads to itself.
pub fn obstacle(path: &Path) -> io::Result<Option<NotPlain>> {
    match fs::metadata(path) {
        Ok(facts) => Ok(named(path, &facts)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Returns the reason why this error was made, if it is that something else stands in the place of a file.
#[must_use]
pub fn cause(error: &io::Error) -> Option<NotPlain> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<NotPlain>()).copied()
}

/// Opens a file for reading. Never waits for somebody to write to it.
///
/// # Errors
/// The system's error; or one whose [`cause`] says that no file stands there.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    is_plain(path, &fs::metadata(path)?)?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    // Again, on the open file: a pipe may have taken the place of the file that was looked at.
    is_plain(path, &file.metadata()?)?;
    Ok(file)
}

/// Like [`open`], for a path that may have become a link since it was looked at: a link is not followed, and
/// what is no file, such as a folder, is not opened.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::InvalidInput`] for a folder.
pub fn open_itself(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let facts = file.metadata()?;
    is_plain(path, &facts)?;
    if facts.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

fn is_plain(path: &Path, facts: &Metadata) -> io::Result<()> {
    // Many callers treat a file that cannot be read as missing; a person has to hear of this all the same.
    named(path, facts).map_or(Ok(()), |found| Err(io::Error::other(found)))
}

/// Returns and reports what stands in the place of a file.
fn named(path: &Path, facts: &Metadata) -> Option<NotPlain> {
    let found = NotPlain::from_file_type(facts.file_type())?;
    // People link files to it to say "nothing", and reading it never waits.
    if facts.file_type().is_char_device()
        && fs::canonicalize(path).is_ok_and(|path| path == Path::new(NOTHING))
    {
        return None;
    }
    hangs::report(path, found.what());
    Some(found)
}

/// Returns the content of a file.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::FileTooLarge`] for more than [`WHOLE_BYTES_MAX`].
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(WHOLE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    match length > WHOLE_BYTES_MAX {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

/// Returns the content of a text file.
///
/// # Errors
/// As [`read`]; [`io::ErrorKind::InvalidData`] if the content is not UTF-8.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType as Kind, Mode, mknodat};
    use std::os::unix::fs::symlink;

    #[test]
    fn pipes_sockets_devices_and_endless_links_are_named_and_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        mknodat(CWD, at("pipe"), Kind::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        symlink(at("pipe"), at("to-pipe")).unwrap();
        for (name, what) in [("pipe", "a named pipe"), ("to-pipe", "a named pipe"), ("socket", "a socket")] {
            let error = read(at(name)).unwrap_err();
            assert_eq!(cause(&error).map(NotPlain::what), Some(what));
            assert!(error.to_string().contains(what), "{error}");
            assert_eq!(obstacle(&at(name)).unwrap().map(NotPlain::what), Some(what));
        }
        assert_eq!(cause(&read("/dev/zero").unwrap_err()).map(NotPlain::what), Some("a device"));
        symlink("/dev/null", at("nothing")).unwrap();
        assert_eq!(read(at("nothing")).unwrap(), b"");
        fs::remove_file(at("nothing")).unwrap();
        assert!(read(at("loop")).is_err() && obstacle(&at("loop")).is_err());
        assert_eq!(obstacle(&at("nothing")).unwrap(), None);
        fs::write(at("file"), "text").unwrap();
        assert_eq!(read_to_string(at("file")).unwrap(), "text");
        fs::write(at("file"), [0xff]).unwrap();
        assert_eq!(read_to_string(at("file")).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
