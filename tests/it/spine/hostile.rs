//! Agents that misbehave: Paddock contains each, no process is left, and other objectives are not delayed.

use std::fs;

use paddock_testkit::{Sandbox, Supervisor, count, is, place_of};

/// Starts descendants in sessions of their own that ignore every signal except KILL.
const DEAF_DESCENDANTS: &str = "
trap '' TERM INT HUP
setsid sh -c 'trap \"\" TERM INT HUP; while :; do sleep 600; done' &
(setsid sh -c 'trap \"\" TERM INT HUP; while :; do sleep 600; done' > /dev/null 2>&1 < /dev/null &)
";

const UNCOMMITTED: &str = "
echo changed >> README.md
mkdir -p 文档
echo new > '文档/新 文件.txt'
";

fn session_of(event: &serde_json::Value) -> String {
    event["session"].as_u64().unwrap().to_string()
}

/// Waits until `good` has landed, and asserts that the hostile session still runs. Only afterwards do the
/// tests stop it, so its landing cannot be a result of the stop.
fn good_lands_meanwhile(place: &Sandbox, supervisor: &Supervisor, hostile: &str) {
    supervisor.wait("landed", "good");
    let events = supervisor.events();
    assert_eq!(count(&events, "session_exited", hostile), 0, "{hostile} still ran when good landed");
    assert_eq!(place.status_of(hostile)["status"], "active");
}

#[test]
fn an_agent_that_ignores_signals_is_killed_with_its_descendants_and_its_work_is_kept() {
    let place = Sandbox::new();
    let repository = place.project("deaf", "max_parallel_sessions: 2");
    let script = format!(
        "{DEAF_DESCENDANTS}commit deaf/one.txt\n{UNCOMMITTED}touch $NOTES/deaf\nwhile :; do sleep 600; done"
    );
    place.objective("hostile", &script, &["--scope", "deaf/**"]);
    place.objective("good", "wait_for $NOTES/deaf\ncommit good.txt\nover", &["--scope", "good.txt"]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    let session = session_of(&supervisor.wait("session_started", "hostile"));
    good_lands_meanwhile(&place, &supervisor, "hostile");
    place.good(&["session", "kill", &session]);
    assert_eq!(supervisor.end(), 3);
    let events = supervisor.events();
    let ended = &events[place_of(&events, "session_ended", "hostile")]["data"];
    assert_eq!((&ended["end"], &ended["harvest"]["commits"]), (&"killed".into(), &1.into()));
    place.nobody_is_left();
    let status = place.status_of("hostile");
    assert_eq!((&status["status"], &status["reason"]["code"]), (&"needs_review".into(), &"killed".into()));
    assert_eq!(place.git(&repository, &["show", "paddock/hostile/work:deaf/one.txt"]), "deaf/one.txt");
    let salvage = format!("refs/paddock/salvage/hostile/{session}");
    assert_eq!(place.git(&repository, &["show", &format!("{salvage}:文档/新 文件.txt")]), "new");
    assert_eq!(place.git(&repository, &["show", &format!("{salvage}:README.md")]), "hello\nchanged");
    let on_branch = place.git(&repository, &["ls-tree", "-r", "--name-only", "paddock/hostile/work"]);
    assert_eq!(on_branch, "README.md\ndeaf/one.txt");
}

#[test]
fn a_child_that_keeps_the_output_open_does_not_keep_the_session_open() {
    let place = Sandbox::new();
    let repository = place.project("held", "");
    let script = "commit held.txt\nover\nsleep 600 &\n(setsid sh -c 'sleep 600' &)\nexit 0";
    place.objective("held", script, &[]);
    let events = place.idle(0);
    let exited = &events[place_of(&events, "session_exited", "held")]["data"]["process"];
    assert!(exited["survivors"].as_u64().unwrap() > 0, "{exited}");
    place.is_tidy(&repository, 1);
    place.nobody_is_left();
}

#[test]
fn a_flood_without_line_ends_is_capped_and_the_summary_after_it_is_read() {
    let place = Sandbox::new();
    let repository = place.project("flood", "disk: {session_log_mb: 8}");
    let script = "commit flood.txt\nhead -c 200000000 /dev/zero | tr '\\0' x\necho\nover partial";
    let script = format!("case $PADDOCK_SESSION_KIND in work) {script} ;; *) over ;; esac");
    place.objective("flood", &script, &[]);
    let events = place.idle(0);
    let ended = &events[place_of(&events, "session_ended", "flood")]["data"];
    assert_eq!(ended["end"], "partial", "the summary is found after 200 MB of output");
    let files = fs::read_dir(place.root().join("runtime/sessions/1")).unwrap().flatten();
    let bytes: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes < 12_000_000, "{bytes} bytes are kept");
    place.is_tidy(&repository, 1);
}

