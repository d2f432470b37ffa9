//! Comparing what lies in a folder with what the commit says, and writing again what differs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use git2::{ObjectType, Oid};

use super::super::error::GitError;
use super::super::whole::named;
use super::checkout::Checkout;
use super::clear::remove;
use super::conversion::{Conversion, attributes};
use super::record::Known;
use super::table::{Kind, Seen, Stat};
use super::tree::{Entry, Tracked, parent};
use paddock_model::path::RepoPath;
use paddock_os::plain;

/// Everything that a comparison needs.
pub(super) struct Comparison<'a> {
    pub(super) checkout: Checkout<'a>,
    pub(super) tracked: &'a Tracked,
    pub(super) known: &'a Known,
    pub(super) conversion: &'a Conversion,
}

/// Tracked files by whether they are what the commit says.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) right: BTreeMap<RepoPath, Seen>,
    /// What lies at the path instead; `None` if nothing does.
    pub(super) wrong: BTreeMap<RepoPath, Option<Seen>>,
}

impl Comparison<'_> {
    /// Compares all tracked files.
    ///
    /// # Errors
    /// Fails if a file cannot be read, or if git reports an error.
    pub(super) fn compare(&self, mut found: BTreeMap<RepoPath, Seen>) -> Result<Compared, GitError> {
        self.compare_these(self.tracked.files.keys(), |path| Ok(found.remove(path)))
    }

    fn compare_these<'p>(
        &self,
        paths: impl Iterator<Item = &'p RepoPath>,
        mut seen_at: impl FnMut(&RepoPath) -> Result<Option<Seen>, GitError>,
    ) -> Result<Compared, GitError> {
        let (mut compared, mut converted) = (Compared::default(), BTreeMap::new());
        for path in paths {
            let Some(entry) = self.tracked.files.get(path) else { continue };
            let Some(seen) = seen_at(path)? else {
                compared.wrong.insert(path.clone(), None);
                continue;
            };
            let is_right = match self.known.expected(path) {
                Some(expected) => is_same(expected, &seen),
                None if !self.conversion.allows(*entry, &seen.stat) => false,
                None if self.is_blob(*entry, path, &seen)? => true,
                // git may have converted it as it wrote it.
                None => {
                    converted.insert(path.clone(), seen);
                    continue;
                }
            };
            match is_right {
                true => drop(compared.right.insert(path.clone(), seen)),
                false => drop(compared.wrong.insert(path.clone(), Some(seen))),
            }
        }
        let attributes = match self.conversion.changes_line_ends {
            true => BTreeMap::new(),
            false => attributes(&self.checkout, converted.keys())?,
        };
        for (path, seen) in converted {
            let may_differ = seen.stat.kind == Kind::File
                && (self.conversion.changes_line_ends || attributes.contains_key(&path));
            match may_differ {
                true => drop(compared.right.insert(path, seen)),
                false => drop(compared.wrong.insert(path, Some(seen))),
            }
        }
        Ok(compared)
    }

    /// Returns whether the path holds exactly the blob's bytes.
    fn is_blob(&self, entry: Entry, path: &RepoPath, seen: &Seen) -> Result<bool, GitError> {
        let full = self.full(path);
        Ok(blob_of(&full, seen.stat.kind)? == Some(entry.blob))
    }

    fn full(&self, path: &RepoPath) -> std::path::PathBuf {
        self.checkout.folder.join(path.as_path())
    }

    /// Writes the wrong files again and returns them as they are then.
    ///
    /// # Errors
    /// [`GitError::NotHeld`] if they differ all the same, else whatever git or the file system reports.
    pub(super) fn mend(
        &self,
        wrong: &BTreeMap<RepoPath, Option<Seen>>,
    ) -> Result<BTreeMap<RepoPath, Seen>, GitError> {
        let mut due = Vec::new();
        for (path, seen) in wrong {
            let expected = self.known.expected(path);
            match (expected, seen) {
                // Only the permissions differ: the file stays.
                (Some(expected), Some(seen))
                    if seen.stat.kind == Kind::File
                        && expected.stat.kind == Kind::File
                        && expected.content == seen.content =>
                {
                    self.set_mode(path, expected.stat.mode)?;
                }
                _ => {
                    free(self.checkout.folder, path)?;
                    due.push(path);
                }
            }
        }
        self.checkout.write_files(&due)?;
        for path in due {
            self.restore_mode(path)?;
        }
        let read = |path: &RepoPath| {
            let full = self.full(path);
            Seen::read(&full).map_err(GitError::io(&full))
        };
        let mended = self.compare_these(wrong.keys(), read)?;
        if mended.wrong.is_empty() {
            return Ok(mended.right);
        }
        let paths: Vec<&RepoPath> = mended.wrong.keys().collect();
        let folder = self.checkout.folder.to_owned();
        Err(GitError::NotHeld { folder, count: paths.len(), files: named(&paths) })
    }

    fn set_mode(&self, path: &RepoPath, mode: u32) -> Result<(), GitError> {
        let full = self.full(path);
        fs::set_permissions(&full, fs::Permissions::from_mode(mode)).map_err(GitError::io(&full))
    }

    /// Gives a file that git wrote again the permissions that it had at first: another process may write
    /// files with other permissions for the group.
    fn restore_mode(&self, path: &RepoPath) -> Result<(), GitError> {
        let full = self.full(path);
        let stat = Stat::read(&full).map_err(GitError::io(&full))?;
        match (self.known.expected(path), stat) {
            (Some(expected), Some(stat))
                if stat.kind == Kind::File
                    && expected.stat.kind == Kind::File
                    && (stat.mode ^ expected.stat.mode) & 0o100 == 0
                    && stat.mode != expected.stat.mode =>
            {
                self.set_mode(path, expected.stat.mode)
            }
            _ => Ok(()),
        }
    }

    /// Gives files that somebody touched before `since_ns` the time of now, and returns whether there were
    /// any. A build tool must never take a file for older than what was made from it.
    pub(super) fn renew_times(
        &self,
        right: &mut BTreeMap<RepoPath, Seen>,
        since_ns: i128,
    ) -> Result<bool, GitError> {
        let mut has_renewed = false;
        for (path, seen) in right.iter_mut() {
            let is_touched = self.known.expected(path).is_some_and(|expected| {
                expected.stat.modified_ns != seen.stat.modified_ns && seen.stat.modified_ns < since_ns
            });
            if !is_touched || seen.stat.kind != Kind::File {
                continue;
            }
            let full = self.full(path);
            let renew = || plain::open(&full)?.set_modified(SystemTime::now());
            renew().map_err(GitError::io(&full))?;
            has_renewed = true;
            if let Some(stat) = Stat::read(&full).map_err(GitError::io(&full))? {
                seen.stat = stat;
            }
        }
        Ok(has_renewed)
    }

    /// Gives folders the permissions that they had at first, and adds all tracked folders to `right`.
    pub(super) fn restore_folders(&self, right: &mut BTreeMap<RepoPath, Seen>) -> Result<(), GitError> {
        let top = RepoPath::new("");
        for path in self.tracked.folders.iter().chain([&top]) {
            let full = self.full(path);
            let Some(mut stat) = Stat::read(&full).map_err(GitError::io(&full))? else { continue };
            // What was a link or a file before has no permissions of a folder.
            let known = self.known.table.entries.get(path).filter(|seen| seen.stat.kind == Kind::Folder);
            if let Some(mode) = known.map(|seen| seen.stat.mode).filter(|mode| *mode != stat.mode) {
                self.set_mode(path, mode)?;
                stat.mode = mode;
            }
            right.insert(path.clone(), Seen { stat, content: [0; 32] });
        }
        Ok(())
    }
}

