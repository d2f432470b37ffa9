//! The console's knowledge of the workspace: facts, and values derived from them.

mod digest;
pub(crate) mod evidence;
mod facts;
pub(crate) mod failure_lines;

pub use digest::{Digest, Spent};
pub(crate) use facts::{EVENTS_MAX, StartStep};
pub use facts::{Facts, FactsMsg, Loaded, SupervisorSeen};
pub use paddock_model::needs::{Need, NeedKind};
