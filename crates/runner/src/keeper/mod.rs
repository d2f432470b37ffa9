//! `paddock __keeper DIR`: runs one job, from its claim to its exit record.
//!
//! A keeper has one thread, no async runtime and a few small buffers, because hundreds of keepers may run on
//! one machine. It must outlive its supervisor, the terminal and a hangup, and must not be the process that
//! the system kills when memory runs out.

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
use std::time::{Duration, Instant};

use rustix::fs::Mode;
use rustix::process::{setsid, umask};

use super::RunnerError;
use super::beat::beat;
use super::files;
use super::record::{CLAIM_FILE, Claim, EXIT_FILE, LOCK_FILE, SESSION_FILE, VERSION};
use super::slots::Hold;
use super::spec::Submission;
use job::Job;
pub(crate) use job::wall_ms;
use paddock_os::clear;
use paddock_os::fail_points::fail_point;
use paddock_os::files::{Flush, is_at};
use paddock_os::locks::{open_lock, try_lock};
use paddock_os::process_tree::{self as tree, Cgroup};
use paddock_os::processes;
use signals::Signals;

/// Exit code if another keeper or recovery has the job (EX_TEMPFAIL of sysexits.h). The supervisor goes by
/// the job's files; this code is for people who run a keeper by hand.
const EXIT_TAKEN: u8 = 75;
/// Exit code if the keeper failed (EX_SOFTWARE of sysexits.h).
const EXIT_BROKEN: u8 = 70;
/// Pause between two tries to write on a full disk.
const FULL_DISK_INTERVAL: Duration = Duration::from_secs(1);
/// Tries to write on a full disk: one a second for a week. If the disk is full for longer, nobody waits for
/// this job.
const FULL_DISK_TRIES_MAX: u32 = 7 * 24 * 60 * 60;

/// How long the keeper removes temporary files when the disk is full. It gives no sign of life meanwhile.
const CLEAR_PATIENCE: Duration = Duration::from_secs(20);

/// Pauses between the tries to write the claim. They are few: nothing has started yet, so giving up loses no
/// work.
const CLAIM_PAUSES_MS: [u64; 4] = [50, 200, 500, 1_000];
/// Pauses between the tries to write the record while the disk is not full. They last about a minute: without
/// a record all work of the job counts as lost.
const RECORD_PAUSES_MS: [u64; 10] = [50, 200, 500, 1_000, 2_000, 5_000, 10_000, 10_000, 15_000, 15_000];

/// Line that the keeper writes to standard error once it has claimed the job; the supervisor's waiting thread
/// reads it.
pub(crate) const STARTED: &str = "started";

/// Runs the subcommand until the job ends.
#[must_use]
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(dir) = arguments.next().map(PathBuf::from) else { return ExitCode::from(EXIT_BROKEN) };
    match run_keeper(&dir) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_TAKEN),
        Err(error) => {
            tell_supervisor(&error.to_string());
            ExitCode::from(EXIT_BROKEN)
        }
    }
}

fn tell_supervisor(text: &str) {
    // Fails with a broken pipe once the supervisor is gone; the keeper must go on then.
    let _ = writeln!(stderr(), "{text}");
}

/// Returns the lock at `path`, or `None` if another process holds it.
///
/// The supervisor takes the lock and hands it over as an open file, so that a keeper holds its lock from
/// birth: there is no moment in which a keeper exists without it, and in which another could be started. A
/// keeper that was started by hand takes the lock here.
fn take_lock(path: &Path, handed: impl AsFd) -> Result<Option<File>, RunnerError> {
    let inherited = handed.as_fd().try_clone_to_owned().map(File::from);
    let file = match inherited {
        // Any other file on this descriptor (a terminal, `/dev/null`) means that nothing was handed over.
        Ok(file) if is_at(&file, path) => file,
        _ => open_lock(path)?,
    };
    // Locking a file that already holds the lock succeeds, so both cases end here.
    Ok(try_lock(&file, path)?.then_some(file))
}

