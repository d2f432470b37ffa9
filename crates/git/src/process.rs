//! The one place that starts the git program.
//!
//! Every git process runs in a process group of its own with a time limit, prints plain English, and asks
//! nobody.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use super::bounded::{OutputMode, finish};
use super::user_config::UserConfig;

/// Variables that name a repository. A git that started Paddock (a hook, an alias) may have set them; they
/// would lead Paddock's own calls to that repository.
pub const REPOSITORY_VARIABLES: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

#[cfg(test)]
thread_local! {
    /// Processes that this thread has started, for tests that count them.
    pub(super) static STARTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A call of the git program that is not started yet.
#[derive(Debug)]
pub(super) struct Process(Command);

impl Process {
    /// Creates a process that inherits no `GIT_*` variable of Paddock's own environment, except those that
    /// lead to the user's configuration, and ignores replaced objects and grafts. libgit2 knows neither, so the
    /// program would read other commits than libgit2 does.
    pub(super) fn isolated() -> Self {
        let own = std::env::vars_os().map(|(name, _)| name);
        let process = Self::without(own.filter(|name| name.as_encoded_bytes().starts_with(b"GIT_")));
        process.variables(UserConfig::from_environment().variables()).variables([
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_GRAFT_FILE", "/dev/null"),
            // A call that only reads must not take `index.lock`: an agent or the user may need it at that
            // moment.
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_EDITOR", "true"),
        ])
    }

    /// Creates a process that uses the user's own settings, credentials included.
    pub(super) fn with_user_settings() -> Self {
        Self::without(REPOSITORY_VARIABLES)
    }

    fn without<S: AsRef<OsStr>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new("git");
        for name in names {
            command.env_remove(name);
        }
        // An empty value stops git from trying the next source, `core.askPass`, which may open a window.
        command.env("GIT_ASKPASS", "");
        Self(command)
    }

    /// Sets environment variables; later calls override earlier ones.
    pub(super) fn variables<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.0.envs(variables);
        self
    }

    /// Removes environment variables, inherited ones included.
    pub(super) fn remove<S: AsRef<OsStr>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        for name in names {
            self.0.env_remove(name);
        }
        self
    }

    pub(super) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.0.args(arguments);
        self
    }

    pub(super) fn folder(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs the process with `input` on standard input. Returns `None` if it exceeded `limit` and was
    /// stopped, or if `mode` asks for the whole output and the end of the output does not come.
    ///
    /// # Errors
    /// Fails if the process cannot be started.
    pub(super) fn run(self, input: Vec<u8>, limit: Duration, mode: OutputMode) -> io::Result<Option<Output>> {
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        let mut command = self.prepared();
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command.spawn()?, input, limit, mode)
    }

    /// Starts the process for a caller that reads its standard output as it comes, and that ends it.
    ///
    /// # Errors
    /// Fails if the process cannot be started.
    pub(super) fn start(self) -> io::Result<Child> {
        let mut command = self.prepared();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
    }

    fn prepared(self) -> Command {
        #[cfg(test)]
        STARTED.with(|started| started.set(started.get() + 1));
        let Self(mut command) = self;
        // Paddock reads some of git's output, and a translated git prints other words.
        command.env("LC_ALL", "C").env("LANGUAGE", "C").env("GIT_TERMINAL_PROMPT", "0");
        // Filters and helpers that trust PWD would work in Paddock's own folder instead of the call's.
        command.env_remove("PWD").env_remove("OLDPWD");
        // A process group of its own lets a timeout also kill the helpers and filters that git started.
        command.process_group(0);
        command
    }
}
