//! Finds shell syntax in commands that no shell runs.
//!
//! Such a command is split into words by quotes and backslashes, as a shell does. Patterns (`*`, `?`, `[…]`),
//! parentheses, and a `~` after the first word are not reported, because programs expect them in arguments
//! (`--read '*.md'`, `--allow Bash(git:*)`) and get them unchanged.

/// Operators of the shell. A run of them is one piece (`&&`, `>>`, `>&`).
const OPERATORS: &str = "|&;<>";

#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// Returns the first piece of shell syntax outside quotes: `|`, `&&`, `>`, `$(`, `$HOME`, a backquote, or
/// `NAME=` or `~/` at the start.
pub(super) fn outside_quotes(text: &str) -> Option<String> {
    before_the_program(text).or_else(|| first(text, Quotes::None))
}

/// Returns the first piece within double quotes that a shell would replace: `$HOME`, `$(`, a backquote.
pub(super) fn in_double_quotes(text: &str) -> Option<String> {
    first(text, Quotes::Double)
}

/// Returns what a shell would process before the program's name: `NAME=`, or `~/` for the home folder.
fn before_the_program(text: &str) -> Option<String> {
    let text = text.trim_start();
    if text.starts_with("~/") {
        return Some("~/".to_owned());
    }
    let length = name_length(text);
    text[length..].starts_with('=').then(|| text[..=length].to_owned()).filter(|_| length > 0)
}

/// Returns the length of the variable's name that a text begins with, or 0.
fn name_length(text: &str) -> usize {
    let length = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if text.starts_with(|c: char| c.is_ascii_digit()) { 0 } else { length }
}

/// Returns the first piece of shell syntax within the wanted kind of quotes.
fn first(text: &str, wanted: Quotes) -> Option<String> {
    let mut quotes = Quotes::None;
    let mut between_words = true;
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        let begins_word = std::mem::replace(&mut between_words, quotes == Quotes::None && c.is_whitespace());
        match (quotes, c) {
            // An escaped character is plain text; within single quotes a backslash escapes nothing.
            (Quotes::None | Quotes::Double, '\\') => drop(rest.next()),
            (Quotes::None, '\'') => quotes = Quotes::Single,
            (Quotes::None, '"') => quotes = Quotes::Double,
            (Quotes::Single, '\'') | (Quotes::Double, '"') => quotes = Quotes::None,
            // A comment extends to the end of the line, as the splitter has it, too.
            (Quotes::None, '#') if begins_word => {
                between_words = rest.any(|(_, c)| c == '\n');
            }
            _ if quotes == wanted => {
                if let Some(piece) = piece_at(&text[at..], quotes) {
                    return Some(piece.to_owned());
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns the piece of shell syntax that a text begins with.
fn piece_at(text: &str, quotes: Quotes) -> Option<&str> {
    let length = match text.as_bytes() {
        [b'`', ..] => 1,
        [b'$', b'(', ..] => 2,
        [b'$', b'{', ..] => text.find('}').map_or(2, |end| end + 1),
        [b'$', b'0'..=b'9' | b'?' | b'@' | b'*' | b'#' | b'!' | b'$', ..] => 2,
        // A `$` without a name ("costs 5$") is plain text to a shell, too.
        [b'$', ..] => 1 + Some(name_length(&text[1..])).filter(|length| *length > 0)?,
        _ if quotes == Quotes::None => {
            text.bytes().take_while(|byte| OPERATORS.as_bytes().contains(byte)).count()
        }
        _ => 0,
    };
    (length > 0).then(|| &text[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_syntax_outside_quotes_is_found() {
        let found = [
            ("cat {prompt_file} | agent", "|"),
            ("agent < {prompt_file}", "<"),
            ("agent {prompt_file} >log", ">"),
            ("agent {prompt_file} >> log", ">>"),
            ("agent {prompt_file} 2>&1", ">&"),
            ("cd {worktree} && agent", "&&"),
            ("agent || true", "||"),
            ("agent; true", ";"),
            ("agent &", "&"),
            ("agent --flag=a>b", ">"),
            ("agent \"$(cat {prompt_file})\" $(id)", "$("),
            ("agent `id`", "`"),
            ("agent --key $API_KEY", "$API_KEY"),
            ("agent --key=${API_KEY:-none} x", "${API_KEY:-none}"),
            ("agent $1", "$1"),
            ("agent 'quoted' \"too\" a'b'|c", "|"),
            ("agent \\\\|c", "|"),
            ("  FOO=1 agent", "FOO="),
            ("~/bin/agent {prompt_file}", "~/"),
            ("agent # | a comment\n| tee", "|"),
            ("agent '提示' | tee", "|"),
        ];
        for (text, piece) in found {
            assert_eq!(outside_quotes(text).as_deref(), Some(piece), "{text}");
        }
    }

    #[test]
    fn quoted_text_and_similar_words_are_not_shell_syntax() {
        let plain = [
            "agent --prompt {prompt_text} --dir {worktree}",
            "agent 'a|b' \"a > b; c && d\" \\| \\$HOME",
            "agent '{\"k\": \"$HOME `id` | x\"}' \"{\\\"a\\\": [1, 2]}\"",
            "agent --flag='a>b' --other=\"a>b\" x'|'y",
            "agent --read **/*.md --allow Bash(git:*) a[0] what?",
            "agent costs 5$ $ --n=a=b ~/x",
            "agent # nobody | reads this",
            "agent a#b --x=#1",
            "./agent --id @x %y +z ^1 !",
            "agent 'it'\\''s | here'",
            "代理 --提示 {prompt_file}",
            "",
        ];
        for text in plain {
            assert_eq!(outside_quotes(text), None, "{text}");
        }
    }

    #[test]
    fn expansions_in_double_quotes_are_found() {
        assert_eq!(in_double_quotes("agent \"in $HOME/x\"").as_deref(), Some("$HOME"));
        assert_eq!(in_double_quotes("agent \"a | `id`\"").as_deref(), Some("`"));
        for text in ["agent '$HOME' \"\\$HOME\" \"5$\"", "agent \"a | b\"", "agent $HOME"] {
            assert_eq!(in_double_quotes(text), None, "{text}");
        }
    }
}
