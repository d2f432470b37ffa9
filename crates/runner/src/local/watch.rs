//! Waits for the end of keepers, with one sleeping thread for each.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr};
use std::sync::Arc;
use std::thread;

use super::guard;
use super::recover::{self, Conclusion};
use super::shared::{Known, Shared};
use crate::keeper::STARTED;
use crate::record::LOCK_FILE;
use crate::slots::Hold;
use crate::{JobKey, JobReport, JobSpec, LostJob, RunnerError};
use paddock_os::fail_points::trouble_point;
use paddock_os::locks::HeldLock;
use paddock_os::panics::caught;
use paddock_os::processes;

/// Stack of a waiting thread. It only reads a few files, and hundreds of threads may wait at the same time.
const STACK_BYTES: usize = 128 * 1024;
/// Limit on the part of a keeper's standard error that is kept, in bytes.
const NOTE_BYTES_MAX: u64 = 4096;

/// Starts a thread that waits for the job's end and reports it. `spec` is the job, as far as it can be read;
/// `child` is the keeper if this process started it and must reap it, and `slot` the slot that this process took
/// for it.
pub(super) fn watch(
    shared: &Arc<Shared>,
    key: JobKey,
    dir: &Path,
    spec: Option<&JobSpec>,
    child: Option<Child>,
    slot: Option<Hold>,
) -> Result<(), RunnerError> {
    let mut known = Known::new(key, dir, spec);
    known.slot = slot.or_else(|| Hold::of_job(dir)).map(Arc::new);
    let pid = child.as_ref().and_then(|child| i32::try_from(child.id()).ok());
    known.keeper = pid.and_then(processes::one).map(|one| one.identity);
    shared.jobs().insert((key.kind, key.id), known);
    guard::begin(shared).map_err(RunnerError::at("start a thread to guard", dir))?;
    let (waiting, folder) = (Arc::clone(shared), dir.to_owned());
    let name = format!("{:?}-{}", key.kind, key.id).to_lowercase();
    let spawned = thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(move || {
        // Without a catch, a panic would end the thread silently, and the job would count as running for
        // ever.
        match caught(|| wait(&waiting, key, &folder, child)) {
            Ok(conclusion) => waiting.conclude(key, conclusion),
            Err(panic) => {
                let problem = panic.to_string();
                waiting.report(JobReport::Unwatched { key, problem });
            }
        }
    });
    spawned.map(drop).map_err(RunnerError::at("start a thread to wait for", dir))
}

fn wait(shared: &Shared, key: JobKey, dir: &Path, mut child: Option<Child>) -> Conclusion {
    let mut note = String::new();
    if let Some(child) = &mut child {
        let pid = i32::try_from(child.id()).unwrap_or(0);
        if let Some(stderr) = child.stderr.take() {
            note = listen(stderr, || {
                shared.remember_claim(&key, dir);
                shared.report(JobReport::Started { key, keeper_pid: pid });
            });
        }
    }
    trouble_point!("runner.wait");
    // The lock is held until the conclusion, so that nobody else cleans up at the same time. If waiting for
    // the lock fails, the wait for the child below still waits for a keeper of this process.
    let _lock = HeldLock::wait_for(&dir.join(LOCK_FILE));
    if let Some(child) = &mut child {
        // Fails only if somebody has reaped the child already.
        let _ = child.wait();
    }
    recover::conclude(dir, &key, note, shared.memory(&key)).unwrap_or_else(|error| {
        let note = error.to_string();
        Conclusion::Lost(LostJob { survivors_killed: 0, survivors_left: 0, never_started: false, note })
    })
}

/// Reads a keeper's standard error until it ends. Calls `started` once the keeper has claimed the job, and
/// returns everything else that it wrote.
fn listen(stderr: ChildStderr, started: impl FnOnce()) -> String {
    let mut reader = BufReader::with_capacity(512, stderr);
    let mut first = String::new();
    let mut note = String::new();
    if reader.read_line(&mut first).is_ok() && first.trim_end() == STARTED {
        started();
    } else {
        note = first;
    }
    // The note helps people to find a cause; nothing is decided by it, so read errors are ignored.
    let _ = reader.by_ref().take(NOTE_BYTES_MAX).read_to_string(&mut note);
    // The rest is drained: a full pipe would block a keeper that writes more.
    let _ = std::io::copy(&mut reader, &mut std::io::sink());
    note.trim().to_owned()
}
