//! Checks of a project's gate: its last run, and what its commands tell of their tests.

use super::finding::{Finding, Level};
use paddock_model::evidence::Source;
use paddock_model::gate::{CommandResult, GateRun, Verdict};
use paddock_model::project::Project;
use paddock_model::settings::{GateCommand, TestReport, TestsRule};
use paddock_model::state::State;
use paddock_report::runners;
use paddock_report::status::last_passed;
use paddock_report::text::counted;

/// Returns the findings about a project's gate.
pub(super) fn check(state: &State, project: &Project, area: &str) -> Vec<Finding> {
    let mut found = vec![last_run(state, project, area)];
    let commands = &project.settings.verify;
    let results: Vec<_> = commands.iter().map(|command| last_passed(state, project, command)).collect();
    let tells = |result: &Option<(&GateRun, &CommandResult)>| {
        let tests = result.and_then(|(_, result)| result.tests.as_ref());
        tests.is_some_and(|tests| tests.source != Source::Exit)
    };
    let is_silent = !results.iter().any(tells);
    for (command, result) in commands.iter().zip(&results) {
        found.extend(command_finding(command, *result, is_silent, area));
    }
    found
}

/// Returns what a command reported of its tests, and how it can report more. `is_silent` says that no command of the
/// gate reports tests.
fn command_finding(
    command: &GateCommand,
    found: Option<(&GateRun, &CommandResult)>,
    is_silent: bool,
    area: &str,
) -> Option<Finding> {
    let name = &command.name;
    if command.tests == TestsRule::Off {
        let text = format!("gate command {name}: only its exit status counts (`tests: off`)");
        return Some(Finding::note(area, text));
    }
    let (run, result) = found?;
    // Runs of earlier builds do not say what they reported.
    let tests = result.tests.as_ref()?;
    let run = run.id;
    let more = format!("at command `{name}` in `verify`: {}", runners::advice(&command.run));
    match (tests.source, &command.report) {
        (Source::Junit | Source::Runner, _) => {
            let runners = tests.runners.join(", ");
            let by = if runners.is_empty() { String::new() } else { format!(" ({runners})") };
            let count = usize::try_from(tests.passed).unwrap_or(usize::MAX);
            let text =
                format!("gate command {name} reported {} by name{by} in run {run}", counted(count, "test"));
            Some(Finding::good(area, text))
        }
        (Source::Count, _) => {
            let text = format!(
                "gate command {name} reported how many tests ran in run {run} ({}), but not which: of a lost test only \
                 the number shows",
                tests.passed
            );
            Some(Finding { level: Level::Note, ..Finding::warning(area, text, more) })
        }
        (Source::Exit, TestReport::Junit(path)) => {
            let text = format!(
                "gate command {name} wrote no report {path} in run {run}, or one without tests: it is green by its \
                 exit status only"
            );
            let remedy = format!(
                "let the command write the report there, or correct `report` at command `{name}` in `verify`; \
                 `tests: required` makes a run without it red"
            );
            Some(Finding::warning(area, text, remedy))
        }
        // An install or a build next to tests has none to tell of.
        (Source::Exit, TestReport::Auto) if !is_silent && !runners::runs_tests(command) => None,
        (Source::Exit, TestReport::Auto) => {
            let text = format!(
                "gate command {name} reported no tests in run {run}: it is green by its exit status only, so code that \
                 ends with 0 before its tests have run would land"
            );
            Some(Finding::warning(area, text, format!("{more}; `tests: required` makes such a run red")))
        }
    }
}

fn last_run(state: &State, project: &Project, area: &str) -> Finding {
    if project.settings.verify.is_empty() {
        let remedy = "add the commands that must pass under `verify` in the project file";
        return Finding::warning(area, "has no gate: work lands unverified", remedy);
    }
    // The newest run with a verdict; a run that is under way or was cancelled says nothing.
    let last = state.gates().rev().find(|run| run.project == project.slug && run.verdict.is_some());
    let Some((run, verdict)) = last.and_then(|run| run.verdict.map(|verdict| (run, verdict))) else {
        return Finding::note(
            area,
            "its gate has never run; `paddock queue canary` runs it on an emptied tree",
        );
    };
    let id = run.id;
    match verdict {
        Verdict::Green => Finding::good(area, format!("its last gate run {id} was green")),
        Verdict::Red => Finding::note(area, format!("its last gate run {id} was red")),
        Verdict::NotEvaluated => Finding::warning(
            area,
            format!("its last gate run {id} could not be evaluated"),
            format!("read the output in runtime/gates/{id}, and run the commands by hand"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::evidence::Tests;
    use paddock_model::session::Exit;

    fn run() -> GateRun {
        serde_json::from_value(serde_json::json!({
            "id": 7, "project": "web", "commit": "1".repeat(40), "tree": "2".repeat(40), "started_ms": 0,
            "finished_ms": 1, "results": [], "verdict": "green", "cancelled": false
        }))
        .unwrap()
    }

    fn finding(command: &GateCommand, source: Source, is_silent: bool) -> Option<Finding> {
        let tests = Tests { passed: 42, source, runners: vec!["pytest".into()], ..Tests::untold() };
        let result =
            CommandResult { tests: Some(tests), ..CommandResult::new(&*command.name, Exit::Code(0)) };
        command_finding(command, Some((&run(), &result)), is_silent, "project web")
    }

    #[test]
    fn a_command_that_tells_no_tests_is_a_warning_with_whole_lines_to_write() {
        let command = GateCommand::new("check", "python3 -m pytest tests", 5);
        let found = finding(&command, Source::Exit, true).unwrap();
        let remedy = found.remedy.unwrap();
        assert_eq!(found.level, Level::Warning);
        assert!(found.text.contains("green by its exit status only"), "{}", found.text);
        assert!(remedy.contains("write `run: python3 -m pytest tests -v`"), "{remedy}");
        assert!(remedy.contains("`tests: required` makes such a run red"), "{remedy}");
    }

    #[test]
    fn a_command_that_only_counts_its_tests_is_a_note_and_names_are_good() {
        let command = GateCommand::new("check", "npx vitest run", 5);
        let counts = finding(&command, Source::Count, false).unwrap();
        assert_eq!(counts.level, Level::Note);
        assert!(counts.remedy.unwrap().contains("`run: npx vitest run --reporter=verbose`"));
        let names = finding(&command, Source::Runner, false).unwrap();
        assert_eq!(names.level, Level::Good);
        assert!(names.text.contains("reported 42 tests by name (pytest) in run 7"), "{}", names.text);
    }

    #[test]
    fn a_report_that_was_not_written_is_named() {
        let report = TestReport::Junit("build/junit.xml".into());
        let command = GateCommand { report, ..GateCommand::new("check", "make check", 5) };
        let found = finding(&command, Source::Exit, true).unwrap();
        assert!(found.text.contains("wrote no report build/junit.xml in run 7"), "{}", found.text);
    }

    #[test]
    fn an_install_beside_tests_is_not_asked_for_any() {
        let install = GateCommand::new("install", "npm ci", 5);
        assert!(finding(&install, Source::Exit, false).is_none());
        assert!(finding(&install, Source::Exit, true).is_some());
        let off = GateCommand { tests: TestsRule::Off, ..install };
        assert_eq!(finding(&off, Source::Exit, true).unwrap().level, Level::Note);
        assert!(command_finding(&GateCommand::new("t", "make", 1), None, true, "x").is_none());
    }
}
