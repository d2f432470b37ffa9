//! Disk errors during flushes.

use paddock_testkit::Sandbox;

use super::injected::{has_landed_everything, project, run};

/// libgit2 moves a ref before it flushes the folder, and reports a failed flush as an error although the ref
/// has moved. Paddock must not treat such a landing as one that did not happen.
#[test]
fn a_landing_whose_flush_fails_once_is_a_landing() {
    let place = Sandbox::new();
    let repository = project(&place);
    let folder = repository.join(".git/refs/paddock/integration");
    let ended = run(&place, "fsync:error=EIO:when=1", &folder);
    assert_eq!(ended, Some(0), "{}", place.run(&["explain"]).1);
    has_landed_everything(&place, &repository);
}
