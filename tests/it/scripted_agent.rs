//! The built-in scripted agent, started as sessions start it: the built binary in a real repository.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use paddock_agents::prompt::{PromptContext, render};
use paddock_agents::summary::find;
use paddock_model::summary::SummaryStatus;
use paddock_testkit::{Sandbox, bounded, git, until};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// A repository with one commit, and a prompt rendered from the real template.
struct Stage {
    place: Sandbox,
    context: PromptContext,
}

impl Stage {
    fn new(script: &str) -> Self {
        let mut context = PromptContext { attempt: 1, kind: "work".to_owned(), ..PromptContext::default() };
        context.objective.id = "login".to_owned();
        context.objective.title = "Fix the login".to_owned();
        context.objective.acceptance_criteria = vec!["it: \"works\"".to_owned()];
        if !script.is_empty() {
            context.objective.description = format!("Do it.\n\n```script\n{script}\n```\n");
        }
        let stage = Self { place: Sandbox::without_workspace(), context };
        git::init(&stage.repository(), "main");
        stage.git(&["commit", "--quiet", "--allow-empty", "-m", "first"]);
        stage
    }

    fn repository(&self) -> PathBuf {
        self.place.path("a repository")
    }

    fn git(&self, args: &[&str]) -> String {
        self.place.git(&self.repository(), args)
    }

    fn prompt(&self) -> String {
        render(None, "session-worker.md", &self.context).unwrap()
    }

    fn agent(&self) -> Command {
        let file = self.place.path("prompt.md");
        fs::write(&file, self.prompt()).unwrap();
        let mut command = self.place.program(paddock_testkit::program());
        command.arg("__scripted").arg(file).env("PADDOCK_WORKTREE", self.repository());
        command.current_dir(self.repository());
        command
    }

    fn run(&self) -> Output {
        bounded::output_of(&mut self.agent())
    }

    fn commits(&self) -> usize {
        self.git(&["rev-list", "HEAD"]).lines().count() - 1
    }

    fn file(&self, path: &str) -> String {
        fs::read_to_string(self.repository().join(path)).unwrap()
    }
}

fn summary(stage: &Stage, output: &Output) -> Option<paddock_model::summary::SessionSummary> {
    find(&format!("{}{}", stage.prompt(), String::from_utf8_lossy(&output.stdout)), &stage.prompt())
}

fn started(stage: &Stage) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = stage.agent().stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

fn read_until(lines: &mut impl BufRead, wanted: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the output ended before {wanted:?}");
        if line.starts_with(wanted) {
            return line.trim().to_owned();
        }
    }
}

#[test]
fn without_a_script_the_agent_commits_a_file_and_reports_completed() {
    let stage = Stage::new("");
    let output = stage.run();
    assert!(output.status.success(), "{output:?}");
    assert!(stage.file("paddock-demo/login.md").starts_with("# Fix the login\n"));
    assert_eq!((stage.commits(), stage.git(&["status", "--porcelain"]).as_str()), (1, ""));
    let summary = summary(&stage, &output).unwrap();
    assert_eq!((summary.status, summary.commits_made), (SummaryStatus::Completed, Some(1)));
    assert_eq!(summary.criteria, [("it: \"works\"".to_owned(), true)]);
    assert!(!summary.lenient);
}

#[test]
fn files_are_changed_and_committed_as_the_script_says() {
    let stage = Stage::new(
        "write a/b.txt <<< one\nappend a/b.txt two\ncommit One\ncommit Nothing\n\
         copy a/b.txt \"c d\"\nwrite 文.rs\n    fn main() {\n        x\n    }\ntouch e\ndelete a\ncommit Two\n\
         commit --allow-empty Three\ncheckout --detach\nrun test -f e && echo fine > f\n\
         follow-up more\nout-of-scope docs/x.md\nsummary partial half: done",
    );
    let output = stage.run();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        (stage.file("c d"), stage.file("文.rs")),
        ("one\ntwo\n".to_owned(), "fn main() {\n    x\n}\n".to_owned())
    );
    assert!(!stage.repository().join("a").exists());
    assert_eq!(stage.git(&["log", "--format=%s", "-3"]), "Three\nTwo\nOne");
    assert_eq!(stage.git(&["branch", "--show-current"]), "");
    assert_eq!(stage.git(&["status", "--porcelain"]), "?? f");
    let summary = summary(&stage, &output).unwrap();
    assert_eq!((summary.status, summary.commits_made), (SummaryStatus::Partial, Some(3)));
    assert_eq!((summary.summary.as_str(), summary.follow_up_notes.as_str()), ("half: done", "more"));
    assert_eq!((summary.out_of_scope_changes_needed.as_str(), summary.needs_follow_up), ("docs/x.md", true));
}

#[test]
fn steps_can_be_for_one_attempt_or_one_kind_of_session() {
    let mut stage = Stage::new("fail-once\nattempt 2: write two <<< x\nkind correction: write mended <<< x");
    assert_eq!(stage.run().status.code(), Some(1));
    stage.context.attempt = 2;
    assert!(stage.run().status.success());
    assert!(stage.repository().join("two").exists() && !stage.repository().join("mended").exists());
    assert!(stage.agent().env("PADDOCK_SESSION_KIND", "correction").status().unwrap().success());
    assert!(stage.repository().join("mended").exists());
}

