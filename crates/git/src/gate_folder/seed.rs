//! Filling ignored folders of a new worktree from the caches of a gate folder, so that an agent need not
//! build from nothing what the last landed run has built.
//!
//! The copies share nothing with the cache: an agent writes into files where they lie. They are made beside
//! the worktree and renamed into it when they are whole. The cache may change meanwhile; what was copied then
//! is thrown away. Copies are older than every file of the commit: whatever a build tool knows by time is
//! built again, because it may hold the path of the gate's folder, or come from other contents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::super::error::GitError;
use super::super::repository::{Repository, oid};
use super::super::untracked::untracked;
use super::super::worktree::Worktree;
use super::cache::{CachePlace, in_parallel};
use super::copy::{copy_entry, delete, make_folder, set_facts};
use super::kept::{above, leads_through_folders};
use super::manifest::{Entry, Manifest};
use super::rules::placed_folders;
use super::table::{Kind, Stat, StatTrust};
use super::tree::is_below;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, make_private_dir, write_atomic};

/// File in a worktree's git directory that says that the worktree has its seed, or goes without.
const RECORD_FILE: &str = "paddock-seeded.json";
/// Files by which a folder is known that holds absolute paths, with what it is.
const PLACED: [(&[u8], &str); 2] = [
    (b"pyvenv.cfg", "a virtual environment of Python holds absolute paths"),
    (b"CMakeCache.txt", "a build folder of CMake holds absolute paths"),
];
/// Times that copying begins, if the cache changes meanwhile.
const TRIES: usize = 3;
/// Time between the newest copy and the oldest file of the commit.
const OLDER_NS: i128 = 1_000_000_000;

/// What a worktree is to begin with.
#[derive(Debug, Clone, Copy)]
pub struct SeedOrder<'a> {
    /// Caches of one or more gate folders. The newest are used.
    pub caches: &'a [CachePlace],
    /// Folders that are wanted, as paths or globs relative to the repository's root.
    pub folders: &'a [String],
    /// Commit that the worktree holds.
    pub commit: &'a ObjectId,
    /// Most bytes that the copies may take.
    pub bytes_max: u64,
    /// Whether `stat` data may replace reading a file of the cache.
    pub trust: StatTrust,
}

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Folders that were copied.
    pub folders: Vec<RepoPath>,
    /// Folders that were not, each with the reason.
    pub left_out: Vec<(RepoPath, String)>,
}

/// Fills the wanted folders of a worktree that holds its commit and nothing of an agent's, once: a repeated
/// call does nothing. Folders that git does not ignore there, that hold absolute paths, or that exist already
/// are left out. No process may run in the worktree.
///
/// # Errors
/// Fails if git or the file system reports an error. The worktree then goes without a seed.
pub fn seed(repository: &Repository, worktree: &Worktree, order: &SeedOrder<'_>) -> Result<Seeded, GitError> {
    let record = worktree.git_dir.join(RECORD_FILE);
    if order.folders.is_empty() || fs::symlink_metadata(&record).is_ok() {
        return Ok(Seeded::default());
    }
    let newest = |place: &&CachePlace| Manifest::read(&place.private).map(|found| found.base_looked_ns);
    let mut aside = None;
    for _ in 0..TRIES {
        // A landing that makes a session start changes the caches at the same time.
        order.caches.iter().for_each(CachePlace::wait);
        let place = order.caches.iter().filter(|place| newest(place).is_some()).max_by_key(newest);
        let Some((place, manifest)) = place.and_then(|place| Some((place, Manifest::read(&place.private)?)))
        else {
            continue;
        };
        if aside.is_none() {
            // Before anything is copied: after a crash an agent may have worked in what is there.
            write_atomic(&record, b"{}", PRIVATE_FILE_MODE, Flush::Later).map_err(GitError::io(&record))?;
        }
        let folder = aside.insert(Aside::new(&worktree.path)?);
        let seeding = Seeding { repository, worktree, order, place, manifest: &manifest, aside: &folder.0 };
        if let Some(seeded) = seeding.seed()? {
            return Ok(seeded);
        }
    }
    Ok(Seeded::default())
}

/// A folder beside a worktree in which copies are made, on the same file system.
struct Aside(PathBuf);

impl Aside {
    fn new(worktree: &Path) -> Result<Self, GitError> {
        let name = worktree.file_name().unwrap_or_default().to_string_lossy();
        let folder = worktree.with_file_name(format!(".paddock-seed-{name}"));
        delete(&folder).and_then(|()| make_private_dir(&folder)).map_err(GitError::io(&folder))?;
        Ok(Self(folder))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Err(error) = delete(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "copies of a cache stay");
        }
    }
}

