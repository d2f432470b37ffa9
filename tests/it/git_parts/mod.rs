//! The git crate on real repositories.

mod bypass;
mod chains;
mod coming_home;
mod configured;
mod differences;
mod gate_folders;
mod gate_looks;
mod gate_submodules;
mod gates;
mod harvesting;
mod hidden_work;
mod homecomings;
mod hostile;
mod landing;
mod linear;
mod origins;
mod own_places;
mod publishing;
mod radar;
mod repositories;
mod rewritten;
mod set_ups;
mod stashes;
mod support;
mod user_config;
mod worktrees;
