//! Trees that no branch has: with the earlier tests, or with nothing but the gate's own files.

use std::collections::BTreeSet;

use git2::{Oid, Tree};

use super::super::error::GitError;
use super::super::objects::blob_within;
use super::super::repository::{Repository, object_id, oid};
use super::super::snapshot::{FOLDER, Snapshot};
use super::inline::with_tests_of;
use super::words::named_scripts;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_model::tamper::patterns;

/// Size in bytes above which a file of code is taken from the base as a whole, with the code in it.
const SPLICED_BYTES_MAX: usize = 1 << 20;

/// Files and folders of a tree that the gate's commands name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct NamedPaths {
    files: BTreeSet<RepoPath>,
    folders: BTreeSet<RepoPath>,
}

impl NamedPaths {
    fn new(tree: &Snapshot<'_>, commands: &[String]) -> Self {
        let mut named = Self::default();
        for word in commands.iter().flat_map(|run| named_scripts(run)) {
            let path = RepoPath::new(word.as_str());
            match tree.entry(&path) {
                Some((_, FOLDER)) => drop(named.folders.insert(path)),
                Some(_) => drop(named.files.insert(path)),
                None => {}
            }
        }
        named
    }
}

impl Repository {
    /// Returns a commit without parents, and its tree, in which nothing is left but the paths that the gate's
    /// commands name. A gate that is green on it checks nothing. The same tree always gives the same commit.
    ///
    /// # Errors
    /// Fails if the commit is missing, or an object cannot be written.
    pub fn emptied(&self, commit: &ObjectId, commands: &[String]) -> Result<(ObjectId, ObjectId), GitError> {
        let library = self.library()?;
        let tree = Snapshot::of_commit(&library, oid(commit)?)?;
        let named = NamedPaths::new(&tree, commands);
        let mut update = git2::build::TreeUpdateBuilder::new();
        for path in named.folders.iter().chain(&named.files) {
            // A folder brings everything in it along.
            let is_within = named.folders.iter().any(|folder| is_below(path, folder));
            let Some((id, mode)) = tree.entry(path).filter(|_| !is_within) else { continue };
            update.upsert(path.as_bytes(), id, file_mode(mode));
        }
        let empty = library.find_tree(library.treebuilder(None)?.write()?)?;
        let left = update.create_updated(&library, &empty)?;
        let commit = self.loose_commit(&library, left, &[], "Paddock: the gate's canary")?;
        Ok((commit, object_id(left)?))
    }

    /// Returns a commit, and its tree, of a merge in which `paths` are as they are in the commit that it
    /// would land on.
    ///
    /// # Errors
    /// Fails if a commit is missing, or an object cannot be written.
    pub fn with_files_of(
        &self,
        merge: &ObjectId,
        onto: &ObjectId,
        paths: &[RepoPath],
    ) -> Result<(ObjectId, ObjectId), GitError> {
        let library = self.library()?;
        let merged = library.find_commit(oid(merge)?)?;
        let (tree, before) = (merged.tree()?, Snapshot::of_commit(&library, oid(onto)?)?);
        let tests = Globs::new(&patterns(None)).map_err(|error| GitError::Unexpected(error.to_string()))?;
        let tree = without_obstacles(&library, tree, &before, paths)?;
        let now = Snapshot::new(&library, Some(tree.id()));
        let mut update = git2::build::TreeUpdateBuilder::new();
        for path in paths {
            match (before.entry(path), now.entry(path)) {
                (Some((id, mode)), now) => {
                    // A file of code keeps its code, and gets the earlier tests.
                    let is_code = path.as_bytes().ends_with(b".rs") && !tests.matches(path.as_bytes());
                    let spliced = match now.filter(|_| is_code) {
                        Some((now, _)) => spliced(&library, id, now)?,
                        None => None,
                    };
                    update.upsert(path.as_bytes(), spliced.unwrap_or(id), file_mode(mode));
                }
                // The branch added the file, and it may leave tests out.
                (None, Some(_)) => drop(update.remove(path.as_bytes())),
                (None, None) => {}
            }
        }
        let guarded = update.create_updated(&library, &tree)?;
        let parents = [oid(onto)?];
        let commit = self.loose_commit(&library, guarded, &parents, "Paddock: the tests as they were")?;
        Ok((commit, object_id(guarded)?))
    }

