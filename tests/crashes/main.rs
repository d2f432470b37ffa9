//! Paddock killed: the supervisor and the keepers by SIGKILL at every named moment (`paddock::os::fail_points`), and at
//! random ones. Whatever happens, the end is that of an undisturbed run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(dead_code, reason = "the place and the supervisor are those of the spine's tests")]

mod container;
mod matrix;
#[path = "../spine/place.rs"]
mod place;
mod scene;
mod soak;
#[path = "../spine/supervisor.rs"]
mod supervisor;
