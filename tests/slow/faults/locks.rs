//! Lock files without a holder: the process was killed, or a disk error prevented their removal.

use std::fs;

use paddock_testkit::Sandbox;

use super::injected::has_landed_everything;

/// The locks appear while the supervisor works, so no check at its start can find them.
#[test]
fn stale_locks_that_appear_while_the_supervisor_works_are_removed() {
    let place = Sandbox::new();
    let repository = place.project("web", "verify: [{name: there, run: \"test -f README.md\"}]");
    let git = repository.join(".git");
    let leave = "mkdir -p $GIT/refs/paddock/candidate $GIT/refs/notes; cd $GIT/refs; touch paddock/candidate/batch.lock \
                 paddock/integration/main.lock notes/paddock.lock paddock/made/three.lock; cd -";
    let leave = leave.replace("$GIT", git.to_str().unwrap());
    let one = |id: &str, needs: &str, first: &str| {
        let needs = needs.split_whitespace().map(str::to_owned).collect();
        (id.to_owned(), needs, format!("{id}.txt"), format!("commit {id}.txt\n{first}\nover"))
    };
    place.plan(&[one("one", "", ""), one("two", "one", &leave), one("three", "two", "")]);
    place.idle(0);
    has_landed_everything(&place, &repository);
    for lock in ["paddock/candidate/batch.lock", "paddock/integration/main.lock", "notes/paddock.lock"] {
        assert!(fs::symlink_metadata(git.join("refs").join(lock)).is_err(), "{lock} is left");
    }
}
