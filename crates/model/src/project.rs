//! Projects: one repository under management each, with its refs, its holds and its merge queue.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bypass::Bypassed;
use super::evidence::{KnownComparison, TestedTree};
use super::facts::{Collision, TrustRecord};
use super::gate::Verdict;
use super::ids::{AgentId, ObjectId, ObjectiveId, ProjectSlug};
use super::path::RepoPath;
use super::planning::Planning;
use super::proof::Unproven;
use super::reason::{Reason, ReasonCode};
use super::refs::RefsMoved;
use super::set_ups::SetUps;
use super::settings::{ProjectSettings, Slots};
use super::side_runs::{Canary, CanaryVerdict, External, Pushing, Recheck, Upstream};
use super::slot_tuning::SlotTuning;
use super::train::Train;
use crate::verdicts::KnownVerdict;

/// Upper bound of a configured number of slots. Each slot has a worktree with a build of its own, and no
/// machine gains from more.
const SLOTS_MAX: u32 = 16;
/// Largest number of looks at the user's refs that found changes and that a project remembers.
const REFS_MOVED_MAX: usize = 20;

/// Returns the name of the integration ref of a target branch: the ref on which Paddock lands work.
#[must_use]
pub fn integration_ref(target_branch: &str) -> String {
    format!("refs/paddock/integration/{target_branch}")
}

/// What keeps Paddock from updating the target branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitCode {
    /// The user's uncommitted changes are in the way.
    LocalChanges,
    /// The user's untracked files are in the way.
    Untracked,
    /// The user's ignored files are in the way.
    Ignored,
    /// A merge, rebase, bisection or similar operation is in progress.
    Operation,
    /// Another git process holds a lock in the repository.
    Locked,
    /// The user's commits conflict with landed work.
    Conflict,
    /// The gate is red on the merge of the user's commits with landed work.
    Red,
    /// Another reason, which the text gives.
    Other,
}

/// Why publishing is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationWait {
    /// Reason for scripts.
    pub code: WaitCode,
    /// Files in the way, at most twenty.
    pub files: Vec<RepoPath>,
    /// Reason for people, one sentence.
    pub text: String,
    /// Since when publishing is blocked, in Unix milliseconds.
    pub since_ms: i64,
}

/// The refs of a project, as Paddock last recorded them.
///
/// Work lands on the integration ref first. Publishing then fast-forwards the user's target branch to it. The
/// two differ while publishing is blocked, and after the user commits to the target branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// Commit of the integration ref: objectives start from it and land on it.
    pub tip: ObjectId,
    /// Number of moves of the tip.
    pub moves: u64,
    /// Last published commit. What the target branch holds beyond it are the user's own commits.
    pub published: ObjectId,
    /// Commit of the target branch, as last seen; `None` if the branch is gone.
    pub target: Option<ObjectId>,
    /// Whether the integration ref exists.
    pub is_made: bool,
    /// Whether creating the ref overwrites one that exists. This is set after the target branch was changed.
    #[serde(default)]
    pub is_reset: bool,
    /// Objectives whose landing is not published yet, oldest first.
    pub unpublished: Vec<ObjectiveId>,
    /// Why publishing is blocked; `None` if it is not.
    pub waits: Option<PublicationWait>,
    /// Commit of the user to which the integration ref is about to advance.
    pub adopting: Option<ObjectId>,
    /// Whether the integration ref is about to be reset to the target branch (`queue adopt`).
    #[serde(default)]
    pub taking_target: bool,
    /// Whether the tip is a commit of the user, for which no green gate run is required.
    #[serde(default)]
    pub is_external: bool,
    /// Commit of the user that does not go together with landed work. It is not tried again.
    pub external_refused: Option<ObjectId>,
}

/// The stored row of a project's merge queue.
///
/// The row is kept apart from the rest of the project, because it changes more often, and a row that did not
/// change is not written.
#[derive(Debug, Serialize)]
pub struct QueueRow<'a> {
    train: &'a Train,
    verdicts: &'a [KnownVerdict],
    tested: &'a [TestedTree],
    compared: &'a [KnownComparison],
    unproven: &'a [Unproven],
    collisions: &'a [Collision],
    #[serde(rename = "pace")]
    slot_tuning: &'a SlotTuning,
    gate_folders: &'a BTreeMap<u32, u32>,
}

