//! Repositories with commits of a few files, for unit tests.

use git2::{FileMode, build::TreeUpdateBuilder};

use super::repository::{Repository, object_id, oid};
use paddock_model::ids::ObjectId;

/// A repository without a worktree of interest.
pub(crate) struct SampleTrees {
    _folder: tempfile::TempDir,
    pub(crate) repository: Repository,
}

impl SampleTrees {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = git2::Repository::init(folder.path()).unwrap();
        let user = git2::Signature::new("User", "user@example.org", &git2::Time::new(0, 0)).unwrap();
        let empty = library.treebuilder(None).unwrap().write().unwrap();
        let empty = library.find_tree(empty).unwrap();
        // A repository without a commit is refused.
        library.commit(Some("HEAD"), &user, &user, "start", &empty, &[]).unwrap();
        let repository = Repository::open(folder.path()).unwrap();
        Self { _folder: folder, repository }
    }

    /// Commits `files` on top of a parent: each replaces or adds a file, or removes it if it has no text.
    pub(crate) fn commit(&self, parent: Option<&ObjectId>, files: &[(&str, Option<&str>)]) -> ObjectId {
        let library = self.repository.library().unwrap();
        let parent = parent.map(|id| library.find_commit(oid(id).unwrap()).unwrap());
        let empty = library.treebuilder(None).unwrap().write().unwrap();
        let base = match &parent {
            Some(parent) => parent.tree().unwrap(),
            None => library.find_tree(empty).unwrap(),
        };
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            match text {
                Some(text) => {
                    let blob = library.blob(text.as_bytes()).unwrap();
                    update.upsert(*path, blob, FileMode::Blob);
                }
                None => {
                    update.remove(*path);
                }
            }
        }
        let tree = library.find_tree(update.create_updated(&library, &base).unwrap()).unwrap();
        let user = git2::Signature::new("User", "user@example.org", &git2::Time::new(0, 0)).unwrap();
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        object_id(library.commit(None, &user, &user, "sample", &tree, &parents).unwrap()).unwrap()
    }
}
