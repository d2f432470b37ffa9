//! Decides exactly whether two scopes could meet in one file, and names such a path.
//!
//! Comparing prefixes of globs would be simpler, but it reports overlaps that do not exist (`**/*.rs` and
//! `**/*.md`), and every false overlap makes one objective wait for another.

use std::collections::HashMap;
use std::fmt;

use super::automaton::{Automaton, shortest_common};
use super::pattern::{ScopeError, normalise};

/// Largest number of automata in the cache. A workspace has some hundred patterns.
const AUTOMATA_MAX: usize = 4096;

/// Largest total size of cached automata, in bytes.
const AUTOMATA_MAX_BYTES: usize = 64 << 20;

/// Largest number of cached answers.
const ANSWERS_MAX: usize = 200_000;

/// Two patterns that overlap, with a path that both match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The pattern of the first scope.
    pub left_glob: String,
    /// The pattern of the second scope.
    pub right_glob: String,
    /// The shortest path that both match and no shared pattern matches.
    pub path: Vec<u8>,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = String::from_utf8_lossy(&self.path);
        match self.left_glob == self.right_glob {
            true => write!(f, "both may change `{}` (for example {path:?})", self.left_glob),
            false => write!(
                f,
                "`{}` and `{}` may change the same file (for example {path:?})",
                self.left_glob, self.right_glob
            ),
        }
    }
}

/// Returns the shortest path that both patterns match; `None` if there is none.
///
/// # Errors
/// [`ScopeError`] if a pattern cannot be used, or is too complicated to compare.
pub fn overlap(a: &str, b: &str) -> Result<Option<Vec<u8>>, ScopeError> {
    let witness = OverlapCache::default().overlap(&[a.to_owned()], &[b.to_owned()], &[])?;
    Ok(witness.map(|found| found.path))
}

/// The shortest common path; an error if it cannot be decided.
type CommonPath = Result<Option<Vec<u8>>, ScopeError>;

/// A bounded cache of compiled patterns and of answers. Its contents never change an answer.
#[derive(Debug, Default)]
pub struct OverlapCache {
    /// Maps patterns, as given, to their index in `automata`. Errors are cached too, since they take the
    /// longest to find.
    places: HashMap<String, Result<usize, ScopeError>>,
    automata: Vec<Automaton>,
    bytes: usize,
    /// Maps (left, right, shared) to the shortest common path.
    answers: HashMap<(usize, usize, Option<usize>), CommonPath>,
    paths: Option<usize>,
}

impl OverlapCache {
    /// Returns a path that the scopes `a` and `b` have in common and that no `shared` pattern matches; `None`
    /// if there is none. A scope without patterns contains everything. The answer is exact.
    ///
    /// # Errors
    /// [`ScopeError`] if a pattern cannot be used, or is too complicated to compare.
    pub fn overlap(
        &mut self,
        a: &[String],
        b: &[String],
        shared: &[String],
    ) -> Result<Option<Witness>, ScopeError> {
        self.keep_within_bounds();
        let everything = ["**".to_owned()];
        let a = if a.is_empty() { &everything } else { a };
        let b = if b.is_empty() { &everything } else { b };
        let shared = self.place_of_shared(shared)?;
        for left in a {
            for right in b {
                if let Some(path) = self.common_path(left, right, shared)? {
                    return Ok(Some(Witness { left_glob: left.clone(), right_glob: right.clone(), path }));
                }
            }
        }
        Ok(None)
    }

    fn common_path(
        &mut self,
        left: &str,
        right: &str,
        shared: Option<usize>,
    ) -> Result<Option<Vec<u8>>, ScopeError> {
        let (a, b) = (self.place(left)?, self.place(right)?);
        // The answer is symmetric, so both orders share an entry.
        let key = (a.min(b), a.max(b), shared);
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        // Not cached: comparing the prefixes again costs next to nothing, and most pairs end here.
        if self.automata[a].begin_differently(&self.automata[b]) {
            return Ok(None);
        }
        // A third automaton accepts only paths that can exist, so that no overlap consists of impossible
        // ones.
        let paths = self.place_of_paths()?;
        let wanted = [&self.automata[key.0], &self.automata[key.1], &self.automata[paths]];
        let unwanted = shared.map(|place| &self.automata[place]);
        let answer = shortest_common(wanted, unwanted, &format!("{left} and {right}"));
        self.answers.insert(key, answer.clone());
        answer
    }

    fn place(&mut self, pattern: &str) -> Result<usize, ScopeError> {
        // `normalise` refuses a NUL with a reason. Such a text must not reach the cache, where it could equal
        // the key of a shared set.
        if pattern.contains('\0') {
            normalise(pattern)?;
        }
        self.place_of(pattern, || Automaton::from_pattern(&normalise(pattern)?))
    }

    fn place_of_shared(&mut self, shared: &[String]) -> Result<Option<usize>, ScopeError> {
        if shared.is_empty() {
            return Ok(None);
        }
        // No valid pattern contains a NUL, so this key never equals that of a pattern.
        let key = format!("\0{}", shared.join("\0"));
        let all = || shared.iter().map(|text| normalise(text)).collect::<Result<Vec<_>, _>>();
        self.place_of(&key, || Automaton::from_patterns(&all()?)).map(Some)
    }

    fn place_of(
        &mut self,
        key: &str,
        make: impl FnOnce() -> Result<Automaton, ScopeError>,
    ) -> Result<usize, ScopeError> {
        if let Some(known) = self.places.get(key) {
            return known.clone();
        }
        let place = make().map(|automaton| self.keep(automaton));
        self.places.insert(key.to_owned(), place.clone());
        place
    }

    fn place_of_paths(&mut self) -> Result<usize, ScopeError> {
        if let Some(place) = self.paths {
            return Ok(place);
        }
        let place = self.keep(Automaton::for_paths()?);
        self.paths = Some(place);
        Ok(place)
    }

    fn keep(&mut self, automaton: Automaton) -> usize {
        self.bytes += automaton.memory_bytes();
        self.automata.push(automaton);
        self.automata.len() - 1
    }

    /// Empties the cache when it is full. Indices are valid only between two calls, so each comparison calls
    /// this before it takes any.
    fn keep_within_bounds(&mut self) {
        let full = self.places.len() > AUTOMATA_MAX
            || self.bytes > AUTOMATA_MAX_BYTES
            || self.answers.len() > ANSWERS_MAX;
        if full {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
#[path = "overlap_tests.rs"]
mod tests;
