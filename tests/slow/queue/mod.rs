//! The merge queue on real repositories: batches, tampering with tests, gates that check nothing, hang or run
//! no test, pushes, target branches, and predicted conflicts.

mod agreement;
mod batches;
mod canary;
mod disk_space;
mod evidence;
mod folders;
mod gate_caches;
mod gate_tree;
mod gates;
mod guards;
mod merges;
mod publishing;
mod pushes;
mod retarget;
mod signing;
mod situations;
mod slots;
mod tampering;
