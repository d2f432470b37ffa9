//! File modes, control sequences, and secrets: what other users can read, what reaches a terminal, and where
//! secrets are stored.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use paddock_testkit::git::git;
use paddock_testkit::{Sandbox, alone, until};

/// Returns this folder and everything below it, without following links.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut due) = (vec![folder.to_owned()], vec![folder.to_owned()]);
    while let Some(folder) = due.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            found.push(entry.path());
            if entry.file_type().unwrap().is_dir() {
                due.push(entry.path());
            }
        }
    }
    found
}

/// Returns mode and path of everything that other users could open.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    let is_link = |path: &Path| path.is_symlink();
    let all = all_below(folder);
    let open = all.iter().filter(|path| !is_link(path) && mode(path) & 0o077 != 0);
    open.map(|path| format!("{:03o} {}", mode(path), path.display())).collect()
}

const SECRET: &str = "s3cr3t-of-the-proxy";

/// Runs a gate, a correction, a salvage and a check of an agent, and looks during and after the run.
#[test]
fn nothing_in_a_workspace_is_open_to_others_and_no_secret_is_stored() {
    let place = Sandbox::scripted("workspace");
    let proxy = format!("http://user:{SECRET}@proxy.invalid:3128");
    fs::write(
        place.root().join(".env"),
        format!("PADDOCK_PROXY={proxy}\nAPI_TOKEN={SECRET}\nGH_TOKEN={SECRET}\n"),
    )
    .unwrap();
    fs::set_permissions(place.root().join(".env"), fs::Permissions::from_mode(0o600)).unwrap();
    let repository = place.simple("verify: [{name: tests, run: \"test ! -e red\"}]\n");
    let wait = place.path("go");
    place.script(
        "one",
        &format!(
            "test \"$HTTPS_PROXY\" = '{proxy}'; test \"$API_TOKEN\" = '{SECRET}'\n\
             if [ \"$PADDOCK_SESSION\" = 1 ]; then touch red; git add red; git commit --quiet -m Red; echo left > left\n\
             else git rm --quiet --ignore-unmatch red; rm -f left; echo one > one.txt; git add .; git commit --quiet -m One\n\
             while ! [ -e '{}' ]; do sleep 0.05; done; fi\n",
            wait.display()
        ),
    );
    place.objectives(&["one : **"]);
    let mut running = place.supervisor(&[]);
    until("the correction is at work", || place.starts().len() == 2);
    // Every user can read the arguments of every process.
    let words = arguments_of_processes();
    assert!(words.iter().any(|words| words.contains("__keeper")), "{words:?}");
    assert!(
        !words.iter().any(|words| words.contains(SECRET)),
        "a secret is among the arguments of a process"
    );
    assert_eq!(open_to_others(place.root()), [""; 0], "while the supervisor works");
    fs::write(&wait, "").unwrap();
    running.heard_of("objective_done", "one");
    running.stop();
    place.outcome(&["agent", "check", "sh"]);
    place.nobody_is_left();
    assert_eq!(open_to_others(place.root()), [""; 0]);
    for path in all_below(place.root()) {
        let is_env = path == place.root().join(".env");
        let bytes = if path.is_file() && !is_env { fs::read(&path).unwrap() } else { Vec::new() };
        let holds = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        assert!(!holds, "a secret was written to {}", path.display());
    }
    for arguments in [&["status", "--json"][..], &["events"], &["config", "show"], &["doctor"], &["report"]] {
        let (_, said) = place.outcome(arguments);
        assert!(!said.contains(SECRET), "{arguments:?} prints a secret: {said}");
    }
    assert!(!git(&repository, &["log", "--all", "-p"]).contains(SECRET));
    let notes = git(&repository, &["log", "--all", "--show-notes=refs/notes/paddock", "--format=%N"]);
    assert!(!notes.contains(SECRET));
}

/// Returns the arguments of all processes.
fn arguments_of_processes() -> Vec<String> {
    let folders = fs::read_dir("/proc").unwrap().flatten();
    folders
        .filter_map(|folder| fs::read(folder.path().join("cmdline")).ok())
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
        .collect()
}

