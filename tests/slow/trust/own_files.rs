//! The files that a running supervisor works with are deleted or replaced.

use std::fs;

use paddock_testkit::{Sandbox, count, is, until};

/// An agent that waits until the test lets it go on.
const WAITS: &str =
    "echo $$ > $NOTES/pid\nuntil test -e $NOTES/go; do sleep 0.02; done\ncommit work.txt\nover";

/// Returns a sandbox in whose project one objective waits for the note `go`.
fn waiting() -> Sandbox {
    let place = Sandbox::new();
    place.project("p", "verify: [{name: tests, run: 'true', tests: off}]");
    place.objective("work", WAITS, &[]);
    place
}

#[test]
fn a_database_that_is_deleted_under_a_supervisor_is_put_back_and_nothing_is_lost() {
    let place = waiting();
    let mut running = place.supervisor(&["--until-idle", "--poll-seconds", "1"]);
    until("the agent works", || place.note("pid").exists());
    for ending in ["", "-wal", "-shm"] {
        fs::remove_file(place.root().join(format!("runtime/paddock.db{ending}"))).unwrap();
    }
    // Right after the deletion: no command takes the missing file for an empty workspace.
    assert_eq!(place.status_of("work")["status"], "active");
    let put_back = running.wait("file_put_back", "*");
    assert_eq!(put_back["data"]["was_replaced"], false, "{put_back}");
    fs::write(place.note("go"), "").unwrap();
    assert_eq!(running.finish().0, 0);
    assert_eq!(place.status_of("work")["status"], "done");
    let recorded = place.good(&["events"]);
    assert!(recorded.contains("paddock.db was deleted while it was in use"), "{recorded}");
    assert!(place.outcome(&["doctor", "--rebuild"]).1.contains("the stored state agrees with its"));
    place.good(&["verify"]);
}

#[test]
fn a_supervisor_whose_runtime_folder_is_deleted_stops_and_starts_nothing() {
    let place = waiting();
    place.objective("next", "commit next.txt\nover", &["--depends-on", "work"]);
    let mut command = place.paddock(&["run", "--no-tui", "--json", "--poll-seconds", "1"]);
    command.stderr(fs::File::create(place.path("stderr")).unwrap());
    let mut running = place.supervisor_of(command);
    until("the agent works", || place.note("pid").exists());
    // Repeated: the supervisor may make a file in the folder meanwhile.
    until("the folder is gone", || fs::remove_dir_all(place.root().join("runtime")).is_ok());
    let (code, events) = running.finish();
    let said = fs::read_to_string(place.path("stderr")).unwrap();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("was deleted") && said.contains("the supervisor stopped"), "{said}");
    assert!(said.contains("Everything recorded is saved in"), "{said}");
    assert_eq!((count(&events, "landed", "*"), count(&events, "session_planned", "next")), (0, 0));
    fs::write(place.note("go"), "").unwrap();
    place.nobody_is_left();
}

#[test]
fn without_the_file_of_its_lock_a_workspace_still_has_one_supervisor_which_puts_it_back() {
    let place = waiting();
    let running = place.supervisor(&["--poll-seconds", "1"]);
    until("the agent works", || place.note("pid").exists());
    let pid: i32 = fs::read_to_string(place.note("pid")).unwrap().trim().parse().unwrap();
    // The socket tells jobs from people by this.
    assert_eq!(paddock_runner::is_in_a_job(pid), cfg!(target_os = "linux"));
    assert!(!paddock_runner::is_in_a_job(running.pid().as_raw_nonzero().get()));
    let (lock, claim) = (place.root().join("runtime/paddock.lock"), place.path("p/.git/paddock.claim"));
    [&lock, &claim].iter().for_each(|file| fs::remove_file(file).unwrap());
    let said = place.refused(&["run", "--no-tui", "--once"], 1);
    assert!(said.contains("another paddock works in"), "{said}");
    let named = |file: &std::path::Path| {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        running.wait_where(
            &name,
            |event| is(event, "file_put_back", "*") && event["data"]["path"].to_string().contains(&name),
            1,
        );
        fs::read_to_string(file).unwrap()
    };
    let own = format!("pid: {}\n", running.pid().as_raw_nonzero());
    assert!(named(&lock).contains(&own) && named(&claim).contains(&own));
    fs::write(place.note("go"), "").unwrap();
    running.wait("landed", "work");
    running.stop();
}
