//! Proving that nothing has changed in a folder since it was brought to its commit.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::table::{Kind, Seen, Stat, StatTrust, Table};
use super::tree::below;
use paddock_model::path::RepoPath;

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
    fn holds(&self) -> io::Result<bool> {
        let top = RepoPath::new("");
        if !self.is_as_seen(&top, self.folder)? {
            return Ok(false);
        }
        let (mut due, mut seen) = (vec![top], 1);
        while let Some(above) = due.pop() {
            for entry in fs::read_dir(self.folder.join(above.as_path()))? {
                let entry = entry?;
                let path = below(&above, entry.file_name().as_encoded_bytes());
                if self.submodules.contains(&path) {
                    let is_empty =
                        entry.file_type()?.is_dir() && fs::read_dir(entry.path())?.next().is_none();
                    if !is_empty {
                        return Ok(false);
                    }
                    continue;
                }
                if !self.is_as_seen(&path, &entry.path())? {
                    return Ok(false);
                }
                seen += 1;
                if self.table.entries.get(&path).is_some_and(|known| known.stat.kind == Kind::Folder) {
                    due.push(path);
                }
            }
        }
        Ok(seen == self.table.entries.len())
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
