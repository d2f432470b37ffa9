//! Everything about the terminal except text: the mouse, the bell, notifications, and its modes after a
//! panic.

use paddock_testkit::Sandbox;

use super::tmux::Tmux;
use super::work::at_work;

/// A line for the shell: opens the console, prints its exit code, and notes the terminal's modes afterwards.
const OPEN: &str = "$PADDOCK --root $ROOT; code=$?; stty -a > $NOTES/stty; echo left by $code";

#[test]
fn a_panic_gives_the_terminal_back_and_its_message_can_be_read() {
    let place = at_work();
    let tmux = Tmux::start(&place, (100, 30), &[("PADDOCK_TROUBLE", "panic:console.redraw")]);
    tmux.line(OPEN);
    tmux.see("working 1/");
    tmux.keys(&["C-o"]);
    tmux.until("the mouse switched on", |_| tmux.reported("#{mouse_any_flag}") == "1");
    tmux.keys(&["C-l"]);
    let screen = tmux.see("left by 101");
    assert!(screen.contains("a test wants a panic at console.redraw"), "{screen}");
    assert!(screen.contains("console/src/run.rs"), "{screen}");
    assert!(!tmux.is_taken());
    assert_eq!(tmux.reported("#{cursor_flag} #{mouse_any_flag}"), "1 0");
    let modes = std::fs::read_to_string(place.note("stty")).unwrap();
    for mode in ["icanon", "echo", "isig", "opost"] {
        assert!(modes.split([' ', ';', '\n']).any(|one| one == mode), "{mode}: {modes}");
    }
    assert!(
        place.good(&["supervisor", "status"]).contains("a supervisor runs"),
        "the panic of the console ended the supervisor"
    );
}

#[test]
fn a_panic_in_another_thread_is_logged_and_the_screen_stays() {
    let place = at_work();
    let tmux = Tmux::start(&place, (100, 30), &[("PADDOCK_TROUBLE", "panic:console.job")]);
    tmux.line(OPEN);
    tmux.see("see runtime/logs/console.log");
    assert!(tmux.is_taken());
    let log = std::fs::read_to_string(place.root().join("runtime/logs/console.log")).unwrap();
    assert!(log.contains("a test wants a panic at console.job"), "{log}");
    tmux.keys(&["q", "Enter"]);
    tmux.see("left by 0");
}

#[test]
fn the_mouse_selects_and_scrolls_once_it_is_switched_on() {
    let place = at_work();
    let tmux = Tmux::start(&place, (120, 40), &[]);
    tmux.line(OPEN);
    tmux.see("endless");
    assert_eq!(
        tmux.reported("#{mouse_any_flag}"),
        "0",
        "the terminal's own selection works until the mouse is switched on"
    );
    tmux.keys(&["C-o"]);
    tmux.until("the mouse switched on", |_| tmux.reported("#{mouse_any_flag} #{mouse_sgr_flag}") == "1 1");
    // Button numbers of the SGR mouse protocol: left button, wheel down, wheel up.
    let (click, down, up) = (0, 65, 64);
    tmux.mouse(click, "later");
    tmux.see("later: ");
    tmux.mouse(click, "endless  ");
    tmux.see("endless: ");
    tmux.mouse(down, "endless  ");
    tmux.see("later: ");
    tmux.mouse(up, "endless  ");
    tmux.see("endless: ");
    tmux.mouse(click, "6 Events");
    tmux.keys(&["z"]);
    tmux.lose("Merge queue");
    tmux.keys(&["C-o"]);
    tmux.until("the mouse switched off", |_| tmux.reported("#{mouse_any_flag}") == "0");
    tmux.keys(&["q", "Enter"]);
    tmux.see("left by 0");
}

#[test]
fn a_log_on_a_hanging_disk_does_not_block_keys() {
    let place = at_work();
    let tmux = Tmux::start(&place, (120, 40), &[("PADDOCK_TROUBLE", "hang:console.logs")]);
    tmux.line(OPEN);
    tmux.see("working 1/");
    tmux.keys(&["l", "g", "PPage", "/"]);
    tmux.text("anything");
    tmux.keys(&["Enter", "n", "1", "?"]);
    tmux.see("Show every key");
    tmux.keys(&["Escape"]);
    tmux.lose("Show every key");
    tmux.keys(&["q"]);
    tmux.see("In progress");
    tmux.keys(&["Enter"]);
    tmux.see("left by 0");
}

/// Returns how often a note contains this text.
fn count(place: &Sandbox, file: &str, wanted: &str) -> usize {
    let bytes = std::fs::read(place.note(file)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).matches(wanted).count()
}

#[test]
fn a_need_rings_the_bell_and_notifies_once_through_tmux_if_passthrough_is_on() {
    for (passes, notified) in [("on", 1), ("off", 0)] {
        let place = at_work();
        let tmux = Tmux::start(&place, (100, 30), &[]);
        tmux.run(&["set-option", "-g", "allow-passthrough", passes]);
        let outside = tmux.seen_from_outside("outside");
        outside.see("ready>");
        tmux.run(&["pipe-pane", &format!("exec cat > '{}'", place.note("inside").display())]);
        tmux.line(OPEN);
        outside.see("working 1/");
        place.good(&["objective", "escalate", "later"]);
        outside.see("1 needs you");
        tmux.until("the bell", |_| count(&place, "outside", "\u{7}") > 0);
        if notified == 1 {
            tmux.until("the notification", |_| count(&place, "outside", "\u{1b}]9;Paddock needs you: ") == 1);
        }
        // The console waits for tmux's answer about passthrough before it notifies. Once the dialog is drawn,
        // a notification would have been sent.
        tmux.keys(&["q"]);
        outside.see("In progress");
        tmux.keys(&["Enter"]);
        outside.see("left by 0");
        assert_eq!(count(&place, "outside", "]9;Paddock needs you"), notified, "passthrough {passes}");
        assert_eq!(count(&place, "inside", "Ptmux;"), notified, "passthrough {passes}");
        outside.close();
    }
}
