//! The pool as a whole, on real repositories.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;

use super::super::adding::{add_pooled_worktree, add_worktree};
use super::super::gate_folder::StatTrust;
use super::super::process::STARTED;
use super::super::program::Call;
use super::super::remove::Removal;
use super::super::repository::{Repository, object_id};
use super::super::worktree::{Worktree, WorktreeSpec};
use super::{Pool, PoolOrder, PoolState, retire_worktree, tend_pool};
use paddock_model::ids::ObjectId;

/// Content of a file in a commit.
#[derive(Clone, Copy)]
enum Content {
    File(&'static str),
    Program(&'static str),
    Link(&'static str),
    Submodule,
}
use Content::{File, Link, Program, Submodule};

/// A repository, a folder of worktrees beside it, and the pool in there.
struct Home {
    folder: tempfile::TempDir,
    repository: Repository,
    pool: Pool,
}

impl Home {
    fn new(is_bare: bool, trust: StatTrust) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        let library = match is_bare {
            true => git2::Repository::init_bare(&root).unwrap(),
            false => git2::Repository::init(&root).unwrap(),
        };
        commit_in(&library, &[], Some("HEAD"));
        let repository = Repository::open(&root).unwrap();
        fs::create_dir(folder.path().join("trees")).unwrap();
        let pool = Pool::new(&repository, &folder.path().join("trees"), trust).unwrap();
        Self { folder, repository, pool }
    }

    fn commit(&self, files: &[(&str, Content)]) -> ObjectId {
        commit_in(&self.repository.library().unwrap(), files, None)
    }

    fn spec(&self, id: &str, base: &ObjectId) -> WorktreeSpec {
        WorktreeSpec {
            own: None,
            path: self.folder.path().join("trees").join(id),
            branch: format!("paddock/{id}/work"),
            base: base.clone(),
            marker: format!("project/{id}"),
        }
    }

    fn pooled(&self, id: &str, base: &ObjectId) -> Worktree {
        add_pooled_worktree(&self.repository, &self.spec(id, base), Some(&self.pool)).unwrap()
    }

    fn fresh(&self, id: &str, base: &ObjectId) -> Worktree {
        add_worktree(&self.repository, &self.spec(id, base)).unwrap()
    }

    fn retire(&self, worktree: &Worktree) -> Removal {
        let kept = self.folder.path().join("kept");
        retire_worktree(&self.repository, worktree, &kept, (&self.pool, 4)).unwrap()
    }

    fn tend(&self, commit: &ObjectId) -> PoolState {
        let order = PoolOrder { commit, most: 4, must_end: &|| false };
        tend_pool(&self.repository, &self.pool, &order).unwrap()
    }

    /// Puts one entry into the pool that holds the commit.
    fn fill(&self, id: &str, commit: &ObjectId) {
        self.retire(&self.fresh(id, commit));
        assert_eq!(self.tend(commit), PoolState { ready: 1, removed: 0 });
    }

    fn entries(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("trees/_pool"));
        entries.map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }
}

fn commit_in(library: &git2::Repository, files: &[(&str, Content)], name: Option<&str>) -> ObjectId {
    let mut update = TreeUpdateBuilder::new();
    // The last content of a path counts.
    for (path, content) in files.iter().copied().collect::<BTreeMap<_, _>>() {
        let (text, mode) = match content {
            File(text) => (text, git2::FileMode::Blob),
            Program(text) => (text, git2::FileMode::BlobExecutable),
            Link(text) => (text, git2::FileMode::Link),
            Submodule => {
                let id = git2::Oid::from_str(&"12".repeat(20)).unwrap();
                update.upsert(path, id, git2::FileMode::Commit);
                continue;
            }
        };
        update.upsert(path, library.blob(text.as_bytes()).unwrap(), mode);
    }
    let empty = library.find_tree(library.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let tree = library.find_tree(update.create_updated(library, &empty).unwrap()).unwrap();
    let by = git2::Signature::new("User", "user@example.org", &git2::Time::new(0, 0)).unwrap();
    object_id(library.commit(name, &by, &by, "sample", &tree, &[]).unwrap()).unwrap()
}

/// What somebody sees of a worktree: its files, git's word on them, its index, and its git directory.
#[derive(Debug, PartialEq)]
struct Seen {
    files: BTreeMap<String, (u32, Vec<u8>)>,
    status: String,
    index: Vec<(Vec<u8>, u32, git2::Oid, u16, u16)>,
    admin: BTreeMap<String, Vec<u8>>,
}

fn see(home: &Home, worktree: &Worktree) -> Seen {
    let mut files = BTreeMap::new();
    collect(&worktree.path, &worktree.path, &mut files);
    files.remove(".git");
    let call = Call::new(&home.repository).in_worktree(&worktree.git_dir, &worktree.path);
    let status = call.args(["status", "--porcelain=v2", "--branch", "--ignored"]).run().unwrap();
    let index = git2::Index::open(&worktree.git_dir.join("index")).unwrap();
    let entries = index.iter().map(|e| (e.path, e.mode, e.id, e.flags & !(1 << 15), e.flags_extended));
    let mut admin = BTreeMap::new();
    collect(&worktree.git_dir, &worktree.git_dir, &mut admin);
    // The checkout of `git worktree add` is a `git reset`, which leaves this.
    admin.remove("ORIG_HEAD");
    for differs in ["index", "logs/HEAD", "HEAD", "gitdir", "paddock"] {
        admin.get_mut(differs).unwrap().1.clear();
    }
    let admin = admin.into_iter().map(|(name, (_, content))| (name, content)).collect();
    let status = String::from_utf8(status).unwrap().replace(&worktree.branch, "BRANCH");
    Seen { files, status, index: entries.collect(), admin }
}

fn collect(top: &Path, folder: &Path, found: &mut BTreeMap<String, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let facts = fs::symlink_metadata(&path).unwrap();
        let content = match facts.file_type() {
            kind if kind.is_symlink() => fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
            kind if kind.is_file() => fs::read(&path).unwrap(),
            _ => Vec::new(),
        };
        if facts.is_dir() {
            collect(top, &path, found);
        }
        let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
        found.insert(name, (facts.mode(), content));
    }
}

const FILES: &[(&str, Content)] = &[
    ("README.md", File("one\n")),
    ("src/deep/code.rs", File("fn main() {}\n")),
    ("run.sh", Program("#!/bin/sh\n")),
    ("to", Link("src/deep")),
    ("Case", File("upper\n")),
    ("lib", Submodule),
    (".gitattributes", File("*.txt text eol=crlf\n*.id ident\n")),
    (".gitignore", File("target\n*.log\n")),
    ("lines.txt", File("a\nb\n")),
    ("a.id", File("$Id$\n")),
    ("big.bin", File("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")),
];

/// Like [`FILES`], with files added, changed, removed, and of another kind.
fn changed() -> Vec<(&'static str, Content)> {
    let mut files: Vec<_> = FILES.to_vec();
    files.retain(|(path, _)| !["run.sh", "src/deep/code.rs", "to", "lib"].contains(path));
    files.extend([
        ("run.sh", File("#!/bin/sh\n")),
        ("src/deep", File("a file now\n")),
        ("to/x", File("a folder now\n")),
        ("more/lib", Submodule),
        ("lines.txt", File("a\nb\nc\n")),
        ("new/deep/er/file", File("new\n")),
    ]);
    files
}

/// Does to a worktree what agents do.
fn spoil(worktree: &Worktree) {
    let at = |path: &str| worktree.path.join(path);
    let mode = |path: &str, mode| fs::set_permissions(at(path), fs::Permissions::from_mode(mode)).unwrap();
    fs::write(at("README.md"), "two\n").unwrap();
    fs::remove_file(at("Case")).unwrap();
    fs::write(at("case"), "lower\n").unwrap();
    for folder in ["target/debug", "closed/in", "empty", "lib/inner"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    fs::write(at("target/debug/x"), "x").unwrap();
    fs::write(at("a.log"), "x").unwrap();
    fs::write(at("closed/in/file"), "x").unwrap();
    mode("closed/in", 0o000);
    mode("closed", 0o000);
    mode("run.sh", 0o644);
    mode("src", 0o700);
    fs::hard_link(at("lines.txt"), worktree.path.with_file_name("outside")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    drop(std::os::unix::net::UnixListener::bind(at("socket")).unwrap());
    if fs::symlink_metadata(at("to")).unwrap().is_symlink() {
        fs::remove_file(at("to")).unwrap();
        fs::create_dir(at("to")).unwrap();
    }
    fs::remove_dir_all(at("src/deep")).unwrap();
    symlink("/", at("src/deep")).unwrap();
    fs::write(at(".git"), "gitdir: /nowhere\n").unwrap();
}

#[test]
fn a_worktree_from_the_pool_is_like_a_fresh_one() {
    for (is_bare, trust) in
        [(false, StatTrust::ChangeTime), (true, StatTrust::ChangeTime), (false, StatTrust::Nothing)]
    {
        let home = Home::new(is_bare, trust);
        if !is_bare {
            // The user's own checkout is sparse, by settings of its own.
            let mut config = home.repository.library().unwrap().config().unwrap();
            config.set_bool("extensions.worktreeConfig", true).unwrap();
            let common = home.repository.common_dir();
            fs::write(common.join("config.worktree"), "[core]\n\tsparseCheckout = true\n\tbare = false\n")
                .unwrap();
            fs::create_dir_all(common.join("info")).unwrap();
            fs::write(common.join("info/sparse-checkout"), "/*\n!/src/\n").unwrap();
        }
        let (one, two) = (home.commit(FILES), home.commit(&changed()));
        // Made by git, spoilt, and reset from nothing.
        let first = home.fresh("first", &one);
        spoil(&first);
        assert_eq!(home.retire(&first), Removal::Deleted);
        assert!(!first.path.exists() && !first.git_dir.exists());
        assert_eq!(home.tend(&one), PoolState { ready: 1, removed: 0 });
        let second = home.pooled("second", &one);
        assert!(home.entries().is_empty(), "the entry is taken");
        let fresh = home.fresh("fresh", &one);
        assert_eq!(see(&home, &second), see(&home, &fresh), "bare: {is_bare}, {trust:?}");
        // Out of the pool, spoilt, and reset by what is known of it.
        fs::remove_file(home.folder.path().join("trees/outside")).unwrap();
        spoil(&second);
        home.retire(&second);
        assert_eq!(home.tend(&one), PoolState { ready: 1, removed: 0 });
        let third = home.pooled("third", &two);
        assert!(home.entries().is_empty(), "the entry is taken");
        fs::write(home.folder.path().join("trees/outside"), "through the other name").unwrap();
        let other = home.fresh("other", &two);
        assert_eq!(see(&home, &third), see(&home, &other), "bare: {is_bare}, {trust:?}");
        // Back at the first commit, with what the move to the second taught.
        home.retire(&third);
        assert_eq!(home.tend(&one), PoolState { ready: 1, removed: 0 });
        let fourth = home.pooled("fourth", &one);
        assert_eq!(see(&home, &fourth), see(&home, &fresh), "bare: {is_bare}, {trust:?}");
        let again = home.pooled("fourth", &two);
        assert_eq!((again.git_dir, again.reused), (fourth.git_dir, true), "and is found again");
    }
}

#[test]
fn a_reset_writes_only_what_an_agent_touched() {
    let home = Home::new(false, StatTrust::ChangeTime);
    let one = home.commit(FILES);
    home.fill("first", &one);
    let second = home.pooled("second", &one);
    let inode = |folder: &Path, path: &str| fs::symlink_metadata(folder.join(path)).unwrap().ino();
    let before = ["README.md", "a.id", "src/deep/code.rs"].map(|path| inode(&second.path, path));
    fs::write(second.path.join("README.md"), "two\n").unwrap();
    // Elsewhere, so that its inode is not given to another file.
    fs::hard_link(second.path.join("a.id"), home.folder.path().join("elsewhere")).unwrap();
    home.retire(&second);
    home.tend(&one);
    let entry = home.entries().remove(0);
    let after = ["README.md", "a.id", "src/deep/code.rs"].map(|path| inode(&entry, path));
    assert_eq!(after[2], before[2], "an untouched file stays");
    assert!(after[1] != before[1], "a file with a second name is another one");
    assert_eq!(fs::read_to_string(entry.join("README.md")).unwrap(), "one\n");
}

#[test]
fn an_entry_that_something_wrote_into_is_not_used() {
    type Spoiler = (&'static str, fn(&Path));
    let spoilers: [Spoiler; 7] = [
        ("stranger", |entry| fs::write(entry.join("src/new"), "x").unwrap()),
        ("content", |entry| {
            let file = entry.join("README.md");
            let time = fs::metadata(&file).unwrap().modified().unwrap();
            fs::write(&file, "ONE\n").unwrap();
            fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        }),
        ("mode", |entry| {
            fs::set_permissions(entry.join("Case"), fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("missing", |entry| fs::remove_file(entry.join("Case")).unwrap()),
        ("git", |entry| fs::write(entry.join(".git"), "gitdir: /nowhere\n").unwrap()),
        ("submodule", |entry| fs::write(entry.join("lib/x"), "x").unwrap()),
        ("replaced", |entry| {
            let aside = entry.with_file_name("aside");
            fs::rename(entry, &aside).unwrap();
            symlink(&aside, entry).unwrap();
        }),
    ];
    let home = Home::new(false, StatTrust::ChangeTime);
    let one = home.commit(FILES);
    let fresh = see(&home, &home.fresh("fresh", &one));
    for (what, spoil) in spoilers {
        home.fill(&format!("first-{what}"), &one);
        spoil(&home.entries()[0]);
        let made = home.pooled(&format!("second-{what}"), &one);
        assert_eq!(see(&home, &made), fresh, "{what}");
        assert!(!home.entries().is_empty(), "{what}: git made the worktree");
        // What is left is reset like anything else.
        let order = PoolOrder { commit: &one, most: 0, must_end: &|| false };
        tend_pool(&home.repository, &home.pool, &order).unwrap();
        assert!(home.entries().is_empty(), "{what}");
    }
}

#[test]
fn settings_that_change_what_git_writes_make_entries_useless() {
    let home = Home::new(false, StatTrust::ChangeTime);
    let one = home.commit(FILES);
    home.fill("first", &one);
    let mut config = home.repository.library().unwrap().config().unwrap();
    config.set_str("core.autocrlf", "true").unwrap();
    let second = home.pooled("second", &one);
    assert_eq!(fs::read_to_string(second.path.join("README.md")).unwrap(), "one\r\n");
    // The entry is reset, and then counts again.
    assert_eq!(home.tend(&one), PoolState { ready: 1, removed: 0 });
    let third = home.pooled("third", &one);
    assert_eq!(see(&home, &third), see(&home, &second));
    // So does an attribute file of the commit.
    home.fill("fourth", &one);
    let mut files = FILES.to_vec();
    files.retain(|(path, _)| *path != ".gitattributes");
    let two = home.commit(&files);
    let fifth = home.pooled("fifth", &two);
    assert_eq!(see(&home, &fifth), see(&home, &home.fresh("fresh", &two)));
}

#[test]
fn no_git_runs_for_an_entry_at_the_commit() {
    let home = Home::new(false, StatTrust::ChangeTime);
    let (one, two) = (home.commit(FILES), home.commit(&changed()));
    let started = |id: &str, commit| {
        let before = STARTED.get();
        home.pooled(id, commit);
        STARTED.get() - before
    };
    home.fill("first", &one);
    assert_eq!(started("second", &one), 0);
    home.fill("third", &one);
    assert_eq!(started("fourth", &two), 1, "another commit");
    assert_eq!(started("fifth", &two), 1, "and without an entry");
}

#[test]
fn a_pool_holds_no_more_than_it_may_and_only_what_can_be_brought_to_the_tip() {
    let home = Home::new(false, StatTrust::ChangeTime);
    let one = home.commit(FILES);
    let worktrees: Vec<_> = (0..5).map(|n| home.fresh(&format!("w{n}"), &one)).collect();
    for worktree in &worktrees {
        home.retire(worktree);
    }
    assert_eq!(home.entries().len(), 4, "the fifth is deleted");
    assert!(worktrees.iter().all(|worktree| !worktree.path.exists()));
    let order = |most, must_end| PoolOrder { commit: &one, most, must_end };
    let tend = |order| tend_pool(&home.repository, &home.pool, &order).unwrap();
    assert_eq!(tend(order(4, &|| true)), PoolState::default(), "nothing begins any more");
    assert_eq!(tend(order(2, &|| false)), PoolState { ready: 2, removed: 2 });
    assert_eq!(home.entries().len(), 2);
    // Without its commit, an entry cannot be reset.
    let nowhere = ObjectId::new("12".repeat(20)).unwrap();
    home.retire(&home.pooled("again", &one));
    let order = PoolOrder { commit: &nowhere, most: 4, must_end: &|| false };
    assert_eq!(tend(order), PoolState { ready: 1, removed: 1 });
    assert_eq!(super::remove_pool(&home.pool).unwrap(), 1);
    assert!(!home.folder.path().join("trees/_pool").exists());
    assert!(home.pool.records().unwrap().is_empty());
}

#[test]
fn two_that_take_at_once_get_different_entries() {
    let home = Home::new(false, StatTrust::ChangeTime);
    let one = home.commit(FILES);
    for worktree in ["a", "b"].map(|id| home.fresh(id, &one)) {
        home.retire(&worktree);
    }
    assert_eq!(home.tend(&one).ready, 2);
    let made: Vec<Worktree> = std::thread::scope(|scope| {
        let makers = ["c", "d", "e"].map(|id| scope.spawn(|| home.pooled(id, &one)));
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    let seen: Vec<Seen> = made.iter().map(|worktree| see(&home, worktree)).collect();
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    assert!(home.entries().is_empty());
}
