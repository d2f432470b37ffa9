//! The agents on PATH and what they say of their version: asked beside the screen, for a bounded time.

use paddock_model::ids::AgentId;
use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use paddock_config::{builtin, validate};
use paddock_runner::inherit::own_markers;

/// How long a program may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at whether it has.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Bytes read of what it prints.
const OUTPUT_MAX_BYTES: u64 = 4096;
/// Characters of a version that are shown.
const VERSION_MAX: usize = 24;

/// An agent that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSeen {
    /// Its id.
    pub id: AgentId,
    /// What it says; none: nothing, or not in time.
    pub version: Option<String>,
}

/// The agents whose programs are on this PATH, each asked for its version. Takes seconds at most.
#[must_use]
pub fn on_path(path: Option<&OsStr>) -> Vec<AgentSeen> {
    let is_there = |program: &str| !program.starts_with('{') && validate::on_path(program, path);
    let agents = builtin::agents().into_iter().filter(|agent| agent.enabled && is_there(&agent.cli_command));
    let asked = agents.map(|agent| {
        let path = path.map(OsStr::to_os_string);
        thread::spawn(move || AgentSeen {
            version: version(&agent.cli_command, path.as_deref()),
            id: agent.id,
        })
    });
    let asked: Vec<_> = asked.collect();
    asked.into_iter().filter_map(|thread| thread.join().ok()).collect()
}

fn version(program: &str, path: Option<&OsStr>) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(path) = path {
        command.env("PATH", path);
    }
    for name in own_markers() {
        command.env_remove(name);
    }
    let mut child = command.spawn().ok()?;
    let give_up_at = Instant::now() + PATIENCE;
    while Instant::now() < give_up_at {
        match child.try_wait() {
            Ok(Some(status)) => return status.success().then(|| printed(&mut child)).flatten(),
            Ok(None) => thread::sleep(LOOK_PAUSE),
            Err(_) => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn printed(child: &mut Child) -> Option<String> {
    let mut bytes = Vec::new();
    child.stdout.take()?.take(OUTPUT_MAX_BYTES).read_to_end(&mut bytes).ok()?;
    of_output(&String::from_utf8_lossy(&bytes))
}

/// The word with a digit in front and a dot, of the first line that has one; else that line.
fn of_output(text: &str) -> Option<String> {
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
        let found = |text: &str| of_output(text);
        assert_eq!(found("2.0.14 (Claude Code)\n").as_deref(), Some("2.0.14"));
        assert_eq!(found("codex-cli 0.46.0").as_deref(), Some("0.46.0"));
        assert_eq!(found("\nkimi, version v1.2.3\n").as_deref(), Some("1.2.3"));
        assert_eq!(found("unknown").as_deref(), Some("unknown"));
        assert_eq!(found(" \n"), None);
    }
}
