//! Making git know a folder as a worktree, without git.
//!
//! What is written is what `git worktree add` writes, except for what only its own checkout needs. The git
//! directory is made aside and renamed to its place when it is whole: `git worktree prune`, which the user may
//! run at any moment, never finds half of one.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::error::GitError;
use super::super::gate_folder::clear;
use super::super::repository::Repository;
use super::super::whole::own_settings;
use super::super::worktree::write_if_other;
use super::take::Taken;
use paddock_model::ids::ObjectId;
use paddock_os::plain;

/// Names that are tried for a git directory. git numbers worktrees of the same name, too.
const NAMES_MAX: u32 = 10_000;

/// Moves files out of a pool to `path`, and registers them as a worktree on a branch that exists and is at
/// `commit`. Returns its git directory. Where anything lies at `path` after an error, it is half made.
///
/// # Errors
/// Fails if the file system reports an error.
pub(crate) fn register(
    repository: &Repository,
    taken: Taken<'_>,
    path: &Path,
    (branch, commit): (&str, &ObjectId),
) -> Result<PathBuf, GitError> {
    let made = taken.aside("admin");
    clear(&made).map_err(GitError::io(&made))?;
    write(repository, &made, path, (branch, commit))?;
    taken.give(path, &made.join("index"))?;
    let admin = publish(repository, &made, path)?;
    taken.settle(path)?;
    Ok(admin)
}

/// Writes everything but the index.
fn write(
    repository: &Repository,
    made: &Path,
    path: &Path,
    (branch, commit): (&str, &ObjectId),
) -> Result<(), GitError> {
    for folder in [made.to_owned(), made.join("refs"), made.join("logs")] {
        fs::create_dir_all(&folder).map_err(GitError::io(&folder))?;
    }
    for (name, text) in [
        ("gitdir", format!("{}\n", path.join(".git").display())),
        ("commondir", "../..\n".to_owned()),
        ("HEAD", format!("ref: refs/heads/{branch}\n")),
        ("logs/HEAD", log_line(repository, commit)),
    ] {
        let file = made.join(name);
        fs::write(&file, text).map_err(GitError::io(&file))?;
    }
    copy_settings(repository, made)
}

/// Copies what the user set for the repository's own worktree, as git does. Rules of a sparse checkout are not
/// copied: every worktree is whole.
fn copy_settings(repository: &Repository, made: &Path) -> Result<(), GitError> {
    let common = repository.common_dir();
    let has_own = repository.library()?.config()?.get_bool("extensions.worktreeConfig").unwrap_or(false);
    if has_own && copy_file(&common.join("config.worktree"), &made.join("config.worktree"))? {
        let mut config = git2::Config::open(&made.join("config.worktree"))?;
        if config.get_bool("core.bare").unwrap_or(false) {
            config.remove("core.bare")?;
        }
        // Both belong to the repository's own worktree alone.
        if config.get_string("core.worktree").is_ok() {
            config.remove("core.worktree")?;
        }
        own_settings(made)?;
    }
    Ok(())
}

/// Copies a file. Returns `false` if there is none.
fn copy_file(from: &Path, to: &Path) -> Result<bool, GitError> {
    match plain::read(from) {
        Ok(bytes) => fs::write(to, bytes).map_err(GitError::io(to)).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(GitError::io(from)(error)),
    }
}

/// Returns the first line of the log of HEAD.
fn log_line(repository: &Repository, commit: &ObjectId) -> String {
    let by = repository.library().ok().and_then(|library| {
        let by = library.signature().ok()?;
        let clean = |text: Option<&str>| text.unwrap_or_default().replace(['<', '>', '\n'], "");
        Some(format!("{} <{}>", clean(by.name().ok()), clean(by.email().ok())))
    });
    let by = by.unwrap_or_else(|| "Paddock <paddock@localhost>".to_owned());
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    format!("{} {commit} {by} {now_s} +0000\n", "0".repeat(commit.as_str().len()))
}

/// Gives the git directory its name, and ties the folder to it.
fn publish(repository: &Repository, made: &Path, path: &Path) -> Result<PathBuf, GitError> {
    let folder = repository.common_dir().join("worktrees");
    fs::create_dir_all(&folder).map_err(GitError::io(&folder))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for number in 0..NAMES_MAX {
        let suffix = if number == 0 { String::new() } else { number.to_string() };
        let admin = folder.join(format!("{name}{suffix}"));
        if fs::symlink_metadata(&admin).is_ok() {
            continue;
        }
        // First: git takes a git directory for a stale one if its worktree has no such file.
        write_if_other(&path.join(".git"), &format!("gitdir: {}\n", admin.display()))?;
        match fs::rename(made, &admin) {
            Ok(()) => return Ok(admin),
            // The user's git has just taken the name.
            Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => {
            }
            Err(error) => return Err(GitError::io(&admin)(error)),
        }
    }
    Err(GitError::Unexpected(format!("{} has no free name for {name}", folder.display())))
}
