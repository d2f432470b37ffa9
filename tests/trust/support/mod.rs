//! A workspace and repositories in a folder of their own, and the built binary on them.

#[path = "../../spine/bounded.rs"]
mod bounded;
#[path = "../../spine/crossing.rs"]
mod crossing;
mod git;
mod supervisor;

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub use git::{bytes, commit_all, commit_file, git, git_fails, snapshot};
pub use supervisor::Supervisor;

/// A net for failures, never something that a passing test waits for.
pub const DEADLINE: Duration = Duration::from_secs(45);

/// What every agent of these tests does around the script of its objective: it says outside of the worktree
/// that it runs, and holds a lock for as long as any process of it lives, so that nothing can run twice without
/// being seen.
const AGENT: &str = r#"set -eu
home=@HOME@
echo "start $PADDOCK_SESSION $PADDOCK_OBJECTIVE $PADDOCK_SESSION_KIND $(date +%s%N)" >> "$home/starts"
exec 9>> "$home/busy/$PADDOCK_OBJECTIVE"
flock --nonblock 9 || echo "two at once in $PADDOCK_OBJECTIVE" >> "$home/faults"
cp "$PADDOCK_PROMPT_FILE" "$home/prompts/$PADDOCK_SESSION"
cd "$PADDOCK_WORKTREE"
script="$home/scripts/$PADDOCK_OBJECTIVE"
if [ -e "$script" ]; then . "$script"; else
  echo "by $PADDOCK_OBJECTIVE" > "$PADDOCK_OBJECTIVE.txt"
  git add --all && git commit --quiet --message "Work of $PADDOCK_OBJECTIVE"
fi
printf '%s\n' ---SESSION_SUMMARY--- 'status: completed' 'summary: done' ---END_SESSION_SUMMARY---
"#;

