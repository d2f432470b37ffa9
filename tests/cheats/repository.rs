//! The repositories of cases: one commit on `main`, and the branch's commit on `work`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use git2::{Oid, Repository, Signature, Time};
use paddock_testkit::git::git;

use super::case::Case;
use super::tree::Tree;

/// Makes a bare repository of a case in a new folder. Its branch `judged` is `work` with the base's tests.
pub(crate) fn make(case: &Case, folder: &Path) {
    let mut options = git2::RepositoryInitOptions::new();
    let repository =
        Repository::init_opts(folder, options.bare(true).external_template(false).initial_head("main"))
            .unwrap();
    let base = commit(&repository, "main", None, &case.base);
    commit(&repository, "work", Some(base), &case.changed);
    commit(&repository, "judged", Some(base), &case.changed.judged_by(&case.base));
}

fn commit(repository: &Repository, branch: &str, parent: Option<Oid>, tree: &Tree) -> Oid {
    let mut update = git2::build::TreeUpdateBuilder::new();
    for (path, file) in &tree.0 {
        let mode = match file.mode {
            "100755" => git2::FileMode::BlobExecutable,
            "120000" => git2::FileMode::Link,
            _ => git2::FileMode::Blob,
        };
        update.upsert(path.as_bytes(), repository.blob(&file.bytes).unwrap(), mode);
    }
    let empty = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let tree = repository.find_tree(update.create_updated(repository, &empty).unwrap()).unwrap();
    let someone = Signature::new("Someone", "someone@localhost", &Time::new(1_700_000_000, 0)).unwrap();
    let parent = parent.map(|id| repository.find_commit(id).unwrap());
    let parents: Vec<_> = parent.iter().collect();
    let name = format!("refs/heads/{branch}");
    repository.commit(Some(&name), &someone, &someone, "Change", &tree, &parents).unwrap()
}

/// Checks a branch out in a new folder beside the repository.
pub(crate) fn check_out(repository: &Path, branch: &str) -> PathBuf {
    let folder = repository.with_extension(branch);
    git(repository, &["worktree", "add", "--quiet", "--detach", folder.to_str().unwrap(), branch]);
    folder
}

/// Writes the files of a tree into a new folder beside the repository, without git.
pub(crate) fn write(tree: &Tree, repository: &Path, branch: &str) -> PathBuf {
    let folder = repository.with_extension(branch);
    for (path, file) in &tree.0 {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if file.mode == "120000" {
            symlink(String::from_utf8(file.bytes.clone()).unwrap(), path).unwrap();
            continue;
        }
        fs::write(&path, &file.bytes).unwrap();
        if file.mode == "100755" {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    folder
}
