//! Tests of what people trust Paddock with: their checkout, commits and files, and work that must not be
//! lost. They use the built binary, real repositories and real processes.

mod bypass;
mod checkout;
mod commits;
mod disk;
mod kills;
mod own_files;
mod panics;
mod pipes;
mod places;
mod programs;
mod repositories;
mod scope;
mod security;
mod starts;
mod storage;
