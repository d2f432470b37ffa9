//! What gate runs reported of their tests: in words for people, and as values for scripts.

use super::text::counted;
use paddock_model::evidence::{
    ChangedTest, ComparedCommand, Comparison, Gone, GoneHow, Outcome, Source, Tests,
};
use paddock_model::gate::{CommandResult, GateRun, Verdict, VerdictCode};
use paddock_model::ids::GateId;
use paddock_model::proof::{Proof, ProvenCommand};
use serde::Serialize;

/// The tests that a gate command reported, for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TestsStatus {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Where the numbers come from: `junit`, `runner`, `count`, or `exit` for none.
    pub source: Source,
    pub runners: Vec<String>,
    /// Hash of the sorted names of the passed tests; `None` if no names are known.
    pub names_sha256: Option<String>,
}

impl From<&Tests> for TestsStatus {
    fn from(tests: &Tests) -> Self {
        Self {
            passed: tests.passed,
            failed: tests.failed,
            skipped: tests.skipped,
            source: tests.source,
            runners: tests.runners.clone(),
            names_sha256: tests.names_sha256.clone(),
        }
    }
}

/// A gate command of a finished run, with its tests and what differs from the base, for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CommandStatus {
    pub name: String,
    /// Code of the verdict: `green`, `green_exit_only`, `fewer_tests`, `red` or `not_evaluated`.
    pub verdict: &'static str,
    pub outcome: String,
    pub tests: Option<TestsStatus>,
    /// Tests on the base; `None` if they were not compared.
    pub base_tests: Option<TestsStatus>,
    /// Number of tests that the base does not have, and the first of their names.
    pub added: u64,
    pub added_names: Vec<String>,
    /// Tests that passed on the base and do not pass any more, by file.
    pub gone: Vec<Gone>,
    /// Number of tests by which fewer passed, where no names tell which.
    pub fewer: u64,
    /// Failures in the output although the command ended with 0.
    pub failures: u64,
    /// Runners whose summary the base printed and this run did not.
    pub silent: Vec<String>,
    /// Runners that named their tests on the base, and here only count them.
    pub nameless: Vec<String>,
}

/// Returns the commands of a run that have ended, for scripts.
#[must_use]
pub fn commands(run: &GateRun) -> Vec<CommandStatus> {
    let may_land = run.compared.as_ref().is_none_or(|compared| compared.outcome.may_land());
    let status = |result: &CommandResult| {
        let compared = compared_command(run, &result.name);
        CommandStatus {
            verdict: command_code(result, compared, may_land).word(),
            ..command_status(result, compared)
        }
    };
    run.results.iter().map(status).collect()
}

fn compared_command<'r>(run: &'r GateRun, name: &str) -> Option<&'r ComparedCommand> {
    let compared = run.compared.as_ref()?;
    compared.comparison.commands.iter().find(|command| command.name == name)
}

/// Returns the verdict of a command, given the comparison of its tests and whether the run may land by it.
fn command_code(result: &CommandResult, compared: Option<&ComparedCommand>, may_land: bool) -> VerdictCode {
    let Some(found) = compared.filter(|_| !may_land && result.verdict() == Verdict::Green) else {
        return result.code();
    };
    let has_failed = found.failures > 0 || found.gone.iter().any(|gone| gone.how == GoneHow::Failed);
    let is_mute = !found.silent.is_empty() || !found.nameless.is_empty();
    match () {
        () if has_failed => VerdictCode::Red,
        () if is_mute || found.fewer > 0 || !found.gone.is_empty() => VerdictCode::FewerTests,
        () => result.code(),
    }
}

fn command_status(result: &CommandResult, compared: Option<&ComparedCommand>) -> CommandStatus {
    CommandStatus {
        name: result.name.clone(),
        verdict: result.code().word(),
        outcome: result.outcome(),
        tests: result.tests.as_ref().map(TestsStatus::from),
        base_tests: compared.and_then(|found| found.base.as_ref()).map(TestsStatus::from),
        added: compared.map_or(0, |found| found.added),
        added_names: compared.map(|found| found.added_names.clone()).unwrap_or_default(),
        gone: compared.map(|found| found.gone.clone()).unwrap_or_default(),
        fewer: compared.map_or(0, |found| found.fewer),
        failures: compared.map_or(0, |found| found.failures),
        silent: compared.map(|found| found.silent.clone()).unwrap_or_default(),
        nameless: compared.map(|found| found.nameless.clone()).unwrap_or_default(),
    }
}

/// Returns the verdict of ended commands with their evidence. The tests were not compared yet.
#[must_use]
pub fn code_of(verdict: Verdict, results: &[CommandResult]) -> VerdictCode {
    match verdict {
        Verdict::Green if results.iter().any(|result| result.code() == VerdictCode::Green) => {
            VerdictCode::Green
        }
        Verdict::Green => VerdictCode::GreenExitOnly,
        Verdict::Red => VerdictCode::Red,
        Verdict::NotEvaluated => VerdictCode::NotEvaluated,
    }
}

