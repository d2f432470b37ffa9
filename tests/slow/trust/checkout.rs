//! The user's checkout while objectives land. Their files stay as they are; landing continues; only
//! publishing waits, and continues by itself.

use std::fs;
use std::path::{Path, PathBuf};

use paddock_testkit::git::{commit_file, git, git_fails, snapshot};
use paddock_testkit::{Sandbox, Supervisor};

/// Adds two objectives, of which the second depends on the first. Together they change `a.txt` and add
/// `new.txt` and an ignored `note.log`.
fn work(place: &Sandbox) {
    place.script(
        "one",
        "echo changed > a.txt; echo new > new.txt; echo note > note.log\n\
         git add --all; git add --force note.log; git commit --quiet --message 'Change a, add new and note'\n",
    );
    place.script("two", "grep new new.txt; echo more >> new.txt; git commit --quiet --all --message More\n");
    place.objectives(&["one : a.txt new.txt note.log", "two < one : new.txt"]);
}

fn both_land(running: &mut Supervisor) {
    running.heard_of("objective_done", "one");
    running.heard_of("objective_done", "two");
}

fn tip(repository: &Path) -> String {
    git(repository, &["rev-parse", "refs/paddock/integration/main"])
}

/// Waits until everything that landed is on the target branch.
fn published(place: &Sandbox, running: &mut Supervisor, repository: &Path) {
    let wanted = tip(repository);
    running.next("publication", |event| event["type"] == "published" && event["data"]["to"] == wanted);
    assert_eq!(git(repository, &["rev-parse", "main"]), wanted);
    let integration = place.status("p")["integration"].clone();
    assert_eq!(integration["waiting_for"], serde_json::json!([]));
    assert_eq!(integration["ahead"], 0);
}

/// A state of the user's checkout that is in the way of publishing, how `status` describes it, and how the
/// user clears it.
struct Case {
    disturb: fn(&Path),
    code: &'static str,
    files: &'static [&'static str],
    words: &'static str,
    clear: fn(&Path),
}

/// Asserts that publishing waits without touching the user's files, and continues by itself once the way is
/// clear.
fn publishing_waits(place: &Sandbox, repository: &Path, checkout: &Path, case: &Case) {
    work(place);
    (case.disturb)(checkout);
    let before = snapshot(checkout);
    let start = git(repository, &["rev-parse", "main"]);
    let mut running = place.supervisor(&[]);
    let waits = running.heard("publication_waits");
    assert_eq!(waits["data"]["wait"]["code"], case.code, "{waits}");
    running.heard_of("objective_done", "two");
    assert_eq!(snapshot(checkout), before, "the user's files changed");
    assert_eq!(git(repository, &["rev-parse", "main"]), start);
    assert_ne!(tip(repository), start);
    let status = place.status("p");
    assert_eq!(status["integration"]["waiting_for"], serde_json::json!(case.files), "{status}");
    assert_eq!(status["integration"]["ahead"], 2);
    let text = place.good(&["status"]);
    assert!(text.contains(case.words), "{text}");
    for file in case.files {
        assert!(text.contains(file), "{text}");
    }
    (case.clear)(checkout);
    published(place, &mut running, repository);
    running.stop();
    place.nobody_is_left();
}

fn simple(case: &Case) {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    publishing_waits(&place, &repository, &repository, case);
    assert_eq!(fs::read(repository.join("a.txt")).unwrap(), b"changed\n");
    assert_eq!(fs::read(repository.join("new.txt")).unwrap(), b"new\nmore\n");
}

#[test]
fn changes_in_the_way_wait_for_a_stash() {
    simple(&Case {
        disturb: |checkout| fs::write(checkout.join("a.txt"), "mine\n").unwrap(),
        code: "local_changes",
        files: &["a.txt"],
        words: "uncommitted changes are in the way",
        clear: |checkout| drop(git(checkout, &["stash"])),
    });
}

#[test]
fn staged_changes_in_the_way_wait_until_they_are_undone() {
    simple(&Case {
        disturb: |checkout| {
            fs::write(checkout.join("a.txt"), "mine\n").unwrap();
            git(checkout, &["add", "a.txt"]);
        },
        code: "local_changes",
        files: &["a.txt"],
        words: "uncommitted changes are in the way",
        clear: |checkout| drop(git(checkout, &["reset", "--quiet", "--hard"])),
    });
}

#[test]
fn an_untracked_file_in_the_way_waits_until_it_is_moved() {
    simple(&Case {
        disturb: |checkout| fs::write(checkout.join("new.txt"), "mine\n").unwrap(),
        code: "untracked",
        files: &["new.txt"],
        words: "untracked files are in the way",
        clear: |checkout| fs::rename(checkout.join("new.txt"), checkout.join("other.txt")).unwrap(),
    });
}

#[test]
fn an_ignored_file_in_the_way_waits_until_it_is_removed() {
    simple(&Case {
        disturb: |checkout| fs::write(checkout.join("note.log"), "mine\n").unwrap(),
        code: "ignored",
        files: &["note.log"],
        words: "ignored files are in the way",
        clear: |checkout| fs::remove_file(checkout.join("note.log")).unwrap(),
    });
}

#[test]
fn a_rebase_of_the_target_waits_until_it_is_aborted() {
    simple(&Case {
        disturb: |checkout| {
            git_fails(checkout, &["rebase", "--root", "--exec", "false"]);
            git_fails(checkout, &["symbolic-ref", "HEAD"]);
        },
        code: "operation",
        files: &[],
        words: "a rebase is in progress",
        clear: |checkout| drop(git(checkout, &["rebase", "--abort"])),
    });
}

