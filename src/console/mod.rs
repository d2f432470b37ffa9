//! The console.

pub mod lanes;
