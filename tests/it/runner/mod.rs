//! The local runner, run inside the test's process, with real keepers and jobs.

mod bench;
mod ends;
mod guard;
#[cfg(target_os = "linux")]
mod slots;
#[cfg(target_os = "linux")]
mod trees;
