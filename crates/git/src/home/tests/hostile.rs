//! Places that lie, or that are broken: each a named fault, and the project as it was.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use git2::{ObjectType, Oid};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::sample::{Sample, commit, git, put_delta, work};

const MISSING: &str = "1111111111111111111111111111111111111111";

fn pipe(path: &Path) {
    let _ = fs::remove_file(path);
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

/// Breaks a place, and checks that bringing names this and changes nothing.
fn broken(break_it: impl Fn(&Sample, &Path), reason: &str) {
    let sample = Sample::new();
    sample.work(&[("a", "work\n")]);
    break_it(&sample, &sample.place().join(".git"));
    let said = sample.fault(&sample.answer(false));
    assert!(said.starts_with("named: ") && said.contains(reason), "{reason}: {said}");
}

/// Breaks something beside the work branch, and checks that the work comes home and this is named.
fn partly(break_it: impl Fn(&Sample, &Path), path: &str, reason: &str) {
    let sample = Sample::new();
    let head = sample.work(&[("a", "work\n")]);
    break_it(&sample, &sample.place().join(".git"));
    let home = sample.bring();
    assert_eq!(home.branch.unwrap().as_str(), head.to_string());
    let found: Vec<String> = home.left.iter().map(|left| format!("{} {}", left.path, left.reason)).collect();
    let is_named =
        found.len() == 1 && home.left[0].path.contains(path) && home.left[0].reason.contains(reason);
    assert!(is_named, "{path} {reason}: {found:?}");
    sample.fsck();
}

#[test]
fn a_file_whose_name_git_takes_for_no_ref_is_passed_over() {
    let sample = Sample::new();
    let head = sample.work(&[("a", "work\n")]);
    // What a killed git, an atomic write or a file manager leaves.
    for name in ["refs/heads/x..y", "refs/heads/x.lock", "refs/.DS_Store", "refs/heads/.new-1"] {
        fs::write(sample.place().join(".git").join(name), MISSING).unwrap();
    }
    let home = sample.bring();
    assert_eq!(home.branch.unwrap().as_str(), head.to_string());
    assert!(home.left.is_empty(), "{:?}", home.left);
}

#[test]
fn refs_and_heads_that_lie_are_named() {
    let work_file = |git: &Path| git.join(work());
    broken(|_, git| fs::write(work_file(git), MISSING).unwrap(), "leads to the commit 1111");
    broken(|_, git| fs::write(work_file(git), MISSING).unwrap(), "which does not exist");
    broken(
        |sample, git| {
            let blob = sample.library().blob(b"no commit").unwrap();
            fs::write(work_file(git), blob.to_string()).unwrap();
        },
        "which is a file",
    );
    broken(
        |sample, git| {
            let tree = sample.repository.library().unwrap().find_commit(sample.base()).unwrap().tree_id();
            fs::write(work_file(git), tree.to_string()).unwrap();
        },
        "which is a tree",
    );
    broken(|_, git| fs::write(work_file(git), "nonsense").unwrap(), "holds no object id");
    broken(|_, git| fs::write(work_file(git), format!("ref: {}", work())).unwrap(), "symbolic refs");
    broken(|_, git| pipe(&work_file(git)), "is a named pipe");
    broken(|_, git| fs::write(git.join("HEAD"), "ref: ../../outside").unwrap(), "a name that is no ref");
    broken(|_, git| fs::write(git.join("HEAD"), "x".repeat(9_000)).unwrap(), "HEAD is larger than");
    broken(|_, git| fs::remove_file(git.join("HEAD")).unwrap(), "HEAD is missing");
    broken(|_, git| pipe(&git.join("HEAD")), "HEAD is a named pipe");
    broken(
        |_, git| {
            fs::remove_file(git.join("HEAD")).unwrap();
            symlink("/etc/passwd", git.join("HEAD")).unwrap();
        },
        "HEAD is a symbolic link",
    );
    broken(|_, git| pipe(&git.join("packed-refs")), ".git/packed-refs is a named pipe");
    let line = |name: &str| format!("{MISSING} {name}\n");
    broken(|_, git| fs::write(git.join("packed-refs"), line("refs/../../x")).unwrap(), "which is no ref");
    let many: String = (0..100_000).map(|at| line(&format!("refs/heads/r{at}"))).collect();
    broken(|_, git| fs::write(git.join("packed-refs"), &many).unwrap(), "more than 20000 refs");
    broken(|_, git| drop(fs::remove_dir_all(git.join("refs"))), ".git/refs cannot be read");
    broken(|_, git| drop(fs::remove_dir_all(git)), ".git cannot be read");
}

#[test]
fn what_is_wrong_beside_the_work_branch_keeps_no_work_from_coming_home() {
    let write = |name: &'static str, text: &'static str| {
        move |_: &Sample, git: &Path| {
            fs::create_dir_all(git.join(name).parent().unwrap()).unwrap();
            fs::write(git.join(name), text).unwrap();
        }
    };
    partly(write("refs/heads/x", MISSING), "refs/heads/x", "leads to the commit 1111");
    partly(write("refs/heads/x", "ref: refs/heads/x"), "refs/heads/x", "symbolic refs");
    partly(write("refs/tags/t", MISSING), "refs/tags/t", "does not exist");
    partly(write("refs/stash", MISSING), "refs/stash", "does not exist");
    partly(|_, git| pipe(&git.join("refs/heads/pipe")), "refs/heads/pipe", "is a named pipe");
    partly(
        |sample, git| {
            let blob = sample.library().blob(b"no commit").unwrap();
            fs::write(git.join("refs/heads/x"), blob.to_string()).unwrap();
        },
        "refs/heads/x",
        "which is a file",
    );
    // What such a ref leads to comes not even in part.
    let sample = Sample::new();
    let library = sample.library();
    let hidden = commit(&library, None, &[sample.base()], &[("x", "1")]);
    let lost = library.find_commit(hidden).unwrap().tree().unwrap().get_name("x").unwrap().id();
    library.reference("refs/heads/x", hidden, true, "").unwrap();
    let head = sample.work(&[("a", "work\n")]);
    remove_object(&sample, lost);
    let home = sample.bring();
    assert_eq!(home.branch.unwrap().as_str(), head.to_string());
    assert!(home.left[0].reason.contains("(`x`), which does not exist"), "{:?}", home.left);
    assert!(!sample.has(hidden));
}

fn remove_object(sample: &Sample, id: Oid) {
    let id = id.to_string();
    fs::remove_file(sample.place().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
}

#[test]
fn alternates_that_lead_elsewhere_are_named() {
    let alternates = |git: &Path| git.join("objects/info/alternates");
    broken(|_, git| fs::write(alternates(git), "/somewhere/else\n").unwrap(), "leads elsewhere");
    broken(
        |sample, git| {
            let text = format!("{}\n/somewhere/else\n", sample.store().display());
            fs::write(alternates(git), text).unwrap();
        },
        "leads elsewhere",
    );
    broken(|_, git| fs::remove_file(alternates(git)).unwrap(), "alternates is missing");
    broken(|_, git| pipe(&alternates(git)), "alternates is a named pipe");
    broken(
        |sample, git| {
            let copy = sample.place().join("copy");
            fs::copy(alternates(git), &copy).unwrap();
            fs::remove_file(alternates(git)).unwrap();
            symlink(copy, alternates(git)).unwrap();
        },
        "alternates is a symbolic link",
    );
    broken(
        |_, git| {
            fs::rename(git, git.with_extension("moved")).unwrap();
            fs::write(git, "gitdir: /somewhere/else\n").unwrap();
        },
        ".git is no folder",
    );
}

/// Packs everything in the place, and hands the only pack to a test.
fn repack(sample: &Sample, break_it: impl Fn(&Path)) {
    git(&sample.place(), &["repack", "-adlq"]);
    let packs = sample.place().join(".git/objects/pack");
    let packs: Vec<_> = fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().path()).collect();
    let pack = packs.iter().find(|path| path.extension().is_some_and(|ending| ending == "pack")).unwrap();
    let _ = fs::remove_file(pack.with_extension("rev"));
    fs::set_permissions(pack, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    break_it(pack);
}

#[test]
fn broken_packs_of_the_place_are_named() {
    broken(
        |sample, _| {
            repack(sample, |pack| {
                let bytes = fs::read(pack).unwrap();
                fs::write(pack, &bytes[..bytes.len() / 2]).unwrap();
            });
        },
        "leads to the commit",
    );
    broken(
        |sample, _| {
            repack(sample, |pack| {
                let mut bytes = fs::read(pack).unwrap();
                bytes[20..].fill(0xaa);
                fs::write(pack, bytes).unwrap();
            });
        },
        "leads to the commit",
    );
    broken(
        |sample, _| {
            let tree = sample.library().find_reference(&work()).unwrap().peel_to_tree().unwrap().id();
            remove_object(sample, tree);
        },
        "which names the tree",
    );
}

#[test]
fn a_delta_without_its_base_is_named() {
    let sample = Sample::new();
    let missing = Oid::from_str(&"3".repeat(40)).unwrap();
    put_delta(&sample, &[(MISSING, missing)]);
    let said = sample.fault(&sample.answer(false));
    assert!(said.contains("leads to the commit 1111"), "{said}");
}

#[test]
fn what_is_too_large_or_too_much_is_named() {
    let mut sample = Sample::new();
    sample.work(&[("large", &"x".repeat(5_000))]);
    sample.limits.blob_bytes = 4_000;
    let said = sample.fault(&sample.answer(false));
    assert!(said.contains("(`large`), which has 5000 bytes, and at most 4000 come home"), "{said}");
    sample.limits = crate::home::Limits { objects: 2, ..crate::home::Limits::default() };
    let said = sample.fault(&sample.answer(false));
    assert!(said.contains("more than 2 new objects"), "{said}");
    // A helper that keeps to no limit is stopped by the supervisor's.
    sample.limits = crate::home::Limits::default();
    let whole = sample.answer(false);
    for (limits, reason) in [
        (crate::home::Limits { blob_bytes: 4_000, ..sample.limits }, "has a file of 5000 bytes"),
        (crate::home::Limits { other_bytes: 20, ..sample.limits }, "at most 20 are taken"),
        (crate::home::Limits { inflated_bytes: 5_000, ..sample.limits }, "more than 5000 bytes of content"),
        (crate::home::Limits { pack_bytes: 100, ..sample.limits }, "has more than 100 bytes"),
        (crate::home::Limits { objects: 2, ..sample.limits }, "has 3 objects, and at most 2"),
    ] {
        sample.limits = limits;
        let said = sample.fault(&whole);
        assert!(said.starts_with("refused: its pack") && said.contains(reason), "{said}");
    }
}

#[test]
fn what_is_there_in_the_place_and_no_object_of_git_is_named() {
    let sample = Sample::new();
    let odb = sample.library();
    let odb = odb.odb().unwrap();
    let base = sample.base();
    let tree = odb.write(ObjectType::Tree, b"100644 .git\0aaaaaaaaaaaaaaaaaaaa").unwrap();
    let head =
        format!("tree {tree}\nparent {base}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nm\n");
    let head = odb.write(ObjectType::Commit, head.as_bytes()).unwrap();
    sample.library().reference(&work(), head, true, "").unwrap();
    let said = sample.fault(&sample.answer(false));
    assert!(said.contains("has an entry named `.git`"), "{said}");
}
