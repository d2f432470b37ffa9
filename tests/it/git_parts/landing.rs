//! Making candidates and landing them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use paddock_git::{Candidate, LandOutcome, PublishOutcome, land, make_candidate};

use super::support::{Home, clean, commit_all, git, head, landing, order, read, write};

const INTEGRATION: &str = "refs/paddock/integration/master";

#[test]
fn every_kind_of_file_arrives_byte_for_byte() {
    let home = Home::new();
    let library = home.root.with_file_name("library");
    std::fs::create_dir(&library).unwrap();
    git(&library, &["init", "-q"]);
    let pinned = commit_all(&library, "library");
    let (base, head, candidate) = home.candidate(|folder| {
        write(folder, "目录/文件 名.txt", "中文\r\n");
        write(folder, "it's \"quoted\".txt", "q\n");
        std::fs::write(folder.join(OsStr::from_bytes(b"latin-\xe9.txt")), b"\xff\x00").unwrap();
        symlink("../nowhere", folder.join("link")).unwrap();
        write(folder, "run.sh", "#!/bin/sh\n");
        std::fs::set_permissions(folder.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
        git(folder, &["submodule", "--quiet", "add", library.to_str().unwrap(), "library"]);
    });
    let repository = home.repository();
    repository.set_ref(INTEGRATION, None, &base, "t").unwrap();
    let order = landing(&base, &head, &candidate);
    assert_eq!(land(&repository, &order).unwrap(), LandOutcome::Landed);
    assert_eq!(home.publish("master", &base, &order.new), PublishOutcome::Published);
    let root = &home.root;
    assert_eq!(read(root, "目录/文件 名.txt"), "中文\r\n");
    assert_eq!(read(root, "it's \"quoted\".txt"), "q\n");
    assert_eq!(std::fs::read(root.join(OsStr::from_bytes(b"latin-\xe9.txt"))).unwrap(), b"\xff\x00");
    assert_eq!(std::fs::read_link(root.join("link")).unwrap(), Path::new("../nowhere"));
    assert_ne!(std::fs::metadata(root.join("run.sh")).unwrap().permissions().mode() & 0o100, 0);
    let gitlink = git(root, &["ls-tree", "HEAD", "library"]);
    assert_eq!(gitlink, format!("160000 commit {pinned}\tlibrary"));
    assert_eq!(
        git(root, &["rev-parse", "HEAD^{tree}"]),
        git(root, &["rev-parse", &format!("{head}^{{tree}}")])
    );
}

#[test]
fn the_same_order_gives_the_same_commit_and_a_real_merge() {
    let home = Home::new();
    let (_, head_of_task, _) = home.candidate(|folder| write(folder, "src/b.rs", "b\n"));
    write(&home.root, "README.md", "the user works on\n");
    let tip = commit_all(&home.root, "user");
    let order = order(&tip, &head_of_task);
    let (commit, tree) = clean(&make_candidate(&home.repository(), &order).unwrap());
    // The identity and the time come from the order, so an effect that is repeated after a crash makes the
    // same commit.
    assert_eq!(clean(&make_candidate(&home.repository(), &order).unwrap()), (commit.clone(), tree));
    assert_eq!(git(&home.root, &["show", &format!("{commit}:README.md")]), "the user works on");
    assert_eq!(git(&home.root, &["show", &format!("{commit}:src/b.rs")]), "b");
    assert_eq!(
        git(&home.root, &["log", "-1", "--format=%P|%an|%ct", commit.as_str()]),
        format!("{tip} {head_of_task}|Paddock|1700000000")
    );
    assert_eq!(git(&home.root, &["rev-parse", "refs/paddock/candidate/task"]), commit.as_str());
}

#[test]
fn a_conflict_names_its_files() {
    let home = Home::new();
    let (_, work, _) = home.candidate(|folder| {
        write(folder, "src/a.rs", "theirs\n");
        write(folder, "目录.txt", "theirs\n");
    });
    write(&home.root, "src/a.rs", "ours\n");
    write(&home.root, "目录.txt", "ours\n");
    let tip = commit_all(&home.root, "user");
    let Candidate::Conflict { paths, messages } =
        make_candidate(&home.repository(), &order(&tip, &work)).unwrap()
    else {
        panic!("no conflict")
    };
    let names: Vec<String> = paths.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["src/a.rs", "目录.txt"]);
    assert!(messages.len() == 2 && messages[0].contains("src/a.rs"), "{messages:?}");
}

