//! After a session: its place's HEAD, index and operations in progress, as files of the shadow.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use git2::Index;

use super::fault::Fault;
use super::intake::Intake;
use super::place::PlaceHome;
use super::quarantine::Quarantine;
use super::record::{Home, NotHome};
use super::talk::OPERATIONS;
use crate::error::GitError;
use crate::objects::is_gitlink;
use crate::repository::oid;
use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};

/// Index flag: the file is to be added, and has no content yet.
const INTENT_TO_ADD: u16 = 1 << 13;

/// The index as a path in the place.
pub(crate) const INDEX: &str = ".git/index";

/// The index of a place, checked and still in quarantine.
pub(crate) enum Indexed {
    /// The place has none.
    Missing,
    /// Its bytes.
    Checked(Vec<u8>),
    /// It cannot be used.
    Refused,
}

/// Checks an index: libgit2 reads it, no path leads into the git directory, each blob is there.
pub(crate) fn checked_index(
    bytes: Option<Vec<u8>>,
    intake: &Intake,
    quarantine: &Quarantine,
    left: &mut Vec<NotHome>,
) -> Result<Indexed, Fault> {
    let Some(bytes) = bytes else {
        // The helper says so if there is one that it cannot send.
        let is_named = left.iter().any(|one| one.path == INDEX);
        return Ok(if is_named { Indexed::Refused } else { Indexed::Missing });
    };
    match refusal(&bytes, intake, quarantine)? {
        None => Ok(Indexed::Checked(bytes)),
        Some(reason) => {
            left.push(NotHome { path: INDEX.to_owned(), reason });
            Ok(Indexed::Refused)
        }
    }
}

fn refusal(bytes: &[u8], intake: &Intake, quarantine: &Quarantine) -> Result<Option<String>, GitError> {
    let (path, mut file) = quarantine.file("index")?;
    std::io::Write::write_all(&mut file, bytes).map_err(GitError::io(&path))?;
    let index = match Index::open(&path) {
        Ok(index) => index,
        Err(error) => return Ok(Some(format!("cannot be read ({})", error.message()))),
    };
    for entry in index.iter() {
        let shown = RepoPath::new(entry.path.clone());
        if shown.is_reserved() {
            return Ok(Some(format!("has the entry `{shown}`, which no tree can have")));
        }
        let has_content = !is_gitlink(entry.mode) && entry.flags_extended & INTENT_TO_ADD == 0;
        if has_content && !intake.has(entry.id) {
            return Ok(Some(format!("has the entry `{shown}`, whose content {} does not exist", entry.id)));
        }
    }
    Ok(None)
}

/// Writes HEAD, the index and the marks of operations into the shadow.
pub(crate) fn write_shadow(
    place: &PlaceHome<'_>,
    home: &Home,
    index: Indexed,
    operations: &[String],
) -> Result<(), GitError> {
    let file = |name: &str| place.shadow.join(name);
    let put = |path: &Path, bytes: &[u8]| {
        write_atomic(path, bytes, PRIVATE_FILE_MODE, Flush::Later).map_err(GitError::io(path))
    };
    let work = format!("refs/heads/{}", place.branch);
    let head = match (&home.head.branch, &home.head.commit) {
        (branch, Some(commit)) if branch.as_ref() != Some(&work) => format!("{commit}\n"),
        _ => format!("ref: {work}\n"),
    };
    put(&file("HEAD"), head.as_bytes())?;
    match index {
        Indexed::Checked(bytes) => put(&file("index"), &bytes)?,
        Indexed::Missing => remove(&file("index"))?,
        Indexed::Refused => write_index_of_head(place, home)?,
    }
    for (name, is_folder) in OPERATIONS {
        let path = file(name);
        match (operations.iter().any(|found| found == name), is_folder) {
            (false, _) => remove(&path)?,
            (true, true) => fs::create_dir_all(&path).map_err(GitError::io(&path))?,
            (true, false) => put(&path, &[])?,
        }
    }
    Ok(())
}

/// Writes an index that has what HEAD has.
fn write_index_of_head(place: &PlaceHome<'_>, home: &Home) -> Result<(), GitError> {
    let path = place.shadow.join("index");
    remove(&path)?;
    let Some(commit) = home.head.commit.as_ref().or(home.branch.as_ref()) else { return Ok(()) };
    let library = place.repository.library()?;
    let tree = library.find_commit(oid(commit)?)?.tree()?;
    let mut index = Index::open(&path)?;
    index.read_tree(&tree)?;
    Ok(index.write()?)
}

fn remove(path: &Path) -> Result<(), GitError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(path)(error)),
        _ => Ok(()),
    }
}
