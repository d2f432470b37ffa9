//! The configuration of every level that can make git run a program: one list of keys, which file each entry
//! is from, and what each call of git switches off.
//!
//! The files are read here and not by git, so that nothing runs while they are read. `table` is the list;
//! `files` reads the levels, `record` compares them with what a person agreed to, `switch` makes the settings
//! of a call, and `applied` finds the files of a commit that need a driver which is switched off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::repository::{Repository, check_there};
use super::target::admin_folders;
use paddock_model::ids::ObjectId;

mod applied;
mod checkout;
mod files;
mod key;
mod lfs;
mod list;
mod local;
mod parse;
mod push;
mod record;
mod switch;
mod table;
#[cfg(test)]
mod tests;

pub use applied::Needed;
use files::Entry;
pub use files::Level;
pub use lfs::is_lfs_installed;
pub use list::Listed;
pub(crate) use local::LocalSetting;
pub(crate) use record::hash;
pub use record::{Judged, judge};
pub(crate) use switch::Switched;
pub use table::Means;

/// A key as `section.name`, and what follows `=`.
pub(crate) type TextEntry = (Vec<u8>, Option<Vec<u8>>);

/// Reads the entries of a text in git's format. `None` if git would refuse the text.
pub(crate) fn parse_text(text: &[u8]) -> Option<Vec<TextEntry>> {
    let entries = parse::parse(text)?;
    Some(entries.into_iter().map(|(key, value)| (key.bytes().to_vec(), value)).collect())
}

/// Reads all entries: the machine's, the user's, the repository's, and those of worktrees.
///
/// # Errors
/// Fails if git would refuse one of the files, or if the repository is not there any more at the end.
fn all(common_dir: &Path, worktrees: &[PathBuf]) -> Result<Vec<Entry>, GitError> {
    let mut entries = Vec::new();
    for (level, file) in files::own_files() {
        entries.extend(files::read(level, &file)?);
    }
    entries.extend(files::read(Level::Local, &common_dir.join("config"))?);
    for git_dir in worktrees {
        entries.extend(files::read(Level::Worktree, &git_dir.join("config.worktree"))?);
    }
    // As in git, these override every file.
    entries.extend(files::from_environment());
    check_there(common_dir)?;
    Ok(entries)
}

impl Repository {
    fn entries(&self) -> Result<Vec<Entry>, GitError> {
        let common = self.common_dir();
        let mut entries = all(common, &[common.to_owned()])?;
        for git_dir in admin_folders(self)? {
            // One that cannot be read stops the calls in its own worktree, by name, and no others.
            entries
                .extend(files::read(Level::Worktree, &git_dir.join("config.worktree")).unwrap_or_default());
        }
        Ok(entries)
    }

    /// Returns name and hash of each entry that counts.
    pub(super) fn configured_hashes(&self) -> Result<BTreeMap<String, String>, GitError> {
        Ok(record::hashes(&self.entries()?))
    }

    /// Lists everything that can make git run a program, or lead it to one, and what Paddock does about it.
    /// Runs nothing of it.
    ///
    /// # Errors
    /// [`GitError::ConfigUnreadable`] names a file that cannot be read.
    pub fn configured(&self) -> Result<Vec<Listed>, GitError> {
        let mut found = list::list(&self.entries()?, self.agreed());
        found.extend(list::files(self.common_dir(), self.agreed(), &self.execution_config()?.entries));
        Ok(found)
    }

    /// Returns what a call of git has to switch off, in the worktree with this git directory.
    pub(super) fn switched(&self, git_dir: &Path) -> Result<Switched, GitError> {
        let mut folders = vec![self.common_dir().to_owned()];
        // `git worktree add` copies the configuration of the repository's own worktree.
        folders.extend((git_dir != self.common_dir()).then(|| git_dir.to_owned()));
        Ok(switch::switch(&all(self.common_dir(), &folders)?, self.agreed()))
    }

    /// Returns a file of each commit that needs a filter or a merge driver which nobody agreed to. A commit
    /// that cannot be read needs none: whatever uses it reports that.
    ///
    /// # Errors
    /// [`GitError::ConfigUnreadable`] names a file that cannot be read.
    pub fn needed<'c>(&self, commits: impl Iterator<Item = &'c ObjectId>) -> Result<Vec<Needed>, GitError> {
        let drivers = switch::switch(&self.entries()?, self.agreed()).drivers;
        let of = |commit| applied::needed(self, commit, &drivers).ok().flatten();
        Ok(commits.filter_map(of).collect())
    }

    /// Refuses a commit that cannot be checked out, or merged, as the user's own git would do it.
    ///
    /// # Errors
    /// [`GitError::NotAgreed`] names the driver and a file, else whatever git reports.
    pub(super) fn refuse_needed(&self, commit: &ObjectId) -> Result<(), GitError> {
        let drivers = switch::switch(&self.entries()?, self.agreed()).drivers;
        match applied::needed(self, commit, &drivers)? {
            Some(Needed { attribute, path }) => {
                Err(GitError::NotAgreed { attribute, path: path.to_string(), commit: commit.clone() })
            }
            None => Ok(()),
        }
    }
}

/// Returns the files with attributes that lie outside of every commit.
fn attribute_files(repository: &Repository) -> Result<Vec<PathBuf>, GitError> {
    let entries = repository.entries()?;
    let named = entries.iter().filter(|entry| entry.key.is("core.attributesfile"));
    let mut found: Vec<PathBuf> =
        named.filter_map(|entry| files::included_path(&entry.origin, &entry.value).ok()).collect();
    found.extend(files::default_attributes());
    found.push(repository.common_dir().join("info/attributes"));
    found.push(PathBuf::from("/etc/gitattributes"));
    Ok(found)
}
