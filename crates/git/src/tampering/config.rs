//! Files that decide which tests run, and how, without being tests or the gate's own scripts.

use paddock_model::tamper::How;

/// Configuration files that may leave tests out when a branch adds them. The gate is tried without them.
const ADDED: &[&str] = &[
    ".cargo/config",
    ".cargo/config.toml",
    ".config/nextest.toml",
    ".rspec",
    "jest.config.cjs",
    "jest.config.js",
    "jest.config.json",
    "jest.config.mjs",
    "jest.config.ts",
    "nextest.toml",
    "phpunit.xml",
    "phpunit.xml.dist",
    "pytest.ini",
    "setup.cfg",
    "sitecustomize.py",
    "tox.ini",
    "usercustomize.py",
    "vitest.config.js",
    "vitest.config.mts",
    "vitest.config.ts",
];
/// Hooks by which an added `conftest.py` leaves tests out.
const MUTES: &[&str] = &[
    "collect_ignore",
    "pytest_ignore_collect",
    "pytest_collection_modifyitems",
    "pytest_runtest_protocol",
    "pytest_runtest_makereport",
    "pytest_pyfunc_call",
    "pytest_sessionfinish",
    "os._exit",
];
/// Settings of a `Cargo.toml` that leave tests out, without blanks.
const CARGO_SKIPS: &[&str] = &["test=false", "autotests=false", "harness=false", "doctest=false"];
/// Keys of a `package.json` that test runners read.
const PACKAGE_KEYS: &[&str] = &["jest", "mocha", "vitest", "ava", "c8", "nyc", "tap"];

/// Splits a path into folder and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Returns what an added file does to existing tests, or `None` if it only adds to them.
#[must_use]
pub(crate) fn added(path: &[u8], content: &[u8], commands: &[String]) -> Option<How> {
    let (path, text) = (String::from_utf8_lossy(path), String::from_utf8_lossy(content));
    let (_, name) = split(&path);
    if name == "conftest.py" {
        // Fixtures are what such a file is for, so its presence alone says nothing.
        let mark = MUTES.iter().find(|mark| text.contains(**mark))?;
        return Some(How::Skipped((*mark).to_owned()));
    }
    // GNU make reads these two before an existing `Makefile`.
    let runs_make = || commands.iter().any(|run| run.split_whitespace().any(|word| word.ends_with("make")));
    if ["GNUmakefile", "makefile"].contains(&name) && runs_make() {
        return Some(How::GateChanged);
    }
    let is_config = ADDED.iter().any(|known| path == **known || path.ends_with(&format!("/{known}")));
    (is_config || name.starts_with(".mocharc")).then_some(How::Changed)
}

/// Returns whether only a part of the file concerns tests, so that parts have to be compared.
#[must_use]
pub(crate) fn is_shared(path: &[u8]) -> bool {
    let path = String::from_utf8_lossy(path);
    let (folder, name) = split(&path);
    ["Cargo.toml", "pyproject.toml", "setup.cfg", "package.json"].contains(&name)
        || (folder.ends_with(".cargo") && name.starts_with("config"))
}

/// Returns what a change of a shared file did to the parts that concern tests.
#[must_use]
pub(crate) fn shared(path: &[u8], before: &[u8], after: &[u8]) -> Option<How> {
    let path = String::from_utf8_lossy(path);
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    match split(&path).1 {
        "Cargo.toml" => cargo(&before, &after),
        "package.json" => (keys(&before) != keys(&after)).then_some(How::Changed),
        "pyproject.toml" | "setup.cfg" => {
            let is_about_tests =
                |header: &str| ["pytest", "coverage", "unittest"].iter().any(|word| header.contains(word));
            (sections(&before, is_about_tests) != sections(&after, is_about_tests)).then_some(How::Changed)
        }
        // `.cargo/config.toml` may replace the runner of tests by a program that does nothing.
        _ => (before != after).then_some(How::Changed),
    }
}

