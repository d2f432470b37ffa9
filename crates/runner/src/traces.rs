//! The traces by which the processes of a job are found whose keeper is gone.

use std::path::Path;

use crate::files;
use crate::record::{CLAIM_FILE, Claim, MEMBERS_FILE};
use paddock_os::process_tree::{Cgroup, Traces};
use paddock_os::processes;

/// Returns the traces that a claim leads to. `None` after a reboot: no process of the job is left, and the
/// process ids of the claim belong to strangers.
pub(crate) fn of_claim(dir: &Path, claim: &Claim) -> Option<Traces> {
    if claim.boot_id != processes::boot_id() {
        return None;
    }
    let cgroup = claim.cgroup.as_deref().and_then(Cgroup::recorded);
    // The list of members may be missing, since it is written without a flush; it is one trace among several.
    let members = files::read_json(&dir.join(MEMBERS_FILE)).ok().flatten().unwrap_or_default();
    let nonce = Some(claim.nonce.clone()).filter(|nonce| !nonce.is_empty());
    Some(Traces { mine: false, cgroup, nonce, members })
}

/// Returns the traces of the job in a folder; `None` if no process of it can be left, as none was started.
pub(crate) fn of_job(dir: &Path) -> Option<Traces> {
    let claim = files::read_json::<Claim>(&dir.join(CLAIM_FILE)).ok().flatten()?;
    claim.keeper?;
    of_claim(dir, &claim)
}
