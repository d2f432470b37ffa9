//! The command line: parses arguments, calls the crates, prints results. One file per command family.
//!
//! To add a command, write a file with a `clap` struct that has an `execute` method, add a variant to
//! [`Family`] and an arm to [`execute`]. The doc comment of the variant is the command's help line (an
//! imperative sentence), that of a field is the argument's (a noun phrase, or an imperative for a flag
//! without a value). `after_help` must give examples; a test fails without them.

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
pub(crate) mod exit_codes;
mod explain;
mod gate_proposal;
mod git_config;
mod goal;
mod goal_document;
mod goal_show;
mod init;
mod lengths;
mod log_text;
mod manual;
mod objective;
mod objective_orders;
mod onboard;
mod output;
mod plan;
mod project;
mod project_add;
mod project_files;
mod project_target;
mod project_trust;
mod queue;
mod report;
mod repository;
mod run;
mod salvage;
mod session;
mod session_log;
mod set_up;
mod status;
mod supervisor;
mod template;
mod validate;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use context::Context;
use exit_codes::{Exit, Failure, Outcome};
use paddock_os::hangs;
use paddock_report::text::harmless;

/// Run AI coding agents unattended, and land only work that passed the gate.
#[derive(Debug, Parser)]
#[command(name = "paddock", version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Family>,
}

const EXAMPLES: &str = "Examples:
  paddock demo                                see a complete run; needs no API key and no network
  paddock init ~/work                         create a workspace
  paddock project add ~/src/web               register a repository
  paddock objective add --title 'Fix login'   describe work to be done
  paddock run --no-tui --until-idle           have agents do the work
  paddock status                              show what runs and what waits for you";

#[derive(Debug, Args)]
struct Global {
    /// Workspace folder; default: PADDOCK_ROOT, else the nearest one around the current folder, else the one that
    /// has the repository around it as a project, else ~/.local/share/paddock
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    root: Option<PathBuf>,
    /// Project slug; default: PADDOCK_PROJECT, else the only project
    #[arg(long, global = true, value_name = "SLUG", help_heading = "Global options")]
    project: Option<String>,
    /// Print plain lines instead of opening the console
    #[arg(long, global = true, help_heading = "Global options")]
    no_tui: bool,
}

#[derive(Debug, Subcommand)]
enum Family {
    /// Create a workspace
    Init(init::Init),
    /// Register repositories and manage their projects
    #[command(subcommand)]
    Project(project::Project),
    /// Describe work to be done, and steer it
    #[command(subcommand)]
    Objective(objective::Objective),
    /// Manage goals: the long-term results that plans work towards
    #[command(subcommand)]
    Goal(goal::Goal),
    /// Manage milestones: the verifiable stages of a goal
    #[command(subcommand)]
    Milestone(goal::Milestone),
    /// Manage phases: the steps of work within a milestone
    #[command(subcommand)]
    Phase(goal::Phase),
    /// Explain why work is not moving
    Explain(explain::Explain),
    /// Plan the active phase now; show, approve, reject or apply a plan
    Plan(plan::Plan),
    /// Run the supervisor in the foreground
    Run(run::Run),
    /// Show a complete run on a new sample repository
    Demo(demo::Demo),
    /// Show what runs, what waits for you and what has landed
    Status(status::Status),
    /// Inspect, stop and extend sessions, the runs of agents
    #[command(subcommand)]
    Session(session::Session),
    /// Manage the merge queue and publishing
    #[command(subcommand)]
    Queue(queue::Queue),
    /// List and restore uncommitted work that sessions left
    #[command(subcommand)]
    Salvage(salvage::Salvage),
    /// Print recorded events, and follow new ones
    Events(events::Events),
    /// Print the morning report: what landed, what waits for you, what was spent
    Report(report::Report),
    /// Inspect or stop the running supervisor
    #[command(subcommand)]
    Supervisor(supervisor::Supervisor),
    /// List, check, enable and disable agents
    #[command(subcommand)]
    Agent(agent::Agent),
    /// Check, describe and show project files
    #[command(subcommand)]
    Config(config::Config),
    /// List and print the templates of prompts
    #[command(subcommand)]
    Template(template::Template),
    /// Check everything that Paddock depends on, and suggest remedies
    Doctor(doctor::Doctor),
    /// Print the script with which a shell completes commands and ids
    Completions(complete::Completions),
    /// Print the manual page
    Man(manual::Man),
    /// Check that the repository and its proofs match everything that landed
    Verify(verify::Verify),
    /// Print the version
    #[command(after_help = "Examples:\n  paddock version")]
    Version,
}

