//! State of a project's planner, and the progress of its phases.
//!
//! The planner is a session of kind `planner`, which has no objective. Everything here follows from events,
//! so that cooldowns and limits survive a crash.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{AgentId, GateId, NodeId, ObjectiveId, ProjectSlug, SessionId};
use super::operate::By;
use super::plan::{PhaseCheck, PlanDocument};
use super::project::Project;
use super::reason::{Reason, ReasonCode};
use super::settings::{AgentSettings, PlannerChoice, ProjectSettings};

/// Plans in a row without a landing, after which a person is asked.
pub const BARREN_MAX: u32 = 3;
/// Failed rounds of checks in a row to which the planner added nothing, after which a person is asked.
pub const VAIN_MAX: u32 = 2;
/// Planner sessions in a row without a plan, after which a person is asked.
pub const FAILURES_MAX: u32 = 3;
/// Notes of rejections that the next prompt contains: enough to see what a person wants.
pub(crate) const NOTES_MAX: usize = 10;

/// A planner session in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannerRun {
    /// The session.
    pub session: SessionId,
    /// The phase that it plans; `None` if no phase was active.
    pub phase: Option<NodeId>,
    /// Whether it repairs a plan with faults. Each plan gets one repair.
    pub is_repair: bool,
    /// Progress of the phase's objectives when the session began.
    #[serde(default)]
    pub saw: PhaseView,
}

/// Objectives of a phase, grouped by how far they have come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PhaseView {
    /// Objectives that are being worked on or wait for their turn.
    pub moving: BTreeSet<ObjectiveId>,
    /// Objectives that wait for a person or are paused.
    pub stuck: BTreeSet<ObjectiveId>,
    /// Objectives that failed or were cancelled.
    pub failed: BTreeSet<ObjectiveId>,
    /// Number of objectives that are done or skipped.
    pub done: usize,
}

impl PhaseView {
    fn count(&self) -> usize {
        self.moving.len() + self.stuck.len() + self.failed.len() + self.done
    }

    /// Returns whether the only changes since `before` are objectives that moved towards done: none failed,
    /// was cancelled or was added.
    fn has_only_progressed_since(&self, before: &Self) -> bool {
        let is_known = |id: &ObjectiveId| before.moving.contains(id) || before.stuck.contains(id);
        let is_old = |id: &ObjectiveId| is_known(id) || before.failed.contains(id);
        // Done objectives are only counted. A larger total therefore means that one was added and is done
        // already.
        self.failed.is_subset(&before.failed)
            && self.moving.iter().chain(&self.stuck).all(is_old)
            && self.count() <= before.count()
    }
}

/// The belief that nothing is left to do in a phase. A planner states it by a plan without objectives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belief {
    /// Whose belief it is: the planner's, or that of the person who approved its plan.
    pub by: By,
    /// What was known about the phase: when the planner's session began, or when the person approved.
    pub saw: PhaseView,
}

impl Belief {
    /// Returns whether the belief still counts.
    ///
    /// The planner's belief counts for exactly the state that it saw. If something failed or was cancelled,
    /// checks must also be able to confirm it. A person's belief counts until something else fails, is
    /// cancelled or is added.
    #[must_use]
    pub fn holds(&self, now: &PhaseView, has_checks: bool) -> bool {
        match self.by {
            By::Human => now.has_only_progressed_since(&self.saw),
            By::Automatic => self.saw == *now && (has_checks || now.failed.is_empty()),
        }
    }
}

/// A plan that waits for a person's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPlan {
    /// The session that made the plan.
    pub session: SessionId,
    /// The phase that it is for.
    pub phase: Option<NodeId>,
    /// The plan.
    pub plan: PlanDocument,
    /// Warnings about the plan, for the person who approves it.
    pub warnings: Vec<String>,
    /// Since when it waits, in Unix milliseconds.
    pub since_ms: i64,
}

