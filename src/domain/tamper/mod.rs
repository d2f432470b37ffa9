//! The tamper guard: whether a branch deletes, skips or weakens tests that were there, or changes what the gate
//! runs (SPEC 3.5). Pure judgement; what changed is read from git.
//!
//! Adding tests is free. Changing those that are there is for objectives whose scope names them, in words that a
//! person or the approved plan gave: a scope that grew by itself names nothing, nor does one that holds everything.

mod config;
mod marks;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::path::RepoPath;
use super::scope::{Globs, ScopeError};

pub use config::{added, is_shared, shared};
pub use marks::{Kind, compare, is_gate_file, named_scripts};

/// Tests and their configuration in the common ecosystems.
pub const DEFAULT_PATTERNS: &[&str] = &[
    // Any: folders that hold nothing else.
    "**/tests/**",
    "**/test/**",
    "**/__tests__/**",
    "**/spec/**",
    "**/testdata/**",
    "**/__snapshots__/**",
    "**/e2e/**",
    "**/cypress/**",
    // Rust, Go, C, C++.
    "**/*_test.*",
    "**/*_tests.*",
    "**/tests.rs",
    "**/*_unittest.*",
    "**/nextest.toml",
    // JavaScript and TypeScript.
    "**/*.test.*",
    "**/*.spec.*",
    "**/jest.config.*",
    "**/vitest.config.*",
    "**/playwright.config.*",
    "**/cypress.config.*",
    "**/karma.conf.*",
    "**/.mocharc*",
    // Python.
    "**/test_*.py",
    "**/conftest.py",
    "**/pytest.ini",
    "**/tox.ini",
    "**/noxfile.py",
    // Java, Kotlin, Scala.
    "**/*Test.java",
    "**/*Tests.java",
    "**/*IT.java",
    "**/*Test.kt",
    "**/*Spec.scala",
    // Ruby, PHP, shell.
    "**/*_spec.rb",
    "**/.rspec",
    "**/phpunit.xml*",
    "**/*.bats",
    "**/test_*.sh",
    "**/test.sh",
    // What runs them elsewhere.
    ".github/workflows/**",
    ".gitlab-ci.yml",
    ".circleci/**",
    ".travis.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
];

/// What a branch did to a test, or to what the gate runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The file is gone.
    Deleted,
    /// Tests in it are left out from now on: the mark that does so.
    Skipped(String),
    /// Fewer assertions, or fewer tests: how many there were, and are.
    Fewer(u32, u32),
    /// A file that the gate's commands name, or that configures tests elsewhere, is another one.
    GateChanged,
    /// Lines that were there are others. Only a run with the file as it was says whether that matters.
    Changed,
}

/// A file of tests, or of the gate, that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tampered {
    /// The file.
    pub path: RepoPath,
    /// What was done to it.
    pub how: How,
}

impl fmt::Display for Tampered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.how {
            How::Deleted => write!(f, "{path} was deleted"),
            How::Skipped(mark) => write!(f, "tests in {path} are skipped ({mark})"),
            How::Fewer(before, after) => {
                write!(f, "{path} checks less: {after} assertions and tests where there were {before}")
            }
            How::GateChanged => write!(f, "{path}, which the gate runs, was changed"),
            How::Changed => write!(f, "{path} was changed"),
        }
    }
}

impl How {
    /// Whether it is a fault by itself, whatever the gate says.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !matches!(self, Self::Changed)
    }
}

/// What the scope does not name of all that was changed.
///
/// # Errors
/// When a glob cannot be compiled.
pub fn unnamed<'t>(
    found: &'t [Tampered],
    path_scope: &[String],
    grown: &[String],
) -> Result<Vec<&'t Tampered>, ScopeError> {
    let given: Vec<&String> =
        path_scope.iter().filter(|glob| !grown.contains(glob) && !is_everything(glob)).collect();
    let named = Globs::new(&given)?;
    Ok(found.iter().filter(|tampered| !named.matches(tampered.path.as_bytes())).collect())
}

/// Whether the words of a scope that somebody gave name this file of Paddock's own configuration.
#[must_use]
pub fn is_named(path: &[u8], path_scope: &[String], grown: &[String]) -> bool {
    let given: Vec<&String> =
        path_scope.iter().filter(|glob| glob.starts_with(".paddock/") && !grown.contains(glob)).collect();
    !given.is_empty() && Globs::new(&given).is_ok_and(|named| named.matches(path))
}

/// Whether a glob holds everything, so that it names nothing.
fn is_everything(glob: &str) -> bool {
    glob.split('/').all(|part| matches!(part, "**" | "*" | "." | ""))
}

/// The patterns of a project: its own, or the defaults.
#[must_use]
pub fn patterns(own: Option<&Vec<String>>) -> Vec<String> {
    own.cloned().unwrap_or_else(|| DEFAULT_PATTERNS.iter().map(|text| (*text).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deleted(path: &str) -> Tampered {
        Tampered { path: RepoPath::new(path), how: How::Deleted }
    }

    fn left(scope: &[&str], grown: &[&str]) -> usize {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        unnamed(&[deleted("tests/a.rs")], &owned(scope), &owned(grown)).unwrap().len()
    }

    #[test]
    fn only_a_scope_in_words_that_somebody_gave_names_a_test() {
        assert_eq!(left(&["src/**", "tests/**"], &[]), 0);
        assert_eq!(left(&["tests/a.rs"], &[]), 0);
        assert_eq!(left(&["src/**"], &[]), 1);
        assert_eq!(left(&["src/**", "tests/**"], &["tests/**"]), 1, "it grew by itself");
        assert_eq!(left(&[], &[]), 1);
        assert_eq!(left(&["**"], &[]), 1, "everything names nothing");
        assert_eq!(left(&["**/*"], &[]), 1);
        assert_eq!(left(&["**/*.rs"], &[]), 0);
    }

    #[test]
    fn paddocks_own_configuration_is_named_by_its_folder_or_its_name_and_by_nothing_wider() {
        let named = |scope: &str, grown: &[String]| {
            is_named(b".paddock/project.yaml", &[scope.to_owned(), "src/**".to_owned()], grown)
        };
        assert!(named(".paddock/project.yaml", &[]) && named(".paddock/**", &[]));
        assert!(!named("**", &[]) && !named("**/*.yaml", &[]) && !named(".paddock/other.yaml", &[]));
        assert!(!named(".paddock/**", &[".paddock/**".to_owned()]), "it grew by itself");
    }

    #[test]
    fn the_default_patterns_know_the_common_ecosystems() {
        let globs = Globs::new(&patterns(None)).unwrap();
        for test in [
            "tests/it.rs",
            "crates/a/tests/x/y.rs",
            "pkg/a_test.go",
            "src/a.test.ts",
            "src/__tests__/a.js",
            "test_a.py",
            "a/b/test_c.py",
            "src/test/java/ATest.java",
            "spec/a_spec.rb",
            "lib/x_unittest.cc",
            "conftest.py",
            "check.bats",
            ".github/workflows/ci.yml",
        ] {
            assert!(globs.matches(test.as_bytes()), "{test}");
        }
        for other in ["src/lib.rs", "main.go", "README.md", "contest.py", "src/latest.ts", "Makefile"] {
            assert!(!globs.matches(other.as_bytes()), "{other}");
        }
    }
}
