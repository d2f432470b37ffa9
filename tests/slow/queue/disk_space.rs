//! A full disk under the gate.

use std::fs;
use std::process::Command;

use paddock_testkit::{Sandbox, Supervisor, count, is};

/// A gate that has no space says nothing of the work: the queue is held once, and says what to do.
#[cfg(target_os = "linux")]
#[test]
fn a_gate_that_has_no_space_holds_the_queue_and_blames_nobody() {
    let place = Sandbox::new();
    // The system itself says that there is no space: every write to this device fails so.
    let run = "test -e $NOTES/room || cat README.md > /dev/full";
    place.project("full", &format!("verify: [{{name: tests, run: {run:?}}}]"));
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(3);
    assert_eq!((count(&events, "landed", "*"), count(&events, "session_planned", "*")), (0, 1));
    assert_eq!(count(&events, "gate_started", "*"), 3, "it is tried once more, and on what it would land on");
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap();
    assert_eq!(held["data"]["reason"]["code"], "disk_full", "{held}");
    let said = place.good(&["explain", "work"]);
    assert!(said.contains("the disk is full where the gate runs") && said.contains("full-wt"), "{said}");
    // Whoever starts again has made room.
    fs::write(place.note("room"), "").unwrap();
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "*")), (1, 0));
}

#[test]
fn a_branch_whose_test_only_says_that_there_is_no_space_is_sent_back() {
    let place = Sandbox::new();
    let run = "! test -e bad || { echo 'cp: error writing x: No space left on device' >&2; exit 1; }";
    let settings = "recovery: {max_retries: 0}\nqueue: {flaky_retries: 0}";
    place.project("words", &format!("{settings}\nverify: [{{name: tests, run: {run:?}}}]"));
    place.objective("good", "commit good\nover", &[]);
    place.idle(0);
    place.objective("bad", "commit bad\nover", &[]);
    let events = place.idle(3);
    assert_eq!(count(&events, "queue_held", "*"), 0, "there is room");
    // What was known of the base is of another time: it is run again, under the same circumstances.
    assert_eq!(count(&events, "gate_started", "*"), 3);
    let status = place.status_of("bad");
    assert_eq!(status["status"], "needs_review");
    assert!(status["reason"].to_string().contains("its output says that the disk was full"), "{status}");
    place.objective("more", "commit more\nover", &[]);
    assert_eq!(count(&place.idle(3), "landed", "more"), 1, "the queue goes on");
}

/// A mount of its own for a process and all that it starts, if this machine lets us make one.
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
fn when_there_is_room_again_the_queue_goes_on_by_itself() {
    let place = Sandbox::new();
    let run = "head -c 2000000 /dev/zero > big && rm big";
    let settings = format!("verify: [{{name: tests, run: {run:?}}}]\ndisk: {{min_free_gb: 0}}");
    place.project("small", &settings);
    place.objective("work", "commit work.txt\nover", &[]);
    let Some(mut command) = mounting(&place) else {
        eprintln!("nothing can be mounted here; the test above tries a full disk without");
        return;
    };
    let folder = place.path("small-wt");
    fs::create_dir_all(&folder).unwrap();
    // Worktrees lie on four megabytes, of which three are taken until the test says so.
    let script = "mount -t tmpfs -o size=4m none \"$0\" && head -c 3000000 /dev/zero > \"$0/filler\" || exit 9\n\
                  (until test -e \"$NOTES/room\"; do sleep 0.05; done; rm \"$0/filler\") < /dev/null > /dev/null 2>&1 &\n\
                  exec \"$@\"";
    command.args(["sh", "-c", script]).arg(&folder);
    command.arg(paddock_testkit::program()).arg("--root").arg(place.root());
    command.args(["run", "--no-tui", "--json", "--poll-seconds", "1"]);
    let supervisor = Supervisor::start(&mut command);
    let held = supervisor.wait("queue_held", "*");
    assert_eq!(held["data"]["reason"]["code"], "disk_full", "{held}");
    assert_eq!(place.status_of("work")["reason"]["code"], "disk_full");
    fs::write(place.note("room"), "").unwrap();
    supervisor.wait("landed", "work");
    let events = supervisor.stop();
    assert_eq!(count(&events, "session_planned", "*"), 1, "nobody is blamed");
}
