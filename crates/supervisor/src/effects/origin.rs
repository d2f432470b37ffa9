//! The `origin` of a project's own places follows the integration ref.

use super::super::world::{Site, World};
use paddock_git::{GitError, Repository, Upstream};

/// Moves the origin to where the integration ref is now, if the project has one: the first session in a place
/// of its own makes it. For every other project this asks the file system once.
///
/// A failure is not reported to the engine: the next session in an own place repairs the origin, or says what
/// is wrong with it. Until then a place fetches an older tip.
pub(super) fn follow(world: &World, site: &Site) {
    if !paddock_git::has_origin(&site.places_folder()) {
        return;
    }
    let followed = world.repository(&site.repo_root).and_then(|repository| upstream(&repository, site));
    if let Err(error) = followed {
        tracing::warn!(project = %site.slug, %error, "the origin of the project's places did not follow");
    }
}

/// Brings the origin to where the integration ref is now, and says where it is. Makes it if it is missing.
///
/// # Errors
/// As [`paddock_git::follow_origin`].
pub(super) fn upstream(repository: &Repository, site: &Site) -> Result<Upstream, GitError> {
    let (branch, integration) = (&site.target_branch, &site.integration_ref);
    let origin = paddock_git::follow_origin(repository, &site.places_folder(), branch, integration)?;
    Ok(Upstream { origin, branch: branch.clone() })
}
