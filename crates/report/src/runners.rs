//! How a gate command can be made to report more of its tests, by the test runner that its words name.

use paddock_model::settings::{GateCommand, TestReport};

/// A test runner whose output Paddock can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Runner {
    Pytest,
    Unittest,
    NodeTest,
    Jest,
    Vitest,
    Mocha,
    Nextest,
    Cargo,
    Go,
    Ctest,
    Prove,
    Rspec,
    Phpunit,
    Maven,
    Gradle,
    Dotnet,
    /// A program that starts others: `make`, `sh`, `npm run`, `just`, `tox`.
    Wrapper,
}

/// Words of a command, and the runner that they name. The first match counts, so inner runners come before
/// the programs that start them.
const KNOWN: &[(&[&str], Runner)] = &[
    (&["pytest", "py.test"], Runner::Pytest),
    (&["unittest"], Runner::Unittest),
    (&["nextest"], Runner::Nextest),
    (&["vitest"], Runner::Vitest),
    (&["jest"], Runner::Jest),
    (&["mocha"], Runner::Mocha),
    (&["ctest"], Runner::Ctest),
    (&["prove"], Runner::Prove),
    (&["rspec"], Runner::Rspec),
    (&["phpunit", "pest"], Runner::Phpunit),
    (&["mvn", "mvnw"], Runner::Maven),
    (&["gradle", "gradlew"], Runner::Gradle),
    (&["make", "gmake", "just", "tox", "nox", "hatch", "rake", "composer", "sh", "bash"], Runner::Wrapper),
];

/// Returns the runner that the words of a command name; `None` if they name none.
#[must_use]
pub fn named_in(command: &str) -> Option<Runner> {
    let words: Vec<&str> = command
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '"' | '\''))
        .filter(|word| !word.is_empty())
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .collect();
    let has = |name: &str| words.contains(&name);
    let pair = |one: &str, two: &str| words.windows(2).any(|pair| pair == [one, two]);
    let is_known = |(names, _): &&(&[&str], Runner)| names.iter().any(|name| has(name));
    let (direct, wrappers) = KNOWN.split_at(KNOWN.len() - 1);
    if let Some((_, runner)) = direct.iter().find(is_known) {
        return Some(*runner);
    }
    match () {
        () if has("node") && has("--test") => Some(Runner::NodeTest),
        () if has("cargo") && (has("test") || has("t")) => Some(Runner::Cargo),
        () if pair("go", "test") => Some(Runner::Go),
        () if pair("dotnet", "test") => Some(Runner::Dotnet),
        () if ["npm", "pnpm", "yarn", "bun"].iter().any(|manager| has(manager))
            && words.iter().any(|word| word.contains("test") || *word == "check") =>
        {
            Some(Runner::Wrapper)
        }
        () if wrappers.iter().any(|known| is_known(&known)) => Some(Runner::Wrapper),
        () if words.iter().any(|word| word.ends_with(".sh")) => Some(Runner::Wrapper),
        () => None,
    }
}

/// Returns whether a gate command runs tests, as far as its words say. Programs that start others also build and
/// lint.
#[must_use]
pub fn runs_tests(command: &GateCommand) -> bool {
    let says = |text: &str| ["test", "check", "spec"].iter().any(|word| text.contains(word));
    match named_in(&command.run) {
        Some(Runner::Wrapper) => says(&command.run) || says(&command.name),
        Some(_) => true,
        // Where a report was asked for, tests were meant.
        None => command.report != TestReport::Auto,
    }
}

