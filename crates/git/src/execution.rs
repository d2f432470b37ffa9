//! The configuration, hooks and attributes of a repository that can make git run programs.
//!
//! Reads the repository's own level only, through libgit2 and plain file reads; git is never run. Values are
//! kept as hashes, so that a token in a URL is not stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::GitError;
use super::repository::Repository;
use super::target::admin_folders;

/// Everything that can make git run programs, as a name for people and the SHA-256 of its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionConfig {
    /// The entries, sorted by name.
    pub entries: BTreeMap<String, String>,
}

/// Sections all of whose keys count.
const SECTIONS: [&str; 8] =
    ["filter", "include", "includeif", "credential", "gpg", "url", "extensions", "hook"];

/// Sections whose keys count if they have a name in between (`merge.NAME.driver`). The plain keys are a
/// matter of taste.
const NAMED_SECTIONS: [&str; 2] = ["merge.", "diff."];

/// Single keys that count: those that name programs or lead git to them, and `core.bare`, which decides
/// whether a branch that is checked out may be moved under its files.
const KEYS: [&str; 17] = [
    "core.bare",
    "core.editor",
    "core.pager",
    "interactive.difffilter",
    "sequence.editor",
    "uploadpack.packobjectshook",
    "core.hookspath",
    "core.fsmonitor",
    "core.sshcommand",
    "core.gitproxy",
    "core.attributesfile",
    "core.alternaterefscommand",
    "core.askpass",
    "core.worktree",
    "attr.tree",
    "diff.external",
    "merge.default",
];

/// Keys that count for each remote or submodule.
const NAMED_KEYS: [(&str, &str); 7] = [
    ("remote.", ".url"),
    ("remote.", ".pushurl"),
    ("remote.", ".proxy"),
    ("remote.", ".vcs"),
    ("remote.", ".uploadpack"),
    ("remote.", ".receivepack"),
    ("submodule.", ".update"),
];

/// Depth to which included files are followed: git's own limit.
const INCLUDE_DEPTH_MAX: usize = 10;

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
        record.config_file(&common.join("config"), "config ")?;
        // git copies this file to every new worktree. One name for all copies keeps the worktrees that
        // Paddock adds from showing as changes.
        let mut worktree_files: Vec<PathBuf> = vec![common.join("config.worktree")];
        worktree_files.extend(admin_folders(self)?.into_iter().map(|admin| admin.join("config.worktree")));
        for file in worktree_files {
            record.config_file(&file, "config.worktree ")?;
        }
        record.hooks(&common.join("hooks"))?;
        record.file(&common.join("info/attributes"), "info/attributes")?;
        record.file(&common.join("objects/info/alternates"), "objects/info/alternates")?;
        Ok(ExecutionConfig { entries: record.finish() })
    }
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

    fn finish(self) -> BTreeMap<String, String> {
        let hash = |values: Vec<Vec<u8>>| {
            let mut hasher = Sha256::new();
            for value in values {
                // The length keeps ("ab", "c") and ("a", "bc") apart.
                hasher.update(u64::try_from(value.len()).unwrap_or(u64::MAX).to_le_bytes());
                hasher.update(&value);
            }
            hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
        };
        self.values.into_iter().map(|(name, values)| (name, hash(values))).collect()
    }

    fn config_file(&mut self, file: &Path, prefix: &str) -> Result<(), GitError> {
        if !file.exists() {
            return Ok(());
        }
        // libgit2 refuses a file that git itself may still read, so the file counts as a whole.
        let Ok(entries) = entries_of(file) else { return self.file(file, &format!("{prefix}(unreadable)")) };
        for (name, value) in &entries {
            // Only an alias with `!` runs a program; other aliases name git's own commands.
            if counts(name) || (name.starts_with("alias.") && value.starts_with(b"!")) {
                self.add(format!("{prefix}{name}"), value);
            }
        }
        self.includes(file, entries, 0)
    }

    /// Records included files as a whole, whatever they contain.
    fn includes(
        &mut self,
        file: &Path,
        entries: Vec<(String, Vec<u8>)>,
        depth: usize,
    ) -> Result<(), GitError> {
        let includes = |name: &str| {
            name == "include.path" || (name.starts_with("includeif.") && name.ends_with(".path"))
        };
        for (_, value) in entries.into_iter().filter(|(name, _)| includes(name)) {
            let included = included_path(file, &String::from_utf8_lossy(&value));
            self.file(&included, &format!("included {}", included.display()))?;
            if depth < INCLUDE_DEPTH_MAX
                && let Ok(entries) = entries_of(&included)
            {
                self.includes(&included, entries, depth + 1)?;
            }
        }
        Ok(())
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
                let bytes = fs::read(file).map_err(GitError::io(file))?;
                self.add(name.to_owned(), &Sha256::digest(&bytes));
            }
            Ok(_) => self.add(name.to_owned(), b"no plain file"),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(GitError::Io { path: file.to_owned(), source }),
        }
        Ok(())
    }
}

fn entries_of(file: &Path) -> Result<Vec<(String, Vec<u8>)>, GitError> {
    let config = git2::Config::open(file)?;
    let mut found = Vec::new();
    let mut entries = config.entries(None)?;
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        // git takes a key without a value for true.
        let value = if entry.has_value() { entry.value_bytes().to_vec() } else { b"true".to_vec() };
        found.push((name, value));
    }
    Ok(found)
}

/// Returns whether a key can make git run programs. libgit2 gives section and key in lower case; the name in
/// between keeps its case.
fn counts(name: &str) -> bool {
    let section = name.split('.').next().unwrap_or_default();
    SECTIONS.contains(&section)
        || KEYS.contains(&name)
        || NAMED_SECTIONS
            .iter()
            .any(|section| name.strip_prefix(section).is_some_and(|rest| rest.contains('.')))
        || NAMED_KEYS.iter().any(|(start, end)| name.starts_with(start) && name.ends_with(end))
}

fn included_path(from: &Path, value: &str) -> PathBuf {
    if let Some(rest) = value.strip_prefix("~/")
        && let Some(home) = std::env::home_dir()
    {
        return home.join(rest);
    }
    from.parent().unwrap_or(from).join(value)
}
