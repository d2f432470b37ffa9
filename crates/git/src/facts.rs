//! A few plain facts about a repository.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::repository::Repository;
use super::target::symbolic_head;

/// The facts that `project add` and the start of the supervisor check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryFacts {
    /// Folder that was opened.
    pub root: PathBuf,
    /// Git directory that all worktrees share.
    pub common_dir: PathBuf,
    /// Whether the repository has no working tree of its own.
    pub bare: bool,
    /// Branch that HEAD is on, without `refs/heads/`; `None` if HEAD is detached.
    pub head_branch: Option<String>,
    /// The user's name and e-mail address, as git would use them.
    pub user_identity: Option<(String, String)>,
    /// Whether the user has a branch `paddock`. Refs are files, so it rules the name `paddock/<id>/work` out.
    pub has_paddock_branch: bool,
}

impl Repository {
    /// Reads the facts.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn facts(&self) -> Result<RepositoryFacts, GitError> {
        let library = self.library()?;
        let config = library.config()?.snapshot()?;
        let text = |key: &str| config.get_string(key).ok().filter(|value| !value.trim().is_empty());
        Ok(RepositoryFacts {
            root: self.repo_root().to_owned(),
            common_dir: self.common_dir().to_owned(),
            bare: self.main_worktree().is_none(),
            head_branch: symbolic_head(self.common_dir()),
            user_identity: text("user.name").zip(text("user.email")),
            has_paddock_branch: library.find_reference("refs/heads/paddock").is_ok(),
        })
    }
}
