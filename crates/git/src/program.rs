//! The one place that runs the git program.
//!
//! Every call names the git directory (and the working tree, where there is one) explicitly and switches off
//! hooks, file system monitors, submodule recursion, prompts and automatic maintenance.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::bounded::{Wanted, finish};
use super::error::GitError;
use super::repository::Repository;

/// The least version of the git program: `merge-tree` of 2.39 is what candidates are made with.
pub const GIT_VERSION_MIN: &str = "2.39";

/// The longest that a call may take which reads, merges or moves refs: with 100,000 files these take seconds, so one that
/// takes minutes waits for a disk or a named pipe that never answers, and everything of its project waits behind it.
const CALL_TIME_MAX: Duration = Duration::from_secs(10 * 60);

/// The longest for a call that writes the files of a working tree: filters may fetch gigabytes over a slow line.
pub(crate) const CHECKOUT_TIME_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// Settings that hold in every call, stronger than any file.
const SETTINGS: [(&str, &str); 19] = [
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.quotePath", "false"),
    ("core.sshCommand", "false"),
    ("core.gitProxy", ""),
    ("core.pager", "cat"),
    ("credential.helper", ""),
    ("diff.ignoreSubmodules", "all"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("merge.conflictStyle", "merge"),
    ("merge.directoryRenames", "conflict"),
    ("merge.renames", "true"),
    ("protocol.ext.allow", "never"),
    ("submodule.recurse", "false"),
    ("worktree.useRelativePaths", "false"),
    ("advice.detachedHead", "false"),
    ("advice.graftFileDeprecated", "false"),
    ("protocol.version", "2"),
];

/// One call of the git program on a repository.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    git_dir: PathBuf,
    common_dir: &'a Path,
    work_tree: Option<&'a Path>,
    settings: Vec<(String, String)>,
    environment: Vec<(&'static str, OsString)>,
    arguments: Vec<OsString>,
    limit: Duration,
}

impl<'a> Call<'a> {
    /// A call that needs no working tree.
    pub(crate) fn new(repository: &'a Repository) -> Self {
        Self {
            git_dir: repository.common_dir().to_owned(),
            common_dir: repository.common_dir(),
            work_tree: None,
            settings: Vec::new(),
            environment: Vec::new(),
            arguments: Vec::new(),
            limit: CALL_TIME_MAX,
        }
    }

    /// Works in this working tree, whose own git directory is `git_dir`.
    pub(crate) fn in_worktree(mut self, git_dir: &Path, work_tree: &'a Path) -> Self {
        self.git_dir = git_dir.to_owned();
        self.work_tree = Some(work_tree);
        self
    }

    /// Flushes what the call writes: objects and refs.
    pub(crate) fn durable(self) -> Self {
        self.setting("core.fsync", "committed,loose-object,reference")
    }

    pub(crate) fn setting(mut self, key: impl Into<String>, value: &str) -> Self {
        self.settings.push((key.into(), value.to_owned()));
        self
    }

    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// For a call that may take longer than [`CALL_TIME_MAX`].
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it and hands back how it ended, whatever that was.
    pub(crate) fn output(self) -> Result<Output, GitError> {
        self.output_of(Vec::new())
    }

    /// Like [`Self::output`], with this on its standard input, however much it prints meanwhile.
    pub(crate) fn output_of(self, input: Vec<u8>) -> Result<Output, GitError> {
        let (command, limit) = (shown(&self.arguments), self.limit);
        self.bounded(input, limit, Wanted::All)?.ok_or(GitError::TimedOut { command, limit })
    }

    /// Like [`Self::output_of`], where somebody outside may have to answer. Returns none if nobody did in this time:
    /// then the call was ended.
    pub(crate) fn output_within(self, limit: Duration, input: Vec<u8>) -> Result<Option<Output>, GitError> {
        self.bounded(input, limit, Wanted::Words)
    }

    fn bounded(self, input: Vec<u8>, limit: Duration, wanted: Wanted) -> Result<Option<Output>, GitError> {
        let mut command = self.command();
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        // A group of its own, so that what it starts can be ended with it.
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().map_err(GitError::io(Path::new("git")))?;
        finish(child, input, limit, wanted).map_err(GitError::io(Path::new("git")))
    }

    fn command(self) -> Command {
        let mut command = bare_command();
        command.args(&self.arguments).current_dir(self.work_tree.unwrap_or(&self.git_dir));
        command.env("GIT_DIR", &self.git_dir).env("GIT_COMMON_DIR", self.common_dir);
        if let Some(work_tree) = self.work_tree {
            command.env("GIT_WORK_TREE", work_tree);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let own = self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut count = 0;
        for (key, value) in SETTINGS.into_iter().chain(own) {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command
    }

    /// Runs it and takes anything but success for an error.
    pub(crate) fn run(self) -> Result<Vec<u8>, GitError> {
        let command = shown(&self.arguments);
        let output = self.output()?;
        if output.status.success() { Ok(output.stdout) } else { Err(refused(command, &output)) }
    }
}

/// The error for a call that did not succeed.
pub(crate) fn refused(command: String, output: &Output) -> GitError {
    GitError::Program { command, status: output.status.to_string(), stderr: said(output) }
}

/// The end of what a call wrote to standard error, at most 4,000 characters.
pub(crate) fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.trim();
    let skip = text.chars().count().saturating_sub(4_000);
    text.chars().skip(skip).collect()
}

fn shown(arguments: &[OsString]) -> String {
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    words.join(" ").chars().take(300).collect()
}

/// git without any of the caller's `GIT_*` variables, without prompts, in plain English.
fn bare_command() -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
        command.env_remove(name);
    }
    // Filters and helpers would take Paddock's own folder for the one they work in.
    command.env_remove("PWD").env_remove("OLDPWD");
    command.env("LC_ALL", "C").env("LANGUAGE", "C").env("GIT_TERMINAL_PROMPT", "0");
    // Everybody sees the objects that there are: libgit2 knows no replacements and no grafts.
    command.env("GIT_NO_REPLACE_OBJECTS", "1").env("GIT_GRAFT_FILE", "/dev/null");
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_ASKPASS", "").env("GIT_EDITOR", "true");
    command
}

