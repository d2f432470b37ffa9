//! Detects from the output of common test runners that no test ran. Exit status 0 proves nothing then.
//!
//! A gate command may start several runners, or one runner for several packages. No test ran only if every
//! summary in the output reports none. Output of unknown runners is ignored.

/// A reader of a gate command's output, line by line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestsRun {
    none: u32,
    some: u32,
    first: Option<&'static str>,
}

/// The meaning of a line.
enum Says {
    /// The runner of this name ran this many tests.
    Ran(&'static str, u64),
    /// The line is no summary of a known runner.
    Nothing,
}

impl TestsRun {
    /// Reads one line of output. The line feed and all escape sequences must be removed before, since many
    /// runners colour their summaries.
    pub fn push(&mut self, line: &str) {
        match says(line.trim()) {
            Says::Ran(runner, 0) => {
                self.none += 1;
                self.first = self.first.or(Some(runner));
            }
            Says::Ran(..) => self.some += 1,
            Says::Nothing => {}
        }
    }

    /// Returns the first runner that reported no test, unless a test ran somewhere.
    #[must_use]
    pub fn none_ran(&self) -> Option<&'static str> {
        self.first.filter(|_| self.some == 0 && self.none > 0)
    }
}

fn says(line: &str) -> Says {
    // No line is a summary of two runners, so the first reader that understands it is right.
    let readers = [cargo, python, javascript, go, java, others];
    readers.iter().map(|read| read(line)).find(|said| matches!(said, Says::Ran(..))).unwrap_or(Says::Nothing)
}

/// Returns the number in front of a whole word (`12 passed`).
fn before(line: &str, word: &str) -> Option<u64> {
    let words: Vec<&str> =
        line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')')).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok())
}

