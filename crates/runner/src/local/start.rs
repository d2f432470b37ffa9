//! Submission of jobs: at most one keeper per job and attempt, and at most one job per worktree.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::family::KEEPER_COMMAND;
use super::shared::{Memory, Shared, give_back};
use super::{recover, watch};
use crate::beat::BEAT_FILE;
use crate::files;
use crate::inherit;
use crate::record::{
    CLAIM_FILE, CONTROL_FILE, Claim, EXIT_FILE, LOCK_FILE, MEMBERS_FILE, PROGRESS_FILE, SESSION_FILE,
    START_ERROR_FILE,
};
use crate::slots::{self, Hold};
use crate::spec::Submission;
use crate::{JobKey, JobSpec, RunnerError};
use paddock_os::fail_points::fail_point;
use paddock_os::files::Flush;
use paddock_os::locks::HeldLock;

/// How long a submission waits for the lock of a job that has written its record and is about to exit.
const EXIT_WAIT_MAX: Duration = Duration::from_secs(5);
/// Pause between two tries to take that lock.
const EXIT_POLL: Duration = Duration::from_millis(5);

/// Returns the lock file of a worktree. It is named by a digest, since a path can be longer than a file name
/// may be.
pub(super) fn worktree_lock(locks: &Path, worktree: &Path) -> PathBuf {
    let digest = Sha256::digest(worktree.as_os_str().as_bytes());
    let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    locks.join(format!("{name}.lock"))
}

/// Returns whether this runner already knows this attempt, so that there is nothing to do.
fn is_known(shared: &Shared, spec: &JobSpec) -> Result<bool, RunnerError> {
    let jobs = shared.jobs();
    if let Some(known) = jobs.get(&(spec.key.kind, spec.key.id)) {
        if known.key == spec.key {
            return Ok(true);
        }
        if !known.over {
            return Err(RunnerError::OtherAttempt { wanted: spec.key, present: known.key });
        }
    }
    // Processes of a lost job may still be in its worktree until the clean-up has ended and the job is
    // reported, although the worktree's lock is free as soon as its keeper is dead.
    let busy = |worktree: &PathBuf| *worktree == spec.worktree;
    match jobs.values().any(|known| !known.over && known.worktree.as_ref().is_some_and(busy)) {
        true => Err(RunnerError::WorktreeBusy { worktree: spec.worktree.clone() }),
        false => Ok(false),
    }
}

pub(super) fn submit(shared: &Arc<Shared>, spec: &JobSpec) -> Result<(), RunnerError> {
    if is_known(shared, spec)? {
        return Ok(());
    }
    let dir = &spec.dir;
    files::make_folder(dir)?;
    let lock = take_job(dir)?;
    let present = present(dir, &spec.key)?;
    let Some(lock) = lock else {
        // A keeper holds the lock.
        return match present {
            Some(present) if present != spec.key => {
                Err(RunnerError::OtherAttempt { wanted: spec.key, present })
            }
            // An earlier supervisor started this very attempt.
            _ => watch::watch(shared, spec.key, dir, Some(spec), None, None),
        };
    };
    match present {
        // This attempt started before and is over. Its thread finds the lock free and reports the end, or the
        // loss, at once.
        Some(present) if present == spec.key && is_claimed(dir) => {
            drop(lock);
            return watch::watch(shared, spec.key, dir, Some(spec), None, None);
        }
        // A late submission must not replace a newer attempt.
        Some(present) if present.attempt > spec.key.attempt => {
            return Err(RunnerError::OtherAttempt { wanted: spec.key, present });
        }
        Some(present) if present != spec.key => set_aside(dir, &present)?,
        // The folder is empty, or holds a submission of this attempt without a claim: its keeper never
        // started.
        _ => {}
    }
    let worktree_path = worktree_lock(&shared.locks, &spec.worktree);
    let Some(worktree_lock) = HeldLock::take(&worktree_path)? else {
        return Err(RunnerError::WorktreeBusy { worktree: spec.worktree.clone() });
    };
    let mut completed = inherit::complete(spec, &shared.environment);
    let taken = spec
        .slot
        .as_ref()
        .and_then(|order| slots::take(&shared.slot_places(), order, dir, &shared.held_slots()));
    if let Some((taken, order)) = taken.as_ref().zip(spec.slot.as_ref()) {
        slots::add_variables(&mut completed, taken, order);
    }
    let (slot, hold) = taken.map(|taken| (taken.slot, taken.hold)).unzip();
    let submission =
        Submission { version: Submission::VERSION, spec: completed, worktree_lock: worktree_path, slot };
    // No flush: after a power loss no process of the job is left to be found. The file serves the supervisor
    // that follows one that was killed.
    let written = files::replace_json(&dir.join(SESSION_FILE), &submission, Flush::Later);
    let child = written.and_then(|()| {
        fail_point!("spawn.submission");
        spawn(shared, spec, lock, worktree_lock)
    });
    let child = child.inspect_err(|_| slots::discard(hold.as_ref().map(Hold::end).unwrap_or_default()))?;
    fail_point!("spawn.after");
    watch::watch(shared, spec.key, dir, Some(spec), Some(child), hold)
}

