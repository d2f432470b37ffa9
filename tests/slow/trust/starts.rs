//! Starts of a supervisor: while a command holds the workspace, with a low limit of open files, and without
//! watches.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use paddock_config::Workspace;
use paddock_git::is_tracked;
use paddock_ipc::workspace_lock::WorkspaceLock;
use paddock_testkit::git::commit_file;
use paddock_testkit::{Sandbox, Supervisor, outcome_of, until};

/// Returns whether a process has the file open.
fn has_open(pid: i32, file: &Path) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path == file)
}

#[test]
fn a_command_that_holds_the_workspace_for_a_moment_is_waited_for() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    place.objectives(&["one"]);
    // A one-shot command holds the lock without a socket.
    let workspace = Workspace::open(place.root(), is_tracked).unwrap();
    let lock = WorkspaceLock::try_take_for_command(&workspace.runtime()).unwrap();
    let mut running = Supervisor::start(place.paddock(&["run", "--no-tui", "--json", "--until-idle"]));
    let file = WorkspaceLock::file_in(&workspace.runtime()).canonicalize().unwrap();
    let pid = running.pid().as_raw_nonzero().get();
    until("the supervisor tries to take the workspace", || has_open(pid, &file));
    // Longer than the retries for a lock whose holder only reads it: a supervisor that does not wait for
    // commands has given up by then.
    std::thread::sleep(Duration::from_millis(500));
    drop(lock);
    assert_eq!(running.finish().0, 0);
    place.nobody_is_left();
    assert_eq!(place.status_of("one")["status"], "done");
}

/// Returns a command that runs `paddock` in a shell with these limits of open files.
fn limited(place: &Sandbox, limits: &str, arguments: &[&str]) -> Command {
    let paddock = place.paddock(arguments);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limits} && exec \"$0\" \"$@\"")]).arg(paddock.get_program());
    command.args(paddock.get_args()).env_clear().stdin(std::process::Stdio::null());
    let variables = paddock.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(variables).current_dir(place.path("."));
    command
}

#[test]
fn a_supervisor_raises_its_limit_of_open_files_and_agents_keep_the_users_limit() {
    let place = Sandbox::scripted("workspace");
    place.simple("verify:\n  - {name: limit, run: 'test \"$(ulimit -Sn)\" = 40'}\n");
    place.script("one", "ulimit -Sn > one.txt\ngit add --all && git commit --quiet -m Limit\n");
    place.objectives(&["one", "two", "three"]);
    let mut running =
        Supervisor::start(limited(&place, "ulimit -Sn 40", &["run", "--no-tui", "--json", "--until-idle"]));
    assert_eq!(running.finish().0, 0);
    place.nobody_is_left();
    assert_eq!(fs::read_to_string(place.path("repo/one.txt")).unwrap(), "40\n");
}

/// Without file watches (`fs.inotify.max_user_instances` is 0) commits are seen at the next poll.
#[cfg(target_os = "linux")]
#[test]
fn without_watches_everything_is_seen_at_the_next_poll() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.objectives(&["one"]);
    let run = place.paddock(&["run", "--no-tui", "--json", "--poll-seconds", "1"]);
    let limit = "echo 0 > /proc/sys/user/max_inotify_instances";
    let script = format!("{limit} && exec \"$0\" \"$@\"");
    let inside = |words: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", words]).stdin(std::process::Stdio::null());
        command
    };
    if !inside(limit).output().is_ok_and(|output| output.status.success()) {
        return; // This machine allows no user namespaces.
    }
    let mut command = inside(&script);
    command.arg(run.get_program()).args(run.get_args()).env_clear().current_dir(place.path("."));
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut running = Supervisor::start(command);
    running.heard_of("objective_done", "one");
    running.heard("published");
    let log = fs::read_dir(place.root().join("runtime/logs")).unwrap().flatten();
    let log: String = log.filter_map(|file| fs::read_to_string(file.path()).ok()).collect();
    assert!(log.contains("cannot watch; changes are seen at the next poll"), "{log}");
    let by_hand = commit_file(&repository, "hand.txt", "by hand");
    let adopted = running.heard("external_adopted");
    assert_eq!(adopted["data"]["to"].as_str(), Some(by_hand.as_str()));
    running.stop();
    place.nobody_is_left();
}

#[test]
fn with_too_low_a_limit_of_open_files_a_supervisor_refuses_to_start_and_says_why() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    place.objectives(&["one"]);
    let mut run = limited(&place, "ulimit -n 40", &["run", "--no-tui", "--until-idle"]);
    let (code, said) = outcome_of(&mut run);
    assert_eq!(code, 1, "{said}");
    for words in ["at most 40 files", "needs 256", "ulimit -Hn", "start it again"] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains("supervisor started"), "{said}");
    let (code, said) = outcome_of(&mut limited(&place, "ulimit -n 40", &["doctor"]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no supervisor starts below 256"), "{said}");
    assert_eq!(place.status_of("one")["status"], "ready");
}
