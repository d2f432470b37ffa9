//! `paddock` without a command: opens the console.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::context::{Context, around};
use super::exit_codes::{Exit, Failure, Outcome};
use super::{onboard, output};
use paddock_config::Environment;
use paddock_config::validate::project_files;
use paddock_console::commands::CommandLine;
use paddock_console::{Ask, ConsoleError, Opening, QuitHow};
use paddock_model::command::{Command, StopMode};

use paddock_ipc::workspace_lock::is_running;

/// Interval between two checks whether the supervisor has exited.
const POLL_PAUSE: Duration = Duration::from_millis(50);

/// Opens the console. If no supervisor runs, the console starts one with `arguments`.
///
/// Fails with wrong usage if standard input or output is not a terminal.
pub(super) fn open(
    root: Option<&Path>,
    project: Option<&str>,
    arguments: Vec<String>,
    commands: Vec<CommandLine>,
) -> Outcome {
    use std::io::IsTerminal;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::usage(ConsoleError::NoTerminal.to_string()));
    }
    // The terminal is checked first: the onboarding screen needs one, too.
    let Some(context) = found(root, project)? else { return Ok(Exit::Good) };
    context.state()?;
    show(&context, arguments, commands)
}

/// Finds the workspace. If it has no projects and the current folder is in a repository, offers to add that
/// first.
///
/// Returns `None` if there is no workspace and the person declined.
fn found(root: Option<&Path>, project: Option<&str>) -> Result<Option<Context>, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::error(format!("the current folder cannot be read: {error}")))?;
    // Without creating one: a person who only looks around must not get a workspace in their home folder.
    let workspace = Context::locate(root, &Environment::from_process())?;
    let context = workspace.clone().map(|workspace| Context::in_workspace(workspace, project)).transpose()?;
    let Some(repository) = unmanaged(context.as_ref(), &here)? else {
        return match context {
            Some(context) => Ok(Some(context)),
            None => Err(Failure::error(NOTHING_HERE)),
        };
    };
    match onboard::offer(&repository, workspace.as_ref(), project)? {
        Some(context) => Ok(Some(context)),
        None => {
            if context.is_none() {
                output::note("Nothing was written. `paddock` offers this repository again.");
            }
            Ok(context)
        }
    }
}

const NOTHING_HERE: &str = "there is no workspace yet, and this folder is in no git repository: start `paddock` in \
                            a repository that agents are to work on; `paddock demo` shows a full run";

/// Returns the main worktree of the repository around `here`, if the workspace has no project yet.
fn unmanaged(context: Option<&Context>, here: &Path) -> Result<Option<PathBuf>, Failure> {
    if let Some(context) = context {
        let has_files = !project_files(&context.workspace).unwrap_or_default().is_empty();
        if has_files || context.state()?.projects().next().is_some() {
            return Ok(None);
        }
    }
    Ok(around(here).map(|found| found.main_worktree().unwrap_or_else(|| found.repo_root()).to_path_buf()))
}

/// Shows the console, and stops the supervisor afterwards if the person asked for that.
pub(super) fn show(context: &Context, arguments: Vec<String>, commands: Vec<CommandLine>) -> Outcome {
    context.named_project(&context.state()?)?;
    // The console must not depend on the supervisor's crate, so it gets this function instead.
    let (workspace, environment) = (context.workspace.clone(), context.environment.clone());
    let run = move |command| paddock_supervisor::ask(&workspace, &environment, command).map_err(Into::into);
    let opening = Opening {
        workspace: context.workspace.clone(),
        environment: context.environment.clone(),
        ask: Ask::new(run, paddock_supervisor::COMMAND_PATIENCE),
        project: context.project.clone(),
        start: true,
        arguments,
        commands,
        answers: paddock_engine::ANSWERS,
    };
    let how = paddock_console::open(opening).map_err(|error| match error {
        ConsoleError::NoTerminal => Failure::usage(error.to_string()),
        ConsoleError::Io(_) => Failure::error(error.to_string()),
    })?;
    leave(context, how)
}

fn leave(context: &Context, how: QuitHow) -> Outcome {
    let root = context.workspace.root().display();
    let Some(holder) = is_running(&context.workspace.runtime()) else { return Ok(Exit::Good) };
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
    // The stop is ordered here and not in the console, so that the terminal is restored and shows how it
    // goes.
    context.ask_and_say(Command::SupervisorStop { mode })?;
    // The process id is compared, because another supervisor may have started meanwhile.
    while is_running(&context.workspace.runtime()).is_some_and(|now| now.pid == holder.pid) {
        std::thread::sleep(POLL_PAUSE);
    }
    output::line("the supervisor has exited")?;
    Ok(Exit::Good)
}
