use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::super::cache::keep;
use super::super::samples::put;
use super::super::{GatePlace, HoldOrder, hold, kept_folders};
use super::*;
use crate::adding::add_worktree;
use crate::sample_trees::SampleTrees;
use crate::status::worktree_status;
use crate::worktree::WorktreeSpec;
use paddock_model::settings::Keep;

/// A repository with a gate folder whose caches are kept, and a new worktree.
struct Scene {
    folder: tempfile::TempDir,
    sample: SampleTrees,
    commit: ObjectId,
    cache: CachePlace,
}

impl Scene {
    /// Holds a gate folder at a commit with these rules, and keeps what a run left there.
    fn new(rules: &str) -> Self {
        let (folder, sample) = (tempfile::tempdir().unwrap(), SampleTrees::new());
        let markers = ["Cargo.toml", "package.json", "web/package.json", "setup.py", "native/CMakeLists.txt"];
        let mut files: Vec<_> = markers.iter().map(|path| (*path, Some("x"))).collect();
        files.push((".gitignore", Some(rules)));
        let commit = sample.commit(None, &files);
        let at = |name: &str| folder.path().join(name);
        let place = GatePlace { folder: at("_gate-1"), private: at("private") };
        let kept = kept_folders(&sample.repository, &commit, &Keep::Auto).unwrap();
        let trust = StatTrust::ChangeTime;
        let order = HoldOrder { commit: &commit, kept: &kept, start_from_nothing: false, trust };
        hold(&sample.repository, &place, &order).unwrap();
        for path in [
            "target/debug/app",
            "node_modules/.bin/real",
            "web/node_modules/left/pad.js",
            ".venv/pyvenv.cfg",
            "native/build/CMakeCache.txt",
        ] {
            put(&place.folder, path, path);
        }
        let app = place.folder.join("target/debug/app");
        fs::set_permissions(app, fs::Permissions::from_mode(0o755)).unwrap();
        symlink("real", place.folder.join("node_modules/.bin/link")).unwrap();
        let cache = CachePlace { folder: place.folder, base: at("_gate-1.cache"), private: place.private };
        keep(&cache, &kept, "key", None, trust).unwrap();
        Self { folder, sample, commit, cache }
    }

    fn worktree(&self, id: &str) -> Worktree {
        let spec = WorktreeSpec {
            own: None,
            path: self.folder.path().join(id),
            branch: format!("paddock/{id}/work"),
            base: self.commit.clone(),
            marker: format!("p/{id}"),
        };
        add_worktree(&self.sample.repository, &spec).unwrap()
    }

    fn seed(&self, worktree: &Worktree, folders: &[&str], bytes_max: u64) -> Seeded {
        let folders: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
        let order = SeedOrder {
            caches: std::slice::from_ref(&self.cache),
            folders: &folders,
            commit: &self.commit,
            bytes_max,
            trust: StatTrust::ChangeTime,
        };
        let seeded = seed(&self.sample.repository, worktree, &order).unwrap();
        let name = worktree.path.file_name().unwrap().to_str().unwrap();
        assert!(!self.folder.path().join(format!(".paddock-seed-{name}")).exists());
        seeded
    }
}

const IGNORED: &str = "target\nnode_modules\n.venv\nbuild/\n";
const ALL: [&str; 5] = ["target", "node_modules", "**/node_modules", ".venv", "native/build"];

fn names(paths: &[RepoPath]) -> Vec<String> {
    paths.iter().map(ToString::to_string).collect()
}

#[test]
fn a_new_worktree_begins_with_copies_of_what_the_last_landed_run_left() {
    let scene = Scene::new(IGNORED);
    let worktree = scene.worktree("task");
    let seeded = scene.seed(&worktree, &ALL, u64::MAX);
    assert_eq!(names(&seeded.folders), ["node_modules", "target", "web/node_modules"]);
    let left_out: Vec<_> =
        seeded.left_out.iter().map(|(root, why)| (root.to_string(), why.as_str())).collect();
    assert!(
        matches!(&left_out[..], [(venv, a), (build, b)] if venv == ".venv" && build == "native/build"
            && a.contains("absolute paths") && b.contains("CMake")),
        "{left_out:?}"
    );
    let read = |path: &str| fs::read_to_string(worktree.path.join(path)).unwrap();
    assert_eq!(read("target/debug/app"), "target/debug/app");
    assert_eq!(read("web/node_modules/left/pad.js"), "web/node_modules/left/pad.js");
    let link = fs::read_link(worktree.path.join("node_modules/.bin/link")).unwrap();
    assert_eq!(link, Path::new("real"));
    assert!(!worktree.path.join(".venv").exists() && !worktree.path.join("native/build").exists());
    // It is nobody's work.
    assert!(worktree_status(&scene.sample.repository, &worktree, &[]).unwrap().is_empty());
    // The copy is a file of its own, and older than what it may have been made from.
    let app = fs::metadata(worktree.path.join("target/debug/app")).unwrap();
    let base = fs::metadata(scene.cache.copies().join("target/debug/app")).unwrap();
    assert!((app.ino() != base.ino() && app.nlink() == 1 && base.nlink() == 1) && app.mode() == base.mode());
    let source = fs::metadata(worktree.path.join("Cargo.toml")).unwrap();
    assert!(app.modified().unwrap() < source.modified().unwrap());
    // Once: what an agent removed does not come back.
    fs::remove_dir_all(worktree.path.join("target")).unwrap();
    assert_eq!(scene.seed(&worktree, &ALL, u64::MAX), Seeded::default());
}

#[test]
fn folders_that_would_count_as_work_or_lie_elsewhere_are_left_out() {
    // The contents of `target` are ignored by their names alone.
    let scene = Scene::new("node_modules\ntarget/**/*.o\n");
    let worktree = scene.worktree("task");
    fs::remove_file(worktree.path.join("web/package.json")).unwrap();
    fs::remove_dir(worktree.path.join("web")).unwrap();
    symlink(scene.folder.path(), worktree.path.join("web")).unwrap();
    let seeded = scene.seed(&worktree, &ALL, u64::MAX);
    assert_eq!(names(&seeded.folders), ["node_modules"]);
    assert!(!scene.folder.path().join("node_modules").exists(), "no link is followed");
    assert!(
        seeded
            .left_out
            .iter()
            .any(|(root, why)| root == &RepoPath::new("target") && why.contains(".gitignore"))
    );
}

#[test]
fn a_cache_that_is_too_large_or_not_what_was_kept_brings_nothing() {
    let scene = Scene::new(IGNORED);
    let one = scene.worktree("one");
    let seeded = scene.seed(&one, &["target"], 3);
    assert!(seeded.folders.is_empty() && seeded.left_out[0].1.contains("too little space"), "{seeded:?}");
    let base = scene.cache.copies().join("target/debug/app");
    fs::write(&base, "planted by an age").unwrap();
    let two = scene.worktree("two");
    let seeded = scene.seed(&two, &["target"], u64::MAX);
    assert!(seeded.folders.is_empty() && seeded.left_out[0].1.contains("not what was kept"), "{seeded:?}");
    assert!(!two.path.join("target").exists());
    // Without a record there is no cache.
    super::super::cache::forget(&scene.cache).unwrap();
    assert_eq!(scene.seed(&scene.worktree("three"), &["target"], u64::MAX), Seeded::default());
}
