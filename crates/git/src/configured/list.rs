//! The configuration of every level as people see it: what it runs, where it stands, and what Paddock does
//! about it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::{Entry, Level};
use super::key::Key;
use super::record::{hashes, name_of};
use super::switch::is_lfs;
use super::table::{Means, Row};

/// Most characters of a value that are shown.
const SHOWN_CHARS_MAX: usize = 80;

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Whose configuration it is.
    pub level: Level,
    /// The file that holds it.
    pub origin: PathBuf,
    /// The key, or `hook NAME`; passwords in URLs are hidden.
    pub key: String,
    /// The beginning of its value; passwords in URLs are hidden.
    pub value: String,
    /// What git does by it.
    pub does: &'static str,
    /// What Paddock's calls do about it.
    pub means: Means,
    /// Whether the value is, or names, a program.
    pub runs: bool,
    /// Whether git reads it under a condition only.
    pub is_conditional: bool,
    /// Whether what is agreed to covers it. Meaningful for entries of which [`Self::needs_agreement`] holds.
    pub is_agreed: bool,
    /// Its name in a record of trust.
    pub name: String,
}

impl Listed {
    /// Returns whether the entry is used only once a person agreed to it.
    #[must_use]
    pub fn needs_agreement(&self) -> bool {
        match self.means {
            Means::Agreed => true,
            Means::Signing | Means::Push | Means::Held => self.level.is_of_the_repository(),
            Means::Off | Means::Shown => false,
        }
    }

    /// Returns whether the entry stands in the repository and names a program that Paddock's calls would run:
    /// nobody agrees to that without having read it.
    #[must_use]
    pub fn is_a_program_of_the_repository(&self) -> bool {
        self.runs && self.needs_agreement() && self.level.is_of_the_repository() && !self.is_of_lfs()
    }

    /// Returns the entry as one that is not agreed to.
    #[must_use]
    pub fn off(self) -> Self {
        Self { is_agreed: false, ..self }
    }

    fn is_of_lfs(&self) -> bool {
        is_lfs(&Key::new(self.key.clone().into_bytes()), self.value.as_bytes())
    }

    /// Returns what Paddock does about the entry, in a few words.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self.means {
            Means::Off => "off under Paddock",
            Means::Shown => "runs nothing under Paddock",
            _ if !self.needs_agreement() || self.is_agreed => match self.means {
                Means::Signing => "used to sign merges",
                Means::Push => "used to push",
                _ => "used",
            },
            _ => "off: not agreed to",
        }
    }
}

/// Returns the list of some entries, grouped by level.
pub(super) fn list(entries: &[Entry], agreed: &BTreeMap<String, String>) -> Vec<Listed> {
    let now = hashes(entries);
    let mut found: Vec<Listed> = Vec::new();
    for entry in entries {
        let Some(row) = Row::find(&entry.key) else { continue };
        let name = name_of(entry.level, &entry.key);
        let is_recorded = agreed.contains_key(&name) && agreed.get(&name) == now.get(&name);
        let listed = Listed {
            level: entry.level,
            origin: entry.origin.clone(),
            key: hidden(&entry.key.to_string()),
            value: shown(&entry.value),
            does: row.does,
            means: row.means,
            runs: row.runs(&entry.key, &entry.value),
            is_conditional: entry.is_conditional,
            is_agreed: is_recorded || is_lfs(&entry.key, &entry.value),
            name,
        };
        // The copies of one file in many worktrees count as one.
        let is_same = |known: &Listed| known.name == listed.name && known.value == listed.value;
        if listed.level != Level::Worktree || !found.iter().any(is_same) {
            found.push(listed);
        }
    }
    found.sort_by_key(|listed| listed.level);
    found
}

/// Returns the hooks of a repository, and its files that decide what git writes.
pub(super) fn files(
    common_dir: &Path,
    agreed: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Vec<Listed> {
    let listed = |name: &str, origin: PathBuf, means: Means, does| Listed {
        level: Level::Local,
        origin,
        key: name.to_owned(),
        value: String::new(),
        does,
        means,
        runs: means == Means::Off,
        is_conditional: false,
        is_agreed: agreed.get(name) == now.get(name),
        name: name.to_owned(),
    };
    let of = |name: &String| match name.split_once(' ') {
        Some(("hook", _)) => {
            let does = "is run by git at an event";
            Some(listed(name, common_dir.join("hooks"), Means::Off, does))
        }
        None if name == "info/attributes" => {
            let does = "chooses filters and merge drivers of files";
            Some(listed(name, common_dir.join(name), Means::Held, does))
        }
        None if name == "objects/info/alternates" => {
            let does = "leads git to the objects of another repository";
            Some(listed(name, common_dir.join(name), Means::Held, does))
        }
        _ => None,
    };
    now.keys().filter_map(of).collect()
}

fn shown(value: &[u8]) -> String {
    let text = hidden(&String::from_utf8_lossy(value));
    match text.chars().count() > SHOWN_CHARS_MAX {
        true => text.chars().take(SHOWN_CHARS_MAX - 1).chain(['…']).collect(),
        false => text,
    }
}

/// Hides names and passwords in the URLs of a text.
fn hidden(text: &str) -> String {
    let mut rest = text;
    let mut found = String::new();
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        found.push_str(before);
        let host_ends = after.find(['/', ' ', '"', '\'']).unwrap_or(after.len());
        let (host, left) = after.split_at(host_ends);
        match host.rsplit_once('@') {
            Some((user, host)) if user.contains(':') || user.len() > 20 => {
                found.push_str("***@");
                found.push_str(host);
            }
            _ => found.push_str(host),
        }
        rest = left;
    }
    found + rest
}
