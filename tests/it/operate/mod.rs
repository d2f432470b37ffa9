//! What people ask of objectives and of the hierarchy: on the built binary with agents that are shell scripts,
//! and, where a moment has to be held that passes too fast, against the decisions themselves.

mod back;
mod decisions;
mod kept;
mod needs;
mod nodes;
mod paused;
mod set_aside;
mod shaped;
