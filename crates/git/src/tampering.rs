//! What a branch did to existing tests, and to the scripts that the gate runs: facts for the tamper guard.

mod config;
mod marks;

use std::collections::BTreeSet;

use git2::{ErrorCode, Oid, Tree};

use super::error::GitError;
use super::objects::{changed_paths, entry_at};
use super::repository::{Repository, object_id, oid};
use config::{added, is_shared, shared};
use marks::{Kind, compare, named_scripts};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_model::tamper::{How, Tampered};

pub(crate) use marks::is_gate_file;

/// Size in bytes above which a file is only compared as a whole. Nobody writes a larger test.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Maximum number of files named. A branch that changes more tests needs a person in any case.
const FOUND_MAX: usize = 200;

/// What the guard protects.
#[derive(Debug, Clone)]
pub struct Guarded {
    /// Patterns of tests and their configuration.
    pub tests: Globs,
    /// Shell commands of the gate.
    pub commands: Vec<String>,
}

/// Returns the paths that the commands of a gate may name. Not every one exists.
#[must_use]
pub fn gate_paths(commands: &[String]) -> Vec<String> {
    let paths: BTreeSet<String> = commands.iter().flat_map(|run| named_scripts(run)).collect();
    paths.into_iter().collect()
}

/// Files and folders of a tree that the gate's commands name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NamedPaths {
    files: BTreeSet<RepoPath>,
    folders: BTreeSet<RepoPath>,
}

impl NamedPaths {
    fn new(tree: &Tree<'_>, commands: &[String]) -> Self {
        let mut named = Self::default();
        for word in commands.iter().flat_map(|run| named_scripts(run)) {
            let path = RepoPath::new(word.as_str());
            match entry_at(tree, &path) {
                Some((_, 0o040_000)) => drop(named.folders.insert(path)),
                Some(_) => drop(named.files.insert(path)),
                None => {}
            }
        }
        named
    }
}