#[test]
fn landing_twice_lands_once() {
    let home = Home::new();
    let (base, work, candidate) = home.candidate(|folder| write(folder, "src/b.rs", "b\n"));
    let (repository, order) = (home.repository(), landing(&base, &work, &candidate));
    assert_eq!(land(&repository, &order).unwrap(), LandOutcome::Moved { found: None });
    repository.set_ref(INTEGRATION, None, &base, "t").unwrap();
    assert_eq!(land(&repository, &order).unwrap(), LandOutcome::Landed);
    assert_eq!(land(&repository, &order).unwrap(), LandOutcome::AlreadyLanded);
    git(&home.root, &["merge", "-q", "--ff-only", order.new.as_str()]);
    let beyond = commit_all(&home.root, "beyond");
    repository.set_ref(INTEGRATION, Some(&order.new), &beyond, "t").unwrap();
    assert_eq!(land(&repository, &order).unwrap(), LandOutcome::AlreadyLanded);
    git(&home.root, &["reset", "-q", "--hard", base.as_str()]);
    let diverged = commit_all(&home.root, "diverged");
    repository.set_ref(INTEGRATION, Some(&beyond), &diverged, "t").unwrap();
    assert_eq!(land(&repository, &order).unwrap(), LandOutcome::Moved { found: Some(diverged) });
}

#[test]
fn a_commit_that_is_not_what_was_verified_does_not_land() {
    let home = Home::new();
    let (base, work, candidate) = home.candidate(|folder| write(folder, "src/b.rs", "b\n"));
    let (repository, good) = (home.repository(), landing(&base, &work, &candidate));
    repository.set_ref(INTEGRATION, None, &base, "t").unwrap();
    let why = |order| match land(&repository, &order).unwrap() {
        LandOutcome::SelfCheckFailed { why } => why,
        other => panic!("{other:?}"),
    };
    let mut other_tree = good.clone();
    other_tree.verified_tree = repository.tree_of(&base).unwrap();
    assert!(why(other_tree).contains("but the gate verified"));
    let mut without_change = good.clone();
    without_change.members = vec![(base.clone(), base.clone())];
    assert!(why(without_change).contains("src/b.rs"));
    let mut backwards = good.clone();
    backwards.new = work.clone();
    backwards.old = base.clone();
    assert_eq!(repository.relation(&base, &work).unwrap(), paddock_git::Relation::Ancestor);
    assert_eq!(repository.commit_of(INTEGRATION).unwrap(), Some(base.clone()));
    let next = commit_all(&home.root, "next");
    let mut elsewhere = good;
    repository.set_ref(INTEGRATION, Some(&base), &next, "t").unwrap();
    elsewhere.old = next;
    assert!(why(elsewhere).contains("first parent"));
}

#[test]
fn a_change_that_follows_a_renamed_file_is_its_members_change() {
    let home = Home::new();
    write(&home.root, "src/long.rs", &"line\n".repeat(50));
    commit_all(&home.root, "long");
    let (base, work, _) =
        home.candidate(|folder| write(folder, "src/long.rs", &("line\n".repeat(50) + "more\n")));
    git(&home.root, &["mv", "src/long.rs", "src/renamed.rs"]);
    let tip = commit_all(&home.root, "rename");
    let candidate = make_candidate(&home.repository(), &order(&tip, &work)).unwrap();
    home.repository().set_ref(INTEGRATION, None, &tip, "t").unwrap();
    let mut order = landing(&tip, &work, &candidate);
    order.members = vec![(base, work)];
    assert_eq!(land(&home.repository(), &order).unwrap(), LandOutcome::Landed);
    assert_eq!(head(&home.root), tip);
}
