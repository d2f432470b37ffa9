//! From an imported document to a completed goal, without a person.

use std::fs;

use paddock_testkit::{Sandbox, count, place_of};

use super::planners::{idle, of_type, project, prompts, small_goal, write_plan};

fn planned(id: &str) -> String {
    let script =
        format!("write out/{id} <<< {id}\n      commit Make {id}\n      summary completed made {id}");
    format!(
        "```plan\nobjectives:\n  - id: {id}\n    title: Make {id}\n    path_scope: [out/{id}]\n    description: |\n      \
         ```script\n      {script}\n      ```\n```\n"
    )
}

#[test]
fn a_goal_of_two_milestones_with_two_phases_each_is_completed_by_the_scripted_agent() {
    let place = Sandbox::new();
    let settings = "max_parallel_sessions: 1\n";
    let repository = project(&place, "house", settings);
    let file = place.project_file("house");
    let text = fs::read_to_string(&file).unwrap();
    let from = text.find("agents:").unwrap();
    let to = text.find("verify:").unwrap();
    // The built-in agent replaces both the test's agent and its planner.
    fs::write(&file, format!("{}agents: [{{id: scripted}}]\n{}", &text[..from], &text[to..])).unwrap();
    let check = "```checks\n- {description: it is there, check_command: cat out/roof, expected: roof}\n```\n";
    let document = format!(
        "# A house <!-- id: house -->\n\nDry and warm.\n\n## Outside\n\n### Walls\n\n{}\n### Roof\n\n{check}\n{}\n\
         ## Inside\n\n### Floor\n\n{}\n### Paint\n\nNothing is planned here.\n",
        planned("walls"),
        planned("roof"),
        planned("floor")
    );
    fs::write(place.path("goals.md"), document).unwrap();
    let said = place.good(&["goal", "import", "goals.md"]);
    assert!(said.contains("7 added") && said.contains("the active phase is walls"), "{said}");
    let events = idle(&place, 0);
    for (kind, times) in [("phase_completed", 4), ("milestone_completed", 2), ("goal_completed", 1)] {
        assert_eq!(count(&events, kind, "*"), times, "{kind}");
    }
    assert_eq!(count(&events, "phase_checks_passed", "*"), 1);
    for id in ["walls", "roof", "floor"] {
        assert_eq!(place.git(&repository, &["show", &format!("main:out/{id}")]), id);
    }
    let phases = place.json(&["phase", "list", "--json"]);
    assert!(phases.as_array().unwrap().iter().all(|phase| phase["status"] == "completed"), "{phases}");
    let planners = of_type(&events, "session_planned");
    assert!(
        planners.iter().any(|event| event["objective"].is_null()),
        "a planner's session has no objective"
    );
    let worktrees = place.git(&repository, &["worktree", "list", "--porcelain"]);
    assert!(!worktrees.contains("_planner"), "{worktrees}");
    let again = idle(&place, 0);
    assert_eq!(count(&again, "session_planned", "*"), 0, "a completed goal is not planned again");
}

#[test]
fn a_failed_check_is_in_the_next_planners_prompt_and_its_plan_mends_it() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\n");
    let checks =
        "phase_checks:\n  - {description: both are there, check_command: \"ls out; test -f out/b\"}\n";
    write_plan(&place, 1, &[("a", &[])], checks);
    write_plan(&place, 2, &[("b", &[])], "");
    small_goal(&place, "Make a and b.");
    let events = idle(&place, 0);
    let failed = place_of(&events, "phase_checks_failed", "*");
    assert_eq!(events[failed]["data"]["failed"][0]["problem"], "it ended with exit status 1");
    assert!(failed < place_of(&events, "phase_checks_passed", "*"));
    assert_eq!(count(&events, "goal_completed", "*"), 1);
    let prompts = prompts(&place);
    assert_eq!(prompts.len(), 2, "after checks that pass, no planner is asked whether anything is left");
    assert!(!prompts[0].contains("## Checks that failed"));
    for part in
        ["## Checks that failed", "both are there", "it ended with exit status 1", "    begin", "- a: Make a"]
    {
        assert!(prompts[1].contains(part), "{part:?} is not in\n{}", prompts[1]);
    }
}

