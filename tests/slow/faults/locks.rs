//! Locks that nobody holds: a process was killed, or an error of the disk kept its file from going.

use std::fs;

use paddock_testkit::Sandbox;

use super::injected::has_landed_everything;

/// Whoever left them is gone, and the supervisor works already: nothing but itself can find them in its way.
#[test]
fn locks_that_appear_while_it_works_are_got_over_without_a_person() {
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
