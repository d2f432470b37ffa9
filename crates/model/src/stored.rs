//! An event as the log keeps it, before its type is known.

/// One recorded fact, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the log: 1, 2, 3, … without gaps.
    pub seq: u64,
    /// When it happened, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The type of the event, in `snake_case`.
    pub kind: String,
    /// The version of the shape that `data` has; readers bring older ones up to date.
    pub version: u32,
    /// The project it belongs to, if any.
    pub project: Option<String>,
    /// The objective it belongs to, if any.
    pub objective: Option<String>,
    /// The session it belongs to, if any.
    pub session: Option<u64>,
    /// The rest, as JSON text. Nothing bulky and no secrets.
    pub data: String,
}
