//! Commands in a repository's own file: the person's agreement to them, and changes of the file by work.

use std::fs;
use std::path::PathBuf;

use paddock_testkit::{Sandbox, count};

const GATE: &str = "verify: [{name: own, run: \"touch $NOTES/first\"}]";
const OTHER: &str = "verify: [{name: own, run: \"touch $NOTES/second\"}]";

/// Makes a project whose gate is in the repository's own file and agreed to.
fn shared(place: &Sandbox) -> PathBuf {
    let repository = place.repository("shared");
    fs::create_dir(repository.join(".paddock")).unwrap();
    fs::write(repository.join(".paddock/project.yaml"), format!("{GATE}\n")).unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "The gate"]);
    place.good(&["project", "add", repository.to_str().unwrap(), "--yes"]);
    let file = place.project_file("shared");
    let agent = place.path("agent.sh");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\nagents: [{{id: tester, command_template: [sh, {agent:?}]}}]\n"))
        .unwrap();
    repository
}

fn script() -> String {
    format!("commit .paddock/project.yaml '{OTHER}'\nover")
}

#[test]
fn a_landing_whose_scope_names_the_repositorys_own_file_renews_the_agreement() {
    let place = Sandbox::new();
    shared(&place);
    let named = ["--scope", ".paddock/project.yaml", "--worker", "integrator"];
    place.objective("gate", &script(), &named);
    place.idle(0);
    assert!(
        place.note("first").exists() && !place.note("second").exists(),
        "the landing is judged by the old gate"
    );
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(0);
    assert_eq!(count(&events, "landed", "work"), 1);
    assert!(place.note("second").exists(), "after the landing the new gate runs");
    let all = place.good(&["events", "--json", "--type", "project_trusted"]);
    let trusted: serde_json::Value = serde_json::from_str(all.lines().last().unwrap()).unwrap();
    assert!(trusted["data"]["landing"].is_string(), "{trusted}");
}

#[test]
fn a_change_of_the_file_by_hand_holds_the_project_until_a_person_agrees() {
    let place = Sandbox::new();
    let repository = shared(&place);
    place.objective("work", "commit work.txt\nover", &[]);
    place.idle(0);
    fs::write(repository.join(".paddock/project.yaml"), format!("{OTHER}\n")).unwrap();
    place.git(&repository, &["commit", "--quiet", "--all", "--message", "Another gate"]);
    place.objective("more", "commit more.txt\nover", &[]);
    place.idle(3);
    let held = place.good(&["events", "--json", "--type", "project_held"]);
    assert!(held.contains("project trust shared"), "{held}");
    assert!(place.good(&["explain", "more"]).contains("you have not agreed to"));
    assert!(!place.note("second").exists());
    place.good(&["project", "trust", "shared"]);
    assert_eq!(count(&place.idle(0), "landed", "more"), 1);
    assert!(place.note("second").exists());
}
