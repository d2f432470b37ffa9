//! Faults of the disk, through the built binary on real files.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use paddock_testkit::git::git;
use paddock_testkit::{Sandbox, Supervisor, alone, until};

/// Where a test that needs a disk of its own is run: it runs itself again, in a mount namespace in which the
/// folder for temporary files is a small file system. False where the machine does not allow that.
fn on_a_small_disk(test: &str) -> bool {
    const INSIDE: &str = "PADDOCK_TEST_SMALL_DISK";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=48m,mode=700 none \"$1\" || exit 77\n\
                  TMPDIR=\"$1\"; export TMPDIR; shift; exec \"$@\"";
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(folder.path());
    command.arg(std::env::current_exe().unwrap()).args(alone::arguments(module_path!(), test));
    command.env(INSIDE, "1").stdin(Stdio::null());
    let Ok(output) = command.output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || text.contains("unshare failed") {
        eprintln!("no file system can be mounted here: {text}");
        return false;
    }
    alone::passed(&output);
    false
}

/// Takes all the room that is left.
fn fill(place: &Sandbox) -> PathBuf {
    let ballast = place.path("ballast");
    let mut file = File::create(&ballast).unwrap();
    for bytes in [1 << 20, 4096, 1] {
        let block = vec![b'x'; bytes];
        while file.write_all(&block).is_ok() {}
    }
    ballast
}

/// What a process wrote to its standard error; kept in memory, since the disk may be full.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<String>>);

impl Told {
    fn contains(&self, words: &str) -> bool {
        self.0.lock().unwrap().contains(words)
    }
}

/// A supervisor whose standard error is kept.
fn listened(place: &Sandbox, mut command: Command) -> (Supervisor, Told) {
    let (reader, writer) = std::io::pipe().unwrap();
    command.stderr(writer);
    let reported = Told::default();
    let kept = reported.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            kept.0.lock().unwrap().push_str(&(line + "\n"));
        }
    });
    (place.supervisor_of(command), reported)
}

fn run(place: &Sandbox) -> Command {
    place.paddock(&["run", "--no-tui", "--json", "--poll-seconds", "1"])
}

#[test]
fn agents_at_work_while_the_disk_is_full_are_not_lost_and_work_goes_on_by_itself() {
    if !on_a_small_disk("agents_at_work_while_the_disk_is_full_are_not_lost_and_work_goes_on_by_itself") {
        return;
    }
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let go = place.path("go");
    // One tries to commit while there is no room, and fails; the other has committed, and only says so then.
    let wait = format!("while ! [ -e '{}' ]; do sleep 0.05; done\n", go.display());
    let work = "head -c 100000 /dev/urandom > one.txt; git add . && git commit --quiet --message One\n";
    place.script("one", &format!("{wait}{work}"));
    place.script("two", &format!("echo two > two.txt; git add .; git commit --quiet -m Two || true\n{wait}"));
    place.objectives(&["one", "two"]);
    let mut running = place.supervisor_of(run(&place));
    until("both are at work", || place.starts().len() == 2);
    until("one of them has committed", || {
        git(&repository, &["log", "--format=%s", "paddock/two/work"]).starts_with("Two")
    });
    let ballast = fill(&place);
    File::create(&go).unwrap();
    for id in ["one", "two"] {
        // Held for as long as any process of the agent lives.
        let busy = File::open(place.path("busy").join(id)).unwrap();
        until("the agent has ended", || busy.try_lock().is_ok());
    }
    let status = place.good(&["status"]);
    assert!(status.contains("one"), "whoever looks can look: {status}");
    fs::remove_file(&ballast).unwrap();
    running.heard_of("objective_done", "one");
    running.stop();
    assert_eq!(place.until_idle(), 0, "{}", place.status("p")["objectives"]);
    place.nobody_is_left();
    place.nothing_ran_twice();
    for id in ["one", "two"] {
        let objective = place.status_of(id);
        assert_eq!((&objective["status"], &objective["retries"]), (&"done".into(), &0.into()), "{objective}");
    }
    place.good(&["verify"]);
    follows(&place);
}

/// What is kept is what the events say.
fn follows(place: &Sandbox) {
    let (_, said) = place.outcome(&["doctor", "--rebuild"]);
    assert!(said.contains("the stored state agrees with its"), "{said}");
}