/// State of a project's planner.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Planning {
    /// The session in progress; `None` if none is.
    pub run: Option<PlannerRun>,
    /// When the last session was planned or, later, ended, in Unix milliseconds. The cooldown counts from
    /// here.
    pub last_ms: Option<i64>,
    /// Whether a person asked for a plan. The next session then waits neither for the cooldown nor for work
    /// in progress.
    pub is_asked: bool,
    /// Faults of the last plan, for the prompt of its repair.
    pub faults: Vec<String>,
    /// Whether the next session repairs that plan. It starts without a cooldown.
    pub repair_due: bool,
    /// Whether that plan had its repair. If the repair has faults too, a person is asked.
    pub is_repaired: bool,
    /// Sessions in a row that ended without a plan.
    pub failures: u32,
    /// Plans in a row without a landing.
    pub barren: u32,
    /// A plan that waits for approval; `None` if none does.
    pub waiting: Option<WaitingPlan>,
    /// Notes of people who rejected plans for this phase.
    pub notes: Vec<String>,
    /// Why no session starts until a person does something; `None` if nothing prevents it.
    pub stuck: Option<Reason>,
    /// What people said about agents that say nothing about planning.
    #[serde(skip_serializing_if = "PlanningConsent::is_none")]
    pub consent: PlanningConsent,
}

impl Planning {
    /// Records that something landed or was done: the last plans were of use. A planner that cannot make
    /// plans still waits for a person.
    pub(crate) fn progressed(&mut self) {
        self.barren = 0;
        // Both say that plans lead to nothing, which has just been disproved.
        let is_over =
            |reason: &mut Reason| matches!(reason.code, ReasonCode::PlansBarren | ReasonCode::ChecksFail);
        drop(self.stuck.take_if(is_over));
    }

    /// Resets the counters of failures, because a person has looked or another phase is active.
    pub(crate) fn reset_failures(&mut self) {
        self.stuck = None;
        (self.failures, self.barren) = (0, 0);
    }
}

/// A check of a phase that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// Description of the check.
    pub description: String,
    /// Command of the check.
    pub command: String,
    /// How the check failed, one sentence.
    pub problem: String,
    /// End of the output, at most [`OUTPUT_MAX_BYTES`].
    pub output: String,
}

/// Bytes of a failed check's output that are kept for the planner. The gate run's folder holds all of it.
pub const OUTPUT_MAX_BYTES: usize = 2_000;

/// A round of checks that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRound {
    /// The gate run.
    pub gate: GateId,
    /// The checks that failed.
    pub checks: Vec<FailedCheck>,
    /// When they failed, in Unix milliseconds.
    pub at_ms: i64,
}

/// Progress of a phase, as far as planner and checks know it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PhaseProgress {
    /// Checks that people wrote.
    pub checks: Vec<PhaseCheck>,
    /// Checks from the last plan that contained any.
    pub planned_checks: Vec<PhaseCheck>,
    /// Checks that a person removed. The planner cannot add them again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_checks: Vec<PhaseCheck>,
    /// Number of planner sessions so far.
    pub runs: u32,
    /// Whether the last plan had no objectives: the planner believes that the phase is done. `belief` decides
    /// whether that still counts.
    pub is_believed_done: bool,
    /// What that belief rests on. `None` if there is none, or if an older build recorded it: such a belief
    /// does not count.
    pub belief: Option<Belief>,
    /// The gate run of its checks, until its results are read.
    pub checking: Option<GateId>,
    /// The checks of that run, as they were when it was planned.
    pub checked: Vec<PhaseCheck>,
    /// Runs of its checks in a row without a result.
    pub lost: u32,
    /// The last failed round of checks, until something changes.
    pub failed: Option<FailedRound>,
    /// Failed rounds in a row to which the planner added nothing.
    pub vain: u32,
}

impl PhaseProgress {
    /// Returns the checks of people, then those of the planner, without duplicates.
    #[must_use]
    pub fn all_checks(&self) -> Vec<PhaseCheck> {
        let mut all = self.checks.clone();
        for check in &self.planned_checks {
            if !all.iter().any(|known| known.is_same(check)) {
                all.push(check.clone());
            }
        }
        all
    }