/// Returns the whole lines for the project file by which the command `run` tells the names of its tests; empty if
/// nothing has to be changed, or if the command does not say what it runs.
#[must_use]
pub fn lines_for_names(run: &str) -> Vec<String> {
    let line = |run: String| vec![format!("run: {}", in_yaml(&run))];
    let with = |flag: &str| if run.contains(flag) { Vec::new() } else { line(appended(run, flag)) };
    let put = |place: &str, flag: &str| match run.contains(flag) {
        true => Vec::new(),
        false => line(run.replacen(place, &format!("{place} {flag}"), 1)),
    };
    let report = |flag: &str, path: &str| {
        let option = flag.split(['=', ' ']).next().unwrap_or(flag);
        let mut lines = if run.contains(option) { Vec::new() } else { line(appended(run, flag)) };
        lines.push(format!("report: junit:{path}"));
        lines
    };
    let reported = |path: &str| vec![format!("report: junit:{path}")];
    let Some(runner) = named_in(run) else { return Vec::new() };
    match runner {
        Runner::Pytest if run.contains(" -v") => report("--junitxml=build/junit.xml", "build/junit.xml"),
        Runner::Pytest | Runner::Unittest => with(" -v"),
        Runner::NodeTest => put("--test", "--test-reporter=tap"),
        Runner::Jest => with("--verbose"),
        Runner::Vitest => with("--reporter=verbose"),
        Runner::Mocha => with("--reporter=spec"),
        Runner::Nextest => report("--profile ci", "target/nextest/ci/junit.xml"),
        Runner::Go => put("go test", "-v"),
        Runner::Ctest => report("--output-junit junit.xml", &format!("{}/junit.xml", build_folder(run))),
        Runner::Prove => put("prove", "-v"),
        Runner::Rspec => with("--format documentation"),
        Runner::Phpunit => report("--log-junit build/junit.xml", "build/junit.xml"),
        Runner::Maven => reported("target/surefire-reports/TEST-*.xml"),
        Runner::Gradle => reported("build/test-results/test/TEST-*.xml"),
        Runner::Dotnet => with("--logger \"console;verbosity=normal\""),
        Runner::Cargo | Runner::Wrapper => Vec::new(),
    }
}

/// Returns a command as a value of YAML: in quotes where it would be read as something else.
fn in_yaml(run: &str) -> String {
    let is_plain = run
        .starts_with(|first: char| first.is_ascii_alphanumeric() || matches!(first, '.' | '/' | '_'))
        && !run.contains(": ")
        && !run.contains(" #")
        && !run.ends_with(':');
    if is_plain { run.to_owned() } else { format!("'{}'", run.replace('\'', "''")) }
}

/// Returns the folder that ctest writes to.
fn build_folder(run: &str) -> &str {
    let mut words = run.split_whitespace().skip_while(|word| *word != "--test-dir");
    words.nth(1).unwrap_or("build")
}

/// Returns a command with words at its end.
fn appended(run: &str, words: &str) -> String {
    format!("{} {}", run.trim_end(), words.trim_start())
}

