//! Paddock lets AI coding agents do real engineering work unattended and lands only what passed the gate.
//!
//! The crate is a library so that tests and benches drive the same code as the binary. ARCHITECTURE.md
//! explains the rooms; dependencies point down: [`domain`] imports nothing of ours.

pub mod cli;
pub mod config;
pub mod console;
pub mod domain;
pub mod engine;
pub mod git;
pub mod ledger;
pub mod link;
pub mod os;
pub mod report;
pub mod runner;
pub mod session;
pub mod store;
pub mod supervisor;
