//! Supervisor and keepers are killed by SIGKILL at every fail point (`paddock_os::fail_points`) and at random
//! moments. The end must be that of an undisturbed run.

mod container;
mod matrix;
mod scene;
mod soak;
