//! Reads `verify`, the commands of the gate.

use super::error::Place;
use super::read::Read;
use super::reader::{Section, meant};
use super::settings_table::{self as keys, Setting};
use super::yaml::{Node, Value};
use paddock_model::settings::{GateCommand, TestReport, TestsRule};

/// Begin of the value of `report` that names a JUnit report.
const JUNIT: &str = "junit:";

/// What is wrong with the path of a report, and a correction.
type Fault = (String, String);

/// Reads the gate's commands; `None` if the file does not give the key.
pub(super) fn read_verify(file: &Section<'_>) -> Option<Vec<GateCommand>> {
    let sections = file.sections(&keys::VERIFY)?;
    let mut commands: Vec<GateCommand> = Vec::new();
    for section in &sections {
        let name = section.required(&keys::VERIFY_NAME);
        let run = section.required(&keys::VERIFY_RUN);
        let (timeout_minutes, timeout_seconds) = time_limit(section);
        let report = section.value(&keys::VERIFY_REPORT);
        let tests = section.value(&keys::VERIFY_TESTS);
        let min_tests = section.given(&keys::VERIFY_MIN_TESTS);
        let isolated = section.value(&keys::VERIFY_ISOLATED);
        section.finish();
        if tests == TestsRule::Off {
            contradictions(section, &report, min_tests);
        }
        // The missing key is a fault already.
        let (Some(name), Some(run)) = (name, run) else { continue };
        // Verdicts, logs and proofs name a command by its name.
        if commands.iter().any(|command| command.name == name) {
            let place = section.place_of(&keys::VERIFY_NAME);
            let problem = format!("two gate commands are named `{name}`");
            section.fault("name", place, problem, Some("give each a name of its own".to_owned()));
        }
        let command = GateCommand::new(name, run, timeout_minutes);
        commands.push(GateCommand { timeout_seconds, report, tests, min_tests, isolated, ..command });
    }
    Some(commands)
}

/// Adds a fault for each key that asks for what `tests: off` leaves out.
fn contradictions(section: &Section<'_>, report: &TestReport, min_tests: Option<u64>) {
    let fault = |key: &'static str, place: Place| {
        let problem = format!(
            "`{}` asks for the command's tests, but its `tests: off` leaves them out",
            section.key(key)
        );
        let right = format!("remove `{key}`, or write `tests: auto` or `tests: required`");
        section.fault(key, place, problem, Some(right));
    };
    if *report != TestReport::Auto {
        fault(keys::VERIFY_REPORT.name(), section.place_of(&keys::VERIFY_REPORT));
    }
    if min_tests.is_some() {
        fault(keys::VERIFY_MIN_TESTS.name(), section.place_of(&keys::VERIFY_MIN_TESTS));
    }
}

/// Returns a time limit as whole minutes and remaining seconds. A fraction of a second is rounded up.
fn time_limit(section: &Section<'_>) -> (u32, u32) {
    // Two years: larger values would overflow, and mean "no limit" anyway.
    const MINUTES_MAX: f64 = 1e6;
    let minutes = section.value(&keys::VERIFY_TIMEOUT);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 6e7")]
    let seconds = (minutes.min(MINUTES_MAX) * 60.0).ceil() as u32;
    (seconds / 60, seconds % 60)
}

impl Read for TestReport {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        let Value::Text(text) = &node.value else {
            section.wrong(setting.name(), node, &setting.kind.expected());
            return None;
        };
        if text == "auto" {
            return Some(Self::Auto);
        }
        let Some(path) = text.strip_prefix(JUNIT) else {
            let problem = format!("`{}` cannot be {text:?}", section.key(setting.name()));
            section.fault(setting.name(), node.place, problem, Some(instead_of(text)));
            return None;
        };
        if let Some((what, right)) = path_fault(path) {
            let problem = format!("`{}`: the report's path {path:?} {what}", section.key(setting.name()));
            section.fault(setting.name(), node.place, problem, Some(right));
        }
        Some(Self::Junit(path.to_owned()))
    }
}

/// Returns a correction for a text that is neither `auto` nor begins with `junit:`.
fn instead_of(text: &str) -> String {
    let is_file = text.contains('/') || text.to_ascii_lowercase().ends_with(".xml");
    match text.trim() {
        path if is_file => format!("write `junit:{path}`"),
        "junit" | "xml" => "name the file, like `junit:build/junit.xml`".to_owned(),
        word => match meant(word, &["auto"]) {
            near if near.starts_with("did you mean") => near,
            _ => "write `auto`, or name a JUnit report, like `junit:build/junit.xml`".to_owned(),
        },
    }
}

