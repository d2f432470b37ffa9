//! Ends of sessions and the state of their branches: killed agents, merges, empty commits, other branches.

use std::fs;

use paddock_testkit::{Sandbox, count, is, place_of};

/// No gate, and one retry: after the second failure a person is asked.
const PLAIN: &str = "verify: []\nrecovery: {max_retries: 1}";

fn sessions(events: &[serde_json::Value], objective: &str) -> usize {
    count(events, "session_planned", objective)
}

#[test]
fn an_agent_killed_by_a_signal_has_failed_despite_its_commits() {
    let place = Sandbox::new();
    place.project("killed", PLAIN);
    place.objective("killed", "commit $PADDOCK_SESSION.txt\nover\nkill -9 $$", &[]);
    let events = place.idle(3);
    assert_eq!((sessions(&events, "killed"), count(&events, "landed", "*")), (2, 0));
    for event in events.iter().filter(|event| is(event, "session_ended", "killed")) {
        assert_eq!(
            (&event["data"]["end"], &event["data"]["harvest"]["commits"]),
            (&"failed".into(), &1.into())
        );
    }
    let prompt = fs::read_to_string(place.note("killed.killed.2.prompt")).unwrap();
    assert!(prompt.contains("Session: correction") && prompt.contains("signal 9"), "{prompt}");
    let status = place.status_of("killed");
    assert_eq!(
        (&status["status"], &status["reason"]["code"]),
        (&"needs_review".into(), &"retries_spent".into())
    );
}

#[test]
fn a_merge_of_a_side_branch_from_older_history_is_no_empty_commit() {
    let place = Sandbox::new();
    let repository = place.project("side", PLAIN);
    fs::write(repository.join("later.txt"), "later\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Later"]);
    place.idle(0);
    // A clean merge changes nothing of its own, but it brings the side branch's file.
    let script = "git checkout -q -b side HEAD~1\ncommit side.txt\ngit checkout -q -\n\
                  git merge -q --no-ff -m 'Join side' side\ngit branch -q -d side\nover";
    place.objective("side", script, &[]);
    let events = place.idle(0);
    assert_eq!((sessions(&events, "side"), count(&events, "landed", "side")), (1, 1));
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main"]), "README.md\nlater.txt\nside.txt");
    place.is_tidy(&repository, 2);
}

#[test]
fn a_branch_that_only_merged_the_integration_ref_is_done_and_lands_nothing() {
    let place = Sandbox::new();
    let repository = place.project("taken", "verify: []\nmax_parallel_sessions: 3\npath_conflicts: allow");
    place.objective(
        "first",
        "wait_for $NOTES/begun.joined\nwait_for $NOTES/begun.forward\ncommit a.txt\nover",
        &[],
    );
    let merges = [("forward", "git merge -q"), ("joined", "git merge -q --no-ff -m 'Take in what landed'")];
    for (id, merge) in merges {
        let reference = "refs/paddock/integration/main";
        let script = format!("touch $NOTES/begun.{id}\nwait_for $NOTES/landed\n{merge} {reference}\nover");
        place.objective(id, &script, &[]);
    }
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.wait("landed", "first");
    fs::write(place.note("landed"), "").unwrap();
    assert_eq!(supervisor.end(), 0);
    let events = supervisor.events();
    assert_eq!((sessions(&events, "*"), count(&events, "landed", "forward")), (3, 0));
    for (id, _) in merges {
        assert_eq!(place.status_of(id)["status"], "done", "{id}");
    }
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main"]), "README.md\na.txt");
    place.git(&repository, &["fsck", "--full", "--strict"]);
}

