//! Printing that survives a closed pipe, and yes/no questions.

use std::io::{self, BufRead, IsTerminal, Write};

use serde::Serialize;

use super::exit_codes::Failure;
use paddock_report::text::harmless_json;

/// Prints text unchanged on standard output. Fails if standard output cannot be written.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    // Standard output is line-buffered even into a pipe; text without a final newline would stay behind.
    out.flush()?;
    Ok(())
}

/// Prints a line on standard output.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}

/// Prints a document as indented JSON, with control characters escaped.
pub(super) fn json<T: Serialize>(document: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(|error| Failure::error(error.to_string()))?;
    line(&harmless_json(text))
}

/// Prints a hint, warning or error on standard error, so that standard output stays parseable.
///
/// A closed standard error is ignored: there is no other place to report it.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Asks a yes/no question on standard error. Returns `None` if standard input is not a terminal.
pub(super) fn confirm(question: &str) -> Result<Option<bool>, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    {
        // The lock ends before the answer is read: a thread that logs would otherwise wait for the person.
        let mut out = io::stderr().lock();
        write!(out, "{question} [y/N] ")?;
        out.flush()?;
    }
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")))
}
