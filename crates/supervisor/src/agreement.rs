//! Agreement to the commands of a repository's own `.paddock/project.yaml` that goes on: what the queue
//! landed for an objective whose scope names that file was asked for by whoever gave the scope. Which commits
//! those are the state says, not the repository, where agents write.

use super::trust::{agreed, with_agreement};
use paddock_config::agreement_of;
use paddock_engine::tamper::is_named;
use paddock_git::Repository;
use paddock_model::facts::TrustRecord;
use paddock_model::ids::{ObjectId, ProjectSlug};
use paddock_model::objective::Objective;
use paddock_model::state::State;

/// The file, in a repository.
const FILE: &str = ".paddock/project.yaml";
/// First-parent commits that are looked through for the last changes of the file: whoever has more since a
/// person agreed is asked again.
const COMMITS_MAX: usize = 2_000;

/// What agreement goes by.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// What a person agreed to.
    pub(super) trust: TrustRecord,
    /// The recorded target branch; empty while there is none.
    pub(super) target: String,
    /// Landings that carry it on.
    landed: Vec<ObjectId>,
}

impl Known {
    /// Of each of these projects that is managed.
    pub(super) fn for_projects(state: &State, projects: Vec<ProjectSlug>) -> Vec<(ProjectSlug, Self)> {
        projects
            .into_iter()
            .filter_map(|slug| Self::from_state(state, &slug).map(|known| (slug, known)))
            .collect()
    }

    pub(super) fn from_state(state: &State, slug: &ProjectSlug) -> Option<Self> {
        let project = state.project(slug)?;
        let (trust, target) = (project.trust.clone(), project.settings.target_branch.clone());
        let commit =
            |objective: &Objective| objective.landed.as_ref().and_then(|landed| landed.commit.clone());
        let names = |objective: &Objective| {
            is_named(FILE.as_bytes(), &objective.spec.path_scope, &objective.operated.grown_scope)
        };
        let mut landed: Vec<ObjectId> =
            state.objectives_of(slug).filter(|found| names(found)).filter_map(commit).collect();
        if !landed.is_empty() {
            // Of a batch nobody knows here whose change it was.
            let others = state.objectives_of(slug).filter(|found| !names(found));
            let others: Vec<ObjectId> = others.filter_map(commit).filter(|id| landed.contains(id)).collect();
            landed.retain(|id| !others.contains(id));
        }
        Some(Self { trust, target, landed })
    }

    /// The hash that was agreed to.
    pub(super) fn agreed(&self) -> Option<&str> {
        agreed(&self.trust)
    }

    /// What is agreed to now, and the last landing that carried it on; none where a change came in another
    /// way, or nothing was agreed to before.
    pub(super) fn carried(&self, repository: &Repository, branch: &str) -> Option<(ObjectId, TrustRecord)> {
        let before = self.agreed().filter(|_| !self.landed.is_empty())?;
        let changes = repository.changes_of(&format!("refs/heads/{branch}"), FILE, COMMITS_MAX).ok()?;
        let (last, now) = changes.first().map(|change| (change.commit.clone(), change.after.clone()))?;
        for change in changes {
            if !self.landed.contains(&change.commit) {
                return None;
            }
            if agreement_of(change.before.as_deref()?).as_deref() == Some(before) {
                let hash = agreement_of(now.as_deref()?)?;
                return Some((last, with_agreement(self.trust.clone(), Some(&hash))));
            }
        }
        None
    }
}