#[test]
fn a_branch_of_empty_commits_is_sent_back_and_lands_once_work_is_added() {
    let place = Sandbox::new();
    let repository = place.project("empty", PLAIN);
    let empty = "git commit -q --allow-empty -m Nothing";
    let script = format!("case $PADDOCK_SESSION_KIND in work) {empty} ;; *) commit real.txt ;; esac\nover");
    place.objective("empty", &script, &[]);
    let events = place.idle(0);
    assert_eq!((sessions(&events, "empty"), count(&events, "landed", "empty")), (2, 1));
    let ended = &events[place_of(&events, "session_ended", "empty")]["data"];
    assert_eq!(ended["harvest"]["findings"][0]["code"], "empty");
    let prompt = fs::read_to_string(place.note("empty.empty.2.prompt")).unwrap();
    assert!(prompt.contains("Session: correction") && prompt.contains("change nothing"), "{prompt}");
    place.is_tidy(&repository, 1);
}

#[test]
fn commits_on_another_branch_or_a_detached_head_are_found_and_land() {
    let place = Sandbox::new();
    let repository = place.project("heads", &format!("{PLAIN}\nworkplace: worktree"));
    place.objective("other", "git checkout -q -b other\ncommit other.txt\nover", &[]);
    place.objective("none", "git checkout -q --detach\ncommit none.txt\nover", &[]);
    let events = place.idle(0);
    assert_eq!((sessions(&events, "*"), count(&events, "landed", "*")), (2, 2));
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main"]), "README.md\nnone.txt\nother.txt");
    let reference = ["for-each-ref", "--format=%(refname:short)", "refs/heads"];
    assert_eq!(place.git(&repository, &reference), "main\nother", "a branch that the agent made stays");
    place.git(&repository, &["branch", "-q", "-d", "other"]);
    place.is_tidy(&repository, 2);
}

#[test]
fn without_commits_an_objective_is_done_only_if_its_summary_says_completed() {
    let place = Sandbox::new();
    let repository = place.project("none", PLAIN);
    place.objective("said", "over", &[]);
    place.objective("found", "echo found it; over", &["--worker", "researcher"]);
    let events = place.idle(0);
    assert_eq!((sessions(&events, "*"), count(&events, "landed", "*")), (2, 0));
    for id in ["said", "found"] {
        let status = place.status_of(id);
        assert_eq!(
            (&status["status"], &status["landed"]["commit"]),
            (&"done".into(), &serde_json::Value::Null),
            "{id}"
        );
    }
    place.is_tidy(&repository, 0);
}

#[test]
fn a_researcher_without_a_commit_and_a_summary_has_not_succeeded() {
    let place = Sandbox::new();
    place.project("silent", "verify: []\nrecovery: {max_retries: 0}");
    place.objective("silent", "echo hm", &["--worker", "researcher"]);
    let events = place.idle(3);
    assert_eq!((sessions(&events, "silent"), count(&events, "landed", "*")), (1, 0));
    let reason = &place.status_of("silent")["reason"];
    assert!(reason["text"].as_str().unwrap().contains("no commit was made and no summary given"), "{reason}");
}

#[test]
fn commits_far_above_the_budget_are_all_kept_and_a_follow_up_continues() {
    let place = Sandbox::new();
    let repository = place.project("much", PLAIN);
    // One pull brings all 12 commits at once; a session that made them one by one would be stopped at the
    // third.
    let many = "git clone -q . $NOTES/copy\n\
                (cd $NOTES/copy; n=0; while [ $n -lt 12 ]; do n=$((n + 1)); commit $n.txt; done)\n\
                git pull -q --ff-only $NOTES/copy HEAD\nwhile :; do sleep 600; done";
    let script = format!("case $PADDOCK_SESSION_KIND in work)\n{many}\n;; follow-up) over ;; esac");
    place.objective("much", &script, &["--max-commits", "2"]);
    let events = place.idle(0);
    let ended = &events[place_of(&events, "session_ended", "much")]["data"];
    assert_eq!((&ended["end"], &ended["over_commits"]), (&"over_budget".into(), &true.into()));
    assert_eq!(ended["harvest"]["commits"], 12);
    let plan =
        &events.iter().filter(|event| is(event, "session_planned", "much")).nth(1).unwrap()["data"]["plan"];
    assert_eq!(plan["kind"], "follow-up");
    let landed = place.git(&repository, &["rev-list", "--count", "--no-merges", "main"]);
    assert_eq!(landed, "13", "every commit lands");
    place.is_tidy(&repository, 1);
}