#[test]
fn nothing_is_begun_on_a_full_disk_and_nothing_is_changed() {
    if !on_a_small_disk("nothing_is_begun_on_a_full_disk_and_nothing_is_changed") {
        return;
    }
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.objectives(&["one"]);
    let database = place.root().join("runtime/paddock.db");
    let before = fs::read(&database).unwrap();
    let ballast = fill(&place);
    for arguments in [&["run", "--no-tui", "--once"][..], &["objective", "pause", "one"]] {
        let (code, said) = place.outcome(arguments);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("is full: free some space"), "{said}");
    }
    let (_, said) = place.outcome(&["status"]);
    assert!(said.contains("one"), "{said}");
    assert_eq!(fs::read(&database).unwrap(), before);
    fs::remove_file(ballast).unwrap();
    assert_eq!(place.until_idle(), 0);
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "by one");
}

#[test]
fn a_read_only_file_system_is_named_and_can_be_looked_at() {
    if !on_a_small_disk("a_read_only_file_system_is_named_and_can_be_looked_at") {
        return;
    }
    let place = Sandbox::scripted("workspace");
    place.simple("");
    place.objectives(&["one"]);
    let mount = |how: &str| {
        let at = std::env::temp_dir();
        assert!(Command::new("mount").args(["-o", how]).arg(at).status().unwrap().success());
    };
    mount("remount,ro");
    for arguments in [&["run", "--no-tui", "--once"][..], &["objective", "pause", "one"]] {
        let (code, said) = place.outcome(arguments);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("cannot be written") || said.contains("Read-only file system"), "{said}");
    }
    for arguments in [&["status"][..], &["explain"], &["events"], &["objective", "list"]] {
        let (code, said) = place.outcome(arguments);
        assert!(code == 0 || code == 3, "{arguments:?}: {said}");
    }
    mount("remount,rw");
    assert_eq!(place.until_idle(), 0);
}

/// Where nothing can be mounted, and for the writes of the database alone: strace reports a full disk for some
/// writes of its log in a row.
#[test]
fn a_write_of_the_database_that_finds_no_room_waits_for_it() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.objectives(&["one", "two < one"]);
    let plain = run(&place);
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "--seccomp-bpf", "-qq", "-b", "execve", "-o", "/dev/null"]);
    command.arg("-einject=write,pwrite64:error=ENOSPC:when=30..31");
    command.arg("-P").arg(place.root().join("runtime/paddock.db-wal")).arg(plain.get_program());
    command.args(plain.get_args()).env_clear().stdin(Stdio::null());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(plain.get_current_dir().unwrap_or(Path::new("/")));
    let (mut running, reported) = listened(&place, command);
    running.heard_of("worktree_removed", "two");
    let (code, _) = running.terminate();
    assert_eq!(code, 0);
    assert!(
        reported.contains("is full: nothing new starts") && reported.contains("disk has free space again")
    );
    place.nobody_is_left();
    place.nothing_ran_twice();
    assert_eq!(git(&repository, &["show", "main:two.txt"]), "by two");
    follows(&place);
}

