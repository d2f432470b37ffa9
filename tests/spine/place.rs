//! A workspace, repositories beside it, and the means to drive and to check both.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

#[path = "bounded.rs"]
pub mod bounded;
#[path = "crossing.rs"]
mod crossing;

use crate::supervisor::Supervisor;
use crossing::crossed_a_publication;

/// After this a test fails instead of waiting on.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// What every agent of these tests runs: the `sh` block of its objective's description. `commit FILE` writes,
/// commits and says so; `over [STATUS]` prints the summary.
const AGENT: &str = r#"
set -e
commit() { mkdir -p "$(dirname "$1")"; echo "${2:-$1}" > "$1"; git add -A; git commit -q -m "Write $1"; }
over() { printf -- '---SESSION_SUMMARY---\nstatus: %s\nsummary: %s\n---END_SESSION_SUMMARY---\n' "${1:-completed}" "did it"; }
wait_for() { until test -e "$1"; do sleep 0.02; done; }
cp "$PADDOCK_PROMPT_FILE" "$NOTES/$PADDOCK_PROJECT.$PADDOCK_OBJECTIVE.$PADDOCK_SESSION.prompt"
script=$(sed -n '/^```sh$/,/^```$/p' "$PADDOCK_PROMPT_FILE" | sed '1d;/^```$/,$d')
eval "$script"
"#;

