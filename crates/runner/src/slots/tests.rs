//! Slots without keepers: which one a job gets, and when it is free again.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::record::{CLAIM_FILE, Claim, VERSION};
use crate::slots::SlotPlaces;
use paddock_os::files::Flush;
use paddock_os::process_tree::NONCE_VARIABLE;
use paddock_os::processes;

/// A user with two workspaces.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path("tmp")).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn places(&self, workspace: &str) -> Places {
        let (shared, temporary) = (Some(self.path("shared")), Some(self.path("tmp")));
        Places::new(&self.path(workspace), SlotPlaces { shared, temporary })
    }

    fn take(&self, workspace: &str, job: &str) -> Taken {
        take(&self.places(workspace), &order(free_port(), 1), &self.path(job), &[]).unwrap()
    }
}

fn order(port_base: u32, ports_per_slot: u32) -> SlotOrder {
    SlotOrder { project: "shop".to_owned(), port_base, ports_per_slot }
}

/// Returns a port that nothing listened at a moment ago, with some ports after it. Another program may listen
/// at any of them by now.
fn free_port() -> u32 {
    listening().1
}

fn listening() -> (TcpListener, u32) {
    loop {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = u32::from(listener.local_addr().unwrap().port());
        if port < 65_000 {
            return (listener, port);
        }
    }
}

fn folder_of(taken: &Taken) -> PathBuf {
    PathBuf::from(&taken.folders.as_ref().unwrap().owned[0])
}

#[test]
fn a_slot_is_one_jobs_until_nobody_holds_it() {
    let home = Home::new();
    let (one, two) = (home.take("a", "one"), home.take("b", "two"));
    assert_ne!(one.slot.number, two.slot.number);
    assert_ne!(one.folders, two.folders);
    // The keeper joins, and its supervisor dies.
    let keeper = Hold::join(&one.slot).unwrap().unwrap();
    let number = one.slot.number;
    drop(one.hold);
    let three = home.take("b", "three");
    assert!(![number, two.slot.number].contains(&three.slot.number));
    // One that comes too late finds another job's record, also after that job is over.
    drop(keeper.end());
    drop(keeper);
    assert!(Hold::join(&one.slot).unwrap().is_none());
    let taken: Vec<Taken> = (0..3).map(|job| home.take("a", &format!("later-{job}"))).collect();
    assert!(Hold::join(&one.slot).unwrap().is_none(), "{taken:?}");
}

#[test]
fn a_slot_with_a_port_in_use_is_passed_over_unless_there_is_no_other() {
    let home = Home::new();
    let (_listener, port) = listening();
    let taken = take(&home.places("a"), &order(port, 1), &home.path("one"), &[]).unwrap();
    assert!(taken.slot.number > 0);
    assert_eq!(taken.ports.unwrap().first, port + taken.slot.number);
    // The first slot has all ports that there are.
    let taken = take(&home.places("a"), &order(port, 65_536 - port), &home.path("two"), &[]).unwrap();
    assert_eq!((taken.slot.number, taken.ports.unwrap().first), (0, port));
    let taken = take(&home.places("a"), &order(65_535, 2), &home.path("three"), &[]).unwrap();
    assert_eq!(taken.ports, None);
}

#[test]
fn jobs_of_projects_that_divide_the_ports_differently_share_none() {
    let home = Home::new();
    let base = free_port();
    let first = take(&home.places("a"), &order(base, 20), &home.path("one"), &[]).unwrap();
    let second = take(&home.places("b"), &order(base, 7), &home.path("two"), &[]).unwrap();
    assert!(!first.ports.unwrap().overlaps(second.ports.unwrap()), "{first:?} {second:?}");
}

/// Starts a process that carries the mark of a job, and writes the claim of that job's keeper.
fn survivor(dir: &Path) -> Child {
    let nonce = format!("slot-{}", paddock_os::files::random_hex(8).unwrap());
    let mut sleep = Command::new("sleep");
    sleep.arg("600").env(NONCE_VARIABLE, &nonce).stdout(Stdio::null()).stderr(Stdio::null());
    let child = sleep.spawn().unwrap();
    files::make_folder(dir).unwrap();
    let claim = Claim {
        version: VERSION,
        attempt: 1,
        keeper: processes::me(),
        boot_id: processes::boot_id(),
        nonce,
        cgroup: None,
        awake_clock_ms: None,
    };
    files::replace_json(&dir.join(CLAIM_FILE), &claim, Flush::Later).unwrap();
    child
}

