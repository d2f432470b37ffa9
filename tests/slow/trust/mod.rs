//! What people trust Paddock with: their checkout, their commits, their files, and work that must not be lost.
//! The built binary, real repositories and real processes.

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
