//! Work of a session that git was told to pass over: it is seen, and saved before its worktree goes.

use std::fs;
use std::os::unix::net::UnixListener;
use std::process::Command;

use paddock_git::{RepoPath, SalvageOrder, Worktree, salvage, salvaged, worktree_status};

use super::support::{Home, commit_all, git, git_output, user, write};

fn order() -> SalvageOrder {
    let (objective, exclude) = ("task".to_owned(), vec![".env".to_owned()]);
    SalvageOrder { objective, session: 1, exclude, identity: user(), time_s: 1_700_000_000 }
}

fn status(home: &Home, worktree: &Worktree) -> Vec<String> {
    let found = worktree_status(&home.repository(), worktree, &[".env".to_owned()]).unwrap();
    found.iter().map(ToString::to_string).collect()
}

/// Salvages and returns the paths that were saved and those that were left.
fn saved(home: &Home, worktree: &Worktree) -> (Vec<String>, Vec<String>) {
    let kept = salvage(&home.repository(), worktree, &order()).unwrap().unwrap();
    let names = |paths: &[RepoPath]| paths.iter().map(ToString::to_string).collect();
    (names(&kept.paths), names(&kept.left))
}

#[test]
fn rules_that_a_session_can_write_for_others_hide_nothing() {
    type Hide = fn(&Home, &Worktree);
    let ways: [(&str, Hide); 5] = [
        ("info/exclude", |home, _| write(&home.root, ".git/info/exclude", "*\n")),
        ("core.excludesFile", |home, _| {
            write(&home.root, ".git/hide", "*\n");
            let file = home.root.join(".git/hide");
            git(&home.root, &["config", "core.excludesFile", file.to_str().unwrap()]);
        }),
        ("config.worktree", |home, worktree| {
            write(&home.root, ".git/hide", "*\n");
            let file = home.root.join(".git/hide");
            git(&home.root, &["config", "extensions.worktreeConfig", "true"]);
            git(&worktree.path, &["config", "--worktree", "core.excludesFile", file.to_str().unwrap()]);
        }),
        (".gitignore", |_, worktree| write(&worktree.path, ".gitignore", "*\n")),
        ("new/.gitignore", |_, worktree| write(&worktree.path, "new/.gitignore", "*\n")),
    ];
    for (way, hide) in ways {
        let home = Home::new();
        let worktree = home.worktree("task");
        hide(&home, &worktree);
        write(&worktree.path, "new/deep/work", "x");
        write(&worktree.path, "src/work.rs", "x");
        write(&worktree.path, "debug.log", "a rule of the commit hides it");
        write(&worktree.path, ".env", "copied by Paddock");
        let mut wanted = vec!["new/deep/work", "src/work.rs"];
        wanted.extend(way.ends_with(".gitignore").then_some(way));
        wanted.sort_unstable();
        assert_eq!(status(&home, &worktree), wanted, "{way}");
        assert_eq!(saved(&home, &worktree).0, wanted, "{way}");
    }
}

#[test]
fn marks_in_the_index_hide_no_change() {
    let home = Home::new();
    let worktree = home.worktree("task");
    git(&worktree.path, &["update-index", "--assume-unchanged", "README.md"]);
    git(&worktree.path, &["update-index", "--skip-worktree", "src/a.rs"]);
    write(&worktree.path, "README.md", "changed\n");
    write(&worktree.path, "src/a.rs", "changed\n");
    assert_eq!(git(&worktree.path, &["status", "--porcelain"]), "");
    assert_eq!(status(&home, &worktree), ["README.md", "src/a.rs"]);
    assert_eq!(saved(&home, &worktree).0, ["README.md", "src/a.rs"]);
}

#[test]
fn rules_on_a_branch_without_a_commit_are_those_of_the_sessions_branch() {
    let home = Home::new();
    let worktree = home.worktree("task");
    git(&worktree.path, &["checkout", "-q", "--orphan", "elsewhere"]);
    write(&worktree.path, "debug.log", "ignored");
    write(&worktree.path, "new", "x");
    assert_eq!(status(&home, &worktree), [".gitignore", "README.md", "new", "src/a.rs"]);
}

