//! Disk faults and damaged databases, with the built binary on real files.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use paddock_testkit::git::git;
use paddock_testkit::{Sandbox, Supervisor, alone, count, is, until};

/// Runs a test again as a process in a mount namespace whose temporary folder is a small file system. Returns
/// `true` inside that process, and `false` outside, or if the machine does not allow mounts.
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

/// Fills the disk to the last byte.
fn fill(place: &Sandbox) -> PathBuf {
    let ballast = place.path("ballast");
    let mut file = File::create(&ballast).unwrap();
    for bytes in [1 << 20, 4096, 1] {
        let block = vec![b'x'; bytes];
        while file.write_all(&block).is_ok() {}
    }
    ballast
}

/// Standard error of a process, kept in memory because the disk may be full.
#[derive(Clone, Default)]
struct StandardError(Arc<Mutex<String>>);

impl StandardError {
    fn contains(&self, words: &str) -> bool {
        self.0.lock().unwrap().contains(words)
    }
}

/// Starts a supervisor whose standard error is kept.
fn with_standard_error(place: &Sandbox, mut command: Command) -> (Supervisor, StandardError) {
    let (reader, writer) = std::io::pipe().unwrap();
    command.stderr(writer);
    let stderr = StandardError::default();
    let kept = stderr.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            kept.0.lock().unwrap().push_str(&(line + "\n"));
        }
    });
    (place.supervisor_of(command), stderr)
}

fn run(place: &Sandbox) -> Command {
    place.paddock(&["run", "--no-tui", "--json", "--poll-seconds", "1"])
}

#[test]
fn agents_at_work_while_the_disk_is_full_are_not_lost_and_work_continues_by_itself() {
    if !on_a_small_disk("agents_at_work_while_the_disk_is_full_are_not_lost_and_work_continues_by_itself") {
        return;
    }
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let go = place.path("go");
    // `one` tries to commit while the disk is full, and fails. `two` has committed before, and only ends
    // then.
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
        // The lock is held as long as any process of the agent lives.
        let busy = File::open(place.path("busy").join(id)).unwrap();
        until("the agent has ended", || busy.try_lock().is_ok());
    }
    let status = place.good(&["status"]);
    assert!(status.contains("one"), "`status` works on a full disk: {status}");
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
    assert_rows_follow_from_events(&place);
}

/// Asserts that the stored rows agree with the events.
/// A gate whose own temporary files fill the disk: they are gone when the gate's end is read, and its keeper could
/// not even write the end down before.
#[test]
fn a_gate_that_fills_the_disk_with_temporary_files_says_nothing_about_the_work() {
    if !on_a_small_disk("a_gate_that_fills_the_disk_with_temporary_files_says_nothing_about_the_work") {
        return;
    }
    let place = Sandbox::new();
    let run = "cat /dev/zero > $TMPDIR/big 2>/dev/null; exit 1";
    place.project("shop", &format!("verify: [{{name: tests, run: '{run}'}}]\ndisk: {{min_free_gb: 0}}"));
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(3);
    assert_eq!(count(&events, "session_planned", "*"), 1, "the branch is not to blame");
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap();
    assert_eq!(held["data"]["reason"]["code"], "disk_full", "{held}");
    let base = fs::read_dir(place.path("tmp")).unwrap().next().unwrap().unwrap().path();
    until("the temporary files are gone", || fs::read_dir(&base).unwrap().next().is_none());
}

fn assert_rows_follow_from_events(place: &Sandbox) {
    let (_, said) = place.outcome(&["doctor", "--rebuild"]);
    assert!(said.contains("the stored state agrees with its"), "{said}");
}

#[test]
fn nothing_starts_on_a_full_disk_and_nothing_changes() {
    if !on_a_small_disk("nothing_starts_on_a_full_disk_and_nothing_changes") {
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
fn a_read_only_file_system_is_named_and_reading_commands_work() {
    if !on_a_small_disk("a_read_only_file_system_is_named_and_reading_commands_work") {
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

/// strace reports a full disk for two consecutive writes of the database's log. This needs no mount, and hits
/// the database alone.
#[test]
fn a_write_of_the_database_that_meets_a_full_disk_waits_for_free_space() {
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
    let (mut running, stderr) = with_standard_error(&place, command);
    running.heard_of("worktree_removed", "two");
    let (code, _) = running.terminate();
    assert_eq!(code, 0);
    assert!(stderr.contains("is full: nothing new starts") && stderr.contains("disk has free space again"));
    place.nobody_is_left();
    place.nothing_ran_twice();
    assert_eq!(git(&repository, &["show", "main:two.txt"]), "by two");
    assert_rows_follow_from_events(&place);
}

/// A supervisor that waits for free space must end when a person stops it, and nothing is lost.
#[test]
fn a_supervisor_that_waits_for_free_space_can_be_stopped() {
    if !on_a_small_disk("a_supervisor_that_waits_for_free_space_can_be_stopped") {
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
    let (mut running, stderr) = with_standard_error(&place, run(&place));
    until("the agent is at work", || place.starts().len() == 1);
    running.heard_of("session_started", "one");
    let ballast = fill(&place);
    // The first command meets the full disk and waits; later ones are refused at once.
    let asking = place.paddock(&["project", "pause"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    until("the supervisor says so", || stderr.contains("is full"));
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
    assert_eq!(place.starts().len(), 1, "the session that was at work is the only one");
}

/// Overwrites part of a file.
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

/// The supervisor copies the database by itself. A damaged database is refused by name, and one command
/// restores it. Events after the copy are read from the damaged file if possible; otherwise landings are
/// found in git.
#[test]
fn a_damaged_database_is_restored_from_its_copy_and_its_readable_rest() {
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
    // First a page in the middle, then the first page, without which SQLite can read nothing.
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
        assert_rows_follow_from_events(&place);
        // Work that landed after the copy stays on the user's branch.
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
    assert!(damaged >= 2, "the damaged files are not kept");
}

/// After a crash in the middle of a write, the database's log ends in half a transaction.
#[test]
fn a_torn_last_write_is_ignored() {
    let place = Sandbox::scripted("a folder with spaces, 'quotes' & 文件夹");
    let repository = place.simple("");
    place.script("one", "while ! [ -e ../../../go ]; do sleep 0.05; done; echo one > one.txt; git add .; git commit -qm One\n");
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("session_started", "one");
    running.kill();
    let log = place.root().join("runtime/paddock.db-wal");
    let bytes = fs::metadata(&log).unwrap().len();
    assert!(bytes > 4096, "the log is too short to be torn");
    let torn = File::options().write(true).open(&log).unwrap();
    torn.set_len(bytes - 2_000).unwrap();
    drop(torn);
    fs::write(place.path("go"), "").unwrap();
    assert_eq!(place.until_idle(), 0, "{}", place.status("p")["objectives"]);
    place.nobody_is_left();
    place.nothing_ran_twice();
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "one");
    assert_rows_follow_from_events(&place);
}

/// `doctor --rebuild` makes rows again that were changed, removed or invented.
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
    assert_rows_follow_from_events(&place);
}

/// A workspace of a newer Paddock is refused with a remedy, and nothing is changed.
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
