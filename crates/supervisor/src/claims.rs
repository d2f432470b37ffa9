//! Who works on which repository: claimed before anything is done there, and tried again while somebody else has it.

use std::path::PathBuf;

use super::effects;
use super::error::SupervisorError;
use super::executor::ExecutorKey;
use super::kernel::Kernel;
use super::world::Site;
use paddock_engine::input::Input;
use paddock_ipc::lock::{Claimant, RepositoryClaim};
use paddock_model::ids::ProjectSlug;
use paddock_model::reason::ReasonCode;

impl Kernel {
    /// Claims the repositories of all projects; one that somebody else works on is held, and tried again.
    pub(super) fn take_claims(&mut self) -> Result<(), SupervisorError> {
        // One that moved is claimed where it is now; its old claim moved along with it.
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
            let clears = match common_dir_is_there {
                true => "stop the other one; Paddock tries again by itself",
                false => "put the repository back, or correct `repo_root` in the project's file",
            };
            let (code, clears) = (ReasonCode::Claimed, clears.to_owned());
            self.step(Input::HoldSeen { project, code, text, clears }, None)?;
        }
        Ok(())
    }

    /// Whoever worked on a repository before may have been killed while it moved a ref.
    fn clear_locks(&self, project: &ProjectSlug) {
        let Some(site) = Site::find(&self.state, project) else { return };
        let executor_key = ExecutorKey::Refs(project.clone());
        self.spawn_look(executor_key, "clearing stale locks", move |world| {
            effects::clear_locks(world, &site);
        });
    }
}
