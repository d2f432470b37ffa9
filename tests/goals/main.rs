//! Goals that finish by themselves: the planner, its plans and the checks of phases, on real repositories with
//! real gates, with agents that are scripts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../spine/place.rs"]
#[expect(dead_code, reason = "shared with the spine, which uses all of it")]
mod place;
#[path = "../spine/supervisor.rs"]
mod supervisor;

mod beliefs;
mod documents;
mod headless;
mod people;
mod planners;
mod plans;
