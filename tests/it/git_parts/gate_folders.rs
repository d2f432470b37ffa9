//! Gate folders hold exactly what a fresh clone of their commit would, whatever ran in them before.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use paddock_git::{GatePlace, GitError, HoldOrder, Looked, hold, remove_gate};

use super::gates::{Gate, changed, home, modified, set_mode};
use super::support::{commit_all, git, git_output, head, read, write};

#[test]
fn a_folder_is_made_once_and_keeps_modification_times_and_what_is_kept() {
    let gate = Gate::new(home());
    assert!(gate.hold().from_nothing);
    gate.is_like_a_clone(&[]);
    let before = modified(&gate.dir().join("src/a.rs"));
    write(gate.dir(), "target/debug/a.o", "object\n");
    write(gate.dir(), "cache.log", "stale\n");
    write(gate.dir(), "cache/x", "stale\n");
    write(gate.dir(), "junk/deep/er.txt", "junk\n");
    fs::create_dir(gate.dir().join("src/empty")).unwrap();
    write(&gate.home.root, "README.md", "second\n");
    fs::remove_file(gate.home.root.join("tests/deep/more.sh")).unwrap();
    commit_all(&gate.home.root, "second");
    let held = gate.hold();
    assert!(!held.from_nothing && held.worktree.reused && !held.submodules_emptied);
    gate.is_like_a_clone(&["target"]);
    assert_eq!(read(gate.dir(), "target/debug/a.o"), "object\n");
    assert_eq!(modified(&gate.dir().join("src/a.rs")), before);
    assert_eq!(head(gate.dir()), head(&gate.home.root));
    assert_eq!(git(gate.dir(), &["status", "--porcelain"]), "");
    assert!(!git_output(gate.dir(), &["symbolic-ref", "-q", "HEAD"]).status.success());
    // From nothing means without what is kept.
    assert!(gate.try_hold(&head(&gate.home.root), true).unwrap().from_nothing);
    gate.is_like_a_clone(&[]);
    remove_gate(&gate.home.repository(), gate.dir()).unwrap();
    assert!(!gate.dir().exists());
}

#[test]
fn a_kept_path_that_git_does_not_ignore_is_removed() {
    let mut gate = Gate::new(home());
    gate.kept = ["target", "vendor/bundle", "**/*.egg-info"].map(str::to_owned).to_vec();
    write(&gate.home.root, ".gitignore", "*.log\nvendor/bundle\n*.egg-info\n");
    commit_all(&gate.home.root, "target is not ignored");
    gate.hold();
    // A file that says what to ignore is no part of the commit either.
    write(gate.dir(), "target/.gitignore", "*\n");
    for file in [
        "target/x",
        "vendor/bundle/gem",
        "vendor/other",
        "src/x",
        "src/p.egg-info/a",
        "n/q.egg-info/a",
        ":(top)r.egg-info/a",
    ] {
        write(gate.dir(), file, "x\n");
    }
    // Nothing in a repository of its own is kept.
    fs::create_dir_all(gate.dir().join("nested/r.egg-info")).unwrap();
    git(&gate.dir().join("nested"), &["init", "-q"]);
    // A link is no folder.
    symlink("/", gate.dir().join("src/l.egg-info")).unwrap();
    gate.hold();
    gate.is_like_a_clone(&["vendor", "src/p.egg-info", "n", ":(top)r.egg-info"]);
    for (file, stays) in [
        ("vendor/bundle/gem", true),
        ("vendor/other", false),
        ("src/p.egg-info/a", true),
        ("n/q.egg-info/a", true),
        (":(top)r.egg-info/a", true),
        ("nested", false),
    ] {
        assert_eq!(gate.dir().join(file).exists(), stays, "{file}");
    }
}

#[test]
fn a_touched_file_is_never_older_than_what_was_made_from_it() {
    let gate = Gate::new(home());
    gate.hold();
    let file = gate.dir().join("src/a.rs");
    let made = modified(&file);
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
    gate.hold();
    let renewed = modified(&file);
    assert!(renewed >= made, "{renewed:?}");
    gate.hold();
    assert_eq!(modified(&file), renewed);
}

#[test]
fn read_only_folders_and_deep_ones_go() {
    let gate = Gate::new(home());
    gate.hold();
    let deep = gate.dir().join("junk").join(vec!["d"; 200].join("/"));
    fs::create_dir_all(&deep).unwrap();
    set_mode(gate.dir().join("junk/d"), 0o500);
    write(gate.dir(), "cache/x", "x\n");
    set_mode(gate.dir().join("cache"), 0);
    fs::remove_file(gate.dir().join("src/a.rs")).unwrap();
    set_mode(gate.dir().join("src"), 0o500);
    let socket = std::os::unix::net::UnixListener::bind(gate.dir().join("sock")).unwrap();
    gate.hold();
    drop(socket);
    gate.is_like_a_clone(&[]);
}

