//! Making and removing worktrees of sessions and gates, and deleting branches.

use std::sync::Barrier;

use paddock_git::{
    CasOutcome, GitError, Removal, add_worktree, delete_branch, prepare_detached, remove_worktree,
};

use super::support::{Home, commit_all, git, git_output, head, read, write};

#[test]
fn an_existing_worktree_is_reused_as_it_is() {
    let home = Home::new();
    let first = home.worktree("main");
    assert!(!first.reused && first.git_dir.starts_with(home.root.join(".git/worktrees")));
    write(&first.path, "left.txt", "work\n");
    // A crash in the last moment left the intent; what lies at this path later may be somebody else's.
    std::fs::write(home.root.join("path"), home.place("main").as_os_str().as_encoded_bytes()).unwrap();
    let intent = home.root.join(".git/paddock/making").join(git(&home.root, &["hash-object", "path"]));
    write(intent.parent().unwrap(), intent.file_name().unwrap().to_str().unwrap(), "project/main");
    let again = home.worktree("main");
    assert!(again.reused && !intent.exists());
    assert_eq!((again.path.clone(), again.git_dir), (first.path, first.git_dir));
    assert_eq!(read(&again.path, "left.txt"), "work\n");
    let (under, dash) = (home.worktree("a_b"), home.worktree("a-b"));
    assert_ne!(under.path, dash.path);
    assert!(!git(&home.root, &["config", "--list", "--local"]).contains("branch."));
}

#[test]
fn a_deleted_worktree_is_made_again_on_its_branch() {
    let home = Home::new();
    let first = home.worktree("task");
    write(&first.path, "work.txt", "work\n");
    let work = commit_all(&first.path, "work");
    std::fs::remove_dir_all(&first.path).unwrap();
    commit_all(&home.root, "the tip moves on");
    let again = home.worktree("task");
    assert!(!again.reused);
    assert_eq!(head(&again.path), work);
}

#[test]
fn a_branch_without_work_starts_from_the_newer_tip() {
    let home = Home::new();
    let first = home.worktree("task");
    remove_worktree(&home.repository(), &first, &home.place("kept")).unwrap();
    let tip = commit_all(&home.root, "newer");
    assert_eq!(head(&home.worktree("task").path), tip);
}

#[test]
fn folders_and_branches_of_others_are_refused() {
    let home = Home::new();
    let add = |id: &str| add_worktree(&home.repository(), &home.spec(id));
    write(&home.place("task"), "precious.txt", "mine\n");
    assert!(matches!(add("task"), Err(GitError::Foreign { .. })));
    assert_eq!(read(&home.place("task"), "precious.txt"), "mine\n");
    git(&home.root, &["branch", "paddock/other/work"]);
    assert!(matches!(add("other"), Err(GitError::Foreign { .. })));
    let theirs = home.place("theirs");
    git(&home.root, &["worktree", "add", "-q", "-b", "theirs", theirs.to_str().unwrap()]);
    assert!(matches!(add("theirs"), Err(GitError::Foreign { .. })));
    let mut spec = home.spec("same-place");
    home.worktree("one");
    spec.path = home.place("one");
    assert!(matches!(add_worktree(&home.repository(), &spec), Err(GitError::Foreign { .. })));
}

#[test]
fn a_branch_named_paddock_is_named_as_the_obstacle() {
    let home = Home::new();
    git(&home.root, &["branch", "paddock"]);
    let error = add_worktree(&home.repository(), &home.spec("task")).unwrap_err().to_string();
    assert!(error.contains("git branch -m paddock"), "{error}");
}

#[test]
fn a_worktree_whose_marker_a_crash_left_empty_is_made_anew() {
    let home = Home::new();
    let worktree = home.worktree("task");
    let making = home.root.join(".git/paddock/making");
    let path = worktree.path.as_os_str().as_encoded_bytes();
    let name = git2::Oid::hash_object(git2::ObjectType::Blob, path).unwrap().to_string();
    std::fs::write(making.join(name), "project/task").unwrap();
    std::fs::write(worktree.git_dir.join("paddock"), "").unwrap();
    assert!(!home.worktree("task").reused);
    assert_eq!(std::fs::read_dir(&making).unwrap().count(), 0);
}

#[test]
fn a_worktree_left_half_made_by_a_crash_is_made_anew() {
    let home = Home::new();
    let made = home.worktree("task");
    // First neither marker nor intent: the folder may be the user's. Then the intent without the marker, as
    // after a crash between `git worktree add` and the marker.
    std::fs::remove_file(made.git_dir.join("paddock")).unwrap();
    assert!(matches!(add_worktree(&home.repository(), &home.spec("task")), Err(GitError::Foreign { .. })));
    let making = home.root.join(".git/paddock/making");
    let name = git_hash(&home, made.path.to_str().unwrap());
    std::fs::write(making.join(name), "project/task").unwrap();
    std::fs::remove_file(made.path.join("README.md")).unwrap();
    let again = home.worktree("task");
    assert!(!again.reused);
    assert_eq!(read(&again.path, "README.md"), "hello\n");
    assert_eq!(std::fs::read_dir(&making).unwrap().count(), 0);
}

