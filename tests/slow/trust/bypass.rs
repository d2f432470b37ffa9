//! Commits that bypass the queue: agents that move the user's branch, and users who merge a work branch by
//! hand.

use std::fs;

use paddock_testkit::git::{commit_all, git};
use paddock_testkit::{Sandbox, Supervisor, until};

const GATE: &str = "workplace: worktree\nverify:\n  - {name: there, run: \"! test -e broken\"}\n";

/// Returns text and remedy of the notice in `status`.
fn notice(place: &Sandbox) -> Option<String> {
    let reasons = place.status("p")["reasons"].as_array().unwrap().clone();
    let found = reasons.into_iter().find(|reason| reason["code"] == "queue_bypassed");
    found.map(|reason| {
        format!("{} | {}", reason["text"].as_str().unwrap(), reason["clears"].as_str().unwrap())
    })
}

fn bypassed(running: &mut Supervisor) -> Vec<String> {
    let event = running.heard("queue_bypassed");
    let commits = event["data"]["found"]["commits"].as_array().unwrap().clone();
    commits.iter().map(|one| one["objective"].as_str().unwrap().to_owned()).collect()
}

/// Runs an agent whose script moves the user's branch to its own commit, from its branch or from a detached
/// head.
fn an_agent_moves(script: &str) {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple(GATE);
    place.script("one", &script.replace("@REPO@", repository.to_str().unwrap()));
    place.objectives(&["one", "two < one"]);
    let mut running = place.supervisor(&[]);
    assert_eq!(bypassed(&mut running), ["one"]);
    running.heard_of("objective_done", "two");
    place.until_idle_after(running);
    let said = notice(&place).unwrap();
    for words in ["main holds work of one", "by hand", "queue adopt", "git revert", "Straight"] {
        assert!(said.contains(words), "{said}");
    }
    for command in ["explain", "report", "status"] {
        assert!(place.good(&[command]).contains("did not pass the merge queue"), "{command}");
    }
    // The bypass held nothing up: `two` landed on top, through the gate.
    assert_eq!(place.status_of("two")["status"], "done");
    assert_eq!(fs::read_to_string(repository.join("two.txt")).unwrap(), "by two\n");
    place.good(&["verify"]);
    assert!(place.good(&["--project", "p", "queue", "adopt"]).contains("accepted as it is"));
    assert_eq!(notice(&place), None);
    assert!(!place.good(&["report"]).contains("did not pass"));
    // An adopted bypass is not reported again.
    assert_eq!(place.until_idle(), 0);
    assert_eq!(notice(&place), None);
    assert_eq!(place.outcome(&["--project", "p", "queue", "adopt"]).0, 1, "there is nothing left to adopt");
    place.good(&["doctor", "--rebuild"]);
}

const COMMIT: &str = "echo here > one.txt; git add --all; git commit --quiet -m Straight\n";

#[test]
fn an_agent_that_moves_the_users_branch_to_its_own_work_is_named() {
    an_agent_moves(&format!(
        "{COMMIT}git update-ref refs/heads/main HEAD\ngit -C '@REPO@' reset --quiet --hard\n"
    ));
}

#[test]
fn an_agent_that_moves_the_users_branch_to_a_detached_commit_is_named() {
    let straight = "git checkout --quiet --detach; echo here > other.txt; git add --all\n\
                    git commit --quiet -m Straight; git update-ref refs/heads/main HEAD\n";
    let work = "git checkout --quiet paddock/one/work; git -C '@REPO@' reset --quiet --hard\n\
                echo more > one.txt; git add --all; git commit --quiet -m More\n";
    an_agent_moves(&format!("{straight}{work}"));
}

#[test]
fn tests_weakened_by_a_bypass_are_named() {
    let place = Sandbox::scripted("workspace");
    let repository = place.checkout("repo", "main");
    fs::create_dir(repository.join("tests")).unwrap();
    fs::write(repository.join("tests/a_test.py"), "def test_a():\n    assert True\n").unwrap();
    commit_all(&repository, "A test");
    place.register("p", &repository, "workplace: worktree\n");
    let moved = format!(
        "git update-ref refs/heads/main HEAD; git -C '{}' reset --quiet --hard\n",
        repository.display()
    );
    place.script("one", &format!("git rm --quiet tests/a_test.py; git commit --quiet -m Straight\n{moved}"));
    place.objectives(&["one : **"]);
    let mut running = place.supervisor(&[]);
    assert_eq!(bypassed(&mut running), ["one"]);
    place.until_idle_after(running);
    let said = notice(&place).unwrap();
    assert!(said.contains("tests/a_test.py was deleted") && said.contains("no gate to judge it"), "{said}");
}

#[test]
fn a_work_branch_merged_by_hand_is_reported_and_stops_nothing() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple(GATE);
    let go = place.path("go");
    let wait = format!("while ! [ -e '{}' ]; do sleep 0.05; done\n", go.display());
    place.script(
        "one",
        &format!(
            "echo here > one.txt; git add --all; git commit --quiet -m Half; : > \"$home/half\"\n{wait}"
        ),
    );
    place.objectives(&["one", "two"]);
    let mut running = place.supervisor(&[]);
    until("the agent has committed", || place.path("half").exists());
    git(&repository, &["merge", "--quiet", "--no-ff", "--no-edit", "paddock/one/work"]);
    assert_eq!(bypassed(&mut running), ["one"]);
    place.good(&["--project", "p", "queue", "adopt"]);
    running.heard("bypass_accepted");
    fs::write(&go, "").unwrap();
    running.heard_of("objective_done", "one");
    place.until_idle_after(running);
    assert_eq!(notice(&place), None);
    for id in ["one", "two"] {
        assert_eq!(place.status_of(id)["status"], "done", "{}", place.status_of(id));
    }
}
