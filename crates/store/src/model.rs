//! Types that the store takes and returns.

use std::collections::BTreeMap;

use paddock_model::event::Durability;
use paddock_model::stored::StoredEvent;

/// What a row describes. Each kind has a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// A project without its settings and queue; the key is its slug.
    Project,
    /// The settings of a project; the key is its slug.
    ProjectSettings,
    /// The merge queue of a project; the key is its slug.
    ProjectQueue,
    /// An objective; the key is `project/objective`.
    Objective,
    /// A session; the key is its number.
    Session,
    /// A gate run; the key is its number.
    Gate,
    /// A goal, milestone or phase; the key names project, level and id.
    Hierarchy,
    /// State that exists once per workspace (counters).
    Meta,
}

impl EntityKind {
    /// Returns the name of the kind's table.
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

    /// Returns the first schema version that has the kind's table.
    pub(super) const fn since(self) -> i64 {
        match self {
            Self::Project | Self::Objective | Self::Session | Self::Gate | Self::Hierarchy | Self::Meta => 1,
            Self::ProjectSettings | Self::ProjectQueue => 2,
        }
    }
}

/// New state of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Kind of the entity.
    pub kind: EntityKind,
    /// Key within the kind.
    pub key: String,
    /// State as JSON text; `None` deletes the row.
    pub body: Option<String>,
}

/// Events and the rows that follow from them, written together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Contiguous events that continue the log.
    pub events: Vec<StoredEvent>,
    /// Rows of the entities that the events changed. Each is stamped with the last sequence number of the
    /// batch.
    pub rows: Vec<Row>,
    /// What the batch survives once it is acknowledged. [`Durability::Process`] costs microseconds.
    /// [`Durability::Power`] flushes everything so far, an empty batch's predecessors included, and costs
    /// milliseconds.
    pub durability: Durability,
}

/// Facts about a commit, for gauges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommitInfo {
    /// Duration of the transaction in seconds, flush included.
    pub seconds: f64,
    /// Whether the transaction was flushed to the disk.
    pub flushed: bool,
    /// Number of batches that shared the transaction.
    pub batches: usize,
    /// Sequence number of the last event of the log after the transaction; 0 if the log is empty.
    pub last_seq: u64,
}

/// Filter for events. The default selects all events, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Selects events after this sequence number.
    pub since_seq: Option<u64>,
    /// Selects events at or after this time, in milliseconds since 1970 (UTC).
    pub since_ms: Option<i64>,
    /// Selects events of these types; empty selects all types.
    pub kinds: Vec<String>,
    /// Selects events of this project.
    pub project: Option<String>,
    /// Selects events of objectives with this id.
    pub objective: Option<String>,
    /// Maximum number of events.
    pub limit: Option<u32>,
    /// Whether to return the newest events first; `limit` then keeps the newest.
    pub newest_first: bool,
}

/// Rows as they were at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Sequence number of the last event that the rows contain.
    pub last_seq: u64,
    /// Key and body of each row, in the order of keys, for each kind that was asked for.
    pub rows: BTreeMap<EntityKind, Vec<(String, String)>>,
}
