//! Tells commits of objectives that reached the user's branch without the queue from the user's own commits.

use std::path::Path;
use std::process::Command;

use paddock_model::ids::ObjectId;

use super::support::{Home, git, head, write};

/// Commits a file, dated at the given second. Which branch had a commit first is read from the times in
/// reflogs.
fn commit_at(folder: &Path, second: u32, file: &str) -> ObjectId {
    write(folder, file, file);
    git(folder, &["add", "-A"]);
    at(folder, second, &["commit", "-q", "-m", file]);
    head(folder)
}

fn at(folder: &Path, second: u32, arguments: &[&str]) {
    let when = format!("2026-01-02T03:05:{second:02}Z");
    let mut command = Command::new("git");
    command.args(["-c", "user.name=U", "-c", "user.email=u@x"]).args(arguments).current_dir(folder);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_EDITOR", "true");
    command.env("GIT_COMMITTER_DATE", &when).env("GIT_AUTHOR_DATE", &when);
    assert!(command.status().unwrap().success(), "git {arguments:?}");
}

/// Returns `objective summary` of each commit that bypassed the queue.
fn bypassing(home: &Home, tip: &ObjectId) -> Vec<String> {
    let found = home.repository().bypassing("master", tip, &head(&home.root)).unwrap();
    found.into_iter().map(|one| format!("{} {}", one.objective, one.summary)).collect()
}

#[test]
fn a_commit_belongs_to_the_branch_that_had_it_first() {
    let home = Home::new();
    let tip = head(&home.root);
    let one = home.worktree("one");
    commit_at(&one.path, 1, "own");
    assert!(bypassing(&home, &tip).is_empty(), "the commit has not reached the user's branch");
    // The user commits, and the agent merges the user's branch.
    commit_at(&home.root, 2, "by hand");
    at(&one.path, 3, &["merge", "-q", "--no-edit", "master"]);
    commit_at(&one.path, 4, "later");
    assert!(bypassing(&home, &tip).is_empty());
    // The user merges the agent's branch: its commits bypass the queue, the user's own does not.
    at(&home.root, 5, &["merge", "-q", "--no-ff", "--no-edit", "paddock/one/work"]);
    let found = bypassing(&home, &tip);
    assert!(found.contains(&"one own".to_owned()) && found.contains(&"one later".to_owned()), "{found:?}");
    assert!(!found.iter().any(|line| line.contains("by hand")), "{found:?}");
    // Commits reachable from the integration tip have passed the queue.
    assert!(bypassing(&home, &head(&home.root)).is_empty());
}

#[test]
fn a_detached_commit_and_a_branch_without_a_log_are_found_too() {
    let home = Home::new();
    let tip = head(&home.root);
    let one = home.worktree("one");
    at(&one.path, 1, &["checkout", "-q", "--detach"]);
    let straight = commit_at(&one.path, 1, "straight");
    at(&one.path, 2, &["checkout", "-q", "paddock/one/work"]);
    at(&home.root, 2, &["merge", "-q", "--ff-only", straight.as_str()]);
    assert_eq!(bypassing(&home, &tip), ["one straight"]);
    let tip = head(&home.root);
    git(&home.root, &["config", "core.logAllRefUpdates", "false"]);
    let two = home.worktree("two");
    let made = commit_at(&two.path, 3, "unlogged");
    // `core.logAllRefUpdates` does not stop git from appending to logs that exist already.
    for log in ["logs/refs/heads/paddock/two/work", "logs/HEAD"] {
        drop(std::fs::remove_file(home.root.join(".git").join(log)));
    }
    drop(std::fs::remove_file(two.git_dir.join("logs/HEAD")));
    at(&home.root, 4, &["merge", "-q", "--ff-only", made.as_str()]);
    assert_eq!(bypassing(&home, &tip), ["two unlogged"]);
}

#[test]
fn damaged_reflogs_accuse_nobody() {
    let home = Home::new();
    let tip = head(&home.root);
    let one = home.worktree("one");
    commit_at(&home.root, 1, "by hand");
    let log = one.git_dir.join("logs/HEAD");
    std::fs::write(&log, b"\xff\xfe\n\n0 1 2\n\tx\nzzzz yyyy A <b> 1 +0000\tx\n").unwrap();
    assert!(bypassing(&home, &tip).is_empty());
    std::fs::remove_file(&log).unwrap();
    // A reader that follows the link would never reach the end.
    std::os::unix::fs::symlink("/dev/zero", &log).unwrap();
    assert!(bypassing(&home, &tip).is_empty());
}
