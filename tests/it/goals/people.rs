//! Commands of people about plans: show, approve, reject, and ask for one.

use std::fs;

use paddock_testkit::{Sandbox, count, place_of};

use super::planners::{idle, project, prompts, small_goal, write_plan};

#[test]
fn under_manual_approval_a_plan_waits_is_shown_as_a_diff_and_is_rejected_and_approved() {
    let place = Sandbox::new();
    let repository = project(&place, "web", "planner: {approval: manual}\n");
    write_plan(&place, 1, &[("a", &[])], "");
    write_plan(&place, 2, &[("b", &[]), ("c", &["b"])], "");
    small_goal(&place, "Make something.");
    let events = idle(&place, 3);
    assert_eq!((count(&events, "plan_made", "*"), count(&events, "objective_added", "*")), (1, 0));
    assert!(place.refused(&["plan"], 1).contains("a plan waits already"));
    assert!(place.refused(&["plan", "reject", "--note", " "], 1).contains("say what is wrong"));
    place.good(&["plan", "reject", "--note", "b and c, please"]);
    assert!(place.refused(&["plan", "approve"], 1).contains("no plan waits"));
    idle(&place, 3);
    assert!(prompts(&place)[1].contains("## A person rejected your last plan\n\n- b and c, please\n"));
    let shown = place.good(&["plan", "show"]);
    assert!(
        shown.contains("+ b  Make b\n") && shown.contains("+ c  Make c\n    after   b (new)\n"),
        "{shown}"
    );
    let json = place.json(&["plan", "show", "--json"]);
    assert_eq!(json["plan"]["added"][1]["dependencies"][0], serde_json::json!({"id": "b", "status": "new"}));
    let reason = &place.json(&["explain", "--json"])[0]["reason"];
    assert_eq!(reason["code"], "plan_waits");
    // With a supervisor the command goes over the socket, as the console's does.
    let supervisor = place.supervisor(&["--planner-cooldown", "0", "--poll-seconds", "600"]);
    place.good(&["plan", "approve"]);
    // An empty plan needs approval like any other.
    supervisor.wait("plan_made", "*");
    let said = place.good(&["plan", "approve"]);
    assert!(said.contains("the phase the-phase"), "{said}");
    supervisor.wait("goal_completed", "*");
    supervisor.stop();
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main:out"]), "b\nbegin\nc");
    assert_eq!(place.json(&["goal", "list", "--json"])[0]["status"], "completed");
}

#[test]
fn a_person_can_ask_for_a_plan_despite_cooldown_and_work_in_progress() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\n");
    let said = place.refused(&["plan"], 1);
    assert!(said.contains("no phase is active"), "{said}");
    write_plan(&place, 2, &[("second", &[])], "");
    small_goal(&place, "Make things.");
    place.objective("first", "sleep 1; commit first\nover", &["--phase", "the-phase"]);
    assert!(place.good(&["plan"]).contains("as soon as a supervisor works here"));
    let mut supervisor = place.supervisor(&["--until-idle", "--planner-cooldown", "0"]);
    assert_eq!(supervisor.end(), 0);
    let events = supervisor.events();
    assert!(place_of(&events, "plan_applied", "*") < place_of(&events, "objective_done", "first"));
    assert!(place.refused(&["plan", "--dry-run"], 1).contains("no phase is active"), "the goal is completed");
}

#[test]
fn a_dry_run_prints_the_planners_prompt() {
    let place = Sandbox::new();
    let repository =
        project(&place, "web", "max_parallel_sessions: 3\nplanner: {context_files: [README.md, gone.md]}\n");
    small_goal(&place, "Make a door.\n\nOf oak.");
    place.objective("window", "over", &["--scope", "src/**"]);
    fs::write(repository.join("README.md"), "not committed\n").unwrap();
    let prompt = place.good(&["plan", "--dry-run"]);
    for part in [
        "Goal: The goal",
        "Of oak.",
        "up to 3 sessions run in parallel",
        "## README.md\n\n    hello\n",
        "- window (ready): window; changes `src/**`",
        "3 to 5 commits",
        "`implementer` (implementer)",
        "`.paddock/**`",
        "These ids are taken: window.",
    ] {
        assert!(prompt.contains(part), "{part:?} is not in\n{prompt}");
    }
    assert!(!prompt.contains("gone.md") && !prompt.contains("not committed"));
    assert_eq!(place.good(&["session", "list"]).lines().count(), 0, "nothing was started");
}

#[test]
fn a_killed_planner_waits_for_a_person() {
    let place = Sandbox::new();
    project(&place, "web", "");
    fs::write(place.note("planner.sh"), "touch $NOTES/here; sleep 600").unwrap();
    small_goal(&place, "Make a.");
    let mut supervisor = place.supervisor(&["--until-idle", "--planner-cooldown", "0"]);
    supervisor.wait("session_started", "*");
    let session = place.json(&["status", "--json"])["projects"][0]["sessions"][0].clone();
    assert_eq!((&session["kind"], &session["objective"]), (&"planner".into(), &serde_json::Value::Null));
    assert!(place.good(&["session", "kill", "1"]).contains("session 1 of the planner"));
    assert_eq!(supervisor.end(), 3);
    let events = supervisor.events();
    assert_eq!(events[place_of(&events, "planner_held", "*")]["data"]["reason"]["code"], "killed");
    assert!(place.good(&["session", "show", "1"]).contains("web (planning)"));
}
