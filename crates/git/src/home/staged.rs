//! What is staged in a place and in no commit.

use std::collections::HashSet;
use std::path::Path;

use git2::{Index, ObjectType, Oid};

use super::check::check;
use super::limits::INDEX_BYTES_MAX;
use super::place_refs::file;
use super::walk::Stores;
use crate::objects::is_gitlink;

/// The index of a place.
#[derive(Default)]
pub(crate) struct Staged {
    /// Files that HEAD does not have, with their paths.
    pub(crate) files: Vec<(String, Oid)>,
    /// The bytes of the index; `None` if there is none.
    pub(crate) index: Option<Vec<u8>>,
}

/// Reads the index of a place, and compares it with a commit.
///
/// # Errors
/// Why the index cannot be read, as the second half of a sentence.
pub(crate) fn staged(git_dir: &Path, stores: &Stores, head: Option<Oid>) -> Result<Staged, String> {
    let path = git_dir.join("index");
    let Some(bytes) = file(&path, INDEX_BYTES_MAX)? else { return Ok(Staged::default()) };
    // What cannot be read here is refused by the supervisor, which then makes an index of HEAD.
    let Ok(index) = Index::open(&path) else { return Ok(Staged { files: Vec::new(), index: Some(bytes) }) };
    let committed = files_of(stores, head);
    let is_staged = |id: &Oid, mode: u32| !is_gitlink(mode) && !committed.contains(id);
    let staged = index.iter().filter(|entry| is_staged(&entry.id, entry.mode));
    let files = staged.map(|entry| (String::from_utf8_lossy(&entry.path).into_owned(), entry.id)).collect();
    Ok(Staged { files, index: Some(bytes) })
}

/// Returns the files of a commit. What of it cannot be read is left out: then more counts as staged.
fn files_of(stores: &Stores, commit: Option<Oid>) -> HashSet<Oid> {
    let (mut files, mut folders) = (HashSet::new(), HashSet::new());
    let mut due: Vec<(Oid, ObjectType)> = commit.into_iter().map(|id| (id, ObjectType::Commit)).collect();
    while let Some((id, kind)) = due.pop() {
        let Ok(data) = stores.read(id) else { continue };
        // An object that is wrong is named elsewhere.
        let _ = check(kind, &data, &mut |link| match link.kind {
            Some(ObjectType::Blob) => drop(files.insert(link.id)),
            Some(ObjectType::Tree) if folders.insert(link.id) => due.push((link.id, ObjectType::Tree)),
            _ => {}
        });
    }
    files
}
