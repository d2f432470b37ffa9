//! A project: one repository under management, its refs, its holds and its merge queue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bypass::Bypassed;
use super::facts::{Collision, TrustRecord};
use super::gate::Verdict;
use super::ids::{AgentId, ObjectId, ObjectiveId, ProjectSlug};
use super::path::RepoPath;
use super::planning::Planning;
use super::proof::Unproven;
use super::reason::{Reason, ReasonCode};
use super::settings::{ProjectSettings, Slots};
use super::side_runs::{Canary, CanaryVerdict, External, Pushing};
use super::slot_tuning::SlotTuning;
use super::train::Train;
use crate::verdicts::KnownVerdict;

/// Gate worktrees of a project: more gates at once than any machine gains by.
const SLOTS_MAX: u32 = 16;

/// The ref that Paddock lands on for a target branch (SPEC 3.5: I).
#[must_use]
pub fn integration_ref(target_branch: &str) -> String {
    format!("refs/paddock/integration/{target_branch}")
}

/// What a publication waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitCode {
    /// Uncommitted changes of the user are in the way.
    LocalChanges,
    /// Untracked files of the user are in the way.
    Untracked,
    /// Ignored files of the user are in the way.
    Ignored,
    /// A merge, rebase, bisection or the like is in progress.
    Operation,
    /// Another git process holds a lock there.
    Locked,
    /// The user's own commits conflict with landed work.
    Conflict,
    /// The gate is red on the merge of the user's own commits with landed work.
    Red,
    /// Anything else; the text says what.
    Other,
}

/// Why a publication waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationWait {
    /// For scripts.
    pub code: WaitCode,
    /// The files that are in the way, at most twenty.
    pub files: Vec<RepoPath>,
    /// One sentence for people.
    pub text: String,
    /// Unix milliseconds.
    pub since_ms: i64,
}

/// The three refs of SPEC 3.5, as Paddock last recorded them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// I: the tip that objectives start from and land on.
    pub tip: ObjectId,
    /// Counts every move of the tip.
    pub moves: u64,
    /// P: the last published commit.
    pub published: ObjectId,
    /// T: the user's branch, as last seen; none when it is gone.
    pub target: Option<ObjectId>,
    /// Whether the ref exists.
    pub is_made: bool,
    /// While it is not: the ref is put at the tip wherever it is, as the target branch was set.
    #[serde(default)]
    pub is_reset: bool,
    /// Landed work that is not published yet: objective ids, oldest first.
    pub unpublished: Vec<ObjectiveId>,
    /// A publication that waits.
    pub waits: Option<PublicationWait>,
    /// A move onto the user's own commits in progress: to which commit.
    pub adopting: Option<ObjectId>,
    /// The target branch is being taken as it is.
    #[serde(default)]
    pub taking_target: bool,
    /// Whether the tip is the user's own commit, which no gate has to have passed.
    #[serde(default)]
    pub is_external: bool,
    /// The user's commits that did not go together with landed work: not tried again for this commit.
    pub external_refused: Option<ObjectId>,
}

/// What the merge queue changes of a project: it is stored in a row of its own.
#[derive(Debug, Serialize)]
pub struct QueueRow<'a> {
    train: &'a Train,
    verdicts: &'a [KnownVerdict],
    unproven: &'a [Unproven],
    collisions: &'a [Collision],
    #[serde(rename = "pace")]
    slot_tuning: &'a SlotTuning,
    gate_folders: &'a BTreeMap<u32, u32>,
}

/// A project and all that is recorded of it. It is stored in three rows: the settings, the [`QueueRow`], and the
/// rest, which is all that it serializes itself; it is read from all of them together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its name.
    pub slug: ProjectSlug,
    /// Its settings, as last read without errors. The target branch in them is the recorded one, which no later read
    /// changes; empty while nobody has named one.
    #[serde(skip_serializing)]
    pub settings: ProjectSettings,
    /// When its target branch was set last, in Unix milliseconds; none: it is the one of when it was taken up.
    #[serde(default)]
    pub target_set_ms: Option<i64>,
    /// The repository's common git directory, absolute.
    pub common_dir: String,
    /// Whether the repository is bare.
    pub bare: bool,
    /// Unix milliseconds.
    pub added_ms: i64,
    /// Whether a person lets it be worked on.
    pub enabled: bool,
    /// Whether a person paused dispatch and planner.
    pub paused: bool,
    /// Since when, in Unix milliseconds; none: it is not, or that was not recorded yet.
    #[serde(default)]
    pub paused_ms: Option<i64>,
    /// What stops it, by code.
    pub holds: BTreeMap<ReasonCode, Reason>,
    /// The configuration that a person agreed to.
    pub trust: TrustRecord,
    /// Agents that could not be started, and why; cleared when the settings change.
    pub unusable_agents: BTreeMap<AgentId, String>,
    /// Since when each of them could not, in Unix milliseconds, where that was recorded.
    #[serde(default)]
    pub unusable_since_ms: BTreeMap<AgentId, i64>,
    /// Its refs.
    pub integration: Integration,
    /// Its merge queue.
    #[serde(skip_serializing)]
    pub train: Train,
    /// What the gate said of trees in the last day, a bounded number of them.
    #[serde(default, skip_serializing)]
    pub verdicts: Vec<KnownVerdict>,
    /// Landings whose proof is not written yet.
    #[serde(default, skip_serializing)]
    pub unproven: Vec<Unproven>,
    /// Branches that will not merge, as the conflict radar saw them last.
    #[serde(default, skip_serializing)]
    pub collisions: Vec<Collision>,
    /// What it remembers of its planner.
    #[serde(default)]
    pub planning: Planning,
    /// Whether the gate checks anything.
    #[serde(default)]
    pub canary: Canary,
    /// The user's own commits that the integration ref moved on to last, and what the gate says of them.
    #[serde(default)]
    pub external: Option<External>,
    /// Work on the target branch that did not pass the queue.
    #[serde(default)]
    pub bypassed: Option<Bypassed>,
    /// The user's remote.
    #[serde(default)]
    pub pushing: Pushing,
    /// How long the gate takes, alone and beside another.
    #[serde(default, skip_serializing, rename = "pace")]
    pub slot_tuning: SlotTuning,
    /// The slots that have a gate worktree, and how many runs came to their end in each.
    #[serde(default, skip_serializing)]
    pub gate_folders: BTreeMap<u32, u32>,
}

