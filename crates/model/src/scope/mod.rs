//! Path scopes: which files an objective may change, and whether two objectives could meet in one file.
//!
//! Paths are compared as git stores them: bytes, `/` between folders, in any language and any encoding.

mod automaton;
mod overlap;
mod pattern;

use globset::{Candidate, GlobSet, GlobSetBuilder};

pub use overlap::{OverlapCache, Witness, overlap};
pub use pattern::{PATTERN_MAX_BYTES, ScopeError, normalise};

/// A set of path patterns, ready to match.
#[derive(Debug, Clone)]
pub struct Globs {
    patterns: Vec<String>,
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
        Ok(Self { patterns, set })
    }

    /// Whether a path, as git stores it, is matched by any of the patterns.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        self.set.is_match_candidate(&Candidate::from_bytes(path))
    }

    /// The first `limit` of the paths that no pattern matches, in the order given.
    pub fn first_outside<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a [u8]>,
        limit: usize,
    ) -> Vec<&'a [u8]> {
        paths.into_iter().filter(|path| !self.matches(path)).take(limit).collect()
    }

    /// The patterns in their one form.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }
}

/// What an objective may change: its own patterns, and those that are always in scope.
#[derive(Debug, Clone)]
pub struct Scope {
    own: Globs,
    shared: Globs,
}

impl Scope {
    /// Compiles a scope; no patterns of its own mean everything (`**`).
    ///
    /// # Errors
    /// [`ScopeError`] names the first pattern that is not usable.
    pub fn new<S: AsRef<str>>(own: &[S], shared: &[S]) -> Result<Self, ScopeError> {
        let own = if own.is_empty() { Globs::new(&["**"])? } else { Globs::new(own)? };
        Ok(Self { own, shared: Globs::new(shared)? })
    }

    /// Whether a path may be changed.
    #[must_use]
    pub fn allows(&self, path: &[u8]) -> bool {
        self.own.matches(path) || self.shared.matches(path)
    }

    /// The first `limit` of the paths that may not be changed, in the order given.
    pub fn first_outside<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a [u8]>,
        limit: usize,
    ) -> Vec<&'a [u8]> {
        paths.into_iter().filter(|path| !self.allows(path)).take(limit).collect()
    }

    /// The objective's own patterns, in their one form; never empty.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        self.own.patterns()
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
    fn no_patterns_in_a_scope_mean_everything_and_shared_ones_are_always_in_it() {
        assert!(Scope::new::<&str>(&[], &[]).unwrap().allows(b"any/thing"));
        let scope = Scope::new(&["src/**"], &["CHANGELOG.md"]).unwrap();
        assert!(scope.allows(b"CHANGELOG.md"));
        let paths: [&[u8]; 4] = [b"src/a", b"x", b"CHANGELOG.md", b"y"];
        assert_eq!(scope.first_outside(paths, 5), [b"x", b"y"]);
        assert_eq!(scope.first_outside(paths, 1), [b"x"]);
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let error = Globs::new(&["src/**", "a[z-a]"]).unwrap_err();
        assert_eq!(error.pattern, "a[z-a]");
    }
}
