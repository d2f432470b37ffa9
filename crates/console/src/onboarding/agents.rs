//! Finds the agents on PATH and asks each for its version, in parallel and for a bounded time.

use paddock_model::ids::AgentId;
use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use paddock_config::{builtin, validate};
use paddock_runner::inherit::own_markers;

/// Time limit for a program to print its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);
/// Interval at which the program is polled for its end.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Number of bytes that are read from its output.
const OUTPUT_MAX_BYTES: u64 = 4096;
/// Number of characters of a version that are shown.
const VERSION_MAX: usize = 24;

/// An agent that was found on PATH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSeen {
    /// Id of the built-in agent.
    pub id: AgentId,
    /// The version that it printed; `None` if it printed none, or not in time.
    pub version: Option<String>,
}

/// Returns the built-in agents whose programs are on this PATH,
/// with their versions. Blocks for a few seconds at most.
#[must_use]
pub fn on_path(path: Option<&OsStr>) -> Vec<AgentSeen> {
    // A command that begins with a placeholder names no program.
    let is_there = |program: &str| !program.starts_with('{') && validate::on_path(program, path);
    let agents = builtin::agents().into_iter().filter(|agent| agent.enabled && is_there(&agent.cli_command));
    // Some agents are scripts that take a second to start: one thread each.
    let threads = agents.map(|agent| {
        let path = path.map(OsStr::to_os_string);
        thread::spawn(move || AgentSeen {
            version: version(&agent.cli_command, path.as_deref()),
            id: agent.id,
        })
    });
    // Collected first: a lazy iterator would start each thread only after the one before has ended.
    let threads: Vec<_> = threads.collect();
    threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
}

fn version(program: &str, path: Option<&OsStr>) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(path) = path {
        command.env("PATH", path);
    }
    // Agents behave differently when they believe that they run inside another agent's shell.
    for name in own_markers() {
        command.env_remove(name);
    }
    let mut child = command.spawn().ok()?;
    let give_up_at = Instant::now() + VERSION_TIMEOUT;
    while Instant::now() < give_up_at {
        match child.try_wait() {
            // A program that fails may print an error whose first word looks like a version.
            Ok(Some(status)) => return status.success().then(|| printed(&mut child)).flatten(),
            Ok(None) => thread::sleep(POLL_INTERVAL),
            Err(_) => break,
        }
    }
    // Too late: end the program, and collect it so that no zombie process is left.
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn printed(child: &mut Child) -> Option<String> {
    let mut bytes = Vec::new();
    child.stdout.take()?.take(OUTPUT_MAX_BYTES).read_to_end(&mut bytes).ok()?;
    parse_version(&String::from_utf8_lossy(&bytes))
}

/// Returns the version in the first line that is not blank: the
/// first word with a leading digit and a dot, else the whole line.
fn parse_version(text: &str) -> Option<String> {
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    let is_number = |word: &&str| {
        let word = word.trim_start_matches('v');
        word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.')
    };
    let word = line.split([' ', '/', ',']).find(is_number).unwrap_or(line).trim_start_matches('v');
    let word: String = word.chars().filter(|letter| !letter.is_control()).take(VERSION_MAX).collect();
    (!word.trim().is_empty()).then(|| word.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_programs_print() {
        let found = |text: &str| parse_version(text);
        assert_eq!(found("2.0.14 (Claude Code)\n").as_deref(), Some("2.0.14"));
        assert_eq!(found("codex-cli 0.46.0").as_deref(), Some("0.46.0"));
        assert_eq!(found("\nkimi, version v1.2.3\n").as_deref(), Some("1.2.3"));
        assert_eq!(found("unknown").as_deref(), Some("unknown"));
        assert_eq!(found(" \n"), None);
    }
}
