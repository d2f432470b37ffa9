//! The identity with which git, run in a worktree in a given environment, writes commits.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::bounded::OutputMode;
use super::error::GitError;
use super::process::Process;
use super::program::program_error;

/// Reading a few small files takes milliseconds; one of them may lie on a disk that hangs, or be a pipe.
const READ_TIME_MAX: Duration = Duration::from_secs(10);
/// Who the commits are by, for both roles and for each by itself.
const KEYS: &str = r"^(user|author|committer)\.(name|email)$";

/// Where, and with which variables beyond Paddock's own, git is asked.
#[derive(Debug, Clone, Copy)]
pub struct IdentityQuestion<'a> {
    /// The worktree.
    pub work_tree: &'a Path,
    /// Its git directory.
    pub git_dir: &'a Path,
    /// Variables that are removed from Paddock's own.
    pub unset: &'a [String],
    /// Variables that are set, each map over the one before it.
    pub set: [&'a BTreeMap<String, String>; 2],
}

/// The values of `user.name`, `user.email` and their twins for author and committer that hold there, by key: of
/// every file that git reads, with conditional includes and the worktree's own configuration. A value that is no
/// UTF-8 is left out.
///
/// # Errors
/// When git cannot be run, refuses the configuration, or does not answer within ten seconds.
pub fn configured_identity(question: &IdentityQuestion<'_>) -> Result<BTreeMap<String, String>, GitError> {
    let mut git = Process::with_user_settings().remove(question.unset);
    for variables in question.set {
        git = git.variables(variables);
    }
    // Named, so that a `.git` file that an agent wrote is not followed.
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
        // No key matches.
        Some(1) => Ok(BTreeMap::new()),
        _ => Err(program_error(command(), &output)),
    }
}

/// `KEY LF VALUE NUL` each, the strongest last; a key without a value has no LF.
fn values(output: &[u8]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in output.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let mut parts = entry.splitn(2, |byte| *byte == b'\n');
        let key = parts.next().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        match parts.next().map(str::from_utf8) {
            Some(Ok(value)) => drop(found.insert(key, value.to_owned())),
            _ => drop(found.remove(&key)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_holds_whatever_it_consists_of() {
        let output =
            b"user.name\nAda\0user.email\na@b\0user.name\nA \"B\"\nC\0author.name\n\xff\0committer.name\0";
        let found = values(output);
        assert_eq!(found.get("user.name").map(String::as_str), Some("A \"B\"\nC"));
        assert_eq!(found.get("user.email").map(String::as_str), Some("a@b"));
        assert_eq!(found.len(), 2);
    }
}
