//! Bringing work home from a place with a repository of its own.
//!
//! Two sides talk in frames over pipes. The helper of a place ([`serve()`]) runs with the agent's rights: it
//! reads the place's repository and sends what is new. The supervisor trusts nothing that it says: each object
//! is checked in quarantine before it may enter the project's repository.

mod frame;
mod limits;

pub use limits::Limits;
