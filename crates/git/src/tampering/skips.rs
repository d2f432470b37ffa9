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
    "expect ",
    "@test ",
    "verify(",
    "raise ",
    "raises(",
    "panic!",
    "unwrap_err",
    "exit(1",
    "die ",
    ".rejects",
    ".throws(",
    "ok(",
    "is(",
    "is_deeply(",
    "like(",
    "fail(",
];
/// Commands of shells that check something.
const SHELL_CHECKS: &[&str] =
    &["[", "[[", "test", "grep", "diff", "cmp", "exit 1", "@test", "assert", "false", "return 1"];

/// Returns the first mark that is more frequent than before, and the line of the later version with it.
pub(super) fn skipped<'a>(
    language: Language,
    before: &[Line],
    after: &'a [Line],
    is_added: impl Fn(usize) -> bool,
) -> Option<(&'static str, &'a Line)> {
    let marks = SKIPS.iter().filter(|(languages, _)| languages.contains(&language));
    let marks = marks.flat_map(|(_, marks)| marks.iter().copied());
    for mark in marks {
        let count = |lines: &[Line]| lines.iter().map(|line| marked(&line.code, mark)).sum::<usize>();
        if count(after) > count(before) {
            let lines = after.iter().enumerate();
            let found =
                lines.filter(|(at, line)| is_added(*at) && marked(&line.code, mark) > 0).map(|(_, l)| l);
            return found.last().or(after.first()).map(|line| (mark, line));
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
    match language {
        Shell => SHELL_CHECKS.iter().any(|word| tokens(&line.code, word) > 0),
        Language::Make | Settings | Language::Data => false,
        _ => CHECKS.iter().any(|mark| line.code.contains(mark)),
    }
}

/// Returns the number of lines that check something.
pub(super) fn weight(language: Language, lines: &[Line]) -> u32 {
    u32::try_from(lines.iter().filter(|line| checks(language, line)).count()).unwrap_or(u32::MAX)
}
