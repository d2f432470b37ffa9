//! The tamper guard: runs with a branch's changes to tests undone, across requeueing, in explanations and in
//! proofs; and ways to weaken tests in several languages.

use std::fs;
use std::path::PathBuf;

use paddock_testkit::{Sandbox, count, is};
use serde_json::Value;

const FILES: &[(&str, &str)] = &[
    ("check.sh", "test -e $HOME/free || until test -e $HOME/go; do sleep 0.05; done; sh tests/value.sh\n"),
    ("tests/value.sh", "grep -q good value.txt\n"),
    ("value.txt", "good\n"),
];

/// Makes a project with these files committed, and lets a supervisor record that commit as the base of work.
pub(super) fn guarded(place: &Sandbox, files: &[(&str, &str)], settings: &str) -> PathBuf {
    let repository = place.project("guard", settings);
    for (name, text) in files {
        let file = repository.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "The gate"]);
    place.idle(0);
    repository
}

fn is_tamper(event: &Value) -> bool {
    is(event, "gate_started", "*") && event["data"]["purpose"].get("tamper").is_some()
}

#[test]
fn a_run_with_the_original_tests_is_repeated_after_a_requeue_and_is_explained_and_proven() {
    let place = Sandbox::new();
    let settings = "verify: [{name: tests, run: 'sh check.sh'}]\nrecovery: {max_retries: 0}";
    fs::write(place.path("free"), "").unwrap();
    let repository = guarded(&place, FILES, settings);
    fs::remove_file(place.path("free")).unwrap();
    let script = "echo 'grep -q go value.txt' > tests/value.sh\ncommit other.txt\nover";
    place.objective("work", script, &[]);
    let supervisor = place.supervisor(&[]);
    supervisor.wait_where("a run with the tests as they were", is_tamper, 1);
    let said = place.good(&["explain", "work"]);
    assert!(said.contains("its changes to tests undone (tests/value.sh)"), "{said}");
    // Requeued during that run, the entry must get such a run again before it can land.
    place.good(&["queue", "requeue", "work"]);
    supervisor.wait_where("the run anew", is_tamper, 2);
    let said = place.good(&["explain", "work"]);
    assert!(said.contains("its changes to tests undone (tests/value.sh)"), "{said}");
    // The same after it was dropped and requeued.
    place.good(&["queue", "drop", "work"]);
    place.good(&["queue", "requeue", "work"]);
    supervisor.wait_where("the run once more", is_tamper, 3);
    fs::write(place.path("go"), "").unwrap();
    supervisor.wait("proof_written", "*");
    let events = supervisor.stop();
    assert_eq!((count(&events, "guard_asked", "*"), count(&events, "guard_passed", "*")), (3, 1));
    let note = place.git(&repository, &["notes", "--ref=refs/notes/paddock", "show", "main"]);
    let proof: Value = serde_json::from_str(&note).unwrap();
    assert_eq!(proof["guarded"][0]["objective"], "work", "{note}");
    assert_eq!(proof["guarded"][0]["files"][0], "tests/value.sh");
    assert!(proof["guarded"][0]["run"].is_u64(), "{note}");
}

