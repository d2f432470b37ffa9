//! Reading and saving the work of ended sessions: harvest, status and salvage.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use paddock_git::{Harvest, RepoPath, SalvageOrder, Worktree, harvest, head_count, salvage, worktree_status};
use paddock_model::ids::ObjectId;

use super::support::{Home, commit_all, git, git_output, head, user, write};

fn harvested(home: &Home, worktree: &Worktree, base: &ObjectId, reviewed: Option<&ObjectId>) -> Harvest {
    harvest(&home.repository(), worktree, base, base, reviewed, &[".env".to_owned()]).unwrap()
}

fn names(paths: &[RepoPath]) -> Vec<String> {
    paths.iter().map(ToString::to_string).collect()
}

fn order() -> SalvageOrder {
    let exclude = vec![".env".to_owned()];
    SalvageOrder {
        objective: "task".to_owned(),
        session: 7,
        exclude,
        identity: user(),
        time_s: 1_700_000_000,
    }
}

#[test]
fn a_harvest_lists_commits_empty_commits_and_uncommitted_files() {
    let home = Home::new();
    let (worktree, base) = (home.worktree("task"), head(&home.root));
    let folder = &worktree.path;
    write(folder, "目录/新 file.rs", "x\n");
    std::fs::write(folder.join(OsStr::from_bytes(b"\xff.bin")), "x").unwrap();
    commit_all(folder, "first\n\nbody");
    commit_all(folder, "empty");
    write(folder, "README.md", "changed\n");
    write(folder, "new dir/untracked.txt", "x");
    write(folder, "debug.log", "ignored");
    write(folder, ".env", "copied by Paddock");
    assert_eq!(head_count(&home.repository(), &worktree, &base, &base).unwrap(), 2);
    let harvest = harvested(&home, &worktree, &base, None);
    assert_eq!(harvest.head, head(folder));
    let [first, second] = harvest.commits.as_slice() else { panic!("{:?}", harvest.commits) };
    assert_eq!((first.summary.as_str(), first.is_empty, second.is_empty), ("first", false, true));
    assert_eq!(first.paths, [RepoPath::from("目录/新 file.rs"), RepoPath::new(&b"\xff.bin"[..])]);
    assert_eq!(harvest.net_paths, first.paths);
    assert_eq!(names(&harvest.uncommitted), ["README.md", "new dir/untracked.txt"]);
    assert_eq!((harvest.head_elsewhere, harvest.rewritten), (None, None));
}

#[test]
fn commits_that_a_session_merges_from_the_integration_ref_are_not_its_own() {
    let home = Home::new();
    let (worktree, base) = (home.worktree("task"), head(&home.root));
    for n in 0..3 {
        write(&home.root, "landed", &format!("{n}"));
        commit_all(&home.root, "landed meanwhile");
    }
    let tip = head(&home.root);
    write(&worktree.path, "mine", "x");
    commit_all(&worktree.path, "work");
    git(&worktree.path, &["merge", "-q", "--no-edit", tip.as_str()]);
    assert_eq!(head_count(&home.repository(), &worktree, &base, &tip).unwrap(), 2);
}

#[test]
fn a_head_ahead_of_the_branch_moves_the_branch() {
    for away in [&["checkout", "-q", "--detach"][..], &["checkout", "-q", "-b", "agents-own"]] {
        let home = Home::new();
        let (worktree, base) = (home.worktree("task"), head(&home.root));
        git(&worktree.path, away);
        write(&worktree.path, "x", "x");
        let work = commit_all(&worktree.path, "work");
        assert_eq!(head_count(&home.repository(), &worktree, &base, &base).unwrap(), 1);
        let harvest = harvested(&home, &worktree, &base, None);
        assert!(harvest.head == work && harvest.head_elsewhere.is_some_and(|e| e.taken_over));
        assert_eq!(home.tip("paddock/task/work"), work);
        assert_eq!(git(&worktree.path, &["symbolic-ref", "--short", "HEAD"]), "paddock/task/work");
        assert_eq!(git(&worktree.path, &["status", "--porcelain"]), "");
        assert_eq!(harvested(&home, &worktree, &base, None).head_elsewhere, None);
    }
}

#[test]
fn a_head_on_another_line_and_a_rewritten_branch_are_kept() {
    let home = Home::new();
    let (worktree, base) = (home.worktree("task"), head(&home.root));
    write(&worktree.path, "x", "x");
    let reviewed = commit_all(&worktree.path, "work");
    git(&worktree.path, &["checkout", "-q", "--detach", base.as_str()]);
    write(&worktree.path, "y", "y");
    let diverged = commit_all(&worktree.path, "diverged");
    let harvest = harvested(&home, &worktree, &base, Some(&reviewed));
    assert_eq!((harvest.head, harvest.rewritten), (reviewed.clone(), None));
    assert!(harvest.commits[0].reviewed);
    let kept = harvest.head_elsewhere.unwrap().kept.unwrap();
    assert_eq!(kept, format!("refs/paddock/kept/task/{}", diverged.short()));
    assert_eq!(git(&home.root, &["rev-parse", &kept]), diverged.as_str());
    git(&worktree.path, &["checkout", "-q", "paddock/task/work"]);
    git(&worktree.path, &["commit", "-q", "--amend", "-m", "reworded"]);
    let rewritten = harvested(&home, &worktree, &base, Some(&reviewed)).rewritten.unwrap();
    assert_eq!(git(&home.root, &["rev-parse", &rewritten]), reviewed.as_str());
}

