//! Working files that are kept and reset, instead of removed and made anew.
//!
//! When a worktree is removed, its folder goes into the pool of its project ([`shelf`], `retire`). In the
//! background it is brought to exactly the integration tip ([`tend`]): nothing that an agent left stays. When
//! the next worktree is made, such an entry is proven to be as it was left (`take`), moved to the wanted
//! commit by writing only what differs, renamed to its place, and registered with git (`register`).
//!
//! What is kept is the files, and an index of Paddock's own making; never the git directory in which an agent
//! could write. What is known of an entry lies in a private folder of the repository. An entry counts only
//! while its file `ready.json` lies there, which is written last and removed first; so a crash leaves an
//! entry that is reset again, or removed, and never one that is trusted.
//!
//! One process at a time uses the pool of a repository: the one that holds the workspace lock.

mod ready;
mod register;
mod retire;
mod shelf;
mod take;
mod tend;
#[cfg(test)]
mod tests;

pub(crate) use register::register;
pub use retire::retire_worktree;
pub use shelf::Pool;
pub(crate) use take::Taken;
pub use tend::{PoolOrder, PoolState, remove_pool, tend_pool};
