//! Gate folders: kept with their caches while they are used, and removed afterwards.

use std::fs;

use paddock_testkit::{Sandbox, count, git, is};

/// Returns the gate folders of a project, and caches whose folder is gone.
fn folders(place: &Sandbox, name: &str) -> Vec<String> {
    let folder = place.path(&format!("{name}-wt")).join(name);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names.retain(|name| name.starts_with("_gate-"));
    let caches = names.iter().map(|name| format!("{name}.cache")).collect::<Vec<_>>();
    names.retain(|name| !caches.contains(name));
    names
}

#[test]
fn an_unused_slot_loses_its_folder_and_a_removed_project_all_of_them() {
    let place = Sandbox::new();
    // Each gate run waits for the other, so both slots are needed.
    let run =
        "touch $NOTES/in.$PADDOCK_GATE; until test $(ls $NOTES | grep -c in.) -ge 2; do sleep 0.05; done";
    let settings = format!(
        "max_parallel_sessions: 2\nverify: [{{name: tests, run: {run:?}}}]\nqueue: {{slots: 2, strict: true}}"
    );
    let repository = place.project("slots", &settings);
    place.good(&["queue", "hold"]);
    for id in ["a", "b"] {
        place.objective(id, &format!("commit {id}.txt\nover"), &["--scope", &format!("{id}.*")]);
    }
    place.idle(3);
    place.good(&["queue", "release"]);
    place.idle(0);
    assert_eq!(folders(&place, "slots"), ["_gate-1", "_gate-2"]);
    let listed = place.json(&["queue", "list", "--json"]);
    assert_eq!(listed[0]["gate_slots"]["slots"], 2, "{listed}");
    let file = place.project_file("slots");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("slots: 2", "slots: 1")).unwrap();
    let events = place.idle(0);
    let removed: Vec<_> = events.iter().filter(|event| is(event, "gate_folder_removed", "*")).collect();
    assert_eq!(removed.len(), 1, "{removed:?}");
    assert_eq!(removed[0]["data"]["slot"], 2);
    assert_eq!(folders(&place, "slots"), ["_gate-1"]);
    place.good(&["project", "remove", "slots"]);
    assert!(folders(&place, "slots").is_empty());
    assert!(!place.root().join("runtime/gate-folders/slots").exists(), "the records stay");
    let worktrees = place.git(&repository, &["worktree", "list", "--porcelain"]);
    assert!(!worktrees.contains("_gate-"), "{worktrees}");
}

#[test]
fn with_little_free_disk_idle_gate_folders_are_removed() {
    let place = Sandbox::new();
    place.project("low", "verify: [{name: tests, run: 'mkdir -p cache && touch cache/x'}]");
    place.objective("work", "commit work.txt\nover", &[]);
    place.idle(0);
    assert_eq!(folders(&place, "low"), ["_gate-1"]);
    let file = place.project_file("low");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}disk: {{min_free_gb: 100000000}}\n")).unwrap();
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.wait("gate_folder_removed", "*");
    supervisor.end();
    assert!(folders(&place, "low").is_empty());
    // With free space the folder is made anew.
    fs::write(&file, text).unwrap();
    place.objective("more", "commit more.txt\nover", &[]);
    assert_eq!(count(&place.idle(0), "landed", "more"), 1);
}

#[test]
fn a_gate_folder_is_set_up_once_and_again_when_a_dependency_file_changes() {
    let place = Sandbox::new();
    let setup = "echo x >> $NOTES/setups; mkdir -p node_modules; cp package.json node_modules/";
    let run = "cmp package.json node_modules/package.json";
    let settings = format!(
        "verify: [{{name: tests, run: {run:?}}}]\nworktree: {{setup: {setup:?}}}\nqueue: {{flaky_retries: 0}}"
    );
    let repository = place.project("deps", &settings);
    fs::write(repository.join("package.json"), "{}\n").unwrap();
    fs::write(repository.join(".gitignore"), "node_modules\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Dependencies"]);
    let setups = || fs::read_to_string(place.note("setups")).unwrap_or_default().lines().count();
    place.idle(0);
    let before = setups();
    place.objective("one", "commit one.txt\nover", &[]);
    place.objective("two", "commit two.txt\nover", &[]);
    let events = place.idle(0);
    assert_eq!(count(&events, "landed", "*"), 2);
    assert_eq!(setups() - before, 3, "one set-up for each session, and one for the gate");
    place.objective("more", "commit more.txt\nover", &[]);
    let before = setups();
    assert_eq!(count(&place.idle(0), "landed", "more"), 1);
    assert_eq!(setups() - before, 1, "the landed run has left what the set-up made");
    place.objective("three", "commit package.json '{\"x\": 1}'\nover", &[]);
    let before = setups();
    let events = place.idle(0);
    assert_eq!(count(&events, "landed", "three"), 1, "{:?}", place.good(&["queue", "list"]));
    assert_eq!(setups() - before, 2, "one set-up for the session, and one more for the gate");
    let proof = place.git(&repository, &["notes", "--ref=refs/notes/paddock", "show", "main"]);
    assert!(proof.contains("\"tests\"") && !proof.contains("worktree.setup"), "{proof}");
    place.good(&["verify"]);
}

