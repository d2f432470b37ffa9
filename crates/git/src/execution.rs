//! The record of everything that can make git run programs: configuration, hooks and attributes.
//!
//! Reads plain files; git is never run. Values are kept as hashes, so that a token in a URL is not stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::configured::hash;
use super::error::GitError;
use super::repository::Repository;
use paddock_os::plain;

/// Everything that can make git run programs, as a name for people and the SHA-256 of its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionConfig {
    /// The entries, sorted by name.
    pub entries: BTreeMap<String, String>,
}

/// Returns what changed from one record to another, in words for people, sorted.
#[must_use]
pub fn difference(before: &ExecutionConfig, after: &ExecutionConfig) -> Vec<String> {
    let names: BTreeSet<&String> = before.entries.keys().chain(after.entries.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        match (before.entries.get(name), after.entries.get(name)) {
            (None, Some(_)) => changes.push(format!("{name} was added")),
            (Some(_), None) => changes.push(format!("{name} was removed")),
            (Some(old), Some(new)) if old != new => changes.push(format!("{name} was changed")),
            _ => {}
        }
    }
    changes
}

impl Repository {
    /// Records everything that can make git run programs.
    ///
    /// # Errors
    /// Fails if one of the files cannot be read.
    pub fn execution_config(&self) -> Result<ExecutionConfig, GitError> {
        let mut record = Record::default();
        let common = self.common_dir();
        record.hooks(&common.join("hooks"))?;
        record.file(&common.join("info/attributes"), "info/attributes")?;
        record.file(&common.join("objects/info/alternates"), "objects/info/alternates")?;
        let mut entries = record.finish();
        entries.extend(self.configured_hashes()?);
        Ok(ExecutionConfig { entries })
    }
}

/// Returns the hooks that a person agreed to and that are as they were then: name and file.
///
/// # Errors
/// Fails if one of the files cannot be read.
pub(crate) fn agreed_hooks(repository: &Repository) -> Result<Vec<(String, PathBuf)>, GitError> {
    let folder = repository.common_dir().join("hooks");
    let mut record = Record::default();
    record.hooks(&folder)?;
    let is_agreed = |(name, hash): &(String, String)| repository.agreed().get(name) == Some(hash);
    let names = record.finish().into_iter().filter(is_agreed);
    let named = names.filter_map(|(name, _)| name.strip_prefix("hook ").map(str::to_owned));
    Ok(named.map(|name| (name.clone(), folder.join(name))).filter(|(_, file)| file.is_file()).collect())
}

/// Values by name. A name may have several values, which are hashed together in order.
#[derive(Default)]
struct Record {
    values: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Record {
    /// Adds a value, once: the copies of one file in many worktrees count as one.
    fn add(&mut self, name: String, value: &[u8]) {
        let values = self.values.entry(name).or_default();
        if !values.iter().any(|known| known == value) {
            values.push(value.to_vec());
        }
    }

    fn finish(&self) -> BTreeMap<String, String> {
        let bytes = |values: &Vec<Vec<u8>>| hash(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
        self.values.iter().map(|(name, values)| (name.clone(), bytes(values))).collect()
    }

    fn hooks(&mut self, folder: &Path) -> Result<(), GitError> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(GitError::Io { path: folder.to_owned(), source }),
        };
        for entry in entries {
            let path = entry.map_err(GitError::io(folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(".sample") {
                continue;
            }
            // git runs a hook only if it is executable.
            let mode = fs::metadata(&path).map_or(0, |facts| facts.permissions().mode() & 0o111);
            self.add(format!("hook {name}"), format!("{mode:o}").as_bytes());
            self.file(&path, &format!("hook {name}"))?;
        }
        Ok(())
    }

    fn file(&mut self, file: &Path, name: &str) -> Result<(), GitError> {
        match fs::metadata(file) {
            Ok(facts) if facts.is_file() => {
                let bytes = plain::read(file).map_err(GitError::io(file))?;
                self.add(name.to_owned(), &Sha256::digest(&bytes));
            }
            Ok(_) => self.add(name.to_owned(), b"no plain file"),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(GitError::Io { path: file.to_owned(), source }),
        }
        Ok(())
    }
}
