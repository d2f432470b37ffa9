//! Searching and filtering logs, output of gates, and diffs.

use paddock_testkit::Sandbox;

use super::tmux::Tmux;

/// Types `/` or `&` and a pattern, without Enter.
fn look_for(tmux: &Tmux<'_>, sign: &str, pattern: &str) {
    tmux.keys(&[sign]);
    tmux.text(pattern);
    // Waits until the footer shows all of the pattern: tmux may deliver the letters one by one.
    tmux.until("the whole pattern", |screen| screen.contains(&format!(" {sign} {pattern} ")));
}

#[test]
fn a_lower_case_pattern_finds_any_case_of_any_script_in_logs_gate_output_and_diffs() {
    let place = Sandbox::new();
    place.project(
        "shop",
        "verify: [{name: tests, run: \"echo ÜBERLÄUFE: 0; echo all FINE\", timeout_minutes: 5}]",
    );
    let script = "echo 'ПРИВЕТ, 登录页 OK'; echo 'an ERROR in GRÖẞE'; commit page.txt 'Token Größe'; over";
    place.objective("page", script, &[]);
    place.idle(0);
    let tmux = Tmux::start(&place, (120, 40), &[]);
    tmux.line("$PADDOCK --root $ROOT");
    tmux.see("1/1 landed");
    tmux.keys(&["1", "g", "2", "z"]);
    tmux.see("ПРИВЕТ");

    for (pattern, count) in [("привет", 1), ("error", 1), ("größe", 1), ("登录页 ok", 1), (r"\berror\b", 1)]
    {
        look_for(&tmux, "&", pattern);
        tmux.see(&format!("& {pattern}: {count} "));
        tmux.keys(&["Escape"]);
        tmux.lose(&format!("& {pattern}:"));
    }
    look_for(&tmux, "/", "größe(");
    tmux.see("looked for as plain text: unclosed group");
    tmux.keys(&["Enter"]);
    tmux.see("/ größe( as plain text: not found");
    look_for(&tmux, "/", "error in");
    tmux.see("/ error in: n N");
    tmux.keys(&["Escape"]);

    tmux.keys(&["3", "z", "z"]);
    tmux.see("ÜBERLÄUFE");
    look_for(&tmux, "&", "überläufe");
    tmux.see("& überläufe: 1 ");
    tmux.lose("all FINE");
    tmux.keys(&["Escape"]);
    tmux.see("all FINE");

    tmux.keys(&["1", "d"]);
    tmux.see("Token Größe");
    look_for(&tmux, "/", "token größe");
    tmux.see("/ token größe: n N");
    tmux.keys(&["C-u"]);
    tmux.text("nobody");
    tmux.see("/ nobody: not found");
    tmux.keys(&["Escape", "q"]);
}
