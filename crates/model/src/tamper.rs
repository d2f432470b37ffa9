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
    "t/**",
    "**/*.t",
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

/// Names of files by which runners, interpreters and shells decide what runs, whether or not the base has
/// them. A name with a folder counts at the end of a path; a `*` stands for any ending.
pub const RUNNER_FILES: &[&str] = &[
    // Python.
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "conftest.py",
    "tox.ini",
    "tox.toml",
    "noxfile.py",
    ".coveragerc",
    "sitecustomize.py",
    "usercustomize.py",
    // JavaScript and TypeScript.
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    ".pnpmfile.js",
    ".mocharc*",
    "mocha.opts",
    ".taprc",
    ".c8rc*",
    ".nycrc*",
    ".babelrc*",
    "babel.config.*",
    "tsconfig*.json",
    "jest.config.*",
    "jest.setup.*",
    "vitest.config.*",
    "vitest.workspace.*",
    "vite.config.*",
    "ava.config.*",
    "karma.conf.*",
    "playwright.config.*",
    "cypress.config.*",
    // Rust.
    ".cargo/config",
    ".cargo/config.toml",
    ".config/nextest.toml",
    "nextest.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
    // C, C++, Perl, Ruby, PHP, Java.
    "CTestTestfile.cmake",
    "CTestCustom.cmake",
    "CTestConfig.cmake",
    "DartConfiguration.tcl",
    ".proverc",
    ".rspec",
    ".rspec-local",
    "phpunit.xml*",
    ".mvn/maven.config",
    ".mvn/jvm.config",
    ".mvn/extensions.xml",
    "junit-platform.properties",
    "gradle.properties",
    // Make and the like.
    "GNUmakefile",
    "makefile",
    "Makefile",
    "justfile",
    "Justfile",
];

/// Returns whether a path names a file of [`RUNNER_FILES`].
#[must_use]
pub fn is_runner_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    RUNNER_FILES.iter().any(|known| match (known.split_once('*'), known.contains('/')) {
        (Some((front, end)), _) => {
            let rest = name.strip_prefix(front);
            rest.is_some_and(|rest| rest.ends_with(end))
        }
        (None, true) => path == *known || path.strip_suffix(*known).is_some_and(|left| left.ends_with('/')),
        (None, false) => name == *known,
    })
}

/// How a branch changed a test, or a file that the gate runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The file was deleted.
    Deleted,
    /// The file has another place or name, where the runner does not look for tests.
    MovedAway(RepoPath),
    /// Tests in the file are skipped; this is the mark that does so.
    Skipped(String),
    /// Something in the file makes old tests pass, whatever they find; this says what.
    Muted(String),
    /// The file has fewer assertions or tests: the number before and after.
    Fewer(u32, u32),
    /// The file is named by the gate's commands, or by what they run, and it changed.
    GateChanged,
    /// The file is new, and it is read or run in place of something that the gate uses; this says of what.
    Shadows(String),
    /// The file is new, and a test runner reads it to decide which tests run, and how. Only a gate run without
    /// it shows whether that matters.
    Added,
    /// Existing lines changed. Only a gate run with the earlier file shows whether that matters.
    Changed,
}

/// What a guarded file is, which decides what names it in a scope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A file of tests, or of their data.
    #[default]
    Tests,
    /// A file of code with tests in it.
    Inline,
    /// A file that the gate's commands run.
    Gate,
    /// A file from which a runner, an interpreter or git takes its settings.
    Settings,
}

/// A changed test, or a changed file of the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tampered {
    /// Path of the file.
    pub path: RepoPath,
    /// How it changed.
    pub how: How,
    /// What the file is.
    #[serde(default)]
    pub part: Part,
    /// Number of the line concerned, from 1: of the earlier version if the line is gone, else of the branch's.
    #[serde(default)]
    pub line: Option<u32>,
    /// What that line says, cut to [`Tampered::WAS_MAX_BYTES`].
    #[serde(default)]
    pub was: Option<String>,
}

impl Tampered {
    /// Most bytes that are kept of a line.
    pub const WAS_MAX_BYTES: usize = 100;

    /// Returns the change of a file, of which no line is known.
    #[must_use]
    pub fn new(path: RepoPath, part: Part, how: How) -> Self {
        Self { path, how, part, line: None, was: None }
    }

    /// Returns the place of the line: ", line 12 (`assert a`)", or nothing.
    fn place(&self) -> String {
        match (self.line, &self.was) {
            (Some(line), Some(was)) => format!(", line {line} (`{was}`)"),
            (Some(line), None) => format!(", line {line}"),
            (None, Some(was)) => format!(" (`{was}`)"),
            (None, None) => String::new(),
        }
    }
}

impl fmt::Display for Tampered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, place) = (&self.path, self.place());
        match &self.how {
            How::Deleted => write!(f, "{path} was deleted"),
            How::MovedAway(to) => {
                write!(f, "{path} was moved to {to}, where the runner does not look for tests")
            }
            How::Skipped(mark) => write!(f, "tests in {path} are skipped ({mark}{place})"),
            How::Muted(why) => write!(f, "tests in {path} no longer decide: {why}{place}"),
            How::Fewer(before, after) => write!(
                f,
                "{path} checks less: it has {after} assertions and tests, and had {before}; removed{}",
                if place.is_empty() { " one".to_owned() } else { place.replacen(", ", " ", 1) }
            ),
            How::GateChanged => write!(f, "{path}, which the gate runs, was changed{place}"),
            How::Shadows(what) => write!(f, "added {path}, which takes the place of {what}{place}"),
            How::Added => write!(f, "added {path}, by which a runner decides what runs, and how{place}"),
            How::Changed => write!(f, "{path} was changed{place}"),
        }
    }
}

impl How {
    /// Returns whether the change is a fault by itself, whatever the gate says.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !matches!(self, Self::Changed | Self::Added)
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

    #[test]
    fn files_of_runners_are_known_by_name_in_any_folder() {
        for file in
            ["pytest.ini", "web/jest.config.mts", "a/.cargo/config.toml", ".mocharc.json", "tsconfig.a.json"]
        {
            assert!(is_runner_file(file), "{file}");
        }
        for other in ["src/config.toml", "cargo/config.toml", "app.ini", "jest.config", "pytest.py"] {
            assert!(!is_runner_file(other), "{other}");
        }
    }

    #[test]
    fn a_change_names_its_file_its_line_and_what_was_there() {
        let mut change = Tampered::new(RepoPath::new("tests/a.py"), Part::Tests, How::Fewer(2, 1));
        (change.line, change.was) = (Some(12), Some("assert add(1, 2) == 3".to_owned()));
        assert_eq!(
            change.to_string(),
            "tests/a.py checks less: it has 1 assertions and tests, and had 2; removed line 12 (`assert add(1, 2) == 3`)"
        );
        change.how = How::Skipped("@skip".to_owned());
        assert!(change.to_string().contains("(@skip, line 12 (`"));
        let added = Tampered::new(RepoPath::new("pytest.ini"), Part::Settings, How::Added);
        assert_eq!(added.to_string(), "added pytest.ini, by which a runner decides what runs, and how");
        // Stored changes of earlier builds have a path and a kind alone.
        let old: Tampered = serde_json::from_str(r#"{"path": "a", "how": "changed"}"#).unwrap();
        assert_eq!(old, Tampered::new(RepoPath::new("a"), Part::Tests, How::Changed));
    }
}