#[test]
fn binary_output_is_kept_as_it_is_and_shown_harmlessly() {
    let place = Sandbox::new();
    let repository = place.project("binary", "");
    let script = "printf '\\377\\376\\033]0;owned\\007\\033[2J\\342\\202'\nhead -c 100000 /dev/urandom\necho\ncommit binary.txt\nover";
    place.objective("binary", script, &[]);
    place.idle(0);
    let shown = place.good(&["session", "log", "1"]);
    let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!shown.chars().any(is_control), "the log is shown without control characters");
    let raw = place.paddock(&["session", "log", "1", "--raw"]).output().unwrap().stdout;
    assert!(raw.starts_with(b"\xff\xfe\x1b]0;owned\x07"), "`--raw` prints the bytes as they are");
    place.is_tidy(&repository, 1);
}

#[test]
fn one_commit_above_the_budget_stops_a_session_and_exactly_the_budget_does_not() {
    let place = Sandbox::new();
    let repository = place.project("budget", "max_parallel_sessions: 2");
    let exact = "commit e/1.txt\ncommit e/2.txt\nwait_for $NOTES/above-ended\nover";
    place.objective("exact", exact, &["--scope", "e/**", "--max-commits", "2"]);
    let above = "commit a/1.txt\ncommit a/2.txt\ncommit a/3.txt\nwhile :; do sleep 600; done";
    let above = format!("case $PADDOCK_SESSION_KIND in work)\n{above}\n;; follow-up) over ;; esac");
    place.objective("above", &above, &["--scope", "a/**", "--max-commits", "2"]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    let ended = supervisor.wait("session_ended", "above");
    fs::write(place.note("above-ended"), "").unwrap();
    assert_eq!(supervisor.end(), 0);
    assert_eq!(ended["data"]["end"], "over_budget");
    assert_eq!(ended["data"]["harvest"]["commits"], 3, "every commit is kept");
    let events = supervisor.events();
    assert_eq!(count(&events, "session_stopping", "exact"), 0);
    assert_eq!(count(&events, "session_ended", "exact"), 1);
    let follow_up = events.iter().filter(|event| is(event, "session_planned", "above")).nth(1).unwrap();
    assert_eq!(follow_up["data"]["plan"]["kind"], "follow-up");
    place.is_tidy(&repository, 2);
}

#[test]
fn a_failure_after_a_good_commit_is_corrected_in_the_same_worktree() {
    let place = Sandbox::new();
    let repository = place.project("fails", "");
    let script = "case $PADDOCK_SESSION_KIND in work) commit one.txt; exit 1 ;;\ncorrection) test -f one.txt; commit two.txt; over ;; esac";
    place.objective("fails", script, &[]);
    let events = place.idle(0);
    let ended = &events[place_of(&events, "session_ended", "fails")]["data"];
    assert_eq!((&ended["end"], &ended["harvest"]["commits"]), (&"failed".into(), &1.into()));
    let prompt = fs::read_to_string(place.note("fails.fails.2.prompt")).unwrap();
    assert!(prompt.contains("exit status 1"), "{prompt}");
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main"]), "README.md\none.txt\ntwo.txt");
    place.is_tidy(&repository, 1);
}

#[test]
fn a_session_without_commits_and_summary_has_failed() {
    let place = Sandbox::new();
    place.project("idle", "recovery: {max_retries: 1}");
    place.objective("nothing", "exit 0", &[]);
    let events = place.idle(3);
    assert_eq!(count(&events, "session_ended", "nothing"), 2);
    let status = place.status_of("nothing");
    assert_eq!(status["reason"]["code"], "retries_spent");
    assert!(status["reason"]["text"].as_str().unwrap().contains("no commit was made"), "{status}");
}

#[test]
fn a_missing_agent_program_is_marked_unusable_and_not_started_again() {
    let place = Sandbox::new();
    place.project(
        "ghost",
        "agents: [{id: ghost, command_template: [no-such-program-here]}]\nmax_parallel_sessions: 2",
    );
    for id in ["one", "two", "three"] {
        place.objective(id, "over", &["--scope", id]);
    }
    let events = place.idle(3);
    let sessions = count(&events, "session_planned", "*");
    assert!(sessions <= 3, "{sessions} sessions");
    assert!(count(&events, "agent_unusable", "*") <= 2, "at most once for each slot");
    let status = place.status_of("one");
    assert_eq!(status["reason"]["code"], "no_agent");
    let said = place.good(&["status"]);
    assert!(
        said.contains("no-such-program-here") || status["reason"]["text"].as_str().unwrap().contains("ghost"),
        "{said}"
    );
}

#[test]
fn an_agent_that_removes_the_link_to_its_repository_loses_nothing() {
    let place = Sandbox::new();
    let repository = place.project("cut", "max_parallel_sessions: 2\nrecovery: {max_retries: 1}");
    let script = "case $PADDOCK_SESSION_KIND in work) commit c/1.txt; echo dirty > c/dirty.txt; rm .git; over ;; *) rm -f c/dirty.txt; commit c/2.txt; over ;; esac";
    place.objective("cut", script, &["--scope", "c/**"]);
    place.objective("good", "commit good.txt\nover", &["--scope", "good.txt"]);
    let events = place.idle(0);
    let salvage = &events[place_of(&events, "session_ended", "cut")]["data"]["harvest"]["salvage"];
    let salvage = salvage["reference"].as_str().unwrap();
    assert_eq!(place.git(&repository, &["show", &format!("{salvage}:c/dirty.txt")]), "dirty");
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main", "c/"]), "c/1.txt\nc/2.txt");
    place.is_tidy(&repository, 2);
}

#[test]
fn an_agent_that_ignores_its_budget_is_killed_after_the_grace_while_others_land() {
    let place = Sandbox::new();
    place.project("grace", "max_parallel_sessions: 2");
    let script =
        format!("{DEAF_DESCENDANTS}commit deaf/1.txt\ncommit deaf/2.txt\nwhile :; do sleep 600; done");
    let script = format!("case $PADDOCK_SESSION_KIND in work)\n{script}\n;; *) over ;; esac");
    place.objective("hostile", &script, &["--scope", "deaf/**", "--max-commits", "1"]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.wait("session_stopping", "hostile");
    place.objective("late", "commit late.txt\nover", &["--scope", "late.txt"]);
    assert_eq!(supervisor.end(), 0);
    let events = supervisor.events();
    assert!(place_of(&events, "landed", "late") < place_of(&events, "session_exited", "hostile"));
    assert_eq!(events[place_of(&events, "session_ended", "hostile")]["data"]["end"], "over_budget");
}

#[test]
fn configuration_that_an_agent_plants_is_never_run_and_named() {
    let place = Sandbox::new();
    let repository = place.project("planted", "workplace: worktree");
    let script = "
commit planted.txt
git=$(git rev-parse --git-common-dir)
printf '#!/bin/sh\\ntouch $NOTES/ran-hook\\n' > $git/hooks/reference-transaction
cp $git/hooks/reference-transaction $git/hooks/post-checkout
chmod +x $git/hooks/*
git config filter.planted.clean 'touch $NOTES/ran-filter; cat'
git config core.fsmonitor 'touch $NOTES/ran-monitor'
rm -f $NOTES/ran-*
over";
    place.objective("planted", script, &[]);
    // No file needs any of it, so the work lands without it.
    place.idle(0);
    let ran = |place: &Sandbox| {
        fs::read_dir(place.path("notes"))
            .unwrap()
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("ran-"))
    };
    assert!(!ran(&place), "nothing planted was run");
    assert_ne!(place.git(&repository, &["log", "-1", "--format=%s", "main"]), "Begin");
    let status = place.good(&["status"]);
    for name in ["core.fsmonitor", "filter.planted.clean", "reference-transaction"] {
        assert!(status.contains(name), "{name}: {status}");
    }
    place.good(&["project", "trust"]);
    place.idle(0);
    assert!(!ran(&place), "nothing planted was run");
    // The git of this test would run it.
    place.git(&repository, &["config", "--unset", "core.fsmonitor"]);
    place.is_tidy(&repository, 1);
}
