//! After a keeper: its record, or a fence and a clean-up.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, waitpid};

use crate::files;
use crate::record::{CLAIM_FILE, Claim, EXIT_FILE, MEMBERS_FILE, VERSION};
use crate::{ExitRecord, JobKey, LostJob, RunnerError};
use paddock_os::processes;
use paddock_os::tree::{Cgroup, Swept, Traces};

/// The longest time spent on killing what a keeper left.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// What became of a job whose keeper is gone.
pub(super) enum Conclusion {
    Ended(Box<ExitRecord>),
    Lost(LostJob),
}

/// The record that a keeper left of this attempt.
pub(super) fn record_of(dir: &Path, key: &JobKey) -> Result<Option<Box<ExitRecord>>, RunnerError> {
    let record = files::read_json::<ExitRecord>(&dir.join(EXIT_FILE))?;
    Ok(record.filter(|record| record.key == *key).map(Box::new))
}

/// To be called only while the job's lock is held or its keeper is known to be gone.
pub(super) fn conclude(dir: &Path, key: &JobKey, note: String) -> Result<Conclusion, RunnerError> {
    if let Some(record) = record_of(dir, key)? {
        // Empty by then, and left only by a keeper that was killed between its record and its end.
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
    if files::create_json(&path, &fence)? {
        return Ok(lost(Swept::default(), true));
    }
    // A claim is complete on disk before anything starts: a torn one started nothing.
    let claim = files::read_json::<Claim>(&path).ok().flatten().filter(|claim| claim.keeper.is_some());
    let Some(claim) = claim else { return Ok(lost(Swept::default(), true)) };
    Ok(lost(clean(dir, &claim), false))
}

/// Kills what is left of a claimed job. After a reboot nothing is, and its ids mean others.
fn clean(dir: &Path, claim: &Claim) -> Swept {
    if claim.boot_id != processes::boot_id() {
        return Swept::default();
    }
    let cgroup = claim.cgroup.as_deref().and_then(Cgroup::recorded);
    // Written without a flush and perhaps torn: one trace among several.
    let members = files::read_json(&dir.join(MEMBERS_FILE)).ok().flatten().unwrap_or_default();
    let nonce = Some(claim.nonce.clone()).filter(|nonce| !nonce.is_empty());
    let traces = Traces { mine: false, cgroup, nonce, members };
    let mut seen = BTreeSet::new();
    let swept = traces.kill(KILL_PATIENCE, |found| seen.extend(found.iter().map(|one| one.identity.pid)));
    // Where this process is a subreaper the dead are its children now.
    for pid in seen.into_iter().filter_map(Pid::from_raw) {
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
    traces.cgroup.iter().for_each(Cgroup::remove);
    swept
}
