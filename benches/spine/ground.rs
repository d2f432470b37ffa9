//! A workspace and a small repository for one round of a bench.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use paddock_testkit::git::git;

/// An agent that writes down when it starts, commits a file, sleeps for the rest of its time, and writes down
/// when it ends. The sleep is 4 ms shorter, for the commands after it.
const AGENT: &str = r#"#!/bin/sh
date +%s.%N > "$STAMPS/$PADDOCK_OBJECTIVE.start"
mkdir -p out && echo work > "out/$PADDOCK_OBJECTIVE.txt"
git add out && git commit -qm "Work on $PADDOCK_OBJECTIVE"
sleep "$(awk -v begun="$(cat "$STAMPS/$PADDOCK_OBJECTIVE.start")" -v now="$(date +%s.%N)" \
  -v wanted="$SECONDS_WANTED" 'BEGIN { left = wanted - (now - begun) - 0.004; print (left > 0 ? left : 0) }')"
date +%s.%N > "$STAMPS/$PADDOCK_OBJECTIVE.end"
"#;

pub(crate) struct Ground {
    folder: TempDir,
}

impl Ground {
    pub(crate) fn new(slots: usize) -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap() };
        let repository = ground.path("repository");
        fs::create_dir_all(&repository).unwrap();
        fs::create_dir_all(ground.path("stamps")).unwrap();
        fs::write(ground.path("agent.sh"), AGENT).unwrap();
        fs::write(repository.join("README.md"), "small\n").unwrap();
        git(&repository, &["init", "-q", "-b", "main"]);
        git(&repository, &["add", "."]);
        git(&repository, &["commit", "-qm", "Begin"]);
        ground.ok(&["init", &ground.path("workspace").display().to_string()]);
        ground.ok(&["project", "add", &repository.display().to_string(), "--slug", "bench"]);
        let file = ground.path("workspace").join("projects/bench.yaml");
        let mut text = fs::read_to_string(&file).unwrap();
        text.push_str(&format!(
            "max_parallel_sessions: {slots}\nagents:\n  - {{id: sh, name: sh, command_template: [sh, \"{}\"]}}\n",
            ground.path("agent.sh").display()
        ));
        fs::write(file, text).unwrap();
        ground
    }

    /// Adds this many small files to the repository.
    pub(crate) fn fill(&self, files: usize) {
        let repository = self.path("repository");
        for n in 0..files {
            let folder = repository.join(format!("src/{}", n / 100));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{n}.txt")), format!("content {n}\n")).unwrap();
        }
        git(&repository, &["add", "."]);
        git(&repository, &["commit", "-qm", "Fill"]);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn argv(&self, words: &[&str]) -> Vec<String> {
        let root = self.path("workspace").display().to_string();
        let own = [env!("CARGO_BIN_EXE_paddock"), "--root", root.as_str()];
        own.iter().chain(words).map(|word| (*word).to_owned()).collect()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let argv = self.argv(words);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).env("STAMPS", self.path("stamps")).stdin(Stdio::null());
        command
    }

    fn ok(&self, words: &[&str]) -> String {
        let argv = self.argv(words);
        // `init` names its folder itself and gets no `--root`.
        let skip = if words[0] == "init" { 3 } else { 1 };
        let output = Command::new(&argv[0]).args(&argv[skip..]).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Adds objectives `o0`, `o1`, … whose agents take this many seconds each.
    pub(crate) fn plan(&self, count: usize, depends_on: impl Fn(usize) -> Vec<usize>, seconds: f64) {
        let mut text = "objectives:\n".to_owned();
        for n in 0..count {
            let on: Vec<String> = depends_on(n).iter().map(|other| format!("o{other}")).collect();
            let on = on.join(", ");
            text.push_str(&format!(
                "  - {{id: o{n}, title: Objective {n}, description: work, path_scope: [\"out/o{n}.txt\"], \
                 depends_on: [{on}]}}\n"
            ));
        }
        fs::write(self.path("plan.yaml"), text).unwrap();
        fs::write(self.path("workspace/.env"), format!("SECONDS_WANTED={seconds}\n")).unwrap();
        self.ok(&["plan", "apply", &self.path("plan.yaml").display().to_string()]);
    }

    pub(crate) fn run(&self, flags: &[&str]) {
        let words: Vec<&str> = ["run", "--no-tui"].iter().chain(flags).copied().collect();
        let output = self.command(&words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
    }

    /// Returns a moment that an agent wrote down, in Unix milliseconds.
    pub(crate) fn stamp(&self, objective: usize, which: &str) -> f64 {
        let text = fs::read_to_string(self.path("stamps").join(format!("o{objective}.{which}"))).unwrap();
        text.trim().parse::<f64>().unwrap() * 1_000.0
    }

    /// Returns when the events of a type were recorded, in Unix milliseconds, oldest first.
    pub(crate) fn event_times(&self, kind: &str) -> Vec<f64> {
        let lines = self.ok(&["events", "--json", "--type", kind]);
        let at = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = event["at"].as_str().unwrap().to_owned();
            text.parse::<jiff::Timestamp>().unwrap().as_microsecond() as f64 / 1_000.0
        };
        lines.lines().map(at).collect()
    }

    /// Returns the time from the first agent's start to the last landing, in seconds.
    pub(crate) fn makespan_s(&self, count: usize) -> f64 {
        let first = (0..count).map(|n| self.stamp(n, "start")).fold(f64::MAX, f64::min);
        let landed = self.event_times("landed");
        assert_eq!(landed.len(), count);
        (landed[count - 1] - first) / 1_000.0
    }

    pub(crate) fn wait_for_event(&self, kind: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.event_times(kind).is_empty() {
            assert!(Instant::now() < deadline, "no {kind}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