#[test]
fn an_expected_text_must_be_in_a_checks_output() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\n");
    write_plan(&place, 1, &[("a", &[])], "");
    let check = "```checks\n- {description: it says so, check_command: cat out/a, expected: never}\n```\n";
    small_goal(&place, check);
    let events = idle(&place, 3);
    assert_eq!(
        count(&events, "phase_checks_failed", "*"),
        3,
        "after the plan `a`, and after two empty plans"
    );
    let held = &events[place_of(&events, "planner_held", "*")]["data"]["reason"];
    assert_eq!(held["code"], "checks_fail");
    assert!(held["text"].as_str().unwrap().contains("does not contain \"never\""), "{held}");
    assert_eq!(count(&events, "plan_applied", "*"), 3);
    let stuck = place.json(&["explain", "--json"]);
    assert_eq!(stuck[0]["reason"]["code"], "checks_fail", "{stuck}");
    // A person removes the check, which cannot pass.
    small_goal(&place, "No check.");
    place.good(&["plan"]);
    let events = idle(&place, 0);
    assert_eq!(count(&events, "goal_completed", "*"), 1);
}

#[test]
fn a_goal_without_milestones_is_planned_as_a_whole_and_completed() {
    let place = Sandbox::new();
    let repository = project(&place, "web", "");
    write_plan(&place, 1, &[("first", &[]), ("second", &["first"])], "");
    place.good(&["goal", "add", "一个 page", "-d", "It says hello", "--id", "page"]);
    let events = idle(&place, 0);
    for kind in ["phase_completed", "milestone_completed", "goal_completed"] {
        assert_eq!(count(&events, kind, "*"), 1, "{kind}");
    }
    assert!(prompts(&place)[0].contains("Phase: 一个 page"), "{}", prompts(&place)[0]);
    assert!(prompts(&place)[0].contains("It says hello"), "{}", prompts(&place)[0]);
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main:out"]), "begin\nfirst\nsecond");
}

#[test]
fn milestones_without_phases_are_completed_one_after_the_other() {
    let place = Sandbox::new();
    project(&place, "web", "");
    place.good(&["goal", "add", "Page"]);
    place.good(&["milestone", "add", "Text"]);
    place.good(&["milestone", "add", "Picture"]);
    // `plan` starts at once. Without it the planner waits, as a person may still be adding phases.
    let said = place.good(&["plan"]);
    assert!(said.contains("the planner plans the phase text of web"), "{said}");
    let events = idle(&place, 0);
    assert_eq!(count(&events, "milestone_completed", "*"), 2);
    assert_eq!(count(&events, "goal_completed", "*"), 1);
    let phases = place.json(&["phase", "list", "--json"]);
    let ids: Vec<&str> = phases.as_array().unwrap().iter().filter_map(|phase| phase["id"].as_str()).collect();
    assert_eq!(ids, ["text", "picture"]);
}

#[test]
fn a_goal_that_nobody_can_plan_says_so() {
    let place = Sandbox::new();
    place.project("web", "agents: [{id: tester, planner: false, command_template: [sh, agent.sh]}]\n");
    place.good(&["goal", "add", "Page"]);
    idle(&place, 3);
    for command in ["explain", "status", "report"] {
        let said = place.good(&[command]);
        assert!(said.contains("the goal page has no objective, and no agent may plan"), "{command}: {said}");
    }
    assert_eq!(place.json(&["explain", "--json"])[0]["reason"]["code"], "nothing_planned");
    place.good(&["goal", "complete", "page"]);
    assert!(place.good(&["explain"]).contains("everything is moving or done"));
}

#[test]
fn a_check_is_judged_by_its_own_output_where_a_set_up_runs_before_it() {
    let place = Sandbox::new();
    project(&place, "web", "max_parallel_sessions: 1\nworktree: {setup: 'echo installed'}\n");
    write_plan(&place, 1, &[("a", &[])], "");
    let check = "```checks\n- {check_command: echo one, expected: one}\n- {check_command: echo two, expected: two}\n```\n";
    small_goal(&place, check);
    let events = idle(&place, 0);
    let counts = |kind| count(&events, kind, "*");
    assert_eq!((counts("phase_checks_failed"), counts("goal_completed")), (0, 1));
}
