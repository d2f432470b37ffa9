//! Taking everything out of a folder that is not proven to be as git wrote it.
//!
//! An agent has worked in the folder, and another one will. Content alone is no proof: a file may have a
//! second name elsewhere, and a folder an access list, through which the first one still writes. So whatever
//! differs from the table in anything is removed, and git writes it again.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::super::error::GitError;
use super::clear::remove;
use super::table::{Kind, Seen, Stat, StatTrust, Table};
use super::tree::below;
use paddock_model::path::RepoPath;

/// Beginnings of the names of extended attributes that the system sets by itself.
const OF_THE_SYSTEM: [&[u8]; 3] = [b"security.", b"trusted.", b"com.apple."];
/// Bytes of a list of names that is no longer read: nobody has that many.
const NAMES_BYTES_MAX: usize = 64 << 10;

/// Removes everything below a folder that the table does not prove. Returns `false` if the folder itself is
/// not the one that the table is about; nothing in it is of use then.
///
/// # Errors
/// Fails if the file system reports an error.
pub(super) fn strip(folder: &Path, table: &Table, trust: StatTrust) -> Result<bool, GitError> {
    let mut due = vec![RepoPath::new("")];
    let top = table.entries.get(&RepoPath::new(""));
    let found = Stat::read(folder).map_err(GitError::io(folder))?;
    if !top.zip(found).is_some_and(|(top, found)| is_same_folder(top, &found)) || has_attributes(folder) {
        return Ok(false);
    }
    while let Some(above) = due.pop() {
        let full = folder.join(above.as_path());
        for entry in fs::read_dir(&full).map_err(GitError::io(&full))? {
            let entry = entry.map_err(GitError::io(&full))?;
            let path = below(&above, entry.file_name().as_encoded_bytes());
            let found = entry.path();
            match standing(&path, &found, table, trust).map_err(GitError::io(&found))? {
                Standing::Proven => {}
                Standing::Folder => due.push(path),
                Standing::Doubtful => remove(&found).map_err(GitError::io(&found))?,
            }
        }
    }
    Ok(true)
}

/// What is known of one path.
enum Standing {
    /// A file or link as git wrote it.
    Proven,
    /// A folder that git made; what is in it remains to be seen.
    Folder,
    Doubtful,
}

fn standing(path: &RepoPath, full: &Path, table: &Table, trust: StatTrust) -> std::io::Result<Standing> {
    let Some(known) = table.entries.get(path) else { return Ok(Standing::Doubtful) };
    let facts = fs::symlink_metadata(full)?;
    let stat = Stat::from_metadata(&facts);
    if stat.kind == Kind::Folder {
        let is_right = is_same_folder(known, &stat) && !has_attributes(full);
        return Ok(if is_right { Standing::Folder } else { Standing::Doubtful });
    }
    // A change in the same tick of the clock as the look leaves every number as it was.
    let must_read = trust == StatTrust::Nothing || stat.changed_ns >= table.looked_ns;
    let is_same = || Ok::<_, std::io::Error>(Seen::read(full)?.is_some_and(|seen| seen == *known));
    let is_as_seen = stat == known.stat && facts.nlink() == 1;
    let is_proven = is_as_seen && (!must_read || (!has_attributes(full) && is_same()?));
    Ok(if is_proven { Standing::Proven } else { Standing::Doubtful })
}

/// Returns whether a folder is the one that was seen, with the same permissions. Its times change with what
/// is made in it.
fn is_same_folder(known: &Seen, found: &Stat) -> bool {
    let of = |stat: &Stat| (stat.kind, stat.mode, stat.inode, stat.device);
    known.stat.kind == Kind::Folder && of(&known.stat) == of(found)
}

/// Returns whether somebody gave a path extended attributes, an access list for one.
fn has_attributes(path: &Path) -> bool {
    let mut names = vec![0_u8; NAMES_BYTES_MAX];
    match rustix::fs::llistxattr(path, &mut names) {
        Ok(length) => {
            let names = names.get(..length).unwrap_or_default();
            let mut names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            names.any(|name| !OF_THE_SYSTEM.iter().any(|known| name.starts_with(known)))
        }
        // A file system without them has none; more names than fit are somebody's.
        Err(error) => error == rustix::io::Errno::RANGE,
    }
}