fn git_hash(home: &Home, text: &str) -> String {
    write(home.folder.path(), "text", text);
    git(&home.root, &["hash-object", home.folder.path().join("text").to_str().unwrap()])
}

#[test]
fn twenty_four_threads_add_worktrees_at_once() {
    let home = Home::new();
    let start = Barrier::new(24);
    std::thread::scope(|scope| {
        for number in 0..24 {
            let (home, start) = (&home, &start);
            scope.spawn(move || {
                start.wait();
                home.worktree(&format!("task-{number}"));
            });
        }
    });
    assert_eq!(git(&home.root, &["worktree", "list"]).lines().count(), 25);
}

#[test]
fn git_never_sees_half_of_a_worktree_that_is_being_removed() {
    let home = Home::new();
    let first = home.worktree("task");
    // As a removal leaves it that is killed while it deletes.
    std::fs::remove_dir_all(&first.path).unwrap();
    let aside = home.root.join(".git/paddock/unregistered/task");
    std::fs::create_dir_all(aside.parent().unwrap()).unwrap();
    std::fs::rename(&first.git_dir, &aside).unwrap();
    std::fs::remove_file(aside.join("paddock")).unwrap();
    git(&home.root, &["fsck", "--full", "--strict"]);
    assert_eq!(
        remove_worktree(&home.repository(), &first, &home.place("kept")).unwrap(),
        Removal::AlreadyGone
    );
    assert!(!aside.exists());
    assert!(!home.worktree("task").reused);
}

#[test]
fn a_worktree_is_removed_once_and_for_all() {
    let home = Home::new();
    let (worktree, repository, kept) = (home.worktree("task"), home.repository(), home.place("kept"));
    std::fs::write(worktree.git_dir.join("index.lock"), "").unwrap();
    assert_eq!(remove_worktree(&repository, &worktree, &kept).unwrap(), Removal::Deleted);
    assert!(!worktree.path.exists() && !worktree.git_dir.exists());
    assert_eq!(remove_worktree(&repository, &worktree, &kept).unwrap(), Removal::AlreadyGone);
    write(&worktree.path, "not ours", "x");
    assert!(matches!(remove_worktree(&repository, &worktree, &kept), Err(GitError::Foreign { .. })));
}

#[test]
fn a_worktree_with_a_nested_repository_is_kept() {
    let home = Home::new();
    let kept = home.place("kept");
    for expected in ["task", "task-1"] {
        let worktree = home.worktree("task");
        let nested = worktree.path.join("deep/own");
        std::fs::create_dir_all(&nested).unwrap();
        git(&nested, &["init", "-q"]);
        let precious = commit_all(&nested, "precious");
        let removal = remove_worktree(&home.repository(), &worktree, &kept).unwrap();
        assert_eq!(removal, Removal::Kept { path: kept.join(expected) });
        assert_eq!(head(&kept.join(expected).join("deep/own")), precious);
        assert!(!worktree.path.exists());
    }
}

#[test]
fn a_branch_is_deleted_only_when_it_is_contained() {
    let home = Home::new();
    let (worktree, repository, base) = (home.worktree("task"), home.repository(), head(&home.root));
    write(&worktree.path, "x", "x");
    let work = commit_all(&worktree.path, "work");
    remove_worktree(&repository, &worktree, &home.place("kept")).unwrap();
    assert!(delete_branch(&repository, &worktree.branch, &work, &base).is_err());
    let stale = delete_branch(&repository, &worktree.branch, &base, &base).unwrap();
    assert_eq!(stale, CasOutcome::Modified { found: Some(work.clone()) });
    assert_eq!(delete_branch(&repository, &worktree.branch, &work, &work).unwrap(), CasOutcome::Done);
    assert_eq!(git(&home.root, &["for-each-ref", "refs/paddock/made"]), "");
}

#[test]
fn a_planners_worktree_keeps_modification_times_and_ignored_files_and_loses_the_rest() {
    let home = Home::new();
    let (repository, dir, first) = (home.repository(), home.place("gate-1"), head(&home.root));
    let gate = prepare_detached(&repository, &dir, &first).unwrap();
    let time = || std::fs::metadata(dir.join("src/a.rs")).unwrap().modified().unwrap();
    let before = time();
    write(&dir, "cache.log", "warm\n");
    write(&dir, "junk.txt", "junk\n");
    write(&dir, "README.md", "spoiled\n");
    std::fs::create_dir(dir.join("nested")).unwrap();
    git(&dir.join("nested"), &["init", "-q"]);
    std::fs::write(gate.git_dir.join("index.lock"), "").unwrap();
    write(&home.root, "README.md", "second\n");
    let second = commit_all(&home.root, "second");
    assert!(prepare_detached(&repository, &dir, &second).unwrap().reused);
    assert_eq!((head(&dir), read(&dir, "README.md")), (second, "second\n".to_owned()));
    assert_eq!((time(), read(&dir, "cache.log")), (before, "warm\n".to_owned()));
    assert!(!dir.join("junk.txt").exists() && !dir.join("nested").exists());
    assert!(!git_output(&dir, &["symbolic-ref", "-q", "HEAD"]).status.success());
    assert!(matches!(prepare_detached(&repository, &home.root, &first), Err(GitError::Foreign { .. })));
}

