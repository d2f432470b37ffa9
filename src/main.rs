//! Arguments to front end; nothing else.

mod cli;

use std::ffi::OsStr;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A keeper must stay tiny and an entering agent must not inherit anything: they branch off before all else.
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_deref().and_then(OsStr::to_str) {
        Some("__keeper") => return paddock_runner::keeper::main(arguments),
        Some("__enter") => return paddock_runner::enter::main(arguments),
        Some("__scripted") => return paddock_agents::scripted::main(arguments),
        _ => {}
    }
    // Only for panics: errors are told in our own words. Without it a panic is told in Rust's.
    let _ = color_eyre::install();
    cli::main(std::env::args_os())
}
