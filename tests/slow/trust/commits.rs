//! The user commits to, rewrites and deletes the target branch while Paddock works.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use paddock_testkit::git::{commit_file, git};
use paddock_testkit::{Sandbox, Supervisor, count, until};
use serde_json::json;

fn tip(repository: &Path) -> String {
    git(repository, &["rev-parse", "refs/paddock/integration/main"])
}

fn contains(repository: &Path, commit: &str, of: &str) -> bool {
    let base = git(repository, &["merge-base", commit, of]);
    base == git(repository, &["rev-parse", commit])
}

/// Waits until the target branch and the integration ref are the same commit and contain these commits.
fn together(repository: &Path, commits: &[&str]) {
    until("the target branch holds everything", || {
        let main = git(repository, &["rev-parse", "main"]);
        main == tip(repository) && commits.iter().all(|commit| contains(repository, commit, &main))
    });
}

/// Returns settings with a gate that notes the commit it runs on and waits until the file `go` exists.
fn waiting_gate(place: &Sandbox) -> String {
    let (runs, go) = (place.path("runs"), place.path("go"));
    let script = place.path("gate.sh");
    let text = format!(
        "git rev-parse HEAD >> '{}'\nwhile ! [ -e '{}' ]; do sleep 0.05; done\n! grep -rq RED *.txt\n",
        runs.display(),
        go.display()
    );
    fs::write(&script, text).unwrap();
    format!("verify:\n  - {{name: tests, run: \"sh '{}'\", timeout_minutes: 5}}\n", script.display())
}

fn runs(place: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(place.path("runs")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn go(place: &Sandbox) {
    fs::write(place.path("go"), "").unwrap();
}

fn stop(place: &Sandbox, running: Supervisor) {
    running.stop();
    place.nobody_is_left();
    place.nothing_ran_twice();
}

#[test]
fn a_commit_of_the_user_while_nothing_happens_is_adopted() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let mut running = place.supervisor(&[]);
    running.heard("supervisor_started");
    let mine = commit_file(&repository, "mine.txt", "mine\n");
    let taken = running.heard("external_adopted");
    assert_eq!(taken["data"]["to"], mine.as_str());
    assert_eq!(tip(&repository), mine);
    place.script("one", "cat mine.txt; echo one > one.txt; git add .; git commit --quiet -m One\n");
    place.objectives(&["one"]);
    running.heard_of("objective_done", "one");
    together(&repository, &[&mine]);
    stop(&place, running);
}

#[test]
fn after_a_commit_of_the_user_during_a_gate_run_the_merge_is_made_and_verified_anew() {
    let place = Sandbox::scripted("workspace");
    let gate = waiting_gate(&place);
    let repository = place.simple(&gate);
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    let first = running.heard("gate_started");
    until("the gate runs", || runs(&place).len() == 1);
    let mine = commit_file(&repository, "mine.txt", "mine\n");
    // The run's merge no longer starts from the tip, so its verdict would be about a tree that cannot land.
    let cancelled = running.heard("gate_cancelled");
    assert_eq!(cancelled["data"]["gate"], first["data"]["gate"]);
    until("the gate runs again", || runs(&place).len() == 2);
    assert!(contains(&repository, &mine, &runs(&place)[1]));
    go(&place);
    running.heard_of("objective_done", "one");
    together(&repository, &[&mine]);
    // Runs on the user's commit alone may come before it and after it.
    let landed = tip(&repository);
    assert!(runs(&place)[1..].contains(&landed), "{landed} is not among {:?}", runs(&place));
    assert_eq!(fs::read(repository.join("one.txt")).unwrap(), b"by one\n");
    stop(&place, running);
}

#[test]
fn a_commit_of_the_user_while_publishing_waits_is_merged_through_the_gate() {
    let place = Sandbox::scripted("workspace");
    let gate = waiting_gate(&place);
    let repository = place.simple(&gate);
    go(&place);
    place.script("one", "echo one > a.txt; git commit --quiet -a -m One\n");
    place.objectives(&["one : a.txt", "two < one"]);
    fs::write(repository.join("a.txt"), "mine\n").unwrap();
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_done", "one");
    let landed = tip(&repository);
    let mine = commit_file(&repository, "mine.txt", "mine\n");
    running.next("the user's commits in the queue", |event| {
        event["type"] == "queue_entered" && event["data"]["head"] == mine.as_str()
    });
    let merged = running
        .next("their landing", |event| event["type"] == "landed" && event["data"]["head"] == mine.as_str());
    let merge = merged["data"]["candidate"]["commit"].as_str().unwrap().to_owned();
    assert!(runs(&place).contains(&merge), "the merge went through the gate");
    assert!(contains(&repository, &landed, &format!("{merge}^1")), "the first parent is the integration ref");
    assert_eq!(git(&repository, &["rev-parse", &format!("{merge}^2")]), mine);
    git(&repository, &["checkout", "a.txt"]);
    running.heard_of("objective_done", "two");
    together(&repository, &[&mine, &landed, &merge]);
    stop(&place, running);
}

/// Lands a change of `a.txt` while the user's own change of the same line is in the way, and then commits
/// that change.
fn in_conflict(place: &Sandbox, repository: &Path) -> (Supervisor, String) {
    place.script("one", "echo one > a.txt; git commit --quiet -a -m One\n");
    place.objectives(&["one : a.txt", "two < one"]);
    fs::write(repository.join("a.txt"), "mine\n").unwrap();
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_done", "one");
    let mine = commit_file(repository, "a.txt", "mine\n");
    (running, mine)
}

#[test]
fn commits_of_the_user_in_conflict_with_landed_work_wait_until_the_user_merges() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let (mut running, mine) = in_conflict(&place, &repository);
    let waits = running.next("the refusal", |event| {
        event["type"] == "publication_waits" && event["data"]["wait"]["code"] == "conflict"
    });
    assert_eq!(waits["data"]["wait"]["files"], json!(["a.txt"]));
    let text = waits["data"]["wait"]["text"].as_str().unwrap();
    assert!(text.contains("merge refs/paddock/integration/main into main"), "{text}");
    assert_eq!(place.status("p")["integration"]["waiting_for"], json!(["a.txt"]));
    place.objectives(&["three < two"]);
    running.heard_of("objective_done", "three");
    assert_eq!(git(&repository, &["rev-parse", "main"]), mine, "the user's branch stays");
    let merge = ["merge", "--quiet", "-X", "ours", "refs/paddock/integration/main", "-m", "Both"];
    git(&repository, &merge);
    let merged = git(&repository, &["rev-parse", "HEAD"]);
    running.next("the user's merge", |event| {
        event["type"] == "external_adopted" && event["data"]["to"] == merged.as_str()
    });
    assert_eq!(tip(&repository), merged);
    assert_eq!(fs::read(repository.join("a.txt")).unwrap(), b"mine\n");
    until("nothing waits any more", || {
        let integration = place.status("p")["integration"].clone();
        integration["waiting_for"] == json!([]) && integration["ahead"] == 0
    });
    stop(&place, running);
}

