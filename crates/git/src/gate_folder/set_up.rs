//! The key of a set-up: a gate folder has to be set up again when any input of its set-up changed.

use git2::{ObjectType, Oid, Tree};
use sha2::{Digest, Sha256};

use super::key::lock_files;
use crate::error::GitError;
use crate::repository::{Repository, oid};
use crate::snapshot::Snapshot;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Files in the top folder that say what is installed and are no lock files.
const INPUTS: &[&str] = &[".gitmodules", "package.json", "pyproject.toml", "setup.cfg", "setup.py"];

/// Returns a hash of a set-up command and its inputs in a commit: the files that say what is installed, the
/// commits of the submodules, and the files that the command itself names.
///
/// # Errors
/// Fails if the commit cannot be read.
pub fn set_up_key(repository: &Repository, commit: &ObjectId, command: &str) -> Result<String, GitError> {
    let library = repository.library()?;
    let tree = library.find_commit(oid(commit)?)?.tree()?;
    let paths = Snapshot::new(&library, Some(tree.id()));
    // Words that name no file of the commit drop out below, so a rough split is enough.
    let named = command.split(|c: char| c.is_whitespace() || "\"'();&|<>".contains(c));
    let named = named.map(|word| word.trim_start_matches("./")).filter(|word| !word.is_empty());
    let found = INPUTS.iter().copied().chain(named).filter_map(|path| {
        let (id, _) = paths.entry(&RepoPath::from(path))?;
        Some((path.as_bytes().to_vec(), id))
    });
    let mut inputs: Vec<(Vec<u8>, Oid)> = found.collect();
    inputs.extend(lock_files(&library, &tree)?.into_iter().map(|(path, id)| (path.into_bytes(), id)));
    inputs.extend(gitlinks(&library, &tree)?);
    let mut hash = Sha256::new();
    hash.update(command.as_bytes());
    for (path, id) in inputs {
        // Keeps a path apart from the id or command before it.
        hash.update([0]);
        hash.update(path);
        hash.update(id.as_bytes());
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns path and commit of every submodule of a tree.
fn gitlinks(library: &git2::Repository, tree: &Tree<'_>) -> Result<Vec<(Vec<u8>, Oid)>, GitError> {
    let mut due = vec![(Vec::new(), tree.id())];
    let mut found = Vec::new();
    while let Some((folder, id)) = due.pop() {
        for entry in &library.find_tree(id)? {
            let path = || [folder.as_slice(), entry.name_bytes()].concat();
            match entry.kind() {
                Some(ObjectType::Tree) => due.push(([path().as_slice(), b"/"].concat(), entry.id())),
                Some(ObjectType::Commit) => found.push((path(), entry.id())),
                _ => {}
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate_folder::samples::Sample;

    const ONE: &str = "gitlink:1111111111111111111111111111111111111111";
    const TWO: &str = "gitlink:2222222222222222222222222222222222222222";

    #[test]
    fn submodules_and_lock_files_at_any_place_decide_the_set_up() {
        let sample = Sample::new();
        let key = |files: &[(&str, &str)]| {
            set_up_key(&sample.repository, &sample.commit(files), "git submodule update --init").unwrap()
        };
        let keys = [
            key(&[("a", "1")]),
            key(&[("a", "1"), ("a b/c/sub", ONE)]),
            key(&[("a", "1"), ("a b/c/sub", TWO)]),
            key(&[("a", "1"), ("a b/c/sub2", TWO)]),
            key(&[("a", "1"), ("a b/c/sub2", TWO), (".gitmodules", "x")]),
            key(&[("a", "1"), ("a b/c/sub2", TWO), (".gitmodules", "y")]),
            key(&[("a", "1"), ("web/yarn.lock", "x")]),
            key(&[("a", "1"), ("web/yarn.lock", "y")]),
        ];
        let different: std::collections::BTreeSet<&String> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        let again = key(&[("a", "2"), ("b/c", "3"), ("a b/c/sub", ONE)]);
        assert_eq!(again, keys[1], "sources alone do not");
    }

    #[test]
    fn a_file_that_the_command_names_decides_the_set_up() {
        let sample = Sample::new();
        let key = |content| {
            let commit = sample.commit(&[("scripts/set-up.sh", content)]);
            set_up_key(&sample.repository, &commit, "sh ./scripts/set-up.sh").unwrap()
        };
        assert_ne!(key("1"), key("2"));
    }
}
