//! Patterns as finite automata over bytes, and the search for a string that several of them accept.

use std::collections::{HashSet, VecDeque};

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind};

use super::pattern::{ScopeError, compile};

/// Largest automaton in bytes. Real patterns need some kilobytes.
const AUTOMATON_MAX_BYTES: usize = 1 << 20;

/// Largest number of combined states in one comparison. Real pairs need a few hundred.
const STATES_MAX: usize = 300_000;

/// Paths that a repository can contain: parts between single slashes, none of them empty, `.` or `..`.
const PATHS: &str = concat!(
    r"^(?:[^/\x00.]|\.[^/\x00.]|\.\.[^/\x00])[^/\x00]*",
    r"(?:/(?:[^/\x00.]|\.[^/\x00.]|\.\.[^/\x00])[^/\x00]*)*$"
);

/// A deterministic automaton that accepts exactly the byte strings that a pattern matches.
#[derive(Debug)]
pub(super) struct Automaton {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
    /// Literal text with which every accepted string begins.
    prefix: Vec<u8>,
}

impl Automaton {
    /// Returns the automaton of a pattern in its normal form.
    pub(super) fn from_pattern(text: &str) -> Result<Self, ScopeError> {
        let automaton = Self::from_regex(text, compile(text)?.regex())?;
        // The prefix ends at the first character with a meaning in globs.
        let prefix = text.bytes().take_while(|byte| !b"*?[]{},!\\".contains(byte)).collect();
        Ok(Self { prefix, ..automaton })
    }

    /// Returns whether the literal prefixes alone rule out a common string.
    pub(super) fn begin_differently(&self, other: &Self) -> bool {
        !self.prefix.starts_with(&other.prefix) && !other.prefix.starts_with(&self.prefix)
    }

    /// Returns the automaton that accepts what any of the patterns matches.
    pub(super) fn from_patterns(patterns: &[String]) -> Result<Self, ScopeError> {
        let mut parts = Vec::new();
        for text in patterns {
            parts.push(format!("(?:{})", compile(text)?.regex()));
        }
        Self::from_regex(&patterns.join(" "), &parts.join("|"))
    }

    /// Returns the automaton that accepts all paths that can exist.
    pub(super) fn for_paths() -> Result<Self, ScopeError> {
        Self::from_regex("**", PATHS)
    }

    fn from_regex(shown: &str, regex: &str) -> Result<Self, ScopeError> {
        let refuse = |_| ScopeError::new(shown, "is too complicated to compare: use fewer `*` and `{}`");
        let config = dense::Config::new()
            // A pattern matches whole paths, and a search from every position would multiply the states.
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::All)
            .dfa_size_limit(Some(AUTOMATON_MAX_BYTES))
            .determinize_size_limit(Some(AUTOMATON_MAX_BYTES));
        let dfa = dense::Builder::new()
            .configure(config)
            // Paths are bytes: they need not be UTF-8 and may contain line breaks.
            .syntax(syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(AUTOMATON_MAX_BYTES)))
            .build(regex)
            .map_err(refuse)?;
        let start = dfa
            .start_state(&start::Config::new().anchored(Anchored::Yes))
            .map_err(|_| ScopeError::new(shown, "can't be compared with other patterns"))?;
        Ok(Self { dfa, start, prefix: Vec::new() })
    }

    /// Returns the memory that the automaton takes, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.dfa.memory_usage()
    }

    fn accepts_at(&self, state: StateID) -> bool {
        self.dfa.is_match_state(self.dfa.next_eoi_state(state))
    }
}

/// Returns all bytes, those that read best in a message first. The search tries them in this order, so that
/// the path it finds looks like a real one.
fn bytes_by_readability() -> impl Iterator<Item = u8> {
    let rank = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        b'_' | b'-' | b'.' => 3,
        b'/' => 4,
        0x21..=0x7e => 5,
        b' ' => 6,
        _ => 7,
    };
    (0..8).flat_map(move |wanted| (0..=u8::MAX).filter(move |&byte| rank(byte) == wanted))
}

/// Returns one byte of each class that no automaton of the search distinguishes. Trying the others would only
/// repeat the work.
fn representatives(all: &[&Automaton; 4]) -> Vec<u8> {
    let mut seen = HashSet::new();
    let class = |one: &&Automaton, byte: u8| one.dfa.byte_classes().get(byte);
    // There are four automata of at most 256 classes each, so the classes of a byte fit into one `u32`.
    let classes = |byte: u8| all.iter().fold(0_u32, |sum, one| sum << 8 | u32::from(class(one, byte)));
    bytes_by_readability().filter(|&byte| seen.insert(classes(byte))).collect()
}

/// A reached combination of states, with the step and the byte that led to it.
struct Step {
    states: [StateID; 4],
    from: usize,
    byte: u8,
}

/// Returns the shortest byte string that all `wanted` automata accept and `unwanted` does not; `None` if
/// there is none.
///
/// This is a breadth-first search over the combined states of the automata. It visits every reachable
/// combination, so that a negative answer is exact.
///
/// # Errors
/// [`ScopeError`] if there are too many combinations to decide.
pub(super) fn shortest_common(
    wanted: [&Automaton; 3],
    unwanted: Option<&Automaton>,
    shown: &str,
) -> Result<Option<Vec<u8>>, ScopeError> {
    let [a, b, c] = wanted;
    // Without `unwanted`, the first automaton takes its place and adds no states.
    let fourth = unwanted.unwrap_or(a);
    let all = [a, b, c, fourth];
    let alphabet = representatives(&all);
    let start = all.map(|one| one.start);
    let mut steps = vec![Step { states: start, from: 0, byte: 0 }];
    let mut known = HashSet::from([start]);
    let mut waiting = VecDeque::from([0]);
    while let Some(index) = waiting.pop_front() {
        let states = steps[index].states;
        let accepted = (0..3).all(|i| all[i].accepts_at(states[i]));
        if accepted && !unwanted.is_some_and(|one| one.accepts_at(states[3])) {
            return Ok(Some(spell(&steps, index)));
        }
        for &byte in &alphabet {
            let next: [StateID; 4] = std::array::from_fn(|i| all[i].dfa.next_state(states[i], byte));
            // Nothing can be accepted from here. The fourth automaton is not asked: a dead state there
            // accepts nothing, as wanted.
            let dead = (0..3).any(|i| all[i].dfa.is_dead_state(next[i]));
            if dead || !known.insert(next) {
                continue;
            }
            if steps.len() >= STATES_MAX {
                return Err(ScopeError::new(shown, "are too complicated to compare: use fewer `*`"));
            }
            waiting.push_back(steps.len());
            steps.push(Step { states: next, from: index, byte });
        }
    }
    Ok(None)
}

/// Returns the bytes that lead to a step. Step 0 is the start, to which no byte leads.
fn spell(steps: &[Step], mut index: usize) -> Vec<u8> {
    let mut path = Vec::new();
    while index != 0 {
        path.push(steps[index].byte);
        index = steps[index].from;
    }
    path.reverse();
    path
}
