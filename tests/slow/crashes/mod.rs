//! Paddock killed: the supervisor and the keepers by SIGKILL at every named moment (`paddock_os::fail_points`), and at
//! random ones. Whatever happens, the end is that of an undisturbed run.

mod container;
mod matrix;
mod scene;
mod soak;