/// A person who stops a supervisor that waits for room gets their prompt back, and nothing is lost.
#[test]
fn a_supervisor_that_waits_for_room_can_be_stopped() {
    if !on_a_small_disk("a_supervisor_that_waits_for_room_can_be_stopped") {
        return;
    }
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let go = place.path("go");
    place.script(
        "one",
        &format!(
            "while ! [ -e '{}' ]; do sleep 0.05; done\n\
             until echo one > one.txt && git add . && git commit --quiet -m One; do sleep 0.1; done\n",
            go.display()
        ),
    );
    place.objectives(&["one"]);
    let (mut running, reported) = listened(&place, run(&place));
    until("it is at work", || place.starts().len() == 1);
    running.heard_of("session_started", "one");
    let ballast = fill(&place);
    // What is asked first finds no room; what is asked then is told so at once.
    let asking = place.paddock(&["project", "pause"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    until("the supervisor says so", || reported.contains("is full"));
    let (code, said) = place.outcome(&["objective", "pause", "one"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("is full"), "{said}");
    assert_eq!(running.terminate().0, 1);
    assert!(!asking.unwrap().wait().unwrap().success());
    File::create(&go).unwrap();
    fs::remove_file(ballast).unwrap();
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    place.nothing_ran_twice();
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "one");
    assert_eq!(place.starts().len(), 1, "the agent that was at work is the one that did it");
}

/// Overwrites a stretch of a file.
fn damage(file: &Path, at: u64, bytes: usize) {
    use std::os::unix::fs::FileExt as _;
    let file = File::options().write(true).open(file).unwrap();
    file.write_all_at(&vec![0x5a; bytes], at).unwrap();
    file.sync_all().unwrap();
}

fn copies(place: &Sandbox) -> usize {
    let folder = fs::read_dir(place.root().join("runtime")).unwrap().flatten();
    folder.filter(|entry| entry.file_name().to_string_lossy().ends_with(".backup")).count()
}

/// The database is copied by itself; damaged, it is refused by name, and one command puts it right. What was
/// recorded after the copy is read from the damaged file where that can still be read, and found in git where not.
#[test]
fn a_damaged_database_is_put_right_from_its_copy_and_what_is_left_of_it() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.objectives(&["one", "two < one"]);
    let mut running = place.supervisor_of(run(&place));
    running.heard_of("worktree_removed", "two");
    until("the database is copied", || copies(&place) > 0);
    running.stop();
    place.objectives(&["three"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    let database = place.root().join("runtime/paddock.db");
    // First a page somewhere in it, then the first one, without which nothing can be read.
    let middle = fs::metadata(&database).unwrap().len() / 8192 * 4096;
    for at in [middle, 0] {
        damage(&database, at, 4096);
        let (code, said) = place.outcome(&["run", "--no-tui", "--once"]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("is damaged") && said.contains("paddock doctor --restore"), "{said}");
        let (code, said) = place.outcome(&["doctor"]);
        assert!(code == 1 && said.contains("paddock doctor --restore"), "{said}");
        let (_, said) = place.outcome(&["doctor", "--restore"]);
        assert!(said.contains("restored from") && said.contains("kept as"), "{said}");
        follows(&place);
        // What landed after the copy is on the user's branch and stays there.
        let (code, said) = place.outcome(&["run", "--no-tui", "--until-idle"]);
        assert_ne!(code, 1, "{said}");
        assert_eq!(git(&repository, &["show", "main:three.txt"]), "by three");
        let ids: Vec<String> = place.status("p")["objectives"]
            .as_array()
            .unwrap()
            .iter()
            .map(|objective| format!("{} {}", objective["id"], objective["status"]))
            .collect();
        assert!(ids.contains(&"\"two\" \"done\"".to_owned()), "{ids:?}");
    }
    let damaged = fs::read_dir(place.root().join("runtime"))
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains(".damaged-"))
        .count();
    assert!(damaged >= 2, "what was damaged is kept");
}

/// A crash in the middle of a write: the log of the database ends in half a transaction.
#[test]
fn a_torn_last_write_is_as_if_it_had_not_been() {
    let place = Sandbox::scripted("a folder with spaces, 'quotes' & 文件夹");
    let repository = place.simple("");
    place.script("one", "while ! [ -e ../../../go ]; do sleep 0.05; done; echo one > one.txt; git add .; git commit -qm One\n");
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("session_started", "one");
    running.kill();
    let log = place.root().join("runtime/paddock.db-wal");
    let bytes = fs::metadata(&log).unwrap().len();
    assert!(bytes > 4096, "there is a log to be torn");
    let torn = File::options().write(true).open(&log).unwrap();
    torn.set_len(bytes - 2_000).unwrap();
    drop(torn);
    fs::write(place.path("go"), "").unwrap();
    assert_eq!(place.until_idle(), 0, "{}", place.status("p")["objectives"]);
    place.nobody_is_left();
    place.nothing_ran_twice();
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "one");
    follows(&place);
}

/// Rows that do not follow from the events are made again from them, whatever was done to them.
#[test]
fn rows_that_were_changed_removed_or_invented_are_made_again_from_the_events() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    place.objectives(&["one", "two < one"]);
    assert_eq!(place.until_idle(), 0);
    let before = place.status("p");
    let database = place.root().join("runtime/paddock.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute_batch(
            "UPDATE objective SET body = replace(body, '\"done\"', '\"ready\"') WHERE key = 'p/one';
             DELETE FROM session WHERE key = (SELECT max(key) FROM session);
             INSERT INTO objective (key, body, seq) SELECT 'p/ghost', replace(body, '\"two\"', '\"ghost\"'), seq
               FROM objective WHERE key = 'p/two';",
        )
        .unwrap();
    drop(connection);
    let (_, said) = place.outcome(&["doctor", "--rebuild"]);
    assert!(said.contains("rows differed from the state"), "{said}");
    assert_eq!(place.status("p"), before);
    follows(&place);
}

/// A newer Paddock was here: nothing is changed, and it is said what to do.
#[test]
fn a_newer_schema_is_left_alone_and_both_versions_are_named() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    let database = place.root().join("runtime/paddock.db");
    rusqlite::Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&database).unwrap();
    for arguments in
        [&["run", "--no-tui", "--once"][..], &["status"], &["project", "pause"], &["doctor", "--restore"]]
    {
        let (code, said) = place.outcome(arguments);
        assert_eq!(code, 1, "{arguments:?}: {said}");
        assert!(
            said.contains("its schema is 99") && said.contains("use the newer program"),
            "{arguments:?}: {said}"
        );
    }
    assert_eq!(fs::read(&database).unwrap(), before);
}
