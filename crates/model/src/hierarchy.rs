//! Goals, milestones and phases. People set them, and objectives belong to phases.
//!
//! One node of each level is active in a project at a time; activating a node activates those above it.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::ids::{NodeId, ProjectSlug};
use super::plan::PhaseCheck;
use super::planning::PhaseProgress;

/// Level of a node in the hierarchy.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A long-term aim of the project.
    Goal,
    /// A verifiable part of a goal.
    Milestone,
    /// A step of work within a milestone.
    Phase,
}

impl Level {
    /// Every level, from the largest to the smallest.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Returns the name of the level, for people and scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Goal => "goal",
            Self::Milestone => "milestone",
            Self::Phase => "phase",
        }
    }

    /// Returns the level above; `None` for goals.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        match self {
            Self::Goal => None,
            Self::Milestone => Some(Self::Goal),
            Self::Phase => Some(Self::Milestone),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// State of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The node's turn has not come yet.
    Planned,
    /// The node is being worked on.
    Active,
    /// The node is complete.
    Completed,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Returns the name of the stage, for people and scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Active => "active",
            Self::Completed => "completed",
        }
    }
}

/// Name of a node: its project, its level, and an id that is unique among these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeKey {
    /// Project of the node.
    pub project: ProjectSlug,
    /// Level of the node.
    pub level: Level,
    /// Id of the node.
    pub id: NodeId,
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.level, self.id)
    }
}

/// A goal, a milestone or a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HierarchyNode {
    /// Name of the node.
    pub key: NodeKey,
    /// Title, one line of any text.
    pub title: String,
    /// Description, any text.
    pub description: String,
    /// Id of the node above: the goal of a milestone, the milestone of a phase. It may be missing.
    pub parent: Option<NodeId>,
    /// Current stage.
    pub stage: Stage,
    /// When the node entered this stage, in Unix milliseconds.
    pub since_ms: i64,
    /// Sequence number of the event that added the node. Nodes are listed in this order, unless `rank`
    /// differs.
    pub added_seq: u64,
    /// Position among the nodes of its level, if an imported document changed it.
    #[serde(default)]
    pub rank: Option<u64>,
    /// Progress of a phase; unused on other levels.
    #[serde(default)]
    pub progress: PhaseProgress,
}

impl HierarchyNode {
    /// Returns the sort key of the node among those of its level.
    #[must_use]
    pub fn place(&self) -> (u64, u64) {
        (self.rank.unwrap_or(self.added_seq), self.added_seq)
    }

    /// Returns the title and the first paragraph of the description, for the prompts of objectives.
    #[must_use]
    pub fn text(&self) -> String {
        let first = self.description.trim().split("\n\n").next().unwrap_or_default();
        // A block of code may be a plan or a script, which does not read as a sentence.
        let first = if first.contains("```") { "" } else { first };
        let line: Vec<&str> = first.split_whitespace().collect();
        match line.join(" ") {
            line if line.is_empty() => self.title.clone(),
            line => format!("{}: {}", self.title, line.chars().take(TEXT_CHARS_MAX).collect::<String>()),
        }
    }

    /// Returns the title and the whole description, for the planner's prompt.
    #[must_use]
    pub fn whole_text(&self) -> String {
        match self.description.trim() {
            "" => self.title.clone(),
            text => format!("{}: {text}", self.title),
        }
    }
}

/// Largest number of characters of a description in the prompt of an objective.
const TEXT_CHARS_MAX: usize = 600;

/// An order of a person about the hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's line explains its fields")]
pub enum NodeOrder {
    /// Add a node. It becomes active if no other node of its level is.
    Add { title: String, description: String, parent: Option<NodeId> },
    /// Change a node; `None` = unchanged.
    Edit { title: Option<String>, description: Option<String>, parent: Option<NodeId> },
    /// Activate the node instead of the one that is active.
    Activate,
    /// Mark the node complete.
    Complete,
    /// Delete the node and everything below it.
    Delete,
    /// Remove a check of a phase.
    RemoveCheck { check: PhaseCheck },
}

/// A goal, milestone or phase of an imported document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedNode {
    /// Level of the node.
    pub level: Level,
    /// Id of the node.
    pub id: NodeId,
    /// Title, one line of any text.
    pub title: String,
    /// Description, any text.
    pub description: String,
    /// Id of the node above.
    pub parent: Option<NodeId>,
    /// Checks of a phase.
    pub checks: Vec<PhaseCheck>,
}

/// A phase with the milestone and the goal above it, as far as they are known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Line<'a> {
    /// The goal.
    pub goal: Option<&'a HierarchyNode>,
    /// The milestone.
    pub milestone: Option<&'a HierarchyNode>,
    /// The phase.
    pub phase: Option<&'a HierarchyNode>,
}
