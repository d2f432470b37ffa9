//! Commands: what people ask for, through the command line or the console.

use serde::{Deserialize, Serialize};

use super::agent::Check;
use super::facts::{RepositoryFacts, TargetFacts, TrustRecord};
use super::hierarchy::{ImportedNode, NodeKey, NodeOrder};
use super::ids::{AgentId, ObjectiveId, ObjectiveKey, Person, ProjectSlug, SessionId};
use super::objective::ObjectiveSpec;
use super::operate::Order;
use super::plan::PlanDocument;
use super::settings::ProjectSettings;

/// How the supervisor lays down its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopMode {
    /// No new work; sessions are asked to stop and harvested; the landing in progress is finished.
    Graceful,
    /// Sessions are killed and harvested.
    Now,
    /// Sessions go on under their keepers.
    Leave,
}

/// A request that changes state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields say what the variant's line says of them")]
pub enum Command {
    /// Put a repository under management.
    ProjectAdd { project: ProjectSlug, settings: Box<ProjectSettings>, repository: RepositoryFacts },
    /// Let it be worked on, or not.
    ProjectEnable { project: ProjectSlug, enabled: bool },
    /// Pause or resume dispatch and planner.
    ProjectPause { project: ProjectSlug, paused: bool },
    /// Agree to its configuration as it is now.
    ProjectTrust { project: ProjectSlug, trust: TrustRecord },
    /// Land on another branch from now on.
    ProjectSetTarget { project: ProjectSlug, order: Box<SetTarget> },
    /// Stop managing it.
    ProjectRemove { project: ProjectSlug },
    /// Add objectives, all or none.
    ObjectivesAdd { project: ProjectSlug, objectives: Vec<(ObjectiveId, ObjectiveSpec)> },
    /// Do something with an objective; `by` is who asks, for the record.
    Objective { objective: ObjectiveKey, order: Order, by: Person },
    /// Do something with a goal, milestone or phase.
    #[serde(rename = "aim")]
    Node {
        #[serde(rename = "aim")]
        node: NodeKey,
        order: NodeOrder,
    },
    /// Bring goals, milestones and phases to what a document says; all of it or nothing.
    #[serde(rename = "aims_import")]
    NodesImport {
        project: ProjectSlug,
        #[serde(rename = "aims")]
        nodes: Vec<ImportedNode>,
    },
    /// Make a plan now.
    PlanNow { project: ProjectSlug },
    /// Apply a plan that a person wrote.
    PlanApply { project: ProjectSlug, plan: Box<PlanDocument> },
    /// Let the plan that waits become objectives.
    PlanApprove { project: ProjectSlug },
    /// Send the plan that waits back to the planner.
    PlanReject { project: ProjectSlug, note: String },
    /// Kill a session.
    SessionKill { session: SessionId },
    /// Give a session more.
    SessionExtend {
        session: SessionId,
        minutes: u32,
        commits: u32,
        #[serde(default)]
        tokens: u64,
        #[serde(default)]
        usd_micros: u64,
    },
    /// Let an agent be used, or not, in any project; `by` is who asks.
    AgentEnable { agent: AgentId, enabled: bool, by: Person },
    /// An agent was checked.
    AgentChecked { agent: AgentId, check: Check },
    /// Hold the merge queue.
    QueueHold { project: ProjectSlug },
    /// Let it go on.
    QueueRelease { project: ProjectSlug },
    /// Try the gate on an emptied tree.
    QueueCanary { project: ProjectSlug },
    /// Take the target branch as it is.
    QueueAdopt { project: ProjectSlug },
    /// Bring landed work onto the target branch again.
    QueueRepublish { project: ProjectSlug },
    /// Publish now.
    QueuePublish { project: ProjectSlug },
    /// Stop the supervisor.
    SupervisorStop { mode: StopMode },
}

impl Command {
    /// The project that has to exist for this to be done. None where the command makes one, names none, or names what
    /// belongs to a project and is looked for by its own name.
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
            | Self::PlanNow { project }
            | Self::PlanApply { project, .. }
            | Self::PlanApprove { project }
            | Self::PlanReject { project, .. }
            | Self::QueueHold { project }
            | Self::QueueRelease { project }
            | Self::QueueCanary { project }
            | Self::QueueAdopt { project }
            | Self::QueueRepublish { project }
            | Self::QueuePublish { project } => Some(project),
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

/// Which branch to land on, and what was found of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTarget {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Where it is, against what is recorded of the branch of before.
    pub facts: TargetFacts,
    /// Objectives whose landings it lacks.
    pub lacks: Vec<ObjectiveId>,
    /// Also where work in progress brings commits of the other branch along, or landings are left behind.
    pub anyway: bool,
}

/// A command that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What was done, for people.
    pub text: String,
    /// Objectives that it concerned.
    pub objectives: Vec<ObjectiveKey>,
}

impl Answer {
    /// An answer that is only a sentence.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), objectives: Vec::new() }
    }
}

/// A command that was not carried out; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// Why, and what to do instead.
    pub text: String,
    /// Whether the command came too late for a supervisor that ends, and may be sent again when that is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ending: bool,
}

impl Refusal {
    /// A refusal with its reason.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_ending: false }
    }

    /// The refusal of a supervisor that ends: nothing was changed, and the next one may be asked.
    #[must_use]
    pub fn ending() -> Self {
        let text = "the supervisor is ending; try again when it is gone".to_owned();
        Self { text, is_ending: true }
    }
}

/// What comes back for a command.
pub type Reply = Result<Answer, Refusal>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_that_the_supervisor_ends_and_an_older_one_is_read() {
        let plain = Refusal::new("no");
        assert_eq!(serde_json::to_string(&plain).unwrap(), r#"{"text":"no"}"#);
        assert_eq!(serde_json::from_str::<Refusal>(r#"{"text":"no"}"#).unwrap(), plain);
        let ending = serde_json::to_string(&Refusal::ending()).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&ending).unwrap(), Refusal::ending());
    }
}