    /// Makes a commit that the same tree and parents always give: with a fixed author, at time 0. A repeated
    /// effect finds the commit it made before.
    fn loose_commit(
        &self,
        library: &git2::Repository,
        tree: Oid,
        parents: &[Oid],
        message: &str,
    ) -> Result<ObjectId, GitError> {
        let nobody = git2::Signature::new("Paddock", "paddock@localhost", &git2::Time::new(0, 0))?;
        let tree = library.find_tree(tree)?;
        let parents = parents.iter().map(|id| library.find_commit(*id)).collect::<Result<Vec<_>, _>>()?;
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        object_id(library.commit(None, &nobody, &nobody, message, &tree, &parents)?)
    }

    /// Keeps a commit that no branch contains from garbage collection, by the ref `refs/paddock/<name>`.
    ///
    /// # Errors
    /// Fails if the ref cannot be written.
    pub fn keep(&self, name: &str, commit: &ObjectId) -> Result<(), GitError> {
        super::super::refs::keep_ref(&self.library()?, &format!("refs/paddock/{name}"), commit)
    }
}

fn is_below(path: &RepoPath, folder: &RepoPath) -> bool {
    let rest = path.as_bytes().strip_prefix(folder.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b"/"))
}

fn file_mode(mode: i32) -> git2::FileMode {
    match mode {
        0o100_755 => git2::FileMode::BlobExecutable,
        0o120_000 => git2::FileMode::Link,
        0o160_000 => git2::FileMode::Commit,
        0o040_000 => git2::FileMode::Tree,
        _ => git2::FileMode::Blob,
    }
}

/// Returns the tree without what stands in the way of the earlier files: a folder in the place of a file, or a
/// file in the place of a folder.
fn without_obstacles<'r>(
    library: &'r git2::Repository,
    tree: Tree<'r>,
    before: &Snapshot<'_>,
    paths: &[RepoPath],
) -> Result<Tree<'r>, GitError> {
    let mut obstacles: BTreeSet<RepoPath> = BTreeSet::new();
    let now = Snapshot::new(library, Some(tree.id()));
    for path in paths.iter().filter(|path| before.entry(path).is_some()) {
        let ends = path.as_bytes().iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let above = ends.map(|end| RepoPath::new(&path.as_bytes()[..end]));
        let is_tree = |path: &RepoPath| now.entry(path).map(|(_, mode)| mode == FOLDER);
        obstacles.extend(above.filter(|folder| is_tree(folder) == Some(false)));
        obstacles.extend((is_tree(path) == Some(true)).then(|| path.clone()));
    }
    if obstacles.is_empty() {
        return Ok(tree);
    }
    let mut update = git2::build::TreeUpdateBuilder::new();
    for path in &obstacles {
        update.remove(path.as_bytes());
    }
    let cleared = update.create_updated(library, &tree)?;
    Ok(library.find_tree(cleared)?)
}

/// Writes a file of code with the tests of an earlier version. `None` if that version has no tests in it.
fn spliced(library: &git2::Repository, before: Oid, now: Oid) -> Result<Option<Oid>, GitError> {
    let text = |id: Oid| {
        let blob = blob_within(library, id, SPLICED_BYTES_MAX)?;
        std::str::from_utf8(blob.content()).ok().map(str::to_owned)
    };
    let mixed = text(before).zip(text(now)).and_then(|(before, now)| with_tests_of(&before, &now));
    Ok(mixed.map(|mixed| library.blob(mixed.as_bytes())).transpose()?)
}
