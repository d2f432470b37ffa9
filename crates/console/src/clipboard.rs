//! Copies text to the clipboard, over SSH and inside tmux, too: through tmux where there is one, else with
//! the escape sequence OSC 52.

use std::io::Write;
use std::process::{Command, Stdio};

use crossterm::clipboard::CopyToClipboard;

use super::error::Error;

/// Longest text that is copied, in bytes: terminals and tmux silently drop longer ones.
const BYTES_MAX: usize = 256 * 1024;

/// How a text reaches the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `tmux load-buffer -w`. With its default settings tmux ignores OSC 52 of programs inside it.
    Tmux,
    /// OSC 52, written to the terminal.
    Osc52(CopyToClipboard<String>),
}

/// Returns the route for a text.
#[must_use]
pub(crate) fn route(text: &str, in_tmux: bool) -> Route {
    match in_tmux {
        true => Route::Tmux,
        false => Route::Osc52(CopyToClipboard::to_clipboard_from(text.to_owned())),
    }
}

/// Returns whether a text is too long for the clipboard.
#[must_use]
pub(crate) fn is_too_long(text: &str) -> bool {
    text.len() > BYTES_MAX
}

/// Passes a text to tmux, which keeps it in a buffer and
/// forwards it to the outer terminal. Blocks until tmux exits.
///
/// # Errors
/// Fails with [`Error::Program`] if tmux cannot be run, with [`Error::Tmux`] if it rejects the text.
pub(crate) fn to_tmux(text: &str) -> Result<(), Error> {
    let failed = |error| Error::Program { program: "tmux".to_owned(), error };
    let mut child = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    // Dropping stdin at the end of this block closes the pipe, and tmux stops reading.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).map_err(failed)?;
    }
    match child.wait().map_err(failed)?.success() {
        true => Ok(()),
        false => Err(Error::Tmux),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::Command as _;

    #[test]
    fn outside_tmux_text_is_copied_by_osc_52() {
        let Route::Osc52(command) = route("登录 ab", false) else { panic!("not OSC 52") };
        let mut sequence = String::new();
        command.write_ansi(&mut sequence).unwrap();
        assert_eq!(sequence, "\u{1b}]52;c;55m75b2VIGFi\u{1b}\\");
        assert_eq!(route("x", true), Route::Tmux);
    }
}
