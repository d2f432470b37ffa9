//! What a gate command changes in its folder is reported, and written again before the next command.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use paddock_git::{GitError, LookOrder, Looked, Repository, StatTrust, look};
use paddock_model::path::RepoPath;

use super::gates::{Gate, changed, home, modified, set_mode};
use super::support::{commit_all, git, head, read, write};

/// A way to spoil a folder.
type Spoil = fn(&Path);

/// Every way in which code under test may leave a folder, with whether tests or scripts of the gate are
/// changed by it.
const SPOILS: [(&str, &[&str], bool, Spoil); 13] = [
    ("overwritten", &["tests/check.sh"], true, |dir| write(dir, "tests/check.sh", "exit 0\n")),
    ("hidden by skip-worktree", &["tests/check.sh"], true, |dir| {
        git(dir, &["update-index", "--skip-worktree", "tests/check.sh"]);
        write(dir, "tests/check.sh", "exit 0\n");
    }),
    ("hidden by assume-unchanged", &["check.sh"], true, |dir| {
        git(dir, &["update-index", "--assume-unchanged", "check.sh"]);
        fs::remove_file(dir.join("check.sh")).unwrap();
    }),
    ("hidden by a sparse checkout", &["README.md", "link"], false, |dir| {
        git(dir, &["sparse-checkout", "set", "--no-cone", "/src/", "/tests/", "/.gitignore", "/check.sh"]);
        assert!(!dir.join("README.md").exists());
    }),
    ("of the same size and time", &["tests/check.sh"], true, |dir| {
        let file = dir.join("tests/check.sh");
        let time = modified(&file);
        fs::write(&file, "exit 0\n").unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    }),
    ("added to the index", &["README.md"], false, |dir| {
        write(dir, "README.md", "other\n");
        write(dir, "new", "new\n");
        git(dir, &["add", "-A"]);
    }),
    ("committed", &["README.md"], false, |dir| {
        write(dir, "README.md", "other\n");
        git(dir, &["checkout", "-q", "-B", "gates-own"]);
        commit_all(dir, "by the gate");
    }),
    ("executable", &["README.md"], false, |dir| set_mode(dir.join("README.md"), 0o755)),
    ("closed", &["src/a.rs"], false, |dir| {
        set_mode(dir.join("src/a.rs"), 0);
        set_mode(dir.join("src"), 0);
    }),
    ("a pipe", &["README.md"], false, |dir| {
        fs::remove_file(dir.join("README.md")).unwrap();
        assert!(Command::new("mkfifo").arg(dir.join("README.md")).status().unwrap().success());
    }),
    ("a folder", &["check.sh"], true, |dir| {
        fs::remove_file(dir.join("check.sh")).unwrap();
        write(dir, "check.sh/deep/file", "x\n");
    }),
    ("another link", &["link"], false, |dir| {
        fs::remove_file(dir.join("link")).unwrap();
        symlink("src/a.rs", dir.join("link")).unwrap();
    }),
    ("a link out of the folder", &["tests/check.sh", "tests/deep/more.sh"], true, |dir| {
        fs::remove_dir_all(dir.join("tests")).unwrap();
        let outside = dir.with_file_name("outside");
        write(&outside, "check.sh", "precious\n");
        write(&outside, "deep/more.sh", "exit 1\n");
        symlink(&outside, dir.join("tests")).unwrap();
    }),
];

#[test]
fn whatever_a_run_changes_is_reported_and_written_again() {
    for trust in [StatTrust::ChangeTime, StatTrust::Nothing] {
        for (name, paths, is_gate, spoil) in SPOILS {
            let gate = Gate { trust, ..Gate::new(home()) };
            let held = gate.hold();
            assert_eq!(gate.look(&held), Looked::default(), "{name}");
            spoil(gate.dir());
            let (found, judges) = changed(&gate.look(&held));
            assert_eq!((found, judges), (paths.iter().map(|p| (*p).to_owned()).collect(), is_gate), "{name}");
            // Written again, and git agrees. The new file stays until the next run.
            drop(fs::remove_file(gate.dir().join("new")));
            assert_eq!(gate.look(&held), Looked::default(), "{name}");
            gate.is_like_a_clone(&["tests-removed"]);
            assert_eq!(git(gate.dir(), &["status", "--porcelain"]), "", "{name}");
            assert_eq!(head(gate.dir()), head(&gate.home.root), "{name}");
            let outside = gate.dir().with_file_name("outside");
            assert!(!outside.exists() || read(&outside, "check.sh") == "precious\n");
        }
    }
}

