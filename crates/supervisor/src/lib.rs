//! The supervisor: a thin shell around [`paddock_engine::decide`].
//!
//! One thread, the kernel, takes inputs one at a time, lets the engine decide, has the store write the events,
//! and only then lets the effects go to the lanes, where they meet git, processes and files and report back
//! as inputs. Nothing in the kernel waits for a project, a process or a repository.

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
mod jobs;
mod kernel;
mod logging;
mod message;
mod notify;
mod observe;
mod options;
mod panics;
mod printer;
mod projects;
mod radar;
mod run;
mod screens;
mod service;
mod signals;
mod tail;
mod trust;
mod world;

pub use ask::ask;
pub use checkup::{Checkup, check_agent};
pub use effects::planner_prompt;
pub use error::{EffectError, SupervisorError};
pub use options::{Options, RunEnd};
pub use projects::read_project;
pub use run::{COMMAND_PATIENCE, run};
pub use trust::{read_trust, with_agreement};
