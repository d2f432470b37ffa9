//! Unpacks the workspace into a folder of its own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use paddock_testkit::{Supervisor, bounded};
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Placeholder for the folder's path in all packed files.
const FOLDER: &str = "@FOLDER@";
/// The session that was running when its supervisor left.
pub(super) const RUNNING: u64 = 8;

pub(super) struct Packed {
    _folder: Option<tempfile::TempDir>,
    path: PathBuf,
    keeper: Option<Child>,
}

impl Packed {
    /// Unpacks the workspace and starts the stand-in for the keeper.
    pub(super) fn unpack() -> Self {
        let folder = tempfile::Builder::new().prefix("paddock-first-").tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slow/first_build/workspace.tar.gz");
        let unpacked =
            Command::new("tar").args(["--no-same-owner", "-xpzf"]).arg(&archive).current_dir(&path).status();
        assert!(unpacked.unwrap().success(), "tar could not unpack {}", archive.display());
        relocate_files(&path, &path);
        relocate_database(&path.join("ws/runtime/paddock.db"), &path);
        link_programs(&path.join("bin"));
        let mut place = Self { _folder: Some(folder), path, keeper: None };
        place.keeper = Some(place.keep());
        place
    }

    /// Uses the workspace in this folder, which has a real keeper.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { _folder: None, path, keeper: None }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Starts the stand-in and claims the session in its name, as a keeper of the first build does.
    fn keep(&self) -> Child {
        let session = self.path(&format!("ws/runtime/sessions/{RUNNING}"));
        let worktree = self.path("wt/web/running");
        let mut submission = read_json(&session.join("session.json"));
        let lock_file = self.path("ws/runtime/locks").join(lock_name(&worktree));
        submission["worktree_lock"] = json!(lock_file);
        write_json(&session.join("session.json"), &submission);
        let mut claim = read_json(&session.join("claim.json"));
        let mut command = Command::new("sh");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slow/first_build/keeper.sh"));
        command.args([&session, &worktree, &self.path("agent.sh")]);
        self.environment(&mut command);
        for (name, value) in submission["spec"]["env_set"].as_object().unwrap() {
            command.env(name, value.as_str().unwrap());
        }
        command.env("PADDOCK_JOB_NONCE", claim["nonce"].as_str().unwrap());
        command.stdin(locked(&session.join("keeper.lock"))).stdout(locked(&lock_file)).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        claim["keeper"] = json!({"pid": child.id(), "start": start_of(child.id())});
        claim["boot_id"] = json!(fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim());
        claim["cgroup"] = Value::Null;
        claim["awake_clock_ms"] = Value::Null;
        write_json(&session.join("claim.json"), &claim);
        child
    }

    fn environment(&self, command: &mut Command) {
        let own = self.path("bin").is_dir().then(|| self.path("bin").into_os_string());
        command.env_clear().env("PATH", own.or_else(|| std::env::var_os("PATH")).unwrap_or_default());
        command.env("HOME", self.path("home")).env("XDG_DATA_HOME", self.path("home/data"));
        command.env("GIT_CONFIG_GLOBAL", self.path("home/.gitconfig")).env("GIT_CONFIG_NOSYSTEM", "1");
    }

