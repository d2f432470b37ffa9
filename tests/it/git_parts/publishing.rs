//! Publishing: fast-forwards of the target branch. When publishing has to wait, the user's files stay byte
//! for byte.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use paddock_git::{GitError, PublishOutcome, RepoPath, Repository, observe};
use paddock_model::project::WaitCode;
use paddock_testkit::git::files;

use super::support::{Home, clean, commit_all, git, git_output, head, read, write};

fn waits(outcome: &PublishOutcome) -> (WaitCode, Vec<String>) {
    match outcome {
        PublishOutcome::Waiting { code, files, .. } => {
            (*code, files.iter().map(ToString::to_string).collect())
        }
        other => panic!("not waiting: {other:?}"),
    }
}

/// Publishes to a checkout that `disturb` has changed; asserts that publishing waits and changes nothing on
/// disk.
fn waits_when(disturb: impl FnOnce(&Home)) -> (WaitCode, Vec<String>) {
    let home = Home::new();
    let (published, to) = home.ready_to_publish();
    disturb(&home);
    let status = || git(&home.root, &["status", "--porcelain", "--ignored"]);
    let before = (files(&home.root), status());
    let outcome = home.publish("master", &published, &to);
    assert_eq!((files(&home.root), status()), before);
    assert_eq!(home.tip("master"), published);
    waits(&outcome)
}

#[test]
fn a_checked_out_branch_moves_with_its_files_and_publishing_again_changes_nothing() {
    for branch in ["master", "release/1.0"] {
        let home = Home::on_branch(branch);
        let (published, to) = home.ready_to_publish();
        write(&home.root, "README.md", "my own edit\n");
        write(&home.root, "notes.txt", "mine\n");
        assert_eq!(home.publish(branch, &published, &to), PublishOutcome::Published);
        assert_eq!((home.tip(branch), read(&home.root, "src/a.rs")), (to.clone(), "landed\n".to_owned()));
        assert_eq!(read(&home.root, "README.md"), "my own edit\n");
        assert_eq!(git(&home.root, &["status", "--porcelain"]), "M README.md\n?? notes.txt");
        assert_eq!(home.publish(branch, &published, &to), PublishOutcome::AlreadyThere);
    }
}

#[test]
fn a_dirty_file_in_the_way_makes_publishing_wait() {
    let seen = waits_when(|home| write(&home.root, "src/a.rs", "my own edit\n"));
    assert_eq!(seen, (WaitCode::LocalChanges, vec!["src/a.rs".to_owned()]));
}

#[test]
fn a_staged_change_in_the_way_makes_publishing_wait() {
    let seen = waits_when(|home| {
        write(&home.root, "src/a.rs", "staged\n");
        git(&home.root, &["add", "src/a.rs"]);
    });
    assert_eq!(seen, (WaitCode::LocalChanges, vec!["src/a.rs".to_owned()]));
}

#[test]
fn an_untracked_file_in_the_way_makes_publishing_wait() {
    let seen = waits_when(|home| write(&home.root, "src/new.rs", "mine\n"));
    assert_eq!(seen, (WaitCode::Untracked, vec!["src/new.rs".to_owned()]));
}

#[test]
fn an_ignored_file_in_the_way_makes_publishing_wait() {
    let seen = waits_when(|home| {
        write(&home.root, ".git/info/exclude", "new.rs\n");
        write(&home.root, "src/new.rs", "mine\n");
    });
    assert_eq!(seen, (WaitCode::Ignored, vec!["src/new.rs".to_owned()]));
}

#[test]
fn an_index_lock_makes_publishing_wait() {
    let seen = waits_when(|home| write(&home.root, ".git/index.lock", ""));
    assert_eq!(seen.0, WaitCode::Locked);
}

#[test]
fn a_rebase_in_progress_makes_publishing_wait() {
    let seen = waits_when(|home| {
        let tip = head(&home.root);
        git(&home.root, &["checkout", "-q", "-b", "other", "master"]);
        write(&home.root, "src/a.rs", "theirs\n");
        commit_all(&home.root, "theirs");
        git(&home.root, &["checkout", "-q", "master"]);
        write(&home.root, "src/a.rs", "ours\n");
        commit_all(&home.root, "ours");
        assert!(!git_output(&home.root, &["rebase", "other"]).status.success());
        // The test needs the branch at the published commit, so that only the rebase is in the way.
        git(&home.root, &["update-ref", "refs/heads/master", tip.as_str()]);
    });
    assert_eq!(seen.0, WaitCode::Operation);
}

#[test]
fn a_bisection_of_the_branch_makes_publishing_wait() {
    let seen = waits_when(|home| {
        git(&home.root, &["bisect", "start"]);
        git(&home.root, &["checkout", "-q", "--detach"]);
    });
    assert_eq!(seen.0, WaitCode::Operation);
}

