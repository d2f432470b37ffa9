//! Picks the lines of a gate run's output that say what failed.

use std::path::Path;

use paddock_agents::terminal::{plain, seven_bit};
use paddock_report::text::harmless;
use paddock_runner::log::{LogReader, Stream};

/// Bytes read from the end of each stream. Test runners list their failures at the end.
const END_BYTES: u64 = 64 << 10;
/// Number of lines that are picked.
const LINES_MAX: usize = 3;
/// Words that mark a line about a failure, in lower case.
const WORDS: [&str; 9] =
    ["error", "fail", "panicked", "assert", "expected", "exception", "fatal", "not found", "undefined"];

/// Returns the last lines of a run's output that mention a
/// failure; if none does, the last lines. Blocks on files.
#[must_use]
pub(crate) fn failure_lines(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    // `pick` prefers later lines, and most test runners report failures on standard output.
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
    let mentions_failure = |line: &&String| {
        let lower = line.to_lowercase();
        // Summaries such as `12 passed; 0 failed` report success.
        WORDS.iter().any(|word| lower.contains(word)) && !lower.contains("0 failed")
    };
    let mut found: Vec<String> = Vec::new();
    for line in all.iter().rev().filter(mentions_failure) {
        // Many runners repeat a failure in their summary.
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

/// Returns the lines of some output that are not blank, without escape sequences.
fn lines_of(bytes: &[u8]) -> Vec<String> {
    let text = plain(seven_bit(&String::from_utf8_lossy(bytes)).as_bytes());
    text.lines().map(|line| harmless(line.trim())).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_that_mention_a_failure_are_picked() {
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
    fn no_escape_sequence_leaks_into_the_picked_lines() {
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
