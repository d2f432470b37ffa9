//! The core behavior, end to end: the built binary on real workspaces and repositories, with shell scripts as
//! agents. No test depends on speed: a deadline only ends a test whose event never comes.

mod asleep;
mod behind;
mod commands;
mod containers;
mod gates;
mod graphs;
mod hostile;
mod input;
mod left_behind;
mod names;
mod origins;
mod own_places;
mod slots;
mod users;
