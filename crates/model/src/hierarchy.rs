//! Goals, milestones and phases: what people set, and objectives belong to (SPEC 1).

use serde::{Deserialize, Serialize};
use std::fmt;

use super::ids::{NodeId, ProjectSlug};
use super::plan::PhaseCheck;
use super::planning::PhaseProgress;

/// How large an aim is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A long-term aim.
    Goal,
    /// A verifiable stage of a goal.
    Milestone,
    /// A step of work within a milestone.
    Phase,
}

impl Level {
    /// Every one, in order.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The word of SPEC 1.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Goal => "goal",
            Self::Milestone => "milestone",
            Self::Phase => "phase",
        }
    }

    /// What one of this level belongs to.
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

/// Where an aim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its turn has not come.
    Planned,
    /// It is being worked on; one of each level in a project at a time.
    Active,
    /// It is reached.
    Completed,
}

impl Stage {
    /// Every one, in order.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The word for people and scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Active => "active",
            Self::Completed => "completed",
        }
    }
}

/// Names an aim: its project, its level, and an id that is unique among those.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeKey {
    /// The project it belongs to.
    pub project: ProjectSlug,
    /// How large it is.
    pub level: Level,
    /// Its id.
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
    /// Its name.
    pub key: NodeKey,
    /// One line; any text.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// The goal of a milestone, the milestone of a phase; may be missing.
    pub parent: Option<NodeId>,
    /// Where it stands.
    pub stage: Stage,
    /// Since when, in Unix milliseconds.
    pub since_ms: i64,
    /// The number of the event that added it: they are shown in this order, unless `rank` says otherwise.
    pub added_seq: u64,
    /// Its place among its level, where a document put it elsewhere than it was added.
    #[serde(default)]
    pub rank: Option<u64>,
    /// How far a phase has come.
    #[serde(default)]
    pub progress: PhaseProgress,
}

impl HierarchyNode {
    /// Its place among its level: lower comes first.
    #[must_use]
    pub fn place(&self) -> (u64, u64) {
        (self.rank.unwrap_or(self.added_seq), self.added_seq)
    }

    /// Title and the first paragraph of the description, as the prompt of an objective tells them.
    #[must_use]
    pub fn text(&self) -> String {
        let first = self.description.trim().split("\n\n").next().unwrap_or_default();
        // A block may be a plan or a script, and is no sentence.
        let first = if first.contains("```") { "" } else { first };
        let line: Vec<&str> = first.split_whitespace().collect();
        match line.join(" ") {
            line if line.is_empty() => self.title.clone(),
            line => format!("{}: {}", self.title, line.chars().take(TEXT_CHARS_MAX).collect::<String>()),
        }
    }

    /// Title and description, as the planner is told of what its phase belongs to.
    #[must_use]
    pub fn whole_text(&self) -> String {
        match self.description.trim() {
            "" => self.title.clone(),
            text => format!("{}: {text}", self.title),
        }
    }
}

/// Characters of a description that every objective's prompt repeats.
const TEXT_CHARS_MAX: usize = 600;

/// What a person asks of the hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields say what the variant's line says of them")]
pub enum NodeOrder {
    /// Add one. It becomes active when none of its level is.
    Add { title: String, description: String, parent: Option<NodeId> },
    /// Change it; none = as it is.
    Edit { title: Option<String>, description: Option<String>, parent: Option<NodeId> },
    /// Work on it from now on, instead of the one that is active.
    Activate,
    /// It is reached.
    Complete,
}

/// A goal, milestone or phase as a document has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedNode {
    /// How large it is.
    pub level: Level,
    /// Its id.
    pub id: NodeId,
    /// One line; any text.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// What it belongs to.
    pub parent: Option<NodeId>,
    /// The checks of a phase.
    pub checks: Vec<PhaseCheck>,
}

/// The goal, milestone and phase that belong together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Line<'a> {
    /// The goal.
    pub goal: Option<&'a HierarchyNode>,
    /// The milestone.
    pub milestone: Option<&'a HierarchyNode>,
    /// The phase.
    pub phase: Option<&'a HierarchyNode>,
}
