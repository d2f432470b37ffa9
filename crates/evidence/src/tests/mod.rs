//! Readings of what the runners printed.
//!
//! `tests/recordings/<runner>/` holds what real programs printed, and for programs that need much to be installed
//! the lines that their documentation shows. Beside each `case.txt` and `case.xml` stands `case.read`: how it is
//! read. `PADDOCK_WRITE_READINGS=1 cargo test -p paddock-evidence` writes these files, for you to check by eye.

mod comparisons;
mod hostile;
mod junit;
mod pairs;
mod readings;
mod summaries;

use super::{OutputReader, Report};

/// Reads output.
fn read(output: &str) -> Report {
    let mut reader = OutputReader::default();
    output.lines().for_each(|line| reader.push(line));
    reader.finish()
}

/// Removes colours, as the supervisor does before it passes lines on.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('\u{1b}');
    out.push_str(parts.next().unwrap());
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        out.push_str(&part[end..]);
    }
    out
}