impl Integration {
    /// Whether the tip is about to move to where the user is: nothing lands or is published meanwhile.
    #[must_use]
    pub fn is_moving_to_target(&self) -> bool {
        self.adopting.is_some() || self.taking_target
    }
}

impl Project {
    /// Returns what is stored as the project's merge queue.
    #[must_use]
    pub fn queue_row(&self) -> QueueRow<'_> {
        QueueRow {
            train: &self.train,
            verdicts: &self.verdicts,
            unproven: &self.unproven,
            collisions: &self.collisions,
            slot_tuning: &self.slot_tuning,
            gate_folders: &self.gate_folders,
        }
    }

    /// Whether the branches of these two objectives will not merge, as far as the radar has seen.
    #[must_use]
    pub fn do_collide(&self, one: &ObjectiveId, other: &ObjectiveId) -> bool {
        let is_pair = |found: &Collision| match &found.with {
            Some(with) => {
                (found.objective == *one && with == other) || (found.objective == *other && with == one)
            }
            None => false,
        };
        self.collisions.iter().any(is_pair)
    }

    /// The run that was green on an emptied tree, if the gate of now was: it checks nothing.
    #[must_use]
    pub fn checks_nothing(&self) -> Option<&CanaryVerdict> {
        let judged = self.canary.judged.as_ref().filter(|judged| judged.verdict == Verdict::Green)?;
        (judged.terms == self.settings.gate_terms()).then_some(judged)
    }

    /// An agent could not be started.
    pub(super) fn cannot_use(&mut self, agent: &AgentId, problem: &str, at_ms: i64) {
        self.unusable_agents.insert(agent.clone(), problem.to_owned());
        self.unusable_since_ms.insert(agent.clone(), at_ms);
    }

    /// Every agent may be tried again.
    pub(super) fn reset_agents(&mut self) {
        self.unusable_agents.clear();
        self.unusable_since_ms.clear();
    }

    /// The full name of the integration ref.
    #[must_use]
    pub fn integration_ref(&self) -> String {
        integration_ref(&self.settings.target_branch)
    }

    /// Whether it is known where work is to land.
    #[must_use]
    pub fn has_target(&self) -> bool {
        !self.settings.target_branch.is_empty()
    }

    /// Gate runs at once. `auto` is one until measurement shows that two are faster.
    #[must_use]
    pub fn gate_slots(&self) -> u32 {
        match self.settings.queue.slots {
            Slots::Auto => self.slot_tuning.found(&self.settings.gate_terms()).map_or(1, |found| found.slots),
            Slots::Count(count) => count.clamp(1, SLOTS_MAX),
        }
    }

    /// How long, in milliseconds, the queue's own run may take beside one in a slot more, by which it is measured
    /// what two cost each other; none when that is known, or not to be found out.
    #[must_use]
    pub fn trial_ms(&self) -> Option<i64> {
        self.slot_tuning.trial_ms(self.settings.queue.slots, &self.settings.gate_terms())
    }

    /// Why so many slots are used.
    #[must_use]
    pub fn why_slots(&self) -> String {
        self.slot_tuning.why(self.settings.queue.slots, &self.settings.gate_terms())
    }

    /// Whether a person and the project file both let it be worked on.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled && self.settings.enabled
    }

    /// What stops new sessions, if anything does.
    #[must_use]
    pub fn dispatch_hold(&self) -> Option<&Reason> {
        self.holds
            .values()
            .find(|reason| !matches!(reason.code, ReasonCode::TargetRewritten | ReasonCode::TargetMissing))
    }

    /// What stops the merge queue from moving, if anything does.
    #[must_use]
    pub fn landing_hold(&self) -> Option<&Reason> {
        let stops = |reason: &&Reason| !matches!(reason.code, ReasonCode::DiskLow | ReasonCode::DayBudget);
        self.holds.values().find(stops)
    }

    /// Whether git may be run in its repository at all.
    #[must_use]
    pub fn is_workable(&self) -> bool {
        use ReasonCode as R;
        let blocks =
            |code: &R| matches!(code, R::Untrusted | R::RepositoryBroken | R::Claimed | R::EffectPanicked);
        self.is_enabled() && self.integration.is_made && !self.holds.keys().any(blocks)
    }
}
