//! Sessions in own places, end to end: what they reach, what comes home, and what a person does there.

use std::fs;
use std::path::Path;

use paddock_testkit::Sandbox;

const OWN: &str = "workplace: own\nverify: []\nrecovery: {max_retries: 0}";

fn is_there(place: &Sandbox, repository: &Path, what: &str) -> bool {
    let mut git = place.program("git");
    git.arg("-C").arg(repository).args(["cat-file", "-e", what]);
    git.output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_session_finds_nothing_of_the_user_and_plants_nothing() {
    let place = Sandbox::new();
    let repository = place.project("shop", OWN);
    fs::write(repository.join("wip.txt"), "the user's work\n").unwrap();
    place.git(&repository, &["stash", "push", "-q", "-u", "-m", "wip"]);
    place.git(&repository, &["branch", "mine"]);
    let theirs = || {
        let refs = ["for-each-ref", "refs/heads/main", "refs/heads/mine", "refs/stash", "refs/tags"];
        place.git(&repository, &refs) + &place.git(&repository, &["stash", "list"])
    };
    let before = theirs();
    let script = "
commit first.txt
if git stash pop; then commit stolen.txt; fi
if git branch -D mine; then commit deleted.txt; fi
git push origin HEAD:main >> $NOTES/push 2>&1 || true
git update-ref refs/heads/main HEAD
git=$(git rev-parse --git-common-dir)
printf '#!/bin/sh\\ntouch $NOTES/ran-hook\\n' > $git/hooks/reference-transaction
chmod +x $git/hooks/*
git config core.fsmonitor 'touch $NOTES/ran-monitor; :'
git config filter.planted.clean 'touch $NOTES/ran-filter; cat'
echo '* filter=planted' > $git/info/attributes
rm -f $NOTES/ran-*
over";
    place.objective("reaches", script, &[]);
    place.idle(0);
    let landed = place.git(&repository, &["ls-tree", "--name-only", "main"]);
    assert_eq!(landed, "README.md\nfirst.txt");
    assert!(fs::read_to_string(place.note("push")).unwrap().contains("lands work through its merge queue"));
    let after = theirs();
    let without_main = |text: &str| {
        text.lines().filter(|line| !line.ends_with("refs/heads/main")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(without_main(&after), without_main(&before));
    let notes: Vec<_> =
        fs::read_dir(place.path("notes")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(notes.iter().all(|name| !name.to_string_lossy().starts_with("ran-")), "{notes:?}");
    let status = place.good(&["status"]);
    assert!(!status.contains("fsmonitor") && !status.contains("reference-transaction"), "{status}");
    place.git(&repository, &["branch", "-q", "-D", "mine"]);
    place.git(&repository, &["stash", "drop", "-q"]);
    place.is_tidy(&repository, 1);
}

#[test]
fn everything_that_a_session_leaves_comes_home_or_is_kept() {
    let place = Sandbox::new();
    let repository = place.project("shop", OWN);
    let script = "
commit first.txt
git checkout -q -b side
commit side.txt
echo stashed > first.txt
git stash -q
git tag mine
git checkout -q paddock/leaves/work
echo staged > staged.txt
git add staged.txt
echo changed > staged.txt
echo dirty > dirty.txt
over";
    place.objective("leaves", script, &[]);
    let events = place.idle(3);
    assert!(events.iter().any(|event| event["type"] == "session_ended"));
    let worktree = place.status_of("leaves")["worktree"].as_str().unwrap().to_owned();
    let worktree = Path::new(&worktree);
    assert!(place.good(&["doctor"]).contains("1 own place (leaves)"));
    let side = place.git(worktree, &["rev-parse", "side"]);
    let salvaged = "refs/paddock/salvage/leaves/1";
    for what in [&format!("{salvaged}:dirty.txt"), &format!("{salvaged}^2:staged.txt"), &side] {
        assert!(is_there(&place, &repository, what), "{what}");
    }
    let of = |what: &str| place.git(&repository, &["show", what]);
    assert_eq!(of(&format!("{salvaged}:staged.txt")), "changed");
    assert_eq!(of(&format!("{salvaged}^2:staged.txt")), "staged");
    assert_eq!(of(&format!("{salvaged}-stash1:first.txt")), "stashed");
    let kept =
        place.git(&repository, &["for-each-ref", "--format=%(objectname)", "refs/paddock/kept/leaves"]);
    assert!(kept.lines().any(|commit| commit == side), "{kept}");
    // A person mends it in the place, and approves.
    place.git(worktree, &["reset", "-q", "--hard"]);
    fs::remove_file(worktree.join("dirty.txt")).unwrap();
    fs::write(worktree.join("by-hand.txt"), "mended\n").unwrap();
    place.git(worktree, &["add", "--all"]);
    place.git(worktree, &["commit", "--quiet", "--message", "Mend it by hand"]);
    place.good(&["objective", "approve", "leaves"]);
    place.idle(0);
    assert_eq!(place.git(&repository, &["show", "main:by-hand.txt"]), "mended");
    assert!(!worktree.exists());
    place.is_tidy(&repository, 1);
    assert!(is_there(&place, &repository, &side), "what no branch has is kept after the place is gone");
}

#[test]
fn a_place_that_is_broken_is_a_fault_of_its_session_alone() {
    let place = Sandbox::new();
    let repository = place.project("shop", OWN);
    // The commit is gone before the branch names it: it never comes home.
    let gone = "echo 1 > broken.txt; git add .; id=$(git commit-tree -p HEAD -m x $(git write-tree))
rm -f .git/objects/${id%${id#??}}/${id#??}
echo $id > .git/refs/heads/paddock/broken/work
over";
    place.objective("broken", gone, &[]);
    place.objective("elsewhere", "commit elsewhere.txt\necho /etc > .git/objects/info/alternates\nover", &[]);
    place.objective("pipe", "commit pipe.txt\nrm .git/HEAD\nmkfifo .git/HEAD\nover", &[]);
    place.objective("fine", "commit fine.txt\nover", &[]);
    place.idle(3);
    assert_eq!(place.status_of("fine")["status"], "done");
    for (id, what) in [("broken", "does not exist"), ("elsewhere", "alternates"), ("pipe", "HEAD")] {
        let status = place.status_of(id);
        assert_eq!(status["status"], "needs_review", "{id}");
        let reason = status["reason"]["text"].as_str().unwrap();
        assert!(reason.contains(what), "{id}: {reason}");
    }
    place.git(&repository, &["fsck", "--full", "--strict"]);
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main"]), "README.md\nfine.txt");
}
