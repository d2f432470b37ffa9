//! Runs one command line as a process.

use std::io::Read;
use std::process::{Command as Program, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Model;
use crate::dialogs::output::Output;
use crate::error::Error;
use crate::msg::{Change, Effect, Job, World};

/// Longest output that is shown, in bytes.
const OUTPUT_MAX: u64 = 1 << 20;
/// Time limit of a command. Commands that follow something forever belong into a terminal of their own.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the job that runs a line such as `objective retry login --note 'try again'` and opens its output.
#[must_use]
pub(crate) fn run(model: &Model, line: &str) -> Vec<Effect> {
    let project = model.project.as_ref().map(ToString::to_string);
    let line = line.trim().to_owned();
    let job = Job::new(format!("paddock {line}"), move |world| {
        let output = execute(world, &line, project).unwrap_or_else(|problem| problem.to_string());
        let output =
            if output.trim().is_empty() { "The command printed nothing.".to_owned() } else { output };
        let change: Change = Box::new(move |model: &mut Model| {
            model.open(Box::new(Output::new(format!("paddock {line}"), &output)));
            Vec::new()
        });
        change
    });
    vec![Effect::Job(job)]
}

fn execute(world: &World, line: &str, project: Option<String>) -> Result<String, Error> {
    let words = shell_words::split(line).map_err(|error| Error::Words { line: line.to_owned(), error })?;
    let names_project = words.iter().any(|word| word == "--project" || word.starts_with("--project="));
    let mut program = Program::new(std::env::current_exe().map_err(Error::Command)?);
    program.arg("--no-tui").arg("--root").arg(world.workspace.root());
    // The command means the project on the screen unless it names another one.
    if let Some(project) = project.filter(|_| !names_project) {
        program.args(["--project", &project]);
    }
    let (mut reader, writer) = std::io::pipe().map_err(Error::Command)?;
    let both = writer.try_clone().map_err(Error::Command)?;
    program.args(words).stdin(Stdio::null()).stdout(writer).stderr(both);
    let mut child = program.spawn().map_err(Error::Command)?;
    // `program` still holds write ends of the pipe. Without this drop the reader would never see its end.
    drop(program);
    // Read on a second thread: a command that fills the pipe
    // while this one waits for its end would never end.
    let read = thread::spawn(move || {
        let mut bytes = Vec::new();
        // At the limit the read end is closed, so a command that
        // prints on fails instead of blocking on a full pipe.
        let _ = reader.by_ref().take(OUTPUT_MAX).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let give_up_at = Instant::now() + TIMEOUT;
    // Polled, as the standard library has no wait with a time limit.
    let note = loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break String::new(),
            Ok(Some(status)) => break format!("\n({status})"),
            Ok(None) if Instant::now() >= give_up_at => {
                let _ = child.kill();
                let _ = child.wait();
                let advice = "stopped after one minute; run longer commands in a terminal of their own";
                break format!("\n({advice})");
            }
            Ok(None) => thread::sleep(Duration::from_millis(10)),
            Err(error) => break format!("\n({error})"),
        }
    };
    Ok(read.join().unwrap_or_default() + &note)
}
