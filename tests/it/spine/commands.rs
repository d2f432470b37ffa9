//! Commands with and without a running supervisor, and the locks of workspaces and repositories.

use std::fs;

use paddock_testkit::{Sandbox, Supervisor, count, place_of};
use rustix::process::Signal;

fn pid_of(place: &Sandbox) -> String {
    place.json(&["supervisor", "status", "--json"])["pid"].as_u64().unwrap().to_string()
}

#[test]
fn a_second_supervisor_is_refused_with_the_process_of_the_first() {
    let place = Sandbox::new();
    let repository = place.project("one", "");
    let first = place.supervisor(&[]);
    first.wait("supervisor_started", "*");
    let said = place.refused(&["run", "--no-tui", "--until-idle"], 1);
    assert!(said.contains(&format!("process {}", pid_of(&place))), "{said}");
    assert!(said.contains("paddock supervisor stop"), "{said}");
    place.objective("late", "commit late.txt\nover", &[]);
    first.wait("worktree_removed", "late");
    first.stop();
    place.is_tidy(&repository, 1);
}

#[test]
fn two_workspaces_take_turns_on_one_repository() {
    let place = Sandbox::new();
    let repository = place.project("shared", "");
    assert_eq!(place.run_in("other", &["init"]).0, 0);
    assert_eq!(place.run_in("other", &["project", "add", "shared"]).0, 0);
    let file = place.path("other/projects/shared.yaml");
    fs::copy(place.project_file("shared"), &file).unwrap();
    place.objective("mine", "touch $NOTES/works\nwait_for $NOTES/go\ncommit mine.txt\nover", &[]);
    let script = "```sh\ntest -f mine.txt\ncommit theirs.txt\nover\n```";
    let add = ["objective", "add", "--id", "theirs", "--title", "Theirs", "--description", script];
    assert_eq!(place.run_in("other", &add).0, 0);

    let mut first = place.supervisor(&["--until-idle"]);
    first.wait("session_started", "mine");
    let mut second = place.paddock_in("other", &["run", "--no-tui", "--json", "--poll-seconds", "1"]);
    let second = Supervisor::start(&mut second);
    let held = second.wait("project_held", "*");
    let text = held["data"]["reason"]["text"].as_str().unwrap();
    assert!(text.contains(place.root().to_str().unwrap()) && text.contains("`shared`"), "{text}");
    fs::write(place.note("go"), "").unwrap();
    assert_eq!(first.end(), 0);
    second.wait("landed", "theirs");
    second.wait("worktree_removed", "theirs");
    let events = second.stop();
    assert!(place_of(&events, "project_released", "*") < place_of(&events, "session_planned", "theirs"));
    place.is_tidy(&repository, 2);
}

#[test]
fn commands_reach_a_running_supervisor() {
    let place = Sandbox::new();
    let repository = place.project("live", "");
    let supervisor = place.supervisor(&[]);
    let follow = Supervisor::start(&mut place.paddock(&["events", "--follow", "--json"]));
    place.good(&["project", "pause"]);
    place.objective("work", "echo hello from the agent\nwait_for $NOTES/go\ncommit work.txt\nover", &[]);
    assert_eq!(place.status_of("work")["reason"]["code"], "project_paused");
    assert_eq!(count(&supervisor.events(), "session_planned", "*"), 0);
    place.good(&["project", "resume"]);
    supervisor.wait("session_started", "work");
    let mut log = Supervisor::start(&mut place.paddock(&["session", "log", "1", "-f"]));
    log.wait_where("the agent's words", |line| line == "hello from the agent", 1);

    place.good(&["session", "extend", "1", "--minutes", "5", "--commits", "3"]);
    let status = place.json(&["status", "--json"]);
    assert_eq!(status["supervisor"]["running"], true);
    let budget = &status["projects"][0]["sessions"][0]["budget"];
    assert_eq!((&budget["max_minutes"], &budget["max_commits"]), (&35.into(), &8.into()));

    place.good(&["queue", "hold"]);
    fs::write(place.note("go"), "").unwrap();
    supervisor.wait("objective_queued", "work");
    assert_eq!(log.end(), 0, "a followed log ends with its session");
    assert_eq!(place.status_of("work")["reason"]["code"], "queue_held");
    assert_eq!(count(&supervisor.events(), "landed", "*"), 0);
    place.good(&["queue", "release"]);
    follow.wait("worktree_removed", "work");
    assert_eq!(place.refused(&["session", "extend", "1", "--minutes", "5"], 1).lines().count(), 1);
    assert_eq!(place.refused(&["session", "kill", "7"], 1).lines().count(), 1);

    assert!(place.good(&["supervisor", "stop"]).contains("the supervisor has exited"));
    follow.wait("supervisor_stopped", "*");
    assert_eq!(place.json(&["supervisor", "status", "--json"])["running"], false);
    drop((supervisor, follow));
    place.is_tidy(&repository, 1);
}

