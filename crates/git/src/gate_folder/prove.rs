//! Proving that nothing has changed in a folder since it was brought to its commit.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::table::{Kind, Seen, Stat, StatTrust, Table};
use super::tree::below;
use paddock_model::path::RepoPath;

/// Threads that look at a folder, at most: the disk has other work.
const THREADS_MAX: usize = 4;
/// Entries for which one more thread is worth its start.
const ENTRIES_PER_THREAD: usize = 2_000;

/// Returns whether a folder holds exactly what the table says, and nothing else but empty folders for
/// submodules. Anything that cannot be looked at is a doubt.
pub(super) fn is_unchanged(
    folder: &Path,
    table: &Table,
    submodules: &BTreeSet<RepoPath>,
    trust: StatTrust,
) -> bool {
    let proof = Proof { folder, table, submodules, trust };
    proof.holds().unwrap_or(false)
}

struct Proof<'a> {
    folder: &'a Path,
    table: &'a Table,
    submodules: &'a BTreeSet<RepoPath>,
    trust: StatTrust,
}

impl Proof<'_> {
    /// Looks at each folder of the table by itself, on several threads: nearly all of the time goes into the
    /// system calls that ask for each file.
    fn holds(&self) -> io::Result<bool> {
        let is_folder = |(path, seen): (_, &Seen)| (seen.stat.kind == Kind::Folder).then_some(path);
        let folders: Vec<&RepoPath> = self.table.entries.iter().filter_map(is_folder).collect();
        let top = RepoPath::new("");
        if !self.is_as_seen(&top, self.folder)? {
            return Ok(false);
        }
        let (next, seen) = (AtomicUsize::new(0), AtomicUsize::new(1));
        let work = || -> io::Result<bool> {
            while let Some(folder) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
                let Some(entries) = self.entries_as_seen(folder)? else {
                    // No other thread has to go on.
                    next.store(folders.len(), Ordering::Relaxed);
                    return Ok(false);
                };
                seen.fetch_add(entries, Ordering::Relaxed);
            }
            Ok(true)
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.min(THREADS_MAX).min(self.table.entries.len() / ENTRIES_PER_THREAD + 1);
        let all = thread::scope(|scope| {
            // A thread that cannot be started is not needed.
            let start = |_| thread::Builder::new().name("proof".into()).spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..threads).filter_map(start).collect();
            let own = work();
            let joined = others.into_iter().map(|other| other.join().unwrap_or(Ok(false)));
            // Each is waited for, whatever the others found.
            let answers: Vec<io::Result<bool>> = joined.chain([own]).collect();
            answers.into_iter().try_fold(true, |all, answer| answer.map(|answer| all && answer))
        });
        Ok(all? && seen.into_inner() == self.table.entries.len())
    }

    /// Returns the number of entries of a folder that are in the table; `None` if one of them differs, or is
    /// not in the table.
    fn entries_as_seen(&self, above: &RepoPath) -> io::Result<Option<usize>> {
        let mut seen = 0;
        for entry in fs::read_dir(self.folder.join(above.as_path()))? {
            let entry = entry?;
            let path = below(above, entry.file_name().as_encoded_bytes());
            if self.submodules.contains(&path) {
                let is_empty = entry.file_type()?.is_dir() && fs::read_dir(entry.path())?.next().is_none();
                if !is_empty {
                    return Ok(None);
                }
                continue;
            }
            if !self.is_as_seen(&path, &entry.path())? {
                return Ok(None);
            }
            seen += 1;
        }
        Ok(Some(seen))
    }

    fn is_as_seen(&self, path: &RepoPath, full: &Path) -> io::Result<bool> {
        let Some(known) = self.table.entries.get(path) else { return Ok(false) };
        let Some(stat) = Stat::read(full)? else { return Ok(false) };
        if stat != known.stat {
            return Ok(false);
        }
        // A change in the same tick of the clock as the look leaves every number as it was.
        let must_read = self.trust == StatTrust::Nothing || stat.changed_ns >= self.table.looked_ns;
        if !must_read || stat.kind == Kind::Folder {
            return Ok(true);
        }
        Ok(Seen::read(full)?.is_some_and(|seen| seen.stat == stat && seen.content == known.content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(table: &mut Table, root: &Path, path: &str) {
        let seen = Seen::read(&root.join(path)).unwrap().unwrap();
        table.entries.insert(RepoPath::new(path), seen);
    }

    #[test]
    fn a_change_anywhere_is_found_by_several_threads_too() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut table = Table { of: String::new(), looked_ns: i128::MAX, ..Table::default() };
        let (folders, files) = (9, ENTRIES_PER_THREAD / 3);
        for at in 0..folders {
            fs::create_dir(root.join(format!("{at}"))).unwrap();
            (0..files).for_each(|n| fs::write(root.join(format!("{at}/{n}")), "").unwrap());
        }
        add(&mut table, root, "");
        for at in 0..folders {
            add(&mut table, root, &format!("{at}"));
            (0..files).for_each(|n| add(&mut table, root, &format!("{at}/{n}")));
        }
        let holds = |table: &Table| is_unchanged(root, table, &BTreeSet::new(), StatTrust::ChangeTime);
        assert!(holds(&table));
        for at in [0, folders / 2, folders - 1] {
            let (file, away) = (root.join(format!("{at}/1")), folder.path().join("away"));
            fs::rename(&file, &away).unwrap();
            assert!(!holds(&table), "a file is missing in {at}");
            fs::rename(&away, &file).unwrap();
            // The folders have other times now.
            add(&mut table, root, "");
            add(&mut table, root, &format!("{at}"));
            add(&mut table, root, &format!("{at}/1"));
            assert!(holds(&table));
        }
        fs::rename(root.join("3"), root.join("other")).unwrap();
        std::os::unix::fs::symlink("other", root.join("3")).unwrap();
        assert!(!holds(&table));
    }
}