/// Sequences that set the clipboard and the title, query the terminal, move the cursor and end the line, in
/// 7-bit and 8-bit forms.
const CONTROLS: &str = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}]0;owned\u{7}\u{1b}P+q544e\u{1b}\\\u{1b}[2J\u{1b}[6n\u{9b}31m\u{90}x\u{9c}\r\u{8}";

/// The sequences are in output, names, commits and titles, and every command that shows these is run.
#[test]
fn no_control_sequence_of_an_agent_reaches_the_terminal() {
    let place = Sandbox::scripted("workspace");
    place.simple("recovery: {max_retries: 0}\n");
    fs::write(place.path("controls"), CONTROLS).unwrap();
    place.script(
        "one",
        &format!(
            "evil=$(cat '{}')\n\
             printf '%s\\n' \"$evil\"; printf '%s\\n' \"$evil\" >&2\n\
             echo x > \"file $evil\"; git add --all; git commit --quiet -m \"Subject $evil\" -m \"$evil\"\n\
             git branch \"odd-name-é\"\n\
             echo left > \"left $evil\"\n\
             printf '%s\\n' ---SESSION_SUMMARY--- 'status: blocked' \"summary: >\" \"  said $evil\" \
             \"blockers: [\\\"b $evil\\\"]\" ---END_SESSION_SUMMARY---; exit 0\n",
            place.path("controls").display()
        ),
    );
    let title = format!("Title {CONTROLS} end");
    place.outcome(&["objective", "add", "--title", &title, "--id", "one", "--description", &title]);
    place.objectives(&["two"]);
    place.outcome(&["run", "--no-tui", "--until-idle"]);
    place.nobody_is_left();
    assert!(!place.starts().is_empty());
    let commands: &[&[&str]] = &[
        &["status"],
        &["status", "--json"],
        &["explain"],
        &["explain", "one"],
        &["objective", "list"],
        &["objective", "show", "one"],
        &["session", "list"],
        &["session", "log", "1"],
        &["events"],
        &["report"],
        &["report", "--markdown"],
        &["salvage", "list"],
        &["salvage", "show", "one"],
        &["queue", "list"],
        &["plan", "show"],
        &["doctor"],
        &["verify"],
        &["project", "show"],
        &["run", "--no-tui", "--until-idle"],
        &["run", "--no-tui", "--until-idle", "--json"],
        &["objective", "retry", &title],
        &["config", "show"],
    ];
    for arguments in commands {
        let (_, said) = place.outcome(arguments);
        let is_control = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
        let found: Vec<char> = said.chars().filter(is_control).collect();
        assert!(found.is_empty(), "{arguments:?} lets {found:?} through: {said:?}");
    }
}

const SOCKET: &str = "PADDOCK_TEST_SOCKET";

/// Not a test of its own: `another_user_...` runs it as another user.
#[test]
fn child_that_knocks() {
    let Some(socket) = std::env::var_os(SOCKET) else { return };
    let mut stream = match std::os::unix::net::UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) => return println!("no way in: {error}"),
    };
    // A refused client finds the connection closed, before or after it has sent its request.
    stream.set_read_timeout(Some(std::time::Duration::from_secs(40))).unwrap();
    let asked = stream.write_all(b"{\"id\":1,\"body\":{\"hello\":{\"version\":1}}}\n");
    let mut line = String::new();
    let read = BufReader::new(stream).read_line(&mut line);
    match read {
        Ok(_) if line.contains("hello") => println!("was let in"),
        other => println!("was turned away: {asked:?} {other:?} {line}"),
    }
}

/// The folders are closed to other users, and the socket refuses them even if the folders are opened.
#[test]
fn another_user_can_neither_read_a_workspace_nor_talk_to_its_supervisor() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root can become another user.
    }
    let place = Sandbox::scripted("workspace");
    place.simple("");
    let running = place.supervisor(&[]);
    let socket = place.root().join("runtime/paddock.sock");
    until("the supervisor listens", || socket.exists());
    let as_user = |user: u32| {
        let mut command = alone::command(module_path!(), "child_that_knocks");
        command.env(SOCKET, &socket);
        command.uid(user).gid(user).stdin(Stdio::null());
        // The other user may not even be able to execute the test program; then there is no output.
        let output = command.output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).into_owned()
    };
    let own = as_user(0);
    assert!(own.contains("was let in"), "{own}");
    let other = as_user(65_534);
    assert!(other.is_empty() || other.contains("no way in"), "{other}");
    // Opens every folder on the way, and the socket itself, to everybody.
    for path in
        [socket.as_path(), &place.root().join("runtime"), place.root(), place.root().parent().unwrap()]
    {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let other = as_user(65_534);
    assert!(other.is_empty() || other.contains("was turned away"), "{other}");
    running.stop();
}
