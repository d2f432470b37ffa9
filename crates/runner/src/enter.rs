//! `paddock __enter DIR STAGE UMASK`: the last step before a job's command, in its own process.
//!
//! What must happen between fork and exec happens here instead, in a fresh process: a big process forks
//! slowly, and code that runs after its fork is unsafe.

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
use paddock_os::tree::Cgroup;

/// What a shell answers too when it cannot execute; `start-error.json` tells the two apart.
const EXIT_NOT_STARTED: u8 = 127;

/// Why a command could not be executed: the content of `start-error.json`.
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

/// Runs the subcommand; returns only when the command could not be executed.
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
    // The keeper sees exit code 127 alone if even this cannot be written.
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
    // Signals need nothing here: the keeper has handlers, not ignored signals, and `exec` resets those.
    // Fails only for a session leader, which a fresh child never is.
    let _ = setsid();
    let claim = files::read_json::<Claim>(&dir.join(CLAIM_FILE)).ok().flatten();
    if let Some(group) = claim.and_then(|claim| claim.cgroup) {
        // Without it the subreaper scan still finds everything.
        Cgroup::enter(Path::new(&group));
    }
    limit(&submission.spec.resources);
    if let Err(error) = std::env::set_current_dir(&submission.spec.worktree) {
        return StartError::new(&format!("could not enter {}", submission.spec.worktree.display()), &error);
    }
    umask(Mode::from_raw_mode(mask));
    execute(stage, &submission.spec.worktree)
}

fn limit(resources: &Resources) {
    if let Some(score) = resources.oom_score_adj {
        // Raising is always allowed; lowering is refused without rights, and then the inherited value stays.
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
        // Never above the hard limit, so this is not refused.
        let _ = setrlimit(resource, Rlimit { current: Some(hard), maximum: Some(hard) });
    }
}

/// Puts the limit back to what the user had, should Paddock have raised its own.
fn limit_open_files(soft: Option<u64>) {
    let Some(soft) = soft else { return };
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum.map_or(soft, |maximum| maximum.min(soft));
    // Within the hard limit, so this is not refused.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum });
}

/// The command sees its folder in `PWD`, as after a shell's `cd`: some programs go by that instead of asking the
/// system. Set here whatever the record says, since a path may be no text, and an older build wrote none.
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
