//! Commands of people about objectives and the hierarchy: with the built binary and shell scripts as agents,
//! and against the engine itself for moments that pass too fast.

mod back;
mod decisions;
mod kept;
mod needs;
mod nodes;
mod paused;
mod set_aside;
mod set_ups;
mod shaped;
