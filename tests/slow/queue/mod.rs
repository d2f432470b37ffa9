//! The merge queue on real repositories: tests that branches tamper with, gates that check nothing, hang or run
//! nothing, pushes, and who will collide with whom.

mod agreement;
mod batches;
mod canary;
mod disk_space;
mod folders;
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
