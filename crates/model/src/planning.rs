//! Planning: what a project remembers of its planner, and a phase of its checks (SPEC 6).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::{AgentId, GateId, NodeId, ObjectiveId, ProjectSlug, SessionId};
use super::operate::By;
use super::plan::{PhaseCheck, PlanDocument};
use super::reason::{Reason, ReasonCode};
use super::settings::ProjectSettings;

/// Plans in a row without a landing before a person is asked (SPEC 6).
pub const BARREN_MAX: u32 = 3;
/// Failed checks in a row to which the planner had nothing to add, before a person is asked (SPEC 6).
pub const VAIN_MAX: u32 = 2;
/// Planner runs in a row that ended without any plan, before a person is asked.
pub const FAILURES_MAX: u32 = 3;
/// Notes of rejections that are kept for the next plan: enough to see what a person wants.
pub(crate) const NOTES_MAX: usize = 10;

/// A planner run in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannerRun {
    /// Its session.
    pub session: SessionId,
    /// The phase that it plans; none when that was taken away meanwhile.
    pub phase: Option<NodeId>,
    /// Whether it is the one repair of a plan with faults.
    pub is_repair: bool,
    /// How the objectives of the phase stood when it began.
    #[serde(default)]
    pub saw: PhaseView,
}

/// How the objectives of a phase stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PhaseView {
    /// Those that are under way, or wait for their turn.
    pub moving: BTreeSet<ObjectiveId>,
    /// Those that wait for a person, or were paused by one.
    pub stuck: BTreeSet<ObjectiveId>,
    /// Those that failed or were cancelled.
    pub failed: BTreeSet<ObjectiveId>,
    /// How many are done or were skipped.
    pub done: usize,
}

impl PhaseView {
    fn count(&self) -> usize {
        self.moving.len() + self.stuck.len() + self.failed.len() + self.done
    }

    /// Whether nothing has failed, been cancelled or been added since that one.
    fn has_only_gone_on_since(&self, before: &Self) -> bool {
        let is_known = |id: &ObjectiveId| before.moving.contains(id) || before.stuck.contains(id);
        let is_old = |id: &ObjectiveId| is_known(id) || before.failed.contains(id);
        self.failed.is_subset(&before.failed)
            && self.moving.iter().chain(&self.stuck).all(is_old)
            && self.count() <= before.count()
    }
}

/// The belief that nothing is left to do in a phase: a plan without objectives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belief {
    /// Whose it is: the planner's, or that of the person who approved the plan.
    pub by: By,
    /// What the planner's session saw when it began, or the person when they approved.
    pub saw: PhaseView,
}

impl Belief {
    /// Whether it still counts. The planner's counts for exactly what it saw, and where something failed or was
    /// cancelled only beside checks. A person's counts until something else fails, is cancelled or is added.
    #[must_use]
    pub fn holds(&self, now: &PhaseView, has_checks: bool) -> bool {
        match self.by {
            By::Human => now.has_only_gone_on_since(&self.saw),
            By::Automatic => self.saw == *now && (has_checks || now.failed.is_empty()),
        }
    }
}

/// A plan that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPlan {
    /// The session that made it.
    pub session: SessionId,
    /// The phase that it is for.
    pub phase: Option<NodeId>,
    /// The plan.
    pub plan: PlanDocument,
    /// What somebody should look at.
    pub warnings: Vec<String>,
    /// Since when, in Unix milliseconds.
    pub since_ms: i64,
}

/// What a project remembers of its planner.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Planning {
    /// The run in progress.
    pub run: Option<PlannerRun>,
    /// When the last run was planned or, later, ended; in Unix milliseconds. The cooldown counts from here.
    pub last_ms: Option<i64>,
    /// A person wants a plan now: neither the cooldown nor the work at hand is waited for.
    pub is_asked: bool,
    /// Faults of the last plan, to be told to the next run.
    pub faults: Vec<String>,
    /// Whether the next run is the one repair of that plan, due at once.
    pub repair_due: bool,
    /// Whether that plan had its repair already: faults in the next one are for a person.
    pub is_repaired: bool,
    /// Runs in a row that ended without any plan.
    pub failures: u32,
    /// Plans in a row without a landing.
    pub barren: u32,
    /// A plan that waits for a person.
    pub waiting: Option<WaitingPlan>,
    /// What people wrote when they rejected plans of this phase.
    pub notes: Vec<String>,
    /// Why no run starts until a person does something.
    pub stuck: Option<Reason>,
}

