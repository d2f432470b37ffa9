//! What the checkout and the set-up of a worktree leave is nobody's work.

use std::os::unix::fs::symlink;

use paddock_git::{
    Harvest, SalvageOrder, Worktree, begin_set_up, end_set_up, exclude_file, harvest, salvage,
    worktree_status,
};
use paddock_model::path::RepoPath;

use super::support::{Home, commit_all, git, head, user, write};

fn names(paths: &[RepoPath]) -> Vec<String> {
    paths.iter().map(ToString::to_string).collect()
}

fn left(home: &Home, worktree: &Worktree) -> Vec<String> {
    names(&worktree_status(&home.repository(), worktree, &[]).unwrap())
}

fn harvested(home: &Home, worktree: &Worktree) -> Harvest {
    let base = head(&home.root);
    harvest(&home.repository(), worktree, &base, &base, None, &[]).unwrap()
}

/// A worktree whose set-up rewrote a lock file, linked a folder, filled one and made a file.
fn set_up(home: &Home) -> (Worktree, Vec<String>) {
    write(&home.root, "lock.json", "{}\n");
    write(&home.root, ".gitignore", "node_modules/\nhidden\n");
    commit_all(&home.root, "lock");
    let worktree = home.worktree("task");
    let (repository, folder) = (home.repository(), &worktree.path);
    write(folder, "before.txt", "it was there\n");
    begin_set_up(&repository, &worktree).unwrap();
    write(folder, "lock.json", "{\"a\": 1}\r\n");
    symlink("/nowhere", folder.join("node_modules")).unwrap();
    write(folder, ".venv/bin/tool", "x");
    write(folder, "gen/a.rs", "made\n");
    write(folder, "hidden/deep/a", "x");
    let listed = end_set_up(&repository, &worktree).unwrap();
    (worktree, names(&listed))
}

#[test]
fn what_the_set_up_made_is_not_uncommitted_and_not_salvaged_until_somebody_changes_it() {
    let home = Home::new();
    let (worktree, listed) = set_up(&home);
    assert_eq!(listed, [".venv/", "gen/", "lock.json", "node_modules"]);
    let folder = &worktree.path;
    write(folder, ".venv/bin/another", "a package that the agent added");
    assert_eq!(left(&home, &worktree), ["before.txt"]);
    std::fs::remove_file(folder.join("before.txt")).unwrap();
    let order = SalvageOrder {
        objective: "task".to_owned(),
        session: 1,
        exclude: Vec::new(),
        identity: user(),
        time_s: 1_700_000_000,
    };
    assert_eq!(salvage(&home.repository(), &worktree, &order).unwrap(), None);
    write(folder, "lock.json", "{\"b\": 1}\n");
    write(folder, "gen/b.rs", "the agent's\n");
    assert_eq!(left(&home, &worktree), ["gen/b.rs", "lock.json"]);
    // A set-up that runs again knows what the first one made.
    begin_set_up(&home.repository(), &worktree).unwrap();
    let listed = names(&end_set_up(&home.repository(), &worktree).unwrap());
    assert!(
        listed.contains(&"node_modules".to_owned()) && !listed.contains(&"gen/b.rs".to_owned()),
        "{listed:?}"
    );
    assert_eq!(left(&home, &worktree), ["gen/b.rs", "lock.json"]);
}

#[test]
fn adding_everything_passes_over_what_the_set_up_made_and_a_commit_of_it_is_found() {
    let home = Home::new();
    let (worktree, _) = set_up(&home);
    let folder = worktree.path.clone();
    let rules = exclude_file(&home.repository(), &worktree).unwrap();
    let setting = format!("core.excludesFile={}", rules.display());
    write(&folder, "work.txt", "x\n");
    git(&folder, &["-c", &setting, "add", "--all"]);
    git(&folder, &["commit", "-q", "-m", "work"]);
    let found = harvested(&home, &worktree);
    // The tracked lock file comes along, whatever the rules say; its line ends were converted on the way.
    assert_eq!(names(&found.net_paths), ["before.txt", "lock.json", "work.txt"]);
    assert_eq!(names(&found.set_up.committed), ["lock.json"]);
    git(&folder, &["add", "--force", "node_modules", ".venv", "gen", "hidden"]);
    write(&folder, "gen/a.rs", "changed\n");
    write(&folder, "gen/own.rs", "x\n");
    commit_all(&folder, "everything");
    let found = harvested(&home, &worktree).set_up;
    assert_eq!(names(&found.committed), ["lock.json", "node_modules"]);
    assert_eq!(names(&found.changed), [".venv/bin/tool", "gen/a.rs", "hidden/deep/a"]);
}

#[test]
fn a_file_that_git_takes_for_changed_right_after_the_checkout_is_as_it_was_checked_out() {
    let home = Home::new();
    write(&home.root, "build.bat", "@echo off\r\necho two\r\n");
    write(&home.root, "notes.txt", "one\r\n");
    commit_all(&home.root, "dos");
    write(&home.root, ".gitattributes", "*.bat text eol=crlf\n*.txt text=auto\n");
    git(&home.root, &["add", ".gitattributes"]);
    git(&home.root, &["commit", "-q", "-m", "attributes"]);
    let worktree = home.worktree("task");
    // Another time stamp, so that git compares the content.
    for name in ["build.bat", "notes.txt"] {
        let file = worktree.path.join(name);
        let text = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    assert!(git(&worktree.path, &["status", "--short"]).contains("build.bat"));
    assert_eq!(left(&home, &worktree), Vec::<String>::new());
    write(&worktree.path, "build.bat", "@echo off\r\necho three\r\n");
    write(&worktree.path, "notes.txt", "one\n");
    assert_eq!(left(&home, &worktree), ["build.bat", "notes.txt"]);
}

#[test]
fn files_for_git_lfs_are_named_where_it_is_configured_and_not_installed() {
    let home = Home::new();
    let lacks = |is_installed: bool| {
        let found = home.repository().lacks_lfs(&head(&home.root), || is_installed).unwrap();
        found.map(|needed| (needed.attribute, needed.path.to_string()))
    };
    write(&home.root, "x.bin", "version https://git-lfs.github.com/spec/v1\n");
    commit_all(&home.root, "pointer");
    write(&home.root, ".gitattributes", "*.bin filter=lfs -text\n");
    git(&home.root, &["add", ".gitattributes"]);
    git(&home.root, &["commit", "-q", "-m", "attributes"]);
    git(&home.root, &["config", "filter.lfs.smudge", "git-lfs smudge -- %f"]);
    assert_eq!(lacks(false), Some(("filter=lfs".to_owned(), "x.bin".to_owned())));
    assert_eq!(lacks(true), None);
    git(&home.root, &["rm", "-q", "--cached", ".gitattributes"]);
    git(&home.root, &["commit", "-q", "-m", "no attributes"]);
    assert_eq!(lacks(false), None);
}
