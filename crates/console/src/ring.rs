//! Ringing when a human is needed: the bell everywhere, and a notification of the desktop (OSC 9) where it gets
//! through.

use std::process::{Command, Stdio};

/// Letters of a notification: what desktops show of one.
const LETTERS_MAX: usize = 120;

/// The bell. tmux marks the window by it, terminals the tab.
pub(crate) const BELL: &[u8] = b"\x07";

/// The notification, as bytes for the terminal.
#[must_use]
pub(crate) fn notification(text: &str, in_tmux: bool) -> Vec<u8> {
    let is_plain = |letter: &char| !letter.is_control() && *letter != ';';
    let words: String = text.chars().filter(is_plain).take(LETTERS_MAX).collect();
    let osc = format!("\u{1b}]9;Paddock needs you: {words}\u{7}");
    match in_tmux {
        // tmux hands on what is wrapped so, with every escape doubled.
        true => format!("\u{1b}Ptmux;{}\u{1b}\\", osc.replace('\u{1b}', "\u{1b}\u{1b}")).into_bytes(),
        false => osc.into_bytes(),
    }
}

/// Whether the tmux around this pane hands on what is meant for the terminal outside (`allow-passthrough`, off
/// unless somebody set it). Waits for tmux.
#[must_use]
pub(crate) fn passes_through_tmux() -> bool {
    let pane = std::env::var("TMUX_PANE").unwrap_or_default();
    let mut tmux = Command::new("tmux");
    tmux.args(["show-options", "-A", "-p", "-v", "-t", &pane, "allow-passthrough"]);
    let said = tmux.stdin(Stdio::null()).stderr(Stdio::null()).output();
    said.is_ok_and(|said| matches!(String::from_utf8_lossy(&said.stdout).trim(), "on" | "all"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_notification_is_one_escape_sequence_whatever_is_said() {
        let said = text(notification("登录: a;b\u{7}\u{1b}]52;c\u{9c}", false));
        assert_eq!(said, "\u{1b}]9;Paddock needs you: 登录: ab]52c\u{7}");
        assert!(text(notification(&"x".repeat(500), false)).len() < 160);
    }

    #[test]
    fn inside_tmux_it_is_wrapped_with_its_escapes_doubled() {
        let said = text(notification("shop", true));
        assert_eq!(said, "\u{1b}Ptmux;\u{1b}\u{1b}]9;Paddock needs you: shop\u{7}\u{1b}\\");
    }
}
