//! Goals that are completed without people: the planner, its plans and the checks of phases, on real
//! repositories with real gates and with scripts as agents.

mod beliefs;
mod documents;
mod headless;
mod hierarchy;
mod people;
mod planners;
mod plans;
mod who_plans;
