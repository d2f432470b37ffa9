//! The demo in the console: to its end, then with a retry and a new goal.

use paddock_testkit::Sandbox;

use super::tmux::Tmux;

#[test]
fn the_demo_runs_to_its_end_and_a_retry_with_a_note_lands_the_rest() {
    let place = Sandbox::new();
    // The demo makes a workspace of its own. The link lets the sandbox stop that workspace's supervisor at
    // the end.
    std::fs::remove_dir_all(place.root()).unwrap();
    let folder = place.path("demo");
    std::os::unix::fs::symlink(folder.join("workspace"), place.root()).unwrap();
    let tmux = Tmux::start(&place, (120, 40), &[]);
    tmux.line(&format!("$PADDOCK demo --dir {}", folder.display()));
    tmux.see("working");
    tmux.see("10/11 landed");
    tmux.see("▲ 1 needs you");
    tmux.keys(&["1", "/"]);
    tmux.text("price");
    tmux.keys(&["Enter", "g", "r"]);
    tmux.see("Retry price");
    tmux.text("it costs nothing");
    tmux.keys(&["M-Enter"]);
    tmux.see("11/11 landed");
    tmux.see("nothing needs you");
    tmux.keys(&["q"]);
    tmux.see("The supervisor goes on in the background");
    tmux.line("$PADDOCK --root $ROOT");
    tmux.see("11/11 landed");
    tmux.keys(&["a"]);
    tmux.see("Add a goal to");
    tmux.text("Greet the whole world");
    tmux.keys(&["M-Enter"]);
    // The dialog stays until the supervisor has answered, and takes all keys until then.
    tmux.lose("Add a goal to");
    tmux.keys(&[":"]);
    tmux.text("goal list");
    tmux.keys(&["Enter"]);
    tmux.see("paddock goal list");
    tmux.see("Greet the whole world");
    tmux.keys(&["Escape"]);
    tmux.lose("paddock goal list");
    tmux.keys(&["q"]);
    tmux.see("comes back to it");
    assert!(!tmux.is_taken(), "the terminal was given back");
}
