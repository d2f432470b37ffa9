//! Recovery after a keeper: reads its record, or fences the job and cleans up after it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, waitpid};

use super::shared::Memory;
use crate::files;
use crate::keeper::wall_ms;
use crate::log::{LogReader, Stream};
use crate::record::{
    CLAIM_FILE, Claim, EXIT_FILE, Progress, StageEnd, StageOutcome, StopReason, StreamTotals, Usage, VERSION,
};
use crate::{ExitRecord, JobKey, LostJob, RunnerError, traces};
use paddock_os::files::Flush;
use paddock_os::process_tree::{Cgroup, Swept};
use paddock_os::processes;

/// Time after which the clean-up gives up killing the processes that a keeper left.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// How a job ended whose keeper is gone.
pub(super) enum Conclusion {
    Ended(Box<ExitRecord>),
    Lost(LostJob),
}

/// Returns the record of this attempt, if its keeper left one.
pub(super) fn record_of(dir: &Path, key: &JobKey) -> Result<Option<Box<ExitRecord>>, RunnerError> {
    let record = files::read_json::<ExitRecord>(&dir.join(EXIT_FILE))?;
    Ok(record.filter(|record| record.key == *key).map(Box::new))
}

/// Finds out how a job ended, and cleans up after it. If the runner killed the keeper of a job that had to
/// stop, the job ends as stopped. The caller must hold the job's lock or know that the
/// keeper is gone; otherwise this would fence a job that is just being started, or kill one that runs.
pub(super) fn conclude(
    dir: &Path,
    key: &JobKey,
    note: String,
    memory: Memory,
) -> Result<Conclusion, RunnerError> {
    if let Some(record) = record_of(dir, key)? {
        // A keeper removes its control group after its record. An empty group is left if it was killed in
        // between.
        let claim = files::read_json::<Claim>(&dir.join(CLAIM_FILE)).ok().flatten();
        let group = claim.and_then(|claim| Cgroup::recorded(&claim.cgroup?));
        group.iter().for_each(Cgroup::remove);
        return Ok(Conclusion::Ended(record));
    }
    let path = dir.join(CLAIM_FILE);
    let lost = |swept: Swept, never_started: bool| {
        let (survivors_killed, survivors_left) = (swept.killed, swept.left);
        Conclusion::Lost(LostJob { survivors_killed, survivors_left, never_started, note })
    };
    let fence = Claim {
        version: VERSION,
        attempt: key.attempt,
        keeper: None,
        boot_id: processes::boot_id(),
        nonce: String::new(),
        cgroup: None,
        awake_clock_ms: None,
    };
    // The fence and the keeper's claim are the same file, created exclusively: either the keeper finds the
    // fence and starts nothing, or the fence fails and the claim tells what to kill.
    if memory.claim.is_none() && files::create_json(&path, &fence)? {
        return Ok(lost(Swept::default(), true));
    }
    // The claim is complete and flushed before anything starts, so a keeper with a torn claim started
    // nothing.
    let read = || files::read_json::<Claim>(&path).ok().flatten();
    let claim = memory.claim.or_else(read).filter(|claim| claim.keeper.is_some());
    let Some(claim) = claim else { return Ok(lost(Swept::default(), true)) };
    let swept = clean(dir, &claim);
    let Some(reason) = memory.stop else { return Ok(lost(swept, false)) };
    let record = stopped(dir, key, &claim, swept, reason);
    // For a supervisor that comes after this one. If it cannot be written, that one takes the job for lost.
    let _ = files::replace_json(&dir.join(EXIT_FILE), &record, Flush::Later);
    Ok(Conclusion::Ended(Box::new(record)))
}

/// Returns the record of a job that was stopped for this reason, and whose keeper could not write one.
fn stopped(dir: &Path, key: &JobKey, claim: &Claim, swept: Swept, reason: StopReason) -> ExitRecord {
    let now_ms = wall_ms();
    let ran = claim.awake_clock_ms.zip(processes::awake_clock_ms());
    let awake_ms = ran.map_or(0, |(began, now)| now.saturating_sub(began));
    let end = |progress: Progress| StageEnd {
        name: progress.name,
        outcome: StageOutcome::Stopped,
        late_code: None,
        started_at_ms: progress.started_at_ms,
        ended_at_ms: now_ms,
        awake_ms,
        stdout_from: progress.stdout_from,
        stderr_from: progress.stderr_from,
    };
    let length = |stream: Stream| {
        let written_bytes = LogReader::open(dir, stream).length().unwrap_or(0);
        StreamTotals { written_bytes, kept_bytes: written_bytes }
    };
    ExitRecord {
        version: VERSION,
        key: *key,
        stages: Progress::read(dir).ok().flatten().map(end).into_iter().collect(),
        stop: Some(reason),
        awake_ms,
        started_at_ms: now_ms.saturating_sub(awake_ms),
        ended_at_ms: now_ms,
        usage: Usage::default(),
        leaked: false,
        survivors_killed: swept.killed,
        survivors_left: swept.left,
        killed_hard: true,
        stdout: length(Stream::Stdout),
        stderr: length(Stream::Stderr),
        log_error: None,
        log_lacked_space: false,
        temporary_lacked_space: false,
    }
}

/// Kills the processes that are left of a claimed job.
fn clean(dir: &Path, claim: &Claim) -> Swept {
    let Some(traces) = traces::of_claim(dir, claim) else { return Swept::default() };
    let mut seen = BTreeSet::new();
    let swept = traces.kill(KILL_PATIENCE, |found| seen.extend(found.iter().map(|one| one.identity.pid)));
    // If this process is a subreaper, the killed processes are its children by now and would stay as zombies.
    for pid in seen.into_iter().filter_map(Pid::from_raw) {
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
    traces.cgroup.iter().for_each(Cgroup::remove);
    swept
}
