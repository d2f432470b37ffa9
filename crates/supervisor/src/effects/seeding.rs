//! Fills ignored folders of a new worktree from the caches of the project's gate (`worktree.seed`).

use super::super::error::EffectError;
use super::super::world::{Site, World};
use super::gate_places;
use paddock_git::{Repository, SeedOrder, Seeded, StatTrust, Worktree};
use paddock_model::ids::ObjectId;
use paddock_model::settings::ProjectSettings;

/// Seeds a worktree that its first session is about to use. A seed that fails costs the agent time and
/// nothing else, so it is only logged.
pub(super) fn fill(
    world: &World,
    (site, settings): (&Site, &ProjectSettings),
    repository: &Repository,
    (worktree, commit): (&Worktree, &ObjectId),
) {
    if settings.worktree.seed.is_empty() {
        return;
    }
    let place = worktree.path.display();
    match try_fill(world, (site, settings), repository, (worktree, commit)) {
        Ok(Seeded { folders, left_out }) => {
            for (folder, why) in left_out {
                tracing::warn!(%folder, why, %place, "a folder of `worktree.seed` is left out");
            }
            let folders: Vec<String> = folders.iter().map(ToString::to_string).collect();
            tracing::debug!(?folders, %place, "a worktree is seeded");
        }
        Err(error) => tracing::warn!(%error, %place, "a worktree begins without its seed"),
    }
}

fn try_fill(
    world: &World,
    (site, settings): (&Site, &ProjectSettings),
    repository: &Repository,
    (worktree, commit): (&Worktree, &ObjectId),
) -> Result<Seeded, EffectError> {
    let caches = gate_places::caches(world, settings, &site.slug)?;
    let order = SeedOrder {
        caches: &caches,
        folders: &settings.worktree.seed,
        commit,
        bytes_max: world.spare_bytes(site),
        trust: StatTrust::of_this_process(),
    };
    Ok(paddock_git::seed(repository, worktree, &order)?)
}