/// A temporary place of its own: workspace, repositories, home, and `notes/` where agents leave files.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { folder: tempfile::Builder::new().prefix("spine").tempdir().unwrap() };
        fs::create_dir(place.path("notes")).unwrap();
        fs::write(place.path("gitconfig"), "[user]\n\tname = Someone\n\temail = someone@localhost\n")
            .unwrap();
        fs::write(place.path("agent.sh"), AGENT).unwrap();
        place.good(&["init"]);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that agents know as `$NOTES/<name>`.
    pub fn note(&self, name: &str) -> PathBuf {
        self.path("notes").join(name)
    }

    pub fn root(&self) -> PathBuf {
        self.path("workspace")
    }

    /// A command whose surroundings are this place alone.
    pub fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.path()).env("XDG_DATA_HOME", self.path("data"));
        command.env("GIT_CONFIG_GLOBAL", self.path("gitconfig")).env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("NOTES", self.path("notes")).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// `paddock`, in the workspace of that name.
    pub fn paddock_in(&self, workspace: &str, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_paddock"));
        command.arg("--root").arg(self.path(workspace)).args(arguments);
        command
    }

    pub fn run_in(&self, workspace: &str, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } =
            bounded::output_of(&mut self.paddock_in(workspace, arguments));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(stdout), text(stderr));
        assert!(!stderr.contains("panicked"), "{stderr}");
        (status.code().unwrap(), stdout, stderr)
    }

    pub fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        self.run_in("workspace", arguments)
    }

    pub fn good(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
        stdout
    }

    /// What is said on standard error by a command that ends with this code.
    pub fn refused(&self, arguments: &[&str], code: i32) -> String {
        let (found, stdout, stderr) = self.run(arguments);
        assert_eq!(found, code, "{arguments:?}: {stdout}{stderr}");
        stderr
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(arguments)).unwrap()
    }

    /// Runs until nothing can move; the events of that run. It must end with this code.
    pub fn idle(&self, code: i32) -> Vec<Value> {
        let mut supervisor = self.supervisor(&["--until-idle"]);
        assert_eq!(supervisor.end(), code, "{}", self.run(&["status"]).1);
        supervisor.events()
    }

    /// A supervisor beside this test.
    pub fn supervisor(&self, options: &[&str]) -> Supervisor {
        let running =
            Supervisor::start(self.paddock_in("workspace", &["run", "--no-tui", "--json"]).args(options));
        // Before that a command would find nobody, and carry itself out.
        running.wait("supervisor_started", "*");
        running
    }

    /// A repository with one commit on `main`.
    pub fn repository(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        self.git(&path, &["init", "--quiet", "--initial-branch=main"]);
        fs::write(path.join("README.md"), "hello\n").unwrap();
        self.git(&path, &["add", "--all"]);
        self.git(&path, &["commit", "--quiet", "--message", "Begin"]);
        path
    }

    /// A project on a new repository of that name, with these lines of settings more.
    pub fn project(&self, name: &str, settings: &str) -> PathBuf {
        let path = self.repository(name);
        self.add(name, settings);
        path
    }

    /// A project on the repository of that name, which is there, with these lines of settings more.
    pub fn add(&self, name: &str, settings: &str) {
        self.good(&["project", "add", self.path(name).to_str().unwrap()]);
        let file = self.project_file(name);
        let mut text = fs::read_to_string(&file).unwrap();
        let agent = self.path("agent.sh");
        if !settings.contains("agents:") {
            writeln!(text, "agents: [{{id: tester, command_template: [sh, {agent:?}]}}]").unwrap();
        }
        fs::write(&file, text + settings + "\n").unwrap();
    }

    pub fn project_file(&self, name: &str) -> PathBuf {
        self.root().join(format!("projects/{name}.yaml"))
    }

    /// Adds an objective whose agent runs this script.
    pub fn objective(&self, id: &str, script: &str, more: &[&str]) {
        let description = format!("```sh\n{script}\n```");
        let mut arguments =
            vec!["objective", "add", "--id", id, "--title", id, "--description", &description];
        arguments.extend(more);
        self.good(&arguments);
    }

    /// Applies a plan of objectives given as (id, dependencies, scope, script).
    pub fn plan(&self, objectives: &[(String, Vec<String>, String, String)]) {
        let mut plan = "objectives:\n".to_owned();
        for (id, depends_on, scope, script) in objectives {
            let script = script.trim().replace('\n', "\n      ");
            writeln!(plan, "  - id: {id}\n    title: {id:?}\n    depends_on: {depends_on:?}").unwrap();
            writeln!(plan, "    path_scope: [{scope:?}]\n    description: |\n      ```sh").unwrap();
            writeln!(plan, "      {script}\n      ```").unwrap();
        }
        fs::write(self.path("plan.yaml"), plan).unwrap();
        self.good(&["plan", "apply", "plan.yaml"]);
    }

    /// As a person works in the checkout.
    pub fn git(&self, repository: &Path, arguments: &[&str]) -> String {
        let begun = Instant::now();
        let call = || bounded::output_of(self.program("git").arg("-C").arg(repository).args(arguments));
        let mut output = call();
        while crossed_a_publication(&output) && begun.elapsed() < DEADLINE {
            std::thread::sleep(Duration::from_millis(5));
            output = call();
        }
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The row of an objective in `status --json`.
    pub fn status_of(&self, objective: &str) -> Value {
        let status = self.json(&["status", "--json", "--all"]);
        let projects = status["projects"].as_array().unwrap();
        let mut rows = projects.iter().flat_map(|project| project["objectives"].as_array().unwrap());
        rows.find(|row| row["id"] == objective).cloned().unwrap_or_default()
    }

    /// Holds when there is no process left that was started here.
    pub fn nobody_is_left(&self) {
        let started = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(started.elapsed() < DEADLINE, "processes are left: {left:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Processes that work in this place, or have its name in their environment or arguments.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let mark = self.folder.path().to_str().unwrap();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
            let cwd = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\0', " ");
            let command = text(read("cmdline"));
            let is_zombie = text(read("stat")).contains(") Z ");
            let is_ours =
                cwd.starts_with(mark) || command.contains(mark) || text(read("environ")).contains(mark);
            if is_ours && !is_zombie {
                found.push((pid, command));
            }
        }
        found
    }

    /// Checks what must hold of a repository once everything has landed and was published.
    pub fn is_tidy(&self, repository: &Path, landed: usize) {
        self.git(repository, &["fsck", "--full", "--strict"]);
        let worktrees = self.git(repository, &["worktree", "list", "--porcelain"]);
        // The gates' own are kept, with their caches.
        let is_work = |line: &&str| line.starts_with("worktree ") && !line.contains("/_gate-");
        assert_eq!(worktrees.lines().filter(is_work).count(), 1, "{worktrees}");
        let branches = self.git(repository, &["for-each-ref", "--format=%(refname)", "refs/heads"]);
        assert_eq!(branches, "refs/heads/main");
        assert_eq!(self.git(repository, &["status", "--porcelain"]), "");
        let log = |of: &str| self.git(repository, &["log", "--first-parent", "--format=%H %s", of]);
        assert_eq!(log("main"), log("refs/paddock/integration/main"));
        // A batch lands as one merge, which says how many objectives are in it.
        let subjects = self.git(repository, &["log", "--first-parent", "--format=%s", "main"]);
        let members = |subject: &str| match subject.strip_prefix("Merge a batch of ") {
            Some(count) => count.parse::<usize>().unwrap(),
            None => 1,
        };
        let count: usize = subjects.lines().map(members).sum();
        assert_eq!(count, landed + 1, "one merge per objective: {subjects}");
        let name = repository.file_name().unwrap().to_str().unwrap();
        let folder = self.path(&format!("{name}-wt")).join(name);
        let left = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let left: Vec<_> = left.filter(|name| !name.to_string_lossy().starts_with("_gate-")).collect();
        assert!(left.is_empty(), "{left:?} are left");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.nobody_is_left();
            return;
        }
        for (pid, _) in self.processes() {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}
