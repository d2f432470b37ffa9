//! Whether a repository needs git LFS on a machine that lacks it.

use std::time::Duration;

use super::super::bounded::OutputMode;
use super::super::error::GitError;
use super::super::process::Process;
use super::super::repository::Repository;
use super::applied::{Needed, needed};
use super::switch::{Drivers, is_lfs};
use paddock_model::ids::ObjectId;

/// Time limit of the question whether git LFS is there, which reads no repository.
const ASK_TIME_MAX: Duration = Duration::from_secs(10);

impl Repository {
    /// Returns a file of a commit that git cannot check out because git LFS is configured and not installed;
    /// `None` if nothing of that is so. `is_installed` is asked only where it matters.
    ///
    /// # Errors
    /// Fails if the configuration or the commit cannot be read.
    pub fn lacks_lfs(
        &self,
        commit: &ObjectId,
        is_installed: impl FnOnce() -> bool,
    ) -> Result<Option<Needed>, GitError> {
        let runs = |last: &[u8]| matches!(last, b"clean" | b"smudge" | b"process");
        let is_configured =
            self.entries()?.iter().any(|entry| is_lfs(&entry.key, &entry.value) && runs(entry.key.last()));
        if is_configured && !is_installed() { needed(self, commit, &Drivers::of_lfs()) } else { Ok(None) }
    }
}

/// Returns whether git finds git LFS, on PATH or among its own programs.
#[must_use]
pub fn is_lfs_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join("git-lfs").is_file()) {
        return true;
    }
    let asked = Process::isolated().args(["lfs", "version"]).folder(std::path::Path::new("/"));
    let asked = asked.run(Vec::new(), ASK_TIME_MAX, OutputMode::Whole).ok().flatten();
    asked.is_some_and(|output| output.status.success())
}
