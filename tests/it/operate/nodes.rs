//! Commands about goals, milestones and phases.

use std::fs;

use paddock_testkit::Sandbox;

#[test]
fn one_node_of_each_level_is_active_and_prompts_name_an_objectives_nodes() {
    let place = Sandbox::new();
    place.project("nodes", "planner: {agent: none}");
    let said = place.good(&["goal", "add", "A safe shop", "-d", "Nobody loses money"]);
    assert!(said.contains("a-safe-shop") && said.contains("active"), "{said}");
    place.good(&["milestone", "add", "Payments work"]);
    place.good(&["phase", "add", "The form", "--milestone", "payments-work"]);
    place.good(&["phase", "add", "The bank"]);
    let said = place.refused(&["objective", "add", "--title", "x", "--phase", "nothing"], 1);
    assert!(said.contains("there is no phase nothing") && said.contains("the-form"), "{said}");
    assert!(
        place.refused(&["milestone", "add", "Other", "--goal", "none"], 1).contains("there is no goal none")
    );
    assert!(place.refused(&["phase", "activate", "the-form"], 1).contains("active already"));
    place.good(&["phase", "activate", "the-bank"]);
    let project = &place.json(&["status", "--json"])["projects"][0];
    assert_eq!(
        (&project["goal"]["id"], &project["goal"]["title"]),
        (&"a-safe-shop".into(), &"A safe shop".into())
    );
    assert_eq!(project["milestone"]["parent"], "a-safe-shop");
    assert_eq!(project["phase"]["id"], "the-bank");
    let phases = place.json(&["phase", "list", "--json"]);
    assert_eq!((&phases[0]["status"], &phases[1]["status"]), (&"planned".into(), &"active".into()));
    place.objective("pay", "commit pay.txt\nover", &["--phase", "the-form"]);
    place.idle(3);
    let prompt = fs::read_to_string(place.note("nodes.pay.1.prompt")).unwrap();
    for part in ["A safe shop: Nobody loses money", "Payments work", "The form"] {
        assert!(prompt.contains(part), "{part} is not in {prompt}");
    }
    place.good(&["goal", "complete", "a-safe-shop"]);
    let completed = place.good(&["events", "--json", "--type", "goal_completed"]);
    assert_eq!(completed.lines().count(), 1, "{completed}");
    assert_eq!(place.json(&["status", "--json"])["projects"][0]["goal"], serde_json::json!({}));
    place.good(&["goal", "edit", "a-safe-shop", "--title", "A safer shop"]);
    assert!(place.good(&["goal", "list"]).contains("A safer shop"));
    // Deleted ones are gone from every list; their objectives stay.
    let shown = place.json(&["phase", "show", "the-form", "--json"]);
    assert_eq!((&shown["objectives"][0], &shown["id"]), (&"pay".into(), &"the-form".into()));
    assert!(place.good(&["goal", "show", "a-safe-shop"]).contains("payments-work"));
    let said = place.good(&["goal", "delete", "a-safe-shop"]);
    assert!(
        said.contains("with milestone payments-work, phase the-form, phase the-bank; 1 objective stays"),
        "{said}"
    );
    assert_eq!(place.json(&["phase", "list", "--json"]), serde_json::json!([]));
    assert!(place.refused(&["goal", "show", "a-safe-shop"], 1).contains("there is no goal a-safe-shop"));
    assert_eq!(place.good(&["events", "--json", "--type", "aim_deleted"]).lines().count(), 4);
}
