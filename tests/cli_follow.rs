//! Following events and logs from the command line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "spine/bounded.rs"]
mod bounded;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use paddock::domain::ids::{ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock::engine::decide::{Memo, step};
use paddock::engine::input::Input;
use paddock::ledger;
use paddock::store::Store;

fn paddock(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paddock"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
    command.current_dir(folder).arg("--root").arg(folder.join("workspace")).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = bounded::output_of(&mut paddock(folder, arguments));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn git(repository: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=Someone", "-c", "user.email=someone@localhost"];
    let mut git = Command::new("git");
    git.arg("-C").arg(repository).args(identity).args(arguments);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    assert!(git.output().unwrap().status.success(), "git {arguments:?}");
}

/// A workspace with one project, whose repository names the scripted agent, and one objective.
fn workspace(folder: &Path) {
    good(folder, &["init"]);
    let repository = folder.join("shop");
    fs::create_dir_all(repository.join(".paddock")).unwrap();
    fs::write(repository.join(".paddock/project.yaml"), "agents: [{id: scripted}]\n").unwrap();
    git(&repository, &["init", "--quiet"]);
    git(&repository, &["add", "--all"]);
    git(&repository, &["commit", "--quiet", "--message", "Begin"]);
    good(folder, &["project", "add", "shop", "--yes"]);
    good(folder, &["objective", "add", "--title", "Cart"]);
}

/// Records that session 1 has started, as a supervisor would; gives the session's folder.
fn started_session(folder: &Path) -> PathBuf {
    let store = Store::open(&folder.join("workspace/runtime/paddock.db")).unwrap();
    let mut state = ledger::load(&store).unwrap();
    let mut memo = Memo::default();
    let project = ProjectSlug::new("shop").unwrap();
    let objective = ObjectiveKey { project: project.clone(), id: ObjectiveId::new("cart").unwrap() };
    let tip: ObjectId = state.project(&project).unwrap().integration.tip.clone();
    let inputs = [
        Input::IntegrationMade { project, tip: Ok(tip) },
        Input::Tick,
        Input::WorktreeAnswered { objective, epoch: 1, result: Ok(()) },
        Input::SessionStarted { session: SessionId(1), pid: 42 },
    ];
    let mut events = Vec::new();
    for input in inputs {
        events.extend(step(&mut state, &mut memo, input, 1_700_000_000_000).events);
    }
    let touched = state.take_touched();
    let writer = store.into_writer().unwrap();
    writer.append_and_wait(ledger::batch(&state, &events, &touched).unwrap()).unwrap();
    writer.close().unwrap();
    let session = folder.join("workspace/runtime/sessions/1");
    fs::create_dir_all(&session).unwrap();
    session
}

struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        // Whether it has ended already or not.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_followed_log_is_read_to_its_end_and_its_sequences_are_not_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    workspace(folder.path());
    let session = started_session(folder.path());
    let first = "first \u{1b}[31mred\u{1b}[0m\n";
    fs::write(session.join("stdout.log.0"), first).unwrap();
    let mut follow = Following(paddock(folder.path(), &["session", "log", "1", "-f"]).spawn().unwrap());
    let mut lines = BufReader::new(follow.0.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "first red\n");
    fs::write(session.join(format!("stdout.log.{}", first.len())), "half").unwrap();
    fs::write(session.join("exit.json"), "{}").unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "half");
    assert!(follow.0.wait().unwrap().success());
    let raw = good(folder.path(), &["session", "log", "1", "--raw"]);
    assert_eq!(raw, format!("{first}half"));
    assert_eq!(good(folder.path(), &["session", "log", "1", "--stderr"]), "");
    let list = good(folder.path(), &["session", "list"]);
    assert!(list.contains("cart") && list.contains("running"), "{list}");
    assert!(good(folder.path(), &["session", "show", "1"]).contains("scripted as implementer"));
}

#[test]
fn followed_events_come_as_they_are_recorded() {
    let folder = tempfile::tempdir().unwrap();
    workspace(folder.path());
    let arguments = ["events", "--follow", "--json", "--type", "objective_added"];
    let mut follow = Following(paddock(folder.path(), &arguments).spawn().unwrap());
    let mut lines = BufReader::new(follow.0.stdout.take().unwrap()).lines();
    let mut next = || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["objective"], "cart");
    good(folder.path(), &["objective", "add", "--title", "Checkout"]);
    let event = next();
    assert_eq!((&event["type"], &event["objective"]), (&"objective_added".into(), &"checkout".into()));
}

/// The numbers of events, a JSON document a line.
fn numbers(lines: impl Iterator<Item = String>) -> impl Iterator<Item = u64> {
    lines.map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap()["seq"].as_u64().unwrap())
}

#[test]
fn every_event_is_heard_once_however_often_supervisors_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    workspace(folder.path());
    good(folder.path(), &["project", "pause", "shop"]);
    let follow = ["events", "--follow", "--json", "--since", "1d"];
    let mut follow = Following(paddock(folder.path(), &follow).spawn().unwrap());
    let heard = numbers(BufReader::new(follow.0.stdout.take().unwrap()).lines().map_while(Result::ok));
    for round in 0..5 {
        // Whoever is asked: one that begins, that works, that leaves, or nobody.
        let run = ["run", "--no-tui", "--json", "--once"];
        let mut supervisor = Following(paddock(folder.path(), &run).stdout(Stdio::null()).spawn().unwrap());
        for number in 0..3 {
            good(folder.path(), &["objective", "add", "--title", &format!("Round {round} {number}")]);
        }
        supervisor.0.wait().unwrap();
    }
    let all = good(folder.path(), &["events", "--json", "--since", "1d"]);
    let all: Vec<u64> = numbers(all.lines().map(str::to_owned)).collect();
    let heard: Vec<u64> = heard.take(all.len()).collect();
    assert_eq!(heard, all);
    assert!(follow.0.try_wait().unwrap().is_none(), "it goes on");
}

#[test]
fn a_follower_outlives_a_supervisor_that_is_stopped_and_hears_what_it_did_later() {
    let folder = tempfile::tempdir().unwrap();
    workspace(folder.path());
    good(folder.path(), &["project", "pause", "shop"]);
    let supervisor = Following(
        paddock(folder.path(), &["run", "--no-tui", "--json"]).stdout(Stdio::piped()).spawn().unwrap(),
    );
    let pid = rustix::process::Pid::from_raw(i32::try_from(supervisor.0.id()).unwrap()).unwrap();
    let mut supervisor = supervisor;
    let mut lines = BufReader::new(supervisor.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("supervisor_started")));
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let arguments = ["events", "--follow", "--json", "--type", "objective_added"];
    let mut follow = Following(paddock(folder.path(), &arguments).spawn().unwrap());
    let mut heard = BufReader::new(follow.0.stdout.take().unwrap()).lines();
    assert!(heard.next().unwrap().unwrap().contains("cart"));
    // Longer than anybody waits for a supervisor to say hello.
    std::thread::sleep(std::time::Duration::from_secs(7));
    assert!(follow.0.try_wait().unwrap().is_none(), "it waits");
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    good(folder.path(), &["objective", "add", "--title", "Checkout"]);
    assert!(heard.next().unwrap().unwrap().contains("checkout"));
}
