//! What people trust Paddock with: their checkout, their commits, their files, and work that must not be lost.
//! The built binary, real repositories and real processes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

mod bypass;
mod checkout;
mod commits;
mod disk;
mod kills;
mod panics;
mod places;
mod repositories;
mod scope;
mod security;
mod starts;
mod storage;