/// Returns the tests of ended commands together, such as `42 tests, 1 skipped`; `None` if none reported tests.
#[must_use]
pub fn reported_tests(results: &[CommandResult]) -> Option<String> {
    sum(results.iter().filter_map(|result| result.tests.as_ref()), None)
}

/// Returns the tests of all commands of a run together, such as `42 tests (41 before)`; `None` if none reported
/// tests.
#[must_use]
pub fn totals(run: &GateRun) -> Option<String> {
    let is_reported = |tests: &&Tests| tests.source != Source::Exit;
    let reporting: Vec<(&CommandResult, &Tests)> = run
        .results
        .iter()
        .filter_map(|result| Some((result, result.tests.as_ref().filter(is_reported)?)))
        .collect();
    let bases: Option<Vec<u64>> = reporting
        .iter()
        .map(|(result, _)| Some(compared_command(run, &result.name)?.base.as_ref()?.passed))
        .collect();
    let before = bases.map(|bases| bases.iter().sum());
    sum(reporting.iter().map(|(_, tests)| *tests), before).or_else(|| none_left(run))
}

/// Returns that a run reported no tests, although the base has some; `None` if it has none.
fn none_left(run: &GateRun) -> Option<String> {
    let commands = &run.compared.as_ref()?.comparison.commands;
    let before: u64 = commands.iter().filter_map(|command| Some(command.base.as_ref()?.passed)).sum();
    (before > 0).then(|| format!("no tests ({before} before)"))
}

/// Returns the tests of commands together; `before` is the number that passed on the base.
fn sum<'t>(all: impl Iterator<Item = &'t Tests>, before: Option<u64>) -> Option<String> {
    let (mut passed, mut failed, mut skipped, mut is_reported) = (0_u64, 0_u64, 0_u64, false);
    for tests in all.filter(|tests| tests.source != Source::Exit) {
        is_reported = true;
        passed = passed.saturating_add(tests.passed);
        failed = failed.saturating_add(tests.failed);
        skipped = skipped.saturating_add(tests.skipped);
    }
    if !is_reported {
        return None;
    }
    let mut words = number(passed, "test");
    for (count, word) in [(failed, "failed"), (skipped, "skipped")] {
        if count > 0 {
            words.push_str(&format!(", {count} {word}"));
        }
    }
    let before = before.filter(|before| *before != passed);
    Some(words + &before.map(|before| format!(" ({before} before)")).unwrap_or_default())
}

/// Returns the verdict of a run and its tests, such as `green, 42 tests (41 before)`; `None` while the run has
/// no verdict.
#[must_use]
pub fn verdict(run: &GateRun) -> Option<String> {
    let code = run.code()?;
    Some(match totals(run) {
        Some(tests) => format!("{}, {tests}", code.words()),
        None => code.words().to_owned(),
    })
}

/// Returns a line for each difference of a run's tests from those on the base: `+ test_b`, `- test_a did not
/// run, in tests/a.py`. A command's name is put before them if several commands report tests.
#[must_use]
pub fn differences(run: &GateRun) -> Vec<String> {
    let Some(compared) = &run.compared else { return Vec::new() };
    let has_several = compared.comparison.commands.iter().filter(|command| reports(command)).count() > 1;
    let mut lines = Vec::new();
    for command in &compared.comparison.commands {
        let name = if has_several { format!("{}: ", command.name) } else { String::new() };
        lines.extend(notes(command).into_iter().map(|note| format!("{name}{note}")));
    }
    lines
}

/// Returns whether a command reported tests here or on the base.
fn reports(command: &ComparedCommand) -> bool {
    let has_tests = |tests: &Tests| tests.source != Source::Exit;
    has_tests(&command.tests) || command.base.as_ref().is_some_and(has_tests)
}

/// Returns a comparison in words, for one line.
#[must_use]
pub fn compared(gate: GateId, comparison: &Comparison, outcome: Outcome) -> String {
    let commands: Vec<String> =
        comparison.commands.iter().filter(|command| reports(command)).map(command).collect();
    let what = if commands.is_empty() { "no tests to compare".to_owned() } else { commands.join("; ") };
    let then = match outcome {
        Outcome::Kept => "",
        Outcome::FewerTests => ": fewer tests than before",
        Outcome::Red => ": failures, although the command ended with 0",
        Outcome::Person => ": a person decides",
    };
    format!("run {gate}: {what}{then}")
}

/// Returns the tests of a command and what differs from the base, such as
/// `tests: 13 passed (12 before; + test_sub)`.
#[must_use]
pub fn command(command: &ComparedCommand) -> String {
    let mut all = Vec::new();
    if let Some(base) = command.base.as_ref().filter(|base| base.passed != command.tests.passed) {
        all.push(format!("{} before", base.passed));
    }
    all.extend(notes(command));
    let all = if all.is_empty() { String::new() } else { format!(" ({})", all.join("; ")) };
    format!("{}: {}{all}", command.name, command.tests)
}

