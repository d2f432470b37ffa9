//! Every way to leave the console (suspended, hung up, terminated, terminal closed), and changes of the
//! terminal's size.

use rustix::process::{Pid, Signal, kill_process};

use paddock_testkit::Sandbox;

use super::tmux::Tmux;
use super::work::at_work;

/// Opens the console and notes its process id, by an `exec` in the shell that has written its own.
fn open(tmux: &Tmux<'_>) {
    tmux.line("sh -c 'echo $$ > \"$NOTES/console\"; exec $PADDOCK --root $ROOT'");
    tmux.see("working 1/");
}

fn send(place: &Sandbox, signal: Signal) {
    let pid = std::fs::read_to_string(place.note("console")).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Returns whether the console's process lives. A zombie, which its parent has not reaped yet, does not.
fn lives(place: &Sandbox) -> bool {
    let pid = std::fs::read_to_string(place.note("console")).unwrap();
    let said = place.program("ps").args(["-o", "stat=", "-p", pid.trim()]).output().unwrap();
    let state = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

#[test]
fn a_console_that_is_hung_up_or_ended_leaves_everything_running() {
    let place = at_work();
    let tmux = Tmux::start(&place, (100, 30), &[]);
    let is_running = || place.good(&["supervisor", "status"]).contains("a supervisor runs");
    open(&tmux);
    let before = place.json(&["supervisor", "status", "--json"])["pid"].clone();
    tmux.keys(&["C-z"]);
    tmux.until("the shell", |screen| !screen.contains("working 1/") && screen.contains("ready>"));
    assert!(!tmux.is_taken(), "a suspended console gives the terminal back");
    tmux.line("fg");
    tmux.see("working 1/");
    send(&place, Signal::TERM);
    tmux.see("comes back to it");
    assert!(!tmux.is_taken());
    assert!(is_running());
    open(&tmux);
    send(&place, Signal::HUP);
    tmux.until("the end of the console", |_| !tmux.is_taken());
    assert!(is_running());
    open(&tmux);
    tmux.close();
    tmux.until("the end of the console", |_| !lives(&place));
    assert!(is_running(), "a closed terminal does not end the supervisor");
    let after = place.json(&["supervisor", "status", "--json"])["pid"].clone();
    assert_eq!(before, after, "the supervisor was replaced");
}

#[test]
fn a_terminal_that_is_too_small_shows_the_size_needed_and_growing_brings_everything_back() {
    let place = at_work();
    let tmux = Tmux::start(&place, (120, 40), &[]);
    tmux.line("$PADDOCK --root $ROOT");
    tmux.see("working 1/");
    tmux.resize(59, 14);
    tmux.see("Paddock needs 60×15");
    tmux.resize(20, 5);
    tmux.see("this is 20×5");
    // Sizes in quick succession: only a frame of the last one may remain.
    for (columns, rows) in [(300, 100), (20, 5), (61, 99), (299, 16), (1, 1), (300, 100)] {
        tmux.resize(columns, rows);
    }
    let screen =
        tmux.until("the whole width", |screen| screen.lines().any(|line| line.chars().count() == 300));
    assert_eq!(screen.matches(" Objectives ").count(), 1, "nothing of another size is left:\n{screen}");
    tmux.resize(60, 15);
    tmux.see("Objectives");
    tmux.resize(200, 50);
    tmux.see("working 1/");
    tmux.see("endless");
    tmux.keys(&["?"]);
    tmux.see("Show every key");
    tmux.keys(&["Escape"]);
    tmux.lose("Show every key");
}
