//! What the console knows: facts, and what is derived from them.

mod digest;
pub mod evidence;
mod facts;
pub mod telling;

pub use digest::{Digest, Spent};
pub use facts::{EVENTS_MAX, Facts, FactsMsg, Loaded, StartStep, SupervisorSeen};
pub use paddock_model::needs::{Need, NeedKind};
