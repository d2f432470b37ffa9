//! What was on disk at the last look: a table of paths with their content and their `stat` data.
//!
//! A table is a private index. It lies in the workspace, out of the way of the code that the gate runs, and
//! knows no flags such as `skip-worktree` that could hide a file. A look trusts its entries as git trusts its
//! index, but by the change time in nanoseconds and the inode, which programs cannot set; size, mode and
//! modification time are compared too. An entry that changed in the same tick of the clock as the look, or
//! after it, is read again. Where the clock can be set, change times prove nothing: every file is read.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// Whether `stat` data may replace reading a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatTrust {
    /// Same change time and inode: same content.
    ChangeTime,
    /// The clock can be set by what runs here, so every file is read.
    Nothing,
}

impl StatTrust {
    /// Returns what this process may trust: nothing, if it, and so the code that it runs, may set the clock.
    #[must_use]
    pub fn of_this_process() -> Self {
        if paddock_os::processes::may_set_clock() { Self::Nothing } else { Self::ChangeTime }
    }
}

/// Kind of a directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    File,
    Link,
    Folder,
    /// A pipe, socket or device. Git tracks none.
    Other,
}

/// The `stat` data that a change of content cannot leave as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stat {
    pub(super) kind: Kind,
    /// Permission bits.
    pub(super) mode: u32,
    pub(super) size: u64,
    pub(super) modified_ns: i128,
    pub(super) changed_ns: i128,
    pub(super) inode: u64,
    pub(super) device: u64,
}

impl Stat {
    /// Reads the data of a path itself, not of what a link leads to. Returns `None` if nothing is there.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Ok(facts) => Ok(Some(Self::from_metadata(&facts))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn from_metadata(facts: &Metadata) -> Self {
        let kind = match facts.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_symlink() => Kind::Link,
            kind if kind.is_dir() => Kind::Folder,
            _ => Kind::Other,
        };
        let ns = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            kind,
            mode: facts.mode() & 0o7777,
            size: facts.size(),
            modified_ns: ns(facts.mtime(), facts.mtime_nsec()),
            changed_ns: ns(facts.ctime(), facts.ctime_nsec()),
            inode: facts.ino(),
            device: facts.dev(),
        }
    }
}

/// A file or link as it was at the last look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) stat: Stat,
    /// SHA-256 of the file's bytes or of the link's target; of nothing for a folder.
    pub(super) content: [u8; 32],
}

impl Seen {
    /// Reads a path with its content. Returns `None` if nothing is there. A pipe or device is never opened.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let Some(stat) = Stat::read(path)? else { return Ok(None) };
        let content = match stat.kind {
            Kind::File => hash_file(path)?,
            Kind::Link => Sha256::digest(fs::read_link(path)?.as_os_str().as_encoded_bytes()).into(),
            Kind::Folder | Kind::Other => [0; 32],
        };
        Ok(Some(Self { stat, content }))
    }
}

fn hash_file(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = plain::open_itself(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What was on disk at one look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// What the entries are held against: the id of a tree, or the key of a cache.
    pub(super) of: String,
    /// Time of the look by the file system's own clock. Entries that changed then or later are not trusted.
    pub(super) looked_ns: i128,
    pub(super) entries: BTreeMap<RepoPath, Seen>,
}

impl Table {
    /// Reads a stored table. Returns `None` if there is none, or if the file is not what was written.
    pub(super) fn read(file: &Path) -> Option<Self> {
        read_stored(file)
    }

    /// Stores the table.
    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        write_stored(self, file)
    }

    /// Returns what is at a path now, which is `path` in the table. The content is taken from the table if
    /// the `stat` data proves that it is the same, and read otherwise.
    pub(super) fn look(&self, name: &RepoPath, path: &Path, trust: StatTrust) -> io::Result<Option<Seen>> {
        let Some(stat) = Stat::read(path)? else { return Ok(None) };
        let known = self.entries.get(name).filter(|known| {
            trust == StatTrust::ChangeTime && known.stat == stat && stat.changed_ns < self.looked_ns
        });
        match known {
            Some(known) => Ok(Some(known.clone())),
            None => Seen::read(path),
        }
    }
}

/// Reads what [`write_stored`] wrote. Returns `None` if there is no such file, or if it is not what was written.
pub(super) fn read_stored<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let bytes = plain::read(file).ok()?;
    let (sum, body) = bytes.split_first_chunk::<32>()?;
    let is_whole = <[u8; 32]>::from(Sha256::digest(body)) == *sum;
    // A torn or edited table would hide changes, so it counts as none.
    if is_whole { postcard::from_bytes(body).ok() } else { None }
}

/// Stores a value with a sum of its bytes.
pub(super) fn write_stored<T: Serialize>(value: &T, file: &Path) -> io::Result<()> {
    let body = postcard::to_allocvec(value).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(body.len() + 32);
    bytes.extend_from_slice(&Sha256::digest(&body));
    bytes.extend_from_slice(&body);
    write_atomic(file, &bytes, PRIVATE_FILE_MODE, Flush::Later).map_err(io::Error::other)
}

/// Returns the time of now by the clock of the file system that holds `folder`, in nanoseconds since 1970.
/// The clock of a server's file system may differ from the machine's.
///
/// The probe lies beside the folder: within it, it would change the folder's times. It has the folder's name,
/// so that one that a killed process left is removed by the next call.
pub(super) fn clock_of(folder: &Path) -> io::Result<i128> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let probe = folder.with_file_name(format!("{name}.clock"));
    // A file that is written again need not get a new change time.
    match fs::remove_file(&probe) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::write(&probe, "")?;
    let stat = Stat::read(&probe);
    fs::remove_file(&probe)?;
    stat?.map(|stat| stat.changed_ns).ok_or_else(|| io::Error::from(ErrorKind::NotFound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_back_and_an_edited_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = (folder.path().join("a"), folder.path().join("table"));
        fs::write(&path, "one").unwrap();
        let seen = Seen::read(&path).unwrap().unwrap();
        let entries = BTreeMap::from([(RepoPath::new("a"), seen)]);
        let table = Table { of: "t".into(), looked_ns: 1, entries };
        table.write(&file).unwrap();
        assert_eq!(Table::read(&file), Some(table));
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
        assert_eq!(Table::read(&file), None);
    }

    #[test]
    fn a_change_that_keeps_size_and_modification_time_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (name, path) = (RepoPath::new("a"), folder.path().join("a"));
        fs::write(&path, "one").unwrap();
        let before = Seen::read(&path).unwrap().unwrap();
        // The clock ticks every few milliseconds; a look in the same tick as the change trusts nothing.
        let mut looked_ns = clock_of(folder.path()).unwrap();
        while looked_ns <= before.stat.changed_ns {
            looked_ns = clock_of(folder.path()).unwrap();
        }
        let table =
            Table { of: String::new(), looked_ns, entries: BTreeMap::from([(name.clone(), before.clone())]) };
        let look = |trust| table.look(&name, &path, trust).unwrap().unwrap();
        assert_eq!(look(StatTrust::ChangeTime), before);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        for trust in [StatTrust::ChangeTime, StatTrust::Nothing] {
            assert_ne!(look(trust).content, before.content, "{trust:?}");
        }
    }
}
