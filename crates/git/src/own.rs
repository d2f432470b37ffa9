//! Own places: repositories of their own whose objects are borrowed from the project's.
//!
//! A session in an own place has a repository at the path where it would have a worktree. Everything in it may
//! be changed by the session, so nothing of it steers Paddock's git. For each own place Paddock keeps a
//! *shadow*: a private folder in the project's git directory that has what the git directory of a linked
//! worktree has (HEAD, index, marker). Paddock's git works on the place's files with the shadow, and with the
//! project's objects, refs and configuration; it never opens the place's `.git`.
//!
//! - `make` makes a place: the shadow, the repository, the files.
//! - `repository` writes what is in the place's `.git`, and nothing there through a link.
//! - `settings` says which of the project's settings a place has.
//! - `borrowed` keeps by refs what a place borrows, so that no `git gc` in the project takes it away.
//! - `give` brings the place's `.git` to what the shadow and the project say, before a session.
//! - `shadow` finds and removes shadows.

mod borrowed;
mod give;
mod make;
mod repository;
mod settings;
mod shadow;

pub(crate) use give::give_place;
pub(crate) use make::make;
pub use shadow::{OwnShadow, own_places, work_head};
pub(crate) use shadow::{find, finish_forgetting, forget};

/// Prefix of the refs that keep what an own place borrows. The name of the place and an id follow.
pub(crate) const PLACES: &str = "refs/paddock/places/";
