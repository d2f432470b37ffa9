//! Making the places of objectives, of either kind: from a pool where it has files for them, else by a checkout.

use std::path::PathBuf;
use std::sync::PoisonError;

use super::error::GitError;
use super::modules::lend_modules;
use super::own;
use super::pool::{Pool, Taken, register};
use super::refs::{CasOutcome, set_ref};
use super::repository::Repository;
use super::target::target_uses;
use super::worktree::{Place, Worktree, WorktreeSpec, absolute, lock_of, prepare_branch, refuse_link};
use paddock_model::ids::ObjectId;

/// Makes the place of an objective, or finds the one made before: what began as one kind stays of that kind.
///
/// # Errors
/// [`GitError::Foreign`] if Paddock did not make the folder or the branch, else whatever git reports.
pub fn add_worktree(repository: &Repository, spec: &WorktreeSpec) -> Result<Worktree, GitError> {
    add_pooled_worktree(repository, spec, None)
}

/// Like [`add_worktree`]. Working files that a pool has are used instead of a checkout; the result is the
/// same.
///
/// # Errors
/// As [`add_worktree`].
pub fn add_pooled_worktree(
    repository: &Repository,
    spec: &WorktreeSpec,
    pool: Option<&Pool>,
) -> Result<Worktree, GitError> {
    let path = absolute(&spec.path)?;
    let adding = Adding { spec, place: Place { repository, path: &path, marker: &spec.marker } };
    let one_at_a_time = lock_of(repository.common_dir());
    let lock = || one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
    let mut locked = lock();
    let mut wanted = match adding.begin()? {
        Begun::Found(worktree) => return Ok(worktree),
        Begun::Wanted(wanted) => wanted,
    };
    if let Some(pool) = pool.filter(|pool| adding.can_pool(pool)) {
        // Bringing the files to the commit takes long in a large repository, and nobody else need wait.
        drop(locked);
        let taken = pool.take(repository, &wanted.commit);
        locked = lock();
        if let Some(taken) = taken {
            match adding.make_from(taken, &wanted) {
                Ok(worktree) => return Ok(worktree),
                Err(error) => {
                    tracing::info!(%error, path = %path.display(), "a place is not made from the pool");
                }
            }
            wanted = match adding.begin()? {
                Begun::Found(worktree) => return Ok(worktree),
                Begun::Wanted(wanted) => wanted,
            };
        }
    }
    let made = adding.make(&wanted);
    drop(locked);
    made
}

/// One place that is made. All but [`Self::can_pool`] needs the repository's lock.
struct Adding<'a> {
    spec: &'a WorktreeSpec,
    place: Place<'a>,
}

/// What [`Adding::begin`] finds.
enum Begun {
    /// The place is there.
    Found(Worktree),
    Wanted(Wanted),
}

/// What a place is to hold.
struct Wanted {
    commit: ObjectId,
    /// Whether the branch exists.
    has_branch: bool,
}

