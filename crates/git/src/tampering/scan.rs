//! Reads a text into lines of code, without the contents of strings and without comments: a word in a string
//! or a comment skips no test.
//!
//! The scanner knows quotes and comments of languages, and nothing else of them. Where it is wrong, a line
//! counts as code that is text, or the other way round, which costs one more gate run at most.

/// A language, as far as quotes, comments and blocks are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Blocks by indentation.
    Python,
    /// Blocks by indentation, as people write it.
    Ruby,
    /// JavaScript and TypeScript.
    Script,
    Rust,
    Go,
    /// Languages that look like C: Java, Kotlin, C#, PHP, Swift and others.
    Braces,
    Perl,
    Shell,
    /// Makefiles.
    Make,
    /// YAML, TOML and INI files.
    Settings,
    /// Everything else, which is compared by lines alone.
    Data,
}

/// A line that holds more than a comment.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Number, from 1.
    pub number: u32,
    /// The line without blanks at both ends.
    pub text: String,
    /// The line without the contents of strings and without comments.
    pub code: String,
    /// Columns of blanks in front, with a tab as eight.
    pub indent: usize,
    /// Whether the line begins within a string.
    pub is_in_string: bool,
}

impl Language {
    /// Returns the language of a file, by its name, else by the first line of its text.
    pub(crate) fn from_path(path: &str, text: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let lower = name.to_lowercase();
        if ["makefile", "gnumakefile", "justfile"].contains(&lower.as_str()) {
            return Self::Make;
        }
        match lower.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "py" | "pyi" => Self::Python,
            "rb" | "rake" => Self::Ruby,
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" | "vue" | "svelte" => Self::Script,
            "rs" => Self::Rust,
            "go" => Self::Go,
            "java" | "kt" | "kts" | "scala" | "groovy" | "gradle" | "c" | "cc" | "cpp" | "cxx" | "h"
            | "hpp" | "cs" | "swift" | "php" | "dart" | "m" => Self::Braces,
            "pl" | "pm" | "t" => Self::Perl,
            "sh" | "bash" | "zsh" | "bats" | "ksh" => Self::Shell,
            "mk" | "mak" => Self::Make,
            "yml" | "yaml" | "toml" | "ini" | "cfg" => Self::Settings,
            "" => Self::from_first_line(text),
            _ if text.starts_with("#!") => Self::from_first_line(text),
            _ => Self::Data,
        }
    }

    fn from_first_line(text: &str) -> Self {
        let first = text.lines().next().filter(|line| line.starts_with("#!")).unwrap_or_default();
        let has = |word: &str| first.contains(word);
        match () {
            () if has("python") => Self::Python,
            () if has("node") => Self::Script,
            () if has("perl") => Self::Perl,
            () if has("ruby") => Self::Ruby,
            () if has("make") => Self::Make,
            () if has("sh") => Self::Shell,
            () => Self::Data,
        }
    }

    /// Returns whether the language has a program's blocks, so that added lines can be judged by their place.
    pub(crate) fn has_blocks(self) -> bool {
        !matches!(self, Self::Make | Self::Settings | Self::Data)
    }

    /// Returns whether blocks are seen by indentation.
    pub(crate) fn is_indented(self) -> bool {
        matches!(self, Self::Python | Self::Ruby)
    }

    fn has_slash_comments(self) -> bool {
        matches!(self, Self::Script | Self::Rust | Self::Go | Self::Braces)
    }

    fn has_hash_comments(self) -> bool {
        !self.has_slash_comments() && self != Self::Data
    }

    /// Returns whether a string of this quote may cover several lines. In shells and their kin an apostrophe
    /// stands in texts without a partner, so strings end with their line there.
    fn spans_lines(self, quote: &str) -> bool {
        match self {
            Self::Python => quote.len() == 3,
            Self::Script | Self::Go => quote == "`",
            Self::Rust => quote.starts_with('"'),
            Self::Braces => quote.len() == 3,
            _ => false,
        }
    }
}

/// What the scanner is in.
enum State {
    Code,
    /// In a comment of this depth.
    Comment(u32),
    /// In a string that ends with this text; backslashes escape if the flag is set.
    Text(String, bool),
}