impl Repository {
    /// Returns what the branch with this head did to tests and to the gate since it left the integration
    /// commit.
    ///
    /// # Errors
    /// Fails if a commit is missing.
    pub fn tampering(
        &self,
        integration: &ObjectId,
        head: &ObjectId,
        guarded: &Guarded,
    ) -> Result<Vec<Tampered>, GitError> {
        let library = self.library()?;
        let (integration, head) = (oid(integration)?, oid(head)?);
        let base = match library.merge_base(integration, head) {
            Ok(base) => library.find_commit(base)?.tree()?,
            // Unrelated histories: no test of the integration ref was there for the branch to change.
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let after = library.find_commit(head)?.tree()?;
        // Looked up in the base: a script that the branch adds was not part of the gate.
        let named = NamedPaths::new(&base, &guarded.commands);
        let changed = changed_paths(&library, Some(base.id()), Some(after.id()))?;
        let comparison =
            Comparison { library: &library, before: &base, after: &after, guarded, named: &named };
        let moved = comparison.moved(&changed);
        let found =
            changed.iter().filter(|path| !moved.contains(path)).filter_map(|path| comparison.change_of(path));
        Ok(found.take(FOUND_MAX).collect())
    }

    /// Returns a commit without parents, and its tree, in which nothing is left but the paths that the gate's
    /// commands name. A gate that is green on it checks nothing. The same tree always gives the same commit.
    ///
    /// # Errors
    /// Fails if the commit is missing, or an object cannot be written.
    pub fn emptied(&self, commit: &ObjectId, commands: &[String]) -> Result<(ObjectId, ObjectId), GitError> {
        let library = self.library()?;
        let tree = library.find_commit(oid(commit)?)?.tree()?;
        let named = NamedPaths::new(&tree, commands);
        let mut update = git2::build::TreeUpdateBuilder::new();
        for path in named.folders.iter().chain(&named.files) {
            // A folder brings everything in it along.
            let is_within = named.folders.iter().any(|folder| is_below(path, folder));
            let Some((id, mode)) = entry_at(&tree, path).filter(|_| !is_within) else { continue };
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
        let (tree, before) = (merged.tree()?, library.find_commit(oid(onto)?)?.tree()?);
        let mut update = git2::build::TreeUpdateBuilder::new();
        for path in paths {
            match entry_at(&before, path) {
                Some((id, mode)) => drop(update.upsert(path.as_bytes(), id, file_mode(mode))),
                // The branch added the file, and it may leave tests out.
                None if entry_at(&tree, path).is_some() => drop(update.remove(path.as_bytes())),
                None => {}
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
        super::refs::keep_ref(&self.library()?, &format!("refs/paddock/{name}"), commit)
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

/// Comparison of the trees at both ends of a branch.
struct Comparison<'a> {
    library: &'a git2::Repository,
    before: &'a Tree<'a>,
    after: &'a Tree<'a>,
    guarded: &'a Guarded,
    named: &'a NamedPaths,
}

impl Comparison<'_> {
    /// Returns what a path is to the guard, or `None` if the guard ignores it.
    fn kind(&self, path: &RepoPath) -> Option<Kind> {
        let name = path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        // A branch may change dependencies in it; only its scripts are the gate's.
        if self.named.files.contains(path) && name == b"package.json" {
            return Some(Kind::Manifest);
        }
        if self.named.files.contains(path) && is_gate_file(path.as_bytes()) {
            return Some(Kind::Gate);
        }
        if self.guarded.tests.matches(path.as_bytes()) {
            return Some(Kind::Test);
        }
        // Rust has tests in source files, too.
        name.ends_with(b".rs").then_some(Kind::Source)
    }

    /// Returns tests that were only renamed, and still are tests. By content: a renamed test that was also
    /// changed counts as deleted.
    fn moved(&self, changed: &BTreeSet<RepoPath>) -> BTreeSet<RepoPath> {
        let is_test = |path: &&RepoPath| self.kind(path) == Some(Kind::Test);
        let added: BTreeSet<Oid> = changed
            .iter()
            .filter(is_test)
            .filter(|path| entry_at(self.before, path).is_none())
            .filter_map(|path| entry_at(self.after, path).map(|(id, _)| id))
            .collect();
        let is_moved = |path: &&RepoPath| {
            let before = entry_at(self.before, path).map(|(id, _)| id);
            entry_at(self.after, path).is_none() && before.is_some_and(|id| added.contains(&id))
        };
        changed.iter().filter(is_test).filter(is_moved).cloned().collect()
    }

    /// Returns what the branch did to one path, if the guard has to know.
    fn change_of(&self, path: &RepoPath) -> Option<Tampered> {
        let Some((before, mode)) = entry_at(self.before, path) else { return self.added(path) };
        if let Some(how) = self.shared(path, before) {
            return Some(Tampered { path: path.clone(), how });
        }
        let kind = self.kind(path)?;
        let how = match entry_at(self.after, path) {
            // Deleting code together with the tests in it is ordinary work.
            None if kind == Kind::Source => None,
            None => Some(How::Deleted),
            Some((after, _)) if after == before => self.mode_change(kind, path, mode),
            Some((after, _)) => self.compared(kind, before, after),
        }?;
        Some(Tampered { path: path.clone(), how })
    }

    /// Returns what an added file does to existing tests, if it affects them.
    fn added(&self, path: &RepoPath) -> Option<Tampered> {
        let blob = self.library.find_blob(entry_at(self.after, path)?.0).ok()?;
        let content = &blob.content()[..blob.content().len().min(TEXT_BYTES_MAX)];
        let how = added(path.as_bytes(), content, &self.guarded.commands)?;
        Some(Tampered { path: path.clone(), how })
    }

    /// Returns what the branch did to a file of which only a part concerns tests. A file that is gone, or too
    /// large, counts as one without that part.
    fn shared(&self, path: &RepoPath, before: Oid) -> Option<How> {
        if !is_shared(path.as_bytes()) {
            return None;
        }
        let content = |id: Oid| {
            let blob = self.library.find_blob(id).ok().filter(|blob| blob.size() <= TEXT_BYTES_MAX);
            blob.map(|blob| blob.content().to_vec()).unwrap_or_default()
        };
        let after = entry_at(self.after, path).map(|(id, _)| content(id)).unwrap_or_default();
        shared(path.as_bytes(), &content(before), &after)
    }

    /// Returns the change of a file whose content is the same, but which is no longer executable, or no
    /// longer a file.
    fn mode_change(&self, kind: Kind, path: &RepoPath, before: i32) -> Option<How> {
        let after = entry_at(self.after, path)?.1;
        (matches!(kind, Kind::Gate) && before != after).then_some(How::GateChanged)
    }

    fn compared(&self, kind: Kind, before: Oid, after: Oid) -> Option<How> {
        let text = |id: Oid| self.library.find_blob(id).ok().filter(|blob| blob.size() <= TEXT_BYTES_MAX);
        match (text(before), text(after)) {
            (Some(before), Some(after)) => compare(kind, before.content(), after.content()),
            // A file that is too large or no blob compares like binary content: it changed, and nothing more
            // is known.
            _ => compare(kind, b"\xff", b"\xff"),
        }
    }
}
