//! SIGKILL of the supervisor, of keepers, and of both. Running jobs are adopted; nothing runs twice, lands
//! twice, or is lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use paddock_testkit::git::git;
use paddock_testkit::{Sandbox, Supervisor, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Switches polling off, so that a lost wake-up is not hidden by the next poll.
const NO_POLL: [&str; 2] = ["--poll-seconds", "3600"];

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn gate(place: &Sandbox, text: &str) -> String {
    let (script, runs) = (place.path("gate.sh"), place.path("runs"));
    fs::write(&script, format!("git rev-parse HEAD >> '{}'\n{text}\n", runs.display())).unwrap();
    format!("verify:\n  - {{name: tests, run: \"sh '{}'\", timeout_minutes: 5}}\n", script.display())
}

fn wait_for(file: &Path) -> String {
    format!("while ! [ -e '{}' ]; do sleep 0.05; done\n", file.display())
}

fn go(place: &Sandbox) {
    fs::write(place.path("go"), "").unwrap();
}

/// Adds twelve objectives, some with dependencies, all of which pass the gate.
fn twelve(place: &Sandbox) -> PathBuf {
    let verify = gate(place, "sleep 0.05");
    let repository = place.simple(&format!("max_parallel_sessions: 3\n{verify}"));
    let work = |id: &str| format!("sleep 0.1; echo {id} > {id}.txt; git add .; git commit --quiet -m {id}\n");
    let names = ["oa", "ob", "oc", "od", "oe", "of", "og", "oh", "oi", "oj", "ok", "ol"];
    for id in names {
        place.script(id, &work(id));
    }
    place.objectives(&[
        "oa",
        "ob",
        "oc < oa",
        "od < ob",
        "oe",
        "of < oc od",
        "og",
        "oh < oe",
        "oi",
        "oj < og oh",
        "ok",
        "ol < oi",
    ]);
    repository
}

/// Asserts the end of an undisturbed run: every objective had one session, landed once, and is published.
fn all_is_as_undisturbed(place: &Sandbox, repository: &Path) {
    let end = place.until_idle();
    assert_eq!(end, 0, "{}", place.status("p")["objectives"]);
    place.nobody_is_left();
    place.nothing_ran_twice();
    let status = place.status("p");
    for objective in status["objectives"].as_array().unwrap() {
        assert_eq!(objective["status"], "done", "{objective}");
        let file = format!("main:{}.txt", objective["id"].as_str().unwrap());
        git(repository, &["cat-file", "-e", &file]);
    }
    assert_eq!(place.starts().len(), 12);
    let mut ended = BTreeMap::<String, usize>::new();
    for event in place.events() {
        // Lost sessions do not count: a session that was planned just before the kill never started its
        // agent, and the next one does the work.
        if event["type"] == "landed" || event["data"]["end"] == "completed" {
            *ended.entry(event["type"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(ended, BTreeMap::from([("landed".to_owned(), 12), ("session_ended".to_owned(), 12)]));
    assert_eq!(
        git(repository, &["rev-parse", "main"]),
        git(repository, &["rev-parse", "refs/paddock/integration/main"])
    );
    // Not `--first-parent`: the merges of a batch are on its second parent.
    let merges = git(repository, &["log", "--format=%s", "main"]);
    assert_eq!(
        merges.lines().filter(|subject| subject.starts_with("Merge objective")).count(),
        12,
        "{merges}"
    );
    assert_eq!(git(repository, &["for-each-ref", "refs/heads/paddock/"]), "");
    assert!(!git(repository, &["worktree", "list"]).contains("[paddock/"));
}

fn is_over(place: &Sandbox) -> bool {
    place.status("p")["counts"]["done"] == 12
}

#[test]
fn a_supervisor_killed_right_after_each_intent_does_nothing_twice() {
    let place = Sandbox::scripted("workspace");
    let repository = twelve(&place);
    let moments = [
        "worktree_ordered",
        "session_planned",
        "worktree_made",
        "session_started",
        "session_exited",
        "session_ended",
        "queue_entered",
        "merge_started",
        "merge_made",
        "gate_started",
        "gate_ended",
        "landing_started",
        "landed",
        "published",
        "worktree_retired",
        "landing_started",
        "session_planned",
        "merge_started",
        "landed",
        "worktree_ordered",
    ];
    for moment in moments {
        let mut running = place.supervisor(&NO_POLL);
        let heard = running.heard_or_idle(moment);
        running.kill();
        if !heard && is_over(&place) {
            break;
        }
    }
    all_is_as_undisturbed(&place, &repository);
}

#[test]
fn a_supervisor_killed_at_many_moments_does_nothing_twice() {
    let place = Sandbox::scripted("workspace");
    let repository = twelve(&place);
    // Fixed instead of random, so that a failure can be repeated: after 2 to 24 events.
    for round in 0_usize..24 {
        let mut running = place.supervisor(&NO_POLL);
        let many = 2 + (round * 7) % 23;
        let over = (0..many).any(|_| !running.any_or_idle());
        running.kill();
        if over && is_over(&place) {
            break;
        }
    }
    all_is_as_undisturbed(&place, &repository);
}

#[test]
fn an_agent_continues_while_the_supervisor_is_dead_and_its_session_ends_under_the_next() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let work = "echo one > one.txt; git add .; git commit --quiet -m One\n";
    place.script("one", &(wait_for(&place.path("go")) + work));
    place.objectives(&["one"]);
    let mut running = place.supervisor(&NO_POLL);
    running.heard("session_started");
    until("the agent runs", || place.starts().len() == 1);
    let keeper = place.status("p")["sessions"][0]["pid"].clone();
    running.kill();
    let mut running = place.supervisor(&NO_POLL);
    running.heard("supervisor_started");
    until("the session is adopted", || place.status("p")["sessions"][0]["pid"] == keeper);
    go(&place);
    let ended = running.heard("session_ended");
    assert_eq!((&ended["session"], &ended["data"]["end"]), (&1.into(), &"completed".into()));
    running.heard("published");
    running.stop();
    place.nobody_is_left();
    place.nothing_ran_twice();
    assert_eq!(fs::read(repository.join("one.txt")).unwrap(), b"one\n");
}

/// The wall clock and the keeper's clock are set apart, as after hours of sleep or a changed clock while no
/// supervisor ran.
#[cfg(target_os = "linux")]
#[test]
fn what_the_keeper_counted_holds_for_an_adopted_session() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    place.script(
        "one",
        &(wait_for(&place.path("go")) + "echo one > one.txt; git add .; git commit -qm One\n"),
    );
    place.objectives(&["one"]);
    let mut running = place.supervisor(&NO_POLL);
    running.heard("session_started");
    running.kill();
    let file = place.path("workspace/runtime/sessions/1/claim.json");
    let mut claim: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let began_ms = claim["awake_clock_ms"].as_i64().unwrap();
    // The clock starts at boot, so it cannot be set back further than the machine has been awake.
    let earlier_ms = (began_ms / 2).min(7_200_000);
    claim["awake_clock_ms"] = (began_ms - earlier_ms).into();
    fs::write(&file, claim.to_string()).unwrap();
    let mut running = place.supervisor(&NO_POLL);
    let slept = running.heard("session_slept");
    let by_ms = slept["data"]["by_ms"].as_i64().unwrap();
    assert!(by_ms <= 3_000 - earlier_ms, "{by_ms} of {earlier_ms}");
    go(&place);
    running.heard("published");
    running.stop();
    place.nobody_is_left();
    place.good(&["doctor", "--rebuild"]);
}

#[test]
fn an_agent_that_ended_while_the_supervisor_was_dead_is_harvested() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    let work = "echo one > one.txt; git add .; git commit --quiet -m One\n";
    place.script("one", &(wait_for(&place.path("go")) + work));
    place.objectives(&["one"]);
    let mut running = place.supervisor(&NO_POLL);
    running.heard("session_started");
    running.kill();
    go(&place);
    until("the agent and its keeper are gone", || {
        place.path("workspace/runtime/sessions/1/exit.json").exists()
    });
    place.nobody_is_left();
    let mut running = place.supervisor(&NO_POLL);
    let ended = running.heard("session_ended");
    assert_eq!(ended["data"]["end"], "completed");
    running.heard("published");
    running.stop();
    place.nothing_ran_twice();
}

#[test]
fn a_gate_continues_while_the_supervisor_is_dead_and_ends_under_the_next() {
    let place = Sandbox::scripted("workspace");
    let verify = gate(&place, &wait_for(&place.path("go")));
    place.simple(&verify);
    place.objectives(&["one"]);
    let mut running = place.supervisor(&NO_POLL);
    running.heard("gate_started");
    until("the gate runs", || lines(&place.path("runs")).len() == 1);
    running.kill();
    let mut running = place.supervisor(&NO_POLL);
    running.heard("supervisor_started");
    go(&place);
    let ended = running.heard("gate_ended");
    assert_eq!((&ended["data"]["gate"], &ended["data"]["verdict"]), (&1.into(), &"green".into()));
    running.heard("published");
    running.stop();
    place.nobody_is_left();
    assert_eq!(lines(&place.path("runs")).len(), 2, "the gate ran once on the base, and once on the work");
}

/// Makes an agent that hangs in its first `hangs` sessions, with a child in a session of its own.
fn hanging(place: &Sandbox, hangs: u64) {
    let text = format!(
        "if [ \"$PADDOCK_SESSION\" -le {hangs} ]; then\n  echo half > half.txt\n  \
         setsid sh -c 'echo $$ >> \"{}\"; exec sleep 1000' &\n  exec sleep 1000\nfi\n\
         echo one > one.txt; git add one.txt; git commit --quiet -m One\nrm -f half.txt\n",
        place.path("children").display()
    );
    place.script("one", &text);
    place.objectives(&["one"]);
}

fn kill_keeper(place: &Sandbox, folder: &str) {
    let file = place.root().join("runtime").join(folder).join("claim.json");
    let claim: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let pid = claim["keeper"]["pid"].as_i64().unwrap();
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
}

/// Waits for the child of the session's agent, and returns its process id.
fn child(place: &Sandbox, session: usize) -> String {
    until("the agent's child runs", || lines(&place.path("children")).len() == session);
    lines(&place.path("children")).pop().unwrap()
}

fn is_gone(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.is_empty() || state.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
}

fn ends_lost(running: &mut Supervisor, session: u64) {
    let ended = running.next("the session's end", |event| event["type"] == "session_ended");
    assert_eq!((&ended["session"], &ended["data"]["end"]), (&session.into(), &"lost".into()), "{ended}");
}

fn lands(place: &Sandbox, mut running: Supervisor) {
    running.heard("published");
    running.stop();
    place.nobody_is_left();
    place.nothing_ran_twice();
}

#[test]
fn a_session_whose_keeper_is_killed_is_lost_its_processes_are_killed_and_a_new_one_runs() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    hanging(&place, 1);
    let mut running = place.supervisor(&NO_POLL);
    let child = child(&place, 1);
    kill_keeper(&place, "sessions/1");
    ends_lost(&mut running, 1);
    assert!(is_gone(&child), "a child survived the end of the session");
    running.heard_of("objective_done", "one");
    let one = place.status_of("one");
    assert_eq!((&one["retries"], one["sessions"].as_array().unwrap().len()), (&0.into(), 2));
    lands(&place, running);
}

#[test]
fn a_second_lost_session_in_a_row_costs_a_retry() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    hanging(&place, 2);
    let mut running = place.supervisor(&NO_POLL);
    for session in 1..=2 {
        child(&place, session);
        kill_keeper(&place, &format!("sessions/{session}"));
        ends_lost(&mut running, session as u64);
    }
    running.heard_of("objective_done", "one");
    assert_eq!(place.status_of("one")["retries"], 1);
    lands(&place, running);
}

