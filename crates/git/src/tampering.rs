//! What a branch did to tests that were there, and to what the gate runs: facts for the tamper guard.

mod config;
mod marks;

use std::collections::BTreeSet;

use git2::{ErrorCode, Oid, Tree};

use super::error::GitError;
use super::objects::{changed_paths, entry_at};
use super::repository::{Repository, object_id, oid};
use config::{added, is_shared, shared};
use marks::{Kind, compare, is_gate_file, named_scripts};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_model::tamper::{How, Tampered};

/// A larger file is no test that anybody wrote, in bytes: it is only seen to be another one.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Files that are named; a branch that changes more tests is for a human in any case.
const FOUND_MAX: usize = 200;

/// What the guard looks for.
#[derive(Debug, Clone)]
pub struct Guarded {
    /// Tests, and what configures them.
    pub tests: Globs,
    /// The gate's shell commands.
    pub commands: Vec<String>,
}

/// The files of a tree that the gate's commands name: files themselves, and folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    files: BTreeSet<RepoPath>,
    folders: BTreeSet<RepoPath>,
}

impl Named {
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
    /// What the branch from where it left the integration commit to `head` did to tests and to the gate.
    ///
    /// # Errors
    /// When a commit is missing.
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
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let after = library.find_commit(head)?.tree()?;
        let named = Named::new(&base, &guarded.commands);
        let changed = changed_paths(&library, Some(base.id()), Some(after.id()))?;
        let look = Look { library: &library, before: &base, after: &after, guarded, named: &named };
        let moved = look.moved(&changed);
        let found = changed.iter().filter(|path| !moved.contains(path)).filter_map(|path| look.at(path));
        Ok(found.take(FOUND_MAX).collect())
    }

    /// A tree in which nothing is left but the paths that the gate's commands name; a gate that is green on it
    /// checks nothing. A commit of it, without parents, that the same tree gives again.
    ///
    /// # Errors
    /// When the commit is missing, or an object cannot be written.
    pub fn emptied(&self, commit: &ObjectId, commands: &[String]) -> Result<(ObjectId, ObjectId), GitError> {
        let library = self.library()?;
        let tree = library.find_commit(oid(commit)?)?.tree()?;
        let named = Named::new(&tree, commands);
        let mut update = git2::build::TreeUpdateBuilder::new();
        for path in named.folders.iter().chain(&named.files) {
            let is_within = named.folders.iter().any(|folder| is_below(path, folder));
            let Some((id, mode)) = entry_at(&tree, path).filter(|_| !is_within) else { continue };
            update.upsert(path.as_bytes(), id, file_mode(mode));
        }
        let empty = library.find_tree(library.treebuilder(None)?.write()?)?;
        let left = update.create_updated(&library, &empty)?;
        let commit = self.loose_commit(&library, left, &[], "Paddock: the gate's canary")?;
        Ok((commit, object_id(left)?))
    }

    /// The tree of a merge with these files as they are in what it would land on, and a commit of it.
    ///
    /// # Errors
    /// When a commit is missing, or an object cannot be written.
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
                None if entry_at(&tree, path).is_some() => drop(update.remove(path.as_bytes())),
                None => {}
            }
        }
        let guarded = update.create_updated(&library, &tree)?;
        let parents = [oid(onto)?];
        let commit = self.loose_commit(&library, guarded, &parents, "Paddock: the tests as they were")?;
        Ok((commit, object_id(guarded)?))
    }

    /// A commit that the same tree and parents give again, by nobody, at no time.
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

    /// Keeps a commit alive that no branch holds, under `refs/paddock/<name>`.
    ///
    /// # Errors
    /// When the ref cannot be written.
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

struct Look<'a> {
    library: &'a git2::Repository,
    before: &'a Tree<'a>,
    after: &'a Tree<'a>,
    guarded: &'a Guarded,
    named: &'a Named,
}

impl Look<'_> {
    fn kind(&self, path: &RepoPath) -> Option<Kind> {
        let name = path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if self.named.files.contains(path) && name == b"package.json" {
            return Some(Kind::Manifest);
        }
        if self.named.files.contains(path) && is_gate_file(path.as_bytes()) {
            return Some(Kind::Gate);
        }
        if self.guarded.tests.matches(path.as_bytes()) {
            return Some(Kind::Test);
        }
        name.ends_with(b".rs").then_some(Kind::Source)
    }

    /// Tests that only have another name, and still are tests.
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

    fn at(&self, path: &RepoPath) -> Option<Tampered> {
        let Some((before, mode)) = entry_at(self.before, path) else { return self.added(path) };
        if let Some(how) = self.shared(path, before) {
            return Some(Tampered { path: path.clone(), how });
        }
        let kind = self.kind(path)?;
        let how = match entry_at(self.after, path) {
            None if kind == Kind::Source => None,
            None => Some(How::Deleted),
            Some((after, _)) if after == before => self.of_mode(kind, path, mode),
            Some((after, _)) => self.compared(kind, before, after),
        }?;
        Some(Tampered { path: path.clone(), how })
    }

    /// A file that was not there, and decides about tests that were.
    fn added(&self, path: &RepoPath) -> Option<Tampered> {
        let blob = self.library.find_blob(entry_at(self.after, path)?.0).ok()?;
        let content = &blob.content()[..blob.content().len().min(TEXT_BYTES_MAX)];
        let how = added(path.as_bytes(), content, &self.guarded.commands)?;
        Some(Tampered { path: path.clone(), how })
    }

    /// A file of which a part is about tests. One that is gone, or is no text, has none any more.
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

    /// The same content, and no longer a program that can be run, or no file any more.
    fn of_mode(&self, kind: Kind, path: &RepoPath, before: i32) -> Option<How> {
        let after = entry_at(self.after, path)?.1;
        (matches!(kind, Kind::Gate) && before != after).then_some(How::GateChanged)
    }

    fn compared(&self, kind: Kind, before: Oid, after: Oid) -> Option<How> {
        let text = |id: Oid| self.library.find_blob(id).ok().filter(|blob| blob.size() <= TEXT_BYTES_MAX);
        match (text(before), text(after)) {
            (Some(before), Some(after)) => compare(kind, before.content(), after.content()),
            _ => compare(kind, b"\xff", b"\xff"),
        }
    }
}
