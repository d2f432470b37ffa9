//! Bringing work home from a place with a repository of its own.
//!
//! Two sides talk in frames over pipes. The helper of a place ([`main`]) runs with the agent's rights: it
//! reads the place's repository and sends what is new. The supervisor trusts nothing that it says: each object
//! is checked in quarantine before it may enter the project's repository.

mod at_end;
mod bring;
mod check;
mod elsewhere;
mod fault;
mod frame;
mod helper;
mod intake;
mod kept_packs;
mod lfs;
mod limits;
mod named;
mod needs;
mod pack;
mod pack_stream;
mod pipe;
mod place;
mod place_refs;
mod pointer;
mod quarantine;
mod record;
mod send;
mod serve;
mod settle;
mod staged;
mod submodules;
mod talk;
mod walk;
mod watch;

pub use helper::{Helper, Stopper};
pub use limits::Limits;
pub use place::PlaceHome;
pub use record::{Home, NotHome};
pub use serve::main;
pub use talk::PlaceHead;

#[cfg(test)]
mod tests;