/// One seeding.
struct Seeding<'a> {
    repository: &'a Repository,
    worktree: &'a Worktree,
    order: &'a SeedOrder<'a>,
    place: &'a CachePlace,
    manifest: &'a Manifest,
    aside: &'a Path,
}

impl Seeding<'_> {
    /// Returns `None` if the cache has changed meanwhile.
    fn seed(&self) -> Result<Option<Seeded>, GitError> {
        let mut seeded = Seeded::default();
        let mut wanted = self.wanted()?;
        let placed = self.placed(&wanted)?;
        let hidden = self.ignored(&wanted)?;
        let mut leave_out = |root: &RepoPath, why: String| seeded.left_out.push((root.clone(), why));
        wanted.retain(|root| match (placed.get(root), hidden.contains(root)) {
            (Some(why), _) => {
                leave_out(root, why.clone());
                false
            }
            (None, false) => {
                leave_out(root, "no committed `.gitignore` ignores it".to_owned());
                false
            }
            (None, true) => true,
        });
        let entries = self.entries(&wanted);
        let bytes: u64 = entries.iter().map(|(_, entry)| entry.base.size).sum();
        if bytes > self.order.bytes_max {
            let why = format!("the copies take {} MB, and the disk has too little space", bytes / 1_000_000);
            seeded.left_out.extend(wanted.into_iter().map(|root| (root, why.clone())));
            return Ok(Some(seeded));
        }
        let is_right = self.copy(&entries)?;
        // A run that landed meanwhile has removed the record before it changed anything.
        let now = Manifest::read(&self.place.private).map(|now| now.base_looked_ns);
        if now != Some(self.manifest.base_looked_ns) {
            return Ok(None);
        }
        if !is_right {
            let why = "the cache is not what was kept".to_owned();
            seeded.left_out.extend(wanted.into_iter().map(|root| (root, why.clone())));
            return Ok(Some(seeded));
        }
        for root in wanted {
            self.put(&root)?;
            seeded.folders.push(root);
        }
        Ok(Some(seeded))
    }

    /// Returns the folders of the cache that are wanted and have a place in the worktree.
    fn wanted(&self) -> Result<Vec<RepoPath>, GitError> {
        let globs =
            Globs::new(self.order.folders).map_err(|error| GitError::Unexpected(error.to_string()))?;
        let is_folder = |root: &RepoPath| {
            self.manifest.entries.get(root).is_some_and(|entry| entry.work.kind == Kind::Folder)
        };
        let mut wanted = Vec::new();
        for root in
            self.manifest.roots.iter().filter(|root| globs.matches(root.as_bytes()) && is_folder(root))
        {
            let full = self.worktree.path.join(root.as_path());
            let is_free = Stat::read(&full).map_err(GitError::io(&full))?.is_none();
            if is_free && self.leads_there(root)? {
                wanted.push(root.clone());
            }
        }
        Ok(wanted)
    }

    /// Returns whether no link and no file lies above a path of the worktree.
    fn leads_there(&self, root: &RepoPath) -> Result<bool, GitError> {
        let top = &self.worktree.path;
        for above in above(root) {
            let full = top.join(above.as_path());
            match Stat::read(&full).map_err(GitError::io(&full))? {
                Some(stat) if stat.kind == Kind::Folder => {}
                Some(_) => return Ok(false),
                None => break,
            }
        }
        Ok(true)
    }

    /// Returns the folders that are of use only where they were made, with the reason.
    fn placed(&self, wanted: &[RepoPath]) -> Result<BTreeMap<RepoPath, String>, GitError> {
        let mut found = BTreeMap::new();
        for (glob, why) in placed_folders(self.repository, self.order.commit)? {
            let globs = Globs::new(&[glob]).map_err(|error| GitError::Unexpected(error.to_string()))?;
            let matching = wanted.iter().filter(|root| globs.matches(root.as_bytes()));
            found.extend(matching.map(|root| (root.clone(), why.to_owned())));
        }
        for root in wanted {
            let below = self.manifest.entries.keys().filter(|path| is_below(path, root));
            let known =
                below.filter_map(|path| PLACED.iter().find(|(name, _)| super::tree::name(path) == *name));
            if let Some((_, why)) = known.into_iter().next() {
                found.insert(root.clone(), (*why).to_owned());
            }
        }
        Ok(found)
    }

    /// Returns the folders that the commit's own rules ignore as a whole: nothing that looks for work looks
    /// into them.
    fn ignored(&self, wanted: &[RepoPath]) -> Result<BTreeSet<RepoPath>, GitError> {
        let probe = self.aside.join("rules");
        for root in wanted {
            let folder = probe.join(root.as_path());
            let file = folder.join("file");
            fs::create_dir_all(&folder).and_then(|()| fs::write(&file, "")).map_err(GitError::io(&file))?;
        }
        if wanted.is_empty() {
            return Ok(BTreeSet::new());
        }
        let library = self.repository.library()?;
        let any_case = library.config()?.get_bool("core.ignoreCase").unwrap_or(false);
        let head = oid(self.order.commit)?;
        let shown = untracked(&library, &probe, &git2::Index::new()?, Some(head), None, any_case)?;
        let is_shown = |root: &RepoPath| shown.iter().any(|path| is_below(path, root));
        Ok(wanted.iter().filter(|root| !is_shown(root)).cloned().collect())
    }

    /// Returns everything in the folders, outer folders first.
    fn entries(&self, wanted: &[RepoPath]) -> Vec<(&RepoPath, &Entry)> {
        let is_wanted = |path: &RepoPath| {
            wanted.binary_search(path).is_ok()
                || above(path).any(|above| wanted.binary_search(&above).is_ok())
        };
        self.manifest.entries.iter().filter(|(path, _)| is_wanted(path)).collect()
    }

    /// Copies the entries beside the worktree. Returns `false` if they are not what the cache held.
    fn copy(&self, entries: &[(&RepoPath, &Entry)]) -> Result<bool, GitError> {
        let by = self.older_by(entries)?;
        let facts = |entry: &Entry| Stat { modified_ns: entry.work.modified_ns - by, ..entry.work };
        let folders = || entries.iter().filter(|(_, entry)| entry.work.kind == Kind::Folder);
        let copies = self.aside.join("copies");
        make_folder(&copies).map_err(GitError::io(&copies))?;
        let target = |path: &RepoPath| copies.join(path.as_path());
        for (path, _) in folders() {
            let full = target(path);
            fs::create_dir_all(&full).map_err(GitError::io(&full))?;
        }
        let files: Vec<&(&RepoPath, &Entry)> =
            entries.iter().filter(|(_, entry)| entry.work.kind != Kind::Folder).collect();
        let copy = |item: &&(&RepoPath, &Entry)| {
            let (path, entry) = **item;
            let (from, to) = (self.place.copies().join(path.as_path()), target(path));
            // A copy that cannot be read is none.
            let is_right = self.manifest.is_base_right(entry, &from, self.order.trust).unwrap_or(false);
            if is_right {
                copy_entry(&from, &to, &facts(entry)).map_err(GitError::io(&to))?;
            }
            Ok(is_right)
        };
        let copied = in_parallel(&files, &copy)?;
        for (path, entry) in folders().rev() {
            let full = target(path);
            set_facts(&full, &facts(entry)).map_err(GitError::io(&full))?;
        }
        Ok(copied.into_iter().all(|is_right| is_right))
    }

    /// Returns by how many nanoseconds the copies have to be older than the cache.
    fn older_by(&self, entries: &[(&RepoPath, &Entry)]) -> Result<i128, GitError> {
        let index = git2::Index::open(&self.worktree.git_dir.join("index"))?;
        let time_ns = |entry: git2::IndexEntry| {
            i128::from(entry.mtime.seconds()) * 1_000_000_000 + i128::from(entry.mtime.nanoseconds())
        };
        // Times of submodules are not kept.
        let oldest = index.iter().map(time_ns).filter(|time| *time > 0).min();
        let newest = entries.iter().map(|(_, entry)| entry.work.modified_ns).max();
        let by = oldest.zip(newest).map_or(0, |(oldest, newest)| newest - oldest + OLDER_NS);
        Ok(by.max(0))
    }

    /// Moves a copied folder into the worktree.
    fn put(&self, root: &RepoPath) -> Result<(), GitError> {
        let full = self.worktree.path.join(root.as_path());
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent).map_err(GitError::io(parent))?;
        }
        let is_there = leads_through_folders(&self.worktree.path, root).map_err(GitError::io(&full))?;
        let from = self.aside.join("copies").join(root.as_path());
        match is_there {
            true => fs::rename(&from, &full).map_err(GitError::io(&full)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "seed_tests.rs"]
mod tests;
