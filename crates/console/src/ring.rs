//! Rings when a person is needed: with the terminal bell, and with
//! a desktop notification (OSC 9) where the terminal supports it.

use std::process::{Command, Stdio};

/// Longest notification, in characters: desktops cut longer ones.
const LETTERS_MAX: usize = 120;

/// The bell. tmux marks the window that rang, terminals mark the tab.
pub(crate) const BELL: &[u8] = b"\x07";

/// Returns the escape sequence of a notification.
#[must_use]
pub(crate) fn notification(text: &str, in_tmux: bool) -> Vec<u8> {
    // A control character would end the sequence early; a `;` separates its parameters.
    let is_plain = |letter: &char| !letter.is_control() && *letter != ';';
    let words: String = text.chars().filter(is_plain).take(LETTERS_MAX).collect();
    let osc = format!("\u{1b}]9;Paddock needs you: {words}\u{7}");
    match in_tmux {
        // tmux passes a wrapped sequence through to the outer terminal; escapes inside must be doubled.
        true => format!("\u{1b}Ptmux;{}\u{1b}\\", osc.replace('\u{1b}', "\u{1b}\u{1b}")).into_bytes(),
        false => osc.into_bytes(),
    }
}

/// Returns whether tmux passes sequences through to the outer terminal: its option `allow-passthrough`, which
/// is off by default. Blocks while the `tmux` program runs; returns false if it cannot be run.
#[must_use]
pub(crate) fn passes_through_tmux() -> bool {
    let pane = std::env::var("TMUX_PANE").unwrap_or_default();
    let mut tmux = Command::new("tmux");
    tmux.args(["show-options", "-A", "-p", "-v", "-t", &pane, "allow-passthrough"]);
    let output = tmux.stdin(Stdio::null()).stderr(Stdio::null()).output();
    output.is_ok_and(|output| matches!(String::from_utf8_lossy(&output.stdout).trim(), "on" | "all"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_notification_is_one_escape_sequence_whatever_its_text() {
        let sequence = text(notification("登录: a;b\u{7}\u{1b}]52;c\u{9c}", false));
        assert_eq!(sequence, "\u{1b}]9;Paddock needs you: 登录: ab]52c\u{7}");
        assert!(text(notification(&"x".repeat(500), false)).len() < 160);
    }

    #[test]
    fn inside_tmux_a_notification_is_wrapped_with_its_escapes_doubled() {
        let sequence = text(notification("shop", true));
        assert_eq!(sequence, "\u{1b}Ptmux;\u{1b}\u{1b}]9;Paddock needs you: shop\u{7}\u{1b}\\");
    }
}
