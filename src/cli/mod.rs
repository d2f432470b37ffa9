//! The command line: parse, call, print. One file per command family.

mod agent;
mod commands;
mod complete;
mod config;
mod console;
mod context;
mod demo;
mod doctor;
mod error;
mod events;
pub(crate) mod exit;
mod explain;
mod goal_document;
mod init;
mod log_text;
mod manual;
mod node;
mod objective;
mod onboard;
mod operate;
mod output;
mod plan;
mod project;
mod project_add;
mod project_files;
mod project_target;
mod queue;
mod report;
mod repository;
mod run;
mod salvage;
mod session;
mod session_log;
mod status;
mod supervisor;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use context::Context;
use exit::{Exit, Failure, Outcome};
use paddock_report::text::harmless;

/// Lets AI coding agents do real engineering work unattended and lands only what passed the gate.
#[derive(Debug, Parser)]
#[command(name = "paddock", version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Family>,
}

const EXAMPLES: &str = "Examples:
  paddock demo                                see everything at work, without keys or network
  paddock init ~/work                         make a workspace
  paddock project add ~/src/web               put a repository under management
  paddock objective add --title 'Fix login'   say what is to be done
  paddock run --no-tui --until-idle           let agents do it
  paddock status                              what runs, what waits for you";

#[derive(Debug, Args)]
struct Global {
    /// The workspace; default: PADDOCK_ROOT, the nearest one around the current folder, else your own
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// The project; default: PADDOCK_PROJECT, else the only one
    #[arg(long, global = true, value_name = "SLUG")]
    project: Option<String>,
    /// Without the console: everything on plain lines
    #[arg(long, global = true)]
    no_tui: bool,
}

#[derive(Debug, Subcommand)]
enum Family {
    /// Make a workspace
    Init(init::Init),
    /// Put repositories under management
    #[command(subcommand)]
    Project(project::Project),
    /// Say what is to be done
    #[command(subcommand)]
    Objective(objective::Objective),
    /// Long-term aims
    #[command(subcommand)]
    Goal(node::Goal),
    /// Verifiable stages of a goal
    #[command(subcommand)]
    Milestone(node::Milestone),
    /// Steps of work within a milestone
    #[command(subcommand)]
    Phase(node::Phase),
    /// Why something is not moving
    Explain(explain::Explain),
    /// Have the active phase planned now; plans of the planner and of people
    Plan(plan::Plan),
    /// Run the supervisor in the foreground
    Run(run::Run),
    /// See everything at work on a repository made on the spot
    Demo(demo::Demo),
    /// What runs, what waits for you, what has landed
    Status(status::Status),
    /// Runs of agents
    #[command(subcommand)]
    Session(session::Session),
    /// The merge queue and publishing
    #[command(subcommand)]
    Queue(queue::Queue),
    /// Uncommitted work that sessions left
    #[command(subcommand)]
    Salvage(salvage::Salvage),
    /// What happened
    Events(events::Events),
    /// What landed, what waits for you, what was spent: the morning report
    Report(report::Report),
    /// The running supervisor
    #[command(subcommand)]
    Supervisor(supervisor::Supervisor),
    /// Agents: which there are, whether they work, which may be used
    #[command(subcommand)]
    Agent(agent::Agent),
    /// Project files
    #[command(subcommand)]
    Config(config::Config),
    /// Look at everything that work depends on, and say what to do about what is wrong
    Doctor(doctor::Doctor),
    /// Print what a shell needs to complete commands and ids
    Completions(complete::Completions),
    /// Print the manual page
    Man(manual::Man),
    /// Hold everything that landed against the repository and its proofs
    Verify(verify::Verify),
    /// Print the version
    #[command(after_help = "Examples:\n  paddock version")]
    Version,
}

