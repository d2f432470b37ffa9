//! What each call of git sets, so that nothing runs that is not agreed to.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::files::{Entry, Level};
use super::key::Key;
use super::record::{hash, hashes, name_of};
use super::table::{Means, Row};

/// The filters of git LFS, exactly as `git lfs install` writes them. They run `git-lfs` from PATH and nothing
/// else, so they are agreed to wherever they stand.
const LFS: [(&str, &str); 4] = [
    ("filter.lfs.clean", "git-lfs clean -- %f"),
    ("filter.lfs.smudge", "git-lfs smudge -- %f"),
    ("filter.lfs.process", "git-lfs filter-process"),
    ("filter.lfs.required", "true"),
];

/// Returns whether an entry is one that `git lfs install` writes.
pub(super) fn is_lfs(key: &Key, value: &[u8]) -> bool {
    LFS.iter().any(|(known, text)| key.is(known) && value == text.as_bytes())
}

/// Returns whether the record of a key is that of what `git lfs install` writes.
pub(super) fn is_lfs_record(key: &Key, recorded: &str) -> bool {
    LFS.iter().any(|(known, text)| key.is(known) && recorded == hash(&[text.as_bytes()]))
}

/// Drivers that are not agreed to, by their names in attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Drivers {
    pub(super) filters: BTreeSet<Vec<u8>>,
    pub(super) merges: BTreeSet<Vec<u8>>,
}

impl Drivers {
    /// Returns the filter of git LFS alone.
    pub(super) fn of_lfs() -> Self {
        Self { filters: BTreeSet::from([b"lfs".to_vec()]), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.merges.is_empty()
    }

    /// Adds the driver that a key configures. An extension of git LFS counts as its filter.
    pub(super) fn add(&mut self, key: &Key) {
        if let Some(name) = key.subsection("filter") {
            self.filters.insert(name.to_owned());
        } else if let Some(name) = key.subsection("merge") {
            self.merges.insert(name.to_owned());
        } else if key.bytes().to_ascii_lowercase().starts_with(b"lfs.extension.") {
            self.filters.insert(b"lfs".to_vec());
        }
    }
}

/// Settings of a call, and the drivers that they switch off.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switched {
    pub(crate) settings: Vec<(OsString, OsString)>,
    pub(super) drivers: Drivers,
}

/// Works out what a call has to set. `agreed` holds hashes by name, as a record of trust does.
pub(super) fn switch(entries: &[Entry], agreed: &BTreeMap<String, String>) -> Switched {
    let now = hashes(entries);
    let mut off = Switched::default();
    let mut keys = BTreeMap::new();
    for entry in entries {
        let Some(row) = Row::find(&entry.key) else { continue };
        let is_agreed = || {
            let name = name_of(entry.level, &entry.key);
            is_lfs(&entry.key, &entry.value)
                || (agreed.contains_key(&name) && agreed.get(&name) == now.get(&name))
        };
        match row.means {
            Means::Agreed if !is_agreed() => off.drivers.add(&entry.key),
            Means::Off => {}
            Means::Agreed | Means::Held | Means::Signing | Means::Push | Means::Shown => continue,
        }
        keys.extend(replacements(&entry.key));
    }
    // A driver that was agreed to and is gone leaves files as they are: nothing is to be switched off, but a
    // file that needs it must not be checked out without it.
    for name in agreed.keys().filter(|name| !now.contains_key(*name)) {
        if let Some((_, key)) = split_name(name)
            && Row::find(&key).is_some_and(|row| row.means == Means::Agreed)
            // The same key may have moved to another level.
            && !entries.iter().any(|entry| entry.key == key)
        {
            off.drivers.add(&key);
        }
    }
    off.settings = keys.into_iter().map(|(key, value): (Key, &str)| (key.to_os(), value.into())).collect();
    off
}

/// Returns the settings that keep git from running what a key names.
fn replacements(key: &Key) -> Vec<(Key, &'static str)> {
    if key.subsection("filter").is_some() {
        // With an empty `process`, git reads neither `clean` nor `smudge`. A required filter that does nothing
        // would fail.
        let parts = [("process", ""), ("clean", ""), ("smudge", ""), ("required", "false")];
        return parts.map(|(last, value)| (key.sibling(last), value)).to_vec();
    }
    // The program `false` fails, so that git reports a conflict. An empty driver would be an error, and none
    // would merge the file in another way than the user's git does.
    if key.subsection("merge").is_some() && key.last() == b"driver" {
        return vec![(key.clone(), "false")];
    }
    if key.subsection("hook").is_some() {
        return vec![(key.sibling("enabled"), "false"), (key.sibling("command"), "true")];
    }
    if key.subsection("remote").is_some() && key.last() == b"uploadpack" {
        return vec![(key.clone(), "git-upload-pack")];
    }
    match key.bytes().to_ascii_lowercase().starts_with(b"lfs.") {
        true => vec![(key.clone(), "")],
        // `SETTINGS` overrides the key, or no call of Paddock's comes to it.
        false => Vec::new(),
    }
}

/// Splits the name of an entry in a record of trust into its level and key. `None` for hooks and files.
pub(super) fn split_name(name: &str) -> Option<(Level, Key)> {
    let (prefix, key) = name.split_once(' ')?;
    let level = [Level::System, Level::Global, Level::Local, Level::Worktree];
    let level = level.into_iter().find(|level| super::record::prefix(*level) == prefix)?;
    let is_key = key.contains('.') && !key.starts_with('(');
    is_key.then(|| (level, Key::new(OsStr::new(key).as_bytes().to_vec())))
}