#[test]
fn line_ends_and_filters_that_change_are_applied_to_unchanged_files() {
    let gate = Gate::new(home());
    let root = &gate.home.root;
    write(root, "text.txt", "one\ntwo\n");
    write(root, "secret.up", "quiet\n");
    commit_all(root, "files");
    assert!(gate.hold().from_nothing);
    assert_eq!(read(gate.dir(), "text.txt"), "one\ntwo\n");
    // The blobs stay; only how git writes them changes.
    write(root, ".gitattributes", "*.txt text eol=crlf\n*.up filter=loud\n");
    commit_all(root, "attributes");
    assert!(gate.hold().from_nothing);
    assert_eq!(read(gate.dir(), "text.txt"), "one\r\ntwo\r\n");
    git(root, &["config", "filter.loud.smudge", "tr a-z A-Z"]);
    git(root, &["config", "filter.loud.clean", "tr A-Z a-z"]);
    assert!(gate.hold().from_nothing);
    assert_eq!(read(gate.dir(), "secret.up"), "QUIET\n");
    let held = gate.hold();
    assert!(!held.from_nothing);
    // A look writes it again as git wrote it.
    write(gate.dir(), "secret.up", "quiet\n");
    write(gate.dir(), "text.txt", "one\ntwo\n");
    assert_eq!(changed(&gate.look(&held)).0, ["secret.up", "text.txt"]);
    assert_eq!(read(gate.dir(), "secret.up"), "QUIET\n");
    assert_eq!(read(gate.dir(), "text.txt"), "one\r\ntwo\r\n");
    git(root, &["config", "core.autocrlf", "true"]);
    assert!(gate.hold().from_nothing);
    assert_eq!(read(gate.dir(), "README.md"), "hello\r\n");
    assert!(!gate.hold().from_nothing);
}

#[test]
fn modes_and_names_that_differ_little_follow_the_commit() {
    let gate = Gate::new(home());
    let root = &gate.home.root;
    gate.hold();
    set_mode(root.join("README.md"), 0o755);
    git(root, &["mv", "src/a.rs", "src/A.rs"]);
    commit_all(root, "mode and case");
    gate.hold();
    gate.is_like_a_clone(&[]);
    set_mode(root.join("README.md"), 0o644);
    fs::remove_file(root.join("link")).unwrap();
    write(root, "link/is", "a folder now\n");
    fs::remove_dir_all(root.join("tests")).unwrap();
    write(root, "tests", "a file now\n");
    commit_all(root, "kinds");
    gate.hold();
    gate.is_like_a_clone(&[]);
}

#[test]
fn a_folder_of_which_nothing_is_known_is_made_anew() {
    let gate = Gate::new(home());
    gate.hold();
    for file in ["table", "index", "record.json"] {
        write(gate.dir(), "target/x", "of unknown origin\n");
        fs::remove_file(gate.place.private.join(file)).unwrap();
        assert!(gate.hold().from_nothing, "{file}");
        gate.is_like_a_clone(&[]);
    }
    // The first builds made folders without such files.
    let dir = gate.home.place("_gate-2");
    git(&gate.home.root, &["worktree", "add", "-q", "--detach", dir.to_str().unwrap()]);
    let admin = gate.home.root.join(".git/worktrees/_gate-2");
    fs::write(admin.join("paddock"), "paddock: detached").unwrap();
    let second = Gate { place: GatePlace { folder: dir, ..gate.place.clone() }, ..gate };
    fs::remove_dir_all(&second.place.private).unwrap();
    assert!(second.hold().from_nothing);
    assert!(!second.hold().from_nothing);
}

#[test]
fn a_folder_is_found_again_whatever_a_run_did_to_its_ties() {
    let gate = Gate::new(home());
    let held = gate.hold();
    let admin = held.worktree.git_dir;
    for (name, spoil) in [
        (
            "a repository of its own",
            (|dir, _| {
                fs::remove_file(dir.join(".git")).unwrap();
                git(dir, &["init", "-q"]);
            }) as fn(&Path, &Path),
        ),
        ("no tie", |dir, _| fs::remove_file(dir.join(".git")).unwrap()),
        ("another folder", |_, admin| fs::write(admin.join("gitdir"), "/nowhere/.git\n").unwrap()),
        ("no marker", |_, admin| fs::remove_file(admin.join("paddock")).unwrap()),
        ("forgotten by git", |_, admin| fs::remove_dir_all(admin).unwrap()),
        ("no index", |_, admin| fs::write(admin.join("index"), "garbage").unwrap()),
        ("no HEAD", |_, admin| {
            fs::remove_file(admin.join("HEAD")).unwrap();
            symlink("/dev/null", admin.join("HEAD")).unwrap();
        }),
        ("locks and rests", |_, admin| {
            for file in ["index.lock", "HEAD.lock", "MERGE_HEAD", "sharedindex.x", "config.worktree"] {
                fs::write(admin.join(file), "").unwrap();
            }
            fs::create_dir_all(admin.join("info")).unwrap();
            fs::write(admin.join("info/sparse-checkout"), "/src/\n").unwrap();
        }),
    ] {
        spoil(gate.dir(), &admin);
        gate.try_hold(&head(&gate.home.root), false).unwrap_or_else(|error| panic!("{name}: {error}"));
        gate.is_like_a_clone(&[]);
        assert_eq!(git(gate.dir(), &["status", "--porcelain"]), "", "{name}");
    }
    assert!(matches!(
        hold(
            &gate.home.repository(),
            &GatePlace { folder: gate.home.root.clone(), ..gate.place.clone() },
            &HoldOrder {
                commit: &head(&gate.home.root),
                kept: &[],
                start_from_nothing: false,
                trust: gate.trust
            },
        ),
        Err(GitError::Foreign { .. })
    ));
}

