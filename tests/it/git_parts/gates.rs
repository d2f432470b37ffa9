//! A gate folder for tests, and what a fresh clone would hold.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use paddock_git::{GatePlace, GitError, Held, HoldOrder, LookOrder, Looked, StatTrust, hold, look};
use paddock_model::ids::ObjectId;

use super::support::{Home, commit_all, git, head, write};

/// A gate folder of a repository.
pub(super) struct Gate {
    pub(super) home: Home,
    pub(super) place: GatePlace,
    pub(super) trust: StatTrust,
    pub(super) kept: Vec<String>,
}

impl Gate {
    pub(super) fn new(home: Home) -> Self {
        let place = GatePlace {
            folder: home.place("_gate-1"),
            private: home.root.with_file_name("runtime").join("_gate-1"),
        };
        fs::create_dir_all(place.folder.parent().unwrap()).unwrap();
        Self { home, place, trust: StatTrust::ChangeTime, kept: vec!["target".to_owned()] }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.place.folder
    }

    pub(super) fn try_hold(&self, commit: &ObjectId, anew: bool) -> Result<Held, GitError> {
        let order = HoldOrder { commit, kept: &self.kept, start_from_nothing: anew, trust: self.trust };
        hold(&self.home.repository().agreeing(self.home.all_agreed()), &self.place, &order)
    }

    /// Brings the folder to the tip of the user's repository.
    pub(super) fn hold(&self) -> Held {
        self.try_hold(&head(&self.home.root), false).unwrap()
    }

    pub(super) fn look_order(&self, held: &Held) -> LookOrder {
        LookOrder {
            place: self.place.clone(),
            repo_root: self.home.root.clone(),
            git_dir: held.worktree.git_dir.clone(),
            commit: head(&self.home.root),
            kept: self.kept.clone(),
            gate_patterns: vec!["tests/**".to_owned()],
            gate_paths: vec!["check.sh".to_owned()],
            is_set_up: false,
            must_mend: true,
            agreed: self.home.all_agreed(),
        }
    }

    pub(super) fn look(&self, held: &Held) -> Looked {
        look(&self.look_order(held), self.trust).unwrap()
    }

    /// Fails unless the folder holds what a fresh clone of the tip holds, and `besides`.
    pub(super) fn is_like_a_clone(&self, besides: &[&str]) {
        let clone = self.home.folder.path().join("clone");
        drop(fs::remove_dir_all(&clone));
        let (from, to) = (self.home.root.to_str().unwrap(), clone.to_str().unwrap());
        git(self.home.folder.path(), &["clone", "-q", from, to]);
        let mut expected = listed(&clone);
        expected.retain(|(path, _)| !path.starts_with(".git/"));
        let mut found = listed(self.dir());
        found.retain(|(path, _)| path != ".git" && !besides.iter().any(|kept| path.starts_with(kept)));
        assert_eq!(found, expected);
    }
}

/// Returns all paths below a folder with kind, permissions and content.
fn listed(folder: &Path) -> Vec<(String, String)> {
    let (mut due, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = due.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let facts = fs::symlink_metadata(&path).unwrap();
            let mode = facts.mode();
            let what = match facts.file_type() {
                kind if kind.is_symlink() => format!("link to {}", fs::read_link(&path).unwrap().display()),
                kind if kind.is_dir() => format!("folder {mode:o}"),
                kind if kind.is_file() => format!("{mode:o} {:?}", fs::read(&path).unwrap()),
                _ => "something else".to_owned(),
            };
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            // A clone's git directory is of no interest.
            if facts.is_dir() && name != ".git" {
                due.push(path);
            }
            if name != ".git" {
                found.push((name, what));
            }
        }
    }
    found.sort();
    found
}

pub(super) fn home() -> Home {
    let home = Home::new();
    write(&home.root, "tests/check.sh", "exit 1\n");
    write(&home.root, "tests/deep/more.sh", "exit 1\n");
    write(&home.root, ".gitignore", "*.log\ntarget/\ncache/\n");
    write(&home.root, "check.sh", "sh tests/check.sh\n");
    fs::set_permissions(home.root.join("check.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("README.md", home.root.join("link")).unwrap();
    commit_all(&home.root, "tests");
    home
}

pub(super) fn changed(looked: &Looked) -> (Vec<String>, bool) {
    let changed = looked.changed.clone().unwrap();
    assert_eq!(changed.count, changed.paths.len() as u64);
    (changed.paths.iter().map(ToString::to_string).collect(), changed.is_gate)
}

pub(super) fn set_mode(path: PathBuf, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(super) fn modified(path: &Path) -> std::time::SystemTime {
    fs::symlink_metadata(path).unwrap().modified().unwrap()
}