/// A project, with everything recorded about it.
///
/// A project is stored as three rows: its settings, the [`QueueRow`], and the rest. Serializing a project
/// therefore writes only the rest, while deserializing reads all three together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Name of the project.
    pub slug: ProjectSlug,
    /// Settings from the last project file without errors. Their target branch is the recorded one, which
    /// only [`Fact::TargetSet`](crate::event::Fact::TargetSet) changes; it is empty as long as nobody has
    /// named one.
    #[serde(skip_serializing)]
    pub settings: ProjectSettings,
    /// When a person last set the target branch, in Unix milliseconds; `None` if it is still the first one.
    #[serde(default)]
    pub target_set_ms: Option<i64>,
    /// Absolute path of the repository's common git directory.
    pub common_dir: String,
    /// Whether the repository is bare.
    pub bare: bool,
    /// When the project was added, in Unix milliseconds.
    pub added_ms: i64,
    /// Whether a person lets the project be worked on.
    pub enabled: bool,
    /// Whether a person paused dispatch and planner.
    pub paused: bool,
    /// When it was paused, in Unix milliseconds; `None` if it is not, or if an older build recorded the
    /// pause.
    #[serde(default)]
    pub paused_ms: Option<i64>,
    /// Why the project is on hold; it may be for several reasons at once.
    pub holds: BTreeMap<ReasonCode, Reason>,
    /// Configuration that a person trusted.
    pub trust: TrustRecord,
    /// Names of configuration entries that can run programs and are switched off.
    #[serde(default)]
    pub switched_off: Vec<String>,
    /// How the set-ups of its worktrees go.
    #[serde(default)]
    pub set_ups: SetUps,
    /// Agents that could not be started, with the reason; cleared when the settings change.
    pub unusable_agents: BTreeMap<AgentId, String>,
    /// When each of them failed to start, in Unix milliseconds, if that was recorded.
    #[serde(default)]
    pub unusable_since_ms: BTreeMap<AgentId, i64>,
    /// Its refs.
    pub integration: Integration,
    /// Its merge queue.
    #[serde(skip_serializing)]
    pub train: Train,
    /// Gate verdicts of the last day, by tree; their number is bounded.
    #[serde(default, skip_serializing)]
    pub verdicts: Vec<KnownVerdict>,
    /// Trees whose tests are known, oldest first; their number is bounded.
    #[serde(default, skip_serializing)]
    pub tested: Vec<TestedTree>,
    /// Comparisons of candidates with their base, oldest first; their number is bounded.
    #[serde(default, skip_serializing)]
    pub compared: Vec<KnownComparison>,
    /// Landings whose proof is not written yet.
    #[serde(default, skip_serializing)]
    pub unproven: Vec<Unproven>,
    /// Branches that will not merge, as the conflict radar last saw them.
    #[serde(default, skip_serializing)]
    pub collisions: Vec<Collision>,
    /// State of its planner.
    #[serde(default)]
    pub planning: Planning,
    /// Result of running the gate on an emptied tree.
    #[serde(default)]
    pub canary: Canary,
    /// The daily run of the gate on a landed tree from nothing.
    #[serde(default)]
    pub recheck: Recheck,
    /// The user's commits to which the integration ref last advanced, with the gate's verdict.
    #[serde(default)]
    pub external: Option<External>,
    /// Work on the target branch that did not pass the queue.
    #[serde(default)]
    pub bypassed: Option<Bypassed>,
    /// State of the push to the user's remote.
    #[serde(default)]
    pub pushing: Pushing,
    /// The branch that the target branch follows, if it holds commits that the target branch lacks.
    #[serde(default)]
    pub upstream: Option<Upstream>,
    /// Refs of the user that changed while sessions ran, oldest first; their number is bounded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs_moved: Vec<RefsMoved>,
    /// Durations of gate runs, alone and next to another run.
    #[serde(default, skip_serializing, rename = "pace")]
    pub slot_tuning: SlotTuning,
    /// Slots that have a gate worktree, with the number of runs that ended in each.
    #[serde(default, skip_serializing)]
    pub gate_folders: BTreeMap<u32, u32>,
}

impl Integration {
    /// Returns whether the tip is about to move to the user's commits. Nothing lands or is published
    /// meanwhile, as either would move the ref from under that order.
    #[must_use]
    pub fn is_moving_to_target(&self) -> bool {
        self.adopting.is_some() || self.taking_target
    }
}

