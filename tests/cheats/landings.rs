//! What Paddock does with the cases: one supervisor for all cases of a runner, one project for each case.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use paddock_testkit::{Sandbox, Supervisor, count};
use serde_json::Value;

use super::case::{Case, Expected, cases_of};
use super::recordings;
use super::repository::make;
use super::tools::{provide, with_tools};

/// An agent that takes the branch that the case has for it.
const AGENT: &str = "git merge --quiet --ff-only refs/heads/work\n\
    printf '%s\\n' ---SESSION_SUMMARY--- 'status: completed' 'summary: done' ---END_SESSION_SUMMARY---\n";

/// What happened to a branch.
struct Outcome {
    has_landed: bool,
    status: String,
    /// The proof of a landing; without one, why the objective waits and what clears it.
    said: String,
}

fn register(place: &Sandbox, case: &Case) {
    let repository = place.path(&case.name);
    make(case, &repository);
    recordings::install(case, &repository);
    let retries = i32::from(case.is_repeated());
    let mut settings = format!(
        "recovery: {{max_retries: 0}}\nqueue: {{flaky_retries: {retries}}}\ndisk: {{min_free_gb: 0}}\nverify:\n"
    );
    for (at, run) in case.gate.iter().enumerate() {
        let own = case.settings.iter().find(|line| line.starts_with("gate ")).map_or("", |line| &line[5..]);
        writeln!(settings, "  - {{name: tests{at}, run: {run:?}{own}}}").unwrap();
    }
    place.add(&case.name, &settings);
    let mut words = vec!["--project", &case.name, "objective", "add", "--id", &case.name, "--title", "Work"];
    words.extend(case.scope.iter().flat_map(|glob| ["--scope", glob]));
    words.extend(case.criteria.iter().flat_map(|text| ["--criteria", text]));
    place.good(&words);
}

/// Returns what happened to each case.
fn outcomes(place: &Sandbox, cases: &[Case]) -> Vec<Outcome> {
    let status = place.json(&["status", "--json", "--all"]);
    let projects = status["projects"].as_array().unwrap();
    let rows = projects.iter().flat_map(|project| project["objectives"].as_array().unwrap());
    let rows: BTreeMap<&str, &Value> = rows.map(|row| (row["id"].as_str().unwrap(), row)).collect();
    let outcome = |case: &Case| {
        let repository = git2::Repository::open_bare(place.path(&case.name)).unwrap();
        let tip = |branch: &str| repository.find_reference(&format!("refs/heads/{branch}")).unwrap();
        let tree = |branch: &str| tip(branch).peel_to_tree().unwrap().id();
        let has_landed = tree("main") == tree("work");
        let row = rows[case.name.as_str()];
        let text = |key: &str| row["reason"][key].as_str().unwrap_or_default();
        let said = match has_landed {
            true => {
                let main = tip("main").peel_to_commit().unwrap().id();
                repository.find_note(Some("refs/notes/paddock"), main).unwrap().message().unwrap().to_owned()
            }
            false => format!("{}: {}\n    clears: {}", text("code"), text("text"), text("clears")),
        };
        Outcome { has_landed, status: row["status"].as_str().unwrap().to_owned(), said }
    };
    cases.iter().map(outcome).collect()
}

/// Returns what is wrong with an outcome.
fn fault(case: &Case, outcome: &Outcome) -> Option<String> {
    let is_right = match case.expected {
        Expected::Held | Expected::Person => !outcome.has_landed && outcome.status == "needs_review",
        Expected::Lands | Expected::Shown => outcome.has_landed,
        Expected::Any => true,
    };
    let mut silent: Vec<&str> = case.says.iter().map(String::as_str).collect();
    if case.expected == Expected::Shown {
        silent.extend(case.base.differing(&case.changed).into_iter().filter(|path| path.contains("test")));
    }
    silent.retain(|words| !outcome.said.contains(words));
    (!is_right || !silent.is_empty()).then(|| {
        let (wanted, status, landed) = (case.expected, &outcome.status, outcome.has_landed);
        // What a proof says matters only where it has to show something.
        let said = if outcome.has_landed && silent.is_empty() { "" } else { &outcome.said };
        format!(
            "{} ({}): wanted {wanted:?}, is {status}, landed: {landed}; not said: {silent:?}\n{}",
            case.name, case.kind, said
        )
    })
}

/// Prints how many cases of each kind ended as wanted.
fn print_table(runner: &str, cases: &[Case], faults: &[Option<String>]) {
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (case, fault) in cases.iter().zip(faults) {
        let (wanted, reached) = kinds.entry(&case.kind).or_default();
        *wanted += usize::from(case.expected != Expected::Any);
        *reached += usize::from(case.expected != Expected::Any && fault.is_none());
    }
    for (kind, (wanted, reached)) in kinds {
        println!("{runner:10} {kind:30} wanted {wanted:3}  reached {reached:3}");
    }
}

/// Runs the cases of a runner.
pub(crate) fn run(runner: &str) {
    let place = Sandbox::new();
    fs::write(place.path("agent.sh"), AGENT).unwrap();
    let cases = provide(&place, cases_of(runner));
    for case in &cases {
        register(&place, case);
    }
    let mut command = place.paddock(&["run", "--no-tui", "--no-planner", "--json", "--until-idle"]);
    let mut supervisor = Supervisor::start(with_tools(&place, &mut command));
    let (code, events) = supervisor.finish();
    assert!([0, 3].contains(&code), "{}", place.run(&["status"]).1);
    let idle = cases.iter().filter(|case| count(&events, "session_ended", &case.name) == 0);
    let mut wrong: Vec<String> = idle.map(|case| format!("{}: no session ended", case.name)).collect();
    let outcomes = outcomes(&place, &cases);
    for (case, outcome) in cases.iter().zip(&outcomes).filter(|(_, outcome)| !outcome.has_landed) {
        println!("{}, {}: {}", case.name, outcome.status, outcome.said);
    }
    let faults: Vec<Option<String>> =
        cases.iter().zip(&outcomes).map(|(case, outcome)| fault(case, outcome)).collect();
    print_table(runner, &cases, &faults);
    wrong.extend(faults.into_iter().flatten());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