#[test]
fn a_branch_that_is_not_checked_out_moves_and_files_stay() {
    for away in [&["checkout", "-q", "-b", "elsewhere"][..], &["checkout", "-q", "--detach"]] {
        let home = Home::new();
        let (published, to) = home.ready_to_publish();
        git(&home.root, away);
        write(&home.root, "src/a.rs", "my own edit\n");
        let before = files(&home.root);
        assert_eq!(home.publish("master", &published, &to), PublishOutcome::Published);
        assert_eq!((home.tip("master"), files(&home.root)), (to, before));
        assert!(!home.root.join(".git/FETCH_HEAD").exists());
    }
}

#[test]
fn a_branch_in_a_linked_worktree_moves_there() {
    let home = Home::new();
    let (published, to) = home.ready_to_publish();
    git(&home.root, &["checkout", "-q", "--detach"]);
    let linked = home.place("linked");
    git(&home.root, &["worktree", "add", "-q", linked.to_str().unwrap(), "master"]);
    assert_eq!(home.publish("master", &published, &to), PublishOutcome::Published);
    assert_eq!(
        (read(&linked, "src/a.rs"), read(&home.root, "src/a.rs")),
        ("landed\n".to_owned(), "a\n".to_owned())
    );
    assert_eq!(git(&linked, &["status", "--porcelain"]), "");
}

#[test]
fn publishing_works_in_a_bare_repository() {
    let mut home = Home::new();
    let bare = home.root.with_file_name("bare.git");
    git(&home.root, &["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    home.root = bare;
    assert!(home.repository().facts().unwrap().bare);
    let (published, to) = home.ready_to_publish();
    assert_eq!(home.publish("master", &published, &to), PublishOutcome::Published);
    assert_eq!(home.tip("master"), to);
}

#[test]
fn a_commit_of_the_user_is_reported_and_left_alone() {
    let home = Home::new();
    let (published, to) = home.ready_to_publish();
    let found = commit_all(&home.root, "mine");
    assert_eq!(home.publish("master", &published, &to), PublishOutcome::TargetMoved { found });
}

#[test]
fn a_deleted_branch_is_not_made_anew() {
    let home = Home::new();
    let (published, to) = home.ready_to_publish();
    git(&home.root, &["checkout", "-q", "--detach"]);
    git(&home.root, &["branch", "-q", "-D", "master"]);
    assert_eq!(home.publish("master", &published, &to), PublishOutcome::Missing);
    assert_eq!(observe(&home.repository(), "master").unwrap(), None);
}

#[test]
fn the_users_own_settings_do_not_turn_publishing_into_something_else() {
    let home = Home::new();
    let (published, to) = home.ready_to_publish();
    for (key, value) in [
        ("merge.autoStash", "true"),
        ("branch.master.mergeOptions", "--no-ff --squash"),
        ("merge.verifySignatures", "true"),
        ("fetch.prune", "true"),
    ] {
        git(&home.root, &["config", key, value]);
    }
    write(&home.root, "src/a.rs", "my own edit\n");
    assert_eq!(waits(&home.publish("master", &published, &to)).0, WaitCode::LocalChanges);
    git(&home.root, &["checkout", "-q", "src/a.rs"]);
    assert_eq!(home.publish("master", &published, &to), PublishOutcome::Published);
    assert_eq!(home.tip("master"), to);
}

#[test]
fn a_linked_worktree_is_opened_as_part_of_its_repository() {
    let home = Home::new();
    let worktree = home.worktree("task");
    let repository = Repository::open(&worktree.path).unwrap();
    assert_eq!(repository.common_dir(), home.root.join(".git"));
    assert_eq!(repository.main_worktree(), Some(home.root.as_path()));
    assert!(matches!(Repository::open(&home.root.join("src")), Err(GitError::NotARepository(_))));
}

#[test]
fn all_of_many_files_in_the_way_are_named_even_with_odd_names() {
    let home = Home::new();
    let names: Vec<String> =
        (0..400).map(|n| format!("a folder/a file 文 with a long name {n:03}.txt")).collect();
    let odd = OsStr::from_bytes(b"z-\xe9.txt");
    let (published, _, candidate) = home.candidate(|folder| {
        names.iter().for_each(|name| write(folder, name, "landed\n"));
        std::fs::write(folder.join(odd), "landed\n").unwrap();
    });
    names.iter().for_each(|name| write(&home.root, name, "mine\n"));
    std::fs::write(home.root.join(odd), "mine\n").unwrap();
    let outcome = home.publish("master", &published, &clean(&candidate).0);
    let PublishOutcome::Waiting { code: WaitCode::Untracked, files, .. } = outcome else {
        panic!("{outcome:?}")
    };
    let mut expected: Vec<RepoPath> = names.iter().map(|name| RepoPath::from(name.as_str())).collect();
    expected.push(RepoPath::new(odd.as_bytes()));
    assert_eq!(files, expected);
}
