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
fn published_work_is_pushed_and_a_rejected_push_is_named_with_its_remedy_which_works() {
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
    // The remedy is named, and it works: what was pushed there is merged, landed, published and pushed.
    assert!(listed.contains("queue pull"), "{listed}");
    assert_eq!(waits["data"]["wait"]["cause"], "ahead", "{waits}");
    assert_eq!(place.status_of("two")["status"], "done");
    let said = place.good(&["queue", "pull"]);
    assert!(said.contains("is to be merged with landed work"), "{said}");
    let pull = &place.json(&["queue", "list", "--json"])[0]["pull"];
    assert_eq!((&pull["state"], &pull["round"]), (&"merging".into(), &1.into()), "{pull}");
    let events = place.idle(0);
    assert_eq!(count(&events, "pushed", "*"), 1);
    assert!(!place.good(&["queue", "list"]).contains("push_waits"));
    assert_eq!(head(&remote), head(&repository));
    place.git(&repository, &["fetch", "--quiet", other.to_str().unwrap(), "HEAD"]);
    place.git(&repository, &["merge-base", "--is-ancestor", "FETCH_HEAD", "main"]);
    place.good(&["verify"]);
    let landed = place.status_of("two")["landed"]["commit"].as_str().unwrap().to_owned();
    let two = format!("{landed}^2");
    // Work that was rebased is known by its patches: nothing is lost by it, and nothing lands twice.
    place.git(&repository, &["checkout", "--quiet", "-B", "main", "main~2"]);
    place.git(&repository, &["commit", "--quiet", "--allow-empty", "--message", "Between"]);
    place.git(&repository, &["cherry-pick", two.as_str()]);
    place.idle(3);
    place.good(&["queue", "adopt"]);
    for name in ["one", "two"] {
        assert_eq!(place.status_of(name)["status"], "done", "{name}");
    }
}

#[test]
fn commits_of_the_remote_that_conflict_are_named_with_their_files_and_change_nothing() {
    let place = Sandbox::new();
    let repository = place.project("pushed", "verify: []\nland: {push: origin}");
    let remote = remote(&place, &repository);
    let other = place.path("other");
    place.git(&remote, &["clone", "--quiet", ".", other.to_str().unwrap()]);
    fs::write(other.join("one.txt"), "theirs\n").unwrap();
    place.git(&other, &["add", "one.txt"]);
    place.git(&other, &["commit", "--quiet", "--message", "Theirs"]);
    place.git(&other, &["push", "--quiet", "origin", "HEAD:main"]);
    place.objective("one", "commit one.txt\nover", &[]);
    place.idle(3);
    let before = place.git(&repository, &["rev-parse", "main"]);
    place.good(&["queue", "pull"]);
    place.idle(3);
    let needs = place.json(&["status", "--json"])["projects"][0]["needs"].to_string();
    assert!(needs.contains("pull_failed") && needs.contains("one.txt"), "{needs}");
    assert!(needs.contains("git pull --no-rebase"), "{needs}");
    assert_eq!(place.git(&repository, &["rev-parse", "main"]), before);
    // The user resolves it: the merge is taken over and pushed.
    place.git(&repository, &["fetch", "--quiet", "origin"]);
    place.git(&repository, &["merge", "--quiet", "--strategy=ours", "--no-edit", "origin/main"]);
    let events = place.idle(0);
    assert_eq!(count(&events, "pushed", "*"), 1);
    let head = |of: &std::path::Path| place.git(of, &["rev-parse", "main"]);
    assert_eq!(head(&remote), head(&repository));
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
