//! Whether two scopes could meet in one file, decided exactly and with such a path as witness.

use std::collections::HashMap;
use std::fmt;

use super::automaton::{Automaton, shortest_common};
use super::pattern::{ScopeError, normalise};

/// The most automata kept; a workspace has some hundred patterns.
const AUTOMATA_MAX: usize = 4096;

/// The most memory that kept automata take, in bytes.
const AUTOMATA_MAX_BYTES: usize = 64 << 20;

/// The most answers kept.
const ANSWERS_MAX: usize = 200_000;

/// Two patterns that meet, and a path that both match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The pattern of the first scope.
    pub left_glob: String,
    /// The pattern of the second scope.
    pub right_glob: String,
    /// The shortest path that both match and no shared pattern does.
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

/// A path that both patterns match, if there is one.
///
/// # Errors
/// [`ScopeError`] when a pattern is not usable or too complicated to compare.
pub fn overlap(a: &str, b: &str) -> Result<Option<Vec<u8>>, ScopeError> {
    let witness = OverlapCache::default().overlap(&[a.to_owned()], &[b.to_owned()], &[])?;
    Ok(witness.map(|found| found.path))
}

/// The shortest common path, if there is one and it can be decided.
type CommonPath = Result<Option<Vec<u8>>, ScopeError>;

/// Compiled patterns and answers already found; bounded, and right whatever it holds.
#[derive(Debug, Default)]
pub struct OverlapCache {
    /// Patterns as given → place in `automata`. Failures are kept too: finding one takes the longest.
    places: HashMap<String, Result<usize, ScopeError>>,
    automata: Vec<Automaton>,
    bytes: usize,
    /// (left, right, shared) → the shortest common path.
    answers: HashMap<(usize, usize, Option<usize>), CommonPath>,
    paths: Option<usize>,
}

impl OverlapCache {
    /// Whether the scopes `a` and `b` have a path in common that no `shared` pattern matches; no patterns in a
    /// scope mean everything. The answer is exact: an overlap within the shared patterns does not count.
    ///
    /// # Errors
    /// [`ScopeError`] when a pattern is not usable or too complicated to compare.
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
        let key = (a.min(b), a.max(b), shared);
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        if self.automata[a].begin_differently(&self.automata[b]) {
            return Ok(None);
        }
        let paths = self.place_of_paths()?;
        let wanted = [&self.automata[key.0], &self.automata[key.1], &self.automata[paths]];
        let unwanted = shared.map(|place| &self.automata[place]);
        let answer = shortest_common(wanted, unwanted, &format!("{left} and {right}"));
        self.answers.insert(key, answer.clone());
        answer
    }

    fn place(&mut self, pattern: &str) -> Result<usize, ScopeError> {
        if pattern.contains('\0') {
            normalise(pattern)?;
        }
        self.place_of(pattern, || Automaton::of_pattern(&normalise(pattern)?))
    }

    fn place_of_shared(&mut self, shared: &[String]) -> Result<Option<usize>, ScopeError> {
        if shared.is_empty() {
            return Ok(None);
        }
        // No usable pattern holds a NUL, so this text is never mistaken for one.
        let key = format!("\0{}", shared.join("\0"));
        let all = || shared.iter().map(|text| normalise(text)).collect::<Result<Vec<_>, _>>();
        self.place_of(&key, || Automaton::of_any(&all()?)).map(Some)
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
        let place = self.keep(Automaton::of_paths()?);
        self.paths = Some(place);
        Ok(place)
    }

    fn keep(&mut self, automaton: Automaton) -> usize {
        self.bytes += automaton.memory_bytes();
        self.automata.push(automaton);
        self.automata.len() - 1
    }

    /// Places are only valid between two calls of this, which is made before any is taken.
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