/// The version of the git program on PATH, as it prints it (`2.47.3`).
///
/// # Errors
/// [`GitError::Version`] when there is none, or it is older than [`GIT_VERSION_MIN`].
pub fn check_version() -> Result<String, GitError> {
    let missing = |found: String| GitError::Version { needed: GIT_VERSION_MIN, found };
    let output = bare_command().arg("version").stdin(Stdio::null()).output();
    let output = output.map_err(|error| missing(format!("none ({error})")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().trim_start_matches("git version ").to_owned();
    if is_new_enough(&version) { Ok(version) } else { Err(missing(version)) }
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (major, minor) >= (2, 39)
}

/// Flushes a file, or a folder with the names in it, so that it survives a power loss.
pub(crate) fn flush_path(path: &Path) -> Result<(), GitError> {
    fs::File::open(path).and_then(|file| file.sync_all()).map_err(GitError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_never_ends_is_stopped_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let library = git2::Repository::init(folder.path()).unwrap();
        let tree = library.treebuilder(None).and_then(|tree| tree.write()).unwrap();
        let by = git2::Signature::now("Ada", "ada@localhost").unwrap();
        library.commit(Some("HEAD"), &by, &by, "Begin", &library.find_tree(tree).unwrap(), &[]).unwrap();
        let repository = Repository::open(folder.path()).unwrap();
        // It waits for somebody to write into the pipe.
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let call = Call::new(&repository).limit(Duration::from_millis(50));
        let error = call.args(["hash-object", pipe.to_str().unwrap()]).run().unwrap_err().to_string();
        assert!(error.contains("hash-object") && error.contains("was stopped"), "{error}");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_new_enough("2.39.5") && is_new_enough("2.100.0") && is_new_enough("3.0.0"));
        assert!(is_new_enough("2.39.3 (Apple Git-146)"));
        assert!(!is_new_enough("2.38.9") && !is_new_enough("1.99") && !is_new_enough("nonsense"));
    }
}
