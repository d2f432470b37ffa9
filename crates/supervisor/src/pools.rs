//! The pools of worktrees: when entries are reset.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::error::EffectError;
use super::executor::ExecutorKey;
use super::kernel::Kernel;
use super::world::{Site, World};
use paddock_engine::pool::pool_max;
use paddock_git::{GitError, Pool, PoolOrder, Repository, StatTrust, tend_pool};
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;

impl Kernel {
    /// Orders that a project's pool is reset in the background.
    pub(super) fn tend_pool(&self, project: &ProjectSlug) {
        if self.memo.is_passive {
            return;
        }
        let Some(site) = Site::find(&self.state, project) else { return };
        let executor_key = ExecutorKey::Pool(project.clone());
        self.spawn_look(executor_key, "resetting worktrees for later", move |world| {
            if let Err(error) = tend(world, &site) {
                tracing::info!(%error, project = %site.slug, "the pool of worktrees stays as it is");
            }
        });
    }
}

impl Kernel {
    /// Empties the pools of projects in which no worktree is wanted any more.
    pub(super) fn empty_pools(&mut self) {
        if self.memo.is_passive {
            return;
        }
        let is_wanted = |project: &&Project| pool_max(&self.state, project) > 0;
        let wanted: BTreeSet<ProjectSlug> =
            self.state.projects().filter(is_wanted).map(|project| project.slug.clone()).collect();
        let before = std::mem::replace(&mut self.pools_wanted, wanted);
        for project in before.difference(&self.pools_wanted) {
            self.tend_pool(project);
        }
    }
}

impl World {
    /// Returns the pool beside the worktrees of a project.
    pub(super) fn pool(&self, repository: &Repository, site: &Site) -> Result<Pool, GitError> {
        Pool::new(repository, &worktrees_of(site), StatTrust::of_this_process())
    }
}

fn worktrees_of(site: &Site) -> PathBuf {
    site.worktrees_root.join(site.slug.as_str())
}

fn tend(world: &World, site: &Site) -> Result<(), EffectError> {
    let is_ending = || world.is_ending.load(Ordering::SeqCst);
    if is_ending() || !worktrees_of(site).is_dir() {
        return Ok(());
    }
    let repository = world.trusted(site)?;
    let pool = world.pool(&repository, site)?;
    let tip = repository.commit_of(&site.integration_ref)?;
    let commit = tip.unwrap_or_else(|| site.tip.clone());
    let wanted = PoolOrder { commit: &commit, most: site.pool_max, must_end: &is_ending };
    tend_pool(&repository, &pool, &wanted)?;
    Ok(())
}
