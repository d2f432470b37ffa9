//! Paddock: a terminal console and a supervisor that run AI coding agents unattended, review their commits
//! and land them through a merge queue.
//!
//! This binary is the command line. ARCHITECTURE.md explains how the parts work together and why; this page
//! says where to start reading.
//!
//! # The crates
//!
//! From the ground up. Each crate depends only on crates above it in this list.
//!
//! | crate | what it does |
//! |---|---|
//! | [`paddock_model`] | Defines projects, objectives, sessions, the queue, events, and how an event changes the state. Pure. |
//! | [`paddock_os`] | Wraps files, locks, processes and process trees. |
//! | [`paddock_engine`] | Makes every decision, from one input to events and effects. Pure: no I/O, no clock. |
//! | [`paddock_store`] | Keeps events and rows in SQLite. |
//! | [`paddock_git`] | Reads and changes repositories. |
//! | [`paddock_runner`] | Runs agents and gates as jobs, each under a keeper process that outlives the supervisor. |
//! | [`paddock_agents`] | Builds agents' commands and prompts, and reads their output. |
//! | [`paddock_ipc`] | Connects the supervisor to its clients over a Unix socket, and locks workspaces and repositories. |
//! | [`paddock_config`] | Reads project files, `.env` and the workspace folder, and reports every fault with its line. |
//! | [`paddock_supervisor`] | Runs the loop: feeds inputs to the engine, stores its events, executes its effects. |
//! | [`paddock_report`] | Turns the state into `status`, event lines and the morning report. |
//! | [`paddock_console`] | Draws the full-screen console. |
//!
//! # If you want to change …
//!
//! | … | open |
//! |---|---|
//! | a command, its flags or its help | the file in `src/cli/` that is named after it |
//! | a key of the console | `crates/console/src/actions/table.rs` |
//! | a pane or a dialog | `crates/console/src/panes/`, `crates/console/src/dialogs/` |
//! | a setting of the project file | `crates/config/src/settings_table/` |
//! | an agent that is built in | `crates/config/src/builtin.rs`, and its reader in `crates/agents/src/transcript/` |
//! | a prompt | `templates/`, and `crates/agents/src/prompt.rs` for its placeholders |
//! | what happens to an objective next | `crates/engine/src/decide/`; its `mod.rs` lists the files |
//! | the order of the merge queue, batches, blame | `crates/engine/src/train/`, `crates/engine/src/judge.rs` |
//! | what the gate sees, and what outlives a run | `crates/git/src/gate_folder/`; the job: `crates/supervisor/src/gate_job.rs` |
//! | which programs git may run for Paddock | `crates/git/src/configured/table.rs` |
//! | what counts as a secret | `crates/git/src/secrets/rules/` |
//! | what the review refuses | `crates/engine/src/review.rs`, `crates/engine/src/tamper.rs` |
//! | an event | `crates/model/src/event.rs`, then let the compiler name every place that must handle it |
//! | an effect | `crates/engine/src/effect.rs`, and its file in `crates/supervisor/src/effects/` |
//! | the database | `crates/store/src/migrate.rs` and `crates/store/src/migrations/` |
//!
//! # The way of a command
//!
//! [`cli`] parses the arguments and finds the workspace. A command that only reads loads the state from the
//! database. A command that changes something becomes a `paddock_model::command::Command`;
//! `paddock_supervisor::ask` sends it to the running supervisor, or takes the workspace's lock and executes
//! it in this process when no supervisor runs.

mod cli;

use std::ffi::OsStr;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The hidden commands branch off before anything is parsed, installed or opened: a keeper lives as long
    // as its job and must stay small, and an agent that is entered must inherit nothing of the command line.
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_deref().and_then(OsStr::to_str) {
        Some("__keeper") => return paddock_runner::keeper::main(arguments),
        Some("__look") => return paddock_supervisor::gate_job::look_main(arguments),
        Some("__home") => return paddock_git::home_main(arguments),
        Some("__set_up") => return paddock_supervisor::set_up_job::look_main(arguments),
        Some("__enter") => return paddock_runner::enter::main(arguments),
        Some("__scripted") => return paddock_agents::scripted::main(arguments),
        _ => {}
    }
    // Used for panics only: errors are printed by `cli::main`. It fails if a hook is installed already, which
    // leaves a usable one.
    let _ = color_eyre::install();
    cli::main(std::env::args_os())
}
