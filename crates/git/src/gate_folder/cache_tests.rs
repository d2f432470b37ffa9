use super::super::copy::set_facts as give;
use super::super::samples::put;
use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

/// A gate folder with kept folders.
struct Fixture {
    top: tempfile::TempDir,
    place: CachePlace,
}

const KEY: &str = "key";
const BOTH: [StatTrust; 2] = [StatTrust::ChangeTime, StatTrust::Nothing];

/// What can be seen of a path: kind, mode, modification time, content.
type Facts = (Kind, u32, i128, Vec<u8>);

impl Fixture {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let at = |name| top.path().join(name);
        let place =
            CachePlace { folder: at("_gate-1"), base: at("_gate-1.cache"), private: at("private/deep") };
        fs::create_dir(&place.folder).unwrap();
        Self { top, place }
    }

    /// Fills the kept folders with everything that a build leaves.
    fn build(&self) {
        for (path, content) in
            [("target/debug/app", "program"), ("target/a", "one"), ("web/node_modules/m/i.js", "js")]
        {
            self.put(path, content);
        }
        let folder = &self.place.folder;
        fs::create_dir_all(folder.join("target/empty")).unwrap();
        symlink("debug/app", folder.join("target/link")).unwrap();
        symlink("/nowhere", folder.join("target/dangling")).unwrap();
        self.chmod("target/debug/app", 0o755);
        self.put("target/locked/file", "read-only");
        self.chmod("target/locked/file", 0o444);
        self.chmod("target/locked", 0o555);
        for path in ["target/a", "target/debug/app", "target/empty", "target/locked", "target"] {
            let stat = Stat::read(&folder.join(path)).unwrap().unwrap();
            give(&folder.join(path), &Stat { modified_ns: 1_500_000_000_123_456_789, ..stat }).unwrap();
        }
    }

    fn put(&self, path: &str, content: &str) {
        put(&self.place.folder, path, content);
    }

    fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.place.folder.join(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn kept(&self) -> Vec<String> {
        ["target", "*/node_modules", "absent"].map(str::to_owned).to_vec()
    }

    fn keep(&self, trust: StatTrust) {
        keep(&self.place, &self.kept(), KEY, Some("set up".into()), trust).unwrap();
    }

    fn restore(&self, trust: StatTrust) -> Restored {
        restore(&self.place, &self.kept(), KEY, trust).unwrap()
    }

    fn state(&self) -> BTreeMap<String, Facts> {
        let roots =
            KeptFolders::new(&self.kept(), Path::new("")).unwrap().on_disk(&self.place.folder).unwrap();
        let mut state = BTreeMap::new();
        for (path, stat) in walk(&self.place.folder, &roots, 0).unwrap() {
            let full = self.place.in_folder(&path);
            let content = match stat.kind {
                Kind::File => fs::read(&full).unwrap(),
                Kind::Link => fs::read_link(&full).unwrap().into_os_string().into_encoded_bytes(),
                _ => Vec::new(),
            };
            state.insert(path.into(), (stat.kind, stat.mode, stat.modified_ns, content));
        }
        state
    }

    /// Returns the inodes of the files in one of the two copies.
    fn inodes(&self, top: &Path) -> BTreeMap<RepoPath, u64> {
        let mut found = BTreeMap::new();
        let roots = BTreeSet::from([RepoPath::from("target"), RepoPath::from("web/node_modules")]);
        for (path, stat) in walk(top, &roots, 0).unwrap() {
            if stat.kind == Kind::File {
                found.insert(path, stat.inode);
            }
        }
        found
    }

    fn nothing() -> Restored {
        Restored { set_up: None, was_empty: true }
    }
}

#[test]
fn everything_comes_back_as_it_was_kept() {
    for trust in BOTH {
        let fixture = Fixture::new();
        fixture.build();
        let state = fixture.state();
        fixture.keep(trust);
        assert_eq!(fixture.state(), state, "keeping changes nothing in the gate folder");
        for path in ["target", "web/node_modules"] {
            delete(&fixture.place.folder.join(path)).unwrap();
        }
        let restored = Restored { set_up: Some("set up".into()), was_empty: false };
        assert_eq!(fixture.restore(trust), restored);
        assert_eq!(fixture.state(), state, "{trust:?}");
        // Nothing to do: the same files stay.
        let inodes = fixture.inodes(&fixture.place.folder);
        assert_eq!(fixture.restore(trust), restored);
        assert_eq!(fixture.inodes(&fixture.place.folder), inodes);
        assert_eq!(fixture.state(), state);
    }
}

