//! Two trees in a real repository, and what the guard finds between them.

use std::sync::LazyLock;

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Repository as Library};

use super::{Guarded, between};
use crate::Repository;
use crate::snapshot::Snapshot;
use paddock_model::ids::ObjectId;
use paddock_model::scope::Globs;
use paddock_model::tamper::{Tampered, patterns};

/// Path and text of a file. A text that begins with `link:` is a symbolic link, one with `#!` can be executed;
/// a path that ends with `-x` cannot.
pub(super) type File<'a> = (&'a str, &'a str);

/// What a branch does to a file. `None` deletes it.
pub(super) type Edit<'a> = (&'a str, Option<&'a str>);

fn write(library: &Library, base: Option<Oid>, edits: &[Edit<'_>]) -> Oid {
    let empty = library.treebuilder(None).unwrap().write().unwrap();
    let mut tree = library.find_tree(base.unwrap_or(empty)).unwrap();
    // One after the other, so that a folder can take the place of a file.
    for is_removal in [true, false] {
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in edits.iter().filter(|(_, text)| text.is_none() == is_removal) {
            let (path, is_plain) = path.strip_suffix("-x").map_or((*path, false), |path| (path, true));
            match text {
                None => drop(update.remove(path)),
                Some(text) => {
                    let (bytes, mode) = match text.strip_prefix("link:") {
                        Some(target) => (target.as_bytes(), FileMode::Link),
                        None if text.starts_with("#!") && !is_plain => {
                            (text.as_bytes(), FileMode::BlobExecutable)
                        }
                        None => (text.as_bytes(), FileMode::Blob),
                    };
                    update.upsert(path, library.blob(bytes).unwrap(), mode);
                }
            }
        }
        tree = library.find_tree(update.create_updated(library, &tree).unwrap()).unwrap();
    }
    tree.id()
}

fn commit(library: &Library, tree: Oid, parent: Option<Oid>) -> Oid {
    let who = git2::Signature::new("a", "a@b", &git2::Time::new(0, 0)).unwrap();
    let parents: Vec<git2::Commit<'_>> = parent.iter().map(|id| library.find_commit(*id).unwrap()).collect();
    let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
    library.commit(None, &who, &who, "x", &library.find_tree(tree).unwrap(), &parents).unwrap()
}

/// Returns what the guard finds when a branch makes these edits to these files.
pub(super) fn findings(files: &[File<'_>], edits: &[Edit<'_>], command: &str) -> Vec<Tampered> {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::init_bare(folder.path()).unwrap();
    let (before, after) = trees(&library, files, edits);
    let tree = |id: Oid| Snapshot::new(&library, Some(id));
    between(&library, &tree(before), &tree(after), &guarded(command)).unwrap()
}

fn guarded(command: &str) -> Guarded {
    Guarded { tests: TESTS.clone(), commands: vec![command.to_owned()] }
}

fn trees(library: &Library, files: &[File<'_>], edits: &[Edit<'_>]) -> (Oid, Oid) {
    let given: Vec<Edit<'_>> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
    let base = write(library, None, &given);
    (base, write(library, Some(base), edits))
}

/// Returns what the guard finds, and the files of the tree on which it runs the gate.
pub(super) fn findings_and_guarded(
    files: &[File<'_>],
    edits: &[Edit<'_>],
    command: &str,
) -> (Vec<Tampered>, Vec<(String, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::init(folder.path()).unwrap();
    let (base, after) = trees(&library, files, edits);
    let base = commit(&library, base, None);
    let head = commit(&library, after, Some(base));
    library.set_head_detached(base).unwrap();
    let repository = Repository::open(folder.path()).unwrap();
    let (base, head) = (ObjectId::new(base.to_string()).unwrap(), ObjectId::new(head.to_string()).unwrap());
    let found = repository.tampering(&base, &head, &guarded(command)).unwrap();
    let paths: Vec<_> = found.iter().map(|tampered| tampered.path.clone()).collect();
    let (_, tree) = repository.with_files_of(&head, &base, &paths).unwrap();
    let tree = library.find_tree(Oid::from_str(tree.as_str()).unwrap()).unwrap();
    let mut left = Vec::new();
    tree.walk(git2::TreeWalkMode::PreOrder, |front, entry| {
        if let Some(blob) = entry.to_object(&library).unwrap().as_blob() {
            let text = String::from_utf8_lossy(blob.content()).into_owned();
            left.push((format!("{front}{}", entry.name().unwrap()), text));
        }
        git2::TreeWalkResult::Ok
    })
    .unwrap();
    (found, left)
}

/// The default patterns, which take long to compile.
static TESTS: LazyLock<Globs> = LazyLock::new(|| Globs::new(&patterns(None)).unwrap());
