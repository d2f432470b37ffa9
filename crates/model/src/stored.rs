//! Events as the log stores them, before their data is interpreted.

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Sequence number in the log: 1, 2, 3, … without gaps.
    pub seq: u64,
    /// When it was recorded, in Unix milliseconds.
    pub at_ms: i64,
    /// Type of the event, in `snake_case`.
    pub kind: String,
    /// Version of the shape of `data`. Readers convert older versions.
    pub version: u32,
    /// Project of the event, if any.
    pub project: Option<String>,
    /// Objective of the event, if any.
    pub objective: Option<String>,
    /// Session of the event, if any.
    pub session: Option<u64>,
    /// Remaining fields as JSON. They contain nothing bulky and no secrets.
    pub data: String,
}
