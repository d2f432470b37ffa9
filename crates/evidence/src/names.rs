//! Names of tests: what differs from run to run is taken out of them.

use paddock_model::cut;

/// Most bytes that are kept of a name.
const BYTES_MAX: usize = 512;

/// Returns a name without what differs from run to run: addresses, folders of absolute paths, repeated white
/// space. The end of a long name is cut.
#[must_use]
pub fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len().min(BYTES_MAX));
    for word in name.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        push_word(&mut out, word);
        if out.len() > BYTES_MAX {
            break;
        }
    }
    out.truncate(cut::start(&out, BYTES_MAX).len());
    out
}

fn push_word(out: &mut String, word: &str) {
    if !word.contains("0x") && !word.contains('/') {
        out.push_str(word);
        return;
    }
    let mut rest = word;
    while !rest.is_empty() {
        let is_start = rest.len() == word.len() || ends_with_opening(&word[..word.len() - rest.len()]);
        if let Some(digits) = rest.strip_prefix("0x") {
            let len = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
            if len >= 6 {
                out.push_str("0x…");
                rest = &digits[len..];
                continue;
            }
        }
        if is_start && rest.starts_with('/') {
            let end = rest.find(['"', '\'', ')', ']', '>', ',', ':']).unwrap_or(rest.len());
            push_path(out, &rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let mut chars = rest.chars();
        out.extend(chars.next());
        rest = chars.as_str();
    }
}

fn ends_with_opening(before: &str) -> bool {
    before.ends_with(['"', '\'', '(', '[', '<', '=', ',', ':'])
}

/// Adds an absolute path without the folders that depend on where the gate's folder is.
fn push_path(out: &mut String, path: &str) {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.len() {
        // A short path is as likely an address of a page (`/users/:id`), which is the same in each run.
        0..=2 => out.push_str(path),
        count => {
            out.push_str("…/");
            out.push_str(&parts[count - 2..].join("/"));
        }
    }
}

/// Returns a name without a duration at its end: ` (1.2ms)`, ` (3 s)`, ` 401ms`, ` [3 ms]`, `: 1ms`.
#[must_use]
pub(crate) fn without_duration(text: &str) -> &str {
    let text = text.trim_end();
    for (open, close) in [('(', ')'), ('[', ']')] {
        if let Some(inner) = text.strip_suffix(close)
            && let Some((before, inside)) = inner.rsplit_once(open)
            && is_duration(inside)
        {
            return before.trim_end();
        }
    }
    match text.rsplit_once(' ') {
        Some((before, last)) if is_duration(last) => before.trim_end(),
        _ => text,
    }
}

/// Returns whether a text is a number with a unit of time: `12ms`, `1.5 s`, `2m 3s`.
pub(crate) fn is_duration(text: &str) -> bool {
    let text = text.trim().trim_start_matches(['<', '>']).trim_start();
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    let mut has_unit = false;
    for word in text.split_whitespace() {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
        match unit {
            "" => {}
            "ms" | "s" | "m" | "min" | "h" | "µs" | "μs" | "us" | "ns" | "sec" | "secs" | "seconds" => {
                has_unit = true;
            }
            _ => return false,
        }
    }
    has_unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_taken_out() {
        for (name, expected) in [
            ("tests/a.py::test[<object at 0x7f12ab34cd56>]", "tests/a.py::test[<object at 0x…>]"),
            ("  a   b\tc ", "a b c"),
            ("/tmp/gate-17/test/c.test.js", "…/test/c.test.js"),
            ("reads '/tmp/gate-17/x/y.txt'", "reads '…/x/y.txt'"),
            ("GET /users/:id", "GET /users/:id"),
            ("tests/a.py::test_x[a/b/c/d]", "tests/a.py::test_x[a/b/c/d]"),
            ("is 0x10", "is 0x10"),
        ] {
            assert_eq!(normalised(name), expected, "{name}");
        }
        assert!(normalised(&"ä".repeat(4_000)).len() <= BYTES_MAX);
    }

    #[test]
    fn durations_are_cut_off() {
        for (text, expected) in [
            ("adds (1.2ms)", "adds"),
            ("adds (2 ms)", "adds"),
            ("adds 401ms", "adds"),
            ("adds [3 ms]", "adds"),
            ("adds [< 1 ms]", "adds"),
            ("adds (twice)", "adds (twice)"),
            ("waits 3 seconds more", "waits 3 seconds more"),
            ("adds 2", "adds 2"),
        ] {
            assert_eq!(without_duration(text), expected, "{text}");
        }
    }
}
