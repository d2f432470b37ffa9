//! Errors of the disk while something is flushed.

use paddock_testkit::Sandbox;

use super::injected::{has_landed_everything, project, run};

/// libgit2 moves a ref before it flushes the folder, and reports the failed flush: the ref has moved all the
/// same, and the landing must not be taken for one that did not happen.
#[test]
fn a_landing_whose_flush_fails_once_is_a_landing() {
    let place = Sandbox::new();
    let repository = project(&place);
    let folder = repository.join(".git/refs/paddock/integration");
    let ended = run(&place, "fsync:error=EIO:when=1", &folder);
    assert_eq!(ended, Some(0), "{}", place.run(&["explain"]).1);
    has_landed_everything(&place, &repository);
}