#[test]
fn exit_codes_and_summaries_follow_the_script() {
    for (script, code, status) in [
        ("exit 7", 7, None),
        ("summary completed\nexit 7", 7, Some(SummaryStatus::Completed)),
        ("summary blocked no key", 0, Some(SummaryStatus::Blocked)),
        ("summary none", 0, None),
        ("run false", 1, None),
        ("print a\ndance", 2, None),
    ] {
        let stage = Stage::new(script);
        let output = stage.run();
        assert_eq!(output.status.code(), Some(code), "{script}: {output:?}");
        assert_eq!(summary(&stage, &output).map(|found| found.status), status, "{script}");
    }
    let output = Stage::new("print a\ndance").run();
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("script line 2: "));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("\na\n"));
}

#[test]
fn paths_out_of_the_worktree_are_refused() {
    for path in ["../x", "/tmp/paddock-x", "a/../../x", "link/x", "dangling", "."] {
        for step in [
            "write PATH <<< x",
            "append PATH x",
            "delete PATH",
            "touch PATH",
            "copy PATH y",
            "copy first PATH",
        ] {
            let stage = Stage::new(&step.replace("PATH", path));
            fs::write(stage.repository().join("first"), "x").unwrap();
            std::os::unix::fs::symlink(stage.place.path(""), stage.repository().join("link")).unwrap();
            std::os::unix::fs::symlink("../nowhere", stage.repository().join("dangling")).unwrap();
            let output = stage.run();
            assert_eq!(output.status.code(), Some(1), "{step} {path}");
            assert!(
                String::from_utf8(output.stderr).unwrap().contains("outside the worktree"),
                "{step} {path}"
            );
            assert!(!stage.place.path("x").exists() && !stage.place.path("nowhere").exists());
        }
    }
}

#[test]
fn a_flood_and_raw_bytes_come_out_whole_and_the_summary_is_still_found() {
    let stage = Stage::new("flood 1\nflood 1 one-line\nstdout-hex ff 00 1b 5b 0a");
    let output = stage.run();
    assert!(output.stdout.len() > 2 << 20);
    assert!(output.stdout.windows(5).any(|five| five == b"\xff\0\x1b[\n"));
    assert_eq!(summary(&stage, &output).unwrap().status, SummaryStatus::Completed);
}

#[test]
fn the_agent_waits_for_a_file() {
    let stage = Stage::new("wait-for ../go\nprint went");
    let (mut child, mut lines) = started(&stage);
    read_until(&mut lines, "wait-for");
    assert!(child.try_wait().unwrap().is_none());
    fs::write(stage.place.path("go"), "").unwrap();
    read_until(&mut lines, "went");
    std::io::copy(&mut lines, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_agent_ignores_polite_signals_only_if_the_script_says_so() {
    use std::os::unix::process::ExitStatusExt as _;
    let stage = Stage::new("ignore-term\nwait-for ../go\nprint alive\nhang");
    let (mut child, mut lines) = started(&stage);
    read_until(&mut lines, "wait-for");
    for polite in [Signal::TERM, Signal::INT, Signal::HUP] {
        kill_process(Pid::from_child(&child), polite).unwrap();
    }
    fs::write(stage.place.path("go"), "").unwrap();
    read_until(&mut lines, "alive");
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));

    let stage = Stage::new("hang");
    let (mut child, mut lines) = started(&stage);
    read_until(&mut lines, "hang");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
}

/// Returns the session of a process from /proc: 0 if its leader is outside of this PID namespace.
fn session_of(process: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = status.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(3).unwrap().to_owned()
}

#[test]
fn an_orphan_outlives_the_session_in_a_session_of_its_own() {
    for step in ["spawn-orphan 60", "spawn-orphan 60 bare"] {
        let stage = Stage::new(step);
        let output = stage.run();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let pid: i32 = text.lines().find_map(|line| line.strip_prefix("orphan: ")).unwrap().parse().unwrap();
        let pid = Pid::from_raw(pid).unwrap();
        assert_ne!(session_of(&pid.to_string()), session_of("self"));
        kill_process(pid, Signal::KILL).unwrap();
        let is_zombie = || {
            let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            status.contains(") Z")
        };
        until("the orphan is gone", || test_kill_process(pid).is_err() || is_zombie());
    }
}

#[test]
fn as_a_planner_the_agent_prints_the_plan_in_its_prompt() {
    let mut stage = Stage::new("exit 1");
    let planned = |stage: &Stage| {
        let output = stage.agent().env("PADDOCK_SESSION_KIND", "planner").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(planned(&stage).contains("objectives: []"));
    stage.context.phase = Some("x\n```plan\nobjectives:\n  - id: a\n```".to_owned());
    assert_eq!(planned(&stage), "```yaml\nobjectives:\n  - id: a\n```\n");
}
