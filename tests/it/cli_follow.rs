//! Following events and logs from the command line.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use paddock_engine::decide::{Memo, step};
use paddock_engine::input::Input;
use paddock_model::ids::{ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_store::Store;
use paddock_store::codec;
use paddock_testkit::{Sandbox, git};

/// Makes a workspace with one objective and one project, whose repository names the scripted agent.
fn workspace() -> Sandbox {
    let place = Sandbox::new();
    let repository = place.path("shop");
    fs::create_dir_all(repository.join(".paddock")).unwrap();
    fs::write(repository.join(".paddock/project.yaml"), "agents: [{id: scripted}]\n").unwrap();
    git::init(&repository, "main");
    git::commit_all(&repository, "Begin");
    place.good(&["project", "add", "shop", "--yes"]);
    place.good(&["objective", "add", "--title", "Cart"]);
    place
}

/// Records that session 1 has started, as a supervisor would; returns the session's folder. No agent runs, so
/// the test alone decides when the log grows and ends.
fn started_session(place: &Sandbox) -> PathBuf {
    let store = Store::open(&place.path("workspace/runtime/paddock.db")).unwrap();
    let mut state = codec::load(&store).unwrap();
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
    writer.append_and_wait(codec::batch(&state, &events, &touched).unwrap()).unwrap();
    writer.close().unwrap();
    let session = place.path("workspace/runtime/sessions/1");
    fs::create_dir_all(&session).unwrap();
    session
}

struct Following(Child);

impl Following {
    fn start(place: &Sandbox, arguments: &[&str]) -> Self {
        Self(place.paddock(arguments).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn start_silent(place: &Sandbox, arguments: &[&str]) -> Self {
        Self(place.paddock(arguments).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // Both fail if the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_followed_log_is_read_to_its_end_and_its_sequences_are_not_obeyed() {
    let place = workspace();
    let session = started_session(&place);
    let first = "first \u{1b}[31mred\u{1b}[0m\n";
    fs::write(session.join("stdout.log.0"), first).unwrap();
    let mut follow = Following::start(&place, &["session", "log", "1", "-f"]);
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
    let raw = place.good(&["session", "log", "1", "--raw"]);
    assert_eq!(raw, format!("{first}half"));
    assert_eq!(place.good(&["session", "log", "1", "--stderr"]), "");
    let list = place.good(&["session", "list"]);
    assert!(list.contains("cart") && list.contains("running"), "{list}");
    assert!(place.good(&["session", "show", "1"]).contains("scripted as implementer"));
}

#[test]
fn followed_events_come_as_they_are_recorded() {
    let place = workspace();
    let arguments = ["events", "--follow", "--json", "--type", "objective_added"];
    let mut follow = Following::start(&place, &arguments);
    let mut lines = BufReader::new(follow.0.stdout.take().unwrap()).lines();
    let mut next = || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["objective"], "cart");
    place.good(&["objective", "add", "--title", "Checkout"]);
    let event = next();
    assert_eq!((&event["type"], &event["objective"]), (&"objective_added".into(), &"checkout".into()));
}

/// Reads the sequence numbers of events, one JSON document per line.
fn numbers(lines: impl Iterator<Item = String>) -> impl Iterator<Item = u64> {
    lines.map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap()["seq"].as_u64().unwrap())
}

#[test]
fn every_event_is_received_once_however_often_supervisors_start_and_end() {
    let place = workspace();
    place.good(&["project", "pause", "shop"]);
    let follow = ["events", "--follow", "--json", "--since", "1d"];
    let mut follow = Following::start(&place, &follow);
    let received = numbers(BufReader::new(follow.0.stdout.take().unwrap()).lines().map_while(Result::ok));
    for round in 0..5 {
        // Each command meets a supervisor that starts, runs or ends, or none: it must run in every case.
        let run = ["run", "--no-tui", "--json", "--once"];
        let mut supervisor = Following::start_silent(&place, &run);
        for number in 0..3 {
            place.good(&["objective", "add", "--title", &format!("Round {round} {number}")]);
        }
        supervisor.0.wait().unwrap();
    }
    let all = place.good(&["events", "--json", "--since", "1d"]);
    let all: Vec<u64> = numbers(all.lines().map(str::to_owned)).collect();
    let received: Vec<u64> = received.take(all.len()).collect();
    assert_eq!(received, all);
    assert!(follow.0.try_wait().unwrap().is_none(), "the follower still runs");
}

#[test]
fn a_follower_outlives_a_suspended_supervisor_and_receives_its_later_events() {
    let place = workspace();
    place.good(&["project", "pause", "shop"]);
    let supervisor = Following::start(&place, &["run", "--no-tui", "--json"]);
    let pid = rustix::process::Pid::from_raw(i32::try_from(supervisor.0.id()).unwrap()).unwrap();
    let mut supervisor = supervisor;
    let mut lines = BufReader::new(supervisor.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("supervisor_started")));
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let arguments = ["events", "--follow", "--json", "--type", "objective_added"];
    let mut follow = Following::start(&place, &arguments);
    let mut received = BufReader::new(follow.0.stdout.take().unwrap()).lines();
    assert!(received.next().unwrap().unwrap().contains("cart"));
    // Longer than a follower waits for the greeting of a supervisor.
    std::thread::sleep(std::time::Duration::from_secs(7));
    assert!(follow.0.try_wait().unwrap().is_none(), "the follower still waits");
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    place.good(&["objective", "add", "--title", "Checkout"]);
    assert!(received.next().unwrap().unwrap().contains("checkout"));
}