/// Returns what differs from the base, without the numbers.
fn notes(command: &ComparedCommand) -> Vec<String> {
    let mut notes = Vec::new();
    if command.added > 0 {
        notes.push(names("+", &command.added_names, command.added));
    }
    notes.extend(command.gone.iter().map(gone));
    if command.fewer > 0 {
        notes.push(format!("{} fewer", number(command.fewer, "test")));
    }
    if command.failures > 0 {
        notes.push(format!("{} in its output", number(command.failures, "failure")));
    }
    notes.extend(command.silent.iter().map(|runner| format!("no summary of {runner}")));
    notes.extend(command.nameless.iter().map(|runner| format!("{runner} names its tests no more")));
    notes
}

/// Returns tests that do not pass any more, in words.
#[must_use]
pub fn gone(gone: &Gone) -> String {
    // Lines of tests were taken out, and nothing says for how many tests they stood.
    if let (Some(file), 0) = (&gone.file, gone.count) {
        return format!("- tests taken out of {file}");
    }
    let file = gone.file.as_ref().map(|file| format!(", in {file}")).unwrap_or_default();
    format!("{} {}{file}", names("-", &gone.names, gone.count), gone.how.words())
}

fn number(count: u64, word: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), word)
}

fn names(sign: &str, first: &[String], count: u64) -> String {
    if first.is_empty() {
        return format!("{sign} {}", number(count, "test"));
    }
    let more = count.saturating_sub(first.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{sign} {}{more}", first.join(", "))
}

/// Returns a changed test file in one line: `changed tests/a.py (+1 -3)`, `added tests/b.py (+9)`.
#[must_use]
pub fn changed(file: &ChangedTest) -> String {
    if file.removed == 0 && file.diff.is_empty() {
        return format!("added {} (+{})", file.path, file.added);
    }
    format!("changed {} (+{} -{})", file.path, file.added, file.removed)
}

/// Returns a proof's gate in words, such as `green, 42 tests (41 before)`; `None` if it names no gate.
#[must_use]
pub fn proven(proof: &Proof) -> Option<String> {
    let gate = proof.gate.as_ref()?;
    let has_tests = |command: &&ProvenCommand| command.verdict != VerdictCode::GreenExitOnly;
    let whole = || {
        let is_exit_only = !gate.commands.iter().any(|command| has_tests(&command));
        if is_exit_only { VerdictCode::GreenExitOnly } else { VerdictCode::Green }
    };
    let code = gate.verdict.unwrap_or_else(whole);
    let tests = || {
        gate.commands
            .iter()
            .filter_map(|command| command.tests.as_ref().filter(|tests| tests.source != Source::Exit))
    };
    let bases = gate.commands.iter().filter(|command| command.tests.is_some());
    let bases: Option<Vec<u64>> =
        bases.filter(has_tests).map(|command| Some(command.base_tests.as_ref()?.passed)).collect();
    let before = bases.map(|bases| bases.iter().sum());
    Some(match sum(tests(), before) {
        Some(tests) => format!("{}, {tests}", code.words()),
        None => code.words().to_owned(),
    })
}

/// Returns a line for each difference of a proof's tests from those on the base, and for each changed test
/// file.
#[must_use]
pub fn proven_differences(proof: &Proof) -> Vec<String> {
    let mut lines = Vec::new();
    for command in proof.gate.iter().flat_map(|gate| &gate.commands) {
        if command.added > 0 {
            lines.push(names("+", &command.added_names, command.added));
        }
        lines.extend(command.gone.iter().map(gone));
        if command.fewer > 0 {
            lines.push(format!("{} fewer", number(command.fewer, "test")));
        }
    }
    lines.extend(proof.tests_changed.iter().map(changed));
    if proof.more_tests_changed > 0 {
        lines.push(format!("changed {}", number(proof.more_tests_changed, "more test file")));
    }
    lines
}

/// The gate run of a landing with its tests, for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct EvidenceStatus {
    pub run: u64,
    /// Code of the verdict: `green`, `green_exit_only` or `fewer_tests`.
    pub verdict: &'static str,
    /// The verdict and the number of tests in words.
    pub text: String,
    pub commands: Vec<CommandStatus>,
    /// Test files that the landing changes or removes, with the beginning of their diffs.
    pub tests_changed: Vec<ChangedTest>,
    /// Number of further such files.
    pub more_tests_changed: u64,
    /// The differences from the base in words: one line for each.
    pub differences: Vec<String>,
}

/// Returns the evidence of a run; `None` while it has no verdict.
#[must_use]
pub fn evidence_status(run: &GateRun) -> Option<EvidenceStatus> {
    let comparison = run.compared.as_ref().map(|compared| &compared.comparison);
    Some(EvidenceStatus {
        run: run.id.0,
        verdict: run.code()?.word(),
        text: verdict(run)?,
        commands: commands(run),
        tests_changed: comparison.map(|found| found.changed.clone()).unwrap_or_default(),
        more_tests_changed: comparison.map_or(0, |found| found.more_changed),
        differences: differences(run),
    })
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
pub(crate) mod tests;
