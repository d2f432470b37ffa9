//! The lines of a gate run's output that say what failed.

use std::path::Path;

use paddock_agents::terminal::{plain, seven_bit};
use paddock_report::text::harmless;
use paddock_runner::log::{LogReader, Stream};

/// How much of the end of each stream is read, in bytes: runners say at the end what failed.
const END_BYTES: u64 = 64 << 10;
/// Lines that are kept.
const LINES_MAX: usize = 3;
/// Words that lines about failures have.
const WORDS: [&str; 9] =
    ["error", "fail", "panicked", "assert", "expected", "exception", "fatal", "not found", "undefined"];

/// The last lines of a run's output that speak of failing; the last ones of all where none does. Reads files.
#[must_use]
pub(crate) fn failure_lines(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for stream in [Stream::Stderr, Stream::Stdout] {
        let reader = LogReader::open(dir, stream);
        let from = reader.length().unwrap_or(0).saturating_sub(END_BYTES);
        let Ok(chunk) = reader.read_at(from, usize::try_from(END_BYTES).unwrap_or(usize::MAX)) else {
            continue;
        };
        all.extend(lines_of(&chunk.bytes));
    }
    pick(&all)
}

fn pick(all: &[String]) -> Vec<String> {
    let tells = |line: &&String| {
        let lower = line.to_lowercase();
        // `0 failed` is no failure.
        WORDS.iter().any(|word| lower.contains(word)) && !lower.contains("0 failed")
    };
    let mut found: Vec<String> = Vec::new();
    for line in all.iter().rev().filter(tells) {
        if !found.contains(line) {
            found.push(line.clone());
        }
        if found.len() == LINES_MAX {
            break;
        }
    }
    if found.is_empty() {
        found = all.iter().rev().take(LINES_MAX).cloned().collect();
    }
    found.reverse();
    found
}

/// The lines of some output that show anything, without colours and what else a terminal would obey.
fn lines_of(bytes: &[u8]) -> Vec<String> {
    let text = plain(seven_bit(&String::from_utf8_lossy(bytes)).as_bytes());
    text.lines().map(|line| harmless(line.trim())).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_about_failures_are_the_telling_ones() {
        let all = [
            "error: one",
            "note",
            "\u{1b}[31mtest a ... FAILED\u{1b}[0m",
            "ok. 3 passed; 0 failed",
            "3 failed",
            "3 failed",
        ];
        let all = lines_of(all.join("\n").as_bytes());
        assert_eq!(pick(&all), ["error: one", "test a ... FAILED", "3 failed"]);
        assert_eq!(pick(&["a".to_owned(), "b".to_owned()]), ["a", "b"]);
    }

    include!("../../../agents/src/terminal/sequences.rs");

    #[test]
    fn no_sequence_leaks_into_the_telling_lines() {
        for (bytes, text) in SEQUENCES {
            assert_eq!(lines_of(bytes), [*text], "{:?}", String::from_utf8_lossy(bytes));
            for end in 0..bytes.len() {
                assert!(lines_of(&bytes[..end]).concat().chars().all(|letter| !letter.is_control()));
            }
        }
        assert_eq!(lines_of(b"a\x1b]0;never ended\n10%\r20%\r\n\n b"), ["a0;never ended", "10%", "20%", "b"]);
        assert_eq!(lines_of("\u{9b}31mred\u{9d}0;title\u{9c}!".as_bytes()), ["red!"]);
    }
}
