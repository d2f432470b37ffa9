//! The local runner with real processes, in this process.

mod bench;
mod ends;
#[cfg(target_os = "linux")]
mod trees;
