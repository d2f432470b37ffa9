//! The operating system below everything: panics, and moments at which tests kill the process. Knows nothing of Paddock.

pub mod fail_points;
pub mod panics;
