//! Integration tests: the crates on real files, repositories and sockets, and the built program on real
//! workspaces with scripts as agents.
//!
//! All tests share one process, so none may change the state of the process: environment variables, the
//! working folder, resource limits. `paddock_testkit::alone` gives a test a process of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod agents;
mod cli;
mod cli_follow;
mod cli_json;
mod config;
mod console;
mod crates;
mod explain;
mod first_hour;
mod fuzz_corpus;
mod git_parts;
mod goals;
mod golden_events;
mod ipc;
mod ipc_flood;
mod judgement;
mod one_of_each;
mod operate;
mod runner;
mod scripted_agent;
mod shipped;
mod spine;
mod store_durability;
mod store_open;
mod store_place;
mod store_projects;
mod tidy;
mod world;