/// Commands for each way in which the user's own checkout can be sparse.
const SPARSE: [&[&[&str]]; 4] = [
    &[&["sparse-checkout", "set", "src"]],
    &[&["sparse-checkout", "set", "--sparse-index", "src"]],
    &[&["sparse-checkout", "set", "--no-cone", "/src/"]],
    // Older versions of git wrote the setting to the common configuration, where it counts for every
    // worktree.
    &[
        &["sparse-checkout", "set", "--no-cone", "/src/"],
        &["config", "--worktree", "--unset-all", "core.sparseCheckout"],
        &["config", "core.sparseCheckout", "true"],
    ],
];

fn sparse_home(commands: &[&[&str]]) -> Home {
    let home = Home::new();
    write(&home.root, "tests/t.sh", "true\n");
    commit_all(&home.root, "tests");
    commands.iter().for_each(|command| drop(git(&home.root, command)));
    assert!(!home.root.join("tests").exists(), "{commands:?}");
    home
}

#[test]
fn planners_and_agents_get_every_file_where_the_users_checkout_is_sparse() {
    for commands in SPARSE {
        let home = sparse_home(commands);
        let dir = home.place("gate-1");
        for _ in 0..2 {
            prepare_detached(&home.repository(), &dir, &head(&home.root)).unwrap();
            assert_eq!(read(&dir, "tests/t.sh"), "true\n", "{commands:?}");
        }
        let agents = home.worktree("task").path;
        assert_eq!(read(&agents, "tests/t.sh"), "true\n", "{commands:?}");
        // git's own commands must not make these folders sparse again, nor make the user's checkout whole.
        for place in [&dir, &agents] {
            git(place, &["checkout", "-q", "--detach", "HEAD"]);
            git(place, &["reset", "-q", "--hard"]);
            assert_eq!(read(place, "tests/t.sh"), "true\n", "{commands:?}");
        }
        git(&home.root, &["reset", "-q", "--hard"]);
        assert!(!home.root.join("tests").exists(), "{commands:?}");
    }
}

#[test]
fn a_planners_worktree_that_an_earlier_build_left_sparse_becomes_whole() {
    for commands in SPARSE {
        let home = sparse_home(commands);
        let (dir, first) = (home.place("gate-1"), head(&home.root));
        let gate = prepare_detached(&home.repository(), &dir, &first).unwrap();
        // Earlier builds let `git worktree add` copy the sparse rules into the gate's worktree.
        let rules = std::fs::read(home.root.join(".git/info/sparse-checkout")).unwrap();
        std::fs::create_dir_all(gate.git_dir.join("info")).unwrap();
        std::fs::write(gate.git_dir.join("info/sparse-checkout"), rules).unwrap();
        drop(std::fs::copy(home.root.join(".git/config.worktree"), gate.git_dir.join("config.worktree")));
        git(&dir, &["read-tree", "-mu", "HEAD"]);
        assert!(!dir.join("tests").exists(), "{commands:?}");
        write(&dir, "cache.log", "warm\n");
        git(&home.root, &["sparse-checkout", "disable"]);
        std::fs::remove_file(home.root.join("README.md")).unwrap();
        let second = commit_all(&home.root, "second");
        prepare_detached(&home.repository(), &dir, &second).unwrap();
        assert_eq!(read(&dir, "tests/t.sh"), "true\n", "{commands:?}");
        assert!(!dir.join("README.md").exists(), "{commands:?}");
        assert_eq!(read(&dir, "cache.log"), "warm\n");
    }
}

#[test]
fn files_that_a_planner_hid_from_git_are_restored() {
    let home = Home::new();
    let (dir, tip) = (home.place("gate-1"), head(&home.root));
    prepare_detached(&home.repository(), &dir, &tip).unwrap();
    for bit in ["--assume-unchanged", "--skip-worktree"] {
        git(&dir, &["update-index", bit, "README.md"]);
        write(&dir, "README.md", "spoiled\n");
        prepare_detached(&home.repository(), &dir, &tip).unwrap();
        assert_eq!(read(&dir, "README.md"), "hello\n", "{bit}");
    }
}

/// With `core.ignoreStat` git marks every file that it writes as unchanged, and would not see that a
/// session changed it.
#[test]
fn the_users_ignore_stat_does_not_count_where_planners_work() {
    let home = Home::new();
    git(&home.root, &["config", "core.ignoreStat", "true"]);
    let (dir, tip) = (home.place("gate-1"), head(&home.root));
    for _ in 0..2 {
        prepare_detached(&home.repository(), &dir, &tip).unwrap();
        assert_eq!(read(&dir, "README.md"), "hello\n");
        write(&dir, "README.md", "spoiled\n");
    }
}
