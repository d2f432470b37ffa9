//! `paddock` without a command: the console.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::output;
use super::project_files::register_written;
use crate::console::{self, ConsoleError, Opening, QuitHow};
use crate::domain::command::{Command, StopMode};
use crate::git::Repository;
use crate::supervisor;

/// How often it is looked whether the supervisor is gone.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Opens the console on the workspace that is meant; a supervisor that has to be started gets these arguments.
pub(super) fn open(root: Option<&Path>, project: Option<&str>, arguments: Vec<String>) -> Outcome {
    use std::io::IsTerminal;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::usage(ConsoleError::NoTerminal.to_string()));
    }
    let context = Context::find(root, project)?;
    if supervisor::is_running(&context.workspace).is_none() {
        register_written(&context)?;
    }
    let repository = unmanaged(&context)?;
    show(&context, repository, arguments)
}

/// The repository around the current folder, when nothing is under management yet.
fn unmanaged(context: &Context) -> Result<Option<PathBuf>, Failure> {
    if context.state()?.projects().next().is_some() {
        return Ok(None);
    }
    let Ok(here) = std::env::current_dir() else { return Ok(None) };
    let repository = here.ancestors().find_map(|folder| Repository::open(folder).ok());
    Ok(repository.map(|found| found.main_worktree().unwrap_or_else(|| found.repo_root()).to_path_buf()))
}

/// Shows the console and, once it is left, does what was asked for.
pub(super) fn show(context: &Context, repository: Option<PathBuf>, arguments: Vec<String>) -> Outcome {
    if let Some(project) = &context.project {
        context.project(&context.state()?, Some(project.as_str()))?;
    }
    let opening = Opening {
        workspace: context.workspace.clone(),
        environment: context.environment.clone(),
        project: context.project.clone(),
        repository,
        start: true,
        arguments,
        commands: super::commands(),
    };
    let how = console::open(opening).map_err(|error| match error {
        ConsoleError::NoTerminal => Failure::usage(error.to_string()),
        ConsoleError::Io(_) => Failure::error(error.to_string()),
    })?;
    leave(context, how)
}

fn leave(context: &Context, how: QuitHow) -> Outcome {
    let root = context.workspace.root().display();
    let Some(holder) = supervisor::is_running(&context.workspace) else { return Ok(Exit::Good) };
    let mode = match how {
        QuitHow::Leave => {
            output::note(&format!("The supervisor goes on in the background ({holder})."));
            output::note(&format!("  paddock --root '{root}'                   comes back to it"));
            output::note(&format!("  paddock --root '{root}' supervisor stop   stops it"));
            return Ok(Exit::Good);
        }
        QuitHow::Graceful => StopMode::Graceful,
        QuitHow::Kill => StopMode::Now,
    };
    context.ask_and_say(Command::SupervisorStop { mode })?;
    while supervisor::is_running(&context.workspace).is_some_and(|now| now.pid == holder.pid) {
        std::thread::sleep(LOOK_PAUSE);
    }
    output::line("the supervisor is gone")?;
    Ok(Exit::Good)
}
