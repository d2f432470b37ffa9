//! Slots: no two jobs have the same one at the same time, in whatever workspace they run.

use std::fs;
use std::path::PathBuf;

use paddock_testkit::{Sandbox, until};

/// Notes the slot of a job under a name, and waits.
fn noted(name: &str) -> String {
    format!(
        "test -d $TMPDIR; echo $PADDOCK_SLOT $TMPDIR > $NOTES/half.{name}; mv $NOTES/half.{name} $NOTES/slot.{name}\n\
         until test -e $NOTES/go; do sleep 0.02; done"
    )
}

/// Returns the slots that jobs have noted, and their folders, once there are so many.
fn slots(place: &Sandbox, count: usize) -> Vec<(String, PathBuf)> {
    let read = || -> Vec<String> {
        let entries = fs::read_dir(place.path("notes")).unwrap().map(|entry| entry.unwrap().path());
        let is_note = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("slot.");
        entries.filter(is_note).map(|path| fs::read_to_string(path).unwrap()).collect()
    };
    until(&format!("{count} jobs note their slots"), || read().len() >= count);
    let pair = |line: String| {
        let (slot, folder) = line.trim().split_once(' ').unwrap();
        (slot.to_owned(), PathBuf::from(folder))
    };
    let mut found: Vec<_> = read().into_iter().map(pair).collect();
    found.sort();
    found
}

#[test]
fn sessions_and_gates_of_two_supervisors_in_a_row_never_share_a_slot() {
    let place = Sandbox::new();
    let gate = noted("gate-$PADDOCK_GATE").replace('\n', "; ");
    let settings = format!(
        "verify: [{{name: tests, run: {gate:?}}}]\nmax_parallel_sessions: 4\n\
         worktree: {{setup: 'test -d $TMPDIR && test -d $XDG_RUNTIME_DIR && test -n \"$PADDOCK_PORT_BASE\"'}}"
    );
    place.project("shop", &settings);
    place.objective("one", &format!("{}\ncommit one.txt\nover", noted("one")), &["--scope", "one.txt"]);
    place.objective("two", &format!("{}\ncommit two.txt\nover", noted("two")), &["--scope", "two.txt"]);
    place.objective("done", "commit done.txt\nover", &["--scope", "done.txt"]);
    let supervisor = place.supervisor(&[]);
    let before = slots(&place, 3);
    supervisor.kill();
    // The keepers hold what their supervisor held.
    for (slot, _) in &before {
        let file = place.path(&format!("data/paddock/slots/{slot}.slot"));
        assert!(fs::File::open(file).unwrap().try_lock().is_err(), "slot {slot}");
    }
    // What a job left of which nobody saw the end.
    let folder = before[0].1.parent().unwrap();
    let (domain, _) = folder.file_name().unwrap().to_str().unwrap().split_once('-').unwrap();
    let leftover = folder.with_file_name(format!("{domain}-old-0"));
    fs::create_dir(&leftover).unwrap();
    let mut supervisor = place.supervisor(&["--until-idle"]);
    until("old temporary files are removed", || !leftover.exists());
    place.objective("late", &format!("{}\ncommit late.txt\nover", noted("late")), &["--scope", "late.txt"]);
    let all = slots(&place, before.len() + 1);
    let status = place.status("shop");
    let sessions = status["sessions"].as_array().unwrap();
    let of_one = sessions.iter().find(|session| session["objective"] == "one").unwrap();
    let noted = fs::read_to_string(place.note("slot.one")).unwrap();
    assert_eq!(of_one["job_slot"].to_string(), noted.split(' ').next().unwrap());
    let mut numbers: Vec<&String> = all.iter().map(|(slot, _)| slot).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), all.len(), "{all:?}");
    fs::write(place.note("go"), "").unwrap();
    assert_eq!(supervisor.end(), 0, "{}", place.good(&["status"]));
    for (_, folder) in &all {
        assert!(!folder.exists(), "{}", folder.display());
    }
}
