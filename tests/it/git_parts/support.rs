//! Real repositories for tests, made by the git program with a fixed identity and without the machine's
//! configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use paddock_git::{
    Candidate, CandidateOrder, Identity, LandOrder, PublishOrder, PublishOutcome, Repository, Worktree,
    WorktreeSpec, add_worktree, make_candidate, publish,
};
use paddock_model::ids::ObjectId;
use paddock_testkit::git;
use tempfile::TempDir;

/// The user's repository `repo`, on branch `master` unless named otherwise, next to a folder `wt` for
/// worktrees.
pub(super) struct Home {
    pub folder: TempDir,
    pub root: PathBuf,
}

/// A git command by the user. The date of commits is fixed, so that their ids are the same in each run.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = git::command(folder, arguments);
    for (name, value) in [("NAME", "User"), ("EMAIL", "user@example.org"), ("DATE", "2026-01-02T03:04:05Z")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command
}

pub(super) fn git_output(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

pub(super) fn git(folder: &Path, arguments: &[&str]) -> String {
    String::from_utf8_lossy(&git::succeed(&mut command(folder, arguments))).trim().to_owned()
}

pub(super) fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

pub(super) fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

pub(super) fn commit_all(folder: &Path, message: &str) -> ObjectId {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", message]);
    head(folder)
}

pub(super) fn head(folder: &Path) -> ObjectId {
    ObjectId::new(git(folder, &["rev-parse", "HEAD"])).unwrap()
}

pub(super) fn user() -> Identity {
    Identity { name: "Paddock".to_owned(), email: "paddock@localhost".to_owned() }
}

impl Home {
    pub(super) fn new() -> Self {
        Self::on_branch("master")
    }

    pub(super) fn on_branch(branch: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("repo");
        std::fs::create_dir(&root).unwrap();
        git(&root, &["init", "-q", "-b", branch]);
        write(&root, "README.md", "hello\n");
        write(&root, "src/a.rs", "a\n");
        write(&root, ".gitignore", "*.log\n");
        commit_all(&root, "start");
        Self { folder, root }
    }

    pub(super) fn repository(&self) -> Repository {
        Repository::open(&self.root).unwrap()
    }

    /// Returns name and hash of everything that git's configuration can run, as if a person agreed to it now.
    pub(super) fn all_agreed(&self) -> BTreeMap<String, String> {
        self.repository().execution_config().unwrap().entries
    }

    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.root.with_file_name("wt").join(name)
    }

    pub(super) fn spec(&self, id: &str) -> WorktreeSpec {
        WorktreeSpec {
            own: None,
            path: self.place(id),
            branch: format!("paddock/{id}/work"),
            base: head(&self.root),
            marker: format!("project/{id}"),
        }
    }

    pub(super) fn worktree(&self, id: &str) -> Worktree {
        add_worktree(&self.repository(), &self.spec(id)).unwrap()
    }

    /// Makes a work branch `task` with one commit of what `change` writes; returns base, head and candidate.
    pub(super) fn candidate(&self, change: impl FnOnce(&Path)) -> (ObjectId, ObjectId, Candidate) {
        let base = head(&self.root);
        let worktree = self.worktree("task");
        change(&worktree.path);
        let head = commit_all(&worktree.path, "work");
        let candidate = make_candidate(&self.repository(), &order(&base, &head)).unwrap();
        (base, head, candidate)
    }

    /// Makes a candidate that changes `src/a.rs` and adds `src/new.rs`; returns its base and its commit.
    pub(super) fn ready_to_publish(&self) -> (ObjectId, ObjectId) {
        let (base, _, candidate) = self.candidate(|folder| {
            write(folder, "src/a.rs", "landed\n");
            write(folder, "src/new.rs", "new\n");
        });
        (base, clean(&candidate).0)
    }

    pub(super) fn publish(&self, branch: &str, published: &ObjectId, to: &ObjectId) -> PublishOutcome {
        let order =
            PublishOrder { target_branch: branch.to_owned(), published: published.clone(), to: to.clone() };
        publish(&self.repository(), &order).unwrap()
    }

    pub(super) fn tip(&self, branch: &str) -> ObjectId {
        ObjectId::new(git(&self.root, &["rev-parse", &format!("refs/heads/{branch}")])).unwrap()
    }
}

pub(super) fn order(base: &ObjectId, head: &ObjectId) -> CandidateOrder {
    CandidateOrder {
        base: base.clone(),
        head: head.clone(),
        message: "Merge objective 'Task' [task]\n\nPaddock-Objective: task\n".to_owned(),
        identity: user(),
        time_s: 1_700_000_000,
        name: "task".to_owned(),
        sign: false,
        durable: true,
        seal: false,
    }
}

pub(super) fn clean(candidate: &Candidate) -> (ObjectId, ObjectId) {
    match candidate {
        Candidate::Clean { commit, tree } => (commit.clone(), tree.clone()),
        Candidate::Conflict { .. } => panic!("a conflict: {candidate:?}"),
    }
}

pub(super) fn landing(base: &ObjectId, head: &ObjectId, candidate: &Candidate) -> LandOrder {
    let (new, verified_tree) = clean(candidate);
    LandOrder {
        integration_ref: "refs/paddock/integration/master".to_owned(),
        old: base.clone(),
        new,
        verified_tree,
        members: vec![(base.clone(), head.clone())],
    }
}