/// Returns the number after a text (`Tests run: 3`).
fn after(line: &str, text: &str) -> Option<u64> {
    let rest = line.split_once(text)?.1.trim_start();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn total(runner: &'static str, counts: &[Option<u64>]) -> Says {
    match counts.iter().flatten().copied().reduce(u64::saturating_add) {
        Some(count) => Says::Ran(runner, count),
        None => Says::Nothing,
    }
}

fn cargo(line: &str) -> Says {
    if line.starts_with("test result:") {
        return total(
            "cargo test",
            &[before(line, "passed"), before(line, "failed"), before(line, "measured")],
        );
    }
    if line.starts_with("Summary [") && line.contains("tests run:") || line.contains("test run:") {
        return total("cargo nextest", &[before(line, "tests").or_else(|| before(line, "test"))]);
    }
    match line.contains("error: no tests to run") {
        true => Says::Ran("cargo nextest", 0),
        false => Says::Nothing,
    }
}

fn python(line: &str) -> Says {
    let summary = line.trim_matches('=').trim();
    let is_timed = summary.contains(" in ") && summary.contains('s');
    if summary.starts_with("no tests ran") || summary.starts_with("collected 0 items") {
        return Says::Ran("pytest", 0);
    }
    if is_timed && (before(summary, "passed").is_some() || before(summary, "failed").is_some()) {
        return total("pytest", &[before(summary, "passed"), before(summary, "failed")]);
    }
    // Only skipped or deselected tests are listed: pytest exits with 0 although none ran.
    if is_timed && (before(summary, "skipped").is_some() || before(summary, "deselected").is_some()) {
        return Says::Ran("pytest", 0);
    }
    let is_unittest = line.starts_with("Ran ") && line.contains(" test") && line.contains(" in ");
    match is_unittest {
        true => total("unittest", &[after(line, "Ran ")]),
        false => Says::Nothing,
    }
}

fn javascript(line: &str) -> Says {
    if let Some(rest) = line.strip_prefix("Tests:") {
        return total("jest", &[before(rest, "passed"), before(rest, "failed"), Some(0)]);
    }
    if line.starts_with("No tests found") {
        return Says::Ran("jest", 0);
    }
    if line.starts_with("No test files found") {
        return Says::Ran("vitest", 0);
    }
    let is_vitest = line.starts_with("Tests ") && (line.contains("passed") || line.contains("skipped"));
    if is_vitest || line.starts_with("Tests ") && line.contains("failed") {
        return total("vitest", &[before(line, "passed"), before(line, "failed"), Some(0)]);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [count, "passing", ..] => total("mocha", &[count.parse().ok()]),
        ["#" | "ℹ", "tests", count] => total("node --test", &[count.parse().ok()]),
        _ => Says::Nothing,
    }
}

fn go(line: &str) -> Says {
    if line.starts_with('?') && line.ends_with("[no test files]")
        || line.starts_with("testing: warning: no tests")
    {
        return Says::Ran("go test", 0);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_package = words.first() == Some(&"ok")
        && words.len() >= 3
        && (words[2] == "(cached)"
            || words[2].ends_with('s') && words[2].starts_with(|c: char| c.is_ascii_digit()));
    match is_package {
        true if line.ends_with("[no tests to run]") => Says::Ran("go test", 0),
        true => Says::Ran("go test", 1),
        false => Says::Nothing,
    }
}

fn java(line: &str) -> Says {
    if line.contains("Tests run:") {
        return total("maven or JUnit", &[after(line, "Tests run:")]);
    }
    if line.contains("No tests to run.") {
        return Says::Ran("maven", 0);
    }
    if line.starts_with("OK (") && line.contains(" test") {
        return total("JUnit", &[after(line, "OK (")]);
    }
    if line.starts_with('[') && line.ends_with("tests successful      ]")
        || line.ends_with("tests successful ]")
    {
        return total("JUnit", &[after(line, "[")]);
    }
    match line.starts_with("> Task :") && line.contains("est NO-SOURCE") {
        true => Says::Ran("gradle", 0),
        false => Says::Nothing,
    }
}

fn others(line: &str) -> Says {
    if line.contains("tests passed,") && line.contains("tests failed out of") {
        return total("ctest", &[after(line, "tests failed out of ")]);
    }
    if line.starts_with("No tests were found!!!") {
        return Says::Ran("ctest", 0);
    }
    if line.starts_with("No tests executed!") {
        return Says::Ran("phpunit", 0);
    }
    if line.starts_with("Result: NOTESTS") {
        return Says::Ran("prove", 0);
    }
    let is_rspec = line.contains(" examples, ") || line.contains(" example, ");
    if is_rspec && line.contains(" failure") {
        return total("rspec", &[before(line, "examples").or_else(|| before(line, "example"))]);
    }
    let is_minitest = line.contains(" runs, ") && line.contains(" assertions, ");
    match is_minitest {
        true => total("minitest", &[before(line, "runs")]),
        false => Says::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(output: &str) -> Option<&'static str> {
        let mut read = TestsRun::default();
        output.lines().for_each(|line| read.push(line));
        read.none_ran()
    }

    #[test]
    fn each_common_runner_is_understood_when_it_ran_no_test() {
        let cases = [
            (
                "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
                "cargo test",
            ),
            (
                "test result: ok. 0 passed; 0 failed; 4 ignored; 0 measured; 0 filtered out; finished in 0.00s",
                "cargo test",
            ),
            ("     Summary [   0.001s] 0 tests run: 0 passed, 3 skipped", "cargo nextest"),
            ("============ no tests ran in 0.01s ============", "pytest"),
            ("====== 2 skipped in 0.02s ======", "pytest"),
            ("Ran 0 tests in 0.000s\n\nOK", "unittest"),
            ("No tests found, exiting with code 0", "jest"),
            ("Tests:       2 skipped, 2 total", "jest"),
            ("No test files found, exiting with code 0", "vitest"),
            ("  0 passing (1ms)", "mocha"),
            ("# tests 0\n# pass 0", "node --test"),
            ("?   \texample.org/a\t[no test files]", "go test"),
            ("ok  \texample.org/a\t0.002s [no tests to run]", "go test"),
            ("[INFO] Tests run: 0, Failures: 0, Errors: 0, Skipped: 0", "maven or JUnit"),
            ("[INFO] No tests to run.", "maven"),
            ("> Task :app:test NO-SOURCE", "gradle"),
            ("No tests were found!!!", "ctest"),
            ("0 examples, 0 failures", "rspec"),
            ("0 runs, 0 assertions, 0 failures, 0 errors, 0 skips", "minitest"),
        ];
        for (output, runner) in cases {
            assert_eq!(none(output), Some(runner), "{output}");
        }
    }

    #[test]
    fn one_runner_that_ran_a_test_is_enough() {
        let zero =
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let cases = [
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "     Summary [   0.001s] 1 test run: 1 passed, 0 skipped",
            "===== 3 passed, 1 skipped in 0.10s =====",
            "Ran 1 test in 0.000s",
            "Tests:       1 failed, 1 passed, 2 total",
            "      Tests  3 passed (3)",
            "  12 passing (1s)",
            "# tests 2",
            "ok  \texample.org/a\t(cached)",
            "Tests run: 4, Failures: 0, Errors: 0, Skipped: 0",
            "100% tests passed, 0 tests failed out of 3",
            "1 example, 0 failures",
            "3 runs, 4 assertions, 0 failures, 0 errors, 0 skips",
        ];
        for output in cases {
            assert_eq!(none(&format!("{zero}{output}")), None, "{output}");
            assert_eq!(none(output), None, "{output}");
        }
    }

    #[test]
    fn output_of_unknown_runners_is_ignored() {
        for output in [
            "",
            "all good",
            "0 warnings",
            "Tests are fun",
            "ok",
            "there are 0 tests",
            "> Task :test",
            "0 passed by",
        ] {
            assert_eq!(none(output), None, "{output}");
        }
    }
}