impl Planning {
    /// Something landed or was done: plans are not barren. A planner that cannot plan still waits for a person.
    pub(crate) fn progressed(&mut self) {
        self.barren = 0;
        let is_over =
            |reason: &mut Reason| matches!(reason.code, ReasonCode::PlansBarren | ReasonCode::ChecksFail);
        drop(self.stuck.take_if(is_over));
    }

    /// A person has looked, or it is another phase's turn: runs count from here.
    pub(crate) fn forgive(&mut self) {
        self.stuck = None;
        (self.failures, self.barren) = (0, 0);
    }
}

/// A check of a phase that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// What it is about.
    pub description: String,
    /// Its command.
    pub command: String,
    /// How it failed, one sentence.
    pub problem: String,
    /// The end of its output, at most [`OUTPUT_MAX_BYTES`].
    pub output: String,
}

/// Bytes kept of a failed check's output: the planner sees the end of it, the whole is in the run's folder.
pub const OUTPUT_MAX_BYTES: usize = 2_000;

/// A round of checks that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRound {
    /// The run.
    pub gate: GateId,
    /// What failed.
    pub checks: Vec<FailedCheck>,
    /// Unix milliseconds.
    pub at_ms: i64,
}

/// How far a phase has come, as far as planner and checks know.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PhaseProgress {
    /// Checks that people wrote.
    pub checks: Vec<PhaseCheck>,
    /// Checks of the last plan that gave some.
    pub planned_checks: Vec<PhaseCheck>,
    /// Planner runs so far.
    pub runs: u32,
    /// The last plan had no objectives: the planner believes the phase done. Whether that still counts, `belief` says.
    pub is_believed_done: bool,
    /// What that belief rests on; none also where it was recorded before that was kept: then it counts for nothing.
    pub belief: Option<Belief>,
    /// The run of its checks that is under way or waits to be read.
    pub checking: Option<GateId>,
    /// The checks that it runs, as they were when it was planned.
    pub checked: Vec<PhaseCheck>,
    /// Runs of its checks in a row that told nothing.
    pub lost: u32,
    /// The round of checks that failed, until something is done about it.
    pub failed: Option<FailedRound>,
    /// Failed rounds in a row to which the planner had nothing to add.
    pub vain: u32,
}

impl PhaseProgress {
    /// Every check, people's first; one said twice is one.
    #[must_use]
    pub fn all_checks(&self) -> Vec<PhaseCheck> {
        let mut all = self.checks.clone();
        for check in &self.planned_checks {
            let is_known = |known: &PhaseCheck| {
                known.check_command == check.check_command && known.expected == check.expected
            };
            if !all.iter().any(is_known) {
                all.push(check.clone());
            }
        }
        all
    }

    /// Whether it has any check.
    #[must_use]
    pub fn has_checks(&self) -> bool {
        !self.checks.is_empty() || !self.planned_checks.is_empty()
    }
}

/// The agents that may plan for a project, in order: the one it names, then those of its workers that are built in
/// as planners, or say `planner: true` themselves.
#[must_use]
pub fn planners(settings: &ProjectSettings) -> Vec<&AgentId> {
    let named = settings.session_defaults.planner_agent.as_ref();
    let is_used = |id: &AgentId| settings.workers.iter().any(|worker| worker.agents.contains(id));
    let others = settings.agents.iter().filter(|agent| agent.planner && agent.plans && is_used(&agent.id));
    let all = named.into_iter().chain(others.map(|agent| &agent.id).filter(|id| Some(*id) != named));
    all.filter(|id| settings.agent(id).is_some_and(|agent| agent.enabled)).collect()
}

/// The folder of a project's planner, beside its worktrees. An objective's id never begins with `_`.
#[must_use]
pub fn planner_folder(settings: &ProjectSettings, project: &ProjectSlug) -> String {
    format!("{}/{project}/_planner", settings.worktrees_root)
}
