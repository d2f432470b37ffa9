//! What the texts of two versions of a file show: marks that skip tests, and how much is checked.
//!
//! Nothing here parses a language: a false alarm costs one more gate run, or a finding of the review.

use paddock_model::tamper::How;

/// What a file is to the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file that the gate's commands name.
    Gate,
    /// A file that matches a pattern of tests.
    Test,
    /// A list of scripts, some of which the gate runs (`package.json`).
    Manifest,
    /// A source file, which may contain tests.
    Source,
}

/// Marks that skip tests, in the languages of the files that contain them.
const SKIPS: &[&str] = &[
    "#[ignore",
    "#[cfg(any())]",
    "test = false",
    "autotests = false",
    "it.skip(",
    "describe.skip(",
    "test.skip(",
    "context.skip(",
    "suite.skip(",
    "xit(",
    "xtest(",
    "xdescribe(",
    "it.only(",
    "describe.only(",
    "test.only(",
    "it.todo(",
    "test.todo(",
    ".skipIf(",
    "@pytest.mark.skip",
    "@pytest.mark.xfail",
    "pytest.skip(",
    "pytest.xfail(",
    "@unittest.skip",
    "self.skipTest(",
    "raise unittest.SkipTest",
    "collect_ignore",
    "--ignore=",
    "--deselect",
    "t.Skip(",
    "t.SkipNow(",
    "t.Skipf(",
    "b.Skip(",
    "//go:build ignore",
    "testing.Short()",
    "@Disabled",
    "@Ignore",
    "Assume.assumeTrue(false",
    "<skipTests>true",
    "skipTests=true",
    "GTEST_SKIP(",
    "DISABLED_",
    "skip_before_action :test",
    "pending ",
    "xcontext ",
    "xspecify ",
    "skip \"",
    "skip '",
    "markTestSkipped(",
    "continue-on-error: true",
    "|| true",
    "--passWithNoTests",
    "--pass-with-no-tests",
];

/// Words on lines that check something or declare a test.
const CHECKS: &[&str] = &[
    "assert",
    "expect(",
    ".should",
    "#[test]",
    "#[tokio::test]",
    "#[rstest]",
    "it(",
    "test(",
    "describe(",
    "def test",
    "func Test",
    "@Test",
    "t.Error",
    "t.Fatal",
    "t.Fail",
    "require.",
    "EXPECT_",
    "ASSERT_",
    "TEST(",
    "TEST_F(",
    "TEST_CASE(",
    "REQUIRE(",
    "CHECK(",
    "it \"",
    "it '",
    "expect ",
    "@test ",
    "verify(",
    "[ ",
    "[[ ",
    "grep ",
    "diff ",
    "cmp ",
    "exit 1",
    "raise ",
    "panic!",
    "unwrap_err",
];