#[test]
fn a_merge_counts_for_what_it_changes_beyond_the_merge() {
    let home = Home::new();
    let (worktree, base) = (home.worktree("task"), head(&home.root));
    write(&worktree.path, "mine.rs", "x\n");
    write(&worktree.path, "src/a.rs", "mine\n");
    commit_all(&worktree.path, "mine");
    write(&home.root, "theirs.rs", "x\n");
    let clean_side = commit_all(&home.root, "theirs");
    git(&worktree.path, &["merge", "-q", "--no-edit", "master"]);
    write(&home.root, "src/a.rs", "theirs\n");
    let tip = commit_all(&home.root, "in conflict");
    assert!(!git_output(&worktree.path, &["merge", "master"]).status.success());
    write(&worktree.path, "src/a.rs", "both\n");
    write(&worktree.path, "evil.rs", "slipped in\n");
    commit_all(&worktree.path, "resolved");
    let harvest = harvest(&home.repository(), &worktree, &base, &tip, None, &[]).unwrap();
    let merges: Vec<_> = harvest.commits.iter().filter(|commit| commit.is_merge).collect();
    assert_eq!(harvest.commits.len(), 3, "commits of the target branch are not the session's");
    assert_eq!(merges[0].parents[1], clean_side);
    assert_eq!(names(&merges[0].paths), Vec::<String>::new());
    assert_eq!(names(&merges[1].paths), ["evil.rs", "src/a.rs"]);
    assert!(!merges[0].is_empty);
    assert_eq!(names(&harvest.net_paths), ["evil.rs", "mine.rs", "src/a.rs"]);
}

#[test]
fn salvage_holds_the_uncommitted_state_and_touches_nothing() {
    let home = Home::new();
    let (worktree, repository) = (home.worktree("task"), home.repository());
    let folder = &worktree.path;
    assert_eq!(salvage(&repository, &worktree, &order()).unwrap(), None);
    write(folder, "README.md", "staged\n");
    git(folder, &["add", "README.md"]);
    write(folder, "README.md", "changed again\n");
    std::fs::remove_file(folder.join("src/a.rs")).unwrap();
    // Names, modes and bytes that a careless copy would change; ignored, copied and huge files stay behind.
    write(folder, "src/a.rs/now a folder.txt", "中文\n");
    write(folder, "it's \"q\".sh", "#!/bin/sh\n");
    std::fs::set_permissions(folder.join("it's \"q\".sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", folder.join("link")).unwrap();
    std::fs::write(folder.join(OsStr::from_bytes(b"\xfe.bin")), b"\x00\xff\r\n").unwrap();
    write(folder, "debug.log", "ignored");
    write(folder, ".env", "SECRET=1");
    std::fs::File::create(folder.join("huge.bin")).unwrap().set_len(51 * 1024 * 1024).unwrap();
    let index = std::fs::read(worktree.git_dir.join("index")).unwrap();
    let before = head(folder);
    let kept = salvage(&repository, &worktree, &order()).unwrap().unwrap();
    assert_eq!(kept.reference, "refs/paddock/salvage/task/7");
    assert_eq!(names(&kept.left), ["huge.bin"]);
    let list = git(&home.root, &["-c", "core.quotePath=false", "ls-tree", "-r", "-z", &kept.reference]);
    let list: Vec<_> =
        list.split_terminator('\0').map(|l| (&l[..6], l.split('\t').nth(1).unwrap())).collect();
    assert_eq!(
        list,
        [
            ("100644", ".gitignore"),
            ("100644", "README.md"),
            ("100755", "it's \"q\".sh"),
            ("120000", "link"),
            ("100644", "src/a.rs/now a folder.txt"),
            ("100644", "\u{fffd}.bin"),
        ]
    );
    let show = |spec: &str| git(&home.root, &["show", spec]);
    assert_eq!(show(&format!("{}:README.md", kept.commit)), "changed again");
    assert_eq!(show(&format!("{}^2:README.md", kept.commit)), "staged");
    assert_eq!(show(&format!("{}:link", kept.commit)), "/etc/passwd");
    assert_eq!(git(&home.root, &["rev-parse", &format!("{}^", kept.commit)]), before.as_str());
    assert_eq!(std::fs::read(worktree.git_dir.join("index")).unwrap(), index);
    // After a crash the effect runs again: it must find the same commit.
    assert_eq!(salvage(&repository, &worktree, &order()).unwrap().unwrap().commit, kept.commit);
}

#[test]
fn files_outside_a_sparse_checkout_are_not_deletions() {
    let home = Home::new();
    let worktree = home.worktree("task");
    git(&worktree.path, &["sparse-checkout", "set", "--no-cone", "/README.md"]);
    assert!(!worktree.path.join("src/a.rs").exists());
    assert_eq!(worktree_status(&home.repository(), &worktree, &[]).unwrap(), []);
}
