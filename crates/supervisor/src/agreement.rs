//! Carries a person's agreement to the commands of a repository's own `.paddock/project.yaml` over landings.
//!
//! A person who puts that file into an objective's scope has asked for its change, so a landing of that
//! objective keeps the agreement. Paddock's state says which commits those are, not the repository: agents
//! can write to the repository.

use super::trust::{agreed, with_agreement};
use paddock_config::agreement_of;
use paddock_engine::tamper::is_named;
use paddock_git::Repository;
use paddock_model::facts::TrustRecord;
use paddock_model::ids::{ObjectId, ProjectSlug};
use paddock_model::objective::Objective;
use paddock_model::state::State;

/// Path of the file in a repository.
const FILE: &str = ".paddock/project.yaml";
/// First-parent commits that are searched for changes of the file. With more commits since the agreement, the
/// person is asked again.
const COMMITS_MAX: usize = 2_000;

/// What the state knows about the agreement of one project.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// What a person agreed to.
    pub(super) trust: TrustRecord,
    /// The recorded target branch; empty while there is none.
    pub(super) target: String,
    /// Landed commits that carry the agreement over.
    landed: Vec<ObjectId>,
}

impl Known {
    /// Collects the knowledge about each of these projects that still exists.
    pub(super) fn for_projects(state: &State, projects: Vec<ProjectSlug>) -> Vec<(ProjectSlug, Self)> {
        projects
            .into_iter()
            .filter_map(|slug| Self::from_state(state, &slug).map(|known| (slug, known)))
            .collect()
    }

    /// Collects the knowledge about one project; `None` if the project is gone.
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
            // A batch lands several objectives with one commit. The state does not say which of them changed
            // the file, so a commit counts only if every objective in it was asked to.
            let others = state.objectives_of(slug).filter(|found| !names(found));
            let others: Vec<ObjectId> = others.filter_map(commit).filter(|id| landed.contains(id)).collect();
            landed.retain(|id| !others.contains(id));
        }
        Some(Self { trust, target, landed })
    }

    /// Returns the hash of the commands that a person agreed to.
    pub(super) fn agreed(&self) -> Option<&str> {
        agreed(&self.trust)
    }

    /// Returns the last landing that changed the file and the agreement as it is carried over it. `None` if
    /// any change since the agreement came in another way, or if nobody agreed to anything.
    pub(super) fn carried(&self, repository: &Repository, branch: &str) -> Option<(ObjectId, TrustRecord)> {
        let before = self.agreed().filter(|_| !self.landed.is_empty())?;
        let changes = repository.changes_of(&format!("refs/heads/{branch}"), FILE, COMMITS_MAX).ok()?;
        let (last, now) = changes.first().map(|change| (change.commit.clone(), change.after.clone()))?;
        // Newest first. The chain of changes has to lead back to the agreed content through landings alone: a
        // single other commit in between breaks it.
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
