//! Real agent programs: how their recorded transcripts are read, and whole runs with programs that replay
//! them.

mod identity;
mod properties;
mod recordings;
mod replay;
mod runs;
mod setbacks;
mod shells;
mod surroundings;
mod tools;
