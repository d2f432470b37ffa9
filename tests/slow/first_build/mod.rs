//! A workspace of the first build, with a session that still runs under its keeper. This build must open it,
//! continue all work, and print in JSON everything that scripts rely on.
//!
//! `workspace.tar.gz` was made by make.sh and pack.sh with the first build's binary and is never made anew.
//! keeper.sh stands in for the session's keeper; `.ci/run full` builds the first build from the history and
//! repeats the test with real keepers.

mod goes_on;
mod json;
mod place;
