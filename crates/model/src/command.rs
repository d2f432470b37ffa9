//! Commands: requests of people that change state, from the command line or the console.

use serde::{Deserialize, Serialize};

use super::agent::Check;
use super::facts::{RepositoryFacts, TargetFacts, TrustRecord};
use super::hierarchy::{ImportedNode, NodeKey, NodeOrder};
use super::ids::{AgentId, ObjectId, ObjectiveId, ObjectiveKey, Person, ProjectSlug, SessionId};
use super::objective::ObjectiveSpec;
use super::operate::Order;
use super::plan::PlanDocument;
use super::settings::ProjectSettings;

/// What a stopping supervisor does with running sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopMode {
    /// Starts no new work, asks sessions to stop, harvests them, and finishes the landing in progress.
    Graceful,
    /// Kills sessions and harvests them.
    Now,
    /// Leaves sessions running under their keepers.
    Leave,
}

/// A request that changes state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's line explains its fields")]
pub enum Command {
    /// Add a repository as a project.
    ProjectAdd { project: ProjectSlug, settings: Box<ProjectSettings>, repository: RepositoryFacts },
    /// Enable or disable a project.
    ProjectEnable { project: ProjectSlug, enabled: bool },
    /// Pause or resume a project: dispatch and planner.
    ProjectPause { project: ProjectSlug, paused: bool },
    /// Trust the current configuration of a project.
    ProjectTrust { project: ProjectSlug, trust: TrustRecord },
    /// Change the target branch of a project.
    ProjectSetTarget { project: ProjectSlug, order: Box<SetTarget> },
    /// Remove a project.
    ProjectRemove { project: ProjectSlug },
    /// Add objectives: all of them, or none if one is refused.
    ObjectivesAdd { project: ProjectSlug, objectives: Vec<(ObjectiveId, ObjectiveSpec)> },
    /// Give an order about an objective; `by` names the person for the record.
    Objective { objective: ObjectiveKey, order: Order, by: Person },
    /// Give an order about a goal, milestone or phase.
    #[serde(rename = "aim")]
    Node {
        #[serde(rename = "aim")]
        node: NodeKey,
        order: NodeOrder,
    },
    /// Make goals, milestones and phases match a document: all of it, or nothing if a part is refused.
    #[serde(rename = "aims_import")]
    NodesImport {
        project: ProjectSlug,
        #[serde(rename = "aims")]
        nodes: Vec<ImportedNode>,
    },
    /// Make a plan now.
    PlanNow { project: ProjectSlug },
    /// Add the objectives of a plan that a person wrote.
    PlanApply { project: ProjectSlug, plan: Box<PlanDocument> },
    /// Approve the plan that waits, and add its objectives.
    PlanApprove { project: ProjectSlug },
    /// Reject the plan that waits; the planner reads the note.
    PlanReject { project: ProjectSlug, note: String },
    /// Kill a session.
    SessionKill { session: SessionId },
    /// Raise the limits of a session by these amounts.
    SessionExtend {
        session: SessionId,
        minutes: u32,
        commits: u32,
        #[serde(default)]
        tokens: u64,
        #[serde(default)]
        usd_micros: u64,
    },
    /// Enable or disable an agent for all projects; `by` names the person for the record.
    AgentEnable { agent: AgentId, enabled: bool, by: Person },
    /// Say whether an agent, whose settings say nothing about it, may plan for a project.
    AgentMayPlan { project: ProjectSlug, agent: AgentId, may_plan: bool },
    /// Record the result of an agent check.
    AgentChecked { agent: AgentId, check: Check },
    /// Put the merge queue on hold.
    QueueHold { project: ProjectSlug },
    /// Release the merge queue.
    QueueRelease { project: ProjectSlug },
    /// Run the gate on an emptied tree, to find out whether it checks anything.
    QueueCanary { project: ProjectSlug },
    /// Run the gate on the newest landed tree from nothing.
    #[serde(rename = "queue_recheck")]
    AskRecheck { project: ProjectSlug },
    /// Report that a landed commit is not green from nothing, for the reason `problem`.
    RecheckDiffers { project: ProjectSlug, commit: ObjectId, problem: String },
    /// Reset the integration ref to the target branch, or accept work there that did not pass the queue.
    QueueAdopt { project: ProjectSlug },
    /// Bring landed work back onto the target branch.
    QueueRepublish { project: ProjectSlug },
    /// Publish now.
    QueuePublish { project: ProjectSlug },
    /// Fetch the remote's branch, merge it into landed work, and push.
    QueuePull { project: ProjectSlug },
    /// Stop the supervisor.
    SupervisorStop { mode: StopMode },
}