#[test]
fn a_session_whose_keeper_and_supervisor_are_killed_is_lost_and_a_new_one_runs() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    hanging(&place, 1);
    let mut running = place.supervisor(&NO_POLL);
    running.heard("session_started");
    let child = child(&place, 1);
    running.kill();
    kill_keeper(&place, "sessions/1");
    let mut running = place.supervisor(&NO_POLL);
    ends_lost(&mut running, 1);
    assert!(is_gone(&child));
    lands(&place, running);
}

#[test]
fn a_gate_whose_keeper_is_killed_is_run_again() {
    let place = Sandbox::scripted("workspace");
    let hang = format!("[ $(wc -l < '{}') -gt 1 ] || exec sleep 1000", place.path("runs").display());
    let verify = gate(&place, &hang);
    place.simple(&verify);
    place.objectives(&["one"]);
    let mut running = place.supervisor(&NO_POLL);
    running.heard("gate_started");
    until("the gate runs", || lines(&place.path("runs")).len() == 1);
    kill_keeper(&place, "gates/1");
    let ended = running.heard("gate_ended");
    assert_eq!(ended["data"]["verdict"], "not_evaluated");
    assert_eq!(running.heard("gate_ended")["data"]["verdict"], "green");
    lands(&place, running);
    assert_eq!(place.status_of("one")["retries"], 0);
}