#[test]
fn what_cannot_be_saved_is_named_with_its_reason_and_what_is_no_file_is_passed_over() {
    let home = Home::new();
    let worktree = home.worktree("task");
    let folder = &worktree.path;
    git(&home.root, &["init", "-q", folder.join("nested").to_str().unwrap()]);
    write(folder, ".GIT/x", "git stores nothing there");
    fs::File::create(folder.join("huge")).unwrap().set_len((2 << 30) + 1).unwrap();
    write(folder, "small", "x");
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    let wanted = [".GIT/x", "huge", "nested/"];
    assert_eq!(saved(&home, &worktree), (vec!["small".to_owned()], wanted.map(str::to_owned).to_vec()));
    let found = salvaged(&home.repository()).unwrap();
    let text = found[0].left.join("\n");
    assert!(text.contains("huge: it is larger than 50 MiB"), "{text}");
    assert!(text.contains("nested/: it is a repository of its own"), "{text}");
}

#[test]
fn files_and_folders_that_take_each_others_place_are_saved() {
    let home = Home::new();
    write(&home.root, "folder/one", "1");
    write(&home.root, "folder/in/two", "2");
    write(&home.root, "file", "3");
    write(&home.root, "gone/only", "4");
    commit_all(&home.root, "more");
    let worktree = home.worktree("task");
    let folder = &worktree.path;
    fs::remove_dir_all(folder.join("folder")).unwrap();
    write(folder, "folder", "now a file");
    fs::remove_file(folder.join("file")).unwrap();
    write(folder, "file/now/a/folder", "x");
    fs::remove_dir_all(folder.join("gone")).unwrap();
    let kept = salvage(&home.repository(), &worktree, &order()).unwrap().unwrap();
    let list = git(&home.root, &["ls-tree", "-r", "--name-only", &kept.reference]);
    assert_eq!(
        list.lines().collect::<Vec<_>>(),
        [".gitignore", "README.md", "file/now/a/folder", "folder", "src/a.rs"]
    );
}

#[test]
fn a_large_tracked_file_counts_as_changed_only_if_its_content_is_another() {
    let home = Home::new();
    let large = "0123456789abcdef".repeat((17 << 20) / 16);
    write(&home.root, "large", &large);
    commit_all(&home.root, "large");
    let worktree = home.worktree("task");
    write(&worktree.path, "large", &large);
    let file = fs::File::options().write(true).open(worktree.path.join("large")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(status(&home, &worktree), Vec::<String>::new());
    write(&worktree.path, "large", &large.replace('a', "b"));
    assert_eq!(status(&home, &worktree), ["large"]);
}

/// A generator of pseudo-random numbers, so that a failure can be repeated.
fn random(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap() % below
}

#[test]
fn committed_rules_hide_what_they_hide_from_git() {
    const PARTS: [&str; 17] =
        ["a", "b", "ab", "*", "?", "**", "/", "/", "!", "[ab]", "[!a]", "\\", "{", "a/b", "**/", "/**", "*/"];
    let home = Home::new();
    let worktree = home.worktree("task");
    let folder = &worktree.path;
    for path in ["a", "b", "ab/a", "ab/b", "b{/a", "c/a/b/a", "c/ab", "c/b/b", "c/{a", "ab/c/x", "x y", "#a"]
    {
        write(folder, path, "x");
    }
    let mut state = 7;
    for round in 0..60 {
        for place in [".gitignore", "c/.gitignore"] {
            let mut text = String::new();
            for _ in 0..=random(&mut state, 3) {
                for _ in 0..=random(&mut state, 4) {
                    text.push_str(PARTS[random(&mut state, PARTS.len())]);
                }
                text.push('\n');
            }
            write(folder, place, &text);
        }
        git(folder, &["add", "-f", ".gitignore", "c/.gitignore"]);
        git(folder, &["commit", "-q", "--allow-empty", "-m", "rules"]);
        let list = git_output(folder, &["ls-files", "-z", "-o", "--exclude-per-directory=.gitignore"]);
        let list = String::from_utf8(list.stdout).unwrap();
        let mut wanted: Vec<&str> = list.split_terminator('\0').collect();
        wanted.sort_unstable();
        let rules = git(folder, &["show", "HEAD:.gitignore", "HEAD:c/.gitignore"]);
        assert_eq!(status(&home, &worktree), wanted, "round {round}: {rules}");
    }
}
