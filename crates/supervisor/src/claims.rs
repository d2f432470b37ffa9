//! Claims on repositories: taken before any work in a repository, and retried while another workspace holds
//! one.

use std::path::PathBuf;

use super::effects;
use super::error::SupervisorError;
use super::executor::ExecutorKey;
use super::kernel::Kernel;
use super::world::Site;
use paddock_engine::input::Input;
use paddock_ipc::workspace_lock::{Claimant, RepositoryClaim};
use paddock_model::ids::ProjectSlug;
use paddock_model::reason::ReasonCode;

impl Kernel {
    /// Claims the repositories of all projects. A project whose repository another workspace has claimed is
    /// put on hold; the next call tries again.
    pub(super) fn take_claims(&mut self) -> Result<(), SupervisorError> {
        // A repository that moved took its claim file along: drop that claim and take a new one at the new
        // place.
        self.claims.retain(|slug, (claimed, _)| {
            self.state.project(slug).is_some_and(|project| self.world.common_dir(project) == *claimed)
        });
        let wanted: Vec<(ProjectSlug, PathBuf)> = self
            .state
            .projects()
            .filter(|project| self.memo.covers(&project.slug) && !self.claims.contains_key(&project.slug))
            .map(|project| (project.slug.clone(), self.world.common_dir(project)))
            .collect();
        for (project, common_dir) in wanted {
            let common_dir_is_there = common_dir.is_dir();
            let (workspace_id, workspace) = (self.world.workspace.id(), self.world.workspace.root());
            let claimant = Claimant { workspace_id, workspace, project: &project };
            let text = match RepositoryClaim::take(&common_dir, claimant) {
                Ok(claim) => {
                    self.claims.insert(project.clone(), (common_dir, claim));
                    self.clear_locks(&project);
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            // A claim also fails where there is no repository: then stopping another Paddock would not help.
            let clears = match common_dir_is_there {
                true => "stop the other Paddock; this one tries again by itself",
                false => "put the repository back, or correct `repo_root` in the project's file",
            };
            let (code, clears) = (ReasonCode::Claimed, clears.to_owned());
            // Sent on success as well: `text: None` lifts the hold.
            self.step(Input::HoldSeen { project, code, text, clears }, None)?;
        }
        Ok(())
    }

    /// Removes ref locks that an earlier supervisor left when it was killed while moving a ref. Such a lock
    /// would fail every landing.
    fn clear_locks(&self, project: &ProjectSlug) {
        let Some(site) = Site::find(&self.state, project) else { return };
        // Under the key of the refs, so that no effect of this process is moving a ref meanwhile.
        let key = ExecutorKey::Refs(project.clone());
        self.spawn_look(key, "clearing stale locks", move |world| {
            effects::clear_locks(world, &site);
        });
    }
}
