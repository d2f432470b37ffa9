//! Invariants of a repository in which everything has landed.

use std::fs;
use std::path::Path;

use super::Sandbox;

impl Sandbox {
    /// Fails unless a repository, in which `landed` objectives have landed and were published, is whole and
    /// has no leftovers.
    pub fn is_tidy(&self, repository: &Path, landed: usize) {
        self.git(repository, &["fsck", "--full", "--strict"]);
        let worktrees = self.git(repository, &["worktree", "list", "--porcelain"]);
        // The worktrees of gates are kept, since they hold caches.
        let is_work = |line: &&str| line.starts_with("worktree ") && !line.contains("/_gate-");
        assert_eq!(worktrees.lines().filter(is_work).count(), 1, "{worktrees}");
        let branches = self.git(repository, &["for-each-ref", "--format=%(refname)", "refs/heads"]);
        assert_eq!(branches, "refs/heads/main");
        assert_eq!(self.git(repository, &["status", "--porcelain"]), "");
        let log = |of: &str| self.git(repository, &["log", "--first-parent", "--format=%H %s", of]);
        assert_eq!(log("main"), log("refs/paddock/integration/main"));
        // A batch lands as one merge, whose subject says how many objectives it contains.
        let subjects = self.git(repository, &["log", "--first-parent", "--format=%s", "main"]);
        let members = |subject: &str| match subject.strip_prefix("Merge a batch of ") {
            Some(count) => count.parse::<usize>().unwrap(),
            None => 1,
        };
        let count: usize = subjects.lines().map(members).sum();
        assert_eq!(count, landed + 1, "one merge per objective: {subjects}");
        let name = repository.file_name().unwrap().to_str().unwrap();
        let folder = self.path(&format!("{name}-wt")).join(name);
        let left = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        // Folders of Paddock's own: of gates, the pool, and what own places fetch from.
        let own = ["_gate-", "_pool", "_origin.git"];
        let is_own =
            |name: &std::ffi::OsString| own.iter().any(|begin| name.to_string_lossy().starts_with(begin));
        let left: Vec<_> = left.filter(|name| !is_own(name)).collect();
        assert!(left.is_empty(), "{left:?} are left");
        let places = self.git(repository, &["for-each-ref", "--format=%(refname)", "refs/paddock/places"]);
        assert_eq!(places, "", "refs of places are left");
        for folder in
            ["places", "quarantine", "making", "unregistered"].map(|name| format!(".git/paddock/{name}"))
        {
            let left = fs::read_dir(repository.join(&folder)).into_iter().flatten().flatten();
            let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
            assert!(left.is_empty(), "{left:?} are left in {folder}");
        }
    }
}
