//! Paddock lets AI coding agents do real engineering work unattended and lands only what passed the gate.
//!
//! The crate is a library so that tests and benches drive the same code as the binary. ARCHITECTURE.md
//! explains the rooms; dependencies point down: [`domain`] imports nothing of ours.

pub mod cli;
#[path = "../crates/config/src/lib.rs"]
pub mod config;
#[path = "../crates/console/src/lib.rs"]
pub mod console;
#[path = "../crates/model/src/lib.rs"]
pub mod domain;
#[path = "../crates/engine/src/lib.rs"]
pub mod engine;
#[path = "../crates/git/src/lib.rs"]
pub mod git;
#[path = "../crates/store/src/codec/mod.rs"]
pub mod ledger;
#[path = "../crates/ipc/src/lib.rs"]
pub mod link;
#[path = "../crates/os/src/lib.rs"]
pub mod os;
#[path = "../crates/report/src/lib.rs"]
pub mod report;
#[path = "../crates/runner/src/lib.rs"]
pub mod runner;
#[path = "../crates/agents/src/lib.rs"]
pub mod session;
#[path = "../crates/store/src/lib.rs"]
pub mod store;
#[path = "../crates/supervisor/src/lib.rs"]
pub mod supervisor;