#[test]
fn the_slot_of_a_lost_job_is_free_when_its_processes_are_dead() {
    let home = Home::new();
    let lost = home.take("a", "lost");
    let (number, folder) = (lost.slot.number, folder_of(&lost));
    let mut survivor = survivor(&home.path("lost"));
    drop(lost);
    let next = home.take("b", "next");
    sweep(&home.places("a"));
    let is_kept = folder.exists();
    survivor.kill().and_then(|()| survivor.wait()).unwrap();
    assert_ne!(next.slot.number, number);
    assert!(is_kept, "its processes may still use it");
    sweep(&home.places("a"));
    assert!(!folder.exists());
    assert!(folder_of(&next).exists());
}

#[test]
fn a_job_finds_its_folders_empty_and_closed_and_nothing_of_them_stays() {
    let home = Home::new();
    let first = home.take("a", "one");
    let (number, folder) = (first.slot.number, folder_of(&first));
    let folders = first.folders.clone().unwrap();
    assert!(folders.runtime.len() <= 64, "{folders:?}");
    for path in [folders.temporary.as_str(), &folders.runtime] {
        let facts = fs::symlink_metadata(path).unwrap();
        assert_eq!((facts.is_dir(), facts.mode() & 0o777), (true, 0o700), "{path}");
    }
    fs::create_dir_all(format!("{}/deep/tree", folders.temporary)).unwrap();
    fs::write(format!("{}/deep/tree/file", folders.temporary), "secret").unwrap();
    fs::rename(&folder, folder.with_extension("moved")).unwrap();
    // Killed: nothing is given back.
    drop(first);
    let again: Vec<Taken> = (0..=number).map(|job| home.take("a", &format!("again-{job}"))).collect();
    let same = again.iter().find(|taken| taken.slot.number == number);
    if let Some(same) = same {
        assert_eq!(folder_of(same), folder);
        assert_eq!(fs::read_dir(&folders.temporary).unwrap().count(), 0);
    }
    again.iter().for_each(|taken| folders::discard_now(&taken.hold.end()));
    drop(again);
    sweep(&home.places("b"));
    let base = folder.parent().unwrap();
    assert_eq!(
        fs::read_dir(base).unwrap().count(),
        0,
        "{:?}",
        fs::read_dir(base).unwrap().collect::<Vec<_>>()
    );
}

#[test]
fn what_cannot_be_shared_is_had_in_the_workspace() {
    let home = Home::new();
    fs::write(home.path("shared"), "in the way").unwrap();
    let base = paddock_os::temporary::own_folder(&home.path("tmp")).unwrap();
    fs::remove_dir(&base).unwrap();
    std::os::unix::fs::symlink(home.path("b"), &base).unwrap();
    let taken = home.take("a", "one");
    assert!(home.path(&format!("a/slots/{}.slot", taken.slot.number)).exists());
    let folder = folder_of(&taken);
    assert!(!folder.starts_with(home.path("tmp")), "{folder:?}");
    folders::discard_now(&taken.hold.end());
    assert!(!folder.exists() && !home.path("b").exists());
}

#[test]
fn a_record_cannot_have_other_folders_removed() {
    let home = Home::new();
    for name in ["precious", "abcdef-old-1", "abcdeg-1", "abcdef-", "abcdef-1/.."] {
        fs::create_dir_all(home.path(name)).unwrap();
        assert_eq!(folders::set_aside(&home.path(name)), None, "{name}");
    }
    assert!(folders::set_aside(&home.path("abcdef-1")).is_some());
}

#[test]
fn files_of_slots_that_were_removed_or_replaced_give_no_slot_twice() {
    let home = Home::new();
    let first = home.take("a", "one");
    fs::remove_dir_all(home.path("shared")).unwrap();
    fs::create_dir(home.path("shared")).unwrap();
    let held = [first.slot.number];
    let second = take(&home.places("a"), &order(free_port(), 1), &home.path("two"), &held).unwrap();
    assert_ne!(first.slot.number, second.slot.number);
    // Things that are no files.
    for number in 0..4 {
        let path = file_of(&home.path("shared"), 10 + number);
        match number {
            0 => fs::create_dir(path).unwrap(),
            1 => std::os::unix::fs::symlink("/dev/null", path).unwrap(),
            2 => assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()),
            _ => fs::write(path, "no record").unwrap(),
        }
    }
    let held: Vec<u32> = (0..10).collect();
    let third = take(&home.places("a"), &order(free_port(), 1), &home.path("three"), &held).unwrap();
    assert!(third.slot.number >= 13, "{third:?}");
    assert!(home.path(&format!("shared/{}.slot", third.slot.number)).is_file());
}