/// Executes a command line and returns its exit code. Prints errors on standard error.
#[must_use]
pub(crate) fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // A shell that asks for completions sets a variable and expects nothing else on standard output.
    complete::answer_shell(Cli::command);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // clap returns `--help` and `--version` as errors too. A closed pipe (`paddock --help | head -1`)
            // is not a failure.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Good.into() };
        }
    };
    match execute(cli) {
        Ok(exit) => exit.into(),
        Err(Failure::ClosedPipe) => Exit::Good.into(),
        Err(Failure::Said(exit, text)) => {
            // The text may hold names from repositories and agents, whose control characters must not reach
            // the terminal.
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
    // A project that is named has to exist, whatever the command does with it.
    let find_with_project = || {
        let context = find()?;
        if context.project.is_some() {
            context.named_project(&context.state()?)?;
        }
        Ok::<Context, Failure>(context)
    };
    // A supervisor records what it finds, and a console has no place for a line on standard error.
    let is_short = !matches!(command, None | Some(Family::Run(_) | Family::Demo(_)));
    let _going_on = is_short.then(|| {
        hangs::on_obstacle(Box::new(|found| {
            output::note(&format!(
                "{}: {} stands where a file is read; it was not read: remove it, or put the file back",
                found.path.display(),
                found.what
            ));
        }));
        hangs::watch("this command", None)
    });
    // The context is found per arm: `init`, `demo` and the console create workspaces, and `completions`,
    // `man` and `version` must work where there is none.
    match command {
        None if global.no_tui => run::Run::default().execute(&find()?, true),
        None => console::open(global.root.as_deref(), global.project.as_deref(), Vec::new(), palette()),
        Some(Family::Init(init)) => init.execute(global.root.as_deref()),
        Some(Family::Demo(demo)) => demo.execute((!global.no_tui).then(palette)),
        Some(Family::Version) => {
            output::line(&format!("paddock {}", env!("CARGO_PKG_VERSION")))?;
            Ok(Exit::Good)
        }
        Some(Family::Run(run)) if !global.no_tui && !run.prints() => {
            console::open(global.root.as_deref(), global.project.as_deref(), run.arguments(), palette())
        }
        Some(Family::Run(run)) => run.execute(&find()?, true),
        Some(Family::Project(project)) => project.execute(&find()?),
        Some(Family::Objective(objective)) => objective.execute(&find_with_project()?),
        Some(Family::Goal(goal)) => goal.execute(&find_with_project()?),
        Some(Family::Milestone(milestone)) => milestone.execute(&find_with_project()?),
        Some(Family::Phase(phase)) => phase.execute(&find_with_project()?),
        Some(Family::Explain(explain)) => explain.execute(&find_with_project()?),
        Some(Family::Plan(plan)) => plan.execute(&find_with_project()?),
        Some(Family::Status(status)) => status.execute(&find_with_project()?),
        Some(Family::Session(session)) => session.execute(&find_with_project()?),
        Some(Family::Queue(queue)) => queue.execute(&find_with_project()?),
        Some(Family::Salvage(salvage)) => salvage.execute(&find_with_project()?),
        Some(Family::Events(events)) => events.execute(&find_with_project()?),
        Some(Family::Report(report)) => report.execute(&find_with_project()?),
        Some(Family::Supervisor(supervisor)) => supervisor.execute(&find()?),
        Some(Family::Verify(verify)) => verify.execute(&find_with_project()?),
        Some(Family::Config(config)) if config.is_reference() => config.print(),
        Some(Family::Config(config)) => config.execute(&find()?),
        // What is built in can be read anywhere.
        Some(Family::Template(template)) => template.execute(find().ok().as_ref()),
        Some(Family::Agent(agent)) => agent.execute(&find_with_project()?),
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
        // A family's examples are those of its subcommands; only the root command needs its own.
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
