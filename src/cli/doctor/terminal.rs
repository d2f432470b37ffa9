//! Checks of the terminal that the console would run in.

use std::io::{IsTerminal, stdout};

use super::finding::Finding;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(super) fn check() -> Vec<Finding> {
    let area = "terminal";
    if !stdout().is_terminal() {
        return vec![Finding::note(area, "standard output is not a terminal; the console needs one")];
    }
    let term = variable("TERM").unwrap_or_default();
    if term.is_empty() || term == "dumb" {
        let remedy = "use a terminal that sets TERM, or `paddock run --no-tui`";
        return vec![Finding::warning(
            area,
            format!("TERM is {term:?}: the console cannot draw on such a terminal"),
            remedy,
        )];
    }
    vec![size(), colours(&term), letters(), clipboard(&term)]
}

fn size() -> Finding {
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns < 80 || rows < 24 => {
            let text = format!("{columns}x{rows}: the console needs 80x24 or more");
            Finding::warning("terminal", text, "enlarge the window")
        }
        Ok((columns, rows)) => Finding::good("terminal", format!("{columns}x{rows}")),
        Err(error) => Finding::note("terminal", format!("the terminal's size is unknown: {error}")),
    }
}

fn colours(term: &str) -> Finding {
    let area = "colours";
    if variable("NO_COLOR").is_some() {
        return Finding::note(area, "none: NO_COLOR is set");
    }
    let depth = variable("COLORTERM").unwrap_or_default();
    if depth == "truecolor" || depth == "24bit" {
        return Finding::good(area, "16 million");
    }
    match term.contains("256color") {
        true => Finding::good(area, "256"),
        false => Finding::note(area, format!("16 ({term}); a terminal with 256 shows more")),
    }
}

fn letters() -> Finding {
    // The first variable that is set wins, as in the C library.
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name)).unwrap_or_default();
    let is_utf8 = set.to_ascii_lowercase().replace('-', "").contains("utf8");
    match is_utf8 {
        true => Finding::good("letters", set),
        false => Finding::warning(
            "letters",
            format!("the locale is {set:?}: the terminal may not show lines and letters beyond ASCII"),
            "export LC_ALL=C.UTF-8",
        ),
    }
}

fn clipboard(term: &str) -> Finding {
    let area = "clipboard";
    if variable("TMUX").is_some() {
        let text = "copying goes through tmux, which must let OSC 52 pass";
        return Finding::warning(
            area,
            text,
            "tmux set -g set-clipboard on; tmux set -g allow-passthrough on",
        );
    }
    if term.starts_with("screen") {
        let text = "GNU screen does not pass OSC 52 on: text is copied within screen only";
        return Finding::note(area, text);
    }
    let place = if variable("SSH_TTY").is_some() { ", also over SSH" } else { "" };
    Finding::good(area, format!("copying uses OSC 52{place}, if the terminal allows it"))
}
