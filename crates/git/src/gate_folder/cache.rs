//! The caches of a gate folder: its kept folders as the last *landed* run left them.
//!
//! A run works on the kept folders in the gate folder. A copy of them, the base, lies beside it and changes only
//! when a run lands ([`keep`]); before each run the kept folders are made what the base holds ([`restore`]). So
//! no branch leaves anything to the next one, whether it fails or not. Both ways only what differs is copied:
//! a manifest in the private folder holds content and `stat` data of both copies.
//!
//! The base is valid only with its manifest, which is removed before the base changes and written after. A
//! crash in between costs the cache and nothing else. The calls on one place must not run at the same time, nor
//! while anything else runs in the gate folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::copy::{copy_and_hash, copy_entry, delete, make_folder, open_up, set_facts};
use super::kept::{KeptFolders, above, joined, leads_through_folders};
use super::manifest::{Entry, Manifest};
use super::table::{Kind, Seen, Stat, StatTrust, clock_of};
use crate::error::GitError;
use crate::worktree::lock_of;
use paddock_model::path::RepoPath;

/// Threads that copy, at most: sessions work at the same time.
const THREADS_MAX: usize = 4;
/// Files for which another thread is worth its start.
const ITEMS_MIN: usize = 32;

/// The places of a gate folder's caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachePlace {
    /// The gate folder.
    pub folder: PathBuf,
    /// Folder of the base copy, beside the gate folder and on the same file system.
    pub base: PathBuf,
    /// Folder of the gate folder's private files, with the index of its commit in the file `index`.
    pub private: PathBuf,
}

/// What a run starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Key of the set-up that the caches were made with; `None` if the set-up is due.
    pub set_up: Option<String>,
    /// Whether there was no base under the key, so that the kept folders are empty.
    pub was_empty: bool,
}

impl CachePlace {
    fn in_folder(&self, path: &RepoPath) -> PathBuf {
        self.folder.join(path.as_path())
    }

