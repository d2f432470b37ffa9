//! The settings of the repository's own files, for the repositories that Paddock makes from it.

use super::super::error::GitError;
use super::super::repository::Repository;
use super::files::Level;
use super::record::{hashes, name_of};
use super::switch::is_lfs;
use super::table::{Means, Row};

/// A setting in the repository's own configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalSetting {
    /// Section, in lower case.
    pub(crate) section: String,
    /// What stands between the section and the name, as it is written.
    pub(crate) subsection: Option<Vec<u8>>,
    /// Last part of the key, in lower case.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: Vec<u8>,
    /// Whether it is one of those that make git run a program, and a person agreed to it.
    pub(crate) is_agreed: bool,
}

impl Repository {
    /// Returns the settings of the repository's own configuration, in git's order. Leaves out those that git
    /// reads under a condition.
    pub(crate) fn local_settings(&self) -> Result<Vec<LocalSetting>, GitError> {
        let entries = self.entries()?;
        let (now, agreed) = (hashes(&entries), self.agreed());
        let mut found = Vec::new();
        for entry in entries.iter().filter(|entry| entry.level == Level::Local && !entry.is_conditional) {
            let name = name_of(entry.level, &entry.key);
            let is_recorded = agreed.contains_key(&name) && agreed.get(&name) == now.get(&name);
            let bytes = entry.key.bytes();
            let is_hook = entry.key.is("core.hookspath") || bytes.starts_with(b"hook.");
            let is_meant = is_hook || Row::find(&entry.key).is_some_and(|row| row.means == Means::Agreed);
            let Some(end) = bytes.iter().position(|byte| *byte == b'.') else { continue };
            let section = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let last = String::from_utf8_lossy(entry.key.last()).into_owned();
            found.push(LocalSetting {
                subsection: entry.key.subsection(&section).map(<[u8]>::to_vec),
                section,
                name: last,
                value: entry.value.clone(),
                is_agreed: is_lfs(&entry.key, &entry.value) || (is_meant && is_recorded),
            });
        }
        Ok(found)
    }
}
