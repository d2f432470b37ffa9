//! The patterns of searches and filters.

use std::sync::Arc;

use regex_automata::meta::{Config, Regex};
use regex_syntax::ast::{Ast, ClassSetItem, Visitor, parse, visit};

/// Bytes that a compiled pattern may take, at most; `.*error \w+` takes some kilobytes. A pattern such as
/// `((\w{100}){100}){100}` would otherwise take all memory.
const PROGRAM_MAX_BYTES: usize = 4 << 20;
/// Bytes of a search text, at most: far more than a person types in a line, and little enough to be compiled
/// again with every letter.
const TEXT_MAX_BYTES: usize = 4096;

/// A pattern. The text is a regular expression; if it is not a valid one, it is matched literally, and
/// [`Self::caveat`] says why. Case matters only if the pattern has a capital letter.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// Compiled pattern; `None` if even the literal text cannot be compiled. Shared, so that the follower
    /// thread, the filter and all frames use one cache of its automaton.
    regex: Option<Arc<Regex>>,
    /// Whether the text begins with `!`: lines that do not match are wanted.
    is_inverse: bool,
    /// Text as typed, with a leading `!`.
    text: String,
    caveat: Option<String>,
}

impl Matcher {
    /// Compiles a text. Returns `None` if the text is empty or only `!`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (is_inverse, pattern) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if pattern.is_empty() {
            return None;
        }
        let compiles = if pattern.len() > TEXT_MAX_BYTES { None } else { Some(compiled(pattern)) };
        let (regex, caveat) = match compiles {
            None => (None, Some(format!("not looked for: longer than {TEXT_MAX_BYTES} bytes"))),
            Some(Ok(regex)) => (Some(regex), None),
            // While a pattern is typed it is often incomplete (`foo(`). A person who searches for such text
            // means the text, so that refusing it would be wrong.
            Some(Err(why)) => {
                let literal = compiled(&regex_syntax::escape(pattern)).ok();
                let instead = if literal.is_some() { "looked for as plain text" } else { "not looked for" };
                (literal, Some(format!("{instead}: {why}")))
            }
        };
        Some(Self { regex: regex.map(Arc::new), is_inverse, text: text.to_owned(), caveat })
    }

    /// Returns the text as typed.
    #[must_use]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns why the text is not used as a pattern, and what is done instead: `looked for as plain text:
    /// unclosed group`.
    #[must_use]
    pub(crate) fn caveat(&self) -> Option<&str> {
        self.caveat.as_deref()
    }

    /// Returns whether a line is wanted. Without a compiled pattern no line is, inverse or not.
    #[must_use]
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(text) != self.is_inverse)
    }

    /// Returns the byte ranges of the matches in a line; none for an inverse pattern. Empty matches (`x*`)
    /// are left out.
    #[must_use]
    pub(crate) fn places(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let Some(regex) = self.regex.as_ref().filter(|_| !self.is_inverse) else { return Vec::new() };
        regex.find_iter(text).map(|found| found.range()).filter(|range| !range.is_empty()).collect()
    }
}

/// Why a text cannot be used as a pattern.
#[derive(Debug, thiserror::Error)]
enum PatternError {
    /// The text does not parse as a regular expression.
    #[error("{0}")]
    Syntax(regex_syntax::ast::ErrorKind),
    /// The expression parses but has no meaning, such as an unknown class of letters.
    #[error("{0}")]
    Meaning(regex_syntax::hir::ErrorKind),
    /// The compiled pattern would be larger than [`PROGRAM_MAX_BYTES`].
    #[error("the pattern is too large")]
    TooLarge,
}

fn compiled(pattern: &str) -> Result<Regex, PatternError> {
    let ast =
        parse::Parser::new().parse(pattern).map_err(|error| PatternError::Syntax(error.kind().clone()))?;
    // Translated by hand rather than by `Regex::new`, because whether case matters follows from the parsed
    // pattern: searching the text for capitals would take `\S` for one.
    let any_case = !visit(&ast, Capitals(false)).unwrap_or(false);
    let mut translator = regex_syntax::hir::translate::TranslatorBuilder::new();
    let hir = translator.case_insensitive(any_case).build().translate(pattern, &ast);
    let hir = hir.map_err(|error| PatternError::Meaning(error.kind().clone()))?;
    // Bounds memory: every letter typed compiles a pattern, and none of them may stop the console.
    let limits = Config::new().nfa_size_limit(Some(PROGRAM_MAX_BYTES));
    Regex::builder().configure(limits).build_from_hir(&hir).map_err(|_| PatternError::TooLarge)
}

/// Finds whether a pattern matches a capital letter literally: the `S` of `\S` and the `L` of `\p{L}` do not
/// count.
struct Capitals(bool);