    /// Waits while another thread changes the base. It may change again at once.
    pub(super) fn wait(&self) {
        drop(lock_of(&self.base).lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns the folder below which the copies have the paths of the originals.
    pub(super) fn copies(&self) -> PathBuf {
        self.base.join("base")
    }

    fn in_base(&self, path: &RepoPath) -> PathBuf {
        self.copies().join(path.as_path())
    }

    fn kept(&self, kept: &[String]) -> Result<KeptFolders, GitError> {
        KeptFolders::new(kept, &self.private.join("index"))
    }

    /// Returns the time of now by the clock of the file system that holds both copies.
    fn clock(&self) -> Result<i128, GitError> {
        clock_of(&self.folder).map_err(GitError::io(&self.folder))
    }
}

/// Makes the kept folders in the gate folder what the base holds under this key. Without a base of this key they
/// are deleted, and the base stays. A base that is not what was written is deleted, too.
///
/// # Errors
/// Fails if the file system reports an error. The kept folders are then in no certain state, and the next call
/// repairs them.
pub fn restore(
    place: &CachePlace,
    kept: &[String],
    key: &str,
    trust: StatTrust,
) -> Result<Restored, GitError> {
    let nothing = Restored { set_up: None, was_empty: true };
    let folders = place.kept(kept)?;
    let Some(manifest) = Manifest::read(&place.private).filter(|manifest| manifest.key == key) else {
        delete_kept(place, &folders)?;
        return Ok(nothing);
    };
    let restored = Restored { set_up: manifest.set_up.clone(), was_empty: manifest.entries.is_empty() };
    let restoring = Restoring { place, folders: &folders, trust };
    let is_right = restoring.restore(manifest).or_else(|error| {
        // A run can leave what cannot even be looked at, such as folders nested deeper than any path is long.
        tracing::warn!(%error, "a gate's kept folders are deleted and copied anew");
        delete_kept(place, &folders)?;
        Manifest::read(&place.private).map_or(Ok(false), |manifest| restoring.restore(manifest))
    })?;
    if is_right {
        return Ok(restored);
    }
    tracing::warn!(folder = %place.base.display(), "a gate's cache is not what was kept, and is deleted");
    forget(place)?;
    delete_kept(place, &folders)?;
    Ok(nothing)
}

/// Deletes the kept folders in the gate folder. The base stays.
///
/// # Errors
/// Fails if the file system reports an error.
pub fn empty(place: &CachePlace, kept: &[String]) -> Result<(), GitError> {
    delete_kept(place, &place.kept(kept)?)
}

/// Makes the base what the kept folders hold now. Pipes, sockets and devices are left out; folders and files that
/// cannot be read are made readable.
///
/// # Errors
/// Fails if the file system reports an error, a full disk for one, or if something still writes into the kept
/// folders. There is no base then, and the next run starts with empty caches.
pub fn keep(
    place: &CachePlace,
    kept: &[String],
    key: &str,
    set_up: Option<String>,
    trust: StatTrust,
) -> Result<(), GitError> {
    keep_and_count(place, kept, key, set_up, trust).map(|_| ())
}

/// Like [`keep`]; returns the number of files and links that were copied.
fn keep_and_count(
    place: &CachePlace,
    kept: &[String],
    key: &str,
    set_up: Option<String>,
    trust: StatTrust,
) -> Result<usize, GitError> {
    let lock = lock_of(&place.base);
    let _seeds_wait = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let known = Manifest::read(&place.private);
    Manifest::remove(&place.private)?;
    let keeping = Keeping { place, known, trust, copied: AtomicUsize::new(0) };
    let kept = keeping.keep(kept).and_then(|(roots, entries)| {
        let looked_ns = place.clock()?;
        let key = key.to_owned();
        let manifest = Manifest { key, set_up, roots, looked_ns, base_looked_ns: looked_ns, entries };
        manifest.write(&place.private)
    });
    kept.map(|()| keeping.copied.into_inner()).inspect_err(|_| {
        // A part of a base is of no use and takes space. What cannot be deleted now is deleted by the next call.
        let _ = forget(place);
    })
}

/// Deletes the base. The kept folders in the gate folder stay.
///
/// # Errors
/// Fails if the file system reports an error. The base counts as deleted all the same, unless the error names
/// its manifest.
pub fn forget(place: &CachePlace) -> Result<(), GitError> {
    Manifest::remove(&place.private)?;
    delete(&place.base).map_err(GitError::io(&place.base))
}

fn delete_kept(place: &CachePlace, folders: &KeptFolders) -> Result<(), GitError> {
    for path in folders.on_disk(&place.folder)? {
        let full = place.in_folder(&path);
        delete(&full).map_err(GitError::io(&full))?;
    }
    Ok(())
}

/// One restoring of the kept folders.
struct Restoring<'a> {
    place: &'a CachePlace,
    folders: &'a KeptFolders,
    trust: StatTrust,
}

impl Restoring<'_> {
    /// Makes the kept folders what the base holds. Returns `false` if the base is not what its manifest says.
    fn restore(&self, mut manifest: Manifest) -> Result<bool, GitError> {
        for path in self.folders.on_disk(&self.place.folder)?.difference(&manifest.roots) {
            let full = self.place.in_folder(path);
            delete(&full).map_err(GitError::io(&full))?;
        }
        let (mut roots, mut left_out) = (BTreeSet::new(), BTreeSet::new());
        for root in &manifest.roots {
            let set = if self.has_place(root)? { &mut roots } else { &mut left_out };
            set.insert(root.clone());
        }
        let found = self.delete_others(&manifest, &roots)?;
        let is_wanted = |path: &RepoPath| {
            left_out.is_empty() || !(left_out.contains(path) || above(path).any(|p| left_out.contains(&p)))
        };
        let paths: Vec<RepoPath> = manifest.entries.keys().filter(|path| is_wanted(path)).cloned().collect();
        let mut changed = Vec::new();
        for path in paths {
            let Some(entry) = manifest.entries.get(&path) else { continue };
            let full = self.place.in_folder(&path);
            let brought =
                self.bring(&manifest, entry, &path, found.get(&path)).map_err(GitError::io(&full))?;
            match brought {
                Brought::InStep => {}
                Brought::Changed(stat) => changed.push((path, stat)),
                Brought::WithoutBase => return Ok(false),
            }
        }
        for (path, entry) in manifest.folders_up().filter(|(path, _)| is_wanted(path)) {
            let full = self.place.in_folder(path);
            self.finish_folder(&full, entry).map_err(GitError::io(&full))?;
        }
        if !changed.is_empty() {
            for (path, stat) in changed {
                manifest.entries.entry(path).and_modify(|entry| entry.work = stat);
            }
            manifest.looked_ns = self.place.clock()?;
            manifest.write(&self.place.private)?;
        }
        Ok(true)
    }

