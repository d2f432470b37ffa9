//! What a gate worktree's set-up is made from: when any of it is another one, the set-up is run again.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::GitError;
use super::repository::{Repository, oid};
use super::worktree::{Worktree, absolute, admin_of};
use paddock_model::ids::ObjectId;

/// Files at the top that say what is installed, in the common ecosystems.
const INPUTS: &[&str] = &[
    "Cargo.lock",
    "Gemfile.lock",
    "Pipfile.lock",
    "bun.lockb",
    "composer.lock",
    "flake.lock",
    "go.sum",
    "mix.lock",
    "package-lock.json",
    "package.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "rust-toolchain.toml",
    "setup.py",
    "uv.lock",
    "yarn.lock",
];

/// What was set up last, in the worktree's own git directory.
const DONE_FILE: &str = "paddock-set-up";
/// What is being set up.
const WANTED_FILE: &str = "paddock-set-up.wanted";

/// Names a set-up command with its inputs as a commit has them: files that say what is installed, and those that the
/// command itself names.
///
/// # Errors
/// When the commit cannot be read.
pub fn set_up_key(repository: &Repository, commit: &ObjectId, command: &str) -> Result<String, GitError> {
    let library = repository.library()?;
    let tree = library.find_commit(oid(commit)?)?.tree()?;
    let mut hash = Sha256::new();
    hash.update(command.as_bytes());
    let named = command.split(|c: char| c.is_whitespace() || "\"'();&|<>".contains(c));
    let named = named.map(|word| word.trim_start_matches("./")).filter(|word| !word.is_empty());
    for path in INPUTS.iter().copied().chain(named) {
        if let Ok(entry) = tree.get_path(Path::new(path)) {
            hash.update([0]);
            hash.update(path.as_bytes());
            hash.update(entry.id().as_bytes());
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether the worktree is set up in another way, not at all, or is to be set up anew. From here on it counts as not
/// set up.
///
/// # Errors
/// Whatever the file system refuses.
pub fn must_set_up(worktree: &Worktree, key: &str, anew: bool) -> Result<bool, GitError> {
    let done = worktree.git_dir.join(DONE_FILE);
    if !anew && fs::read_to_string(&done).is_ok_and(|known| known == key) {
        return Ok(false);
    }
    match fs::remove_file(&done) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(GitError::io(&done)(error)),
        _ => {}
    }
    let wanted = worktree.git_dir.join(WANTED_FILE);
    fs::write(&wanted, key).map_err(GitError::io(&wanted))?;
    Ok(true)
}

/// The set-up that was wanted last has succeeded.
pub fn is_set_up(repository: &Repository, worktree: &Path) {
    let Ok(Some(git_dir)) = absolute(worktree).and_then(|path| admin_of(repository, &path)) else { return };
    let (wanted, done) = (git_dir.join(WANTED_FILE), git_dir.join(DONE_FILE));
    // Not told, it is run once more: that does no harm.
    if let Err(error) = fs::rename(&wanted, &done) {
        tracing::debug!(%error, "the set-up of a gate worktree is run again");
    }
}