#[test]
fn whatever_a_run_leaves_is_gone_in_the_next_one() {
    for trust in [StatTrust::ChangeTime, StatTrust::Nothing] {
        let gate = Gate { trust, ..Gate::new(home()) };
        gate.hold();
        for (name, _, _, spoil) in SPOILS {
            spoil(gate.dir());
            assert!(!gate.hold().from_nothing, "{name}");
            gate.is_like_a_clone(&[]);
            assert_eq!(git(gate.dir(), &["status", "--porcelain"]), "", "{name}");
        }
        let outside = gate.dir().with_file_name("outside");
        assert_eq!(read(&outside, "check.sh"), "precious\n");
    }
}

#[test]
fn a_change_that_nobody_mends_is_reported_at_every_look() {
    let gate = Gate::new(home());
    let held = gate.hold();
    write(gate.dir(), "tests/check.sh", "exit 0\n");
    let order = LookOrder { must_mend: false, ..gate.look_order(&held) };
    for _ in 0..2 {
        let looked = look(&order, gate.trust).unwrap();
        assert_eq!(changed(&looked), (vec!["tests/check.sh".to_owned()], true));
        assert_eq!(read(gate.dir(), "tests/check.sh"), "exit 0\n");
    }
}

#[test]
fn after_the_set_up_changes_are_reported_and_what_it_left_is_named() {
    let gate = Gate::new(home());
    let held = gate.hold();
    for file in ["target/x", "tests/check.sh", "pytest.ini", "cache/a/b", "src/__pycache__/a.pyc"] {
        write(gate.dir(), file, "exit 0\n");
    }
    let order = LookOrder { is_set_up: true, ..gate.look_order(&held) };
    let looked = look(&order, gate.trust).unwrap();
    assert_eq!(changed(&looked), (vec!["tests/check.sh".to_owned()], false));
    let mut left = looked.left.clone();
    left.sort();
    assert_eq!(left, ["cache", "pytest.ini"].map(RepoPath::from));
    assert_eq!(read(gate.dir(), "tests/check.sh"), "exit 1\n");
    // What the set-up made is no change of a command, until a command changes it.
    assert_eq!(gate.look(&held), Looked::default());
    write(gate.dir(), "pytest.ini", "addopts = -k nothing\n");
    write(gate.dir(), "tests/conftest.py", "collect_ignore_glob = ['*']\n");
    write(gate.dir(), "cache/conftest.py", "not beside tracked files\n");
    write(gate.dir(), ".config/nextest.toml", "x\n");
    let expected = [".config/nextest.toml", "pytest.ini", "tests/conftest.py"].map(str::to_owned).to_vec();
    let (mut found, judges) = changed(&gate.look(&held));
    found.sort();
    assert_eq!((found, judges), (expected, true));
}

#[test]
fn a_file_that_git_cannot_write_rightly_fails_the_run() {
    let gate = Gate::new(home());
    let held = gate.hold();
    // The table says what must be there; a filter planted since then writes something else.
    write(&gate.home.root.join(".git"), "info/attributes", "*.md filter=evil\n");
    git(&gate.home.root, &["config", "filter.evil.smudge", "echo other"]);
    write(gate.dir(), "README.md", "spoiled\n");
    let error = look(&gate.look_order(&held), gate.trust).unwrap_err();
    assert!(matches!(&error, GitError::NotHeld { count: 1, files, .. } if files == "README.md"), "{error}");
}

#[test]
fn a_repository_that_cannot_be_opened_fails_the_look() {
    let gate = Gate::new(home());
    let held = gate.hold();
    let order = LookOrder { repo_root: gate.home.place("nowhere"), ..gate.look_order(&held) };
    assert!(look(&order, gate.trust).is_err());
    assert!(Repository::open(&gate.home.root).is_ok());
    // Another commit than the folder holds.
    write(&gate.home.root, "README.md", "next\n");
    commit_all(&gate.home.root, "next");
    assert!(look(&gate.look_order(&held), gate.trust).is_err());
}
