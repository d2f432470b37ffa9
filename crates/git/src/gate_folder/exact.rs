//! A folder that holds exactly a commit and is none of git's worktrees: what a pool keeps.
//!
//! It has the private records of a gate folder (`record`), and beside them a git directory of Paddock's own
//! making, so that git can write the files. Nobody works in the folder while it is one of these.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::super::error::GitError;
use super::super::objects::{changed_paths, is_gitlink};
use super::super::repository::{Repository, oid};
use super::super::snapshot::Snapshot;
use super::super::space::checkout_error;
use super::super::worktree::write_if_other;
use super::checkout::{Checkout, copy_index};
use super::clear::remove;
use super::hold::{HoldOrder, Holding, now};
use super::kept::{above, leads_through_folders};
use super::prove::is_unchanged;
use super::record::{Known, forget, index_file};
use super::strip::strip;
use super::table::{Kind, Seen, Stat, StatTrust};
use super::tree::{Tracked, name};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::files::make_private_dir;

/// Folder among the private files that git takes for the git directory.
const GIT_DIR: &str = "git";

/// Files of a commit that decide how git writes the others.
const DECIDING: [&[u8]; 2] = [b".gitattributes", b".lfsconfig"];

/// A folder that is to hold exactly a commit.
pub(crate) struct Exact<'a> {
    repository: &'a Repository,
    folder: &'a Path,
    private: &'a Path,
    git_dir: PathBuf,
    trust: StatTrust,
}

/// What an exact folder holds, as far as it is proven.
pub(crate) struct Proven {
    known: Known,
    submodules: BTreeSet<RepoPath>,
}

impl<'a> Exact<'a> {
    /// Names a folder, and the folder with the private records about it.
    pub(crate) fn new(
        repository: &'a Repository,
        folder: &'a Path,
        private: &'a Path,
        trust: StatTrust,
    ) -> Self {
        Self { repository, folder, private, git_dir: private.join(GIT_DIR), trust }
    }

