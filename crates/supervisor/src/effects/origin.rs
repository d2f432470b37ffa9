//! The `origin` of a project's own places follows the integration ref.

use super::super::world::{Site, World};

/// Moves the origin to where the integration ref is now, if the project has one: the first session in a place
/// of its own makes it. For every other project this asks the file system once.
///
/// A failure is not reported to the engine: the next session in an own place repairs the origin, or says what
/// is wrong with it. Until then a place fetches an older tip.
pub(super) fn follow(world: &World, site: &Site) {
    let folder = site.worktrees_root.join(site.slug.as_str());
    if !paddock_git::has_origin(&folder) {
        return;
    }
    let followed = world.repository(&site.repo_root).and_then(|repository| {
        paddock_git::follow_origin(&repository, &folder, &site.target_branch, &site.integration_ref)
    });
    if let Err(error) = followed {
        tracing::warn!(project = %site.slug, %error, "the origin of the project's places did not follow");
    }
}
