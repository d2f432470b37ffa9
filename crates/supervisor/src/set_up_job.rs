//! The look at a worktree after its set-up, as a stage of the session's job.
//!
//! A keeper goes from the set-up command to the agent without a supervisor, so the look is a command between
//! them: this program with the hidden command `__set_up` and a file that names the worktree. It never fails
//! the session: without its record, what the set-up left counts as the agent's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::error::EffectError;
use paddock_agents::terminal;
use paddock_git::{Repository, Worktree, end_set_up};
use paddock_model::cut;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, own_program, write_atomic};
use paddock_os::plain;
use paddock_runner::log::{LogReader, Stream};
use paddock_runner::{Stage, StageOutcome};

/// Name of the stage.
pub(super) const LOOK_STAGE: &str = "paddock.setup";
/// Name of the stage that follows: the agent.
pub(super) const AGENT_STAGE: &str = "agent";
/// Time limit of the look, in milliseconds: as long as git may take to write a working tree.
const LOOK_TIME_MAX_MS: u64 = 2 * 60 * 60 * 1_000;

/// Bytes at the end of a log in which its last line is looked for.
const TAIL_BYTES: u64 = 4096;
/// Bytes of that line that are quoted.
const LINE_MAX_BYTES: usize = 200;

/// The worktree to look at.
#[derive(Debug, Serialize, Deserialize)]
struct LookFile {
    repository: PathBuf,
    worktree: Worktree,
}

/// Returns the stage, and writes its file into the job's folder.
///
/// # Errors
/// Fails if the file cannot be written.
pub(super) fn stage(dir: &Path, repository: &Repository, worktree: &Worktree) -> Result<Stage, EffectError> {
    let file = dir.join("setup.json");
    let content = LookFile { repository: repository.repo_root().to_owned(), worktree: worktree.clone() };
    let content = serde_json::to_vec(&content)?;
    write_atomic(&file, &content, PRIVATE_FILE_MODE, Flush::Later).map_err(EffectError::at(&file))?;
    Ok(Stage {
        name: LOOK_STAGE.to_owned(),
        argv: vec![own_program()?.into(), OsString::from("__set_up"), file.into()],
        shell: false,
        timeout_ms: Some(LOOK_TIME_MAX_MS),
        counted: false,
        prompted: false,
    })
}

/// Returns the last line that a job has printed, on standard error if there is one; cut to a sentence's length.
#[must_use]
pub fn last_line(dir: &Path) -> Option<String> {
    let last = |stream| {
        let log = LogReader::open(dir, stream);
        let from = log.length().ok()?.saturating_sub(TAIL_BYTES);
        let chunk = log.read_at(from, usize::try_from(TAIL_BYTES).ok()?).ok()?;
        let text = terminal::plain(&chunk.bytes);
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        Some(cut::start(line, LINE_MAX_BYTES).to_owned())
    };
    last(Stream::Stderr).or_else(|| last(Stream::Stdout))
}

/// Returns how a stage ended, in words for people.
#[must_use]
pub fn described(outcome: &StageOutcome) -> String {
    match outcome {
        StageOutcome::Exited { code } => format!("exit status {code}"),
        StageOutcome::Signaled { signal } => format!("killed by signal {signal}"),
        StageOutcome::NotStarted { text, .. } => text.clone(),
        StageOutcome::TimedOut => "it timed out".to_owned(),
        StageOutcome::Stopped => "it was stopped".to_owned(),
    }
}

/// Runs `paddock __set_up FILE`: records what the set-up of a worktree made.
#[must_use]
pub fn look_main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(file) = arguments.next().map(PathBuf::from) else { return ExitCode::SUCCESS };
    let read = plain::read(&file).map_err(|error| error.to_string());
    let read = read.and_then(|text| serde_json::from_slice::<LookFile>(&text).map_err(|e| e.to_string()));
    let looked = read.and_then(|LookFile { repository, worktree }| {
        let repository = Repository::open(&repository).map_err(|error| error.to_string())?;
        end_set_up(&repository, &worktree).map(drop).map_err(|error| error.to_string())
    });
    if let Err(error) = looked {
        eprintln!("paddock: what worktree.setup left is not known: {error}");
    }
    ExitCode::SUCCESS
}
