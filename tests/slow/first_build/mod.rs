//! A workspace that the first build left behind, with a session that goes on under its keeper: this build opens it and
//! goes on, and says in JSON all that scripts were promised.
//!
//! `workspace.tar.gz` was made by make.sh and pack.sh with the first build's binary and is never made anew. The session
//! has a stand-in for its keeper here (keeper.sh); `.ci/run full` builds the first build from the history and does the
//! same with real ones.

mod goes_on;
mod json;
mod place;