#[test]
fn a_branch_that_adapts_a_test_to_its_work_is_sent_back_even_after_drop_and_requeue() {
    let place = Sandbox::new();
    let settings =
        "verify: [{name: tests, run: 'sh check.sh'}]\nrecovery: {max_retries: 0}\nqueue: {flaky_retries: 0}";
    fs::write(place.path("free"), "").unwrap();
    guarded(&place, FILES, settings);
    place.good(&["queue", "hold"]);
    let script = "echo 'grep -q bad value.txt' > tests/value.sh\ncommit value.txt bad\nover";
    place.objective("work", script, &[]);
    place.idle(3);
    place.good(&["queue", "drop", "work"]);
    place.good(&["queue", "requeue", "work"]);
    place.good(&["queue", "release"]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    assert_eq!(place.status_of("work")["status"], "needs_review");
}

/// Ways to weaken tests: id, script, and the words that the finding must contain.
const WAYS: &[(&str, &str, &str)] = &[
    ("rust", "sed -i 's/#.test./#[test]\\n#[ignore]/' src/lib.rs; git commit -qam x", "#[ignore]"),
    ("cargo", "printf '[lib]\\ntest = false\\n' >> Cargo.toml; git commit -qam x", "test = false"),
    ("script", "sed -i 's/^it(/it.skip(/' web/a.test.js; git commit -qam x", "it.skip("),
    ("python", "sed -i '1i @pytest.mark.skip' tests/test_a.py; git commit -qam x", "@pytest.mark.skip"),
    ("hooks", "commit conftest.py 'def pytest_collection_modifyitems(items): items.clear()'", "conftest.py"),
    ("go", "sed -i 's/t.Fatal/t.Skip(\"later\"); t.Fatal/' pkg/a_test.go; git commit -qam x", "t.Skip("),
    (
        "package",
        "sed -i 's/\"test\": \"jest\"/\"test\": \"true\"/' package.json; git commit -qam x",
        "package.json",
    ),
    ("make", "printf 'check:\\n\\ttrue\\n' > Makefile; git commit -qam x", "Makefile"),
    ("shadow", "commit GNUmakefile 'check: ; true'", "GNUmakefile"),
    ("gone", "git rm -q pkg/a_test.go; git commit -qm x", "pkg/a_test.go was deleted"),
    ("hollow", "echo 'def test_a(): pass' > tests/test_a.py; git commit -qam x", "checks less"),
    (
        "flow",
        "sed -i '$a\\    continue-on-error: true' .github/workflows/ci.yml; git commit -qam x",
        "continue-on-error",
    ),
];

const SETTINGS: &str =
    "verify: [{name: tests, run: 'sh check.sh'}]\nrecovery: {max_retries: 0}\nqueue: {flaky_retries: 0}";

#[test]
fn a_person_decides_where_the_run_with_the_original_tests_cannot_be_made() {
    let place = Sandbox::new();
    fs::write(place.path("free"), "").unwrap();
    guarded(&place, FILES, &format!("workplace: worktree\n{SETTINGS}"));
    // The agent puts a folder of refs where Paddock keeps the merge that is to be tried.
    let script = "echo 'grep -q bad value.txt' > tests/value.sh\ncommit value.txt bad\n\
                  for n in 0 1 2; do git update-ref refs/paddock/candidate/guard-$n/x HEAD; done\nover";
    place.objective("work", script, &[]);
    let events = place.idle(3);
    assert_eq!((count(&events, "guard_asked", "*"), count(&events, "landed", "*")), (1, 0));
    let status = place.status_of("work");
    assert_eq!(status["reason"]["code"], "not_evaluated", "{status}");
    assert_eq!((&status["status"], &status["retries"]), (&"needs_review".into(), &0.into()));
    let text = status["reason"]["text"].as_str().unwrap();
    for part in ["`tests/value.sh`", "guard-", "paddock objective approve work"] {
        assert!(text.contains(part), "{text}");
    }
    place.good(&["objective", "approve", "work"]);
    assert_eq!(count(&place.idle(0), "landed", "work"), 1);
}

#[test]
fn a_guarded_branch_that_conflicts_with_the_tip_is_sent_back_for_the_conflict() {
    let place = Sandbox::new();
    fs::write(place.path("free"), "").unwrap();
    let repository = guarded(&place, FILES, SETTINGS);
    place.good(&["queue", "hold"]);
    place.objective(
        "work",
        "echo 'grep -q go value.txt' > tests/value.sh\ncommit value.txt 'good work'\nover",
        &[],
    );
    place.idle(3);
    fs::write(repository.join("value.txt"), "good for users\n").unwrap();
    place.git(&repository, &["commit", "--quiet", "--all", "--message", "Of the user"]);
    place.idle(3);
    place.good(&["queue", "release"]);
    let events = place.idle(3);
    let dropped = events.iter().find(|event| is(event, "queue_left", "*")).unwrap();
    assert!(dropped["data"].to_string().contains("value.txt"), "{dropped}");
    assert_eq!((count(&events, "landed", "*"), count(&events, "guard_passed", "*")), (0, 0));
}

#[test]
fn a_base_on_which_the_gate_gives_no_verdict_holds_the_queue_and_the_guard_goes_on_afterwards() {
    let place = Sandbox::new();
    let script = "grep -q broken value.txt && exit 1; test -e $HOME/free || kill -9 $$; sh tests/value.sh\n";
    let files =
        [("check.sh", script), ("tests/value.sh", "grep -q good value.txt\n"), ("value.txt", "good\n")];
    guarded(&place, &files, SETTINGS);
    place.objective(
        "work",
        "echo 'grep -q bro value.txt' > tests/value.sh\ncommit value.txt broken\nover",
        &[],
    );
    let events = place.idle(3);
    assert_eq!((count(&events, "queue_held", "*"), count(&events, "landed", "*")), (1, 0));
    let said = place.good(&["status"]);
    assert!(said.contains("could not be evaluated on main itself"), "{said}");
    fs::write(place.path("free"), "").unwrap();
    place.good(&["queue", "release"]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    let status = place.status_of("work");
    assert_eq!(status["status"], "needs_review");
    assert!(place.good(&["explain", "work"]).contains("original tests"), "{status}");
}

#[test]
fn disabled_tests_are_found_in_every_language_and_nothing_lands() {
    let place = Sandbox::new();
    let files = [
        ("src/lib.rs", "#[test]\nfn works() { assert_eq!(1, 1); }\n"),
        ("Cargo.toml", "[package]\nname = \"a\"\n"),
        ("web/a.test.js", "it('works', () => { expect(1).toBe(1) })\n"),
        ("tests/test_a.py", "def test_a():\n    assert 1 == 1\n"),
        ("pkg/a_test.go", "func TestA(t *testing.T) {\n\tt.Fatal(1)\n}\n"),
        ("package.json", "{\"scripts\": {\"test\": \"jest\"}}\n"),
        ("Makefile", "check:\n\ttest -e Makefile\n"),
        (".github/workflows/ci.yml", "jobs:\n  test:\n    steps: []\n"),
    ];
    // `true ||` runs neither command, but naming them makes the files that they read part of the gate.
    let run = "true || make check || npm test";
    let settings = format!(
        "max_parallel_sessions: 4\npath_conflicts: allow\nrecovery: {{max_retries: 0}}\n\
         verify: [{{name: tests, run: {run:?}}}]"
    );
    let repository = guarded(&place, &files, &settings);
    for (id, script, _) in WAYS {
        place.objective(id, &format!("{script}\nover"), &[]);
    }
    let events = place.idle(3);
    for (id, _, mark) in WAYS {
        let ended = events.iter().find(|event| is(event, "session_ended", id)).unwrap();
        let found = &ended["data"]["harvest"]["findings"];
        assert_eq!(found[0]["code"], "tampered", "{id}: {ended}");
        assert!(found[0]["text"].as_str().unwrap().contains(mark), "{id}: {found}");
        assert_eq!(place.status_of(id)["status"], "needs_review", "{id}");
    }
    assert_eq!(count(&events, "landed", "*"), 0);
    assert_eq!(place.git(&repository, &["log", "-1", "--format=%s", "main"]), "The gate");
}

#[test]
fn a_new_file_that_makes_the_runner_skip_tests_is_tried_without_it() {
    let place = Sandbox::new();
    // A test runner that reads a settings file, as all runners do.
    let runner = "if grep -qs 'run = none' pytest.ini; then exit 0; fi; grep -q good value.txt\n";
    let files = [("check.sh", runner), ("value.txt", "good\n")];
    let settings =
        "verify: [{name: tests, run: 'sh check.sh'}]\nrecovery: {max_retries: 0}\nqueue: {flaky_retries: 0}";
    let repository = guarded(&place, &files, settings);
    place.objective("work", "echo 'run = none' > pytest.ini\ncommit value.txt broken\nover", &[]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    assert!(events.iter().any(is_tamper));
    assert_eq!(place.git(&repository, &["log", "-1", "--format=%s", "main"]), "The gate");
    let said = place.good(&["explain", "work"]);
    assert!(said.contains("original tests"), "{said}");
}

#[test]
fn scripts_behind_scripts_and_tests_in_code_are_guarded_too() {
    let place = Sandbox::new();
    // A test runner for the tests that stand in the code.
    let runner =
        "if grep -q 'assert_eq!(a(), 1)' src/lib.rs; then grep -q '{ 1 }' src/lib.rs; else true; fi\n";
    let code = "fn a() -> u8 { 1 }\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn a_is_one() {\n        assert_eq!(a(), \
                1);\n    }\n}\n";
    let files = [
        ("Makefile", "include rules.mk\ntest:\n\tsh scripts/all.sh\n"),
        ("rules.mk", "X = 1\n"),
        ("scripts/all.sh", "sh scripts/inner.sh\n"),
        ("scripts/inner.sh", runner),
        ("src/lib.rs", code),
    ];
    let settings = "verify: [{name: tests, run: 'make test'}]\nrecovery: {max_retries: 0}\npath_conflicts: allow\n\
                    max_parallel_sessions: 4\nqueue: {flaky_retries: 0}";
    let repository = guarded(&place, &files, settings);
    let ways = [
        ("inner", "commit scripts/inner.sh 'exit 0'", "scripts/inner.sh, which the gate runs"),
        ("rules", "commit rules.mk 'SHELL = /bin/true'", "rules.mk, which the gate runs"),
        (
            "shadow",
            "commit GNUmakefile 'test: ; true'",
            "added GNUmakefile, which takes the place of the `Makefile`",
        ),
    ];
    for (id, script, _) in ways {
        place.objective(id, &format!("{script}\nover"), &[]);
    }
    let both = "sed -i 's/{ 1 }/{ 2 }/; s/(), 1)/(), 2)/' src/lib.rs; git commit -qam x\nover";
    place.objective("code", both, &["--scope", "src/**"]);
    let events = place.idle(3);
    for (id, _, words) in ways {
        let ended = events.iter().find(|event| is(event, "session_ended", id)).unwrap();
        assert!(ended.to_string().contains(words), "{id}: {ended}");
    }
    assert!(events.iter().any(is_tamper));
    assert_eq!(count(&events, "landed", "*"), 0);
    assert_eq!(place.git(&repository, &["log", "-1", "--format=%s", "main"]), "The gate");
    let said = place.good(&["explain", "code"]);
    assert!(
        said.contains("`src/lib.rs`") && said.contains("paddock objective expand code src/lib.rs"),
        "{said}"
    );
}
