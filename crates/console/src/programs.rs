//! Programs that get the terminal.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::Error;
use super::msg::{Foreground, World};

/// Runs it to its end.
///
/// # Errors
/// [`Error::Words`], [`Error::NoProgram`] or [`Error::Program`] when it could not be run.
pub(crate) fn run(program: &Foreground, world: &World) -> Result<(), Error> {
    let environment = &world.environment;
    let pager = environment.get("PAGER").unwrap_or("less -R");
    match program {
        Foreground::Page(text) => page(pager, text),
        Foreground::PageFile(path) => with_path(pager, path),
        Foreground::Edit(path) => {
            let editor = environment.get("VISUAL").or_else(|| environment.get("EDITOR")).unwrap_or("vi");
            with_path(editor, path)
        }
        Foreground::Shell(folder) => {
            let shell = environment.get("SHELL").unwrap_or("/bin/sh");
            println!("A shell in {}; `exit` comes back to Paddock.", folder.display());
            finish(Command::new(shell).current_dir(folder).env("PWD", folder).env_remove("OLDPWD"), shell)
        }
    }
}

fn words(line: &str) -> Result<(String, Vec<String>), Error> {
    let mut words =
        shell_words::split(line).map_err(|error| Error::Words { line: line.to_owned(), error })?;
    if words.is_empty() {
        return Err(Error::NoProgram);
    }
    Ok((words.remove(0), words))
}

fn with_path(line: &str, path: &Path) -> Result<(), Error> {
    let (program, arguments) = words(line)?;
    finish(Command::new(&program).args(arguments).arg(path), &program)
}

fn page(line: &str, text: &str) -> Result<(), Error> {
    let (program, arguments) = words(line)?;
    let child = Command::new(&program).args(arguments).stdin(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| Error::Program { program: program.clone(), error })?;
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that is left early reads no further.
        let _ = stdin.write_all(text.as_bytes());
    }
    child.wait().map(drop).map_err(|error| Error::Program { program, error })
}

fn finish(command: &mut Command, name: &str) -> Result<(), Error> {
    let done = command.status().map(drop);
    done.map_err(|error| Error::Program { program: name.to_owned(), error })
}
