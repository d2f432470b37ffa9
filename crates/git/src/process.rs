//! The one place that starts the git program.
//!
//! Every process of it runs in a process group of its own with a time limit, in plain English, and asks nobody.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::bounded::{Wanted, finish};

/// Variables that name a repository: set by a git that started Paddock, they would lead another git to that one.
pub const REPOSITORY_VARIABLES: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

/// A process of the git program that is not started yet.
#[derive(Debug)]
pub(super) struct Process(Command);

impl Process {
    /// One that no `GIT_*` variable of Paddock's own environment reaches, and that sees the objects that there are:
    /// libgit2 knows no replacements and no grafts.
    pub(super) fn isolated() -> Self {
        let own = std::env::vars_os().map(|(name, _)| name);
        let process = Self::without(own.filter(|name| name.as_encoded_bytes().starts_with(b"GIT_")));
        process.variables([
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_GRAFT_FILE", "/dev/null"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_EDITOR", "true"),
        ])
    }

    /// One that works with the user's own settings, credentials included.
    pub(super) fn of_user() -> Self {
        Self::without(REPOSITORY_VARIABLES)
    }

    fn without<S: AsRef<OsStr>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new("git");
        for name in names {
            command.env_remove(name);
        }
        command.env("GIT_ASKPASS", "");
        Self(command)
    }

    /// Sets variables, over what was set before.
    pub(super) fn variables<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.0.envs(variables);
        self
    }

    /// Removes variables, those of Paddock's own environment included.
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

    /// Runs it with this on its standard input. Returns none if it took longer than `limit` and was ended, or if all
    /// of its output is wanted and does not come.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn run(self, input: Vec<u8>, limit: Duration, wanted: Wanted) -> io::Result<Option<Output>> {
        let Self(mut command) = self;
        command.env("LC_ALL", "C").env("LANGUAGE", "C").env("GIT_TERMINAL_PROMPT", "0");
        // Filters and helpers would take Paddock's own folder for the one they work in.
        command.env_remove("PWD").env_remove("OLDPWD");
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        // A group of its own, so that what it starts can be ended with it.
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        finish(command.spawn()?, input, limit, wanted)
    }
}