    /// Returns whether a kept folder can be made where it was: it is still kept, and no link leads there. Makes
    /// the folders above a path that the settings name; a match of a glob has them in the commit.
    fn has_place(&self, root: &RepoPath) -> Result<bool, GitError> {
        let full = self.place.in_folder(root);
        if !self.folders.has(root) {
            return Ok(false);
        }
        if self.folders.names(root) {
            for above in above(root).map(|above| self.place.in_folder(&above)) {
                let stat = Stat::read(&above).map_err(GitError::io(&above))?;
                if stat.is_none() {
                    fs::create_dir(&above).map_err(GitError::io(&above))?;
                }
            }
        }
        leads_through_folders(&self.place.folder, root).map_err(GitError::io(&full))
    }

    /// Deletes what the base does not hold, or holds as another kind, and returns what else there is.
    fn delete_others(
        &self,
        manifest: &Manifest,
        roots: &BTreeSet<RepoPath>,
    ) -> Result<BTreeMap<RepoPath, Stat>, GitError> {
        let mut found = walk(&self.place.folder, roots, 0o700)?;
        let is_other = |path: &RepoPath, stat: &Stat| {
            manifest.entries.get(path).is_none_or(|entry| entry.work.kind != stat.kind)
        };
        let others: Vec<RepoPath> =
            found.iter().filter(|(path, stat)| is_other(path, stat)).map(|(path, _)| path.clone()).collect();
        // What lies in a folder sorts after it.
        for path in others.iter().rev() {
            let full = self.place.in_folder(path);
            delete(&full).map_err(GitError::io(&full))?;
            found.remove(path);
        }
        Ok(found)
    }

    /// Brings one path to what the base holds. `at` is what is there, of the right kind.
    fn bring(
        &self,
        manifest: &Manifest,
        entry: &Entry,
        path: &RepoPath,
        at: Option<&Stat>,
    ) -> io::Result<Brought> {
        let full = self.place.in_folder(path);
        if entry.work.kind == Kind::Folder {
            make_folder(&full)?;
            return Ok(Brought::InStep);
        }
        if let Some(stat) = at {
            if manifest.is_in_step(entry, stat, self.trust) {
                return Ok(Brought::InStep);
            }
            // A file of other mode or time is replaced, not adjusted: another name may share its inode.
            let facts = |stat: &Stat| (stat.size, stat.mode, stat.modified_ns);
            if facts(stat) == facts(&entry.work) && read(&full, stat)?.content == entry.content {
                return Brought::at(&full);
            }
            fs::remove_file(&full)?;
        }
        let copy = self.place.in_base(path);
        // A copy that cannot be read is none: code under test may have closed it.
        if !manifest.is_base_right(entry, &copy, self.trust).unwrap_or(false) {
            return Ok(Brought::WithoutBase);
        }
        copy_entry(&copy, &full, &entry.work)?;
        Brought::at(&full)
    }

    /// Gives a folder back its mode and time, which the changes in it have altered.
    fn finish_folder(&self, full: &Path, entry: &Entry) -> io::Result<()> {
        let wanted = |stat: &Stat| stat.mode == entry.work.mode && stat.modified_ns == entry.work.modified_ns;
        match Stat::read(full)? {
            Some(stat) if wanted(&stat) => Ok(()),
            _ => set_facts(full, &entry.work),
        }
    }
}