    /// Returns whether the phase has any check.
    #[must_use]
    pub fn has_checks(&self) -> bool {
        !self.checks.is_empty() || !self.planned_checks.is_empty()
    }
}

/// What people said about agents of their own that say nothing about planning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanningConsent {
    /// Whether nobody has to be asked: the project was taken up by a build in which every agent may plan that
    /// does not say `planner: false`. Earlier builds let only agents plan that said `planner: true`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_general: bool,
    /// Answers to the question whether an agent may plan.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<AgentId, bool>,
}

impl PlanningConsent {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether an agent may plan; `None` if a person has to be asked first.
    #[must_use]
    pub fn allows(&self, agent: &AgentSettings) -> Option<bool> {
        match self.answers.get(&agent.id) {
            _ if !agent.planner => Some(false),
            // What the settings say counts more than an answer that was given when they said nothing.
            _ if agent.plans => Some(true),
            Some(answer) => Some(*answer),
            None => self.is_general.then_some(true),
        }
    }
}

/// Returns the agents that may plan for a project, in order of preference: the one that its settings name,
/// then those of its workers that may plan. Empty if the settings leave planning to people.
#[must_use]
pub fn planners(project: &Project) -> Vec<&AgentId> {
    planners_of(&project.settings, &project.planning.consent)
}

/// Returns what [`planners`] does, of settings that may be newer than the recorded ones.
#[must_use]
pub fn planners_of<'s>(settings: &'s ProjectSettings, consent: &PlanningConsent) -> Vec<&'s AgentId> {
    let named = match &settings.planner.agent {
        PlannerChoice::Nobody => return Vec::new(),
        PlannerChoice::Agent(id) => Some(id),
        PlannerChoice::Auto => settings.session_defaults.planner_agent.as_ref(),
    };
    let may_plan = |agent: &&AgentSettings| consent.allows(agent) == Some(true);
    let others = agents_of_workers(settings).filter(may_plan).map(|agent| &agent.id);
    let all = named.into_iter().chain(others.filter(|id| Some(*id) != named));
    all.filter(|id| settings.agent(id).is_some_and(|agent| agent.enabled)).collect()
}

/// Returns the enabled agents of which a person has to say whether they may plan: those of the project's
/// workers whose settings say nothing about it, in a project that an earlier build took up. Empty if the
/// settings name the planner.
#[must_use]
pub fn unanswered(project: &Project) -> Vec<&AgentId> {
    let settings = &project.settings;
    if settings.planner.agent != PlannerChoice::Auto || settings.session_defaults.planner_agent.is_some() {
        return Vec::new();
    }
    // Settings in which no agent plans were recorded by the first build, which did not record that. The next
    // supervisor reads the project file first.
    if !settings.agents.iter().any(|agent| agent.plans) {
        return Vec::new();
    }
    let consent = &project.planning.consent;
    let asks = |agent: &&AgentSettings| agent.enabled && consent.allows(agent).is_none();
    agents_of_workers(settings).filter(asks).map(|agent| &agent.id).collect()
}

/// Returns the agents of the workers, each once, in the order of the workers and of their agents. The
/// settings contain every built-in agent; those that no worker uses were not chosen for the project.
fn agents_of_workers(settings: &ProjectSettings) -> impl Iterator<Item = &AgentSettings> {
    let mut seen: BTreeSet<&AgentId> = BTreeSet::new();
    let all = settings.workers.iter().flat_map(|worker| &worker.agents);
    all.filter(move |id| seen.insert(*id)).filter_map(|id| settings.agent(id))
}

/// Returns the folder of a project's planner, next to its worktrees. The ids of objectives never begin with
/// `_`, so it cannot collide with the folder of one.
#[must_use]
pub fn planner_folder(settings: &ProjectSettings, project: &ProjectSlug) -> String {
    format!("{}/{project}/_planner", settings.worktrees_root)
}
