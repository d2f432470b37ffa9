//! Setting the refs of a project to what came home from a place.

use git2::Oid;

use super::fault::Fault;
use super::place::PlaceHome;
use super::record::Home;
use crate::error::GitError;
use crate::refs::{CasOutcome, Relation, keep_ref, relation, set_ref};
use crate::repository::oid;
use paddock_model::ids::ObjectId;
use paddock_os::fail_points::fail_point;

/// Refs that keep what lives in a place, while it lives.
const OF_PLACES: &str = "refs/paddock/places";
/// Refs that keep work for a person.
const KEPT: &str = "refs/paddock/kept";
/// Where what has landed is.
pub(crate) const INTEGRATION: &str = "refs/paddock/integration/*";
/// The names in a place of its copies.
const INTEGRATION_REFS: &str = "refs/paddock/integration/";

/// Keeps every tip, then moves the work branch. `kept` is a tree that keeps what is only staged.
///
/// # Errors
/// [`GitError::Place`] if somebody else moved the work branch; the place's commit is kept then.
pub(crate) fn settle(
    place: &PlaceHome<'_>,
    before: Option<&Home>,
    home: &Home,
    kept: Option<Oid>,
) -> Result<(), Fault> {
    let library = place.repository.library()?;
    for id in tips(&library, before, home)? {
        keep(&library, place, &id)?;
    }
    if let Some(kept) = kept {
        keep(&library, place, &crate::repository::object_id(kept)?)?;
    }
    fail_point!("home.refs");
    match &home.branch {
        Some(new) => move_branch(&library, place, before, new),
        None => Ok(()),
    }
}

fn keep(library: &git2::Repository, place: &PlaceHome<'_>, id: &ObjectId) -> Result<(), GitError> {
    keep_ref(library, &format!("{OF_PLACES}/{}/{id}", place.name), id)
}

/// Returns every tip but the work branch that nothing else in the project is sure to keep.
fn tips(library: &git2::Repository, before: Option<&Home>, home: &Home) -> Result<Vec<ObjectId>, GitError> {
    let mut found: Vec<ObjectId> = Vec::new();
    let branch = home.branch.as_ref();
    let others = home.refs.iter().filter(|(name, id)| {
        // What was given, or fetched from `origin`, has landed, and the integration ref keeps it.
        let is_as_before = before.is_some_and(|before| before.refs.get(*name) == Some(*id));
        let is_copy = name.starts_with("refs/remotes/") || name.starts_with(INTEGRATION_REFS);
        let is_kept = is_as_before || (is_copy && has_landed(library, id));
        !is_kept
    });
    let others = others.map(|(_, id)| id);
    let stashes = home.stashes.iter().map(|entry| &entry.commit);
    found.extend(
        home.head.commit.iter().chain(others).chain(stashes).filter(|id| Some(*id) != branch).cloned(),
    );
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn has_landed(library: &git2::Repository, id: &ObjectId) -> bool {
    let Ok(id) = oid(id) else { return false };
    let Ok(refs) = library.references_glob(INTEGRATION) else { return false };
    let tips = refs.flatten().filter_map(|reference| reference.target());
    tips.into_iter().any(|tip| tip == id || library.graph_descendant_of(tip, id).unwrap_or(false))
}

/// Moves the work branch from the value that came home last.
fn move_branch(
    library: &git2::Repository,
    place: &PlaceHome<'_>,
    before: Option<&Home>,
    new: &ObjectId,
) -> Result<(), Fault> {
    let name = format!("refs/heads/{}", place.branch);
    let now = place.repository.commit_of(&name)?;
    if now.as_ref() == Some(new) {
        return Ok(());
    }
    let came = before.and_then(|before| before.branch.clone());
    let moving = before.and_then(|before| before.moving.clone());
    let is_expected = match (&now, &came, &moving) {
        // Without a record only a branch that goes on from its value is surely the same.
        (Some(now), None, None) => is_ancestor(library, now, new)?,
        // A crash came after the move and before its record.
        (now, came, moving) => now == came || (moving.is_some() && now == moving),
    };
    if !is_expected {
        return Err(somebody_else(library, place, now.as_ref(), new)?);
    }
    if let Some(old) = &now
        && !is_ancestor(library, old, new)?
    {
        // `git gc` in the place drops what the project has as well, so the project must not lose it.
        keep(library, place, old)?;
    }
    let mut record = before.cloned().unwrap_or_default();
    record.moving = Some(new.clone());
    record.write(place.shadow)?;
    fail_point!("home.moving");
    match set_ref(library, &name, now.as_ref(), new, "paddock: bring home")? {
        CasOutcome::Done => Ok(()),
        CasOutcome::Modified { found } if found.as_ref() == Some(new) => Ok(()),
        CasOutcome::Modified { found } => {
            // No move is under way any more.
            before.cloned().unwrap_or_default().write(place.shadow)?;
            Err(somebody_else(library, place, found.as_ref(), new)?)
        }
    }
}

/// Returns whether `new` surely goes on from `old`. The search fails where the history of a shallow repository
/// is cut off: then it is not sure, and `old` is kept.
fn is_ancestor(library: &git2::Repository, old: &ObjectId, new: &ObjectId) -> Result<bool, GitError> {
    let found = relation(library, oid(old)?, oid(new)?);
    Ok(matches!(found, Ok(Relation::Ancestor | Relation::Same)))
}

/// Keeps the place's commit, and says who has to decide.
fn somebody_else(
    library: &git2::Repository,
    place: &PlaceHome<'_>,
    now: Option<&ObjectId>,
    new: &ObjectId,
) -> Result<Fault, GitError> {
    let kept = format!("{KEPT}/{}/{}", place.objective, new.short());
    keep_ref(library, &kept, new)?;
    let (branch, new) = (place.branch, new.short());
    let now = now.map_or("was deleted".to_owned(), |now| format!("was moved to {}", now.short()));
    Ok(Fault::Project(GitError::Place {
        place: place.folder.to_owned(),
        what: format!(
            "the branch {branch} {now} by somebody else while the place went on to {new}, which is kept as {kept}"
        ),
        way_out: format!("keep one of both with `git update-ref refs/heads/{branch} COMMIT`, or merge them"),
    }))
}