/// Result of bringing one path to what the base holds.
enum Brought {
    /// It is as recorded.
    InStep,
    /// It has other `stat` data now.
    Changed(Stat),
    /// The base lacks the content.
    WithoutBase,
}

impl Brought {
    fn at(full: &Path) -> io::Result<Self> {
        Stat::read(full)?.map(Self::Changed).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// One change of the base.
struct Keeping<'a> {
    place: &'a CachePlace,
    /// What the base held before; `None` if that is unknown.
    known: Option<Manifest>,
    trust: StatTrust,
    /// Files and links that were copied.
    copied: AtomicUsize,
}

impl Keeping<'_> {
    /// Brings the base to what the kept folders hold, and returns what it holds then.
    fn keep(&self, kept: &[String]) -> Result<(BTreeSet<RepoPath>, BTreeMap<RepoPath, Entry>), GitError> {
        let place = self.place;
        let roots = place.kept(kept)?.on_disk(&place.folder)?;
        let mut found = walk(&place.folder, &roots, 0o500)?;
        found.retain(|_, stat| stat.kind != Kind::Other);
        self.delete_others(&found)?;
        let tops = [place.base.clone(), place.copies()];
        let above = roots.iter().flat_map(above).map(|path| place.in_base(&path));
        for folder in tops.into_iter().chain(above) {
            make_folder(&folder).map_err(GitError::io(&folder))?;
        }
        // Outer folders come first.
        for path in found.iter().filter(|(_, stat)| stat.kind == Kind::Folder).map(|(path, _)| path) {
            let copy = place.in_base(path);
            make_folder(&copy).map_err(GitError::io(&copy))?;
        }
        let mut found: Vec<(RepoPath, Stat)> = found.into_iter().collect();
        // The largest first: none of them is then the last that others wait for.
        found.sort_by_key(|(_, stat)| std::cmp::Reverse(stat.size));
        let keep_one = |(path, stat): &(RepoPath, Stat)| {
            let full = place.in_folder(path);
            let entry = self.keep_entry(path, stat).map_err(GitError::io(&full))?;
            Ok((path.clone(), entry))
        };
        let entries = in_parallel(&found, &keep_one)?.into_iter().collect::<BTreeMap<_, _>>();
        let roots = roots.into_iter().filter(|root| entries.contains_key(root)).collect();
        Ok((roots, entries))
    }

    /// Deletes from the base what the kept folders do not hold, or hold as another kind.
    fn delete_others(&self, found: &BTreeMap<RepoPath, Stat>) -> Result<(), GitError> {
        let Some(known) = &self.known else {
            // Nobody knows what an unfinished call has left there.
            return delete(&self.place.base).map_err(GitError::io(&self.place.base));
        };
        for (path, entry) in known.entries.iter().rev() {
            if found.get(path).map(|stat| stat.kind) != Some(entry.work.kind) {
                let copy = self.place.in_base(path);
                delete(&copy).map_err(GitError::io(&copy))?;
            }
        }
        Ok(())
    }

    /// Replaces one copy of the base. Returns the hash of its content and its `stat` data.
    fn copy(&self, full: &Path, copy: &Path, stat: &Stat) -> io::Result<([u8; 32], Stat)> {
        delete(copy)?;
        let content = copy_and_hash(full, copy, &Stat { mode: stat.mode & 0o777, ..*stat })?;
        self.copied.fetch_add(1, Ordering::Relaxed);
        Ok((content, Stat::read(copy)?.ok_or(io::ErrorKind::NotFound)?))
    }

