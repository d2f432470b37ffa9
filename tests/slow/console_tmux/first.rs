//! The first start in a repository, and a shell in a worktree and back.

use std::fs;

use paddock_testkit::Sandbox;

use super::tmux::Tmux;

/// Makes a sandbox whose workspace is a link to the user's own workspace, which does not exist yet. Dropping
/// the terminal then stops the supervisor of that workspace.
fn without_workspace() -> Sandbox {
    let place = Sandbox::new();
    fs::remove_dir_all(place.root()).unwrap();
    std::os::unix::fs::symlink(place.path("data/paddock"), place.root()).unwrap();
    place
}

#[test]
fn the_first_start_registers_the_repository_with_its_gate_and_a_goal() {
    let place = without_workspace();
    let repository = place.repository("shop");
    fs::write(repository.join("Makefile"), "test:\n\ttrue\n").unwrap();
    let before = place.git(&repository, &["status", "--porcelain"]);
    let tmux = Tmux::start(&place, (80, 24), &[]);
    tmux.line(&format!("cd {} && $PADDOCK", repository.display()));
    tmux.see("take this repository under management?");
    tmux.see("proposed from Makefile");
    assert!(!place.root().join("projects").exists(), "files were written before the user agreed");
    tmux.keys(&["Tab", "Tab"]);
    tmux.text("登录 page\n");
    tmux.keys(&["M-Enter"]);
    tmux.lose("take this repository");
    tmux.see("登录 page");
    let settings = fs::read_to_string(place.project_file("shop")).unwrap();
    assert!(settings.contains("make test"), "{settings}");
    assert_eq!(place.git(&repository, &["status", "--porcelain"]), before);
    tmux.keys(&["q"]);
    tmux.see("The supervisor goes on");
    let goals = place.json(&["goal", "list", "--json"]);
    assert_eq!((&goals[0]["title"], &goals[0]["status"]), (&"登录 page".into(), &"active".into()), "{goals}");
}

#[test]
fn leaving_a_first_start_writes_nothing() {
    let place = without_workspace();
    let repository = place.repository("shop");
    let tmux = Tmux::start(&place, (60, 15), &[]);
    tmux.line(&format!("cd {} && $PADDOCK", repository.display()));
    tmux.see("take this repository");
    tmux.keys(&["Escape"]);
    tmux.until("the shell", |_| !tmux.is_taken());
    assert!(!place.root().exists());
}

#[test]
fn a_shell_in_the_worktree_gives_the_screen_back() {
    let place = super::work::at_work();
    let tmux = Tmux::start(&place, (100, 30), &[("SHELL", "/bin/sh")]);
    tmux.line("$PADDOCK --root $ROOT");
    tmux.see("working 1/");
    tmux.until("the agent's child", |_| place.note("child").exists());
    tmux.keys(&["1", "g", "!"]);
    tmux.until("the shell", |screen| !screen.contains("working 1/") && !tmux.is_taken());
    tmux.text("git branch --show-current > \"$NOTES/branch\"; exit");
    tmux.keys(&["Enter"]);
    tmux.see("working 1/");
    assert!(tmux.is_taken());
    let branch = fs::read_to_string(place.note("branch")).unwrap();
    assert!(branch.contains("endless"), "{branch}");
    tmux.keys(&["q"]);
    tmux.see("In progress: 1 session");
    tmux.keys(&["Enter"]);
    tmux.see("comes back to it");
}

#[test]
fn a_terminal_left_in_its_alternate_screen_is_redrawn_completely() {
    let place = super::work::at_work();
    let tmux = Tmux::start(&place, (100, 30), &[]);
    // The printf enters the alternate screen as a lost connection would have left it, full of text. A console
    // that draws only differences from an empty screen would leave that text.
    let left = "what stood here before";
    tmux.line(&format!("printf '\\033[?1049h'; for n in $(seq 40); do echo '{left} {left} {left}'; done; $PADDOCK --root $ROOT"));
    tmux.see("working 1/");
    tmux.lose("stood");
    tmux.keys(&["q"]);
    tmux.see("In progress: 1 session");
    tmux.keys(&["Enter"]);
    tmux.see("comes back to it");
}