#[test]
fn commands_work_without_a_supervisor() {
    let place = Sandbox::new();
    let repository = place.project("still", "");
    place.good(&["project", "pause"]);
    place.good(&["queue", "hold"]);
    place.objective("work", "commit work.txt\nover", &[]);
    let status = place.json(&["status", "--json"]);
    assert_eq!(status["supervisor"]["running"], false);
    assert_eq!(status["projects"][0]["state"], "paused");
    place.refused(&["session", "extend", "1", "--minutes", "5"], 1);
    place.refused(&["session", "log", "1"], 1);
    assert!(place.good(&["supervisor", "stop"]).contains("no supervisor runs"));
    place.idle(3);
    place.good(&["project", "resume"]);
    place.idle(3);
    assert_eq!(place.status_of("work")["status"], "queued");
    place.good(&["queue", "release"]);
    place.idle(0);
    assert!(place.good(&["session", "log", "1"]).contains("---SESSION_SUMMARY---"));
    place.is_tidy(&repository, 1);
}

#[test]
fn the_next_supervisor_adopts_sessions_that_were_left_running() {
    let place = Sandbox::new();
    let repository = place.project("left", "");
    place.objective("work", "echo $$ > $NOTES/pid\nwait_for $NOTES/go\ncommit work.txt\nover", &[]);
    let mut first = place.supervisor(&[]);
    first.wait("session_started", "work");
    place.good(&["supervisor", "stop", "--leave"]);
    assert_eq!(first.end(), 0);
    assert!(!place.processes().is_empty(), "the agent continues");
    assert_eq!(place.status_of("work")["status"], "active");
    let mut second = place.supervisor(&["--until-idle"]);
    second.wait("supervisor_started", "*");
    fs::write(place.note("go"), "").unwrap();
    assert_eq!(second.end(), 0);
    assert_eq!(
        count(&second.events(), "session_planned", "*"),
        0,
        "the session is adopted, not started again"
    );
    place.is_tidy(&repository, 1);
}

#[test]
fn a_session_that_ended_without_a_supervisor_is_harvested() {
    let place = Sandbox::new();
    let repository = place.project("away", "");
    place.objective("work", "wait_for $NOTES/go\ncommit work.txt\nover", &[]);
    let mut first = place.supervisor(&[]);
    first.wait("session_started", "work");
    place.good(&["supervisor", "stop", "--leave"]);
    first.end();
    fs::write(place.note("go"), "").unwrap();
    place.nobody_is_left();
    let events = place.idle(0);
    assert_eq!(count(&events, "session_planned", "*"), 0);
    place.is_tidy(&repository, 1);
}

/// Commits and then waits in its first session, until it is stopped. The next session checks that the commit
/// is there and ends well.
const STOPPED_ONCE: &str = "
if test -e $NOTES/stopped-once; then test -f one.txt; git checkout -q README.md; commit two.txt; over; exit; fi
commit one.txt
echo changed >> README.md
touch $NOTES/stopped-once
while :; do sleep 600; done";

fn stops_and_continues(script: &str, stop: impl FnOnce(&Sandbox, &Supervisor), code: i32) {
    let place = Sandbox::new();
    let repository = place.project("stops", "");
    place.objective("work", script, &[]);
    place.objective("next", "commit next.txt\nover", &["--depends-on", "work"]);
    let mut supervisor = place.supervisor(&[]);
    supervisor.wait("session_started", "work");
    while !place.note("stopped-once").exists() {
        std::thread::yield_now();
    }
    stop(&place, &supervisor);
    assert_eq!(supervisor.end(), code);
    place.nobody_is_left();
    let events = supervisor.events();
    let ended = &events[place_of(&events, "session_ended", "work")]["data"];
    assert_eq!((&ended["end"], &ended["harvest"]["commits"]), (&"interrupted".into(), &1.into()));
    let salvage = place.git(&repository, &["show", "refs/paddock/salvage/work/1:README.md"]);
    assert_eq!(salvage, "hello\nchanged");
    assert_eq!(place.status_of("work")["retries"], 0);
    place.idle(0);
    place.is_tidy(&repository, 2);
}

