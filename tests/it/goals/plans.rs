//! Plans that fail: invalid ones, ones that land nothing, and planners that crash.

use std::fs;

use paddock_testkit::{Sandbox, count, place_of};

use super::planners::{idle, of_type, project, prompts, small_goal, write_plan};

#[test]
fn an_invalid_plan_is_sent_back_once_and_none_of_it_is_applied() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\n");
    let bad =
        "objectives:\n  - {id: a, title: A, worker_id: bob}\n  - {id: b, title: B, depends_on: [nobody]}\n";
    fs::write(place.note("plan.1"), bad).unwrap();
    write_plan(&place, 2, &[("a", &[])], "");
    small_goal(&place, "Make a.");
    let events = idle(&place, 0);
    let refused = &events[place_of(&events, "plan_refused", "*")]["data"]["faults"];
    assert!(refused[0].as_str().unwrap().contains("unknown worker \"bob\""), "{refused}");
    assert!(refused[1].as_str().unwrap().contains("unknown objective `nobody`"), "{refused}");
    let prompts = prompts(&place);
    assert!(prompts[1].contains("## Your last plan could not be used") && prompts[1].contains("\"bob\""));
    assert!(!prompts[2].contains("## Your last plan"), "a fault that was mended is not in the next prompt");
    assert_eq!((count(&events, "objective_added", "*"), count(&events, "goal_completed", "*")), (1, 1));
}

#[test]
fn after_two_invalid_plans_a_person_is_asked_and_can_write_one() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\n");
    fs::write(place.note("planner.sh"), "echo 'I would rather not.'").unwrap();
    small_goal(&place, "Make a.");
    let events = idle(&place, 3);
    assert_eq!((count(&events, "plan_refused", "*"), count(&events, "session_planned", "*")), (2, 2));
    let status = place.json(&["status", "--json"]);
    let reason = &status["projects"][0]["reasons"][0];
    assert_eq!(
        (&reason["code"], &status["projects"][0]["state"]),
        (&"plan_faulty".into(), &"waiting".into())
    );
    assert!(reason["text"].as_str().unwrap().contains("contains no plan"), "{reason}");
    write_plan(&place, 1, &[("a", &[])], "");
    fs::remove_file(place.note("planner.sh")).unwrap();
    let said = place.good(&["plan", "apply", place.note("plan.1").to_str().unwrap()]);
    assert!(said.contains("in the phase the-phase"), "{said}");
    let events = idle(&place, 0);
    assert_eq!(count(&events, "goal_completed", "*"), 1);
}

#[test]
fn three_plans_without_a_landing_wait_for_a_person() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\nrecovery: {max_retries: 0}\n");
    for attempt in 1..9 {
        let id = format!("o{attempt}");
        let plan = format!(
            "objectives:\n  - id: {id}\n    title: {id}\n    path_scope: [\"out/{id}\"]\n    description: |\n      ```sh\n      exit 1\n      ```\n"
        );
        fs::write(place.note(&format!("plan.{attempt}")), plan).unwrap();
    }
    small_goal(&place, "Make something.");
    let events = idle(&place, 3);
    assert_eq!(count(&events, "plan_applied", "*"), 3);
    assert_eq!(events[place_of(&events, "planner_held", "*")]["data"]["reason"]["code"], "plans_barren");
    let prompt = prompts(&place).pop().unwrap();
    assert!(prompt.contains("- o2 (needs_review): o2"), "{prompt}");
}

#[test]
fn a_planner_that_crashes_runs_again_after_the_cooldown_and_at_most_three_times() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\n");
    fs::write(place.note("planner.sh"), "echo broken >&2; exit 7").unwrap();
    small_goal(&place, "Make a.");
    let supervisor = place.supervisor(&["--until-idle", "--planner-cooldown", "3600"]);
    supervisor.wait("plan_missed", "*");
    // The next supervisor must respect the cooldown as well: it is in the stored events.
    drop(supervisor);
    let again = place.supervisor(&["--until-idle", "--planner-cooldown", "3600"]);
    place.good(&["status"]);
    let events_of_second = again.stop();
    assert_eq!(
        count(&events_of_second, "session_planned", "*"),
        0,
        "a planner's crash does not end the cooldown"
    );
    let shown = place.good(&["plan", "show"]);
    assert!(shown.contains("no plan waits; the planner starts at 20"), "{shown}");
    let events = idle(&place, 3);
    assert_eq!(count(&events, "plan_missed", "*"), 2);
    let held = &events[place_of(&events, "planner_held", "*")]["data"]["reason"];
    assert_eq!(held["code"], "planner_fails");
    assert!(held["text"].as_str().unwrap().contains("exit status 7"), "{held}");
}

#[test]
fn files_and_commits_of_a_planner_are_kept_but_never_land() {
    let place = Sandbox::new();
    let repository = project(&place, "web", "max_parallel_sessions: 1\n");
    let script =
        "echo mine > mine; git add mine; git commit -qm Mine; echo loose > loose; echo 'objectives: []'";
    fs::write(place.note("planner.sh"), script).unwrap();
    small_goal(&place, "Nothing.");
    let events = idle(&place, 0);
    assert_eq!(count(&events, "goal_completed", "*"), 1);
    assert_eq!(of_type(&events, "session_ended")[0]["data"]["end"], "completed");
    assert_eq!(place.git(&repository, &["show", "refs/paddock/kept/planner/1:mine"]), "mine");
    assert_eq!(place.git(&repository, &["show", "refs/paddock/salvage/planner/1:loose"]), "loose");
    let tree = place.git(&repository, &["ls-tree", "--name-only", "refs/paddock/integration/main"]);
    assert!(!tree.contains("mine"), "{tree}");
    assert!(place.good(&["salvage", "list"]).contains("planner"));
}

#[test]
fn without_a_planner_objectives_come_from_people() {
    let place = Sandbox::new();
    project(&place, "web", "");
    small_goal(&place, "Make a.");
    let mut supervisor = place.supervisor(&["--until-idle", "--no-planner"]);
    assert_eq!(supervisor.end(), 0);
    assert_eq!(count(&supervisor.events(), "session_planned", "*"), 0);
}
