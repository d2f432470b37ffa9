//! The identity with which git, run in a worktree with a given environment, would write commits.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::bounded::OutputMode;
use super::error::GitError;
use super::process::Process;
use super::program::program_error;

/// Time limit. Reading a few small files takes milliseconds, but one of them may be on a disk that hangs, or
/// be a pipe.
const READ_TIME_MAX: Duration = Duration::from_secs(10);
/// Keys that name the author and the committer, for both roles and for each.
const KEYS: &str = r"^(user|author|committer)\.(name|email)$";

/// Where, and with which environment, git is asked.
#[derive(Debug, Clone, Copy)]
pub struct IdentityQuestion<'a> {
    /// Folder of the worktree.
    pub work_tree: &'a Path,
    /// Git directory of the worktree.
    pub git_dir: &'a Path,
    /// Variables removed from Paddock's own environment.
    pub unset: &'a [String],
    /// Variables set; the second map overrides the first.
    pub set: [&'a BTreeMap<String, String>; 2],
}

/// Returns the values of `user.name`, `user.email` and their counterparts for author and committer, by key,
/// as git finds them in all its files, conditional includes and the worktree's own configuration included.
/// Leaves out values that are not UTF-8.
///
/// The git program is asked, because libgit2 does not read GIT_CONFIG_GLOBAL, with which an agent's
/// environment may change the answer.
///
/// # Errors
/// Fails if git cannot be run, refuses the configuration, or does not answer within ten seconds.
pub fn configured_identity(question: &IdentityQuestion<'_>) -> Result<BTreeMap<String, String>, GitError> {
    let mut git = Process::with_user_settings().remove(question.unset);
    for variables in question.set {
        git = git.variables(variables);
    }
    // With the git directory named, git does not follow a `.git` file that an agent may have written.
    git = git.variables([("GIT_DIR", question.git_dir)]).remove(["GIT_COMMON_DIR", "GIT_WORK_TREE"]);
    git = git.args(["config", "--null", "--get-regexp", KEYS]).folder(question.work_tree);
    let command = || format!("config --get-regexp {KEYS}");
    let output = git.run(Vec::new(), READ_TIME_MAX, OutputMode::Whole);
    let Some(output) = output.map_err(GitError::io(Path::new("git")))? else {
        let problem = format!("`git {}` did not answer within {} s", command(), READ_TIME_MAX.as_secs());
        return Err(GitError::Unexpected(problem));
    };
    match output.status.code() {
        Some(0) => Ok(values(&output.stdout)),
        // Exit status 1: no key matches.
        Some(1) => Ok(BTreeMap::new()),
        _ => Err(program_error(command(), &output)),
    }
}

/// Parses entries of the form `KEY LF VALUE NUL`, the strongest last. A key without a value has no LF.
fn values(output: &[u8]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in output.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let mut parts = entry.splitn(2, |byte| *byte == b'\n');
        let key = parts.next().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        match parts.next().map(str::from_utf8) {
            Some(Ok(value)) => drop(found.insert(key, value.to_owned())),
            // git would use this last value, so an earlier one must not stand in for it.
            _ => drop(found.remove(&key)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_counts_whatever_bytes_it_has() {
        let output =
            b"user.name\nAda\0user.email\na@b\0user.name\nA \"B\"\nC\0author.name\n\xff\0committer.name\0";
        let found = values(output);
        assert_eq!(found.get("user.name").map(String::as_str), Some("A \"B\"\nC"));
        assert_eq!(found.get("user.email").map(String::as_str), Some("a@b"));
        assert_eq!(found.len(), 2);
    }
}