#[test]
fn what_a_run_poisons_is_repaired() {
    type Poison = (&'static str, fn(&Fixture));
    let poisons: [Poison; 12] = [
        ("edited with the same size and time", |fixture| {
            let path = fixture.place.folder.join("target/a");
            let stat = Stat::read(&path).unwrap().unwrap();
            fs::write(&path, "two").unwrap();
            give(&path, &stat).unwrap();
        }),
        ("edited", |fixture| fixture.put("target/a", "other")),
        ("deleted", |fixture| fs::remove_file(fixture.place.folder.join("target/debug/app")).unwrap()),
        ("deleted folder", |fixture| delete(&fixture.place.folder.join("target")).unwrap()),
        ("added", |fixture| fixture.put("target/debug/deep/new", "x")),
        ("added match of a glob", |fixture| fixture.put("other/node_modules/x", "x")),
        ("link swapped", |fixture| {
            let path = fixture.place.folder.join("target/link");
            fs::remove_file(&path).unwrap();
            symlink("/etc/shadow", &path).unwrap();
        }),
        ("file in place of a folder", |fixture| {
            delete(&fixture.place.folder.join("target/debug")).unwrap();
            fixture.put("target/debug", "x");
        }),
        ("folder in place of a file", |fixture| {
            delete(&fixture.place.folder.join("target/a")).unwrap();
            fixture.put("target/a/b/c", "x");
        }),
        ("closed", |fixture| {
            for path in ["target/a", "target/debug/app", "target/debug", "target"] {
                fixture.chmod(path, 0);
            }
        }),
        ("touched", |fixture| {
            let file = fs::File::open(fixture.place.folder.join("target/a")).unwrap();
            file.set_modified(std::time::SystemTime::now()).unwrap();
        }),
        ("pipe", |fixture| {
            let path = fixture.place.folder.join("target/a");
            fs::remove_file(&path).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        }),
    ];
    for trust in BOTH {
        for (name, poison) in poisons {
            let fixture = Fixture::new();
            fixture.build();
            let state = fixture.state();
            fixture.keep(trust);
            poison(&fixture);
            assert!(!fixture.restore(trust).was_empty, "{name}");
            assert_eq!(fixture.state(), state, "{name} {trust:?}");
        }
    }
}

#[test]
fn a_kept_folder_that_became_a_link_leads_nowhere() {
    for trust in BOTH {
        let fixture = Fixture::new();
        fixture.build();
        let state = fixture.state();
        fixture.keep(trust);
        let outside = fixture.top.path().join("outside");
        put(&outside, "a", "untouched");
        delete(&fixture.place.folder.join("target")).unwrap();
        symlink(&outside, fixture.place.folder.join("target")).unwrap();
        fixture.restore(trust);
        assert_eq!(fixture.state(), state);
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        // A link is kept as one, and nothing behind it.
        delete(&fixture.place.folder.join("target")).unwrap();
        symlink(&outside, fixture.place.folder.join("target")).unwrap();
        fixture.keep(trust);
        assert!(fs::read_link(fixture.place.copies().join("target")).is_ok());
        empty(&fixture.place, &fixture.kept()).unwrap();
        assert_eq!(fs::read_to_string(outside.join("a")).unwrap(), "untouched");
    }
}

#[test]
fn only_what_changed_is_copied_and_nothing_is_shared() {
    for trust in BOTH {
        let fixture = Fixture::new();
        fixture.build();
        let keep = || keep_and_count(&fixture.place, &fixture.kept(), KEY, None, trust).unwrap();
        assert_eq!(keep(), 6, "four files and two links");
        let base = fixture.inodes(&fixture.place.copies());
        let work: BTreeSet<u64> = fixture.inodes(&fixture.place.folder).into_values().collect();
        assert!(base.values().all(|inode| !work.contains(inode)), "no file is in both copies");
        assert_eq!(keep(), 0);
        fixture.put("target/a", "two");
        fixture.put("target/debug/new", "x");
        fixture.put("web/node_modules/m/i.js", "js");
        fixture.chmod("target/debug/app", 0o700);
        fs::remove_file(fixture.place.folder.join("target/link")).unwrap();
        let state = fixture.state();
        assert_eq!(keep(), 2, "the same content with another time or mode is not copied: {trust:?}");
        assert_eq!(keep(), 0);
        empty(&fixture.place, &fixture.kept()).unwrap();
        fixture.restore(trust);
        assert_eq!(fixture.state(), state);
    }
}

#[test]
fn hard_links_become_separate_files() {
    let fixture = Fixture::new();
    fixture.build();
    let (a, b) = (fixture.place.folder.join("target/a"), fixture.place.folder.join("target/b"));
    fs::hard_link(&a, &b).unwrap();
    fixture.keep(StatTrust::ChangeTime);
    let base = fixture.place.copies();
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_ne!(inode(&base.join("target/a")), inode(&base.join("target/b")));
    delete(&fixture.place.folder.join("target")).unwrap();
    fixture.restore(StatTrust::ChangeTime);
    assert_ne!(inode(&a), inode(&b));
}

#[test]
fn without_a_manifest_there_is_no_base() {
    let fixture = Fixture::new();
    fixture.build();
    fixture.keep(StatTrust::ChangeTime);
    // As a crash while the base changes leaves it.
    Manifest::remove(&fixture.place.private).unwrap();
    put(&fixture.place.copies(), "target/half", "x");
    assert_eq!(fixture.restore(StatTrust::ChangeTime), Fixture::nothing());
    assert_eq!(fixture.state(), BTreeMap::new());
    fixture.build();
    let state = fixture.state();
    fixture.keep(StatTrust::ChangeTime);
    assert!(!fixture.place.copies().join("target/half").exists());
    empty(&fixture.place, &fixture.kept()).unwrap();
    fixture.restore(StatTrust::ChangeTime);
    assert_eq!(fixture.state(), state);
}

#[test]
fn another_key_starts_empty_and_leaves_the_base_until_something_is_kept() {
    let fixture = Fixture::new();
    fixture.build();
    let state = fixture.state();
    fixture.keep(StatTrust::ChangeTime);
    let other = |trust| restore(&fixture.place, &fixture.kept(), "other", trust).unwrap();
    assert_eq!(other(StatTrust::ChangeTime), Fixture::nothing());
    assert_eq!(fixture.state(), BTreeMap::new());
    fixture.restore(StatTrust::ChangeTime);
    assert_eq!(fixture.state(), state);
    other(StatTrust::ChangeTime);
    fixture.put("target/new", "x");
    keep(&fixture.place, &fixture.kept(), "other", None, StatTrust::ChangeTime).unwrap();
    assert_eq!(other(StatTrust::ChangeTime), Restored { set_up: None, was_empty: false });
    assert_eq!(fixture.state().keys().collect::<Vec<_>>(), ["target", "target/new"]);
    assert_eq!(fixture.restore(StatTrust::ChangeTime), Fixture::nothing());
}

#[test]
fn a_base_that_was_tampered_with_is_no_base() {
    for trust in BOTH {
        for path in ["target/a", "target/debug/app"] {
            let fixture = Fixture::new();
            fixture.build();
            fixture.keep(trust);
            let copy = fixture.place.copies().join(path);
            let stat = Stat::read(&copy).unwrap().unwrap();
            let content = "x".repeat(usize::try_from(stat.size).unwrap());
            fs::write(&copy, content).unwrap();
            give(&copy, &stat).unwrap();
            empty(&fixture.place, &fixture.kept()).unwrap();
            assert_eq!(fixture.restore(trust), Fixture::nothing(), "{path} {trust:?}");
            assert_eq!(fixture.state(), BTreeMap::new());
            assert!(!fixture.place.base.exists());
        }
    }
}

#[test]
fn a_closed_base_stops_no_run() {
    let fixture = Fixture::new();
    fixture.build();
    fixture.keep(StatTrust::ChangeTime);
    empty(&fixture.place, &fixture.kept()).unwrap();
    fs::set_permissions(fixture.place.copies().join("target"), fs::Permissions::from_mode(0o000)).unwrap();
    // The user root reads it all the same.
    fixture.restore(StatTrust::ChangeTime);
    empty(&fixture.place, &fixture.kept()).unwrap();
    fixture.build();
    let state = fixture.state();
    fixture.keep(StatTrust::ChangeTime);
    empty(&fixture.place, &fixture.kept()).unwrap();
    assert!(!fixture.restore(StatTrust::ChangeTime).was_empty);
    assert_eq!(fixture.state(), state);
}

#[test]
fn a_forgotten_base_is_gone_and_the_kept_folders_stay() {
    let fixture = Fixture::new();
    fixture.build();
    let state = fixture.state();
    fixture.keep(StatTrust::ChangeTime);
    forget(&fixture.place).unwrap();
    forget(&fixture.place).unwrap();
    assert_eq!(fixture.state(), state);
    assert!(!fixture.place.base.exists());
    assert_eq!(fixture.restore(StatTrust::ChangeTime), Fixture::nothing());
}

#[test]
fn closed_folders_and_files_are_kept_readable_and_pipes_left_out() {
    let fixture = Fixture::new();
    fixture.put("target/closed/file", "x");
    fixture.put("target/secret", "y");
    fixture.chmod("target/secret", 0);
    fixture.chmod("target/closed", 0);
    let pipe = fixture.place.folder.join("target/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fixture.keep(StatTrust::ChangeTime);
    empty(&fixture.place, &fixture.kept()).unwrap();
    fixture.restore(StatTrust::ChangeTime);
    let state = fixture.state();
    assert_eq!(
        state.keys().collect::<Vec<_>>(),
        ["target", "target/closed", "target/closed/file", "target/secret"]
    );
    assert_eq!((state["target/closed"].1, state["target/secret"].1), (0o500, 0o400));
}

#[test]
fn a_failed_keep_leaves_no_base() {
    let fixture = Fixture::new();
    fixture.build();
    fixture.keep(StatTrust::ChangeTime);
    // The manifest cannot be written: a folder has its name.
    fixture.put("target/a", "two");
    Manifest::remove(&fixture.place.private).unwrap();
    fs::create_dir_all(fixture.place.private.join("cache-base")).unwrap();
    let error = keep(&fixture.place, &fixture.kept(), KEY, None, StatTrust::ChangeTime).unwrap_err();
    assert!(error.to_string().contains("cache-base"), "{error}");
    fs::remove_dir(fixture.place.private.join("cache-base")).unwrap();
    assert_eq!(fixture.restore(StatTrust::ChangeTime), Fixture::nothing());
}

#[test]
fn folders_above_a_named_path_are_made_and_those_above_a_match_are_not() {
    let fixture = Fixture::new();
    fixture.put("vendor/bundle/gem", "x");
    fixture.put("web/node_modules/m", "x");
    let kept = ["vendor/bundle".to_owned(), "*/node_modules".to_owned()];
    keep(&fixture.place, &kept, KEY, None, StatTrust::ChangeTime).unwrap();
    delete(&fixture.place.folder.join("vendor")).unwrap();
    delete(&fixture.place.folder.join("web")).unwrap();
    restore(&fixture.place, &kept, KEY, StatTrust::ChangeTime).unwrap();
    assert!(fixture.place.folder.join("vendor/bundle/gem").exists());
    assert!(!fixture.place.folder.join("web").exists());
    // Nor is anything made behind a link.
    let outside = fixture.top.path().join("outside");
    fs::create_dir(&outside).unwrap();
    delete(&fixture.place.folder.join("vendor")).unwrap();
    symlink(&outside, fixture.place.folder.join("vendor")).unwrap();
    restore(&fixture.place, &kept, KEY, StatTrust::ChangeTime).unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn folders_deeper_than_any_path_are_deleted_and_cannot_be_kept() {
    let fixture = Fixture::new();
    fixture.build();
    let state = fixture.state();
    let plant = || {
        let mut folder = fs::File::open(fixture.place.folder.join("target")).unwrap();
        for _ in 0..30 {
            use rustix::fs::{Mode, OFlags, mkdirat, openat};
            let name = "d".repeat(200);
            mkdirat(&folder, &name, Mode::RWXU).unwrap();
            folder = openat(&folder, &name, OFlags::RDONLY, Mode::empty()).unwrap().into();
        }
    };
    fixture.keep(StatTrust::ChangeTime);
    plant();
    assert!(!fixture.restore(StatTrust::ChangeTime).was_empty);
    assert_eq!(fixture.state(), state);
    plant();
    keep(&fixture.place, &fixture.kept(), KEY, None, StatTrust::ChangeTime).unwrap_err();
    assert!(!fixture.place.base.exists());
    assert_eq!(fixture.restore(StatTrust::ChangeTime), Fixture::nothing());
}
