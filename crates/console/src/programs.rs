//! Runs programs that the terminal is lent to: pager, editor, shell.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::Error;
use super::msg::{Foreground, World};

/// Runs a program and waits until it exits. Its exit status is ignored.
///
/// # Errors
/// Fails with [`Error::Words`] or [`Error::NoProgram`] if the variable that names the program cannot be
/// parsed or is blank, and with [`Error::Program`] if the program cannot be started.
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
            println!("Shell in {}; `exit` returns to Paddock.", folder.display());
            // Programs read their folder from PWD, and `cd -`
            // uses OLDPWD: both still name the console's folders.
            finish(Command::new(shell).current_dir(folder).env("PWD", folder).env_remove("OLDPWD"), shell)
        }
    }
}

/// Splits a variable's value such as `less -R` into the program and its arguments.
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
        // Writing fails if the person quits the pager before it has read everything.
        let _ = stdin.write_all(text.as_bytes());
    }
    child.wait().map(drop).map_err(|error| Error::Program { program, error })
}

fn finish(command: &mut Command, name: &str) -> Result<(), Error> {
    let done = command.status().map(drop);
    done.map_err(|error| Error::Program { program: name.to_owned(), error })
}
