//! Types of the tamper guard, which notices when a branch weakens existing tests.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::path::RepoPath;

/// Globs of tests and of their configuration in common ecosystems.
pub(crate) const DEFAULT_PATTERNS: &[&str] = &[
    // Any language: folders that contain nothing else.
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
    // Configuration of continuous integration.
    ".github/workflows/**",
    ".gitlab-ci.yml",
    ".circleci/**",
    ".travis.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
];

/// How a branch changed a test, or a file that the gate runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The file was deleted.
    Deleted,
    /// Tests in the file are skipped; this is the mark that does so.
    Skipped(String),
    /// The file has fewer assertions or tests: the number before and after.
    Fewer(u32, u32),
    /// The file is named by the gate's commands or configures continuous integration, and it changed.
    GateChanged,
    /// Existing lines changed. Only a gate run with the earlier file shows whether that matters.
    Changed,
}

/// A changed test, or a changed file of the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tampered {
    /// Path of the file.
    pub path: RepoPath,
    /// How it changed.
    pub how: How,
}

impl fmt::Display for Tampered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.how {
            How::Deleted => write!(f, "{path} was deleted"),
            How::Skipped(mark) => write!(f, "tests in {path} are skipped ({mark})"),
            How::Fewer(before, after) => {
                write!(f, "{path} checks less: it has {after} assertions and tests, and had {before}")
            }
            How::GateChanged => write!(f, "{path}, which the gate runs, was changed"),
            How::Changed => write!(f, "{path} was changed"),
        }
    }
}

impl How {
    /// Returns whether the change is a fault by itself, whatever the gate says.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !matches!(self, Self::Changed)
    }
}

/// Returns the globs of a project's tests: its own, or the defaults.
#[must_use]
pub fn patterns(own: Option<&Vec<String>>) -> Vec<String> {
    own.cloned().unwrap_or_else(|| DEFAULT_PATTERNS.iter().map(|text| (*text).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Globs;

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
