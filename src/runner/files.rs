//! Small files written so that a reader sees the old or the new content, never a part.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::RunnerError;

/// How surely a written file survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The death of any process.
    Process,
    /// A power failure.
    Power,
}

/// Makes a folder and its parents, for the user alone.
///
/// # Errors
/// What the system said.
pub fn make_folder(path: &Path) -> Result<(), RunnerError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(RunnerError::at("make the folder", path))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Replaces a file atomically.
///
/// # Errors
/// What the system said.
pub fn replace_json<T: Serialize>(path: &Path, value: &T, durability: Durability) -> Result<(), RunnerError> {
    let bytes = to_bytes(path, value)?;
    replace(path, &bytes, durability).map_err(RunnerError::at("write", path))
}

fn replace(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    // A leftover of a killed process with our id is nobody's.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_new(&temporary)?;
    file.write_all(bytes)?;
    if durability == Durability::Power {
        file.sync_all()?;
    }
    fs::rename(&temporary, path)?;
    match durability {
        Durability::Power => sync_parent(path),
        Durability::Process => Ok(()),
    }
}

/// Creates a file that must not exist and makes it durable; `false` when it exists. On an error it is gone again, as
/// far as the disk lets us.
///
/// # Errors
/// What the system said.
pub fn create_json<T: Serialize>(path: &Path, value: &T) -> Result<bool, RunnerError> {
    let bytes = to_bytes(path, value)?;
    let mut file = match create_new(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(RunnerError::at("create", path)(error)),
    };
    let written = file.write_all(&bytes).and_then(|()| file.sync_all()).and_then(|()| sync_parent(path));
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written.map(|()| true).map_err(RunnerError::at("write", path))
}

fn to_bytes<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, RunnerError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| RunnerError::Format { path: path.to_owned(), problem: error.to_string() })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a file; `None` when there is none.
///
/// # Errors
/// What the system said, or what is wrong with the content.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RunnerError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RunnerError::at("read", path)(error)),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| RunnerError::Format { path: path.to_owned(), problem: error.to_string() })
}

/// Opens a lock file, making it where it is missing.
///
/// # Errors
/// What the system said.
pub fn open_lock(path: &Path) -> Result<File, RunnerError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(RunnerError::at("open the lock", path))
}

/// Takes a lock without waiting; `false` when another holds it.
///
/// # Errors
/// What the system said.
pub fn try_lock(file: &File, path: &Path) -> Result<bool, RunnerError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(error)) => Err(RunnerError::at("lock", path)(error)),
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
    pub fn take(path: &Path) -> Result<Option<Self>, RunnerError> {
        let file = open_lock(path)?;
        Ok(try_lock(&file, path)?.then_some(Self(Some(file))))
    }

    /// Waits until nobody holds the lock.
    ///
    /// # Errors
    /// What the system said.
    pub fn wait_for(path: &Path) -> Result<Self, RunnerError> {
        let file = open_lock(path)?;
        file.lock().map_err(RunnerError::at("lock", path))?;
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

/// Paths and arguments as text, without loss: `\xHH` for what is not UTF-8, `\\` for a backslash.
pub mod os_text {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    /// The text for a system string.
    #[must_use]
    pub fn encode(value: &OsStr) -> String {
        let mut out = String::new();
        for chunk in value.as_bytes().utf8_chunks() {
            out.push_str(&chunk.valid().replace('\\', "\\\\"));
            chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
        }
        out
    }

    /// The system string for a text; an escape that is none stands for itself.
    #[must_use]
    pub fn decode(text: &str) -> OsString {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            let hex = tail.get(1..3).and_then(|digits| std::str::from_utf8(digits).ok());
            let byte = hex.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let (byte, after) = match (first, tail.first(), byte) {
                (b'\\', Some(b'\\'), _) => (b'\\', &tail[1..]),
                (b'\\', Some(b'x'), Some(byte)) => (byte, &tail[3..]),
                _ => (*first, tail),
            };
            out.push(byte);
            rest = after;
        }
        OsString::from_vec(out)
    }

    macro_rules! form {
        ($(#[$doc:meta])* $name:ident, $type:ty, $wire:ty, $encode:expr, $decode:expr) => {
            $(#[$doc])*
            pub mod $name {
                use super::{decode, encode};
                use serde::{Deserialize, Deserializer, Serialize, Serializer};

                /// Writes it as text.
                ///
                /// # Errors
                /// The serializer's own.
                pub fn serialize<S: Serializer>(value: &$type, to: S) -> Result<S::Ok, S::Error> {
                    let wire: $wire = $encode(value);
                    wire.serialize(to)
                }

                /// Reads it from text.
                ///
                /// # Errors
                /// The deserializer's own.
                pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                    <$wire>::deserialize(from).map($decode)
                }
            }
        };
    }

    form!(
        /// For a path.
        path, std::path::PathBuf, String,
        |path: &std::path::PathBuf| encode(path.as_os_str()),
        |text: String| decode(&text).into()
    );
    form!(
        /// For a path that may be missing.
        optional_path, Option<std::path::PathBuf>, Option<String>,
        |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| encode(path.as_os_str())),
        |text: Option<String>| text.map(|text| decode(&text).into())
    );
    form!(
        /// For a list of arguments.
        list, Vec<std::ffi::OsString>, Vec<String>,
        |list: &Vec<std::ffi::OsString>| list.iter().map(|item| encode(item)).collect(),
        |list: Vec<String>| list.iter().map(|item| decode(item)).collect()
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn any_system_string_survives_as_text() {
        for bytes in [&b"plain"[..], b"a\\b", b"\xff\xfe x", b"\\x41", "登录".as_bytes(), b""] {
            let value = OsStr::from_bytes(bytes);
            assert_eq!(os_text::decode(&os_text::encode(value)), value);
        }
    }

    #[test]
    fn an_existing_file_is_never_created_again_but_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claim.json");
        assert_eq!(read_json::<u32>(&path).unwrap(), None);
        assert!(create_json(&path, &1).unwrap());
        assert!(!create_json(&path, &2).unwrap());
        assert_eq!(read_json::<u32>(&path).unwrap(), Some(1));
        replace_json(&path, &3, Durability::Power).unwrap();
        assert_eq!(read_json::<u32>(&path).unwrap(), Some(3));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

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