impl Project {
    /// Returns the part of the project that is stored as its merge queue.
    #[must_use]
    pub fn queue_row(&self) -> QueueRow<'_> {
        QueueRow {
            train: &self.train,
            verdicts: &self.verdicts,
            tested: &self.tested,
            compared: &self.compared,
            unproven: &self.unproven,
            collisions: &self.collisions,
            slot_tuning: &self.slot_tuning,
            gate_folders: &self.gate_folders,
        }
    }

    /// Returns whether the radar found that the branches of these two objectives will not merge.
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

    /// Returns the clause that says that the project's file has faults, so that settings of an earlier reading are
    /// in use, and what the first fault is; empty if the file has none. The file may name what the settings lack.
    #[must_use]
    pub fn settings_note(&self) -> String {
        let Some(broken) = self.holds.get(&ReasonCode::ConfigBroken) else { return String::new() };
        let first = broken.text.lines().next().unwrap_or_default();
        format!("; projects/{}.yaml has faults, so its last good settings are in use: {first}", self.slug)
    }

    /// Returns the canary run if it shows that the gate checks nothing: it was green on an emptied tree.
    #[must_use]
    pub fn checks_nothing(&self) -> Option<&CanaryVerdict> {
        let judged = self.canary.judged.as_ref().filter(|judged| judged.verdict == Verdict::Green)?;
        // A verdict on other commands says nothing about the current gate.
        (judged.terms == self.settings.gate_terms()).then_some(judged)
    }

    /// Records that an agent could not be started.
    pub(super) fn mark_unusable(&mut self, agent: &AgentId, problem: &str, at_ms: i64) {
        self.unusable_agents.insert(agent.clone(), problem.to_owned());
        self.unusable_since_ms.insert(agent.clone(), at_ms);
    }

    /// Lets every agent be tried again.
    pub(super) fn reset_agents(&mut self) {
        self.unusable_agents.clear();
        self.unusable_since_ms.clear();
    }

    /// Returns the full name of the integration ref.
    #[must_use]
    pub fn integration_ref(&self) -> String {
        integration_ref(&self.settings.target_branch)
    }

    /// Returns whether a target branch is known. There is none if HEAD was on no branch when the project was
    /// added, until a person names one.
    #[must_use]
    pub fn has_target(&self) -> bool {
        !self.settings.target_branch.is_empty()
    }

    /// Returns the number of gate runs at the same time. `auto` means one until measurements show that more
    /// are faster.
    #[must_use]
    pub fn gate_slots(&self) -> u32 {
        match self.settings.queue.slots {
            Slots::Auto => self.slot_tuning.found(&self.settings.gate_terms()).map_or(1, |found| found.slots),
            Slots::Count(count) => count.clamp(1, SLOTS_MAX),
        }
    }

    /// Returns how long, in milliseconds, the queue's own run may take while a second run is measured next to
    /// it; `None` if nothing is to be measured.
    #[must_use]
    pub fn trial_ms(&self) -> Option<i64> {
        self.slot_tuning.trial_ms(self.settings.queue.slots, &self.settings.gate_terms())
    }

    /// Remembers refs of the user that changed.
    pub(crate) fn note_moved(&mut self, moved: RefsMoved) {
        self.refs_moved.push(moved);
        let excess = self.refs_moved.len().saturating_sub(REFS_MOVED_MAX);
        self.refs_moved.drain(..excess);
    }

    /// Returns how many refs of the user changed from `since_ms` on while sessions ran, and the names of the
    /// first of them. A ref that changed several times counts once, as far as names are known.
    #[must_use]
    pub fn refs_moved_since(&self, since_ms: i64) -> (u64, BTreeSet<&str>) {
        RefsMoved::distinct(self.refs_moved.iter().filter(|moved| moved.at_ms >= since_ms))
    }

    /// Returns the reason for the number of slots, for people.
    #[must_use]
    pub fn why_slots(&self) -> String {
        self.slot_tuning.why(self.settings.queue.slots, &self.settings.gate_terms())
    }

    /// Returns whether both a person and the project file let the project be worked on.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled && self.settings.enabled
    }

    /// Returns why no new session may start; `None` if nothing is against it.
    #[must_use]
    pub fn dispatch_hold(&self) -> Option<&Reason> {
        use ReasonCode as R;
        self.holds
            .values()
            // Sessions work on the integration ref; they do not need the target branch to be in order. A set-up
            // that fails holds back only the sessions that need it (`set_up_hold`).
            .find(|reason| !matches!(reason.code, R::TargetRewritten | R::TargetMissing | R::SetupFailing))
    }

    /// Returns why sessions that need a set-up wait for the next try; `None` if they need not.
    #[must_use]
    pub fn set_up_hold(&self) -> Option<&Reason> {
        self.holds.get(&ReasonCode::SetupFailing)
    }

    /// Returns why the merge queue may not move; `None` if nothing is against it.
    #[must_use]
    pub fn landing_hold(&self) -> Option<&Reason> {
        // Neither makes a landing unsafe. A low disk also keeps new gate runs from starting, which is checked
        // where they start.
        use ReasonCode as R;
        let stops = |reason: &&Reason| !matches!(reason.code, R::DiskLow | R::DayBudget | R::SetupFailing);
        self.holds.values().find(stops)
    }

    /// Returns whether git may be run in the project's repository at all.
    #[must_use]
    pub fn is_workable(&self) -> bool {
        use ReasonCode as R;
        // In these states git would run programs that nobody trusts, fail, work against another workspace, or
        // panic again.
        let blocks =
            |code: &R| matches!(code, R::Untrusted | R::RepositoryBroken | R::Claimed | R::EffectPanicked);
        self.is_enabled() && self.integration.is_made && !self.holds.keys().any(blocks)
    }
}
