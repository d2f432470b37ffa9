//! The files at many paths of one tree, each folder read once.

use std::collections::BTreeMap;

use git2::{Oid, Tree};

use super::error::GitError;
use paddock_model::path::RepoPath;

/// Returns the object of each path at which a tree has a file or a link, not a folder or a submodule. To look
/// the paths up one by one reads every folder once for each of its files, which takes hours where a commit adds
/// 100,000 files to one folder.
///
/// # Errors
/// Fails if the repository cannot be read.
pub(crate) fn files_at(
    library: &git2::Repository,
    tree: Oid,
    paths: &[RepoPath],
) -> Result<BTreeMap<RepoPath, Oid>, GitError> {
    let mut sorted: Vec<&[u8]> = paths.iter().map(RepoPath::as_bytes).collect();
    // The paths of a folder stand side by side, since each begins with the folder's name and a slash.
    sorted.sort_unstable();
    let mut found = BTreeMap::new();
    let mut due: Vec<(Oid, usize, &[&[u8]])> = vec![(tree, 0, &sorted)];
    while let Some((id, skip, paths)) = due.pop() {
        let tree = library.find_tree(id)?;
        let mut rest = paths;
        while let Some(path) = rest.first() {
            let name = &path[skip..];
            match name.iter().position(|byte| *byte == b'/') {
                None => {
                    let file = entry(&tree, name).filter(|(_, mode)| ![FOLDER, SUBMODULE].contains(mode));
                    found.extend(file.map(|(id, _)| (RepoPath::new(path.to_vec()), id)));
                    rest = &rest[1..];
                }
                Some(slash) => {
                    let prefix = &path[..=skip + slash];
                    let count = rest.partition_point(|other| other.starts_with(prefix));
                    let folder = entry(&tree, &name[..slash]).filter(|entry| entry.1 == FOLDER);
                    due.extend(folder.map(|(id, _)| (id, prefix.len(), &rest[..count])));
                    rest = &rest[count..];
                }
            }
        }
    }
    Ok(found)
}

/// Mode of a folder.
const FOLDER: i32 = 0o040_000;
/// Mode of a submodule, whose commit is in another repository.
const SUBMODULE: i32 = 0o160_000;

fn entry(tree: &Tree<'_>, name: &[u8]) -> Option<(Oid, i32)> {
    tree.get_name_bytes(name).map(|entry| (entry.id(), entry.filemode_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_whatever_sorts_between_a_folder_and_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let library = git2::Repository::init(folder.path()).unwrap();
        let blob = library.blob(b"text").unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        for path in ["a.txt", "a/b.txt", "a/b/c", "a-x", "z"] {
            update.upsert(path, blob, git2::FileMode::Blob);
        }
        let empty = library.treebuilder(None).unwrap().write().unwrap();
        let tree = update.create_updated(&library, &library.find_tree(empty).unwrap()).unwrap();
        let asked = ["z", "a/b/c", "a", "a/b.txt", "a/b", "a.txt/x", "no/such", "a-x", "a.txt"];
        let asked: Vec<RepoPath> = asked.iter().map(|path| RepoPath::new(*path)).collect();
        let found = files_at(&library, tree, &asked).unwrap();
        let paths: Vec<String> = found.keys().map(ToString::to_string).collect();
        assert_eq!(paths, ["a-x", "a.txt", "a/b.txt", "a/b/c", "z"]);
        assert!(found.values().all(|id| *id == blob));
    }
}
