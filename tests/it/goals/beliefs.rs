//! When an empty plan, a planner's "nothing to add", completes a phase, and when it does not.

use std::fs;

use paddock_testkit::{Sandbox, count, place_of};
use serde_json::Value;

use super::planners::{idle, of_type, project, prompts, small_goal, write_plan};

/// A plan with an objective that waits for the note `go` and then fails.
const FAILS_LATER: &str = "objectives:\n  - id: f1\n    title: F1\n    path_scope: [\"out/f1\"]\n    description: |\n      ```sh\n      \
                           wait_for $NOTES/go\n      exit 1\n      ```\n";

fn code_of_reason(place: &Sandbox) -> String {
    let status = place.json(&["status", "--json"]);
    status["projects"][0]["reasons"][0]["code"].as_str().unwrap_or_default().to_owned()
}

fn is_empty_plan(event: &Value) -> bool {
    event["type"] == "plan_applied" && event["data"]["objectives"] == serde_json::json!([])
}

fn is_goal_completed(place: &Sandbox) -> bool {
    place.json(&["goal", "list", "--json"])[0]["status"] == "completed"
}

#[test]
fn an_empty_plan_under_manual_approval_waits_and_once_approved_completes_the_phase() {
    let place = Sandbox::new();
    project(&place, "web", "planner: {approval: manual}\n");
    small_goal(&place, "Make something.");
    let events = idle(&place, 3);
    assert_eq!((count(&events, "plan_made", "*"), count(&events, "plan_applied", "*")), (1, 0));
    assert_eq!(code_of_reason(&place), "plan_waits");
    let status = place.good(&["status"]);
    assert!(status.contains("believes the phase the-phase done: it has nothing to add"), "{status}");
    let shown = place.good(&["plan", "show"]);
    assert!(shown.contains("nothing to add") && shown.contains("marks the phase done"), "{shown}");
    assert_eq!(place.json(&["plan", "show", "--json"])["plan"]["believes_done"], true);
    assert!(!is_goal_completed(&place));
    place.good(&["plan", "reject", "--note", "there is a door to make"]);
    let events = idle(&place, 3);
    assert_eq!((count(&events, "plan_made", "*"), count(&events, "goal_completed", "*")), (1, 0));
    assert!(prompts(&place)[1].contains("there is a door to make"));
    let said = place.good(&["plan", "approve"]);
    assert!(said.contains("the phase the-phase is taken as done"), "{said}");
    let events = idle(&place, 0);
    assert_eq!((count(&events, "session_planned", "*"), count(&events, "goal_completed", "*")), (0, 1));
}

#[test]
fn an_empty_plan_made_while_work_runs_does_not_complete_the_phase() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 2\nrecovery: {max_retries: 0}\n");
    fs::write(place.note("plan.1"), FAILS_LATER).unwrap();
    small_goal(&place, "Make f1.");
    let mut supervisor = place.supervisor(&["--until-idle", "--planner-cooldown", "0"]);
    supervisor.wait_where("an empty plan", is_empty_plan, 1);
    fs::write(place.note("go"), "").unwrap();
    assert_eq!(supervisor.end(), 3);
    place.good(&["objective", "reject", "f1", "--final", "--note", "leave it"]);
    let events = idle(&place, 3);
    assert_eq!(count(&events, "goal_completed", "*"), 0, "the plan did not see that f1 failed");
    // The next planner sees the failure and still has nothing to add. Whether the phase is done without f1 is
    // a person's decision.
    place.good(&["plan"]);
    let events = idle(&place, 3);
    assert_eq!((count(&events, "plan_made", "*"), count(&events, "goal_completed", "*")), (1, 0));
    assert!(prompts(&place).pop().unwrap().contains("- f1 (failed): F1"));
    assert_eq!(code_of_reason(&place), "plan_waits");
    let shown = place.good(&["plan", "show"]);
    assert!(shown.contains("failed or cancelled: f1"), "{shown}");
    place.good(&["plan", "approve"]);
    let events = idle(&place, 4);
    assert_eq!(
        count(&events, "goal_completed", "*"),
        1,
        "a person's approval completes the goal although f1 is not done"
    );
}