#[test]
fn a_set_up_that_makes_files_outside_of_what_is_kept_runs_before_every_gate_run() {
    let place = Sandbox::new();
    let setup = "mkdir -p generated; echo $PWD >> generated/places; echo $PWD >> $NOTES/setups";
    let settings = format!(
        "verify: [{{name: tests, run: 'test $(wc -l < generated/places) = 1'}}]\nworktree: {{setup: {setup:?}}}"
    );
    let repository = place.project("made", &settings);
    git::commit_file(&repository, ".gitignore", "generated/\n");
    place.idle(0);
    for id in ["one", "two", "three"] {
        place.objective(id, &format!("commit {id}.txt\nover"), &[]);
        let before = set_ups(&place);
        assert_eq!(count(&place.idle(0), "landed", id), 1);
        assert_eq!(set_ups(&place) - before, 1, "{id}");
    }
}

/// Returns the number of set-ups in gate folders.
fn set_ups(place: &Sandbox) -> usize {
    let text = fs::read_to_string(place.note("setups")).unwrap_or_default();
    text.lines().filter(|line| line.contains("/_gate-")).count()
}

/// Makes a project with this set-up command, whose repository has a `package.json`, and lands `one` in it.
fn installed(place: &Sandbox, setup: &str) {
    let settings = format!(
        "verify: [{{name: tests, run: 'true'}}]\nworktree: {{setup: {setup:?}}}\nqueue: {{flaky_retries: 0}}"
    );
    let repository = place.project("deps", &settings);
    fs::write(repository.join("package.json"), "{}\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Dependencies"]);
    place.objective("one", "commit one.txt\nover", &[]);
    assert_eq!(count(&place.idle(0), "landed", "one"), 1);
}

#[test]
fn a_branch_that_breaks_the_gates_set_up_is_sent_back_with_its_output() {
    let place = Sandbox::new();
    installed(&place, "! grep broken package.json || { echo cannot install this; exit 1; }");
    let script = "case $PADDOCK_PROMPT_FILE in */2/*) commit package.json broken;; *) commit package.json mended;; esac";
    place.objective("bad", &format!("{script}\nover"), &[]);
    let events = place.idle(0);
    assert_eq!(
        count(&events, "queue_held", "*"),
        0,
        "the set-up works on the base, so the branch is to blame"
    );
    assert_eq!((count(&events, "session_planned", "bad"), count(&events, "landed", "bad")), (2, 1));
    let prompt = fs::read_to_string(place.note("deps.bad.3.prompt")).unwrap();
    assert!(prompt.contains("worktree.setup") && prompt.contains("cannot install this"), "{prompt}");
}

#[test]
fn a_set_up_that_fails_on_the_base_too_holds_the_queue() {
    let place = Sandbox::new();
    installed(&place, "test ! -e $NOTES/down || { echo the registry does not answer; exit 1; }");
    place.objective("two", "commit package.json more\ntouch $NOTES/down\nover", &[]);
    let events = place.idle(3);
    assert_eq!((count(&events, "session_planned", "*"), count(&events, "gate_started", "*")), (1, 3));
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap();
    assert_eq!(held["data"]["reason"]["code"], "not_evaluated", "{held}");
    assert!(held.to_string().contains("worktree.setup"), "{held}");
    fs::remove_file(place.note("down")).unwrap();
    place.good(&["queue", "release"]);
    assert_eq!(count(&place.idle(0), "landed", "two"), 1);
}

#[test]
fn a_clean_gate_keeps_nothing_between_runs() {
    let place = Sandbox::new();
    let run = "test ! -e cache && mkdir cache";
    let repository = place.project("clean", &format!("verify: [{{name: tests, run: {run:?}}}]"));
    fs::write(repository.join(".gitignore"), "cache\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Ignore"]);
    place.idle(0);
    let file = place.project_file("clean");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}queue: {{clean: true, flaky_retries: 0}}\n")).unwrap();
    for id in ["one", "two"] {
        place.objective(id, &format!("commit {id}.txt\nover"), &[]);
        assert_eq!(count(&place.idle(0), "landed", id), 1);
    }
}
