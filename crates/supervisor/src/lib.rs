//! The supervisor: a thin shell around the pure engine, [`paddock_engine::decide`].
//!
//! One thread, the kernel, owns the state. It takes one message at a time from its inbox, lets the engine
//! decide, and hands the resulting events to the store. Only after the store has committed them do the
//! effects run, the client gets its reply, and subscribers see the events. The kernel itself never waits for
//! a repository, a process or a client; it waits only for its inbox.
//!
//! ```text
//!  signals ───────────────┐
//!  ipc (socket, tokio) ───┤                                       ┌▶ executor: effects and looks
//!  job reports (keepers) ─┤ Message        batch       committed  ├▶ reply to the client
//!  watches (refs, files) ─┼───────▶ kernel ─────▶ store-writer ───┼▶ notify: the user's commands
//!  tails (agents' output) ┤         (step)                        ├▶ printer: the run's own output
//!  executor (answers) ────┘                                       └▶ feed: subscribers on the socket
//! ```
//!
//! - **Effects** (`effects/`) do the work: git, processes, files. Each reports its outcome back as an input.
//!   The executor runs jobs with the same key in order and jobs with different keys in parallel.
//! - **Looks** read something and change nothing: refs, commit counts, project files. The next poll repeats
//!   them, so a newer look replaces an older one that still waits.
//! - **Panics.** A panic in an effect becomes an event and the effect runs again. A panic in a thread that
//!   the supervisor depends on ends the supervisor, which names the thread (`panics`).
//! - **Full disk.** The store-writer retries its batch; meanwhile the kernel decides nothing (`disk_wait`).
//! - **Without a supervisor** a command takes the workspace lock and runs a passive kernel in its own process
//!   (`ask`).

mod agreement;
mod ask;
mod checkup;
mod claims;
mod clock;
mod commits;
mod copies;
mod disk_space;
mod disk_wait;
mod effects;
mod error;
mod executor;
pub mod gate_job;
mod hanging;
mod homecoming;
mod homes;
pub mod inspect;
mod jobs;
mod kernel;
mod logging;
mod message;
mod notify;
mod observe;
mod options;
mod own_files;
mod panics;
mod pools;
mod printer;
mod project_reads;
mod projects;
mod radar;
mod radars;
mod reading;
mod run;
mod service;
pub mod set_up_job;
mod signals;
mod slot_places;
mod stamps;
mod tail;
pub mod take_up;
pub mod test_reports;
mod trust;
mod user_refs;
mod world;

pub use ask::ask;
pub use checkup::{Checkup, check_agent};
pub use effects::{LFS_REMEDY, command_results, copy_into, lfs_text, planner_prompt};
pub use error::{EffectError, SupervisorError};
pub use options::{Options, RunEnd};
pub use projects::read_project;
pub use run::{COMMAND_PATIENCE, dry_run, run};
pub use set_up_job::{described, last_line};
pub use slot_places::slot_places;
pub use trust::{
    AGREEMENT, agreed, judged, programs_of_the_repository, read_trust, with_agreement, without_programs,
};
