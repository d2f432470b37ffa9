//! One walk over a folder: what lies at each tracked path, and what else is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::super::error::GitError;
use super::clear::open_up;
use super::table::{Kind, Seen, Stat, StatTrust, Table};
use super::tree::{Tracked, below, is_below};
use paddock_model::path::RepoPath;

/// A folder, and what it is held against.
pub(super) struct Walk<'a> {
    pub(super) root: &'a Path,
    pub(super) tracked: &'a Tracked,
    /// Untracked paths that outlive a run.
    pub(super) kept: &'a BTreeSet<RepoPath>,
    pub(super) table: &'a Table,
    pub(super) trust: StatTrust,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// What lies at tracked paths, right or wrong.
    pub(super) files: BTreeMap<RepoPath, Seen>,
    /// Folders of submodules that hold anything.
    pub(super) populated: Vec<RepoPath>,
    /// Topmost paths that nobody tracks and no rule keeps; also what lies in place of a tracked folder or of
    /// a submodule.
    pub(super) strangers: Vec<RepoPath>,
    /// Topmost untracked files and folders that a rule keeps, if git ignores them.
    pub(super) kept: Vec<RepoPath>,
    /// Untracked folders that lead to kept ones, outer folders first.
    pub(super) searched: Vec<RepoPath>,
}

impl Walk<'_> {
    /// Looks at the folder. Makes folders accessible that their owner cannot list; changes nothing else and
    /// follows no link.
    ///
    /// # Errors
    /// Fails if a folder cannot be listed or a file cannot be read.
    pub(super) fn survey(&self) -> Result<Survey, GitError> {
        let mut survey = Survey::default();
        let mut due = vec![RepoPath::new("")];
        while let Some(folder) = due.pop() {
            let full = self.root.join(folder.as_path());
            let stat = Stat::read(&full).map_err(GitError::io(&full))?;
            let Some(stat) = stat.filter(|stat| stat.kind == Kind::Folder) else {
                return Err(GitError::Unexpected(format!("{} is no folder any more", full.display())));
            };
            open_up(&full, &stat).map_err(GitError::io(&full))?;
            for entry in fs::read_dir(&full).map_err(GitError::io(&full))? {
                let entry = entry.map_err(GitError::io(&full))?;
                // git's own file, which ties the folder to its repository.
                if folder.as_bytes().is_empty() && entry.file_name() == ".git" {
                    continue;
                }
                let path = below(&folder, entry.file_name().as_encoded_bytes());
                self.visit(path, &entry, &mut survey, &mut due)?;
            }
        }
        Ok(survey)
    }

    fn visit(
        &self,
        path: RepoPath,
        entry: &fs::DirEntry,
        survey: &mut Survey,
        due: &mut Vec<RepoPath>,
    ) -> Result<(), GitError> {
        let full = entry.path();
        let kind = entry.file_type().map_err(GitError::io(&full))?;
        if self.tracked.files.contains_key(&path) {
            if let Some(seen) = self.look(&path, &full)? {
                survey.files.insert(path, seen);
            }
        } else if self.tracked.submodules.contains_key(&path) && kind.is_dir() {
            if fs::read_dir(&full).map_or(true, |mut entries| entries.next().is_some()) {
                survey.populated.push(path);
            }
        } else if self.tracked.folders.contains(&path) && kind.is_dir() {
            due.push(path);
        } else if (kind.is_dir() || kind.is_file()) && self.kept.contains(&path) {
            survey.kept.push(path);
        } else if kind.is_dir() && self.leads_to_kept(&path) && !is_repository(&full) {
            survey.searched.push(path.clone());
            due.push(path);
        } else {
            survey.strangers.push(path);
        }
        Ok(())
    }

    fn leads_to_kept(&self, folder: &RepoPath) -> bool {
        self.kept.iter().any(|kept| is_below(kept, folder))
    }

    /// Returns what lies at a tracked path. A file that cannot be read has permissions that git never gives,
    /// so it is wrong, whatever is in it.
    pub(super) fn look(&self, path: &RepoPath, full: &Path) -> Result<Option<Seen>, GitError> {
        match self.table.look(path, full, self.trust) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let stat = Stat::read(full).map_err(GitError::io(full))?;
                Ok(stat.map(|stat| Seen { stat, content: [0; 32] }))
            }
            seen => seen.map_err(GitError::io(full)),
        }
    }
}

/// Returns whether a folder is a repository of its own: nothing in it is kept.
fn is_repository(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(".git")).is_ok()
}
