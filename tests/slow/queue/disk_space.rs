//! A full disk during a gate run.

use std::fs;
use std::process::Command;

use paddock_testkit::{Sandbox, Supervisor, count, is};

/// A gate without disk space says nothing about the work: the queue is held once and names the remedy.
#[cfg(target_os = "linux")]
#[test]
fn a_gate_without_disk_space_holds_the_queue_and_blames_no_branch() {
    let place = Sandbox::new();
    // Every write to /dev/full fails with ENOSPC, so the message comes from the system itself.
    let run = "test -e $NOTES/space || cat README.md > /dev/full";
    place.project("full", &format!("verify: [{{name: tests, run: {run:?}}}]"));
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(3);
    assert_eq!((count(&events, "landed", "*"), count(&events, "session_planned", "*")), (0, 1));
    // On the base first, to know its tests; twice on the branch; and on the base once more, to compare.
    assert_eq!(count(&events, "gate_started", "*"), 4);
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap();
    assert_eq!(held["data"]["reason"]["code"], "disk_full", "{held}");
    let said = place.good(&["explain", "work"]);
    assert!(said.contains("the disk is full where the gate runs") && said.contains("full-wt"), "{said}");
    // A new run assumes that a person has freed space.
    fs::write(place.note("space"), "").unwrap();
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "*")), (1, 0));
}

#[test]
fn a_branch_whose_test_only_claims_a_full_disk_is_sent_back() {
    let place = Sandbox::new();
    let run = "! test -e bad || { echo 'cp: error writing x: No space left on device' >&2; exit 1; }";
    let settings = "recovery: {max_retries: 0}\nqueue: {flaky_retries: 0}";
    place.project("words", &format!("{settings}\nverify: [{{name: tests, run: {run:?}}}]"));
    place.objective("good", "commit good\nover", &[]);
    place.idle(0);
    place.objective("bad", "commit bad\nover", &[]);
    let events = place.idle(3);
    assert_eq!(count(&events, "queue_held", "*"), 0, "the disk has free space");
    // The verdict on the base is older than the message, so the base is tried again under the same
    // conditions.
    assert_eq!(count(&events, "gate_started", "*"), 3);
    let status = place.status_of("bad");
    assert_eq!(status["status"], "needs_review");
    assert!(status["reason"].to_string().contains("its output says that the disk was full"), "{status}");
    place.objective("more", "commit more\nover", &[]);
    assert_eq!(count(&place.idle(3), "landed", "more"), 1, "the queue continues");
}

/// Returns a command that runs a program in a mount namespace of its own, if this machine allows that.
#[cfg(target_os = "linux")]
fn mounting(place: &Sandbox) -> Option<Command> {
    for flags in ["-m", "-Urm"] {
        let folder = place.path("try");
        fs::create_dir_all(&folder).unwrap();
        let script = "mount -t tmpfs -o size=64k none \"$0\"";
        let tried = place.program("unshare").args([flags, "sh", "-c", script]).arg(&folder).output();
        if tried.is_ok_and(|output| output.status.success()) {
            let mut command = place.program("unshare");
            command.arg(flags);
            return Some(command);
        }
    }
    None
}