#[test]
fn a_bisection_waits_until_it_is_reset() {
    simple(&Case {
        disturb: |checkout| drop(git(checkout, &["bisect", "start"])),
        code: "operation",
        files: &[],
        words: "a bisect is in progress",
        clear: |checkout| drop(git(checkout, &["bisect", "reset"])),
    });
}

#[test]
fn a_second_worktree_of_the_user_with_changes_in_the_way_waits() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    git(&repository, &["checkout", "--quiet", "-b", "elsewhere"]);
    let second = place.path("second worktree");
    git(&repository, &["worktree", "add", "--quiet", second.to_str().unwrap(), "main"]);
    let first = snapshot(&repository);
    let case = Case {
        disturb: |checkout| fs::write(checkout.join("a.txt"), "mine\n").unwrap(),
        code: "local_changes",
        files: &["a.txt"],
        words: "uncommitted changes are in the way",
        clear: |checkout| drop(git(checkout, &["checkout", "a.txt"])),
    };
    publishing_waits(&place, &repository, &second, &case);
    assert_eq!(snapshot(&repository), first);
    assert_eq!(fs::read(second.join("a.txt")).unwrap(), b"changed\n");
}

#[test]
fn a_file_in_the_way_that_the_user_commits_is_merged_with_the_landed_work() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.script("one", "echo first >> list.txt; git add .; git commit --quiet -m List\n");
    place.objectives(&["one : list.txt"]);
    fs::write(repository.join("list.txt"), "first\n").unwrap();
    let mut running = place.supervisor(&[]);
    running.heard("publication_waits");
    let mine = commit_file(&repository, "list.txt", "first\n");
    running.next("the merge's publication", |event| {
        event["type"] == "published" && event["data"]["to"] != mine.as_str()
    });
    assert_eq!(git(&repository, &["rev-parse", "main"]), tip(&repository));
    git(&repository, &["merge-base", "--is-ancestor", &mine, "main"]);
    running.stop();
    place.nobody_is_left();
}

/// Asserts that publishing never waits, and that these files stay as they are.
fn publishing_continues(repository: &Path, place: &Sandbox, untouched: &[(&str, &str)]) {
    work(place);
    let mut running = place.supervisor(&[]);
    both_land(&mut running);
    published(place, &mut running, repository);
    for (file, text) in untouched {
        assert_eq!(fs::read_to_string(repository.join(file)).unwrap(), *text);
    }
    let events = running.stop();
    assert!(!events.iter().any(|event| event["type"] == "publication_waits"), "{events:?}");
    place.nobody_is_left();
}

#[test]
fn changes_of_other_files_stay_and_do_not_hold_publishing_up() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    fs::write(repository.join("b.txt"), "staged\n").unwrap();
    git(&repository, &["add", "b.txt"]);
    fs::write(repository.join("b.txt"), "mine\n").unwrap();
    fs::write(repository.join("mine.txt"), "mine\n").unwrap();
    fs::write(repository.join("mine.log"), "mine\n").unwrap();
    let untouched = [("b.txt", "mine\n"), ("mine.txt", "mine\n"), ("mine.log", "mine\n")];
    publishing_continues(&repository, &place, &untouched);
    assert_eq!(git(&repository, &["show", ":b.txt"]), "staged");
    assert_eq!(fs::read(repository.join("a.txt")).unwrap(), b"changed\n");
}

fn checkout_elsewhere(place: &Sandbox, repository: &Path) {
    fs::write(repository.join("a.txt"), "mine\n").unwrap();
    fs::write(repository.join("new.txt"), "mine\n").unwrap();
    let before = snapshot(repository);
    publishing_continues(repository, place, &[]);
    assert_eq!(snapshot(repository), before);
}

#[test]
fn a_checkout_of_another_branch_is_not_touched() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    git(&repository, &["checkout", "--quiet", "-b", "elsewhere"]);
    checkout_elsewhere(&place, &repository);
}

#[test]
fn a_detached_checkout_is_not_touched() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    git(&repository, &["checkout", "--quiet", "--detach"]);
    checkout_elsewhere(&place, &repository);
}

#[test]
fn a_bare_repository_is_published_to() {
    let place = Sandbox::scripted("workspace");
    let from = place.checkout("from", "main");
    let bare = place.path("bare.git");
    git(&from, &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    place.register("p", &bare, "");
    publishing_continues(&bare, &place, &[]);
}

#[test]
fn with_manual_publishing_work_is_published_only_by_hand() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("land: {publish: manual}\n");
    work(&place);
    let before = snapshot(&repository);
    let mut running = place.supervisor(&[]);
    both_land(&mut running);
    assert_eq!(snapshot(&repository), before);
    assert_eq!(place.status("p")["integration"]["ahead"], 2);
    place.good(&["queue", "publish"]);
    published(&place, &mut running, &repository);
    running.stop();
    place.nobody_is_left();
}

#[test]
fn publishing_can_be_tried_at_once() {
    let place = Sandbox::scripted("workspace");
    let repository: PathBuf = place.simple("");
    work(&place);
    fs::write(repository.join("a.txt"), "mine\n").unwrap();
    assert_eq!(place.until_idle(), 3, "the run ends although publishing waits for the user");
    assert_eq!(place.status("p")["integration"]["waiting_for"], serde_json::json!(["a.txt"]));
    git(&repository, &["checkout", "a.txt"]);
    let mut running = place.supervisor(&[]);
    place.good(&["queue", "publish"]);
    published(&place, &mut running, &repository);
    running.stop();
    place.nobody_is_left();
}
