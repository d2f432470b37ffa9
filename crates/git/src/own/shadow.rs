//! The shadows of own places: where they are, whose they are, and how they go.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::super::error::GitError;
use super::super::gate_folder::clear;
use super::super::home::Home;
use super::super::repository::{Repository, object_id};
use super::super::worktree::{MARKER_FILE, absolute, lock_of};
use super::borrowed;
use super::repository::DotGit;
use paddock_model::ids::ObjectId;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// File in a shadow that says which place it belongs to. It begins with `paddock`, like every file of
/// Paddock's own.
const PLACE_FILE: &str = "paddock-place.json";
/// Largest file of a loose ref that is read, in bytes.
const LOOSE_BYTES_MAX: u64 = 4096;
/// Largest file of packed refs that is read, in bytes.
const PACKED_BYTES_MAX: u64 = 16 << 20;
/// Characters of a hash that name a place.
const NAME_CHARS: usize = 16;

/// An own place, as its shadow has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnShadow {
    /// Folder of the place.
    pub path: PathBuf,
    /// Owner: `project/objective`.
    pub marker: String,
    /// Work branch, without `refs/heads/`.
    pub branch: String,
    /// Target branch, without `refs/heads/`.
    pub target: String,
    /// The shadow that it was read from.
    #[serde(skip)]
    pub(super) shadow: Option<PathBuf>,
}

impl OwnShadow {
    pub(super) fn write(&self, shadow: &Path) -> Result<(), GitError> {
        let file = shadow.join(PLACE_FILE);
        let text = serde_json::to_vec(self).map_err(|error| GitError::Unexpected(error.to_string()))?;
        write_atomic(&file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(GitError::io(&file))
    }

    /// Reads what a shadow says; `None` if it is no whole one.
    pub(crate) fn read(shadow: &Path) -> Option<Self> {
        let read: Self = serde_json::from_slice(&plain::read(shadow.join(PLACE_FILE)).ok()?).ok()?;
        Some(Self { shadow: Some(shadow.to_owned()), ..read })
    }
}

impl OwnShadow {
    /// Returns whether the work branch of the place differs from what came home last. Reads a few small files.
    #[must_use]
    pub fn has_commits_of_its_own(&self) -> bool {
        let came = self.shadow.as_deref().and_then(Home::read).and_then(|home| home.branch);
        // A branch that cannot be read is looked at by the helper, which names what is wrong.
        came.is_some_and(|came| DotGit::open(&self.path).is_ok() && self.head() != Some(came))
    }

    /// Returns the commit of the work branch in the place, which may not have come home yet. `None` if it
    /// cannot be read: the place is the agent's. Reads one or two small files.
    #[must_use]
    pub fn head(&self) -> Option<ObjectId> {
        let dot_git = DotGit::open(&self.path).ok()?;
        let name = format!("refs/heads/{}", self.branch);
        if let Some(loose) = dot_git.read(&name, LOOSE_BYTES_MAX).ok()? {
            return id_of(&loose);
        }
        let packed = dot_git.read("packed-refs", PACKED_BYTES_MAX).ok()??;
        let mut lines = packed.split(|byte| *byte == b'\n');
        lines.find_map(|line| id_of(line.strip_suffix(name.as_bytes())?.strip_suffix(b" ")?))
    }
}

fn id_of(text: &[u8]) -> Option<ObjectId> {
    ObjectId::new(str::from_utf8(text).ok()?.trim_ascii()).ok()
}

/// Returns the head of a work branch as a person sees it: in the own place that has the branch checked out,
/// else in the repository.
///
/// # Errors
/// Fails if the repository cannot be read.
pub fn work_head(repository: &Repository, branch: &str) -> Result<Option<ObjectId>, GitError> {
    let place = own_places(repository)?.into_iter().find(|place| place.branch == branch);
    match place.and_then(|place| place.head()) {
        Some(head) => Ok(Some(head)),
        None => repository.commit_of(&format!("refs/heads/{branch}")),
    }
}

fn shadows(repository: &Repository) -> PathBuf {
    repository.common_dir().join("paddock").join("places")
}

/// Returns the name of the own place at a path, absolute.
pub(crate) fn name_of(path: &Path) -> Result<String, GitError> {
    let id = git2::Oid::hash_object(git2::ObjectType::Blob, path.as_os_str().as_encoded_bytes())?;
    Ok(object_id(id)?.as_str().chars().take(NAME_CHARS).collect())
}

/// Returns the folder that is, or would be, the shadow of an own place at a path.
///
/// # Errors
/// Fails if the path cannot be made absolute.
pub(crate) fn shadow_folder(repository: &Repository, path: &Path) -> Result<PathBuf, GitError> {
    Ok(shadows(repository).join(name_of(&absolute(path)?)?))
}

/// Returns the shadow of the own place that was made at a path, with its marker, if there is one.
///
/// # Errors
/// As [`shadow_folder`].
pub(crate) fn find(repository: &Repository, path: &Path) -> Result<Option<(PathBuf, String)>, GitError> {
    let shadow = shadow_folder(repository, path)?;
    match plain::read_to_string(shadow.join(MARKER_FILE)) {
        Ok(marker) if !marker.is_empty() => Ok(Some((shadow, marker))),
        _ => Ok(None),
    }
}

/// Returns the own places of a repository, sorted by path.
///
/// # Errors
/// Fails if the folder of shadows cannot be listed.
pub fn own_places(repository: &Repository) -> Result<Vec<OwnShadow>, GitError> {
    let folder = shadows(repository);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(GitError::Io { path: folder, source }),
    };
    let mut found = Vec::new();
    for entry in entries {
        let shadow = entry.map_err(GitError::io(&folder))?.path();
        found.extend(OwnShadow::read(&shadow).filter(|_| shadow.join(MARKER_FILE).is_file()));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Forgets an own place whose folder is gone: the refs that keep what it borrowed, then the shadow; with the last
/// place, what all were given. Safe to repeat. The caller holds the repository's lock.
///
/// # Errors
/// Fails if a ref or the shadow cannot be removed.
pub(crate) fn forget(repository: &Repository, path: &Path) -> Result<(), GitError> {
    let path = absolute(path)?;
    borrowed::release(repository, &name_of(&path)?)?;
    let shadow = shadow_folder(repository, &path)?;
    clear(&shadow).map_err(GitError::io(&shadow))?;
    let is_last = fs::read_dir(shadows(repository)).is_ok_and(|mut entries| entries.next().is_none());
    if is_last { borrowed::release_given(repository) } else { Ok(()) }
}

/// Forgets what is left of a place whose removal was interrupted: a shadow without its marker. Does nothing
/// while the place is whole, or half made. Safe to repeat.
///
/// # Errors
/// As [`forget`].
pub(crate) fn finish_forgetting(repository: &Repository, path: &Path) -> Result<(), GitError> {
    let shadow = shadow_folder(repository, path)?;
    let is_left = shadow.symlink_metadata().is_ok() && find(repository, path)?.is_none();
    if !is_left || path.symlink_metadata().is_ok() {
        return Ok(());
    }
    let lock = lock_of(repository.common_dir());
    let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
    forget(repository, path)
}