#[cfg(target_os = "linux")]
#[test]
fn once_the_disk_has_free_space_again_the_queue_continues_by_itself() {
    let place = Sandbox::new();
    let run = "head -c 2000000 /dev/zero > big && rm big";
    // With `tests: off` the gate does not run on the base meanwhile, where it would take the agent's space.
    let settings = format!("verify: [{{name: tests, run: {run:?}, tests: off}}]\ndisk: {{min_free_gb: 0}}");
    place.project("small", &settings);
    place.objective("work", "commit work.txt\nover", &[]);
    let Some(mut command) = mounting(&place) else {
        eprintln!("nothing can be mounted here; the test above tries a full disk without");
        return;
    };
    let folder = place.path("small-wt");
    fs::create_dir_all(&folder).unwrap();
    // Worktrees are on a disk of 4 MB, of which 3 MB are filled until the test frees them. The gate needs 2
    // MB.
    let script = "mount -t tmpfs -o size=4m none \"$0\" && head -c 3000000 /dev/zero > \"$0/filler\" || exit 9\n\
                  (until test -e \"$NOTES/space\"; do sleep 0.05; done; rm \"$0/filler\") < /dev/null > /dev/null 2>&1 &\n\
                  exec \"$@\"";
    command.args(["sh", "-c", script]).arg(&folder);
    command.arg(paddock_testkit::program()).arg("--root").arg(place.root());
    command.args(["run", "--no-tui", "--json", "--poll-seconds", "1"]);
    let supervisor = Supervisor::start(&mut command);
    let held = supervisor.wait("queue_held", "*");
    assert_eq!(held["data"]["reason"]["code"], "disk_full", "{held}");
    assert_eq!(place.status_of("work")["reason"]["code"], "disk_full");
    fs::write(place.note("space"), "").unwrap();
    supervisor.wait("landed", "work");
    let events = supervisor.stop();
    assert_eq!(count(&events, "session_planned", "*"), 1, "no branch is blamed");
}

/// git only says that it is unable to write a file, and removes what it has written: the disk is not full when
/// the failure is read.
#[cfg(target_os = "linux")]
#[test]
fn a_checkout_for_which_the_disk_lacks_space_waits_and_goes_on_by_itself() {
    let place = Sandbox::new();
    let settings = "verify: [{name: tests, run: 'test -s big', tests: off}]\ndisk: {min_free_gb: 0}\n\
                    recovery: {max_retries: 0}";
    let repository = place.repository("small");
    let bytes: Vec<u8> = (0..6_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(repository.join("big"), bytes).unwrap();
    place.git(&repository, &["add", "big"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Add a big file"]);
    place.add("small", settings);
    place.objective("work", "commit work.txt\nover", &[]);
    let Some(mut command) = mounting(&place) else {
        eprintln!("nothing can be mounted here");
        return;
    };
    let folder = place.path("small-wt");
    fs::create_dir_all(&folder).unwrap();
    // Of 16 MB, 5 are free, then 11, then 16. The worktree takes 6, and so does the folder of the gate.
    let script = "mount -t tmpfs -o size=16m none \"$0\" || exit 9\n\
                  head -c 6000000 /dev/zero > \"$0/one\" && head -c 5000000 /dev/zero > \"$0/two\" || exit 9\n\
                  (for name in one two; do until test -e \"$NOTES/$name\"; do sleep 0.05; done; rm \"$0/$name\"; done) \
                  < /dev/null > /dev/null 2>&1 &\n\
                  exec \"$@\"";
    command.args(["sh", "-c", script]).arg(&folder);
    command.arg(paddock_testkit::program()).arg("--root").arg(place.root());
    command.args(["run", "--no-tui", "--json", "--poll-seconds", "1"]);
    let supervisor = Supervisor::start(&mut command);
    for (nth, name, what) in [(1, "one", "the worktree of small/work"), (2, "two", "the folder of gate run")]
    {
        let held = supervisor.wait_nth("project_held", "*", nth);
        let reason = &held["data"]["reason"];
        assert_eq!(reason["code"], "disk_low", "{held}");
        let text = reason["text"].as_str().unwrap();
        assert!(text.contains(what) && text.contains("no space for the checkout"), "{text}");
        assert!(place.good(&["status"]).contains("the disk is full while"));
        fs::write(place.note(name), "").unwrap();
    }
    supervisor.wait("landed", "work");
    let events = supervisor.stop();
    let counts = ["session_planned", "gate_started", "worktree_failed", "queue_held", "project_released"];
    assert_eq!(counts.map(|kind| count(&events, kind, "*")), [1, 1, 0, 0, 2]);
}