#[test]
fn a_red_merge_with_the_users_commits_blames_no_branch_and_waits() {
    let place = Sandbox::scripted("workspace");
    let gate = waiting_gate(&place);
    let repository = place.simple(&gate);
    go(&place);
    place.script("one", "echo one > a.txt; git commit --quiet -a -m One\n");
    place.objectives(&["one : a.txt", "two < one"]);
    fs::write(repository.join("a.txt"), "mine\n").unwrap();
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_done", "two");
    let mine = commit_file(&repository, "mine.txt", "RED\n");
    let waits = running.next("the refusal", |event| {
        event["type"] == "publication_waits" && event["data"]["wait"]["code"] == "red"
    });
    assert!(waits["data"]["wait"]["text"].as_str().unwrap().contains("tests"), "{waits}");
    place.objectives(&["three < two"]);
    running.heard_of("objective_done", "three");
    assert_eq!(git(&repository, &["rev-parse", "main"]), mine);
    git(&repository, &["checkout", "a.txt"]);
    let mended = commit_file(&repository, "mine.txt", "fine\n");
    together(&repository, &[&mine, &mended]);
    assert_eq!(place.starts().len(), 3, "no session was sent back");
    stop(&place, running);
}

/// Lands and publishes one objective.
fn landed_one(place: &Sandbox) -> Supervisor {
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_done", "one");
    running.next("its publication", |event| event["type"] == "worktree_removed");
    running
}

#[test]
fn a_target_that_was_reset_stops_landing_until_it_is_adopted() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let wait = format!("while ! [ -e '{}' ]; do sleep 0.05; done\n", place.path("go").display());
    place.script("two", &(wait + "echo two > two.txt; git add .; git commit --quiet -m Two\n"));
    place.objectives(&["two"]);
    let mut running = landed_one(&place);
    let before = tip(&repository);
    git(&repository, &["reset", "--quiet", "--hard", "HEAD~1"]);
    let reset = git(&repository, &["rev-parse", "main"]);
    running.next("the hold", |event| event["data"]["reason"]["code"] == "target_rewritten");
    assert_eq!(place.status("p")["state"], "target_rewritten");
    go(&place);
    running.heard_of("objective_queued", "two");
    assert_eq!(tip(&repository), before, "nothing lands");
    assert_eq!(git(&repository, &["rev-parse", "main"]), reset);
    place.good(&["queue", "adopt"]);
    let adopted = running.heard("target_adopted");
    assert_eq!(adopted["data"]["lost"], json!(["one"]));
    let reason = running.heard_of("needs_review", "one");
    assert_eq!(reason["data"]["reason"]["code"], "landing_lost");
    running.heard_of("objective_done", "two");
    together(&repository, &[&reset]);
    assert!(!repository.join("one.txt").exists());
    assert!(repository.join("two.txt").exists());
    let kept = git(&repository, &["for-each-ref", "--format=%(objectname)", "refs/paddock/kept/"]);
    assert!(kept.contains(&before), "the old tip is not kept: {kept}");
    assert_eq!(place.until_idle_after(running), 3);
}

