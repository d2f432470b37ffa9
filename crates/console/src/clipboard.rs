//! Copying that works over SSH and in tmux as it is set up by default: tmux's own buffer where there is a tmux,
//! otherwise OSC 52.

use std::io::Write;
use std::process::{Command, Stdio};

/// How much may be copied: terminals and tmux drop more than about this.
const BYTES_MAX: usize = 256 * 1024;

/// Which way a copy takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// Through tmux.
    Tmux,
    /// By these bytes to the terminal.
    Osc52(Vec<u8>),
}

/// Which way it is here.
#[must_use]
pub(crate) fn way(text: &str, in_tmux: bool) -> Way {
    match in_tmux {
        true => Way::Tmux,
        false => Way::Osc52(osc52(text)),
    }
}

/// Whether a text is too long to be copied.
#[must_use]
pub(crate) fn is_too_long(text: &str) -> bool {
    text.len() > BYTES_MAX
}

fn osc52(text: &str) -> Vec<u8> {
    format!("\u{1b}]52;c;{}\u{7}", base64(text.as_bytes())).into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let is_filler = digit > three.len();
            let index = (bits >> (18 - 6 * digit) & 63) as usize;
            out.push(if is_filler { '=' } else { char::from(DIGITS[index]) });
        }
    }
    out
}

/// Gives a text to tmux, which hands it on to the terminal.
///
/// # Errors
/// For people: why not.
pub(crate) fn to_tmux(text: &str) -> Result<(), String> {
    let said = |error: std::io::Error| format!("tmux: {error}");
    let mut child = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(said)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).map_err(said)?;
    }
    match child.wait().map_err(said)?.success() {
        true => Ok(()),
        false => Err("tmux took no text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_tmux_the_terminal_is_asked_by_osc_52() {
        let Way::Osc52(bytes) = way("登录 ab", false) else { panic!("not OSC 52") };
        assert_eq!(String::from_utf8(bytes).unwrap(), "\u{1b}]52;c;55m75b2VIGFi\u{7}");
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
        assert_eq!(way("x", true), Way::Tmux);
    }
}
