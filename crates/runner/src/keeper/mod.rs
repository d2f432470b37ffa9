//! `paddock __keeper DIR`: looks after one job, from its claim to its exit record.
//!
//! One thread, no async runtime, a few small buffers: hundreds of keepers may sit on one machine, each of them
//! must outlive its supervisor, the terminal and a hangup, and none may be what the system kills for memory.

mod activity;
mod job;
mod signals;
mod stage;
mod walk;

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Write, stderr, stdin, stdout};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rustix::fs::Mode;
use rustix::process::{setsid, umask};

use super::RunnerError;
use super::files;
use super::record::{CLAIM_FILE, Claim, EXIT_FILE, LOCK_FILE, SESSION_FILE, VERSION};
use super::spec::Submission;
use job::Job;
use paddock_os::fail_points::fail_point;
use paddock_os::files::{Flush, is_at};
use paddock_os::locks::{open_lock, try_lock};
use paddock_os::processes;
use paddock_os::tree::{self, Cgroup};
use signals::Signals;

/// Another keeper, or recovery, has the job: the exit code for those who call the keeper by hand.
const EXIT_TAKEN: u8 = 75;
const EXIT_BROKEN: u8 = 70;
/// Between two tries to write on a full disk.
const FULL_DISK_INTERVAL: Duration = Duration::from_secs(1);
/// A week: a disk that is full for longer has nobody who waits for this job.
const FULL_DISK_TRIES_MAX: u32 = 7 * 24 * 60 * 60;

/// Between the tries to write the claim: nothing has been started yet.
const CLAIM_PAUSES_MS: [u64; 4] = [50, 200, 500, 1_000];
/// Between the tries to write the record where the disk is not full: without it all that the job did counts as lost.
const RECORD_PAUSES_MS: [u64; 10] = [50, 200, 500, 1_000, 2_000, 5_000, 10_000, 10_000, 15_000, 15_000];

/// What the keeper says on its standard error once it has claimed the job.
pub(crate) const STARTED: &str = "started";

/// Runs the subcommand until the job has ended.
#[must_use]
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(dir) = arguments.next().map(PathBuf::from) else { return ExitCode::from(EXIT_BROKEN) };
    match keep(&dir) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_TAKEN),
        Err(error) => {
            say(&error.to_string());
            ExitCode::from(EXIT_BROKEN)
        }
    }
}

/// To whoever started us, if somebody still listens.
fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// The lock that the supervisor took and handed over as an open file, or taken here; `None` when another has it.
///
/// Handed over, it is held from the keeper's birth on: there is no moment in which a keeper exists without it.
fn take_lock(path: &Path, handed: impl AsFd) -> Result<Option<File>, RunnerError> {
    let inherited = handed.as_fd().try_clone_to_owned().map(File::from);
    let file = match inherited {
        Ok(file) if is_at(&file, path) => file,
        _ => open_lock(path)?,
    };
    Ok(try_lock(&file, path)?.then_some(file))
}

fn claim(submission: &Submission) -> Claim {
    let mut random = [0_u8; 16];
    // Without the system's randomness the identity is still unique on this machine.
    if getrandom::fill(&mut random).is_err() {
        random[..4].copy_from_slice(&processes::own_pid().to_ne_bytes());
    }
    let nonce: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let wanted = !submission.spec.resources.shared_control_group;
    let cgroup = wanted.then(|| Cgroup::create(&nonce)).flatten();
    Claim {
        version: VERSION,
        attempt: submission.spec.key.attempt,
        keeper: processes::me(),
        boot_id: processes::boot_id(),
        cgroup: cgroup.and_then(|group| group.path().to_str().map(str::to_owned)),
        nonce,
        awake_clock_ms: processes::awake_clock_ms(),
    }
}

/// Tries again after each pause: a disk may have hiccups, or be full for a moment.
fn persistently<T>(
    pauses_ms: &[u64],
    mut write: impl FnMut() -> Result<T, RunnerError>,
) -> Result<T, RunnerError> {
    for pause_ms in pauses_ms {
        match write() {
            // The whole folder was removed: there is nobody to write for.
            Err(RunnerError::Io { source, .. }) if source.kind() != ErrorKind::NotFound => {}
            written => return written,
        }
        std::thread::sleep(Duration::from_millis(*pause_ms));
    }
    write()
}

/// Tries again while the disk is full: how a job ended must not be lost for want of a few bytes. Its processes are
/// dead by now, and whoever looks for it finds its keeper alive.
fn when_disk_has_space(mut write: impl FnMut() -> Result<(), RunnerError>) -> Result<(), RunnerError> {
    let mut written = write();
    for _ in 0..FULL_DISK_TRIES_MAX {
        match &written {
            Err(error) if error.is_disk_full() => std::thread::sleep(FULL_DISK_INTERVAL),
            _ => break,
        }
        written = write();
    }
    written
}

/// `false` when the job is somebody else's.
fn keep(dir: &Path) -> Result<bool, RunnerError> {
    let Some(_lock) = take_lock(&dir.join(LOCK_FILE), stdin())? else { return Ok(false) };
    let path = dir.join(SESSION_FILE);
    let missing = || RunnerError::Format { path: path.clone(), problem: "it is missing".to_owned() };
    let submission: Submission = files::read_json(&path)?.ok_or_else(missing)?;
    let Some(_worktree) = take_lock(&submission.worktree_lock, stdout())? else {
        return Err(RunnerError::WorktreeBusy { worktree: submission.spec.worktree });
    };
    let mask = umask(Mode::RWXG | Mode::RWXO);
    // Refused only to a session leader: then there is nothing to leave.
    let _ = setsid();
    tree::become_subreaper();
    let signals = Signals::install().map_err(RunnerError::at("handle signals for", dir))?;
    fail_point!("keeper.before_claim");
    let claim = claim(&submission);
    let cgroup = claim.cgroup.as_deref().and_then(Cgroup::recorded);
    // The lock is held: whoever finds no claim after a failure finds that nothing was started.
    if !persistently(&CLAIM_PAUSES_MS, || files::create_json(&dir.join(CLAIM_FILE), &claim))? {
        cgroup.iter().for_each(Cgroup::remove);
        return Ok(false);
    }
    fail_point!("keeper.after_claim");
    say(STARTED);
    let record = Job::new(dir, &submission.spec, &claim, cgroup.clone(), signals, mask).run();
    fail_point!("keeper.before_record");
    let path = dir.join(EXIT_FILE);
    let write = || files::replace_json(&path, &record, Flush::Now);
    let written = persistently(&RECORD_PAUSES_MS, || when_disk_has_space(write));
    fail_point!("keeper.after_record");
    cgroup.iter().for_each(Cgroup::remove);
    written.map(|()| true)
}
