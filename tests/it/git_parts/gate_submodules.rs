//! Submodules in gate folders: each is empty, or exactly at the commit that the tree names.

use std::fs;
use std::path::Path;

use paddock_git::{GitError, LookOrder, Looked, look};
use paddock_model::path::RepoPath;

use super::gates::{Gate, changed, home};
use super::support::{commit_all, git, git_output, head, read, write};

/// A gate folder of a project with the submodule `lib/sub`, which holds the submodule `inner`.
fn with_submodules() -> Gate {
    let gate = Gate::new(home());
    let folder = gate.home.folder.path().canonicalize().unwrap();
    for (name, inside) in [("inner", None), ("sub", Some("inner"))] {
        let root = folder.join(name);
        fs::create_dir(&root).unwrap();
        git(&root, &["init", "-q", "-b", "master"]);
        write(&root, "value.txt", &format!("{name} 1\n"));
        write(&root, "tests/t.sh", "true\n");
        write(&root, ".gitignore", "*.o\n");
        commit_all(&root, "start");
        if let Some(inside) = inside {
            add_submodule(&root, &folder.join(inside), "inner");
        }
    }
    add_submodule(&gate.home.root, &folder.join("sub"), "lib/sub");
    gate
}

fn add_submodule(root: &Path, from: &Path, at: &str) {
    git(
        root,
        &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from.to_str().unwrap(), at],
    );
    commit_all(root, "submodule");
}

/// What a project's set-up does.
fn set_up(gate: &Gate) {
    let update =
        ["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive"];
    git(gate.dir(), &update);
}

/// Commits a change in `sub` and takes it into the project.
fn bump(gate: &Gate, text: &str) {
    let sub = gate.home.folder.path().join("sub");
    write(&sub, "value.txt", text);
    let commit = commit_all(&sub, "next");
    let entry = format!("160000,{commit},lib/sub");
    git(&gate.home.root, &["update-index", "--cacheinfo", &entry]);
    git(&gate.home.root, &["commit", "-q", "-m", "bump"]);
}

fn look_after_set_up(gate: &Gate) -> Result<Looked, GitError> {
    let held = gate.hold();
    set_up(gate);
    look(&LookOrder { is_set_up: true, ..gate.look_order(&held) }, gate.trust)
}

const VALUE: &str = "lib/sub/value.txt";

#[test]
fn a_submodule_stays_until_the_commit_names_another_one() {
    let gate = with_submodules();
    assert_eq!(look_after_set_up(&gate).unwrap(), Looked::default());
    write(gate.dir(), "lib/sub/junk.o", "ignored\n");
    write(gate.dir(), "lib/sub/inner/junk", "untracked\n");
    let held = gate.hold();
    assert!(!held.submodules_emptied && !held.from_nothing);
    assert_eq!(read(gate.dir(), VALUE), "sub 1\n");
    assert_eq!(read(gate.dir(), "lib/sub/inner/value.txt"), "inner 1\n");
    assert!(!gate.dir().join("lib/sub/junk.o").exists() && !gate.dir().join("lib/sub/inner/junk").exists());
    assert_eq!(gate.look(&held), Looked::default());
    bump(&gate, "sub 2\n");
    assert!(gate.hold().submodules_emptied);
    assert!(gate.dir().join("lib/sub").is_dir() && !gate.dir().join(VALUE).exists());
    assert_eq!(look_after_set_up(&gate).unwrap(), Looked::default());
    assert_eq!(read(gate.dir(), VALUE), "sub 2\n");
    // A set-up that leaves the old commit there is refused by name.
    let held = gate.hold();
    git(&gate.dir().join("lib/sub"), &["checkout", "-q", "HEAD~1"]);
    let order = LookOrder { is_set_up: true, ..gate.look_order(&held) };
    let error = look(&order, gate.trust).unwrap_err();
    assert!(matches!(&error, GitError::Submodule { path, .. } if path == "lib/sub"), "{error}");
    let old = git(&gate.dir().join("lib/sub"), &["rev-parse", "HEAD"]);
    assert!(error.to_string().contains(&old), "{error}");
    // One that leaves the project is gone.
    git(&gate.home.root, &["rm", "-q", "--cached", "lib/sub"]);
    git(&gate.home.root, &["rm", "-q", "-f", ".gitmodules"]);
    git(&gate.home.root, &["commit", "-q", "-m", "without"]);
    assert!(!gate.hold().submodules_emptied);
    assert!(!gate.dir().join("lib").exists());
}