/// Runs a command line; what goes wrong is said on standard error.
#[must_use]
pub(crate) fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    complete::answer_shell(Cli::command);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. A reader who goes away is no error.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Good.into() };
        }
    };
    match execute(cli) {
        Ok(exit) => exit.into(),
        Err(Failure::ClosedPipe) => Exit::Good.into(),
        Err(Failure::Said(exit, text)) => {
            // Names from outside may be in it: a terminal must not obey them.
            let lines: Vec<String> = text.trim_end().lines().map(harmless).collect();
            output::note(&format!("paddock: {}", lines.join("\n")));
            exit.into()
        }
    }
}

fn execute(cli: Cli) -> Outcome {
    let Cli { global, command } = cli;
    let palette = || commands::lines(Cli::command());
    let find = || Context::find(global.root.as_deref(), global.project.as_deref());
    match command {
        None if global.no_tui => run::Run::default().execute(&find()?, true),
        None => console::open(global.root.as_deref(), global.project.as_deref(), Vec::new(), palette()),
        Some(Family::Init(init)) => init.execute(global.root.as_deref()),
        Some(Family::Demo(demo)) => demo.execute((!global.no_tui).then(palette)),
        Some(Family::Version) => {
            output::line(&format!("paddock {}", env!("CARGO_PKG_VERSION")))?;
            Ok(Exit::Good)
        }
        Some(Family::Run(run)) if !global.no_tui => {
            console::open(global.root.as_deref(), global.project.as_deref(), run.arguments(), palette())
        }
        Some(Family::Run(run)) => run.execute(&find()?, true),
        Some(Family::Project(project)) => project.execute(&find()?),
        Some(Family::Objective(objective)) => objective.execute(&find()?),
        Some(Family::Goal(goal)) => goal.execute(&find()?),
        Some(Family::Milestone(milestone)) => milestone.execute(&find()?),
        Some(Family::Phase(phase)) => phase.execute(&find()?),
        Some(Family::Explain(explain)) => explain.execute(&find()?),
        Some(Family::Plan(plan)) => plan.execute(&find()?),
        Some(Family::Status(status)) => status.execute(&find()?),
        Some(Family::Session(session)) => session.execute(&find()?),
        Some(Family::Queue(queue)) => queue.execute(&find()?),
        Some(Family::Salvage(salvage)) => salvage.execute(&find()?),
        Some(Family::Events(events)) => events.execute(&find()?),
        Some(Family::Report(report)) => report.execute(&find()?),
        Some(Family::Supervisor(supervisor)) => supervisor.execute(&find()?),
        Some(Family::Verify(verify)) => verify.execute(&find()?),
        Some(Family::Config(config)) => config.execute(&find()?),
        Some(Family::Agent(agent)) => agent.execute(&find()?),
        Some(Family::Doctor(doctor)) => doctor.execute(&find()?),
        Some(Family::Completions(completions)) => completions.execute(),
        Some(Family::Man(man)) => man.execute(Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_examples(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        let name = format!("{path} {}", command.get_name());
        let is_family = command.has_subcommands() && !path.is_empty();
        if !is_family && command.get_after_help().is_none() && command.get_name() != "help" {
            found.push(name.clone());
        }
        command.get_subcommands().for_each(|sub| without_examples(sub, &name, found));
    }

    #[test]
    fn every_command_has_examples_in_its_help() {
        Cli::command().debug_assert();
        let mut found = Vec::new();
        without_examples(&Cli::command(), "", &mut found);
        assert!(found.is_empty(), "without examples: {found:?}");
    }

    #[test]
    fn the_palette_knows_every_command_and_what_it_takes() {
        let all = commands::lines(Cli::command());
        let find = |words: &str| all.iter().find(|line| line.words == words).unwrap();
        assert!(find("objective retry").usage.contains("--note"), "{:?}", find("objective retry"));
        assert!(find("objective retry").needs_more && !find("status").needs_more);
        assert!(all.iter().all(|line| !line.about.is_empty()));
    }
}