    pub(super) fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        self.command_in("ws", arguments)
    }

    fn command_in<S: AsRef<OsStr>>(&self, root: &str, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(binary());
        self.environment(&mut command);
        command.arg("--root").arg(self.path(root)).args(arguments);
        command.current_dir(&self.path).stdin(Stdio::null());
        command
    }

    /// Runs a command; returns the exit code and standard output, or standard error if there was no output.
    pub(super) fn run(&self, line: &str) -> (i32, String) {
        self.run_in("ws", line)
    }

    /// Like [`Self::run`], in the workspace of this name.
    pub(super) fn run_in(&self, root: &str, line: &str) -> (i32, String) {
        let output = bounded::output_of(&mut self.command_in(root, line.split(' ')));
        let said = String::from_utf8(output.stdout).unwrap();
        let problem = String::from_utf8(output.stderr).unwrap();
        assert!(!problem.contains("panicked"), "{line}: {problem}");
        (output.status.code().unwrap_or(-1), if said.is_empty() { problem } else { said })
    }

    /// Runs a command that prints JSON.
    pub(super) fn json(&self, line: &str) -> Value {
        let (_, said) = self.run(line);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error}: {said}"))
    }

    pub(super) fn good(&self, line: &str) -> String {
        let (code, said) = self.run(line);
        assert_eq!(code, 0, "{line}: {said}");
        said
    }

    /// Starts a supervisor of this build.
    pub(super) fn supervisor(&self) -> Supervisor {
        let mut running = Supervisor::start(self.command(["run", "--no-tui", "--json"]));
        running.heard("supervisor_started");
        running
    }

    pub(super) fn git(&self, repository: &str, line: &str) -> String {
        let mut command = Command::new("git");
        self.environment(&mut command);
        let output = command.args(line.split(' ')).current_dir(self.path(repository)).output().unwrap();
        assert!(output.status.success(), "git {line}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        // Lets the stand-in's agent end, also after a test that failed.
        drop(fs::write(self.path("go"), ""));
        if let Some(keeper) = &mut self.keeper {
            drop(keeper.wait());
        }
    }
}

/// Returns the lock's name, which the first build made from the worktree's path.
fn lock_name(worktree: &Path) -> String {
    let digest = Sha256::digest(worktree.to_str().unwrap().as_bytes());
    let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}.lock")
}

fn locked(path: &Path) -> File {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap();
    file.try_lock().unwrap();
    file
}

/// Returns the start time of a process in ticks since boot: proc(5), field 22.
fn start_of(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    text.rsplit(") ").next().unwrap().split(' ').nth(19).unwrap().parse().unwrap()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn write_json(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_vec_pretty(value).unwrap()).unwrap();
}

/// The only programs on PATH, so that the output does not depend on the agents of this machine.
const PROGRAMS: [&str; 12] =
    ["cat", "date", "dirname", "echo", "git", "mkdir", "mv", "printf", "sh", "sleep", "tr", "wc"];

fn link_programs(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    for program in PROGRAMS {
        let found =
            std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
        // Programs that are not found are built into the shell.
        found.into_iter().for_each(|found| std::os::unix::fs::symlink(found, folder.join(program)).unwrap());
    }
}

/// Replaces the placeholder by the folder in every text file below `from`.
fn relocate_files(from: &Path, folder: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() && !path.ends_with(".git/objects") {
            relocate_files(&path, folder);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(&path)
            && text.contains(FOLDER)
        {
            let mode = entry.metadata().unwrap().permissions().mode();
            fs::write(&path, text.replace(FOLDER, folder.to_str().unwrap())).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}

/// Replaces the placeholder in the database. The triggers that forbid changes of events are removed for that
/// long.
fn relocate_database(path: &Path, folder: &Path) {
    let database = Connection::open(path).unwrap();
    let triggers: Vec<(String, String)> = database
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (name, _) in &triggers {
        database.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    let replace = |table: &str, column: &str| {
        let text = format!("UPDATE {table} SET {column} = replace({column}, ?1, ?2)");
        database.execute(&text, [FOLDER, folder.to_str().unwrap()]).unwrap();
    };
    replace("event", "data");
    for table in ["project", "objective", "session", "gate", "hierarchy", "meta"] {
        replace(table, "body");
    }
    for (_, sql) in &triggers {
        database.execute_batch(sql).unwrap();
    }
}

/// Returns the program under test, or the first build's while golden files are written.
fn binary() -> PathBuf {
    let written =
        std::env::var_os("PADDOCK_WRITE_GOLDEN").and_then(|_| std::env::var_os("PADDOCK_FIRST_BUILD"));
    written.map_or_else(paddock_testkit::program, PathBuf::from)
}
