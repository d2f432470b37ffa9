//! Proofs: each landing has a git note, and `paddock verify` checks it against the repository.

use std::fs;
use std::path::{Path, PathBuf};

use paddock_testkit::Sandbox;
use serde_json::Value;

/// Makes a project with one verified landing and a commit of the user after it; returns the landed commit.
fn landed(place: &Sandbox) -> (PathBuf, String) {
    let repository = place.project("proof", "verify: [{name: tests, run: 'echo ran; test -e README.md'}]");
    place.objective("work", "commit work.txt\nover", &[]);
    place.idle(0);
    let commit = place.git(&repository, &["rev-parse", "main"]);
    fs::write(repository.join("mine.txt"), "mine\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Mine"]);
    place.idle(0);
    (repository, commit)
}

fn faults(place: &Sandbox) -> String {
    let (code, stdout, stderr) = place.run(&["verify", "--json"]);
    assert_eq!(code, 1, "{stdout}{stderr}");
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["ok"], false);
    stdout
}

fn note(place: &Sandbox, repository: &Path, commit: &str) -> String {
    place.git(repository, &["notes", "--ref=paddock", "show", commit])
}

#[test]
fn every_landing_has_a_proof_and_verify_finds_all_as_recorded() {
    let place = Sandbox::new();
    let (repository, commit) = landed(&place);
    let tree = place.git(&repository, &["rev-parse", &format!("{commit}^{{tree}}")]);
    let trailer = "--format=%(trailers:key=Paddock-Verified,valueonly)";
    assert_eq!(place.git(&repository, &["log", "-1", trailer, &commit]).trim(), tree);
    let proof: Value = serde_json::from_str(&note(&place, &repository, &commit)).unwrap();
    assert_eq!((&proof["version"], &proof["tree"]), (&1.into(), &tree.into()));
    assert_eq!(proof["objectives"][0]["id"], "work");
    let command = &proof["gate"]["commands"][0];
    assert_eq!((&command["verdict"], &command["exit_status"]), (&"green_exit_only".into(), &0.into()));
    assert_eq!((&command["isolated"], &command["place"]), (&false.into(), &"unconfined".into()));
    assert_eq!(command["log_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(proof["agents"], serde_json::json!(["tester"]));
    let document = place.json(&["verify", "--json"]);
    let kinds: Vec<&str> = document["projects"][0]["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["external", "verified"]);
    assert!(place.good(&["verify", "--rerun"]).contains("all as recorded"));
    assert!(place.good(&["verify", "--since", "2999-01-01"]).contains("0 commits"));
}

#[test]
fn a_landing_says_everywhere_which_tests_ran_and_by_which_it_differs() {
    let place = Sandbox::new();
    let gate = "n=0; for t in README.md work.txt; do test -e $t || continue; n=$((n+1)); echo \"ok $n - has $t\"; done; echo 1..$n";
    let repository = place.project("proof", &format!("verify: [{{name: tests, run: '{gate}'}}]"));
    place.objective("work", "commit work.txt\nover", &[]);
    place.idle(0);
    let commit = place.git(&repository, &["rev-parse", "main"]);
    let proof: Value = serde_json::from_str(&note(&place, &repository, &commit)).unwrap();
    let command = &proof["gate"]["commands"][0];
    assert_eq!((&command["verdict"], &proof["gate"]["verdict"]), (&"green".into(), &"green".into()));
    assert_eq!((&command["tests"]["passed"], &command["base_tests"]["passed"]), (&2.into(), &1.into()));
    assert_eq!(command["added_names"], serde_json::json!(["has work.txt"]));
    let words = "green, 2 tests (1 before)";
    for arguments in
        [&["status"][..], &["queue", "list"], &["report"], &["verify"], &["objective", "show", "work"]]
    {
        let shown = place.good(arguments);
        assert!(shown.contains(words) && shown.contains("+ has work.txt"), "{arguments:?}: {shown}");
    }
    let status = place.json(&["status", "--json"]);
    let project = &status["projects"][0];
    assert_eq!(
        (&project["landing"]["verdict"], &project["gate"][0]["source"]),
        (&"green".into(), &"runner".into())
    );
    let doctor = place.run(&["doctor"]).1;
    assert!(doctor.contains("gate command tests reported 2 tests by name"), "{doctor}");
}

#[test]
fn a_note_that_was_changed_or_removed_is_found() {
    let place = Sandbox::new();
    let (repository, commit) = landed(&place);
    let changed = note(&place, &repository, &commit).replace("\"work\"", "\"other\"");
    place.git(&repository, &["notes", "--ref=paddock", "add", "-f", "-m", &changed, &commit]);
    assert!(faults(&place).contains("was changed after it was written"));
    place.git(&repository, &["notes", "--ref=paddock", "remove", &commit]);
    assert!(faults(&place).contains("was removed"));
}

#[test]
fn a_ref_that_was_moved_by_hand_is_found() {
    let place = Sandbox::new();
    let (repository, _) = landed(&place);
    let tree = place.git(&repository, &["rev-parse", "main^{tree}"]);
    let forged = place.git(&repository, &["commit-tree", "-p", "main", "-m", "Forged", &tree]);
    // The forged commit has a tree that passed the gate, so only the missing record gives it away.
    place.git(&repository, &["update-ref", "refs/paddock/integration/main", &forged]);
    let found = faults(&place);
    assert!(found.contains("moved by hand") && found.contains("no record names this commit"), "{found}");
}

#[test]
fn a_tree_that_is_no_longer_green_is_found_by_a_rerun() {
    let place = Sandbox::new();
    landed(&place);
    let file = place.project_file("proof");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("test -e README.md", "exit 3")).unwrap();
    place.idle(3);
    let (code, stdout, _) = place.run(&["verify", "--rerun"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("the gate command tests is not green in the rerun"), "{stdout}");
}

#[test]
fn a_rerun_that_passes_with_fewer_tests_than_the_proof_has_is_found() {
    let place = Sandbox::new();
    // As a runner does whose tests depend on what the machine has.
    let gate = "echo 'test a ... ok'; test -e $HOME/less || echo 'test b ... ok'; \
                echo \"test result: ok. $(test -e $HOME/less && echo 1 || echo 2) passed; 0 failed; 0 ignored; \
                0 measured; 0 filtered out; finished in 0.00s\"";
    place.project("proof", &format!("verify: [{{name: tests, run: {gate:?}}}]"));
    place.objective("work", "commit work.txt\nover", &[]);
    place.idle(0);
    assert!(place.good(&["verify", "--rerun"]).contains("all as recorded"));
    fs::write(place.path("less"), "").unwrap();
    let (code, stdout, stderr) = place.run(&["verify", "--rerun"]);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("tests ended with 0 in the rerun"), "{stdout}");
    assert!(stdout.contains("1 passed; in the proof: 2 passed"), "{stdout}");
    assert!(stderr.contains("the merge queue of proof is held"), "{stderr}");
}

#[test]
fn a_rerun_works_in_a_folder_of_its_own_that_is_set_up_and_removed() {
    let place = Sandbox::new();
    let gate = "test -e deps/lib && test ! -e left.log && pwd >> $NOTES/gates";
    let settings = format!(
        "verify: [{{name: tests, run: {gate:?}}}]\nworktree: {{setup: 'mkdir -p deps && touch deps/lib'}}\n\
         workplace: worktree"
    );
    let repository = place.project("proof", &settings);
    fs::write(repository.join(".gitignore"), "deps/\n*.log\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Ignore"]);
    place.idle(0);
    place.objective("work", "commit work.txt\nover", &[]);
    place.idle(0);
    let folder = place.path("proof-wt/proof");
    // The rerun must see nothing of the queue's folder, and leave it as it is.
    let kept = folder.join("_gate-1/left.log");
    fs::write(&kept, "").unwrap();
    // An interrupted rerun leaves its folder; the next one must remove it.
    let left = folder.join("_verify-1-1");
    place.git(&repository, &["worktree", "add", "--quiet", "--detach", left.to_str().unwrap()]);
    fs::write(repository.join(".git/worktrees/_verify-1-1/paddock"), "paddock: detached").unwrap();
    fs::remove_file(place.note("gates")).unwrap();
    assert!(place.good(&["verify", "--rerun"]).contains("all as recorded"));
    let ran = fs::read_to_string(place.note("gates")).unwrap();
    assert!(ran.contains("/_verify-") && !ran.contains("_gate-"), "{ran}");
    assert!(kept.exists() && !left.exists());
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["_gate-1", "_gate-1.cache"]);
    let worktrees = place.git(&repository, &["worktree", "list", "--porcelain"]);
    assert!(!worktrees.contains("_verify-"), "{worktrees}");
}

