//! What belongs to the user and is shared by all worktrees: refs and the stash.

use std::collections::BTreeMap;

use paddock_git::{GitError, SalvageOrder, StashEntry};

use super::support::{Home, commit_all, git, head, user, write};

/// A repository with three stashes of the user.
fn stashed() -> (Home, Vec<StashEntry>) {
    let home = Home::new();
    for number in ["1", "2", "3"] {
        write(&home.root, &format!("wip{number}"), &format!("the user's work {number}\n"));
        git(&home.root, &["stash", "push", "-q", "-u", "-m", &format!("wip {number}")]);
    }
    let entries = home.repository().stashes().unwrap();
    assert_eq!(
        entries.iter().map(StashEntry::message).collect::<Vec<_>>(),
        ["On master: wip 1", "On master: wip 2", "On master: wip 3"]
    );
    (home, entries)
}

#[test]
fn an_entry_goes_back_to_its_place_and_git_reads_the_list_as_before() {
    let (home, entries) = stashed();
    let (repository, list) =
        (home.repository(), git(&home.root, &["stash", "list", "--format=%gd %H %gs %gD"]));
    let show = || git(&home.root, &["stash", "list", "--format=%gd %H %gs %gD"]);
    for drop in ["stash@{0}", "stash@{1}", "stash@{2}"] {
        git(&home.root, &["pack-refs", "--all"]);
        git(&home.root, &["stash", "drop", "-q", drop]);
        let now = repository.stashes().unwrap();
        assert!(repository.set_stashes(&now, &entries).unwrap());
        assert_eq!(show(), list, "after {drop}");
    }
    git(&home.root, &["stash", "clear"]);
    assert!(repository.set_stashes(&[], &entries).unwrap());
    assert_eq!(show(), list);
    // Somebody changed the list meanwhile, or is about to.
    assert!(!repository.set_stashes(&entries[..1], &[]).unwrap());
    let lock = home.root.join(".git/refs/stash.lock");
    std::fs::write(&lock, "").unwrap();
    assert!(matches!(repository.set_stashes(&entries, &entries[..1]), Err(GitError::Locked(_))));
    std::fs::remove_file(&lock).unwrap();
    assert_eq!(show(), list);
    assert!(repository.set_stashes(&entries, &[]).unwrap());
    assert_eq!(show(), "");
    git(&home.root, &["stash", "apply", "-q", entries[0].commit.as_str()]);
    assert!(home.root.join("wip1").exists());
}

#[test]
fn a_popped_entry_is_found_in_the_branch_also_when_it_was_changed_afterwards() {
    let (home, entries) = stashed();
    let (repository, tip) = (home.repository(), head(&home.root));
    let worktree = home.worktree("task");
    git(&worktree.path, &["stash", "pop", "-q", "stash@{1}"]);
    let popped = commit_all(&worktree.path, "popped");
    let found = |head| repository.stash_in(&entries[1], (head, &tip), None).unwrap();
    assert_eq!((found(&popped).same.len(), found(&popped).files), (1, 1));
    let strange = repository.stash_in(&entries[0], (&popped, &tip), None).unwrap();
    assert!(strange.alike.is_empty());
    git(&worktree.path, &["reset", "-q", "--soft", tip.as_str()]);
    write(&worktree.path, "wip2", "first\nthe user's work 2\n");
    let changed = commit_all(&worktree.path, "changed");
    assert_eq!((found(&changed).same.len(), found(&changed).alike.len()), (0, 1));
}

#[test]
fn an_entry_of_a_session_is_salvaged_whole_and_once() {
    let (home, entries) = stashed();
    let (repository, tip) = (home.repository(), head(&home.root));
    let worktree = home.worktree("task");
    write(&worktree.path, "new", "untracked\n");
    write(&worktree.path, "README.md", "changed\n");
    git(&worktree.path, &["stash", "push", "-q", "-u"]);
    let all = repository.stashes().unwrap();
    let is_of = |entry| repository.is_stash_of(entry, &worktree.branch, &tip, &tip).unwrap();
    assert!(is_of(&all[3]) && !entries.iter().any(is_of));
    let order = SalvageOrder {
        objective: "task".to_owned(),
        session: 7,
        exclude: Vec::new(),
        identity: user(),
        time_s: 1_700_000_000,
    };
    let salvage = repository.salvage_stash(&all[3], &order).unwrap();
    assert_eq!(salvage.reference, "refs/paddock/salvage/task/7-stash1");
    let paths: Vec<_> = salvage.paths.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["README.md", "new"]);
    let again = SalvageOrder { time_s: 1_700_000_900, ..order };
    assert_eq!(repository.salvage_stash(&all[3], &again).unwrap(), salvage);
    let listed = paddock_git::salvaged(&repository).unwrap();
    assert_eq!((listed[0].session, listed[0].number().as_str()), (7, "7-stash1"));
}

