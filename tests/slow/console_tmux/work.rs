//! Sessions at work that a person kills, leaves running or returns to, and objectives that a person
//! escalates.

use paddock_testkit::Sandbox;

use super::tmux::Tmux;

/// An agent that works until it is killed. Its child's process id is written by rename, so that a test never
/// reads half of it.
const ENDLESS: &str =
    "sleep 1000 & echo $! > \"$NOTES/child.tmp\"; mv \"$NOTES/child.tmp\" \"$NOTES/child\"; wait";

pub(super) fn at_work() -> Sandbox {
    let place = Sandbox::new();
    place.project("shop", "session_defaults: {max_minutes_per_session: 600}");
    place.objective("endless", ENDLESS, &[]);
    place.objective("later", "commit later.txt; over", &["--depends-on", "endless"]);
    place
}

fn child(place: &Sandbox) -> i32 {
    std::fs::read_to_string(place.note("child")).unwrap().trim().parse().unwrap()
}

fn lives(pid: i32) -> bool {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::test_kill_process(pid).is_ok()
}

#[test]
fn a_session_left_running_is_found_again_and_a_killed_one_dies_with_its_children() {
    let place = at_work();
    let tmux = Tmux::start(&place, (120, 40), &[]);
    tmux.line("$PADDOCK --root $ROOT");
    tmux.see("working 1/");
    tmux.until("the agent's child", |_| place.note("child").exists());
    tmux.keys(&["q"]);
    tmux.see("In progress: 1 session");
    tmux.keys(&["Enter"]);
    tmux.see("comes back to it");
    assert!(lives(child(&place)), "leaving the console ends no session");
    tmux.line("$PADDOCK --root $ROOT");
    tmux.see("working 1/");
    tmux.keys(&["1", "g", "x"]);
    tmux.see("on endless?");
    tmux.keys(&["y"]);
    tmux.see("▲ 1 needs you");
    tmux.until("the end of the agent's child", |_| !lives(child(&place)));
    tmux.keys(&["q"]);
    tmux.see("comes back to it");
}

#[test]
fn an_escalated_objective_needs_a_person_and_everything_can_be_killed_on_the_way_out() {
    let place = at_work();
    let tmux = Tmux::start(&place, (80, 24), &[]);
    tmux.line("$PADDOCK --root $ROOT");
    tmux.see("1/");
    tmux.until("the agent's child", |_| place.note("child").exists());
    tmux.keys(&["1", "/"]);
    tmux.text("later");
    tmux.keys(&["Enter", "g", "e"]);
    tmux.see("later");
    tmux.see("Alt-Enter");
    tmux.text("登录 first");
    tmux.keys(&["M-Enter"]);
    tmux.see("▲ 1 needs you");
    // The reply closes the dialog; the event may arrive before it.
    tmux.lose("Alt-Enter");
    tmux.keys(&["y"]);
    tmux.see("through tmux");
    assert_eq!(tmux.copied(), "later");
    tmux.keys(&["C-c"]);
    tmux.see("In progress");
    tmux.keys(&["Down", "Down", "Enter"]);
    tmux.see("the supervisor has exited");
    assert!(!lives(child(&place)), "killing everything kills the agent's children");
    assert!(!tmux.is_taken());
}