/// Removes what lies at a path, and what lies in place of a folder above it.
pub(super) fn free(root: &Path, path: &RepoPath) -> Result<(), GitError> {
    let mut above = Vec::new();
    let mut folder = parent(path);
    while !folder.as_bytes().is_empty() {
        above.push(folder.clone());
        folder = parent(&folder);
    }
    // From the top down: nothing is looked at through a link.
    for folder in above.iter().rev() {
        let full = root.join(folder.as_path());
        match Stat::read(&full).map_err(GitError::io(&full))? {
            Some(stat) if stat.kind == Kind::Folder => {}
            Some(_) => remove(&full).map_err(GitError::io(&full))?,
            None => return Ok(()),
        }
    }
    let full = root.join(path.as_path());
    remove(&full).map_err(GitError::io(&full))
}

/// Returns whether a path holds what git wrote there: times and inode may differ.
pub(super) fn is_same(expected: &Seen, seen: &Seen) -> bool {
    let of = |seen: &Seen| (seen.stat.kind, seen.stat.mode, seen.content);
    of(expected) == of(seen)
}

/// Returns the id that git gives the bytes of a file or the target of a link; `None` for anything else.
pub(super) fn blob_of(full: &Path, kind: Kind) -> Result<Option<Oid>, GitError> {
    match kind {
        Kind::File => Ok(Some(Oid::hash_file(ObjectType::Blob, full)?)),
        Kind::Link => {
            let target = fs::read_link(full).map_err(GitError::io(full))?;
            Ok(Some(Oid::hash_object(ObjectType::Blob, target.as_os_str().as_encoded_bytes())?))
        }
        Kind::Folder | Kind::Other => Ok(None),
    }
}
