//! Copying that works over SSH and in tmux as it is set up by default: tmux's own buffer where there is a tmux,
//! otherwise OSC 52.

use std::io::Write;
use std::process::{Command, Stdio};

use crossterm::clipboard::CopyToClipboard;

use super::error::Error;

/// How much may be copied: terminals and tmux drop more than about this.
const BYTES_MAX: usize = 256 * 1024;

/// Which way a copy takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// Through tmux.
    Tmux,
    /// By this command to the terminal.
    Osc52(CopyToClipboard<String>),
}

/// Which way it is here.
#[must_use]
pub(crate) fn way(text: &str, in_tmux: bool) -> Way {
    match in_tmux {
        true => Way::Tmux,
        false => Way::Osc52(CopyToClipboard::to_clipboard_from(text.to_owned())),
    }
}

/// Whether a text is too long to be copied.
#[must_use]
pub(crate) fn is_too_long(text: &str) -> bool {
    text.len() > BYTES_MAX
}

/// Gives a text to tmux, which hands it on to the terminal.
///
/// # Errors
/// [`Error::Program`] when tmux could not be run, [`Error::Tmux`] when it took no text.
pub(crate) fn to_tmux(text: &str) -> Result<(), Error> {
    let said = |error| Error::Program { program: "tmux".to_owned(), error };
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
        false => Err(Error::Tmux),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::Command as _;

    #[test]
    fn outside_of_tmux_the_terminal_is_asked_by_osc_52() {
        let Way::Osc52(command) = way("登录 ab", false) else { panic!("not OSC 52") };
        let mut sequence = String::new();
        command.write_ansi(&mut sequence).unwrap();
        assert_eq!(sequence, "\u{1b}]52;c;55m75b2VIGFi\u{1b}\\");
        assert_eq!(way("x", true), Way::Tmux);
    }
}
