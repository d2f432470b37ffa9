//! Repositories as arguments name them.

use std::path::{Path, PathBuf};

use super::exit_codes::Failure;
use paddock_git::{GitError, Repository, is_tracked};
pub(super) use paddock_supervisor::inspect::{ProjectFacts, inspect, inspect_any, unknown_branch};

/// The repository that a path means, and what is worth saying about it.
pub(super) struct Meant {
    pub root: PathBuf,
    pub note: Option<String>,
}

/// Returns the folder of the repository that a path means: its main worktree, or the git directory of a bare
/// one. `path` is canonical.
///
/// A folder inside a repository means that repository if the repository has files there. Fails if it has none
/// there, since a repository around everything (of a home folder's settings, say) is hardly meant; if there
/// is no repository; or if it cannot be used.
pub(super) fn meant(path: &Path) -> Result<Meant, Failure> {
    let repository = enclosing(path)?;
    let found = repository.repo_root();
    let root = match repository.main_worktree() {
        Some(main) => main.canonicalize().unwrap_or_else(|_| main.to_owned()),
        None => repository.common_dir().to_owned(),
    };
    let (shown, at) = (path.display(), root.display());
    let note = if found != path && root.as_path() == found && is_tracked(path) == Some(false) {
        if repository.main_worktree().is_some() && !path.starts_with(repository.common_dir()) {
            return Err(Failure::error(format!(
                "{shown} is inside the repository {at}, which has no files there: `paddock project add '{at}'` adds \
                 that repository; `git init` and a first commit in {shown} make one of its own"
            )));
        }
        Some(format!("{shown} is inside the repository {at}, which is what is added"))
    } else if root.as_path() != found && !found.starts_with(&root) {
        let what =
            if repository.main_worktree().is_some() { "the main worktree" } else { "the bare repository" };
        Some(format!("{shown} is a linked worktree; {what} {at} is what is added"))
    } else if root.as_path() != path {
        Some(format!("{shown} is inside the repository {at}, which is what is added"))
    } else {
        super_of(&repository).map(|outer| {
            let outer = outer.display();
            format!("{shown} is a submodule of {outer}; the project is the submodule alone, and its landings do not \
                     change what {outer} records of it")
        })
    };
    Ok(Meant { root, note })
}

/// Returns the nearest repository around a folder. Fails with what is wrong with it, or as if the folder were
/// to be opened itself if there is none.
fn enclosing(path: &Path) -> Result<Repository, GitError> {
    for folder in path.ancestors() {
        match Repository::open(folder) {
            Err(GitError::NotARepository(_)) => {}
            found => return found,
        }
    }
    Repository::open(path)
}

/// Returns the folder of the repository that a submodule belongs to: git keeps the git directories of
/// submodules in `modules/` of that repository's own.
pub(super) fn super_of(repository: &Repository) -> Option<PathBuf> {
    let mut above = repository.common_dir().ancestors().skip(1);
    let modules = above.find(|folder| folder.file_name().is_some_and(|name| name == "modules"))?;
    let outer = modules.parent().filter(|folder| folder.join("HEAD").is_file())?;
    outer.parent().filter(|_| outer.file_name().is_some_and(|name| name == ".git")).map(Path::to_owned)
}