#[test]
fn the_users_refs_are_those_that_git_shows_whatever_lies_between_them() {
    let (home, _) = stashed();
    git(&home.root, &["tag", "-a", "v1", "-m", "one"]);
    git(&home.root, &["branch", "packed"]);
    git(&home.root, &["update-ref", "refs/remotes/origin/x", "HEAD"]);
    git(&home.root, &["pack-refs", "--all"]);
    git(&home.root, &["branch", "a/b/c"]);
    git(&home.root, &["notes", "add", "-m", "note"]);
    git(&home.root, &["branch", "paddock/x/work"]);
    let repository = home.repository();
    let shown = git(&home.root, &["for-each-ref", "--format=%(refname) %(objectname)"]);
    let wanted: BTreeMap<String, String> = shown
        .lines()
        .filter(|line| !line.contains("/paddock/") && !line.starts_with("refs/stash"))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, id)| (name.to_owned(), id.to_owned()))
        .chain([("HEAD".to_owned(), "ref: refs/heads/master".to_owned())])
        .collect();
    assert_eq!(repository.user_refs().unwrap(), wanted);
    // A pipe would be waited for, and a link followed out of the repository.
    let pipe = home.root.join(".git/refs/tags/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("/", home.root.join(".git/refs/tags/root")).unwrap();
    assert_eq!(repository.user_refs().unwrap(), wanted);
    let stamp = repository.refs_stamp().unwrap();
    assert_eq!(repository.refs_stamp().unwrap(), stamp);
    git(&home.root, &["branch", "-D", "-q", "a/b/c"]);
    assert_ne!(repository.refs_stamp().unwrap(), stamp);
}

#[test]
fn what_the_refs_held_survives_a_deletion_and_a_collection_of_garbage() {
    let (home, entries) = stashed();
    let repository = home.repository();
    git(&home.root, &["branch", "other"]);
    git(&home.root, &["checkout", "-q", "-b", "mine"]);
    write(&home.root, "mine", "mine\n");
    let commit = commit_all(&home.root, "mine");
    git(&home.root, &["checkout", "-q", "master"]);
    repository.pin_refs(&repository.user_refs().unwrap()).unwrap();
    entries.iter().for_each(|entry| repository.pin_stash(entry).unwrap());
    git(&home.root, &["branch", "-q", "-D", "mine"]);
    git(&home.root, &["stash", "clear"]);
    git(&home.root, &["reflog", "expire", "--expire=now", "--all"]);
    git(&home.root, &["gc", "-q", "--prune=now"]);
    let kept = repository.keep_user_ref("refs/heads/mine", commit.as_str()).unwrap();
    assert_eq!(kept.unwrap(), format!("refs/paddock/kept/refs/heads/mine/{}", commit.short()));
    let stash = repository.keep_stash(&entries[0]).unwrap();
    repository.keep_user_ref("HEAD", "ref: refs/heads/other").unwrap();
    repository.unpin_all().unwrap();
    let left = git(&home.root, &["for-each-ref", "--format=%(refname)", "refs/paddock/"]);
    assert_eq!(left.lines().count(), 3, "{left}");
    let names: Vec<_> =
        repository.kept_refs().unwrap().into_iter().map(|one| (one.name, one.value)).collect();
    assert_eq!(
        names,
        [
            ("HEAD".to_owned(), "ref: refs/heads/other".to_owned()),
            ("refs/heads/mine".to_owned(), commit.as_str().to_owned())
        ]
    );
    assert_eq!(repository.kept_stashes().unwrap()[0].0, stash);
    // What is restored is no longer listed.
    git(&home.root, &["branch", "mine", commit.as_str()]);
    git(&home.root, &["stash", "store", "-m", "back", entries[0].commit.as_str()]);
    assert_eq!(repository.kept_refs().unwrap().len(), 1);
    assert!(repository.kept_stashes().unwrap().is_empty());
}