impl Visitor for Capitals {
    type Output = bool;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<bool, Self::Err> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        if let Ast::Literal(literal) = ast {
            self.0 |= literal.c.is_uppercase();
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        self.0 |= match item {
            ClassSetItem::Literal(literal) => literal.c.is_uppercase(),
            ClassSetItem::Range(range) => range.start.c.is_uppercase() || range.end.c.is_uppercase(),
            _ => false,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(text: &str) -> Matcher {
        Matcher::new(text).unwrap()
    }

    fn found<'t>(pattern: &str, text: &'t str) -> Vec<(usize, &'t str)> {
        finder(pattern).places(text).into_iter().map(|place| (place.start, &text[place])).collect()
    }

    #[test]
    fn text_patterns_and_invalid_patterns_are_found() {
        assert_eq!(found("error", "an Error, error"), [(3, "Error"), (10, "error")]);
        assert_eq!(found("Error", "an Error, error"), [(3, "Error")]);
        assert_eq!(found("e.+r$", "an Error"), [(3, "Error")]);
        assert_eq!(found("foo(", "a foo(bar)"), [(2, "foo(")]);
        assert_eq!(found("登录", "去登录页"), [(3, "登录")]);
        assert_eq!(found("x*", "axxb"), [(1, "xx")]);
    }

    #[test]
    fn letters_of_any_script_are_found_in_either_case() {
        for (typed, text) in [
            ("größe", "GRÖSSE, GRÖẞE"),
            ("привет", "ПРИВЕТ мир"),
            ("ναι", "ΝΑΙ"),
            ("é", "CAFÉ"),
            ("登录页 ok", "登录页 OK"),
            ("ｆｕｌｌ", "ＦＵＬＬ"),
        ] {
            assert!(finder(typed).matches(text), "{typed} in {text}");
            assert!(!finder(&typed.to_uppercase()).matches(typed) || typed.to_uppercase() == typed);
        }
        assert_eq!(found("Привет", "ПРИВЕТ Привет"), [("ПРИВЕТ ".len(), "Привет")]);
    }

    #[test]
    fn only_a_literal_capital_letter_makes_case_matter() {
        assert_eq!(found(r"\S+rror", "an ERROR"), [(3, "ERROR")]);
        assert_eq!(found(r"\p{L}rror", "an ERROR"), [(3, "ERROR")]);
        assert_eq!(found(r"(?P<Name>e)rror", "an ERROR"), [(3, "ERROR")]);
        assert_eq!(found("[A-F]1", "a1 A1"), [(3, "A1")]);
        assert_eq!(found("(?i)Error", "an ERROR"), [(3, "ERROR")]);
    }

    #[test]
    fn words_scripts_and_classes_are_those_of_unicode() {
        assert_eq!(found(r"\bmüde\b", "sehr müde."), [(5, "müde")]);
        assert_eq!(found(r"\w+", "登录 ok"), [(0, "登录"), (7, "ok")]);
        assert_eq!(found(r"\p{Han}+", "去 login 页"), [(0, "去"), (10, "页")]);
        assert_eq!(found(r"\w{3,40}@\d+", "user@42"), [(0, "user@42")]);
        assert!(finder(r"\p{Lu}").matches("É") && finder(r"^\s*$").caveat().is_none());
    }

    #[test]
    fn an_invalid_pattern_says_why_and_is_searched_as_plain_text() {
        assert_eq!(finder("error").caveat(), None);
        for (typed, why) in [
            ("foo(", "unclosed group"),
            ("*.rs", "repetition operator missing expression"),
            ("[a", "unclosed character class"),
            (r"(a)\1", "backreferences are not supported"),
            (r"\p{Klingon}", "Unicode property not found"),
            ("(?=x)", "look-around, including look-ahead and look-behind, is not supported"),
            (r"((\w{100}){100}){100}", "the pattern is too large"),
        ] {
            let matcher = finder(typed);
            assert_eq!(
                matcher.caveat(),
                Some(format!("looked for as plain text: {why}").as_str()),
                "{typed}"
            );
            assert!(matcher.matches(&format!("here: {typed}")), "{typed}");
        }
        let long = finder(&"x".repeat(5000));
        assert_eq!(long.caveat(), Some("not looked for: longer than 4096 bytes"));
        assert!(!long.matches("x") && !finder(&format!("!{}", long.text())).matches("x"));
    }

    #[test]
    fn an_exclamation_mark_inverts_the_pattern() {
        let quiet = finder("!debug");
        assert!(quiet.matches("info"));
        assert!(!quiet.matches("DEBUG x"));
        assert!(quiet.places("debug").is_empty());
        assert!(Matcher::new("").is_none());
        assert!(Matcher::new("!").is_none());
    }
}
