//! What goes into the store and comes out of it.

use std::collections::BTreeMap;

use paddock_model::event::Durability;
use paddock_model::stored::StoredEvent;

/// What a row describes; each kind has a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// A project, by its slug: what neither of the next two holds.
    Project,
    /// The settings of a project, by its slug.
    ProjectSettings,
    /// The merge queue of a project, by its slug.
    ProjectQueue,
    /// An objective, by `project/objective`.
    Objective,
    /// A session, by its number.
    Session,
    /// A gate run, by its number.
    Gate,
    /// A goal, milestone or phase.
    Hierarchy,
    /// Whatever there is one of per workspace (counters, snapshots).
    Meta,
}

impl EntityKind {
    /// The name of its table.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::ProjectSettings => "project_settings",
            Self::ProjectQueue => "project_queue",
            Self::Objective => "objective",
            Self::Session => "session",
            Self::Gate => "gate",
            Self::Hierarchy => "hierarchy",
            Self::Meta => "meta",
        }
    }

    /// Returns the version of the schema that has its table first.
    pub(super) const fn since(self) -> i64 {
        match self {
            Self::Project | Self::Objective | Self::Session | Self::Gate | Self::Hierarchy | Self::Meta => 1,
            Self::ProjectSettings | Self::ProjectQueue => 2,
        }
    }
}

/// The new state of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it describes.
    pub kind: EntityKind,
    /// Its key within its kind.
    pub key: String,
    /// Its state as JSON text; `None` deletes the row.
    pub body: Option<String>,
}

/// Events and the rows that follow from them: written together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Contiguous events that continue the log.
    pub events: Vec<StoredEvent>,
    /// The rows the events touched. They are stamped with the last event written so far.
    pub rows: Vec<Row>,
    /// What the batch survives once it is acknowledged: [`Durability::Process`] costs microseconds,
    /// [`Durability::Power`] flushes everything up to here, which costs milliseconds, also with an empty batch.
    pub durability: Durability,
}

/// How a batch was committed, for gauges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommitInfo {
    /// How long the transaction took, in seconds, flush included.
    pub seconds: f64,
    /// Whether it was flushed to the disk.
    pub flushed: bool,
    /// How many batches shared the transaction.
    pub batches: usize,
    /// The last event of the log after this transaction; 0 when the log is empty.
    pub last_seq: u64,
}

/// Which events to read. The default reads all, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Only events after this sequence number.
    pub since_seq: Option<u64>,
    /// Only events at or after this time, in milliseconds since 1970 (UTC).
    pub since_ms: Option<i64>,
    /// Only these types; empty means all.
    pub kinds: Vec<String>,
    /// Only this project.
    pub project: Option<String>,
    /// Only objectives of this id.
    pub objective: Option<String>,
    /// At most this many.
    pub limit: Option<u32>,
    /// Newest first instead of oldest first (and `limit` then keeps the newest).
    pub newest_first: bool,
}

/// Rows as they were at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last event that the rows contain.
    pub last_seq: u64,
    /// Key and body of every row of the kinds that were asked for, by key.
    pub rows: BTreeMap<EntityKind, Vec<(String, String)>>,
}
