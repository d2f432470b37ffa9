//! Changes by project events.

use std::collections::BTreeMap;

use crate::bypass::{BypassFacts, Bypassed};
use crate::facts::RepositoryFacts;
use crate::ids::{ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug};
use crate::planning::Planning;
use crate::project::{Integration, Project};
use crate::set_ups::SetUps;
use crate::settings::ProjectSettings;
use crate::side_runs::{Canary, External, Pushing, Recheck};
use crate::slot_tuning::SlotTuning;
use crate::state::{EntityKey, State};
use crate::train::Train;

fn new_project(
    slug: &ProjectSlug,
    settings: &ProjectSettings,
    facts: &RepositoryFacts,
    at_ms: i64,
) -> Project {
    Project {
        slug: slug.clone(),
        settings: settings.clone(),
        target_set_ms: None,
        common_dir: facts.common_dir.clone(),
        bare: facts.bare,
        added_ms: at_ms,
        enabled: true,
        paused: false,
        paused_ms: None,
        holds: BTreeMap::new(),
        unusable_agents: BTreeMap::new(),
        unusable_since_ms: BTreeMap::new(),
        trust: facts.trust.clone(),
        switched_off: Vec::new(),
        set_ups: SetUps::default(),
        integration: Integration {
            tip: facts.target.clone(),
            moves: 0,
            published: facts.target.clone(),
            target: Some(facts.target.clone()),
            is_made: false,
            is_reset: false,
            unpublished: Vec::new(),
            waits: None,
            adopting: None,
            taking_target: false,
            external_refused: None,
            is_external: false,
        },
        train: Train::default(),
        verdicts: Vec::new(),
        tested: Vec::new(),
        compared: Vec::new(),
        unproven: Vec::new(),
        collisions: Vec::new(),
        planning: Planning::default(),
        canary: Canary::default(),
        recheck: Recheck::default(),
        external: None,
        bypassed: None,
        pushing: Pushing::default(),
        upstream: None,
        refs_moved: Vec::new(),
        slot_tuning: SlotTuning::default(),
        gate_folders: BTreeMap::new(),
    }
}

impl State {
    pub(super) fn add_project(
        &mut self,
        project: &ProjectSlug,
        settings: &ProjectSettings,
        repository: &RepositoryFacts,
        at_ms: i64,
    ) {
        self.touched.insert(EntityKey::Project(project.clone()));
        self.projects.insert(project.clone(), new_project(project, settings, repository, at_ms));
    }

    /// Advances the tip to the user's own commits. If the project has a gate, its verdict on them is due.
    pub(super) fn adopt_external(&mut self, project: &ProjectSlug, to: &ObjectId, at_ms: i64) {
        self.move_tip(project, to, true, at_ms);
        self.follow_moved_target(project, to);
        let external = External { commit: to.clone(), judged: None };
        self.change(project, |p| p.external = (!p.settings.verify.is_empty()).then_some(external));
    }

    pub(super) fn record_bypass(&mut self, project: &ProjectSlug, found: &BypassFacts, at_ms: i64) {
        let known = Bypassed { found: found.clone(), since_ms: at_ms, accepted: false };
        self.change(project, |p| p.bypassed = Some(known));
    }

    pub(super) fn change(&mut self, project: &ProjectSlug, change: impl FnOnce(&mut Project)) {
        if let Some(project) = self.project_mut(project) {
            change(project);
        }
    }

    /// Moves the integration tip. A tip that the target branch contains already is published as well.
    pub(super) fn move_tip(&mut self, project: &ProjectSlug, to: &ObjectId, is_published: bool, at_ms: i64) {
        self.change(project, |p| {
            p.integration.tip = to.clone();
            p.integration.moves += 1;
            p.integration.is_external = is_published;
            p.integration.adopting = None;
            p.integration.taking_target = false;
        });
        if is_published {
            self.change(project, |p| {
                p.integration.target = Some(to.clone());
                // Only a move to the user's commits needs this: a landing trims the chain by itself
                // (`take_landed`).
                p.train.follow_tip(to);
            });
            self.publish(project, to, at_ms);
        }
    }

    /// Records a published commit. If it is the tip, everything that has landed is published.
    pub(super) fn publish(&mut self, project: &ProjectSlug, to: &ObjectId, at_ms: i64) {
        let mut published = Vec::new();
        self.change(project, |p| {
            let integration = &mut p.integration;
            integration.published = to.clone();
            integration.target = Some(to.clone());
            integration.waits = None;
            integration.external_refused = None;
            // Until the target branch has reached the tip, nothing says which landings it contains.
            if integration.tip == *to {
                published = std::mem::take(&mut integration.unpublished);
            }
        });
        for id in published {
            let key = ObjectiveKey { project: project.clone(), id };
            if let Some(landed) = self.objective_mut(&key).and_then(|objective| objective.landed.as_mut()) {
                landed.published_at_ms = Some(at_ms);
            }
        }
    }

    /// Records that the project lands on another branch. `tip` is the old tip if the branch contains a part
    /// of that history, and else the commit of the branch. The branch contains the commits up to `published`.
    pub(super) fn set_target(
        &mut self,
        project: &ProjectSlug,
        branch: &str,
        (tip, published): (&ObjectId, &ObjectId),
        lost: &[ObjectiveId],
        at_ms: i64,
    ) {
        self.lose_landings(project, lost);
        self.change(project, |p| {
            branch.clone_into(&mut p.settings.target_branch);
            p.target_set_ms = Some(at_ms);
            // The ref of the new branch may exist from earlier; it is overwritten (`is_reset`).
            p.integration.is_made = false;
            p.integration.is_reset = true;
            // All of this was found out about the old branch.
            p.external = None;
            p.bypassed = None;
            p.pushing = Pushing::default();
            p.upstream = None;
            p.collisions.clear();
        });
        if self.project(project).is_some_and(|p| p.integration.tip != *tip) {
            self.move_tip(project, tip, true, at_ms);
        }
        self.publish(project, published, at_ms);
    }

    /// Forgets landings that the target branch does not contain. The objectives move to needs_review by
    /// events of their own.
    pub(super) fn lose_landings(&mut self, project: &ProjectSlug, lost: &[ObjectiveId]) {
        self.change(project, |p| {
            p.integration.unpublished.retain(|id| !lost.contains(id));
            // The commits of the landings may be gone.
            p.recheck.forget_landings();
        });
        for id in lost {
            let key = ObjectiveKey { project: project.clone(), id: id.clone() };
            if let Some(objective) = self.objective_mut(&key) {
                objective.landed = None;
            }
        }
    }

    pub(super) fn forget_project(&mut self, project: &ProjectSlug) {
        self.touched.insert(EntityKey::Project(project.clone()));
        self.projects.remove(project);
        let keys: Vec<ObjectiveKey> = self.objectives_of(project).map(|o| o.key.clone()).collect();
        keys.iter().for_each(|key| self.forget_objective(key));
        // Sessions and gate runs stay, as the history of the workspace.
        self.forget_nodes(project);
    }
}
