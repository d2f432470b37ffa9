//! Refs in the project that keep what own places borrow. `git gc` in the project does not know of the places:
//! without these refs it would remove a commit that a place still builds on, once no branch has it any more.

use git2::Oid;

use super::super::error::GitError;
use super::super::refs::keep_ref;
use super::super::repository::{Repository, object_id};
use super::PLACES;
use paddock_model::ids::ObjectId;

/// Refs that keep tags and replacements which places were given, by the id of what they name.
const BORROWED: &str = "refs/paddock/borrowed/";
/// Tags that a place is given, at most: each costs the project a ref of its own.
const TAGS_MAX: usize = 2_000;

/// A ref that a place is given, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenRef {
    pub(super) name: String,
    pub(super) id: Oid,
    /// What an annotated tag leads to.
    pub(super) peeled: Option<Oid>,
}

/// Returns the name of the ref that keeps an object for a place.
pub(super) fn kept_ref(place: &str, id: &ObjectId) -> String {
    format!("{PLACES}{place}/{id}")
}

/// Keeps a commit for a place.
pub(super) fn keep(library: &git2::Repository, place: &str, commit: &ObjectId) -> Result<(), GitError> {
    keep_ref(library, &kept_ref(place, commit), commit)
}

/// Returns the tags and replacements of the project, sorted by name, and keeps what they name. Leaves out tags
/// beyond the first 2,000, and refs that lead nowhere.
pub(super) fn given(library: &git2::Repository) -> Result<Vec<GivenRef>, GitError> {
    let mut found = Vec::new();
    for glob in ["refs/replace/*", "refs/tags/*"] {
        let mut count = 0;
        for reference in library.references_glob(glob)? {
            let Ok(reference) = reference else { continue };
            let (Ok(name), Some(id)) = (reference.name(), reference.target()) else { continue };
            // A line of the packed refs has no room for a line end, and git accepts none.
            let is_there = name.bytes().all(|byte| byte > b' ') && library.find_object(id, None).is_ok();
            if !is_there || count >= TAGS_MAX {
                continue;
            }
            count += 1;
            let peeled = reference.peel(git2::ObjectType::Any).ok().map(|object| object.id());
            found.push(GivenRef { name: name.to_owned(), id, peeled: peeled.filter(|peeled| *peeled != id) });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    for given in &found {
        let name = format!("{BORROWED}{}", given.id);
        if library.refname_to_id(&name).is_err() {
            library.reference(&name, given.id, true, "paddock: borrowed by a place")?;
        }
    }
    Ok(found)
}

/// Removes the refs that kept what a place borrowed.
pub(super) fn release(repository: &Repository, place: &str) -> Result<(), GitError> {
    remove_below(repository, &format!("{PLACES}{place}/"))
}

/// Removes the refs that kept what all places were given: there is none any more.
pub(super) fn release_given(repository: &Repository) -> Result<(), GitError> {
    remove_below(repository, BORROWED)
}

fn remove_below(repository: &Repository, prefix: &str) -> Result<(), GitError> {
    let library = repository.library()?;
    let mut names = Vec::new();
    for reference in library.references_glob(&format!("{prefix}*"))? {
        let reference = reference?;
        if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
            names.push((name.to_owned(), id));
        }
    }
    for (name, id) in names {
        // One that is packed by now goes with the help of git.
        let is_loose = library.commondir().join(&name).is_file();
        let is_packed = || packed(&library, &name);
        if is_loose && !is_packed() {
            library.find_reference(&name)?.delete()?;
        } else {
            repository.delete_ref(&name, &object_id(id)?)?;
        }
    }
    Ok(())
}

/// Returns whether the packed refs have a ref of this name.
fn packed(library: &git2::Repository, name: &str) -> bool {
    let Ok(text) = paddock_os::plain::read(library.commondir().join("packed-refs")) else { return false };
    memchr::memmem::find(&text, name.as_bytes()).is_some()
}
