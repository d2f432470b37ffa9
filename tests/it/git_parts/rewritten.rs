//! Landed work on a branch that its user rewrote.

use paddock_model::ids::ObjectId;

use super::support::{Home, clean, commit_all, git, head, write};

/// Lands a branch of two commits, and returns the landing and the head of the branch.
fn landed(home: &Home) -> (ObjectId, ObjectId) {
    let (_, head, candidate) = home.candidate(|folder| {
        write(folder, "a.txt", "one\n");
        commit_all(folder, "one");
        write(folder, "b.bin", "\u{0}two\n");
    });
    (clean(&candidate).0, head)
}

/// Returns whether the branch, as it is now, holds the work.
fn holds(home: &Home, (landing, work): &(ObjectId, ObjectId)) -> bool {
    let repository = home.repository();
    let mut rewritten = repository.rewritten(&head(&home.root), landing).unwrap();
    rewritten.holds(landing, Some(work)).unwrap()
}

#[test]
fn work_that_was_rebased_or_squashed_is_still_there_and_other_work_is_not() {
    let home = Home::new();
    let work = landed(&home);
    let start = head(&home.root);
    // A colleague's commit comes first, and the work is rebased onto it.
    write(&home.root, "c.txt", "theirs\n");
    let theirs = commit_all(&home.root, "theirs");
    assert!(!holds(&home, &work));
    git(&home.root, &["cherry-pick", &format!("{}..{}", start, work.1)]);
    assert!(holds(&home, &work));
    // Later commits change the same file: the patches are still there.
    write(&home.root, "a.txt", "one more\n");
    commit_all(&home.root, "later");
    assert!(holds(&home, &work));
    // One commit that holds the change of both.
    git(&home.root, &["reset", "--hard", "--quiet", theirs.as_str()]);
    git(&home.root, &["merge", "--squash", "--quiet", work.1.as_str()]);
    commit_all(&home.root, "squashed");
    assert!(holds(&home, &work));
    // Half of it, and another content under the same name.
    git(&home.root, &["reset", "--hard", "--quiet", theirs.as_str()]);
    git(&home.root, &["cherry-pick", &format!("{}~1", work.1)]);
    assert!(!holds(&home, &work));
    write(&home.root, "b.bin", "\u{0}other\n");
    commit_all(&home.root, "other");
    assert!(!holds(&home, &work));
}
