//! Sessions that reach for what belongs to the user: the stash, branches and tags, which all worktrees share.

use std::fs;

use paddock_testkit::{Sandbox, is};
use serde_json::Value;

/// A project whose user has stashed twice.
fn stashed() -> (Sandbox, std::path::PathBuf, String) {
    let place = Sandbox::new();
    let repository = place.project("shop", "workplace: worktree");
    for number in ["1", "2"] {
        fs::write(repository.join(format!("wip{number}.txt")), format!("the user's work {number}\n"))
            .unwrap();
        place.git(&repository, &["stash", "push", "-q", "-u", "-m", &format!("wip {number}")]);
    }
    let list = place.git(&repository, &["stash", "list"]);
    (place, repository, list)
}

fn data_of(events: &[Value], kind: &str) -> Vec<Value> {
    events.iter().filter(|event| is(event, kind, "*")).map(|event| event["data"].clone()).collect()
}

#[test]
fn a_stash_that_a_session_pops_is_put_back_and_its_content_waits_for_the_user() {
    let (place, repository, list) = stashed();
    place.objective("takes", "git stash pop -q stash@{1}\ngit add -A\ngit commit -qm all\nover", &[]);
    place.idle(3);
    assert_eq!(place.git(&repository, &["stash", "list"]), list);
    let status = place.status_of("takes");
    assert_eq!(
        (&status["status"], &status["reason"]["code"]),
        (&"needs_review".into(), &"stash_taken".into())
    );
    let text = status["reason"]["text"].as_str().unwrap();
    assert!(text.contains("took your stash@{1} 'On main: wip 1'") && text.contains("`wip1.txt`"), "{text}");
    assert!(!repository.join("wip1.txt").exists());
    assert_eq!(place.git(&repository, &["for-each-ref", "refs/paddock/pinned"]), "");
    place.good(&["objective", "approve", "takes"]);
    place.idle(0);
    assert!(repository.join("wip1.txt").exists());
}

#[test]
fn what_a_session_stashes_is_salvaged_and_leaves_the_users_list() {
    let (place, repository, list) = stashed();
    place.objective("hides", "echo new > new.txt\ngit stash push -q -u\ncommit done.txt\nover", &[]);
    place.idle(0);
    assert_eq!(place.git(&repository, &["stash", "list"]), list);
    let salvage = place.json(&["salvage", "list", "--json"]);
    assert_eq!(
        (&salvage[0]["session"], &salvage[0]["paths"][0]),
        (&1.into(), &"new.txt".into()),
        "{salvage}"
    );
    place.good(&["salvage", "restore", "hides/1-stash1", "--to", place.path("out").to_str().unwrap()]);
    assert_eq!(fs::read_to_string(place.path("out/new.txt")).unwrap(), "new\n");
}

#[test]
fn refs_that_a_session_moves_or_deletes_are_named_and_come_back_by_the_commands_shown() {
    let (place, repository, _) = stashed();
    place.git(&repository, &["branch", "mine"]);
    place.git(&repository, &["tag", "-a", "v1", "-m", "one"]);
    place.git(&repository, &["notes", "add", "-m", "note"]);
    let refs =
        || place.git(&repository, &["for-each-ref", "refs/heads/mine", "refs/tags", "refs/notes/commits"]);
    let (before, stashes) = (refs(), place.git(&repository, &["stash", "list"]));
    let script = "commit work.txt\ngit branch -q -D mine\ngit tag -d v1\ngit tag v1\ngit notes remove main\n\
                  git stash drop -q stash@{1}\ngit branch new\nover";
    place.objective("breaks", script, &[]);
    let events = place.idle(0);
    assert_ne!(refs(), before);
    let moved = data_of(&events, "refs_moved");
    let names: Vec<&str> = moved
        .iter()
        .flat_map(|data| data["refs"].as_array().unwrap())
        .filter_map(|one| one["name"].as_str())
        .collect();
    for name in ["refs/heads/mine", "refs/tags/v1", "refs/notes/commits", "refs/heads/new"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(names.iter().any(|name| name.starts_with("stash@{1}")), "{names:?}");
    // The new branch took nothing.
    let title =
        "4 refs of yours changed while sessions ran (`paddock salvage list` restores what is not back)";
    let names = ["refs/heads/mine", "refs/tags/v1", "refs/notes/commits", "stash@{1}"];
    for said in [place.good(&["status"]), place.good(&["report"])] {
        assert!(said.contains(title) && names.iter().all(|name| said.contains(name)), "{said}");
    }
    assert_eq!(place.status("shop")["refs_moved"]["total"], 4);
    let listed = place.json(&["salvage", "list", "--json"]);
    for one in listed.as_array().unwrap() {
        let restore = one["restore"].as_str().unwrap();
        assert!(place.program("sh").args(["-c", restore]).status().unwrap().success(), "{restore}");
    }
    assert_eq!(refs(), before);
    // `git stash store` puts an entry on top.
    assert_eq!(place.git(&repository, &["stash", "list"]).lines().count(), stashes.lines().count());
    assert_eq!(place.json(&["salvage", "list", "--json"]), serde_json::json!([]));
}

#[test]
fn what_the_user_does_at_home_while_a_session_runs_is_not_held_against_it() {
    let (place, repository, _) = stashed();
    place.objective("works", "touch $NOTES/works\nwait_for $NOTES/go\ncommit work.txt\nover", &[]);
    let supervisor = place.supervisor(&[]);
    supervisor.wait("session_started", "works");
    paddock_testkit::until("the agent works", || place.note("works").exists());
    place.git(&repository, &["stash", "pop", "-q"]);
    place.git(&repository, &["checkout", "-q", "-b", "own"]);
    place.git(&repository, &["commit", "-q", "--allow-empty", "-m", "own"]);
    fs::write(place.note("go"), "").unwrap();
    supervisor.wait("worktree_removed", "works");
    let events = supervisor.stop();
    assert_eq!(place.git(&repository, &["stash", "list"]).lines().count(), 1);
    // The new branch is named, and nothing else: the checkout's own reflog explains it.
    let lost: Vec<Value> = data_of(&events, "refs_moved")
        .iter()
        .flat_map(|data| data["refs"].as_array().unwrap().clone())
        .filter(|one| !one["before"].is_null())
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}