impl Command {
    /// Returns the project that must exist for this command. `None` if the command adds a project, names no
    /// project, or names an entity of one, whose absence is reported by its own name.
    #[must_use]
    pub fn project(&self) -> Option<&ProjectSlug> {
        match self {
            Self::ProjectEnable { project, .. }
            | Self::ProjectPause { project, .. }
            | Self::ProjectTrust { project, .. }
            | Self::ProjectSetTarget { project, .. }
            | Self::ProjectRemove { project }
            | Self::ObjectivesAdd { project, .. }
            | Self::NodesImport { project, .. }
            | Self::AgentMayPlan { project, .. }
            | Self::PlanNow { project }
            | Self::PlanApply { project, .. }
            | Self::PlanApprove { project }
            | Self::PlanReject { project, .. }
            | Self::QueueHold { project }
            | Self::QueueRelease { project }
            | Self::QueueCanary { project }
            | Self::AskRecheck { project }
            | Self::RecheckDiffers { project, .. }
            | Self::QueueAdopt { project }
            | Self::QueueRepublish { project }
            | Self::QueuePublish { project }
            | Self::QueuePull { project } => Some(project),
            Self::Node { node, .. } => Some(&node.project),
            Self::ProjectAdd { .. }
            | Self::Objective { .. }
            | Self::SessionKill { .. }
            | Self::SessionExtend { .. }
            | Self::AgentEnable { .. }
            | Self::AgentChecked { .. }
            | Self::SupervisorStop { .. } => None,
        }
    }
}

/// A target branch, and what was found out about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTarget {
    /// Name of the branch, without `refs/heads/`.
    pub branch: String,
    /// Commit of the branch, compared with the recorded refs.
    pub facts: TargetFacts,
    /// Objectives whose landings the branch does not contain.
    pub lacks: Vec<ObjectiveId>,
    /// Whether to proceed even if work in progress would bring along commits of the other branch, or landings
    /// would be left behind.
    pub anyway: bool,
}

/// Answer to a command that was executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What was done, for people.
    pub text: String,
    /// Objectives that were affected.
    pub objectives: Vec<ObjectiveKey>,
}

impl Answer {
    /// Returns an answer without objectives.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), objectives: Vec::new() }
    }
}

/// Answer to a command that was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// Why, and what to do instead.
    pub text: String,
    /// Whether the supervisor was ending when the command arrived. The client may send it again to the next
    /// one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ending: bool,
}

impl Refusal {
    /// Returns a refusal with its reason.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_ending: false }
    }

    /// Returns the refusal of a supervisor that is ending.
    #[must_use]
    pub fn ending() -> Self {
        let text = "the supervisor is ending; try again when it is gone".to_owned();
        Self { text, is_ending: true }
    }
}

/// Answer to a command.
pub type Reply = Result<Answer, Refusal>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_marks_an_ending_supervisor_and_older_ones_are_readable() {
        let plain = Refusal::new("no");
        assert_eq!(serde_json::to_string(&plain).unwrap(), r#"{"text":"no"}"#);
        assert_eq!(serde_json::from_str::<Refusal>(r#"{"text":"no"}"#).unwrap(), plain);
        let ending = serde_json::to_string(&Refusal::ending()).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&ending).unwrap(), Refusal::ending());
    }
}