#[test]
fn a_removal_that_was_killed_after_git_forgot_the_folder_is_finished() {
    let gate = Gate::new(home());
    let held = gate.hold();
    let moved = gate.dir().with_file_name(".paddock-removed-_gate-1");
    fs::rename(gate.dir(), &moved).unwrap();
    fs::remove_dir_all(&held.worktree.git_dir).unwrap();
    assert!(gate.hold().from_nothing);
    gate.is_like_a_clone(&[]);
    assert!(!moved.exists());
}

/// Commands for each way in which the user's own checkout can be sparse.
const SPARSE: [&[&[&str]]; 4] = [
    &[&["sparse-checkout", "set", "src"]],
    &[&["sparse-checkout", "set", "--sparse-index", "src"]],
    &[&["sparse-checkout", "set", "--no-cone", "/src/"]],
    &[
        &["sparse-checkout", "set", "--no-cone", "/src/"],
        &["config", "--worktree", "--unset-all", "core.sparseCheckout"],
        &["config", "core.sparseCheckout", "true"],
        &["config", "core.ignoreStat", "true"],
    ],
];

#[test]
fn a_link_in_place_of_the_folder_is_removed_and_what_it_leads_to_stays() {
    let gate = Gate::new(home());
    gate.hold();
    let (moved, outside) = (gate.home.place("moved"), gate.home.place("outside"));
    fs::rename(gate.dir(), &moved).unwrap();
    write(&outside, "precious", "mine\n");
    symlink(&outside, gate.dir()).unwrap();
    assert!(gate.hold().from_nothing);
    gate.is_like_a_clone(&[]);
    assert_eq!(read(&outside, "precious"), "mine\n");
    // A folder that a run closed is opened again.
    set_mode(gate.dir().to_owned(), 0o000);
    gate.hold();
    gate.is_like_a_clone(&[]);
}

#[test]
fn the_users_sparse_checkout_hides_nothing() {
    for commands in SPARSE {
        let gate = Gate::new(home());
        commands.iter().for_each(|command| drop(git(&gate.home.root, command)));
        assert!(!gate.home.root.join("tests").exists());
        for _ in 0..2 {
            let held = gate.hold();
            assert_eq!(gate.look(&held), Looked::default(), "{commands:?}");
            assert_eq!(read(gate.dir(), "tests/check.sh"), "exit 1\n", "{commands:?}");
            // git's own commands must not make the folder sparse again.
            git(gate.dir(), &["reset", "-q", "--hard"]);
            assert_eq!(read(gate.dir(), "tests/check.sh"), "exit 1\n", "{commands:?}");
        }
        assert!(!gate.home.root.join("tests").exists());
    }
}

#[test]
fn pointers_of_lfs_are_refused_where_files_are_expected() {
    let gate = Gate::new(home());
    let root = &gate.home.root;
    let pointer =
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 4\n", "ab".repeat(32));
    write(root, ".gitattributes", "*.bin filter=lfs -text\n");
    write(root, "big.bin", &pointer);
    write(root, "not-lfs.txt", &pointer);
    commit_all(root, "pointers");
    // Without the program, a fresh clone holds pointers as well.
    assert!(gate.hold().from_nothing);
    git(root, &["config", "filter.lfs.smudge", "cat"]);
    git(root, &["config", "filter.lfs.clean", "cat"]);
    let error = gate.try_hold(&head(root), false).unwrap_err();
    assert!(matches!(&error, GitError::LfsMissing { count: 1, files } if files == "big.bin"), "{error}");
    git(root, &["config", "filter.lfs.required", "true"]);
    git(root, &["config", "filter.lfs.smudge", "false"]);
    let error = gate.try_hold(&head(root), false).unwrap_err();
    assert!(error.to_string().contains("git lfs fetch"), "{error}");
    git(root, &["config", "filter.lfs.smudge", "printf file"]);
    gate.hold();
    assert_eq!(read(gate.dir(), "big.bin"), "file");
    git(root, &["config", "filter.lfs.smudge", "cat"]);
    git(root, &["config", "lfs.fetchexclude", "*"]);
    gate.hold();
}