#[test]
fn landed_work_is_merged_into_an_amended_target_on_request() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let mut running = landed_one(&place);
    let landed = tip(&repository);
    git(&repository, &["reset", "--quiet", "--hard", "HEAD~1"]);
    git(&repository, &["commit", "--quiet", "--amend", "-m", "Begin otherwise"]);
    let amended = git(&repository, &["rev-parse", "main"]);
    running.next("the hold", |event| event["data"]["reason"]["code"] == "target_rewritten");
    place.good(&["queue", "republish"]);
    together(&repository, &[&amended, &landed]);
    assert_eq!(fs::read(repository.join("one.txt")).unwrap(), b"by one\n");
    place.objectives(&["two"]);
    running.heard_of("objective_done", "two");
    together(&repository, &[]);
    stop(&place, running);
}

fn deleted(place: &Sandbox, repository: &Path) -> Supervisor {
    let mut running = landed_one(place);
    git(repository, &["checkout", "--quiet", "--detach"]);
    git(repository, &["branch", "--quiet", "-D", "main"]);
    running.next("the hold", |event| event["data"]["reason"]["code"] == "target_missing");
    assert_eq!(place.status("p")["state"], "target_missing");
    place.objectives(&["two"]);
    running.heard_of("objective_queued", "two");
    let (code, _) = place.outcome(&["queue", "adopt"]);
    assert_eq!(code, 1, "there is nothing to adopt");
    assert_eq!(
        git(repository, &["branch", "--list", "main"]),
        "",
        "the branch was made again without a request"
    );
    running
}

#[test]
fn a_deleted_target_is_made_again_on_request() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let mut running = deleted(&place, &repository);
    let before = tip(&repository);
    place.good(&["queue", "republish"]);
    running.heard_of("objective_done", "two");
    together(&repository, &[&before]);
    stop(&place, running);
}

#[test]
fn a_deleted_target_that_is_made_again_by_hand_is_used_as_it_is() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let mut running = deleted(&place, &repository);
    git(&repository, &["branch", "main", "HEAD"]);
    running.heard_of("objective_done", "two");
    together(&repository, &[]);
    stop(&place, running);
}

#[test]
fn the_user_may_merge_the_integration_ref_themselves() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("land: {publish: manual}\n");
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_done", "one");
    git(&repository, &["merge", "--quiet", "--no-ff", "-m", "Mine", "refs/paddock/integration/main"]);
    running.heard("external_adopted");
    together(&repository, &[]);
    running.heard("worktree_removed");
    assert_eq!(place.status("p")["integration"]["ahead"], 0);
    stop(&place, running);
}

#[test]
fn commits_between_landings_at_full_speed_lose_nothing() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("max_parallel_sessions: 4\n");
    let names: Vec<String> = (0..20).map(|n| format!("o{n}")).collect();
    place.objectives(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let running = place.supervisor(&[]);
    let mut mine = BTreeSet::new();
    let done = |running: &Supervisor| count(&running.events(), "objective_done", "*");
    while done(&running) < names.len() && mine.len() < 400 {
        mine.insert(commit_file(&repository, "mine.txt", &format!("{}\n", mine.len())));
    }
    until("all have landed", || done(&running) == names.len());
    let all: Vec<&str> = mine.iter().map(String::as_str).collect();
    until("all is published", || {
        let main = git(&repository, &["rev-parse", "main"]);
        let held: BTreeSet<String> =
            git(&repository, &["rev-list", "main"]).lines().map(str::to_owned).collect();
        main == tip(&repository) && all.iter().all(|commit| held.contains(*commit))
    });
    for name in &names {
        assert_eq!(
            fs::read_to_string(repository.join(format!("{name}.txt"))).unwrap(),
            format!("by {name}\n")
        );
    }
    let start = git(&repository, &["rev-list", "--max-parents=0", "main"]);
    let merges = git(
        &repository,
        &["log", "--first-parent", "--format=%H %(trailers:key=Paddock-Verified)%P", "main"],
    );
    for line in merges.lines().filter(|line| !line.is_empty()) {
        let commit = line.split(' ').next().unwrap_or_default();
        let subject = git(&repository, &["log", "-1", "--format=%s", commit]);
        let is_paddocks = subject.starts_with("Merge ");
        assert!(is_paddocks || mine.contains(commit) || commit == start, "{line} {subject}");
    }
    stop(&place, running);
}
