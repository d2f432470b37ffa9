//! Marks that skip tests, and words that check something, in the languages of the files that contain them.

use super::scan::{Language, Line, is_name, tokens};

use Language::{Braces, Go, Perl, Python, Ruby, Rust, Script, Settings, Shell};

/// Marks by which tests are skipped. Each counts in the code of these languages alone.
const SKIPS: &[(&[Language], &[&str])] = &[
    (&[Rust], &["#[ignore", "#[cfg(any())]", "#[cfg(FALSE)]", "#[cfg(not(test))]"]),
    (
        &[Script],
        &[
            "it.skip(",
            "describe.skip(",
            "test.skip(",
            "context.skip(",
            "suite.skip(",
            "xit(",
            "xtest(",
            "xdescribe(",
            "xcontext(",
            "it.only(",
            "describe.only(",
            "test.only(",
            "suite.only(",
            "fit(",
            "fdescribe(",
            "it.todo(",
            "test.todo(",
            "it.fails(",
            "test.fails(",
            "test.failing(",
            "it.failing(",
            "this.skip(",
            "t.skip(",
            "t.todo(",
            ".skipIf(",
            ".runIf(",
            "it.skip.each",
            "test.skip.each",
            "describe.skip.each",
            "skip: true",
            "todo: true",
            "only: true",
        ],
    ),
    (
        &[Python],
        &[
            "@pytest.mark.skip",
            "@pytest.mark.skipif",
            "@pytest.mark.xfail",
            "pytest.skip(",
            "pytest.xfail(",
            "pytest.importorskip(",
            "pytestmark = pytest.mark.skip",
            "pytestmark = pytest.mark.xfail",
            "@unittest.skip",
            "@unittest.skipIf",
            "@unittest.skipUnless",
            "@unittest.expectedFailure",
            "@skip",
            "@skipIf",
            "@skipUnless",
            "@expectedFailure",
            "self.skipTest(",
            "unittest.SkipTest",
            "raise SkipTest",
            "collect_ignore =",
            "collect_ignore_glob =",
            "__test__ = False",
            "pytest.exit(",
            "marks=pytest.mark.skip",
            "marks=pytest.mark.xfail",
        ],
    ),
    (&[Go], &["t.Skip(", "t.SkipNow(", "t.Skipf(", "b.Skip(", "testing.Short()"]),
    (
        &[Braces],
        &[
            "@Disabled",
            "@Ignore",
            "Assume.assumeTrue(false",
            "assumeTrue(false",
            "GTEST_SKIP(",
            "markTestSkipped(",
            "markTestIncomplete(",
            "[Ignore",
            "Assert.Ignore(",
            "XCTSkip(",
        ],
    ),
    (&[Ruby], &["skip_before_action :test", "pending", "xcontext", "xspecify", "xit", "xdescribe", "skip"]),
    (&[Perl], &["skip_all =", "plan skip_all", "skip", "todo_skip", "local $TODO"]),
    (
        &[Settings],
        &["continue-on-error: true", "--passWithNoTests", "--pass-with-no-tests", "--ignore=", "--deselect"],
    ),
    (&[Script, Settings], &["passWithNoTests: true"]),
];
/// Beginning of names that switch a test off.
const WITHIN: &[(Language, &str)] = &[(Braces, "DISABLED_")];

/// Words on lines that declare a test.
const DECLARES: &[&str] = &[
    "#[test]",
    "#[tokio::test]",
    "#[rstest]",
    "it(",
    "test(",
    "def test",
    "func Test",
    "@Test",
    "@ParameterizedTest",
    "TEST(",
    "TEST_F(",
    "TEST_P(",
    "TEST_CASE(",
    "it \"",
    "specify \"",
    "@test ",
    "subtest",
    "it.each",
    "test.each",
    "[Fact]",
    "[Theory]",
];
/// Words on lines that check something, besides those that begin with `assert`.
const CHECKS: &[&str] = &[
    "expect(",
    "expect!",
    ".should",
    "should.",
    "t.Error",
    "t.Fatal",
    "t.Fail",
    "require.",
    "EXPECT_",
    "ASSERT_",
    "REQUIRE(",
    "CHECK(",
    "expect ",
    "verify(",
    "AssertionError",
    "raises(",
    "exit(1",
    "die ",
    ".rejects",
    ".throws(",
    "t.is(",
    "t.equal(",
    "t.deepEqual(",
    "t.true(",
    "t.throws(",
    "prop_assert",
];
/// Functions of Perl that check something.
const PERL_CHECKS: &[&str] =
    &["ok(", "is(", "is_deeply(", "like(", "isnt(", "cmp_ok(", "fail(", "ok ", "is "];
/// Commands of shells that check something.
const SHELL_CHECKS: &[&str] =
    &["[", "[[", "test", "grep", "diff", "cmp", "exit 1", "@test", "assert", "false", "return 1"];

