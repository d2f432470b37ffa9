//! Calls of the git program on a repository.
//!
//! Every call names the git directory (and the working tree, if it needs one) explicitly and switches off
//! hooks, file system monitors, submodule recursion, prompts and automatic maintenance.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use std::time::Duration;

use super::bounded::OutputMode;
use super::error::GitError;
use super::process::Process;
use super::repository::Repository;
use super::user_config::UserConfig;
use paddock_os::plain;

/// Oldest supported version of the git program: 2.39 is the first with `merge-tree --stdin`, which predicts
/// conflicts between branches.
pub const GIT_VERSION_MIN: &str = "2.39";

/// First version of the git program that reads attributes in a merge without a checkout. An older one merges
/// as text: it uses neither merge drivers nor `merge=union` nor `-merge`.
pub const GIT_VERSION_ATTRIBUTES: &str = "2.41";

/// Time limit of a call that reads, merges or moves refs. With 100,000 files these take seconds, so a call
/// that takes minutes hangs on a disk or a named pipe, and everything else in its project waits behind it.
const CALL_TIME_MAX: Duration = Duration::from_secs(10 * 60);

/// Time limit of a call that writes the files of a working tree: filters may fetch gigabytes over a slow
/// line.
pub(crate) const CHECKOUT_TIME_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// Time limit of `git version`, which reads no repository.
const VERSION_TIME_MAX: Duration = Duration::from_secs(60);

/// Settings of every call. They are passed in the environment, so they override every configuration file,
/// including the repository's own, which an agent can write.
const SETTINGS: [(&str, &str); 20] = [
    // An agent could plant a program in each of these settings, and git would run it.
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    // Messages show file names as they are, not as octal escapes.
    ("core.quotePath", "false"),
    // No call of this module has a reason to reach a network or to ask for credentials.
    ("core.sshCommand", "false"),
    ("core.gitProxy", ""),
    ("core.pager", "cat"),
    ("core.alternateRefsCommand", "true"),
    ("credential.helper", ""),
    // Looking into a submodule would run git in a repository that the agent controls.
    ("diff.ignoreSubmodules", "all"),
    // Maintenance would go on in the background, pack refs and hold locks while Paddock moves refs.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    // A merge must give the same tree whatever the user's own settings for merges are.
    ("merge.conflictStyle", "merge"),
    ("merge.directoryRenames", "conflict"),
    ("merge.renames", "true"),
    // An `ext::` URL is a command line.
    ("protocol.ext.allow", "never"),
    ("submodule.recurse", "false"),
    // With `true`, git 2.48 and newer mark the repository with an extension that older programs refuse.
    ("worktree.useRelativePaths", "false"),
    // Standard error is shown to people: advice would bury the reason of a failure.
    ("advice.detachedHead", "false"),
    ("advice.graftFileDeprecated", "false"),
    ("protocol.version", "2"),
];

/// One call of the git program on a repository.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    git_dir: PathBuf,
    repository: &'a Repository,
    work_tree: Option<&'a Path>,
    settings: Vec<(String, String)>,
    environment: Vec<(&'static str, OsString)>,
    arguments: Vec<OsString>,
    limit: Duration,
}

impl<'a> Call<'a> {
    /// Creates a call that needs no working tree.
    pub(crate) fn new(repository: &'a Repository) -> Self {
        Self {
            git_dir: repository.common_dir().to_owned(),
            repository,
            work_tree: None,
            settings: Vec::new(),
            environment: Vec::new(),
            arguments: Vec::new(),
            limit: CALL_TIME_MAX,
        }
    }

    /// Runs the call in this working tree, whose own git directory is `git_dir`.
    pub(crate) fn in_worktree(mut self, git_dir: &Path, work_tree: &'a Path) -> Self {
        self.git_dir = git_dir.to_owned();
        self.work_tree = Some(work_tree);
        self
    }

    /// Makes git flush the objects and refs that the call writes.
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

    /// Replaces the default time limit, [`CALL_TIME_MAX`].
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the call and returns its output, whatever its exit status.
    pub(crate) fn output(self) -> Result<Output, GitError> {
        self.output_with_input(Vec::new())
    }

    /// Like [`Self::output`], but feeds `input` to standard input from a second thread, so that neither side
    /// blocks on a full pipe.
    pub(crate) fn output_with_input(self, input: Vec<u8>) -> Result<Output, GitError> {
        let (command, limit) = (display_arguments(&self.arguments), self.limit);
        self.bounded(input, limit, OutputMode::Whole)?.ok_or(GitError::TimedOut { command, limit })
    }

    /// Like [`Self::output_with_input`], for a call that may wait for somebody outside. Returns `None` if the
    /// call did not end within `limit` and was stopped.
    pub(crate) fn output_within(self, limit: Duration, input: Vec<u8>) -> Result<Option<Output>, GitError> {
        self.bounded(input, limit, OutputMode::Excerpt)
    }

    fn bounded(self, input: Vec<u8>, limit: Duration, mode: OutputMode) -> Result<Option<Output>, GitError> {
        self.process()?.run(input, limit, mode).map_err(GitError::io(Path::new("git")))
    }

    /// Starts the call for a caller that reads its standard output as it comes, and that ends it.
    pub(crate) fn start(self) -> Result<Child, GitError> {
        self.process()?.start().map_err(GitError::io(Path::new("git")))
    }