/// A folder with a workspace, an agent and a git configuration of its own.
pub struct Place {
    folder: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        Self::named("workspace")
    }

    /// With the workspace in a folder of this name.
    pub fn named(workspace: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("paddock-trust-").tempdir().unwrap();
        let root = folder.path().join(workspace);
        let place = Self { folder, root };
        for name in ["scripts", "prompts", "busy"] {
            fs::create_dir(place.path(name)).unwrap();
        }
        let identity =
            "[user]\nname = Someone\nemail = someone@localhost\n[protocol \"file\"]\nallow = always\n";
        fs::write(place.path("gitconfig"), identity).unwrap();
        let home = shell_words::quote(place.folder.path().to_str().unwrap()).into_owned();
        fs::write(place.path("agent.sh"), AGENT.replace("@HOME@", &home)).unwrap();
        let made = place.root.to_str().unwrap().to_owned();
        let (code, said) = place.run_bare(&["init", &made]);
        assert_eq!(code, 0, "{said}");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn bare_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_paddock"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.path()).env("XDG_DATA_HOME", self.path("data"));
        command.env("GIT_CONFIG_GLOBAL", self.path("gitconfig")).env("GIT_CONFIG_NOSYSTEM", "1");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn run_bare(&self, arguments: &[&str]) -> (i32, String) {
        Self::outcome(self.bare_command().args(arguments))
    }

    pub fn outcome(command: &mut Command) -> (i32, String) {
        let (code, text) = Self::outcome_with_panics(command);
        // In Rust's words, or those of the hook; Paddock may say of an earlier one.
        assert!(!text.contains("panicked at") && !text.contains("panicked ("), "{text}");
        (code, text)
    }

    /// Like [`Self::outcome`], where a panic is what is wanted.
    pub fn outcome_with_panics(command: &mut Command) -> (i32, String) {
        let output = bounded::output_of(command);
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code().unwrap_or(-1), text)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare_command();
        command.arg("--root").arg(&self.root).args(arguments);
        command
    }

    /// The exit code and everything that was said.
    pub fn run(&self, arguments: &[&str]) -> (i32, String) {
        Self::outcome(&mut self.command(arguments))
    }

    pub fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    /// A repository on this branch with one commit.
    pub fn repository(&self, name: &str, branch: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        git(&path, &["init", "--quiet"]);
        git(&path, &["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
        for (file, text) in [("a.txt", "a\n"), ("b.txt", "b\n"), (".gitignore", "*.log\n.env\n")] {
            fs::write(path.join(file), text).unwrap();
        }
        commit_all(&path, "Begin");
        path
    }

    /// Registers a repository as the project `slug`, with these lines in its project file.
    pub fn project(&self, slug: &str, repository: &Path, lines: &str) {
        self.good(&["project", "add", repository.to_str().unwrap(), "--slug", slug]);
        let quoted = |path: PathBuf| serde_json::to_string(path.to_str().unwrap()).unwrap();
        let branch = self.status(slug)["target_branch"].as_str().unwrap().to_owned();
        let text = format!(
            "slug: {slug}\nname: {slug}\nrepo_root: {}\nworktrees_root: {}\ntarget_branch: \"{branch}\"\n\
             disk: {{min_free_gb: 0}}\nagents:\n  - {{id: sh, command_template: [sh, {}]}}\n{lines}",
            quoted(repository.to_owned()),
            quoted(self.path(&format!("{slug}-wt"))),
            quoted(self.path("agent.sh")),
        );
        fs::write(self.root.join(format!("projects/{slug}.yaml")), text).unwrap();
        self.good(&["config", "validate"]);
    }

    /// One repository on `main`, registered as `p`.
    pub fn simple(&self, lines: &str) -> PathBuf {
        let repository = self.repository("repo", "main");
        self.project("p", &repository, lines);
        repository
    }

    /// What the agent does for an objective: shell lines, run in the worktree.
    pub fn script(&self, objective: &str, text: &str) {
        fs::write(self.path("scripts").join(objective), text).unwrap();
    }

    /// Adds objectives to the project `p`: `id`, `id < dependency`, or `id : scope`.
    pub fn objectives(&self, wanted: &[&str]) {
        self.objectives_of("p", wanted);
    }

    pub fn objectives_of(&self, slug: &str, wanted: &[&str]) {
        let mut plan = String::from("objectives:\n");
        for line in wanted {
            let (line, scope) = line.split_once(" : ").map_or((*line, None), |(line, s)| (line, Some(s)));
            let (id, after) = line.split_once(" < ").map_or((line, ""), |(id, after)| (id, after));
            let scope = scope.map_or(format!("{id}.txt"), str::to_owned);
            let scopes: Vec<String> = scope.split(' ').map(|s| format!("\"{s}\"")).collect();
            plan.push_str(&format!(
                "  - {{id: {id}, title: \"Do {id}\", path_scope: [{}], depends_on: [{}]}}\n",
                scopes.join(", "),
                after.replace(' ', ", ")
            ));
        }
        let file = self.path("plan.yaml");
        fs::write(&file, plan).unwrap();
        self.good(&["--project", slug, "plan", "apply", file.to_str().unwrap()]);
    }

    /// Runs until nothing moves any more.
    pub fn until_idle(&self) -> i32 {
        self.supervisor_with(&["--until-idle"]).wait().0
    }

    /// Stops this supervisor, and runs another until nothing moves.
    pub fn until_idle_after(&self, running: Supervisor) -> i32 {
        running.stop();
        let code = self.until_idle();
        self.is_quiet();
        code
    }

    pub fn supervisor(&self) -> Supervisor {
        self.supervisor_with(&[])
    }

    pub fn supervisor_with(&self, arguments: &[&str]) -> Supervisor {
        let mut all = vec!["run", "--no-tui", "--json"];
        all.extend(arguments);
        self.supervisor_of(self.command(&all))
    }

    /// Started by this command.
    pub fn supervisor_of(&self, command: Command) -> Supervisor {
        let mut running = Supervisor::start(command);
        // Before that a command would find nobody, and carry itself out.
        let lock = self.root().join("runtime/paddock.lock");
        let pid = format!("pid: {}\n", running.pid().as_raw_nonzero());
        // One that has little to do may be over before it is seen.
        until("the supervisor holds the workspace", || {
            fs::read_to_string(&lock).is_ok_and(|text| text.contains(&pid)) || running.is_over()
        });
        running
    }

    /// A project in the status document.
    pub fn status(&self, slug: &str) -> Value {
        let document: Value = serde_json::from_str(&self.good(&["status", "--json"])).unwrap();
        let projects = document["projects"].as_array().unwrap().clone();
        projects.into_iter().find(|project| project["slug"] == slug).unwrap()
    }

    /// An objective of the project `p` in the status document.
    pub fn objective(&self, id: &str) -> Value {
        let objectives = self.status("p")["objectives"].as_array().unwrap().clone();
        objectives.into_iter().find(|objective| objective["id"] == id).unwrap()
    }

    pub fn events(&self) -> Vec<Value> {
        self.good(&["events", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn prompt(&self, session: u64) -> String {
        fs::read_to_string(self.path("prompts").join(session.to_string())).unwrap()
    }

    /// The lines that agents wrote when they began: session, objective, kind.
    pub fn starts(&self) -> Vec<(u64, String, String)> {
        let text = fs::read_to_string(self.path("starts")).unwrap_or_default();
        let fields = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        fields.map(|f| (f[1].parse().unwrap(), f[2].to_owned(), f[3].to_owned())).collect()
    }

    /// Every session's agent began once, and no two of an objective were at work at the same time.
    pub fn nothing_ran_twice(&self) {
        let starts = self.starts();
        let mut numbers: Vec<u64> = starts.iter().map(|(session, ..)| *session).collect();
        numbers.sort_unstable();
        let begun = numbers.len();
        numbers.dedup();
        assert_eq!(numbers.len(), begun, "a session's agent began twice: {starts:?}");
        let faults = fs::read_to_string(self.path("faults")).unwrap_or_default();
        assert_eq!(faults, "");
    }

    /// Processes with anything of this place in their environment, command line or working folder.
    fn processes(&self) -> Vec<(i32, String)> {
        let needle = self.folder.path().as_os_str().as_bytes().to_vec();
        let own = std::process::id();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let file = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
            let (environment, words) = (file("environ"), file("cmdline"));
            let folder = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            let is_ours = holds(&environment) || holds(&words) || folder.starts_with(self.folder.path());
            if pid != own && is_ours && !words.is_empty() {
                found.push((i32::try_from(pid).unwrap(), String::from_utf8_lossy(&words).replace('\0', " ")));
            }
        }
        found
    }

    /// Waits until no process of this place is left.
    pub fn is_quiet(&self) {
        let begun = Instant::now();
        while !self.processes().is_empty() {
            assert!(begun.elapsed() < DEADLINE, "still there: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind either.
        for (pid, _) in self.processes() {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