impl Adding<'_> {
    fn worktree(&self, git_dir: PathBuf, reused: bool, is_own: bool) -> Worktree {
        let (path, branch) = (self.place.path.to_owned(), self.spec.branch.clone());
        Worktree { path, git_dir, branch, reused, is_own }
    }

    /// Looks what is there, and prepares the branch.
    fn begin(&self) -> Result<Begun, GitError> {
        let Self { spec, place } = self;
        let repository = place.repository;
        let own = existing_own(place)?.map(|shadow| (shadow, true));
        let reused = match own {
            Some(found) => Some(found),
            None => place.existing()?.map(|admin| (admin, false)),
        };
        prepare_branch(repository, spec, reused.is_some())?;
        if let Some((git_dir, is_own)) = reused {
            return Ok(Begun::Found(self.worktree(git_dir, true, is_own)));
        }
        let head = repository.commit_of(&self.full_branch())?;
        let has_branch = head.is_some();
        let commit = head.unwrap_or_else(|| spec.base.clone());
        repository.refuse_needed(&commit)?;
        Ok(Begun::Wanted(Wanted { commit, has_branch }))
    }

    fn full_branch(&self) -> String {
        format!("refs/heads/{}", self.spec.branch)
    }

    fn make(&self, wanted: &Wanted) -> Result<Worktree, GitError> {
        let Self { spec, place } = self;
        if spec.own.is_some() {
            return self.make_own(None, wanted);
        }
        let git_dir = match wanted.has_branch {
            true => place.make(None, &[&spec.branch])?,
            false => place.make(Some(&spec.branch), &[spec.base.as_str()])?,
        };
        lend_modules(place.repository, &git_dir, place.path, &wanted.commit)?;
        Ok(self.worktree(git_dir, false, false))
    }

    /// Returns whether a pool can give what `git worktree add` would make here. Where git would refuse, it
    /// is asked, and says why in its own words.
    fn can_pool(&self, pool: &Pool) -> bool {
        let repository = self.place.repository;
        let is_free = || target_uses(repository, &self.spec.branch).is_ok_and(|uses| uses.is_empty());
        pool.is_for(self.place.path) && repository.is_shared().is_ok_and(|shared| !shared) && is_free()
    }

    fn make_from(&self, taken: Taken<'_>, wanted: &Wanted) -> Result<Worktree, GitError> {
        let Self { spec, place } = self;
        let repository = place.repository;
        if spec.own.is_some() {
            return self.make_own(Some(taken), wanted);
        }
        self.make_branch(wanted)?;
        let registered = || register(repository, taken, place.path, (&spec.branch, &wanted.commit));
        let git_dir = place.make_by(registered)?;
        lend_modules(repository, &git_dir, place.path, &wanted.commit)?;
        Ok(self.worktree(git_dir, false, false))
    }

    fn make_own(&self, taken: Option<Taken<'_>>, wanted: &Wanted) -> Result<Worktree, GitError> {
        let Self { spec, place } = self;
        let repository = place.repository;
        self.make_branch(wanted)?;
        let Some(upstream) = &spec.own else {
            return Err(GitError::Unexpected(format!("{} is no own place", place.path.display())));
        };
        let work = (spec.branch.as_str(), &wanted.commit);
        let made = || own::make(repository, place.path, place.marker, work, upstream, taken);
        let git_dir = place.make_by(made)?;
        lend_modules(repository, &place.path.join(".git"), place.path, &wanted.commit)?;
        Ok(self.worktree(git_dir, false, true))
    }

    /// Makes the work branch if there is none.
    fn make_branch(&self, wanted: &Wanted) -> Result<(), GitError> {
        if wanted.has_branch {
            return Ok(());
        }
        let message = format!("branch: Created from {}", wanted.commit);
        let library = self.place.repository.library()?;
        match set_ref(&library, &self.full_branch(), None, &wanted.commit, &message)? {
            CasOutcome::Done => Ok(()),
            CasOutcome::Modified { .. } => {
                Err(GitError::Unexpected(format!("{} was made meanwhile", self.spec.branch)))
            }
        }
    }
}

/// Returns the shadow of the own place at a path, if Paddock made it for this owner. Clears away what a crash
/// left half made.
///
/// Fails with [`GitError::Foreign`] if the place belongs to another owner.
fn existing_own(place: &Place<'_>) -> Result<Option<PathBuf>, GitError> {
    refuse_link(place.path)?;
    match own::find(place.repository, place.path)? {
        Some((shadow, marker)) if marker == place.marker => {
            if place.path.is_dir() {
                place.settle_intent()?;
                return Ok(Some(shadow));
            }
            // Somebody deleted the folder: what came home is on the branch.
            own::forget(place.repository, place.path)?;
        }
        Some(_) => return Err(place.foreign()),
        // A shadow without a marker is one that a crash left half made.
        None if place.intent_file()?.exists() => own::forget(place.repository, place.path)?,
        None => {}
    }
    Ok(None)
}
