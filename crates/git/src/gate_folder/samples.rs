//! A repository for unit tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::repository::{Repository, object_id};
use paddock_model::ids::ObjectId;

/// A bare repository whose commits are made from lists of files.
pub(crate) struct Sample {
    folder: tempfile::TempDir,
    pub(crate) repository: Repository,
}

impl Sample {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = git2::Repository::init_bare(folder.path()).unwrap();
        commit_in(&library, &[], Some("refs/heads/main"));
        let repository = Repository::open(folder.path()).unwrap();
        Self { folder, repository }
    }

    /// Makes a commit without parents whose tree holds these files. A content `gitlink:<id>` is a submodule.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> ObjectId {
        let library = git2::Repository::open_bare(self.folder.path()).unwrap();
        commit_in(&library, files, None)
    }
}

fn commit_in(library: &git2::Repository, files: &[(&str, &str)], reference: Option<&str>) -> ObjectId {
    let mut update = git2::build::TreeUpdateBuilder::new();
    // The last content of a path counts.
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    for (path, content) in &files {
        match content.strip_prefix("gitlink:") {
            Some(id) => {
                update.upsert(*path, git2::Oid::from_str(id).unwrap(), git2::FileMode::Commit);
            }
            None => {
                let blob = library.blob(content.as_bytes()).unwrap();
                update.upsert(*path, blob, git2::FileMode::Blob);
            }
        }
    }
    let empty = library.treebuilder(None).unwrap().write().unwrap();
    let empty = library.find_tree(empty).unwrap();
    let tree = update.create_updated(library, &empty).unwrap();
    let tree = library.find_tree(tree).unwrap();
    let signature = git2::Signature::new("a", "a@b", &git2::Time::new(1, 0)).unwrap();
    let id = library.commit(reference, &signature, &signature, "m", &tree, &[]).unwrap();
    object_id(id).unwrap()
}

/// Writes a file and the folders above it.
pub(crate) fn put(top: &Path, path: &str, content: &str) {
    let path = top.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