/// Returns the lines of a text that hold more than a comment.
pub(crate) fn scan(language: Language, text: &str) -> Vec<Line> {
    let mut state = State::Code;
    let mut found = Vec::new();
    for (at, raw) in text.lines().enumerate() {
        let is_in_string = matches!(state, State::Text(..));
        let mut code = match language {
            Language::Data => raw.to_owned(),
            Language::Settings => settings(raw).to_owned(),
            _ => line_code(language, raw, &mut state),
        };
        if is_in_string && !raw.trim().is_empty() && code.trim().is_empty() {
            code = "\"\"".to_owned();
        }
        if code.trim().is_empty() {
            continue;
        }
        let columns = |c: char| if c == '\t' { 8 } else { 1 };
        found.push(Line {
            number: u32::try_from(at + 1).unwrap_or(u32::MAX),
            text: raw.trim().to_owned(),
            code: code.trim().to_owned(),
            indent: raw.chars().take_while(|c| c.is_whitespace()).map(columns).sum(),
            is_in_string,
        });
    }
    found
}

/// Returns a line of a file of settings without its comment. Values keep their quotes and contents.
fn settings(raw: &str) -> &str {
    if raw.trim_start().starts_with(['#', ';']) {
        return "";
    }
    raw.find(" #").map_or(raw, |at| &raw[..at])
}

fn line_code(language: Language, raw: &str, state: &mut State) -> String {
    let mut code = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(next) = rest.chars().next() {
        match state {
            State::Text(end, escapes) => {
                if *escapes && next == '\\' {
                    rest = &rest[1..];
                    rest = rest.chars().next().map_or("", |escaped| &rest[escaped.len_utf8()..]);
                } else if let Some(after) = rest.strip_prefix(end.as_str()) {
                    code.push('"');
                    (*state, rest) = (State::Code, after);
                } else {
                    rest = &rest[next.len_utf8()..];
                }
            }
            State::Comment(depth) => {
                if let Some(after) = rest.strip_prefix("*/") {
                    rest = after;
                    match *depth {
                        0 | 1 => *state = State::Code,
                        _ => *depth -= 1,
                    }
                } else if let Some(after) = rest.strip_prefix("/*").filter(|_| language == Language::Rust) {
                    (*depth, rest) = (*depth + 1, after);
                } else {
                    rest = &rest[next.len_utf8()..];
                }
            }
            State::Code => match begin(language, &code, rest) {
                Begin::Comment => break,
                Begin::Block => (*state, rest) = (State::Comment(1), &rest[2..]),
                Begin::Text { skip, end, escapes } => {
                    code.push('"');
                    (*state, rest) = (State::Text(end, escapes), &rest[skip..]);
                }
                Begin::Whole(bytes) => {
                    code.push_str("\"\"");
                    rest = &rest[bytes..];
                }
                Begin::Nothing => {
                    code.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            },
        }
    }
    let ends_here = |end: &str| {
        // A raw string of Rust ends with hashes; its quote decides.
        let quote = if end.starts_with('"') && language == Language::Rust { "\"" } else { end };
        !language.spans_lines(quote)
    };
    if matches!(state, State::Text(end, _) if ends_here(end)) {
        *state = State::Code;
        code.push('"');
    }
    code
}

/// What begins at a place in code.
enum Begin {
    Nothing,
    /// A comment to the end of the line.
    Comment,
    /// A comment to its mark.
    Block,
    /// A string: bytes to skip, and what ends it.
    Text {
        skip: usize,
        end: String,
        escapes: bool,
    },
    /// A literal of so many bytes.
    Whole(usize),
}

fn begin(language: Language, before: &str, rest: &str) -> Begin {
    let text = |skip: usize, end: &str, escapes: bool| Begin::Text { skip, end: end.to_owned(), escapes };
    let last = before.chars().next_back();
    if language.has_slash_comments() {
        if rest.starts_with("//") {
            return Begin::Comment;
        }
        if rest.starts_with("/*") {
            return Begin::Block;
        }
    }
    // `$#` and `${x#y}` are no comments.
    if rest.starts_with('#') && language.has_hash_comments() {
        let is_free = language == Language::Python || last.is_none_or(char::is_whitespace);
        return if is_free { Begin::Comment } else { Begin::Nothing };
    }
    let is_long = matches!(language, Language::Python | Language::Braces);
    if let Some(quote) = ["\"\"\"", "'''"].iter().find(|quote| rest.starts_with(**quote)).filter(|_| is_long)
    {
        return text(3, quote, true);
    }
    match rest.as_bytes().first() {
        Some(b'"') if language == Language::Rust => {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before.trim_end_matches('#').ends_with('r');
            text(1, &format!("\"{}", "#".repeat(if is_raw { hashes } else { 0 })), !is_raw)
        }
        Some(b'\'') if language == Language::Rust => character(rest),
        Some(b'"') => text(1, "\"", true),
        Some(b'\'') if matches!(language, Language::Shell | Language::Make) => {
            // An apostrophe within a word is one of English, not a quote.
            let is_word = last.is_some_and(char::is_alphanumeric);
            if is_word { Begin::Nothing } else { text(1, "'", false) }
        }
        Some(b'\'') => text(1, "'", true),
        Some(b'`') if language == Language::Script => text(1, "`", true),
        Some(b'`') if language == Language::Go => text(1, "`", false),
        Some(b'\\') if language == Language::Shell => Begin::Nothing,
        Some(b'/') if language == Language::Script => regular_expression(before, rest),
        _ => Begin::Nothing,
    }
}

/// A character of Rust, or a lifetime.
fn character(rest: &str) -> Begin {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), _) => rest[2..]
            .char_indices()
            .skip(1)
            .find(|(_, c)| *c == '\'')
            .map_or(Begin::Nothing, |(at, _)| Begin::Whole(2 + at + 1)),
        (Some(_), Some((at, '\''))) => Begin::Whole(at + 1),
        _ => Begin::Nothing,
    }
}