    fn checkout(&self) -> Checkout<'_> {
        let Self { repository, folder, private, git_dir, .. } = self;
        Checkout { repository, git_dir, folder, private }
    }

    /// Brings the folder to a commit, whatever an agent left in it. Keeps the files that are proven to be as
    /// git wrote them; without records, everything is made anew. Returns the paths of the submodules, which
    /// are empty folders.
    ///
    /// # Errors
    /// As [`super::hold()`]. Nothing is known about the folder then.
    pub(crate) fn reset(&self, commit: &ObjectId) -> Result<BTreeSet<RepoPath>, GitError> {
        self.repository.refuse_needed(commit)?;
        make_private_dir(&self.git_dir).map_err(GitError::io(&self.git_dir))?;
        // Without it git takes the folder for none of its own, and reads no settings of the repository.
        write_if_other(&self.git_dir.join("HEAD"), &format!("{commit}\n"))?;
        let order = HoldOrder { commit, kept: &[], start_from_nothing: false, trust: self.trust };
        let holding = Holding::new(self.checkout(), &order)?;
        // Submodules that a set-up filled lie in a git directory that is gone.
        let known = Known::read(self.private).filter(|known| known.record.submodules.is_empty());
        let known = match known {
            Some(known) if strip(self.folder, &known.table, self.trust)? => Some(known),
            _ => None,
        };
        let reused = match known {
            Some(known) => holding.reuse(known).unwrap_or_else(|error| {
                tracing::info!(%error, folder = %self.folder.display(), "a folder is made anew");
                None
            }),
            None => None,
        };
        if reused.is_none() {
            self.empty()?;
            holding.anew()?;
        }
        self.submodules(commit)
    }

    /// Makes the folder a new one with nothing in it, of which nothing is known.
    fn empty(&self) -> Result<(), GitError> {
        forget(self.private)?;
        let index = index_file(self.private);
        remove(&index).map_err(GitError::io(&index))?;
        remove(self.folder).map_err(GitError::io(self.folder))?;
        fs::create_dir(self.folder).map_err(GitError::io(self.folder))
    }

    fn submodules(&self, commit: &ObjectId) -> Result<BTreeSet<RepoPath>, GitError> {
        let library = self.repository.library()?;
        let tree = library.find_commit(oid(commit)?)?.tree_id();
        Ok(Tracked::read(&library, tree)?.submodules.into_keys().collect())
    }

    /// Compares the folder with the records. Returns `None` if anything has changed, or may have.
    pub(crate) fn prove(&self, submodules: BTreeSet<RepoPath>) -> Option<Proven> {
        let known = Known::read(self.private)?;
        is_unchanged(self.folder, &known.table, &submodules, self.trust)
            .then_some(Proven { known, submodules })
    }

    /// Moves the folder to another commit by writing only what differs. Returns the submodules' paths, or
    /// `None` if files that do not differ may have to be written in another way now. A crash, or an error,
    /// leaves a folder of which nothing is known.
    ///
    /// # Errors
    /// Fails if git or the file system reports an error.
    pub(crate) fn advance(
        &self,
        proven: Proven,
        commit: &ObjectId,
    ) -> Result<Option<BTreeSet<RepoPath>>, GitError> {
        let Proven { mut known, mut submodules } = proven;
        let library = self.repository.library()?;
        let tree = library.find_commit(oid(commit)?)?.tree_id();
        if known.table.of == tree.to_string() {
            return Ok(Some(submodules));
        }
        let Ok(before) = Oid::from_str(&known.table.of) else { return Ok(None) };
        // A part of the old tree may be gone.
        let Ok(changed) = changed_paths(&library, Some(before), Some(tree)) else { return Ok(None) };
        if changed.iter().any(|path| DECIDING.contains(&name(path))) {
            return Ok(None);
        }
        forget(self.private)?;
        self.write(before, tree)?;
        known.table.looked_ns = now(self.folder)?;
        let entries = Snapshot::new(&library, Some(tree));
        for path in &changed {
            known.table.entries.remove(path);
            submodules.remove(path);
            let mode = entries.entry(path).and_then(|(_, mode)| u32::try_from(mode).ok());
            if mode.is_some_and(is_gitlink) {
                let full = self.folder.join(path.as_path());
                fs::create_dir_all(&full).map_err(GitError::io(&full))?;
                submodules.insert(path.clone());
            }
        }
        for path in &changed {
            self.note(path, submodules.contains(path), &mut known)?;
        }
        known.table.of = tree.to_string();
        known.write(self.private)?;
        Ok(Some(submodules))
    }

    /// Lets git write what differs between two trees, into the private index, too.
    fn write(&self, before: Oid, after: Oid) -> Result<(), GitError> {
        let lock = self.private.join("index.lock");
        remove(&lock).map_err(GitError::io(&lock))?;
        let (before, after) = (before.to_string(), after.to_string());
        let call = self.checkout().call().variable("GIT_INDEX_FILE", index_file(self.private));
        call.args(["read-tree", "-m", "-u", &before, &after])
            .run()
            .map(drop)
            .map_err(|error| checkout_error(self.repository, self.folder, &after, error))
    }

    /// Notes what lies at a path now, and the folders above it.
    fn note(&self, path: &RepoPath, is_submodule: bool, known: &mut Known) -> Result<(), GitError> {
        let entries = &mut known.table.entries;
        let full = self.folder.join(path.as_path());
        // A path that leads through a link is no path of the new commit.
        let is_there = leads_through_folders(self.folder, path).map_err(GitError::io(&full))?;
        match if is_there { Seen::read(&full).map_err(GitError::io(&full))? } else { None } {
            Some(seen) if !is_submodule => drop(entries.insert(path.clone(), seen)),
            _ => drop(entries.remove(path)),
        }
        for above in std::iter::once(RepoPath::new("")).chain(above(path)) {
            let full = self.folder.join(above.as_path());
            match Stat::read(&full).map_err(GitError::io(&full))? {
                Some(stat) if stat.kind == Kind::Folder => {
                    entries.insert(above, Seen { stat, content: [0; 32] });
                }
                // That path differs itself, and is noted by itself.
                Some(_) => break,
                None => drop(entries.remove(&above)),
            }
        }
        Ok(())
    }

    /// Copies the index of the commit to where git looks for it.
    ///
    /// # Errors
    /// Fails if the file system reports an error.
    pub(crate) fn give_index(&self, to: &Path) -> Result<(), GitError> {
        copy_index(&index_file(self.private), to, 0o644)
    }
}
