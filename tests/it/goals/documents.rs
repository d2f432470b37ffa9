//! Importing and exporting the hierarchy as a document, and changing it by commands.

use std::fs;

use paddock_testkit::Sandbox;

use super::planners::{project, small_goal};

#[test]
fn an_import_updates_existing_nodes_and_an_export_gives_them_back() {
    let place = Sandbox::new();
    project(&place, "web", "");
    let document = "# One\n\nText.\n\n## 里程碑\n\n### First\n\n### Second\n\n```checks\n- check_command: \"true\"\n```\n";
    fs::write(place.path("goals.md"), document).unwrap();
    place.good(&["goal", "import", "goals.md"]);
    let again = place.good(&["goal", "import", "goals.md"]);
    assert!(again.contains("0 added, 0 changed"), "{again}");
    let exported = place.good(&["goal", "export"]);
    assert!(exported.contains("## 里程碑 <!-- id: li-cheng-bei -->\n"), "{exported}");
    // Another title under the same id, another order, and a new phase between.
    let changed = exported.replace("### First <!-- id: first -->", "### Premier <!-- id: first -->");
    let (head, second) = changed.split_once("### Second").unwrap();
    let (head, first) = head.split_once("### Premier").unwrap();
    let changed = format!("{head}### Second{}\n### Between\n\n### Premier{first}", second.trim_end());
    fs::write(place.path("goals.md"), &changed).unwrap();
    let said = place.good(&["goal", "import", "goals.md"]);
    assert!(said.contains("1 added, 1 changed"), "{said}");
    let phases = place.json(&["phase", "list", "--json"]);
    let titles: Vec<&str> =
        phases.as_array().unwrap().iter().map(|phase| phase["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Second", "Between", "Premier"]);
    assert_eq!(phases[2]["status"], "active", "the phase that was active stays active");
    let exported = place.good(&["goal", "export"]);
    fs::write(place.path("again.md"), &exported).unwrap();
    assert!(place.good(&["goal", "import", "again.md"]).contains("0 added, 0 changed"));
}

#[test]
fn a_document_with_a_fault_changes_nothing_and_names_the_line() {
    let place = Sandbox::new();
    project(&place, "web", "");
    fs::write(place.path("goals.md"), "# One\n### Lost\n").unwrap();
    let said = place.refused(&["goal", "import", "goals.md"], 1);
    assert!(
        said.contains("nothing was imported") && said.contains("goals.md:2:1: this phase belongs to no"),
        "{said}"
    );
    assert_eq!(place.json(&["goal", "list", "--json"]), serde_json::json!([]));
}

#[test]
fn completing_a_node_by_hand_activates_the_next_one() {
    let place = Sandbox::new();
    project(&place, "web", "");
    let document = "# One\n## A\n### A1\n### A2\n## B\n### B1\n# Two\n## C\n### C1\n";
    fs::write(place.path("goals.md"), document).unwrap();
    place.good(&["goal", "import", "goals.md"]);
    let active = || {
        let project = place.json(&["status", "--json"])["projects"][0].clone();
        ["goal", "milestone", "phase"].map(|level| project[level]["id"].as_str().unwrap_or("-").to_owned())
    };
    assert_eq!(active(), ["one", "a", "a1"]);
    place.good(&["phase", "complete", "a1"]);
    assert_eq!(active(), ["one", "a", "a2"]);
    place.good(&["milestone", "complete", "a"]);
    assert_eq!(active(), ["one", "b", "b1"]);
    place.good(&["phase", "complete", "b1"]);
    assert_eq!(active(), ["two", "c", "c1"], "the next goal begins when the one before it is complete");
    place.good(&["phase", "activate", "a2"]);
    assert_eq!(active(), ["one", "a", "a2"]);
    place.good(&["goal", "activate", "two"]);
    assert_eq!(active(), ["two", "c", "c1"], "no milestone or phase of the other goal stays active");
}

#[test]
fn a_plan_written_by_a_person_goes_to_the_active_phase_with_its_checks() {
    let place = Sandbox::new();
    project(&place, "web", "");
    small_goal(&place, "Make a.");
    let plan = "phase_checks:\n  - {description: there, check_command: test -f a}\nobjectives:\n  - {id: a, title: A}\n  \
                - {id: b, title: B}\n";
    fs::write(place.path("plan.yaml"), plan).unwrap();
    let (code, said, warned) = place.run(&["plan", "apply", "plan.yaml"]);
    assert_eq!(code, 0);
    assert!(said.contains("in the phase the-phase, which now has 1 check"), "{said}");
    assert!(
        warned.contains("warning: the scopes of a and b overlap, and neither depends on the other"),
        "{warned}"
    );
    assert!(place.good(&["goal", "export"]).contains("check_command: \"test -f a\""));
}
