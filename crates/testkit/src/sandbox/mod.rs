//! A temporary folder with a workspace and repositories, and functions to run and to check both.

mod agents;
mod checks;
mod processes;
mod projects;
mod scripted;
mod workplace;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::supervisor::Supervisor;
use crate::{bounded, git, until};

/// A temporary folder with a workspace, repositories, a home, and `notes/`, in which agents leave files.
///
/// When a sandbox is dropped at the end of a test that passes, no process that was started in it may be left.
/// After a test that fails, its processes are killed.
pub struct Sandbox {
    folder: tempfile::TempDir,
    root: PathBuf,
    may_leave_processes: bool,
}

impl Sandbox {
    /// Makes a sandbox with a workspace in the folder `workspace`, and an agent that runs the `sh` block of
    /// its objective's description.
    pub fn new() -> Self {
        let sandbox = Self::without_workspace();
        fs::write(sandbox.path("agent.sh"), agents::PROMPTED).unwrap();
        sandbox.good(&["init"]);
        sandbox
    }

    /// Makes a sandbox without a workspace.
    pub fn without_workspace() -> Self {
        let folder = tempfile::Builder::new().prefix("paddock-test-").tempdir().unwrap();
        let root = folder.path().join("workspace");
        let sandbox = Self { folder, root, may_leave_processes: false };
        fs::create_dir(sandbox.path("notes")).unwrap();
        fs::create_dir(sandbox.path("tmp")).unwrap();
        // Tests append lines to the last section.
        let settings =
            "[protocol \"file\"]\n\tallow = always\n[user]\n\tname = Someone\n\temail = someone@localhost\n";
        fs::write(sandbox.path("gitconfig"), settings).unwrap();
        sandbox
    }

    /// Returns the path of a file or folder in the sandbox.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the path of a file that agents know as `$NOTES/<name>`.
    pub fn note(&self, name: &str) -> PathBuf {
        self.path("notes").join(name)
    }

    /// Returns the folder of the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a command whose home, configuration and folder are in this sandbox.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.path()).env("XDG_DATA_HOME", self.path("data"));
        command.env("GIT_CONFIG_GLOBAL", self.path("gitconfig")).env("GIT_CONFIG_NOSYSTEM", "1");
        // The folders of jobs go with the sandbox, also after a test that kills supervisors.
        command.env("TMPDIR", self.path("tmp"));
        command.env("NOTES", self.path("notes")).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Returns a `paddock` command in the workspace.
    pub fn paddock(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(crate::program());
        command.arg("--root").arg(&self.root).args(arguments);
        command
    }

    /// Returns a `paddock` command in another workspace of the sandbox.
    pub fn paddock_in(&self, workspace: &str, arguments: &[&str]) -> Command {
        let mut command = self.program(crate::program());
        command.arg("--root").arg(self.path(workspace)).args(arguments);
        command
    }

    /// Runs a command like [`Self::run`], in another workspace of the sandbox.
    pub fn run_in(&self, workspace: &str, arguments: &[&str]) -> (i32, String, String) {
        outcome_in_two(&mut self.paddock_in(workspace, arguments))
    }

    /// Runs a command. Returns its exit code, its standard output and its standard error.
    pub fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        outcome_in_two(&mut self.paddock(arguments))
    }

    /// Runs a command. Returns its exit code, and its standard output and standard error together.
    pub fn outcome(&self, arguments: &[&str]) -> (i32, String) {
        outcome_of(&mut self.paddock(arguments))
    }

    /// Runs a command, which must succeed. Returns its standard output.
    pub fn good(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
        stdout
    }

    /// Runs a command, which must end with this exit code. Returns its standard error.
    pub fn refused(&self, arguments: &[&str], code: i32) -> String {
        let (found, stdout, stderr) = self.run(arguments);
        assert_eq!(found, code, "{arguments:?}: {stdout}{stderr}");
        stderr
    }

    /// Runs a command, which must succeed. Returns the JSON document that it prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(arguments)).unwrap()
    }

    /// Runs a supervisor until nothing moves any more. It must end with this exit code. Returns the events of
    /// that run.
    pub fn idle(&self, code: i32) -> Vec<Value> {
        let mut supervisor = self.supervisor(&["--until-idle"]);
        assert_eq!(supervisor.end(), code, "{}", self.run(&["status"]).1);
        supervisor.events()
    }

    /// Starts a supervisor in parallel with this test, and waits until it holds the workspace.
    pub fn supervisor(&self, options: &[&str]) -> Supervisor {
        let running = Supervisor::start(self.paddock(&["run", "--no-tui", "--json"]).args(options));
        // A command that runs before that would find no supervisor, and do the work in its own process.
        running.wait("supervisor_started", "*");
        running
    }

    /// Starts a supervisor with this command, and waits until it holds the workspace or has ended. Its
    /// standard error goes where the command says.
    pub fn supervisor_of(&self, command: Command) -> Supervisor {
        let mut running = Supervisor::start_with_stderr(command);
        let lock = self.root.join("runtime/paddock.lock");
        let pid = format!("pid: {}\n", running.pid().as_raw_nonzero());
        // A supervisor with little to do may have ended before its lock is seen.
        until("the supervisor holds the workspace", || {
            fs::read_to_string(&lock).is_ok_and(|text| text.contains(&pid)) || running.is_over()
        });
        running
    }

    /// Runs git in a checkout, as a person does. It must succeed. Returns its standard output without white
    /// space at the end.
    pub fn git(&self, repository: &Path, arguments: &[&str]) -> String {
        let output = git::succeed(self.program("git").arg("-C").arg(repository).args(arguments));
        String::from_utf8(output).unwrap().trim_end().to_owned()
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::thread::panicking() || self.may_leave_processes {
            self.kill_processes();
        } else {
            self.nobody_is_left();
        }
    }
}

/// Returns whether the output shows a panic of Paddock, in Rust's words or those of Paddock's hook. Messages
/// about an earlier panic, which may be part of a normal output, use other words.
fn has_panicked(text: &str) -> bool {
    text.contains("panicked at") || text.contains("panicked (")
}

/// Runs a command, which must not panic. Returns its exit code (-1 if a signal ended it) and all of its
/// output.
pub fn outcome_of(command: &mut Command) -> (i32, String) {
    let (code, text) = outcome_with_panics(command);
    assert!(!has_panicked(&text), "{text}");
    (code, text)
}

/// Runs a command like [`outcome_of`], but allows it to panic.
pub fn outcome_with_panics(command: &mut Command) -> (i32, String) {
    let (code, stdout, stderr) = parts(bounded::output_of(command));
    (code, stdout + &stderr)
}

fn outcome_in_two(command: &mut Command) -> (i32, String, String) {
    let (code, stdout, stderr) = parts(bounded::output_of(command));
    assert!(!has_panicked(&stderr), "{stderr}");
    (code, stdout, stderr)
}

fn parts(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}
