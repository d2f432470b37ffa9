//! `paddock __enter DIR STAGE UMASK`: the last step before a job's command, in the command's own process.
//!
//! This process does what other programs do between fork and exec: session, control group, limits, folder. A
//! hook between fork and exec (`pre_exec`) is unsafe code, and makes std fork, which is slow in a big
//! process.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use rustix::fs::{Mode, RawMode};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, setsid, umask};
use serde::{Deserialize, Serialize};

use super::files;
use super::record::{CLAIM_FILE, Claim, SESSION_FILE, START_ERROR_FILE};
use super::spec::{Resources, Stage, Submission};
use paddock_os::files::Flush;
use paddock_os::process_tree::Cgroup;

/// Exit code for a command that could not be executed. A shell uses the same code for its own commands;
/// `start-error.json` exists only in the first case.
const EXIT_NOT_STARTED: u8 = 127;

/// The content of `start-error.json`: why a command could not be executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartError {
    pub(crate) errno: i32,
    pub(crate) text: String,
}

impl StartError {
    pub(crate) fn new(what: &str, error: &io::Error) -> Self {
        Self { errno: error.raw_os_error().unwrap_or(0), text: format!("{what}: {error}") }
    }
}

/// Runs the subcommand. Returns only if the command could not be executed.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let text = |index: usize| arguments.get(index).and_then(|argument| argument.to_str());
    let stage = text(1).and_then(|text| text.parse().ok());
    let mask = text(2).and_then(|text| text.parse().ok());
    let (Some(dir), Some(stage), Some(mask)) = (arguments.first().map(PathBuf::from), stage, mask) else {
        return ExitCode::from(EXIT_NOT_STARTED);
    };
    let error = enter(&dir, stage, mask);
    // If even this file cannot be written, the keeper sees exit code 127 alone and records that.
    let _ = files::replace_json(&dir.join(START_ERROR_FILE), &error, Flush::Later);
    ExitCode::from(EXIT_NOT_STARTED)
}

fn enter(dir: &Path, index: usize, mask: RawMode) -> StartError {
    let broken = |problem: String| StartError { errno: 0, text: problem };
    let submission = match files::read_json::<Submission>(&dir.join(SESSION_FILE)) {
        Ok(Some(submission)) => submission,
        Ok(None) => return broken("session.json is missing".to_owned()),
        Err(error) => return broken(error.to_string()),
    };
    let Some(stage) = submission.spec.stages.get(index) else {
        return broken(format!("session.json has no stage {index}"));
    };
    // Signals need no reset here: the keeper handles signals instead of ignoring them, and `exec` resets
    // handlers. With a session of its own, the command's descendants can be found by their session. `setsid`
    // fails only for a session leader, which a fresh child never is.
    let _ = setsid();
    let claim = files::read_json::<Claim>(&dir.join(CLAIM_FILE)).ok().flatten();
    if let Some(group) = claim.and_then(|claim| claim.cgroup) {
        // A failure is harmless: the keeper is a subreaper, so its scan finds all descendants without a
        // control group.
        Cgroup::enter(Path::new(&group));
    }
    limit(&submission.spec.resources);
    if let Err(error) = std::env::set_current_dir(&submission.spec.worktree) {
        return StartError::new(&format!("could not enter {}", submission.spec.worktree.display()), &error);
    }
    // The keeper's own umask keeps its files private; the command gets the user's umask back.
    umask(Mode::from_raw_mode(mask));
    execute(stage, &submission.spec.worktree)
}

fn limit(resources: &Resources) {
    if let Some(score) = resources.oom_score_adj {
        // Raising the score is always allowed. Lowering it needs rights; without them the inherited value
        // stays.
        let _ = std::fs::write("/proc/self/oom_score_adj", score.to_string());
    }
    limit_open_files(resources.open_files_soft);
    let wanted = [
        (Resource::Nofile, resources.open_files_max),
        (Resource::Core, resources.core_bytes_max),
        (Resource::Fsize, resources.file_bytes_max),
        (Resource::As, resources.memory_bytes_max),
    ];
    for (resource, value) in wanted {
        let Some(value) = value else { continue };
        let hard = getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
        // Cannot fail: the new limit is not above the hard limit.
        let _ = setrlimit(resource, Rlimit { current: Some(hard), maximum: Some(hard) });
    }
}

/// Restores the user's limit on open files, which Paddock raised for itself: some programs walk through every
/// possible file descriptor, which takes long with a large limit.
fn limit_open_files(soft: Option<u64>) {
    let Some(soft) = soft else { return };
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum.map_or(soft, |maximum| maximum.min(soft));
    // Cannot fail: the new limit is within the hard limit.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum });
}

/// Replaces this process by the command, with the command's folder in `PWD` as after a shell's `cd`: some
/// programs trust `PWD` instead of asking the system. `PWD` is set here even if the record has it, because
/// the record cannot hold a path that is not text, and earlier builds recorded none.
fn execute(stage: &Stage, folder: &Path) -> StartError {
    let Some((program, arguments)) = stage.argv.split_first() else {
        return StartError { errno: 0, text: format!("stage {} has no command", stage.name) };
    };
    let mut command = if stage.shell {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(program);
        shell
    } else {
        Command::new(program)
    };
    let error = command.args(arguments).env("PWD", folder).exec();
    StartError::new(&format!("could not execute {}", program.display()), &error)
}
