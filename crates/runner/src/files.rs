//! Paddock's own small JSON files, written so that a reader sees the old or the new content but never a part
//! of it.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::RunnerError;
use paddock_os::files::{self, Flush, PRIVATE_FILE_MODE};
use paddock_os::plain;

/// Makes a folder and its parents, readable for the user alone.
///
/// # Errors
/// Fails if a folder cannot be made.
pub(crate) fn make_folder(path: &Path) -> Result<(), RunnerError> {
    files::make_private_dir(path).map_err(RunnerError::at("make the folder", path))
}

/// Replaces a file atomically.
///
/// # Errors
/// Fails if the file cannot be written.
pub(crate) fn replace_json<T: Serialize>(path: &Path, value: &T, flush: Flush) -> Result<(), RunnerError> {
    let bytes = to_bytes(path, value)?;
    files::write_atomic(path, &bytes, PRIVATE_FILE_MODE, flush).map_err(RunnerError::at("write", path))
}

/// Creates a file and makes it durable. Returns `false` if the file exists already. After an error the file
/// is removed again, as far as the disk allows.
///
/// # Errors
/// Fails if the file cannot be written.
pub(crate) fn create_json<T: Serialize>(path: &Path, value: &T) -> Result<bool, RunnerError> {
    let bytes = to_bytes(path, value)?;
    Ok(files::create(path, &bytes)?)
}

fn to_bytes<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, RunnerError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| RunnerError::Format { path: path.to_owned(), problem: error.to_string() })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a file. Returns `None` if there is no such file.
///
/// # Errors
/// Fails if the file cannot be read or its content is invalid.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RunnerError> {
    let bytes = match plain::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RunnerError::at("read", path)(error)),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| RunnerError::Format { path: path.to_owned(), problem: error.to_string() })
}

/// Paths and arguments as text, without loss: `\xHH` for bytes that are not UTF-8, `\\` for a backslash.
pub(crate) mod os_text {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    /// Returns the text for a system string.
    #[must_use]
    pub(crate) fn encode(value: &OsStr) -> String {
        let mut out = String::new();
        for chunk in value.as_bytes().utf8_chunks() {
            out.push_str(&chunk.valid().replace('\\', "\\\\"));
            chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
        }
        out
    }

    /// Returns the system string for a text. An invalid escape is kept as it is.
    #[must_use]
    pub(crate) fn decode(text: &str) -> OsString {
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
            pub(crate) mod $name {
                use super::{decode, encode};
                use serde::{Deserialize, Deserializer, Serialize, Serializer};

                /// Serializes the value as text.
                ///
                /// # Errors
                /// Fails if the serializer fails.
                pub(crate) fn serialize<S: Serializer>(value: &$type, to: S) -> Result<S::Ok, S::Error> {
                    let wire: $wire = $encode(value);
                    wire.serialize(to)
                }

                /// Deserializes the value from text.
                ///
                /// # Errors
                /// Fails if the deserializer fails.
                pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                    <$wire>::deserialize(from).map($decode)
                }
            }
        };
    }

    form!(
        /// Serde functions for a path.
        path, std::path::PathBuf, String,
        |path: &std::path::PathBuf| encode(path.as_os_str()),
        |text: String| decode(&text).into()
    );
    form!(
        /// Serde functions for an optional path.
        optional_path, Option<std::path::PathBuf>, Option<String>,
        |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| encode(path.as_os_str())),
        |text: Option<String>| text.map(|text| decode(&text).into())
    );
    form!(
        /// Serde functions for a list of arguments.
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
        replace_json(&path, &3, Flush::Now).unwrap();
        assert_eq!(read_json::<u32>(&path).unwrap(), Some(3));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
