//! The record of a configuration: names and hashes, never values, which may be secret.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::files::{Entry, Level};
use super::key::Key;
use super::switch::{is_lfs_record, split_name};
use super::table::{Means, Row};

/// Returns the first word of an entry's name. Names are stored, so these words stay.
pub(super) fn prefix(level: Level) -> &'static str {
    match level {
        Level::System => "system",
        Level::Global => "global",
        Level::Local => "config",
        // git copies this file to every new worktree. One name for all copies keeps the worktrees that
        // Paddock adds from showing as changes.
        Level::Worktree => "config.worktree",
    }
}

pub(super) fn name_of(level: Level, key: &Key) -> String {
    format!("{} {key}", prefix(level))
}

/// Returns whether an entry is recorded. Of the user's own levels only what Paddock's calls would run is: the
/// rest is the user's affair.
fn is_recorded(entry: &Entry) -> bool {
    Row::find(&entry.key).is_some_and(|row| match row.means {
        Means::Agreed => true,
        // An alias without `!` names a command of git's own.
        Means::Off if entry.key.bytes().starts_with(b"alias.") => {
            entry.level.is_of_the_repository() && row.runs(&entry.key, &entry.value)
        }
        Means::Off | Means::Held | Means::Signing | Means::Push | Means::Shown => {
            entry.level.is_of_the_repository()
        }
    })
}

/// Returns the hash of each recorded key. Several values of one key are hashed together in order.
pub(super) fn hashes(entries: &[Entry]) -> BTreeMap<String, String> {
    let mut values: BTreeMap<String, Vec<&[u8]>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| is_recorded(entry)) {
        let known = values.entry(name_of(entry.level, &entry.key)).or_default();
        // The copies of one file in many worktrees count as one.
        if !known.contains(&entry.value.as_slice()) {
            known.push(&entry.value);
        }
    }
    values.into_iter().map(|(name, values)| (name, hash(&values))).collect()
}

/// Returns the SHA-256 of several values in order.
pub(crate) fn hash(values: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for value in values {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hasher.update(u64::try_from(value.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(value);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What differs between what is agreed to and what is there, by what has to follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// Names of entries that are off because nobody agreed to them.
    pub off: Vec<String>,
    /// Names of entries that decide what git writes, and where. Nothing may be written while there are any.
    pub held: Vec<String>,
    /// Names of entries that matter for signing alone.
    pub signing: Vec<String>,
    /// Names of entries that matter for a push alone.
    pub push: Vec<String>,
}

impl Judged {
    /// Returns the names of the entries that matter for a push to a remote.
    #[must_use]
    pub fn for_push(&self, remote: &str) -> Vec<&str> {
        let is_meant = |name: &&str| match split_name(name) {
            Some((_, key)) => key.subsection("remote").is_none_or(|found| found == remote.as_bytes()),
            None => true,
        };
        self.push.iter().map(String::as_str).filter(is_meant).collect()
    }
}

/// Compares what is agreed to with what is there.
#[must_use]
pub fn judge(agreed: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Judged {
    let mut judged = Judged::default();
    let names: BTreeSet<&String> = agreed.keys().chain(now.keys()).collect();
    for name in names.into_iter().filter(|name| agreed.get(*name) != now.get(*name)) {
        let Some((_, key)) = split_name(name) else {
            match name.split(' ').next() {
                // Paddock's calls run no hook. A hook that is gone needs no word.
                Some("hook") if now.contains_key(name) => judged.off.push(name.clone()),
                Some("info/attributes" | "objects/info/alternates") => judged.held.push(name.clone()),
                // Included files count by their entries, which earlier records do not tell apart.
                _ => {}
            }
            continue;
        };
        if now.get(name).is_some_and(|found| is_lfs_record(&key, found)) {
            continue;
        }
        let row = Row::find(&key);
        // What an included file would run is off like everything else; a new one is worth a word.
        if now.contains_key(name) && row.is_some_and(Row::includes) {
            judged.off.push(name.clone());
            continue;
        }
        match row.map(|row| row.means) {
            Some(Means::Off | Means::Agreed) if now.contains_key(name) => judged.off.push(name.clone()),
            Some(Means::Held) => judged.held.push(name.clone()),
            Some(Means::Signing) => judged.signing.push(name.clone()),
            Some(Means::Push) => judged.push.push(name.clone()),
            Some(Means::Off | Means::Agreed | Means::Shown) | None => {}
        }
    }
    judged
}
