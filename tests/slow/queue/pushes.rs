//! Pushing published work to the user's remote.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use paddock_testkit::{Sandbox, count, is};

/// Makes a bare remote `origin`. `project trust` agrees to it, as a new remote counts as a change of
/// configuration.
fn remote(place: &Sandbox, repository: &std::path::Path) -> PathBuf {
    let remote = place.path("remote.git");
    place.git(repository, &["clone", "--quiet", "--bare", ".", remote.to_str().unwrap()]);
    place.git(repository, &["remote", "add", "origin", remote.to_str().unwrap()]);
    place.good(&["project", "trust", "pushed"]);
    remote
}

#[test]
fn published_work_is_pushed_and_a_rejected_push_is_named_and_clears_by_itself() {
    let place = Sandbox::new();
    let repository = place.project("pushed", "verify: []\nland: {push: origin}");
    let remote = remote(&place, &repository);
    place.objective("one", "commit one.txt\nover", &[]);
    let events = place.idle(0);
    assert_eq!(count(&events, "pushed", "*"), 1, "{:?}", place.good(&["queue", "list"]));
    let head = |of: &std::path::Path| place.git(of, &["rev-parse", "main"]);
    assert_eq!(head(&remote), head(&repository));
    // Somebody else has pushed: Paddock does not force its push, and landings continue.
    let other = place.path("other");
    place.git(&remote, &["clone", "--quiet", ".", other.to_str().unwrap()]);
    place.git(&other, &["commit", "--quiet", "--allow-empty", "--message", "Elsewhere"]);
    place.git(&other, &["push", "--quiet", "origin", "HEAD:main"]);
    place.objective("two", "commit two.txt\nover", &[]);
    let events = place.idle(3);
    let waits = events.iter().find(|event| is(event, "push_waits", "*")).unwrap();
    assert_eq!(waits["data"]["wait"]["code"], "rejected", "{waits}");
    let listed = place.good(&["queue", "list"]);
    assert!(listed.contains("push_waits") && listed.contains("could not be pushed"), "{listed}");
    assert_eq!(place.status_of("two")["status"], "done");
    place.git(&remote, &["fetch", "--quiet", repository.to_str().unwrap(), "+main:main"]);
    let events = place.idle(0);
    assert_eq!(count(&events, "pushed", "*"), 1);
    assert!(!place.good(&["queue", "list"]).contains("push_waits"));
}

#[test]
fn work_published_after_a_rejected_push_is_pushed_without_a_command() {
    let place = Sandbox::new();
    let repository = place.project("pushed", "verify: []\nland: {push: origin}");
    let remote = remote(&place, &repository);
    place.git(&remote, &["config", "receive.denyCurrentBranch", "refuse"]);
    // The hook refuses every push without the work of `two`: repeated pushes of `one` stay refused.
    let hook = remote.join("hooks/pre-receive");
    fs::create_dir_all(remote.join("hooks")).unwrap();
    fs::write(&hook, "#!/bin/sh\nread old new ref\ngit cat-file -e \"$new:two.txt\"\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let supervisor = place.supervisor(&[]);
    place.objective("one", "commit one.txt\nover", &[]);
    supervisor.wait("push_waits", "*");
    place.objective("two", "commit two.txt\nover", &[]);
    supervisor.wait("pushed", "*");
    let events = supervisor.stop();
    let head = |of: &std::path::Path| place.git(of, &["rev-parse", "main"]);
    let pushed: Vec<_> = events.iter().filter(|event| is(event, "pushed", "*")).collect();
    assert_eq!(pushed.len(), 1, "{pushed:?}");
    assert_eq!(pushed[0]["data"]["commit"], head(&repository), "{pushed:?}");
    assert_eq!(head(&remote), head(&repository));
}