#[test]
fn a_cancelled_objective_keeps_a_phase_open_until_checks_pass() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\n");
    write_plan(&place, 1, &[("a", &[]), ("b", &["a"])], "");
    small_goal(&place, "Make a and b.");
    let supervisor = place.supervisor(&["--planner-cooldown", "0"]);
    supervisor.wait("plan_applied", "*");
    supervisor.stop();
    place.good(&["objective", "cancel", "b"]);
    let events = idle(&place, 3);
    assert_eq!((count(&events, "landed", "a"), count(&events, "goal_completed", "*")), (1, 0));
    assert_eq!(code_of_reason(&place), "plan_waits");
    place.good(&["plan", "reject", "--note", "say how to tell"]);
    write_plan(
        &place,
        u32::try_from(prompts(&place).len()).unwrap() + 1,
        &[],
        "phase_checks:\n  - {check_command: test -f out/a}\n",
    );
    let events = idle(&place, 4);
    assert!(place_of(&events, "phase_checks_passed", "*") < place_of(&events, "goal_completed", "*"));
}

#[test]
fn a_phase_is_complete_only_after_a_planner_saw_the_last_landing() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 2\n");
    let slow = "objectives:\n  - id: a\n    title: A\n    path_scope: [\"out/a\"]\n    description: |\n      ```sh\n      \
                wait_for $NOTES/go\n      mkdir -p out; commit out/a\n      over\n      ```\n";
    fs::write(place.note("plan.1"), slow).unwrap();
    small_goal(&place, "Make a.");
    let mut supervisor = place.supervisor(&["--until-idle", "--planner-cooldown", "0"]);
    supervisor.wait_where("an empty plan", is_empty_plan, 1);
    fs::write(place.note("go"), "").unwrap();
    assert_eq!(supervisor.end(), 0);
    let events = supervisor.events();
    let seen = of_type(&events, "plan_made").len();
    assert_eq!(seen, 3, "one run while `a` was in progress, and one that saw it landed");
    assert!(prompts(&place)[2].contains("## Done\n\n- a: A"), "{}", prompts(&place)[2]);
}

/// Makes the planner's answer number `attempt` consist of these blocks, `(language, text)`. Later answers are
/// empty plans.
fn say(place: &Sandbox, attempt: u32, blocks: &[(&str, &str)]) {
    let mut text = "I will answer in this form:\n".to_owned();
    for (language, block) in blocks {
        text.push_str(&format!("\n```{language}\n{block}```\n\nThe plan:\n"));
    }
    fs::write(place.note(&format!("said.{attempt}")), text).unwrap();
    let script = "if [ -f \"$NOTES/said.$attempt\" ]; then cat \"$NOTES/said.$attempt\"; else echo 'objectives: []'; fi";
    fs::write(place.note("planner.sh"), script).unwrap();
}

const EMPTY: &str = "reasoning: |\n  why\nphase_checks: []\nobjectives: []\n";

fn one(id: &str) -> String {
    format!(
        "reasoning: it is missing\nobjectives:\n  - id: {id}\n    title: Make {id}\n    path_scope: [\"out/{id}\"]\n    description: |\n      \
         ```sh\n      mkdir -p out; commit out/{id}\n      over\n      ```\n"
    )
}

#[test]
fn an_empty_form_before_the_plan_is_ignored() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\n");
    say(&place, 1, &[("yaml", EMPTY), ("yaml", &one("a"))]);
    small_goal(&place, "Make a.");
    let events = idle(&place, 0);
    assert_eq!((count(&events, "plan_refused", "*"), count(&events, "landed", "a")), (0, 1));
    assert_eq!(count(&events, "goal_completed", "*"), 1);
}

#[test]
fn different_plans_in_one_answer_are_refused_with_their_lines() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\n");
    say(&place, 1, &[("yaml", &one("a")), ("json", "{\"objectives\": []}\n")]);
    say(&place, 2, &[("", &one("b"))]);
    small_goal(&place, "Make b.");
    let events = idle(&place, 0);
    let refused: &Value = &events[place_of(&events, "plan_refused", "*")]["data"]["faults"][0];
    let text = refused.as_str().unwrap();
    assert!(text.contains("2 blocks contain different `objectives`, in lines 3, 18"), "{text}");
    assert!(prompts(&place)[1].contains(text), "{}", prompts(&place)[1]);
    assert_eq!((count(&events, "landed", "b"), count(&events, "landed", "a")), (1, 0));
}
