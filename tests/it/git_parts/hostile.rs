//! Traps that an agent can leave in its worktree. None of them may run a program when Paddock reads the
//! worktree.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use paddock_git::{
    PublishOutcome, SalvageOrder, Worktree, add_worktree, harvest, prepare_detached, salvage, worktree_status,
};

use super::support::{Home, commit_all, git, head, user, write};

/// Returns a command for traps, which creates the file `sprung`.
fn trap(home: &Home) -> String {
    let script = home.folder.path().join("trap.sh");
    let sprung = home.folder.path().join("sprung");
    std::fs::write(&script, format!("#!/bin/sh\ntouch '{}'\ncat\n", sprung.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    script.display().to_string()
}

fn set_traps(folder: &Path, command: &str) {
    for (key, value) in [
        ("core.fsmonitor", command),
        ("filter.evil.smudge", command),
        ("filter.evil.clean", command),
        ("diff.evil.textconv", command),
        ("merge.evil.driver", command),
    ] {
        git(folder, &["config", key, value]);
    }
}

/// Runs everything that the supervisor does with a worktree after a session.
fn look_at_everything(home: &Home, worktree: &Worktree) {
    let (repository, base) = (home.repository(), head(&home.root));
    worktree_status(&repository, worktree, &[]).unwrap();
    harvest(&repository, worktree, &base, &base, None, &[]).unwrap();
    let identity = user();
    let order =
        SalvageOrder { objective: "task".to_owned(), session: 1, exclude: vec![], identity, time_s: 1 };
    salvage(&repository, worktree, &order).unwrap().unwrap();
    repository.execution_config().unwrap();
    assert!(!sprung(home), "an agent's command ran");
}

fn sprung(home: &Home) -> bool {
    home.folder.path().join("sprung").exists()
}

#[test]
fn filters_monitors_and_hooks_of_the_shared_configuration_run_nothing() {
    let home = Home::new();
    let worktree = home.worktree("task");
    let command = trap(&home);
    write(&worktree.path, "x.txt", "x\n");
    commit_all(&worktree.path, "work");
    set_traps(&home.root, &command);
    for hook in ["post-checkout", "reference-transaction", "pre-commit", "post-index-change"] {
        let file = home.root.join(".git/hooks").join(hook);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::copy(&command, &file).unwrap();
    }
    write(&worktree.path, ".gitattributes", "* filter=evil diff=evil merge=evil\n");
    write(&worktree.path, "x.txt", "y\n");
    look_at_everything(&home, &worktree);
    // Plain git runs a trap: without this check the test would also pass with traps that cannot work.
    git(&worktree.path, &["status"]);
    assert!(sprung(&home), "the traps of this test have teeth");
}

#[test]
fn hooks_do_not_run_when_worktrees_are_added_and_branches_moved() {
    let home = Home::new();
    let command = trap(&home);
    let (published, to) = home.ready_to_publish();
    for hook in ["post-checkout", "post-merge", "reference-transaction", "post-index-change"] {
        let file = home.root.join(".git/hooks").join(hook);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::copy(&command, &file).unwrap();
    }
    git(&home.root, &["config", "core.fsmonitor", &command]);
    home.worktree("another");
    prepare_detached(&home.repository(), &home.place("gate"), &published).unwrap();
    prepare_detached(&home.repository(), &home.place("gate"), &to).unwrap();
    assert_eq!(home.publish("master", &published, &to), PublishOutcome::Published);
    assert!(!sprung(&home));
}

#[test]
fn a_swapped_git_file_is_not_followed() {
    let home = Home::new();
    let worktree = home.worktree("task");
    let own = home.folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    git(&own, &["init", "-q"]);
    set_traps(&own, &trap(&home));
    write(&worktree.path, ".git", &format!("gitdir: {}/.git\n", own.display()));
    std::fs::write(worktree.git_dir.join("commondir"), own.join(".git").display().to_string()).unwrap();
    write(&worktree.path, "x.txt", "y\n");
    look_at_everything(&home, &worktree);
    git(&own, &["--work-tree", worktree.path.to_str().unwrap(), "status"]);
    assert!(sprung(&home), "the traps of this test have teeth");
    let again = add_worktree(&home.repository(), &home.spec("task")).unwrap();
    assert!(again.reused);
    assert_eq!(git(&again.path, &["rev-parse", "--abbrev-ref", "HEAD"]), "paddock/task/work");
}

#[test]
fn an_embedded_repository_runs_nothing_and_is_reported() {
    let home = Home::new();
    let worktree = home.worktree("task");
    for name in ["linked", "loose"] {
        let nested = worktree.path.join(name);
        std::fs::create_dir(&nested).unwrap();
        git(&nested, &["init", "-q"]);
        commit_all(&nested, "nested");
        if name == "linked" {
            git(&worktree.path, &["-c", "advice.addEmbeddedRepo=false", "add", name]);
            git(&worktree.path, &["commit", "-q", "-m", "gitlink"]);
        }
        set_traps(&nested, &trap(&home));
        write(&nested, ".gitattributes", "* filter=evil\n");
    }
    write(&worktree.path, "x.txt", "y\n");
    let status = worktree_status(&home.repository(), &worktree, &[]).unwrap();
    let names: Vec<String> = status.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["loose/", "x.txt"]);
    look_at_everything(&home, &worktree);
}
