//! The console without a terminal, and with faulty files for keys and looks.

use paddock_testkit::Sandbox;

use super::tmux::Tmux;

#[test]
fn without_a_terminal_the_console_refuses_and_names_no_tui() {
    let place = Sandbox::new();
    let said = place.refused(&[], 2);
    assert!(said.contains("needs a terminal") && said.contains("run --no-tui"), "{said}");
}

#[test]
fn faults_in_keys_and_looks_are_shown_and_the_rest_is_used() {
    let place = Sandbox::new();
    std::fs::write(place.root().join("keys.yaml"), "help: [F1]\nkil: K\n").unwrap();
    std::fs::write(place.root().join("theme.yaml"), "glyphs: ascii\nneeds: blurple\n").unwrap();
    let tmux = Tmux::start(&place, (120, 40), &[("NO_COLOR", "1")]);
    tmux.line("$PADDOCK --root $ROOT");
    tmux.see("keys.yaml:2:1: there is no action `kil`; did you mean `kill`?");
    let screen = tmux.see("\"blurple\" is not a colour or a weight");
    assert!(screen.contains("+-") && !screen.contains('╭'), "{screen}");
    tmux.keys(&["Escape"]);
    tmux.lose("blurple");
    tmux.keys(&["F1"]);
    tmux.see("Show every key");
    tmux.keys(&["Escape"]);
    tmux.lose("Show every key");
    tmux.keys(&["q"]);
    tmux.see("comes back to it");
}