/// Returns what is wrong with the path of a report; `None` if nothing is.
fn path_fault(path: &str) -> Option<Fault> {
    let say = |what: &str, right: String| Some((what.to_owned(), right));
    let like = || "name a file in the repository's folder, like `junit:build/junit.xml`".to_owned();
    if path.trim().is_empty() {
        return say("is empty", like());
    }
    if path.trim() != path {
        return say("begins or ends with a blank", format!("write `junit:{}`", path.trim()));
    }
    if path.starts_with('/') {
        return say("is absolute", "paths are relative to the repository's root".to_owned());
    }
    if path.starts_with('~') || path.contains('$') {
        return say("holds what only a shell understands", like());
    }
    if path.contains('\\') {
        return say("holds a backslash", "separate folders by `/`".to_owned());
    }
    if path.chars().any(char::is_control) {
        return say("holds a control character", "write the file's name as it is on disk".to_owned());
    }
    if path.contains("**") {
        let right = "`*` matches within a name, so write one `*` for each folder".to_owned();
        return say("holds `**`", right);
    }
    if path.contains(['?', '[', '{']) {
        return say("holds a sign that is not matched", "only `*` stands for other characters".to_owned());
    }
    let parts: Vec<&str> = path.split('/').collect();
    if parts.contains(&"..") {
        return say(
            "leaves the repository",
            "a report lies in the repository's folder, without `..`".to_owned(),
        );
    }
    if path.ends_with('/') {
        return say("names a folder", format!("name its files, like `junit:{path}*.xml`"));
    }
    if parts.iter().any(|part| part.is_empty() || *part == ".") {
        let named: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty() && *part != ".").collect();
        let right = if named.is_empty() { like() } else { format!("write `junit:{}`", named.join("/")) };
        return say("has a part that names no folder", right);
    }
    // A file system may take `.GIT` for the same name.
    if parts.iter().any(|part| part.eq_ignore_ascii_case(".git")) {
        return say("is git's own", like());
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::project_file::parse;
    use crate::resolve::Surroundings;
    use crate::write::{NewProject, to_yaml};
    use paddock_model::ids::ProjectSlug;

    const LEAST: &str = "slug: x\nname: X\nrepo_root: ../r\nworktrees_root: /wt\n";
    const COMMAND: &str = "verify:\n  - name: t\n    run: make\n";

    fn read(text: &str) -> Result<Vec<GateCommand>, Vec<String>> {
        let file = parse(text.as_bytes(), "projects/x.yaml", None, Path::new("/ws"), None);
        let file = file.map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let around =
            Surroundings { head_branch: "main", repository_file: None, agreed: None, on_path: &|_| false };
        Ok(file.resolve(&around).unwrap().settings.verify)
    }

    fn with(more: &str) -> Result<Vec<GateCommand>, Vec<String>> {
        read(&format!("{LEAST}{COMMAND}{more}"))
    }

    #[test]
    fn a_command_says_where_its_tests_are_told_and_what_follows_from_them() {
        let plain = with("").unwrap().remove(0);
        assert_eq!(plain, GateCommand::new("t", "make", 20));
        let all =
            "    report: junit:out/TEST-*.xml\n    tests: required\n    min_tests: 40\n    isolated: true\n";
        let found = with(all).unwrap().remove(0);
        assert_eq!(found.report, TestReport::Junit("out/TEST-*.xml".into()));
        assert_eq!((found.tests, found.min_tests, found.isolated), (TestsRule::Required, Some(40), true));
        let off = with("    tests: off\n    report: auto\n").unwrap().remove(0);
        assert_eq!(off.tests, TestsRule::Off);
    }

    #[test]
    fn a_report_that_cannot_be_read_is_a_fault_with_its_place_and_a_correction() {
        for (value, what, right) in [
            ("junit:", "is empty", "like `junit:build/junit.xml`"),
            ("junit: ", "is empty", "like `junit:build/junit.xml`"),
            ("junit: a.xml", "begins or ends with a blank", "write `junit:a.xml`"),
            ("junit:/tmp/a.xml", "is absolute", "relative to the repository's root"),
            ("junit:../a.xml", "leaves the repository", "without `..`"),
            ("junit:a/../../b.xml", "leaves the repository", "without `..`"),
            ("junit:~/a.xml", "only a shell understands", "in the repository's folder"),
            ("junit:$OUT/a.xml", "only a shell understands", "in the repository's folder"),
            ("junit:./a.xml", "names no folder", "write `junit:a.xml`"),
            ("junit:a//b.xml", "names no folder", "write `junit:a/b.xml`"),
            ("junit:.", "names no folder", "like `junit:build/junit.xml`"),
            ("junit:target/surefire-reports/", "names a folder", "`junit:target/surefire-reports/*.xml`"),
            ("junit:**/TEST-*.xml", "holds `**`", "one `*` for each folder"),
            ("junit:a?.xml", "a sign that is not matched", "only `*`"),
            ("junit:.git/a.xml", "is git's own", "in the repository's folder"),
            ("junit:a\\\\b.xml", "holds a backslash", "separate folders by `/`"),
            ("build/junit.xml", "cannot be", "write `junit:build/junit.xml`"),
            ("junit", "cannot be", "name the file, like `junit:build/junit.xml`"),
            ("autp", "cannot be", "did you mean `auto`?"),
            ("tap", "cannot be", "write `auto`, or name a JUnit report"),
        ] {
            let faults = with(&format!("    report: \"{value}\"\n")).unwrap_err();
            assert_eq!(faults.len(), 1, "{value:?}: {faults:?}");
            let is_it = faults[0].starts_with("projects/x.yaml:8:13: ") && faults[0].contains(what);
            let names = faults[0].contains("`verify[0].report`") && faults[0].contains(right);
            assert!(is_it && names, "{value:?}: {}", faults[0]);
        }
    }

    #[test]
    fn a_number_of_tests_below_one_and_an_unknown_rule_are_faults() {
        for value in ["0", "-3", "1.5", "many"] {
            let faults = with(&format!("    min_tests: {value}\n")).unwrap_err();
            let is_it = faults.len() == 1 && faults[0].starts_with("projects/x.yaml:8:16: ");
            assert!(
                is_it && faults[0].contains("`verify[0].min_tests` must be a whole number from 1"),
                "{faults:?}"
            );
        }
        let faults = with("    tests: requird\n    isolated: always\n").unwrap_err();
        assert!(faults[0].starts_with("projects/x.yaml:8:12: "), "{faults:?}");
        assert!(faults[0].contains("did you mean `required`?"), "{faults:?}");
        assert!(faults[1].contains("`verify[0].isolated` must be true or false"), "{faults:?}");
        let far = read(&format!("{LEAST}isolated: true\n")).unwrap_err();
        assert!(far[0].contains("unknown key `isolated`"), "{far:?}");
        let nothing = read(&format!("{LEAST}verify:\n  - isolated: true\n")).unwrap_err();
        assert!(nothing.iter().any(|fault| fault.contains("`verify[0].run` is missing")), "{nothing:?}");
    }

    #[test]
    fn a_command_whose_tests_are_left_out_asks_nothing_of_them() {
        let faults = with("    tests: off\n    min_tests: 3\n    report: junit:a.xml\n").unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
        for (fault, key) in faults.iter().zip(["min_tests", "report"]) {
            let is_it = fault.contains(&format!("`verify[0].{key}` asks for the command's tests"));
            assert!(is_it && fault.contains(&format!("remove `{key}`, or write `tests: auto`")), "{fault}");
        }
        assert!(faults[0].starts_with("projects/x.yaml:9:16: "), "{faults:?}");
    }

    #[test]
    fn a_written_file_is_read_back_the_same_and_says_what_isolated_means() {
        let full = GateCommand {
            report: TestReport::Junit("out/a \"b\".xml".into()),
            tests: TestsRule::Required,
            min_tests: Some(7),
            isolated: true,
            ..GateCommand::new("t", "make", 20)
        };
        let off = GateCommand { tests: TestsRule::Off, ..GateCommand::new("lint", "make lint", 3) };
        let project = NewProject {
            slug: ProjectSlug::new("x").unwrap(),
            name: "X".into(),
            repo_root: "/r".into(),
            worktrees_root: "/wt".into(),
            target_branch: None,
            verify: vec![full, off, GateCommand::new("plain", "true", 1)],
        };
        let text = to_yaml(&project);
        assert_eq!(read(&text).unwrap(), project.verify, "{text}");
        assert!(text.contains("    # Work also has to pass with the test files as they were"), "{text}");
        assert!(text.ends_with("name: \"plain\"\n    run: \"true\"\n    timeout_minutes: 1\n"), "{text}");
    }
}