/// Takes the lock of a job's folder. Returns `None` if the job is running. If the record is written already,
/// waits for the lock: the keeper that wrote the record, or the thread that reads it, releases the lock in a
/// moment.
fn take_job(dir: &Path) -> Result<Option<HeldLock>, RunnerError> {
    let path = dir.join(LOCK_FILE);
    let begun = Instant::now();
    loop {
        let taken = HeldLock::take(&path)?;
        if taken.is_some() || !dir.join(EXIT_FILE).exists() || begun.elapsed() >= EXIT_WAIT_MAX {
            return Ok(taken);
        }
        thread::sleep(EXIT_POLL);
    }
}

/// Returns the job and attempt whose files are in the folder, if any.
fn present(dir: &Path, wanted: &JobKey) -> Result<Option<JobKey>, RunnerError> {
    if let Some(submission) = files::read_json::<Submission>(&dir.join(SESSION_FILE))? {
        return Ok(Some(submission.spec.key));
    }
    // Without a submission, a claim is a fence of recovery. An unreadable claim is ignored: it started
    // nothing.
    let claim = files::read_json::<Claim>(&dir.join(CLAIM_FILE)).ok().flatten();
    Ok(claim.map(|claim| JobKey { attempt: claim.attempt, ..*wanted }))
}

fn is_claimed(dir: &Path) -> bool {
    [CLAIM_FILE, EXIT_FILE].iter().any(|name| dir.join(name).exists())
}

/// Moves the files of an old attempt into a subfolder, after ending what is left of it, so that a new attempt
/// can use the folder.
fn set_aside(dir: &Path, old: &JobKey) -> Result<(), RunnerError> {
    let conclusion = recover::conclude(dir, old, String::new(), Memory::default())?;
    if let Some(slot) = Hold::of_job(dir) {
        give_back(&slot, &conclusion);
    }
    let old_files = dir.join(format!("attempt-{}", old.attempt));
    files::make_folder(&old_files)?;
    // The stage and the beat of the old keeper would be taken for those of the new one.
    let ours = [
        SESSION_FILE,
        CLAIM_FILE,
        CONTROL_FILE,
        EXIT_FILE,
        MEMBERS_FILE,
        START_ERROR_FILE,
        PROGRESS_FILE,
        BEAT_FILE,
    ];
    let is_ours = |name: &OsStr| {
        let name = name.to_string_lossy();
        ours.contains(&&*name) || name.starts_with("stdout.log.") || name.starts_with("stderr.log.")
    };
    // The claim is moved last: until then it fences the folder against a late keeper of the old attempt.
    let entries = fs::read_dir(dir).map_err(RunnerError::at("read", dir))?;
    let mut names: Vec<_> =
        entries.flatten().map(|entry| entry.file_name()).filter(|name| is_ours(name)).collect();
    names.sort_by_key(|name| name == CLAIM_FILE);
    for name in names {
        let from = dir.join(&name);
        fs::rename(&from, old_files.join(&name)).map_err(RunnerError::at("set aside", &from))?;
    }
    Ok(())
}

/// Starts a keeper that depends on nothing of the supervisor's: it gets the root as its folder, the two locks
/// as standard input and output, and a pipe as standard error.
fn spawn(
    shared: &Shared,
    spec: &JobSpec,
    lock: HeldLock,
    worktree_lock: HeldLock,
) -> Result<Child, RunnerError> {
    let mut command = Command::new(&shared.program);
    // In any other folder the keeper would keep a file system from being unmounted.
    command.arg0("paddock").arg(KEEPER_COMMAND).arg(&spec.dir).current_dir("/");
    command.envs(&shared.environment).envs(&spec.env_values.0);
    command.stdin(lock.into_stdio()).stdout(worktree_lock.into_stdio()).stderr(Stdio::piped());
    command.spawn().map_err(|source| RunnerError::Spawn { program: shared.program.clone(), source })
}
