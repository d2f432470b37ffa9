//! Reads `.env` files: lines of `NAME=value` in the usual dialects.
//!
//! A line that cannot be read is a fault and not skipped: a missing key would only be noticed when an agent
//! fails.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use super::error::{ConfigError, Place, Severity};
use paddock_os::plain;

/// Reads a file; a missing file counts as empty.
///
/// # Errors
/// Fails with a fault for every line that is not an assignment, or if the file cannot be read.
pub(super) fn read(path: &Path, shown: &str) -> Result<BTreeMap<String, String>, Vec<ConfigError>> {
    let whole = |problem: String| vec![fault(shown, Place::default(), "", problem, None)];
    match plain::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(|_| whole("is not UTF-8 text".to_owned()))?;
            parse(&text, shown)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(whole(format!("cannot be read: {error}"))),
    }
}

/// Parses assignments. Comments, `export `, single and double quotes are allowed; the last line for a name
/// counts.
///
/// # Errors
/// Fails with a fault for every line that is not an assignment.
pub(crate) fn parse(text: &str, shown: &str) -> Result<BTreeMap<String, String>, Vec<ConfigError>> {
    let mut found = BTreeMap::new();
    let mut errors = Vec::new();
    // Editors on Windows begin a file with a byte order mark.
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let code = line.trim();
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        let column = (line.chars().count() - line.trim_start().chars().count() + 1) as u64;
        let place = Place { line: index as u64 + 1, column };
        match assignment(code) {
            Ok((name, value)) => drop(found.insert(name, value)),
            Err((key, problem, right)) => {
                errors.push(fault(shown, place, &key, problem, Some(right.to_owned())));
            }
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// Returns the line, from 1, on which each variable of a file gets its value.
pub(super) fn lines(path: &Path) -> BTreeMap<String, u64> {
    let text = plain::read_to_string(path).unwrap_or_default();
    let text = text.trim_start_matches('\u{feff}');
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().starts_with('#'));
    lines.filter_map(|(at, line)| Some((assignment(line.trim()).ok()?.0, at))).collect()
}

fn fault(shown: &str, place: Place, key: &str, problem: String, right: Option<String>) -> ConfigError {
    let severity = Severity::Error;
    ConfigError { file: shown.to_owned(), place, key: key.to_owned(), problem, right, severity }
}

type Fault = (String, String, &'static str);

fn assignment(code: &str) -> Result<(String, String), Fault> {
    // Many `.env` files are also sourced by a shell.
    let code = code.strip_prefix("export ").unwrap_or(code).trim_start();
    let Some((name, rest)) = code.split_once('=') else {
        return Err((String::new(), "no `=` in this line".to_owned(), "write NAME=value"));
    };
    let name = name.trim_end();
    let right_form = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if !right_form {
        let shown: String = name.chars().take(60).collect();
        let problem = format!("{shown:?} is not a valid name of a variable");
        return Err((shown, problem, "use letters, digits and `_`, not beginning with a digit"));
    }
    let value = value(rest.trim_start()).map_err(|(what, right)| {
        // The value is not shown, since it may be an API key.
        (name.to_owned(), format!("the value of `{name}` {what}"), right)
    })?;
    Ok((name.to_owned(), value))
}

fn value(text: &str) -> Result<String, (&'static str, &'static str)> {
    // The environment of a process cannot hold a NUL; starting an agent would fail.
    if text.contains('\0') {
        return Err(("holds a NUL byte", "remove it"));
    }
    let (value, rest) = match text.chars().next() {
        Some('\'') => {
            text[1..].split_once('\'').map(|(inner, rest)| (inner.to_owned(), rest)).ok_or(UNCLOSED)?
        }
        Some('"') => double_quoted(&text[1..])?,
        _ => return Ok(unquoted(text)),
    };
    let rest = rest.trim_start();
    match rest.is_empty() || rest.starts_with('#') {
        true => Ok(value),
        false => Err(("goes on after the closing quote", "put all of it into one pair of quotes")),
    }
}

const UNCLOSED: (&str, &str) = ("has a quote that is not closed", "close it on the same line");

/// Returns the value before a comment. A `#` begins a comment at the start or after a blank; `a#b` is a
/// value.
fn unquoted(text: &str) -> String {
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        if character == '#' && before.is_whitespace() {
            return text[..at].trim_end().to_owned();
        }
        before = character;
    }
    text.trim_end().to_owned()
}

/// Parses a value in double quotes. Returns it with the text after the closing quote.
fn double_quoted(text: &str) -> Result<(String, &str), (&'static str, &'static str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next().ok_or(UNCLOSED)?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                other @ ('"' | '\\' | '$' | '`' | '\'') => value.push(other),
                // Any other backslash is kept, as shells do: `\d` in a pattern stays `\d`.
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    Err(UNCLOSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ways_of_writing_a_value_are_read() {
        let text = "\u{feff}# keys\nA=1\r\nexport B = two words # comment\nC='a # b'\nD=\"x\\n\\\"y\\\"\" # c\nE=\nF=a#b\nA=2\nG=中文\n";
        let found = parse(text, ".env").unwrap();
        let pairs: Vec<(&str, &str)> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let right = [
            ("A", "2"),
            ("B", "two words"),
            ("C", "a # b"),
            ("D", "x\n\"y\""),
            ("E", ""),
            ("F", "a#b"),
            ("G", "中文"),
        ];
        assert_eq!(pairs, right);
    }

    #[test]
    fn every_bad_line_is_named_and_no_value_is_shown() {
        let errors = parse("GOOD=1\n  nonsense\n1A=x\nKEY='sk-secret\nK=\"a\"b\n", ".env").unwrap_err();
        let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(shown[0], ".env:2:3: no `=` in this line; write NAME=value");
        assert_eq!(errors[1].place.line, 3);
        assert_eq!(
            shown[2],
            ".env:4:1: the value of `KEY` has a quote that is not closed; close it on the same line"
        );
        assert_eq!(errors[3].key, "K");
        assert!(!shown.concat().contains("secret"));
    }
}
