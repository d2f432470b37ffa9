//! The temporary folders of slots: empty when a job begins, and removed when it is over.
//!
//! A folder of an earlier job gets another name before it is removed, so that no job waits until a big tree is
//! gone. What is not removed then, for whatever reason, goes when the next supervisor starts.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::places::Places;
use paddock_os::files::{create_private_dir, make_private, make_private_dir};
use paddock_os::{clear, temporary};

/// Where the system's temporary files are when the environment names no other place, or one that cannot be
/// used.
const SYSTEM_TEMPORARY: &str = "/tmp";
/// Longest path of a folder for sockets in bytes. The system allows about 100 for a socket, and programs put
/// theirs into folders of their own.
const RUNTIME_BYTES_MAX: usize = 64;
/// How long the end of a job waits until its temporary files are gone. More are removed after it.
const DISCARD_PATIENCE: Duration = Duration::from_secs(1);
/// Hexadecimal digits in the name of a folder that tell the folders of different users' slots apart.
const DIGITS: usize = 6;

/// The folders of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folders {
    /// Folders to remove when the job is over.
    pub(super) owned: Vec<String>,
    /// The folder for temporary files.
    pub(super) temporary: String,
    /// The folder for sockets.
    pub(super) runtime: String,
}

/// Returns the beginning of the names of all folders of the slots in a folder, which other users of the same
/// base, and other folders of slots, do not have.
fn prefix(slots: &Path) -> String {
    let digest = Sha256::digest(slots.as_os_str().as_bytes());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).take(DIGITS / 2).collect();
    format!("{digits}-")
}

fn prefix_of_old(slots: &Path) -> String {
    format!("{}old-", prefix(slots))
}

/// Returns the folders in which those of slots can be, the best first. One that others may have made is named
/// in the log and left out.
pub(super) fn bases(places: &Places) -> Vec<PathBuf> {
    let mut parents = vec![places.temporary.clone(), PathBuf::from(SYSTEM_TEMPORARY)];
    parents.dedup();
    let own = |parent: &PathBuf| {
        let made = temporary::own_folder(parent);
        made.inspect_err(|error| tracing::warn!(%error, "temporary files of jobs cannot be here")).ok()
    };
    let mut found: Vec<PathBuf> = parents.iter().filter_map(own).collect();
    found.push(places.own_temporary());
    found
}

/// Makes the empty folders of a slot.
///
/// # Errors
/// Fails if none can be made in any place.
pub(super) fn make(places: &Places, slots: &Path, number: u32) -> io::Result<Folders> {
    let name = format!("{}{number}", prefix(slots));
    let bases = bases(places);
    let made = |base: &PathBuf| {
        let made = make_at(&base.join(&name), &prefix_of_old(slots));
        made.inspect_err(
            |error| tracing::warn!(%error, base = %base.display(), "a job's folder cannot be here"),
        )
        .ok()
    };
    let mut usable = bases.iter().filter_map(made);
    let first = usable.next().ok_or(io::ErrorKind::NotFound)?;
    let inside = |folder: &str, name: &str| format!("{folder}/{name}");
    let temporary = inside(&first, "tmp");
    let is_short = |folder: &String| inside(folder, "run").len() <= RUNTIME_BYTES_MAX;
    let other = if is_short(&first) { None } else { usable.find(is_short) };
    let runtime = inside(other.as_ref().unwrap_or(&first), "run");
    if runtime.len() > RUNTIME_BYTES_MAX {
        tracing::warn!(folder = runtime, "the folder for a job's sockets has a long path");
    }
    Ok(Folders { owned: std::iter::once(first).chain(other).collect(), temporary, runtime })
}

/// Makes one folder with both kinds in it, and returns its path as text.
fn make_at(folder: &Path, prefix_of_old: &str) -> io::Result<String> {
    let text = folder.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    if let Some(base) = folder.parent() {
        make_private_dir(base)?;
    }
    if let Some(old) = clear::set_aside(folder, prefix_of_old)? {
        discard_later(vec![old]);
    }
    for folder in [folder, &folder.join("tmp"), &folder.join("run")] {
        if !create_private_dir(folder)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // A strange umask removes the user's own rights as well.
        make_private(folder)?;
    }
    Ok(text.to_owned())
}

/// Gives the folder of a slot another name, and returns it; `None` if it is gone, or is no such folder: a
/// record may hold anything.
pub(super) fn set_aside(folder: &Path) -> Option<PathBuf> {
    let name = folder.file_name()?.to_str()?;
    let (digits, number) = name.split_once('-')?;
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let is_ours = digits.len() == DIGITS && digits.chars().all(is_hex) && number.parse::<u32>().is_ok();
    if !is_ours {
        tracing::warn!(folder = %folder.display(), "a slot names a folder that is none of a slot");
        return None;
    }
    let aside = clear::set_aside(folder, &format!("{digits}-old-"));
    aside
        .inspect_err(|error| tracing::warn!(%error, folder = %folder.display(), "temporary files stay"))
        .ok()
        .flatten()
}

/// Returns the folders of slots of which no job is left, whose numbers are given, and all that is none of a slot
/// any more: it was set aside before, or renamed by a job.
pub(super) fn leftovers(places: &Places, slots: &Path, free: &[u32]) -> Vec<PathBuf> {
    let current = prefix(slots);
    let mut found = Vec::new();
    for base in bases(places) {
        found.extend(free.iter().filter_map(|number| set_aside(&base.join(format!("{current}{number}")))));
        let entries = fs::read_dir(&base).into_iter().flatten().flatten();
        let is_old = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            name.to_string_lossy().strip_prefix(&current).is_some_and(|rest| rest.parse::<u32>().is_err())
        };
        found.extend(entries.filter(is_old).map(|entry| entry.path()));
    }
    found.sort();
    found.dedup();
    found
}

/// Removes folders. What takes longer than a moment is left to a thread.
pub(crate) fn discard(mut folders: Vec<PathBuf>) {
    let deadline = Instant::now() + DISCARD_PATIENCE;
    folders.retain(|folder| !matches!(clear::remove_until(folder, Some(deadline)), Ok(true)));
    if !folders.is_empty() {
        discard_later(folders);
    }
}

/// Removes folders in a thread.
fn discard_later(folders: Vec<PathBuf>) {
    // Without the thread, and after an error, the next supervisor finds them.
    let named = thread::Builder::new().name("temporary files".to_owned());
    drop(named.spawn(move || discard_now(&folders)));
}

/// Removes folders, however long that takes.
pub(super) fn discard_now(folders: &[PathBuf]) {
    for folder in folders {
        if let Err(error) = clear::remove(folder) {
            tracing::warn!(%error, folder = %folder.display(), "temporary files of a job cannot be removed");
        }
    }
}