#[test]
fn gate_and_agent_see_every_file_where_the_users_checkout_is_sparse() {
    let place = Sandbox::new();
    let repository = place.repository("sparse");
    for (name, text) in [("src/a", "a"), ("tests/t.sh", "! test -e src/bad")] {
        fs::create_dir_all(repository.join(name).parent().unwrap()).unwrap();
        fs::write(repository.join(name), text).unwrap();
    }
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Tests"]);
    place.git(&repository, &["sparse-checkout", "set", "src"]);
    // This gate runs the tests that it finds: in a sparse checkout it would be green without running any.
    let gate = "for t in tests/*.sh; do test ! -f $t || sh $t || exit 1; done; echo over";
    place.add("sparse", &format!("recovery: {{max_retries: 0}}\nverify: [{{name: tests, run: {gate:?}}}]"));
    place.objective("bad", "test -e tests/t.sh || exit 9\ncommit src/bad\nover", &["--scope", "src/**"]);
    place.idle(3);
    assert_eq!(place.status_of("bad")["status"], "needs_review");
    assert!(!place.git(&repository, &["ls-tree", "-r", "--name-only", "main"]).contains("src/bad"));
    place.good(&["objective", "cancel", "bad"]);
    place.objective("good", "commit src/good\nover", &["--scope", "src/**"]);
    place.idle(4);
    // Publishing updates the user's checkout and leaves it sparse.
    assert!(repository.join("src/good").exists() && !repository.join("tests").exists());
    assert_eq!(place.git(&repository, &["status", "--porcelain"]), "");
}
