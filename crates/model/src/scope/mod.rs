//! Path scopes: which files an objective may change, and whether two objectives could change the same file.
//!
//! Paths are compared as git stores them: as bytes, with `/` between folders, in any language and any
//! encoding.

mod automaton;
mod overlap;
mod pattern;

use globset::{Candidate, GlobSet, GlobSetBuilder};

pub use overlap::{OverlapCache, overlap};
pub use pattern::{ScopeError, normalise};

/// A compiled set of path patterns.
#[derive(Debug, Clone)]
pub struct Globs {
    set: GlobSet,
}

impl Globs {
    /// Compiles the patterns. An empty set matches nothing.
    ///
    /// # Errors
    /// [`ScopeError`] names the first pattern that cannot be used, and why.
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

    /// Returns whether any of the patterns matches a path, given as git stores it.
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
    fn paths_are_compared_as_bytes() {
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
