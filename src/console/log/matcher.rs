//! What a person looks for in a text.

use regex_automata::Input;
use regex_automata::dfa::Automaton;
use regex_automata::dfa::dense::{Config, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

/// The automaton may take so much memory; a pattern that needs more is taken by its letters.
const AUTOMATON_MAX_BYTES: usize = 4 << 20;

/// A pattern: a regular expression, or, where it is none, the letters themselves. Case counts only when it
/// holds a capital letter.
#[derive(Debug, Clone)]
pub struct Matcher {
    forward: Box<DFA<Vec<u32>>>,
    backward: Box<DFA<Vec<u32>>>,
    /// With `!` in front: what does not match is wanted.
    is_inverse: bool,
    text: String,
}

impl Matcher {
    /// For this text; none when it is empty, or too large for any automaton.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (is_inverse, pattern) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if pattern.is_empty() {
            return None;
        }
        let (forward, backward) = automata(pattern).or_else(|| automata(&literal(pattern)))?;
        Some(Self { forward, backward, is_inverse, text: text.to_owned() })
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the text is wanted.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let found = self.forward.try_search_fwd(&Input::new(text).earliest(true));
        found.is_ok_and(|found| found.is_some()) != self.is_inverse
    }

    /// Where in the text it stands, in bytes; nothing for what is wanted because it does not match.
    #[must_use]
    pub fn places(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let mut places = Vec::new();
        let mut at = 0;
        while at <= text.len() && !self.is_inverse {
            let Ok(Some(end)) = self.forward.try_search_fwd(&Input::new(text).range(at..)) else { break };
            let from = Input::new(text).range(at..end.offset()).anchored(regex_automata::Anchored::Yes);
            let Ok(Some(begin)) = self.backward.try_search_rev(&from) else { break };
            if begin.offset() < end.offset() {
                places.push(begin.offset()..end.offset());
            }
            at = end.offset().max(at + 1);
            while !text.is_char_boundary(at.min(text.len())) {
                at += 1;
            }
        }
        places
    }
}

type Automata = (Box<DFA<Vec<u32>>>, Box<DFA<Vec<u32>>>);

fn automata(pattern: &str) -> Option<Automata> {
    let any_case = !pattern.chars().any(char::is_uppercase);
    let limits = Config::new().dfa_size_limit(Some(AUTOMATON_MAX_BYTES));
    let limits = limits.determinize_size_limit(Some(AUTOMATON_MAX_BYTES));
    let make = |reverse: bool| {
        let config = if reverse {
            limits.clone().start_kind(regex_automata::dfa::StartKind::Anchored)
        } else {
            limits.clone()
        };
        let config = config.match_kind(if reverse {
            regex_automata::MatchKind::All
        } else {
            regex_automata::MatchKind::LeftmostFirst
        });
        let syntax = syntax::Config::new().case_insensitive(any_case).unicode(true);
        let mut builder = DFA::builder();
        builder.configure(config).syntax(syntax);
        builder.thompson(thompson::Config::new().reverse(reverse)).build(pattern).ok()
    };
    Some((Box::new(make(false)?), Box::new(make(true)?)))
}

fn literal(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if r"\.+*?()|[]{}^$#&-~/".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
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
    fn letters_patterns_and_what_is_no_pattern_are_found() {
        assert_eq!(found("error", "an Error, error"), [(3, "Error"), (10, "error")]);
        assert_eq!(found("Error", "an Error, error"), [(3, "Error")]);
        assert_eq!(found("e.+r$", "an Error"), [(3, "Error")]);
        assert_eq!(found("foo(", "a foo(bar)"), [(2, "foo(")]);
        assert_eq!(found("登录", "去登录页"), [(3, "登录")]);
        assert_eq!(found("x*", "axxb"), [(1, "xx")]);
    }

    #[test]
    fn an_exclamation_mark_turns_it_round() {
        let quiet = finder("!debug");
        assert!(quiet.matches("info"));
        assert!(!quiet.matches("DEBUG x"));
        assert!(quiet.places("debug").is_empty());
        assert!(Matcher::new("").is_none());
        assert!(Matcher::new("!").is_none());
    }
}