/// Returns what a change did to a file that still exists, or `None` if it took nothing away: added lines are
/// free, unless they skip tests.
#[must_use]
pub(crate) fn compare(kind: Kind, before: &[u8], after: &[u8]) -> Option<How> {
    let (Ok(before), Ok(after)) = (std::str::from_utf8(before), std::str::from_utf8(after)) else {
        // Binary content cannot be compared line by line.
        return match kind {
            Kind::Gate => Some(How::GateChanged),
            Kind::Test => Some(How::Changed),
            Kind::Manifest | Kind::Source => None,
        };
    };
    match kind {
        Kind::Gate => Some(How::GateChanged),
        Kind::Manifest => (scripts_of(before) != scripts_of(after)).then_some(How::GateChanged),
        Kind::Test => {
            skipped(before, after).or_else(|| checks_less(before, after)).or_else(|| rewritten(before, after))
        }
        Kind::Source => inline(before, after),
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn count(text: &str, mark: &str) -> usize {
    text.matches(mark).count()
}

/// Returns the first mark that is more frequent than before.
fn skipped(before: &str, after: &str) -> Option<How> {
    let found = SKIPS.iter().find(|mark| count(after, mark) > count(before, mark))?;
    Some(How::Skipped(found.trim().to_owned()))
}

/// Returns the number of lines that check something. Comments do not count, so that a check cannot be
/// commented out unnoticed.
fn weight(text: &str) -> u32 {
    let is_code = |line: &&str| !["//", "#!", "* ", "/*", "-- "].iter().any(|sign| line.starts_with(sign));
    let is_comment = |line: &&str| line.starts_with("# ") || *line == "#";
    let checking = |line: &&str| CHECKS.iter().any(|mark| line.contains(mark));
    let counted = lines(text).filter(is_code).filter(|line| !is_comment(line)).filter(checking);
    u32::try_from(counted.count()).unwrap_or(u32::MAX)
}

fn checks_less(before: &str, after: &str) -> Option<How> {
    let (before, after) = (weight(before), weight(after));
    (after < before).then_some(How::Fewer(before, after))
}

/// Returns whether any old line is gone or has moved.
fn rewritten(before: &str, after: &str) -> Option<How> {
    let mut left = lines(after);
    // Each line is searched after the one before it, so the old lines must keep their order.
    let is_kept = lines(before).all(|line| left.any(|other| other == line));
    (!is_kept).then_some(How::Changed)
}

/// Compares the tests in a source file (Rust): counts those that are skipped and those that are gone.
fn inline(before: &str, after: &str) -> Option<How> {
    let marks = ["#[test]", "#[tokio::test]", "#[rstest]"];
    let tests = |text: &str| marks.iter().map(|mark| count(text, mark)).sum::<usize>();
    // A file without tests has none to lose.
    if tests(before) == 0 {
        return None;
    }
    if count(after, "#[ignore") > count(before, "#[ignore") {
        return Some(How::Skipped("#[ignore]".to_owned()));
    }
    let number = |text: &str| u32::try_from(tests(text)).unwrap_or(u32::MAX);
    (tests(after) < tests(before)).then(|| How::Fewer(number(before), number(after)))
}

/// Returns the `"scripts"` of a `package.json`. A file that is no JSON counts as a whole, so that no fault in
/// it hides a change.
fn scripts_of(text: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(text).ok();
    match parsed {
        Some(value) => value.get("scripts").map(ToString::to_string).unwrap_or_default(),
        None => text.to_owned(),
    }
}

/// Returns whether a file that a gate command names runs the checks, as opposed to being checked. Both appear
/// in commands (`pytest app.py`, `sh check.sh`), so names and folders have to tell.
#[must_use]
pub(crate) fn is_gate_file(path: &[u8]) -> bool {
    let text = String::from_utf8_lossy(path).to_lowercase();
    let (folders, name) = text.rsplit_once('/').unwrap_or(("", &text));
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    // Lists of dependencies change with ordinary work.
    let is_list = ["cargo.toml", "pyproject.toml", "pom.xml", "go.mod", "composer.json"].contains(&name);
    let is_setting =
        ["yml", "yaml", "toml", "ini", "cfg", "mk", "sh", "bash", "zsh", "bats"].contains(&ending);
    let is_build = ["makefile", "gnumakefile", "justfile", "rakefile", "noxfile.py"].contains(&name);
    let of_checks = ["ci", ".ci", "script", "scripts", "hack", "tools", "bin", "gate"];
    let is_among = folders.split('/').any(|folder| of_checks.contains(&folder));
    let words = ["check", "test", "ci", "verify", "gate", "lint", "run"];
    let is_called = words.iter().any(|word| {
        let rest = stem.strip_prefix(word);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', 's']))
    });
    !is_list
        && (is_setting || is_build || is_among || is_called || (ending.is_empty() && !name.starts_with('.')))
}

/// Returns the words of a shell command that may be paths, and the files that well-known programs run without
/// naming them. After `cd FOLDER`, each also appears below that folder.
#[must_use]
pub(crate) fn named_scripts(run: &str) -> Vec<String> {
    let is_end = |c: char| {
        c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')' | '<' | '>' | '"' | '\'' | '=')
    };
    let words: Vec<&str> = run.split(is_end).filter(|word| !word.is_empty()).collect();
    let mut folder = String::new();
    let mut found = Vec::new();
    let mut add = |folder: &str, word: &str| {
        let plain = word.trim_start_matches("./").trim_end_matches('/');
        // Options, absolute paths, variables and paths out of the tree name nothing in the repository.
        let is_path = !plain.is_empty() && !plain.starts_with(['-', '/', '$', '~']) && !plain.contains("..");
        if is_path && plain != "." {
            found.push(plain.to_owned());
            if !folder.is_empty() {
                found.push(format!("{folder}/{plain}"));
            }
        }
    };
    for (at, word) in words.iter().enumerate() {
        // Only the last `cd` counts, and words count with and without it: a wrong guess names no file of the
        // tree and drops out later.
        if *word == "cd" {
            folder =
                words.get(at + 1).map_or("", |to| to.trim_matches('/')).trim_start_matches("./").to_owned();
            continue;
        }
        if at > 0 && words[at - 1] == "cd" {
            continue;
        }
        add(&folder, word);
        // These programs find their file by themselves, so the command does not name it.
        let implied: &[&str] = match *word {
            "make" | "gmake" => &["Makefile", "makefile", "GNUmakefile"],
            "just" => &["justfile", "Justfile"],
            "npm" | "yarn" | "pnpm" | "bun" | "npx" => &["package.json"],
            "tox" => &["tox.ini"],
            "nox" => &["noxfile.py"],
            "rake" => &["Rakefile"],
            "task" => &["Taskfile.yml"],
            _ => &[],
        };
        implied.iter().for_each(|file| add(&folder, file));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(before: &str, after: &str) -> Option<How> {
        compare(Kind::Test, before.as_bytes(), after.as_bytes())
    }

    #[test]
    fn added_lines_are_free_and_removed_lines_are_not() {
        let base = "def test_a():\n    assert a() == 1\n";
        assert_eq!(test(base, &format!("{base}\ndef test_b():\n    assert b()\n")), None);
        assert_eq!(test(base, &format!("import os\n\n{base}")), None);
        assert_eq!(test(base, "def test_a():\n    assert a() == 2\n"), Some(How::Changed));
        assert_eq!(test(base, "def test_a():\n    pass\n"), Some(How::Fewer(2, 1)));
        assert_eq!(test(base, "# def test_a():\n    # assert a() == 1\n"), Some(How::Fewer(2, 0)));
    }

    #[test]
    fn marks_that_skip_tests_are_found_in_every_language() {
        for (before, after) in [
            ("#[test]\nfn a() {}\n", "#[test]\n#[ignore = \"flaky\"]\nfn a() {}\n"),
            ("it('a', () => { expect(1) })\n", "it.skip('a', () => { expect(1) })\n"),
            ("it('a', f)\n", "xit('a', f)\n"),
            ("def test_a():\n  assert 1\n", "@pytest.mark.skip\ndef test_a():\n  assert 1\n"),
            ("func TestA(t *testing.T) {\n}\n", "func TestA(t *testing.T) {\n\tt.Skip(\"later\")\n}\n"),
            ("@Test\nvoid a() {}\n", "@Disabled\n@Test\nvoid a() {}\n"),
        ] {
            assert!(matches!(test(before, after), Some(How::Skipped(_))), "{after}");
        }
    }

    #[test]
    fn tests_within_a_source_file_count_and_its_other_lines_do_not() {
        let base = "pub fn a() -> u8 { 1 }\n#[test]\nfn works() { assert_eq!(a(), 1); }\n";
        let source = |after: &str| compare(Kind::Source, base.as_bytes(), after.as_bytes());
        assert_eq!(source("pub fn a() -> u8 { 2 }\n#[test]\nfn works() { assert_eq!(a(), 2); }\n"), None);
        assert_eq!(source("pub fn a() -> u8 { 2 }\n"), Some(How::Fewer(1, 0)));
        assert!(matches!(source(&base.replace("fn works", "#[ignore]\nfn works")), Some(How::Skipped(_))));
    }

    #[test]
    fn a_list_of_scripts_may_change_in_everything_else() {
        let manifest =
            |after: &str| compare(Kind::Manifest, b"{\"scripts\": {\"test\": \"jest\"}}", after.as_bytes());
        assert_eq!(manifest("{\"dependencies\": {\"a\": \"1\"}, \"scripts\": {\"test\": \"jest\"}}"), None);
        assert_eq!(manifest("{\"scripts\": {\"test\": \"true\"}}"), Some(How::GateChanged));
    }

    #[test]
    fn files_that_run_the_checks_are_distinguished_from_files_that_are_checked() {
        for gate in
            ["check.sh", "ci/run.py", "Makefile", "scripts/lint", "run_tests.py", "verify.js", "tox.ini"]
        {
            assert!(is_gate_file(gate.as_bytes()), "{gate}");
        }
        for other in ["app.py", "src/main.c", "Cargo.toml", "sub/Cargo.toml", "index.js", "runner/a.py"] {
            assert!(!is_gate_file(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn words_of_a_command_may_be_paths() {
        assert_eq!(named_scripts("sh ./check.sh --fast"), ["sh", "check.sh"]);
        assert!(named_scripts("cd web && npm test").contains(&"web/package.json".to_owned()));
        assert!(named_scripts("make -C . check").contains(&"Makefile".to_owned()));
        assert!(!named_scripts("test -e /etc/x ../y $HOME/z").iter().any(|word| word.contains("etc")));
    }
}