/// A way to spoil the submodule's folder and its git directory.
type Spoil = fn(&Path, &Path);

#[test]
fn a_submodule_that_a_run_spoiled_is_emptied() {
    let spoils: [(&str, Spoil); 9] = [
        ("file", |sub, _| write(sub, "value.txt", "evil!\n")),
        ("file inside", |sub, _| write(sub, "inner/value.txt", "evil 1\n")),
        ("hidden file", |sub, _| {
            git(sub, &["update-index", "--skip-worktree", "value.txt"]);
            write(sub, "value.txt", "evil!\n");
        }),
        ("missing file", |sub, _| fs::remove_file(sub.join("tests/t.sh")).unwrap()),
        ("commit", |sub, _| {
            write(sub, "value.txt", "evil!\n");
            commit_all(sub, "evil");
        }),
        ("emptied", |sub, _| {
            fs::remove_dir_all(sub).unwrap();
            fs::create_dir(sub).unwrap();
        }),
        ("emptied inside", |sub, _| fs::remove_dir_all(sub.join("inner")).unwrap()),
        ("own repository", |sub, _| {
            fs::remove_file(sub.join(".git")).unwrap();
            git(sub, &["init", "-q"]);
        }),
        ("hook", |_, admin| write(admin, "hooks/post-checkout", "#!/bin/sh\ntouch /evil\n")),
    ];
    let gate = with_submodules();
    look_after_set_up(&gate).unwrap();
    for (name, spoil) in spoils {
        let held = gate.hold();
        assert!(!held.submodules_emptied, "{name}");
        let admin = held.worktree.git_dir.join("modules/lib/sub");
        spoil(&gate.dir().join("lib/sub"), &admin);
        assert!(gate.hold().submodules_emptied, "{name}");
        let left = fs::read_dir(gate.dir().join("lib/sub")).unwrap().count();
        assert_eq!(left, 0, "{name}");
        assert!(!admin.join("hooks/post-checkout").exists(), "{name}");
        assert_eq!(look_after_set_up(&gate).unwrap(), Looked::default(), "{name}");
        assert_eq!(read(gate.dir(), "lib/sub/inner/value.txt"), "inner 1\n", "{name}");
    }
}

#[test]
fn what_a_command_changes_in_a_submodule_is_reported_and_written_again() {
    let gate = with_submodules();
    look_after_set_up(&gate).unwrap();
    let held = gate.hold();
    assert_eq!(gate.look(&held), Looked::default());
    write(gate.dir(), VALUE, "evil!\n");
    fs::remove_dir_all(gate.dir().join("lib/sub/inner/tests")).unwrap();
    let (paths, is_gate) = changed(&gate.look(&held));
    assert_eq!((paths, is_gate), (vec!["lib/sub/inner/tests/t.sh".to_owned(), VALUE.to_owned()], false));
    assert_eq!(read(gate.dir(), VALUE), "sub 1\n");
    assert_eq!(gate.look(&held), Looked::default());
    // Another commit cannot be undone without running git there.
    write(gate.dir(), VALUE, "evil!\n");
    commit_all(&gate.dir().join("lib/sub"), "evil");
    let order = gate.look_order(&held);
    assert!(matches!(look(&order, gate.trust), Err(GitError::Submodule { .. })));
    let found = look(&LookOrder { must_mend: false, ..order }, gate.trust).unwrap();
    assert_eq!(found.wrong_submodules, [RepoPath::from("lib/sub")]);
}

