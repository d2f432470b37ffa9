//! What comes home from own places, and what is kept of it.

use super::clock::now_ms;
use super::homes::Source;
use super::world::{Site, World};
use paddock_git::{GitError, Home, Repository, SalvageOrder, find_worktree, keep_for_objective, own_places};
use paddock_model::ids::{ObjectiveId, SessionId};
use paddock_model::session::Salvage;

/// Refs of a place that are copies of what has landed.
const COPIES: [&str; 2] = ["refs/remotes/", "refs/paddock/integration/"];
/// Paths that were left where they are and that an event names.
const LEFT_NAMED_MAX: usize = 20;

/// Brings home everything that a session left in its place. No process of the session runs any more.
///
/// # Errors
/// [`GitError::Place`] names a fault of the place, else whatever the repository reports.
pub(super) fn last(world: &World, session: SessionId, source: &Source) -> Result<Home, GitError> {
    world.homes.end(session);
    world.homes.bring(&world.exe, source, true)
}

/// Brings home what a person committed in places where no session works. Costs a few reads for each own place.
pub(super) fn look(world: &World, repository: &Repository, site: &Site) {
    let places = match own_places(repository) {
        Ok(places) => places,
        Err(error) => return tracing::warn!(project = %site.slug, %error, "own places cannot be listed"),
    };
    for place in places {
        let of = place.marker.split_once('/').filter(|(slug, _)| *slug == site.slug.as_str());
        let Some(objective) = of.and_then(|(_, id)| ObjectiveId::new(id).ok()) else { continue };
        if site.at_work.contains(&objective) || !place.has_commits_of_its_own() {
            continue;
        }
        let found = find_worktree(repository, &place.path, &place.branch).and_then(|worktree| {
            let source = Source { repository: repository.clone(), worktree, objective: objective.clone() };
            world.homes.bring(&world.exe, &source, false)
        });
        if let Err(error) = found {
            tracing::warn!(project = %site.slug, %objective, %error, "commits in a place stay there for now");
        }
    }
}

/// Keeps what is on no branch of the project: the stash of a place as salvaged work, which is returned, and its
/// other branches and tags by refs of the objective.
///
/// # Errors
/// Fails if the repository cannot be read or written.
pub(super) fn keep_left(
    world: &World,
    source: &Source,
    session: u64,
    home: &Home,
) -> Result<Option<Salvage>, GitError> {
    let repository = &source.repository;
    let order = SalvageOrder {
        objective: source.objective.to_string(),
        session,
        exclude: Vec::new(),
        identity: world.identity(repository),
        time_s: now_ms() / 1_000,
    };
    let mut first = None;
    for entry in &home.stashes {
        // A place keeps its stash from one session to the next.
        if repository.is_stash_salvaged(entry, source.objective.as_str())? {
            continue;
        }
        let salvage = repository.salvage_stash(entry, &order)?;
        first.get_or_insert_with(|| salvage_facts(salvage));
    }
    let is_copy = |name: &str| COPIES.iter().any(|prefix| name.starts_with(prefix));
    for (name, commit) in home.refs.iter().filter(|(name, _)| !is_copy(name)) {
        let kept = keep_for_objective(repository, &source.worktree, commit)?;
        if let Some(kept) = kept {
            tracing::info!(objective = %source.objective, %name, %kept, "a ref of a place is kept");
        }
    }
    Ok(first)
}

/// Converts salvaged work to the type of the model.
pub(super) fn salvage_facts(kept: paddock_git::Salvage) -> Salvage {
    Salvage {
        reference: kept.reference,
        commit: kept.commit,
        paths: u32::try_from(kept.paths.len()).unwrap_or(u32::MAX),
        // The names go into an event, which must stay small.
        left: kept.left.into_iter().take(LEFT_NAMED_MAX).collect(),
    }
}