    /// Brings one path of the base to what the gate folder holds.
    fn keep_entry(&self, path: &RepoPath, stat: &Stat) -> io::Result<Entry> {
        let (full, copy) = (self.place.in_folder(path), self.place.in_base(path));
        if stat.kind == Kind::Folder {
            return Ok(Entry { work: *stat, base: *stat, content: [0; 32] });
        }
        let known = self.known.as_ref();
        let old = known.and_then(|known| Some((known, known.entries.get(path)?)));
        let old = old.filter(|(_, old)| old.work.kind == stat.kind);
        if let Some((_, old)) = old.filter(|(known, old)| known.is_in_step(old, stat, self.trust)) {
            return Ok(old.clone());
        }
        let (seen, base) = match old {
            Some((_, old)) => {
                let seen = read(&full, stat)?;
                let base = match old.content == seen.content {
                    true => old.base,
                    false => self.copy(&full, &copy, &seen.stat)?.1,
                };
                (seen, base)
            }
            // Copied and hashed while it is read once: the first copy of a cache is a large one.
            None => {
                let stat = opened(&full, stat)?;
                let (content, base) = self.copy(&full, &copy, &stat)?;
                (Seen { stat, content }, base)
            }
        };
        if Stat::read(&full)? != Some(seen.stat) {
            return Err(io::Error::other("something writes here although the gate run has ended"));
        }
        Ok(Entry { work: seen.stat, base, content: seen.content })
    }
}

/// Does the work for each item in a few threads, and returns the results in any order, or one error.
///
/// Files of caches are many and small: a single thread waits for the file system most of the time. Each thread
/// takes the next item that is left, so that no large file leaves the others idle.
pub(super) fn in_parallel<I: Sync, T: Send>(
    items: &[I],
    work: &(impl Fn(&I) -> Result<T, GitError> + Sync),
) -> Result<Vec<T>, GitError> {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = processors.min(THREADS_MAX).min(items.len().div_ceil(ITEMS_MIN)).max(1);
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            // After an error the others take no more items.
            done.push(work(item).inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?);
        }
        Ok(done)
    };
    let parts: Vec<Result<Vec<T>, GitError>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        let gone = || GitError::Unexpected("a thread that copies caches panicked".to_owned());
        let ended = others.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(gone())));
        std::iter::once(own).chain(ended.collect::<Vec<_>>()).collect()
    });
    let parts = parts.into_iter().collect::<Result<Vec<Vec<T>>, GitError>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// Makes a file readable, and returns the `stat` data that it has then.
fn opened(full: &Path, stat: &Stat) -> io::Result<Stat> {
    if stat.kind == Kind::File && stat.mode & 0o400 == 0 {
        open_up(full, stat.mode, 0o400)?;
        return Stat::read(full)?.ok_or_else(|| io::ErrorKind::NotFound.into());
    }
    Ok(*stat)
}

/// Reads a file or link, and makes the file readable first.
fn read(full: &Path, stat: &Stat) -> io::Result<Seen> {
    if stat.kind == Kind::File {
        open_up(full, stat.mode, 0o400)?;
    }
    let seen = Seen::read(full)?.ok_or(io::ErrorKind::NotFound)?;
    if seen.stat.kind == stat.kind { Ok(seen) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Returns everything in the given folders, themselves included. Folders get the owner's `rights` that they lack.
fn walk(top: &Path, roots: &BTreeSet<RepoPath>, rights: u32) -> Result<BTreeMap<RepoPath, Stat>, GitError> {
    let mut found = BTreeMap::new();
    let mut due: Vec<RepoPath> = roots.iter().cloned().collect();
    while let Some(path) = due.pop() {
        let full = top.join(path.as_path());
        let Some(mut stat) = Stat::read(&full).map_err(GitError::io(&full))? else { continue };
        if stat.kind == Kind::Folder {
            open_up(&full, stat.mode, rights).map_err(GitError::io(&full))?;
            stat.mode |= rights;
            for entry in fs::read_dir(&full).map_err(GitError::io(&full))? {
                let name = entry.map_err(GitError::io(&full))?.file_name();
                due.push(joined(&path, name.as_bytes()));
            }
        }
        found.insert(path, stat);
    }
    Ok(found)
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