#[test]
fn a_submodule_that_a_command_filled_is_empty_in_the_next_run() {
    let gate = with_submodules();
    let held = gate.hold();
    set_up(&gate);
    assert_eq!(gate.look(&held), Looked::default());
    let modules = held.worktree.git_dir.join("modules");
    assert!(modules.exists());
    assert!(!gate.hold().submodules_emptied);
    assert_eq!(fs::read_dir(gate.dir().join("lib/sub")).unwrap().count(), 0);
    assert!(fs::read_dir(modules).unwrap().next().is_none());
    // As in a clone without its submodules.
    assert_eq!(git(gate.dir(), &["status", "--porcelain"]), "");
    assert!(git_output(gate.dir(), &["submodule", "status"]).status.success());
    assert_eq!(head(gate.dir()), head(&gate.home.root));
}

#[test]
fn other_line_ends_and_files_of_lfs_in_a_submodule_are_right() {
    let gate = with_submodules();
    let sub = gate.home.folder.path().join("sub");
    let pointer = "version https://git-lfs.github.com/spec/v1\n\
                   oid sha256:03ba204e50d126e4674c005e04d82e84c21366780af1f43bd54a37816b6ab340\nsize 2\n";
    write(&sub, "big.bin", pointer);
    write(&sub, ".gitattributes", "value.txt text eol=crlf\n");
    bump(&gate, "sub 2\n");
    let held = gate.hold();
    set_up(&gate);
    assert_eq!(read(gate.dir(), VALUE), "sub 2\r\n");
    // `git lfs pull` writes the file that the pointer names.
    write(gate.dir(), "lib/sub/big.bin", "2\n");
    let order = LookOrder { is_set_up: true, ..gate.look_order(&held) };
    write(gate.dir(), "lib/sub/big.bin", "other\n");
    assert!(look(&order, gate.trust).is_err());
    let hash = "53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3";
    let pointer = pointer.replace("03ba204e50d126e4674c005e04d82e84c21366780af1f43bd54a37816b6ab340", hash);
    write(&sub, "big.bin", &pointer);
    bump(&gate, "sub 2\n");
    let held = gate.hold();
    set_up(&gate);
    write(gate.dir(), "lib/sub/big.bin", "2\n");
    let order = LookOrder { is_set_up: true, ..gate.look_order(&held) };
    assert_eq!(look(&order, gate.trust).unwrap(), Looked::default());
}

#[test]
fn a_commit_that_only_the_project_has_is_found_by_the_set_up() {
    let gate = with_submodules();
    assert_eq!(look_after_set_up(&gate).unwrap(), Looked::default());
    // As it comes home from a place: kept by a ref, on no branch, and at no remote.
    let sub = gate.home.root.join("lib/sub");
    let before = head(&sub);
    write(&sub, "value.txt", "from a place\n");
    let commit = commit_all(&sub, "only here");
    git(&sub, &["update-ref", "refs/paddock/kept/task/0", commit.as_str()]);
    git(&gate.home.root, &["commit", "-q", "-a", "-m", "bump"]);
    git(&sub, &["reset", "-q", "--hard", before.as_str()]);
    assert_eq!(look_after_set_up(&gate).unwrap(), Looked::default());
    assert_eq!(
        (read(gate.dir(), VALUE), head(&gate.dir().join("lib/sub"))),
        ("from a place\n".into(), commit)
    );
    // Held again, it stays as the set-up left it.
    let held = gate.hold();
    assert!(!held.submodules_emptied && gate.look(&held) == Looked::default());
    // A commit that a remote has comes from there, as ever.
    bump(&gate, "sub 3\n");
    assert!(gate.hold().submodules_emptied);
    assert_eq!(look_after_set_up(&gate).unwrap(), Looked::default());
    assert_eq!(read(gate.dir(), VALUE), "sub 3\n");
}