fn claim(submission: &Submission) -> Claim {
    let mut random = [0_u8; 16];
    // Without the system's randomness, the process id still makes the nonce unique on this machine.
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

/// Calls `write` until it succeeds, and once more after each pause: a disk can fail, or be full, for a
/// moment.
fn persistently<T>(
    pauses_ms: &[u64],
    mut write: impl FnMut() -> Result<T, RunnerError>,
) -> Result<T, RunnerError> {
    for pause_ms in pauses_ms {
        match write() {
            // `NotFound` is not retried: somebody removed the whole folder, so nobody will read the file.
            Err(RunnerError::Io { source, .. }) if source.kind() != ErrorKind::NotFound => {}
            written => return written,
        }
        std::thread::sleep(Duration::from_millis(*pause_ms));
    }
    write()
}

/// Calls `write` until the disk is no longer full: the record of a job must not be lost for want of a few
/// bytes. Waiting does no harm: the job's processes are dead by now, and the keeper's lock shows that the job
/// is not lost.
///
/// The job's own temporary files may be what fills the disk. They are removed first: nobody would find them any
/// more.
fn when_disk_has_space(
    dir: &Path,
    temporary: Option<&str>,
    mut write: impl FnMut() -> Result<(), RunnerError>,
) -> Result<(), RunnerError> {
    let mut written = write();
    if let (Err(error), Some(temporary)) = (&written, temporary)
        && error.is_disk_full()
    {
        // An error leaves the wait below.
        let _ = clear::remove_until(Path::new(temporary), Some(Instant::now() + CLEAR_PATIENCE));
        written = write();
    }
    for _ in 0..FULL_DISK_TRIES_MAX {
        beat(dir);
        match &written {
            Err(error) if error.is_disk_full() => std::thread::sleep(FULL_DISK_INTERVAL),
            _ => break,
        }
        written = write();
    }
    written
}

/// Joins the supervisor in holding the job's slot, which stays held until this process ends. A supervisor that
/// was killed between the submission and now holds it no longer, and it may be another job's by now.
fn hold_slot(submission: &Submission) -> Result<Option<Hold>, RunnerError> {
    let Some(slot) = &submission.slot else { return Ok(None) };
    Hold::join(slot)?.map(Some).ok_or(RunnerError::SlotTaken { number: slot.number })
}

/// Runs the job in this folder. Returns `false` if another keeper or recovery has the job.
fn run_keeper(dir: &Path) -> Result<bool, RunnerError> {
    let Some(_lock) = take_lock(&dir.join(LOCK_FILE), stdin())? else { return Ok(false) };
    let path = dir.join(SESSION_FILE);
    let missing = || RunnerError::Format { path: path.clone(), problem: "it is missing".to_owned() };
    let submission: Submission = files::read_json(&path)?.ok_or_else(missing)?;
    let Some(_worktree) = take_lock(&submission.worktree_lock, stdout())? else {
        return Err(RunnerError::WorktreeBusy { worktree: submission.spec.worktree });
    };
    let _slot = hold_slot(&submission)?;
    // Logs and records are for the user alone; `__enter` gives the job's commands the original mask.
    let mask = umask(Mode::RWXG | Mode::RWXO);
    // A session of its own protects the keeper from a hangup and from signals of the supervisor's terminal.
    // `setsid` fails only for a session leader, which is in a session of its own already.
    let _ = setsid();
    // Daemons of the job become children of the keeper instead of init's, so that the sweep finds them.
    tree::become_subreaper();
    let signals = Signals::install().map_err(RunnerError::at("handle signals for", dir))?;
    fail_point!("keeper.before_claim");
    let claim = claim(&submission);
    let cgroup = claim.cgroup.as_deref().and_then(Cgroup::recorded);
    // The claim must be on disk before the first process starts. A crash before it leaves no claim, from
    // which recovery concludes that nothing started; a crash after it leaves the nonce and the control group
    // to find processes by.
    if !persistently(&CLAIM_PAUSES_MS, || files::create_json(&dir.join(CLAIM_FILE), &claim))? {
        // Recovery fenced the job between the supervisor's submission and this claim.
        cgroup.iter().for_each(Cgroup::remove);
        return Ok(false);
    }
    fail_point!("keeper.after_claim");
    tell_supervisor(STARTED);
    let mut job = Job::new(dir, &submission.spec, &claim, cgroup.clone(), signals, mask);
    let temporary = submission.slot.as_ref().and_then(|slot| slot.temporary.clone());
    job.temporary.clone_from(&temporary);
    let record = job.run();
    fail_point!("keeper.before_record");
    let path = dir.join(EXIT_FILE);
    let write = || files::replace_json(&path, &record, Flush::Now);
    let written = persistently(&RECORD_PAUSES_MS, || when_disk_has_space(dir, temporary.as_deref(), write));
    fail_point!("keeper.after_record");
    // Only after the record: without a record, recovery finds survivors by the control group.
    cgroup.iter().for_each(Cgroup::remove);
    written.map(|()| true)
}
