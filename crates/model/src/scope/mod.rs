//! Path scopes: which files an objective may change, and whether two objectives could meet in one file.
//!
//! Paths are compared as git stores them: bytes, `/` between folders, in any language and any encoding.

mod automaton;
mod overlap;
mod pattern;

use globset::{Candidate, GlobSet, GlobSetBuilder};

pub use overlap::{OverlapCache, overlap};
pub use pattern::{ScopeError, normalise};

/// A set of path patterns, ready to match.
#[derive(Debug, Clone)]
pub struct Globs {
    set: GlobSet,
}

impl Globs {
    /// Compiles the patterns; none at all match nothing.
    ///
    /// # Errors
    /// [`ScopeError`] names the first pattern that is not usable, and why.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, ScopeError> {
        let patterns: Vec<String> =
            patterns.iter().map(|text| normalise(text.as_ref())).collect::<Result<_, _>>()?;
        let mut builder = GlobSetBuilder::new();
        for text in &patterns {
            builder.add(pattern::compile(text)?);
        }
        let set = builder.build().map_err(|error| {
            let all = patterns.join(" ");
            ScopeError::new(error.glob().unwrap_or(&all), format!("can't be used: {}", error.kind()))
        })?;
        Ok(Self { set })
    }

    /// Whether a path, as git stores it, is matched by any of the patterns.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        self.set.is_match_candidate(&Candidate::from_bytes(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_a_folder_and_two_cross_folders() {
        let globs = Globs::new(&["src/*.rs", "docs/**", "**/Cargo.lock", "a?c"]).unwrap();
        for inside in ["src/a.rs", "src/.rs", "docs/a", "docs/a/b", "Cargo.lock", "x/y/Cargo.lock", "abc"] {
            assert!(globs.matches(inside.as_bytes()), "{inside}");
        }
        for outside in ["src/a/b.rs", "docs", "src", "xCargo.lock", "a/c", "ac"] {
            assert!(!globs.matches(outside.as_bytes()), "{outside}");
        }
    }

    #[test]
    fn paths_of_any_bytes_are_compared_as_they_are() {
        let globs = Globs::new(&["登录/*.py", "src/**", "a b/\"q\""]).unwrap();
        assert!(globs.matches("登录/主.py".as_bytes()));
        assert!(globs.matches(b"src/\xff\xfe\n.bin"));
        assert!(globs.matches(b"a b/\"q\""));
        assert!(!globs.matches(b"\xe7\x99/x.py"));
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let error = Globs::new(&["src/**", "a[z-a]"]).unwrap_err();
        assert_eq!(error.pattern, "a[z-a]");
    }
}