#[test]
fn a_terminated_supervisor_stops_its_sessions_and_the_next_run_continues_them() {
    stops_and_continues(STOPPED_ONCE, |_, supervisor| supervisor.signal(Signal::TERM), 0);
}

#[test]
fn an_interrupted_supervisor_stops_its_sessions_and_exits_with_130() {
    stops_and_continues(STOPPED_ONCE, |_, supervisor| supervisor.signal(Signal::INT), 130);
}

#[test]
fn a_second_interrupt_kills_an_agent_that_ignores_the_first() {
    let ignores_signals = format!("trap '' TERM INT HUP\n{STOPPED_ONCE}");
    let twice = |_: &Sandbox, supervisor: &Supervisor| {
        supervisor.signal(Signal::INT);
        supervisor.wait("session_stopping", "work");
        supervisor.signal(Signal::INT);
    };
    stops_and_continues(&ignores_signals, twice, 130);
}

#[test]
fn a_supervisor_stopped_at_once_kills_its_sessions_and_the_next_run_continues_them() {
    stops_and_continues(STOPPED_ONCE, |place, _| drop(place.good(&["supervisor", "stop", "--now"])), 0);
}

#[test]
fn a_run_whose_time_is_over_stops_its_sessions() {
    let place = Sandbox::new();
    let repository = place.project("short", "");
    place.objective("work", "commit work.txt\nover", &[]);
    assert_eq!(place.supervisor(&["--duration-minutes", "0"]).end(), 0);
    place.nobody_is_left();
    place.idle(0);
    place.is_tidy(&repository, 1);
}

#[test]
fn repeated_single_cycles_land_everything() {
    let place = Sandbox::new();
    let repository = place.project("once", "");
    place.objective("work", "wait_for $NOTES/go\ncommit work.txt\nover", &[]);
    place.objective("next", "commit next.txt\nover", &["--depends-on", "work"]);
    assert_eq!(place.supervisor(&["--once"]).end(), 0);
    fs::write(place.note("go"), "").unwrap();
    let mut cycles = 1;
    while place.status_of("next")["status"] != "done" {
        place.nobody_is_left();
        assert_eq!(place.supervisor(&["--once"]).end(), 0);
        cycles += 1;
        assert!(cycles < 20, "{}", place.good(&["status"]));
    }
    place.idle(0);
    place.is_tidy(&repository, 2);
}

#[test]
fn nothing_starts_while_the_disk_is_low() {
    let place = Sandbox::new();
    let repository = place.project("disk", "disk: {min_free_gb: 1000000}");
    place.objective("work", "commit work.txt\nover", &[]);
    let supervisor = place.supervisor(&["--poll-seconds", "1"]);
    let held = supervisor.wait("project_held", "*");
    assert_eq!(held["data"]["reason"]["code"], "disk_low");
    let status = place.status_of("work");
    assert_eq!(status["reason"]["code"], "disk_low", "{status}");
    assert_eq!(count(&supervisor.events(), "session_planned", "*"), 0);
    let file = place.project_file("disk");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("1000000", "0.001")).unwrap();
    supervisor.wait("worktree_removed", "work");
    supervisor.stop();
    place.is_tidy(&repository, 1);
}

#[test]
fn stopping_an_idle_supervisor_always_gets_an_answer() {
    let place = Sandbox::new();
    // Repeated: the reply races with the end of the process.
    for _ in 0..10 {
        let mut supervisor = place.supervisor(&[]);
        supervisor.wait("supervisor_started", "*");
        place.good(&["supervisor", "stop"]);
        assert_eq!(supervisor.end(), 0);
    }
}

#[test]
fn without_a_supervisor_each_command_reads_a_project_file_that_changed() {
    let place = Sandbox::new();
    place.project("shop", "");
    let file = place.project_file("shop");
    let before = fs::read_to_string(&file).unwrap();
    let worker =
        "workers:\n  - {id: mine, name: Mine, role: implementer, strategy: fixed, agents: [tester]}\n";
    fs::write(&file, format!("{before}\n{worker}")).unwrap();
    place.good(&["objective", "add", "--id", "one", "--title", "One", "--worker", "mine"]);
    fs::write(&file, before).unwrap();
    let said = place.refused(&["objective", "add", "--id", "two", "--title", "Two", "--worker", "mine"], 1);
    assert!(said.contains("there is no worker mine"), "{said}");
}
