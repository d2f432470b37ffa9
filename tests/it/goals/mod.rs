//! Goals that finish by themselves: the planner, its plans and the checks of phases, on real repositories with
//! real gates, with agents that are scripts.

mod beliefs;
mod documents;
mod headless;
mod people;
mod planners;
mod plans;