/// Compares what two versions of a `Cargo.toml` say about tests. Entries may be added, but none may go.
fn cargo(before: &str, after: &str) -> Option<How> {
    let plain = |text: &str| text.replace([' ', '\t'], "");
    let (was, is) = (plain(before), plain(after));
    let more = CARGO_SKIPS.iter().find(|mark| is.matches(**mark).count() > was.matches(**mark).count());
    if let Some(mark) = more {
        return Some(How::Skipped(mark.replace('=', " = ")));
    }
    let is_about_tests = |header: &str| header == "[[test]]" || header.starts_with("[profile.test");
    let (was, is) = (sections(before, is_about_tests), sections(after, is_about_tests));
    let mut left = is.lines();
    // Each line is searched after the one before it, so the old lines must keep their order.
    let is_kept = was.lines().all(|line| left.any(|other| other == line));
    (!is_kept).then_some(How::Changed)
}

/// Returns the lines of the sections whose headers `is_wanted` accepts, without comments and blank lines.
fn sections(text: &str, is_wanted: impl Fn(&str) -> bool) -> String {
    let mut is_in_section = false;
    let mut found = String::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    for line in lines {
        if line.starts_with('[') {
            is_in_section = is_wanted(line);
        }
        if is_in_section {
            found.push_str(line);
            found.push('\n');
        }
    }
    found
}

/// Returns the values of the keys that test runners read. A file that is no JSON has none.
fn keys(text: &str) -> Vec<Option<String>> {
    let parsed: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    PACKAGE_KEYS.iter().map(|key| parsed.get(key).map(ToString::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(path: &str, text: &str) -> Option<How> {
        added(path.as_bytes(), text.as_bytes(), &["make check".to_owned()])
    }

    #[test]
    fn an_added_file_counts_only_if_it_leaves_tests_out() {
        assert_eq!(new("tests/test_new.py", "def test_a(): assert 1"), None);
        assert_eq!(new("conftest.py", "import pytest\n@pytest.fixture\ndef db(): ..."), None);
        let mutes = new("conftest.py", "def pytest_collection_modifyitems(items): items.clear()");
        assert!(matches!(mutes, Some(How::Skipped(_))));
        assert_eq!(new("pytest.ini", "[pytest]\naddopts = --deselect tests"), Some(How::Changed));
        assert_eq!(new(".cargo/config.toml", "[target.'cfg(all())']\nrunner = 'true'"), Some(How::Changed));
        assert_eq!(new("web/jest.config.js", "x"), Some(How::Changed));
        assert_eq!(new("GNUmakefile", "check:\n\ttrue\n"), Some(How::GateChanged));
        assert_eq!(added(b"GNUmakefile", b"", &["cargo test".to_owned()]), None);
        assert_eq!(new("src/config.toml", "x"), None);
    }

    #[test]
    fn only_the_parts_of_a_shared_file_that_concern_tests_count() {
        let cargo = |after: &str| {
            shared(b"Cargo.toml", b"[package]\nname = \"a\"\n[[test]]\nname = \"it\"\n", after.as_bytes())
        };
        let base = "[package]\nname = \"a\"\nversion = \"2\"\n[[test]]\nname = \"it\"\n";
        assert_eq!(cargo(base), None);
        assert_eq!(cargo(&format!("{base}[[test]]\nname = \"more\"\n")), None);
        assert!(matches!(cargo(&format!("{base}[lib]\ntest  = false\n")), Some(How::Skipped(_))));
        assert!(matches!(cargo(&base.replace("name = \"a\"", "autotests=false")), Some(How::Skipped(_))));
        assert_eq!(cargo("[package]\nname = \"a\"\n"), Some(How::Changed));
        let python = |after: &str| {
            shared(
                b"pyproject.toml",
                b"[project]\nname = 'a'\n[tool.pytest.ini_options]\nx = 1\n",
                after.as_bytes(),
            )
        };
        assert_eq!(python("[project]\nname = 'b'\n# why\n[tool.pytest.ini_options]\nx = 1\n"), None);
        assert_eq!(python("[project]\nname = 'a'\n"), Some(How::Changed));
        let package = |after: &str| shared(b"package.json", b"{\"jest\": {\"bail\": 1}}", after.as_bytes());
        assert_eq!(package("{\"version\": \"2\", \"jest\": {\"bail\": 1}}"), None);
        assert_eq!(package("{\"jest\": {\"testPathIgnorePatterns\": [\".\"]}}"), Some(How::Changed));
    }
}