    fn process(self) -> Result<Process, GitError> {
        // Read at each call: an agent can write to the configuration at any moment.
        let switched = self.repository.switched(&self.git_dir)?;
        let mut variables: Vec<(String, OsString)> = vec![
            // With both variables set, git neither searches for a repository nor follows the worktree's
            // `.git` file.
            ("GIT_DIR".to_owned(), self.git_dir.clone().into()),
            ("GIT_COMMON_DIR".to_owned(), self.repository.common_dir().into()),
            // Only the repository itself is read, never one that a URL or a remote leads to.
            ("GIT_ALLOW_PROTOCOL".to_owned(), "file".into()),
            ("GIT_NO_LAZY_FETCH".to_owned(), "1".into()),
        ];
        variables.extend(self.work_tree.map(|work_tree| ("GIT_WORK_TREE".to_owned(), work_tree.into())));
        variables.extend(self.environment.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let fixed = SETTINGS.into_iter().map(|(key, value)| (key.into(), value.into()));
        let per_call = self.settings.into_iter().map(|(key, value)| (key.into(), value.into()));
        // The user's own come first: later ones override them.
        let own = UserConfig::from_environment().pairs().to_vec();
        let mut count = 0;
        for (key, value) in own.into_iter().chain(fixed).chain(per_call).chain(switched.settings) {
            variables.push((format!("GIT_CONFIG_KEY_{count}"), key));
            variables.push((format!("GIT_CONFIG_VALUE_{count}"), value));
            count += 1;
        }
        variables.push(("GIT_CONFIG_COUNT".to_owned(), count.to_string().into()));
        let folder = self.work_tree.unwrap_or(&self.git_dir);
        Ok(Process::isolated().variables(variables).args(&self.arguments).folder(folder))
    }

    /// Runs the call and returns its standard output. Fails unless the call exits with status 0.
    pub(crate) fn run(self) -> Result<Vec<u8>, GitError> {
        let command = display_arguments(&self.arguments);
        let output = self.output()?;
        if output.status.success() { Ok(output.stdout) } else { Err(program_error(command, &output)) }
    }
}

/// Returns the error for a call that exited with another status than 0.
pub(crate) fn program_error(command: String, output: &Output) -> GitError {
    GitError::Program { command, status: output.status.to_string(), stderr: stderr_tail(output) }
}

/// Returns the end of a call's standard error, at most 4,000 characters. The reason of a failure comes last,
/// after progress and warnings.
pub(crate) fn stderr_tail(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.trim();
    let skip = text.chars().count().saturating_sub(4_000);
    text.chars().skip(skip).collect()
}

fn display_arguments(arguments: &[OsString]) -> String {
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    words.join(" ").chars().take(300).collect()
}

/// Returns the version of the git program on PATH, as the program prints it (`2.47.3`).
///
/// # Errors
/// [`GitError::Version`] if there is no git program, or if it is older than [`GIT_VERSION_MIN`].
pub fn check_version() -> Result<String, GitError> {
    let missing = |found: String| GitError::Version { needed: GIT_VERSION_MIN, found };
    let output = Process::isolated().args(["version"]).run(Vec::new(), VERSION_TIME_MAX, OutputMode::Whole);
    let output = output.map_err(|error| missing(format!("none ({error})")))?;
    let output =
        output.ok_or_else(|| missing("none (the git program on PATH does not answer)".to_owned()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().trim_start_matches("git version ").to_owned();
    if is_at_least(&version, GIT_VERSION_MIN) { Ok(version) } else { Err(missing(version)) }
}

/// Returns whether a version of the git program is at least [`GIT_VERSION_ATTRIBUTES`].
#[must_use]
pub fn merges_by_attributes(version: &str) -> bool {
    is_at_least(version, GIT_VERSION_ATTRIBUTES)
}

fn is_at_least(version: &str, least: &str) -> bool {
    let numbers = |version: &str| {
        // A part that is no number (`3 (Apple Git-146)`, `rc1`) counts as 0: only major and minor matter here.
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    };
    numbers(version) >= numbers(least)
}

/// Flushes a file, or a folder with the names in it, so that it survives a power loss.
pub(crate) fn flush_path(path: &Path) -> Result<(), GitError> {
    plain::open(path).and_then(|file| file.sync_all()).map_err(GitError::io(path))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_call_that_never_ends_is_stopped_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let library = git2::Repository::init(folder.path()).unwrap();
        let tree = library.treebuilder(None).and_then(|tree| tree.write()).unwrap();
        let by = git2::Signature::now("Ada", "ada@localhost").unwrap();
        library.commit(Some("HEAD"), &by, &by, "Begin", &library.find_tree(tree).unwrap(), &[]).unwrap();
        let repository = Repository::open(folder.path()).unwrap();
        // `hash-object` blocks until somebody writes into the pipe.
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let call = Call::new(&repository).limit(Duration::from_millis(50));
        let error = call.args(["hash-object", pipe.to_str().unwrap()]).run().unwrap_err().to_string();
        assert!(error.contains("hash-object") && error.contains("was stopped"), "{error}");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let is_enough = |version| is_at_least(version, GIT_VERSION_MIN);
        assert!(is_enough("2.39.5") && is_enough("2.100.0") && is_enough("3.0.0"));
        assert!(is_enough("2.39.3 (Apple Git-146)"));
        assert!(!is_enough("2.38.9") && !is_enough("1.99") && !is_enough("nonsense"));
    }
}