/// Returns the first mark that is more frequent than before, and the line of the later version with it.
pub(super) fn skipped<'a>(
    language: Language,
    before: &[Line],
    after: &'a [Line],
    concerns_old: impl Fn(usize, &str) -> bool,
) -> Option<(&'static str, &'a Line)> {
    let marks = SKIPS.iter().filter(|(languages, _)| languages.contains(&language));
    let marks = marks.flat_map(|(_, marks)| marks.iter().copied());
    for mark in marks {
        let count = |lines: &[Line]| lines.iter().map(|line| marked(&line.code, mark)).sum::<usize>();
        if count(after) > count(before) {
            let lines = after.iter().enumerate();
            let found = lines.filter(|(at, line)| marked(&line.code, mark) > 0 && concerns_old(*at, mark));
            if let Some((_, line)) = found.last() {
                return Some((mark, line));
            }
        }
    }
    let within = WITHIN.iter().filter(|(only, _)| *only == language);
    for (_, mark) in within {
        let count = |lines: &[Line]| lines.iter().filter(|line| line.text.contains(mark)).count();
        if count(after) > count(before) {
            return after.iter().rev().find(|line| line.text.contains(mark)).map(|line| (*mark, line));
        }
    }
    None
}

/// Returns how often a mark stands in a line. A mark that is a plain word counts at the beginning of a
/// statement alone: elsewhere it is a name.
fn marked(code: &str, mark: &str) -> usize {
    if !mark.chars().all(is_name) {
        return tokens(code, mark);
    }
    let rest = code.strip_prefix(mark).unwrap_or(".");
    let is_call = rest.is_empty() || rest.starts_with(['(', '"', ';']) || rest.starts_with(' ');
    let is_assigned = rest.trim_start().starts_with(['=', '.', ':', ',']);
    usize::from(is_call && !is_assigned)
}

/// Returns whether a line checks something, or declares a test.
pub(super) fn checks(language: Language, line: &Line) -> bool {
    asserts(language, line) || declares(language, line)
}

/// Returns whether a line declares a test.
fn declares(language: Language, line: &Line) -> bool {
    language.has_blocks() && DECLARES.iter().any(|mark| tokens_from(&line.code, mark))
}

/// Returns whether a line checks something.
fn asserts(language: Language, line: &Line) -> bool {
    let code = line.code.as_str();
    let has = |marks: &[&str]| marks.iter().any(|mark| tokens(code, mark) > 0);
    match language {
        Shell => has(SHELL_CHECKS),
        Language::Make | Settings | Language::Data => false,
        Perl => has(PERL_CHECKS) || has(CHECKS),
        _ => is_assertion(code) || CHECKS.iter().any(|mark| tokens_from(code, mark)),
    }
}

/// Returns whether code has a call whose name begins with `assert`, or the statement of this name.
fn is_assertion(code: &str) -> bool {
    let lower = code.to_ascii_lowercase();
    lower.match_indices("assert").any(|(at, _)| {
        let front = lower[..at].chars().next_back();
        let rest = lower[at..].trim_start_matches(is_name);
        let is_start = front.is_none_or(|c| !is_name(c) || c == '_');
        is_start && (rest.is_empty() || rest.starts_with(['(', '!', ' ', '.']))
    })
}

/// Returns whether a mark stands in code, and is not the end of another name.
fn tokens_from(code: &str, mark: &str) -> bool {
    code.match_indices(mark).any(|(at, _)| {
        let front = code[..at].chars().next_back();
        !mark.starts_with(is_name) || front.is_none_or(|c| !is_name(c))
    })
}

/// How much a file checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weight {
    /// Lines that declare a test.
    tests: u32,
    /// Declared tests that check nothing themselves.
    hollow: u32,
    /// Lines that check something.
    assertions: u32,
}

impl Weight {
    /// Counts what these lines check.
    pub(super) fn new(language: Language, lines: &[Line]) -> Self {
        let mut weight = Self { tests: 0, hollow: 0, assertions: 0 };
        let mut is_hollow = false;
        for line in lines {
            if declares(language, line) {
                weight.hollow += u32::from(is_hollow);
                weight.tests += 1;
                is_hollow = true;
            }
            if asserts(language, line) {
                weight.assertions += 1;
                is_hollow = false;
            }
        }
        weight.hollow += u32::from(is_hollow);
        weight
    }

    /// Returns the number of lines that count.
    pub(super) fn lines(self) -> u32 {
        self.tests + self.assertions
    }

    /// Returns whether the later version certainly checks less: it has fewer tests, tests that check nothing any
    /// more, or less than half of the assertions. That some assertion is gone may be the work; the gate is tried
    /// with the earlier version then.
    pub(super) fn is_less_than(self, before: Self) -> bool {
        self.tests < before.tests || self.hollow > before.hollow || self.assertions * 2 < before.assertions
    }
}