/// A regular expression of JavaScript, which may hold quotes, or a division.
fn regular_expression(before: &str, rest: &str) -> Begin {
    let front = before.trim_end();
    let is_value = front.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | ')' | ']' | '"'));
    if is_value && !front.ends_with("return") {
        return Begin::Nothing;
    }
    let (mut is_escaped, mut is_in_class) = (false, false);
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => is_in_class = true,
            ']' => is_in_class = false,
            '/' if !is_in_class => return Begin::Whole(at + 1),
            _ => {}
        }
    }
    Begin::Nothing
}

/// Returns whether a character may be part of a name.
pub(crate) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Returns the number of places at which `mark` stands in code as a token of its own: `xit(` is no part of
/// `sys.exit(`.
pub(crate) fn tokens(code: &str, mark: &str) -> usize {
    let needs_front = mark.starts_with(is_name);
    let needs_end = mark.ends_with(is_name);
    let is_token = |at: &usize| {
        let front = code[..*at].chars().next_back();
        let end = code[at + mark.len()..].chars().next();
        let joins = |c: char| is_name(c) || c == '.';
        let is_part = needs_front && front.is_some_and(joins);
        !(is_part || (needs_end && end.is_some_and(is_name)))
    };
    code.match_indices(mark).map(|(at, _)| at).filter(is_token).count()
}

/// Returns the names in code.
pub(crate) fn names(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !is_name(c))
        .filter(|name| !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(path: &str, text: &str) -> Vec<String> {
        scan(Language::from_path(path, text), text).into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn contents_of_strings_and_comments_are_no_code() {
        assert_eq!(
            code("a.py", "x = 'it\\'s # no' # yes\n\"\"\"\npytest.skip(\n\"\"\"\n"),
            ["x = \"\"", "\"", "\"\"", "\""]
        );
        assert_eq!(
            code("a.js", "it('a // b', () => {}) // it.skip(\n/* x\nxit( */ y\n"),
            ["it(\"\", () => {})", "y"]
        );
        assert_eq!(
            code("a.js", "x = a / b / c; r = /['\"]/.test(`a\n'b`)"),
            ["x = a / b / c; r = \"\".test(\"", "\")"]
        );
        assert_eq!(
            code("a.rs", "fn a<'b>(c: &'b str) { '\\'' ; r#\"a\"b\"# } // x"),
            ["fn a<'b>(c: &'b str) { \"\" ; r#\"\" }"]
        );
        assert_eq!(code("a.sh", "echo don't # no\nx=${y#z} $#\n# all\n"), ["echo don't", "x=${y#z} $#"]);
        assert_eq!(code("a.yml", "# a\nrun: x # y\n"), ["run: x"]);
    }

    #[test]
    fn marks_are_tokens() {
        assert_eq!((tokens("sys.exit(0)", "xit("), tokens("xit(\"\")", "xit(")), (0, 1));
        assert_eq!((tokens("my_pending x", "pending"), tokens("pending \"\"", "pending")), (0, 1));
        assert_eq!(tokens("assert_all assert", "assert"), 1);
    }

    #[test]
    fn a_file_without_an_ending_is_known_by_its_first_line() {
        assert_eq!(Language::from_path("run", "#!/bin/sh\n"), Language::Shell);
        assert_eq!(Language::from_path("run", "#!/usr/bin/env python3\n"), Language::Python);
        assert_eq!(Language::from_path("LICENSE", "text"), Language::Data);
    }
}