/// Returns what a person can do about a command that reported no tests: a sentence with whole lines for the project
/// file.
#[must_use]
pub fn advice(run: &str) -> String {
    let or_report = "or let it write a JUnit report and name it: `report: junit:build/junit.xml`";
    let lines: Vec<String> = lines_for_names(run).iter().map(|line| format!("`{line}`")).collect();
    let write = format!("write {}", lines.join(" and "));
    match named_in(run) {
        Some(Runner::Nextest) => format!(
            "{write}, and in .config/nextest.toml `[profile.ci.junit]` and below it `path = \"junit.xml\"`"
        ),
        Some(Runner::Maven) => {
            let several = "`report: junit:*/target/surefire-reports/TEST-*.xml`";
            format!("{write}; in a build of several modules {several}")
        }
        Some(Runner::Gradle) => {
            let several = "`report: junit:*/build/test-results/test/TEST-*.xml`";
            format!("{write}; in a build of several projects {several}")
        }
        Some(_) if !lines.is_empty() => write,
        Some(Runner::Wrapper) => format!(
            "find the test runner that it starts, and let its output through (no `-q`, no `> file`, no `| tail`); if \
             Paddock does not know the runner, let it print `1..N`, and `ok 1 - NAME` for each test (TAP), {or_report}"
        ),
        Some(_) => format!("let the runner's output through (no `-q`, no `> file`), {or_report}"),
        None => format!(
            "if it runs tests, let it print `1..N`, and `ok 1 - NAME` for each test (TAP), {or_report}; if it runs \
             none, write `tests: off`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_its_runner_also_behind_the_programs_that_start_it() {
        for (run, runner) in [
            ("python3 -m pytest -q tests", Some(Runner::Pytest)),
            (".venv/bin/pytest", Some(Runner::Pytest)),
            ("uv run pytest", Some(Runner::Pytest)),
            ("python -m unittest discover", Some(Runner::Unittest)),
            ("node --test tests/", Some(Runner::NodeTest)),
            ("npx jest --ci", Some(Runner::Jest)),
            ("cargo nextest run", Some(Runner::Nextest)),
            ("cargo test --workspace", Some(Runner::Cargo)),
            ("cd web && go test ./...", Some(Runner::Go)),
            ("cmake --build b && ctest --test-dir b", Some(Runner::Ctest)),
            ("prove -r t", Some(Runner::Prove)),
            ("./mvnw -q verify", Some(Runner::Maven)),
            ("./gradlew check", Some(Runner::Gradle)),
            ("dotnet test", Some(Runner::Dotnet)),
            ("make check", Some(Runner::Wrapper)),
            ("sh check.sh", Some(Runner::Wrapper)),
            ("./tests/run.sh", Some(Runner::Wrapper)),
            ("npm run test", Some(Runner::Wrapper)),
            ("npm ci", None),
            ("cargo build", None),
            ("true", None),
        ] {
            assert_eq!(named_in(run), runner, "{run}");
        }
    }

    #[test]
    fn an_install_a_build_and_a_lint_run_no_tests() {
        let runs = |name: &str, run: &str| runs_tests(&GateCommand::new(name, run, 1));
        assert!(runs("unit", "pytest") && runs("check", "sh run.sh") && runs("all", "make test"));
        assert!(!runs("install", "npm ci") && !runs("build", "make build") && !runs("lint", "sh lint.sh"));
        let report = TestReport::Junit("out.xml".into());
        assert!(runs_tests(&GateCommand { report, ..GateCommand::new("all", "./run", 1) }));
    }

    #[test]
    fn advice_is_whole_lines_for_the_project_file() {
        for (run, lines) in [
            ("pytest tests", &["run: pytest tests -v"][..]),
            ("pytest -v", &["run: pytest -v --junitxml=build/junit.xml", "report: junit:build/junit.xml"]),
            ("python3 -m unittest", &["run: python3 -m unittest -v"]),
            ("node --test", &["run: node --test --test-reporter=tap"]),
            ("npx jest", &["run: npx jest --verbose"]),
            ("vitest run", &["run: vitest run --reporter=verbose"]),
            (
                "cargo nextest run",
                &["run: cargo nextest run --profile ci", "report: junit:target/nextest/ci/junit.xml"],
            ),
            ("go test ./...", &["run: go test -v ./..."]),
            ("prove -r t", &["run: prove -v -r t"]),
            (
                "ctest --test-dir out",
                &["run: ctest --test-dir out --output-junit junit.xml", "report: junit:out/junit.xml"],
            ),
            ("mvn -B verify", &["report: junit:target/surefire-reports/TEST-*.xml"]),
            ("gradle check", &["report: junit:build/test-results/test/TEST-*.xml"]),
        ] {
            assert_eq!(lines_for_names(run), lines, "{run}");
            assert!(lines.iter().all(|line| advice(run).contains(&format!("`{line}`"))), "{}", advice(run));
        }
        assert_eq!(
            lines_for_names("\"./my tests\"/pytest 'a: b'"),
            ["run: '\"./my tests\"/pytest ''a: b'' -v'"]
        );
        assert!(advice("make check").contains("find the test runner"), "{}", advice("make check"));
        assert!(advice("true").contains("`tests: off`"));
        assert!(
            lines_for_names("cargo test").is_empty()
                && advice("cargo test").starts_with("let the runner's output")
        );
    }
}
