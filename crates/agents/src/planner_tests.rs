use super::super::prompt::EMBEDDED;
use super::*;

fn built_in() -> &'static str {
    EMBEDDED.iter().find(|(name, _)| *name == TEMPLATE).unwrap().1
}

#[test]
fn the_planners_prompt_shows_every_variable_and_its_echo_is_no_plan() {
    let mut context = sample();
    context.phase.description = "Make the form.\n\n```plan\nobjectives: []\n```".to_owned();
    context.faults = vec!["plan:3: unknown worker \"bob\"".to_owned()];
    context.notes = vec!["smaller steps".to_owned()];
    context.failed_checks[0].output = "line one\nline two".to_owned();
    let text = render(None, &context).unwrap();
    for part in [
        "- plan:3: unknown worker \"bob\"\n",
        "- smaller steps\n",
        "Make the form.",
        "    line one\n    line two",
        "5 commits and 30 minutes",
        "Session: planner\nAttempt: 1\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(built_in().lines().count() < 130);
    let echoed = format!("user\n{text}\ncodex\nHere:\n```yaml\nobjectives: []\n```\n");
    assert_eq!(without_echo(&echoed, &text), "user\n\n\ncodex\nHere:\n```yaml\nobjectives: []\n```\n");
}

#[test]
fn an_absent_variable_leaves_no_trace_in_the_planners_prompt() {
    let text = render(None, &PlannerContext::default()).unwrap();
    for part in [
        "undefined",
        "Goal:",
        "## Done",
        "## Failed",
        "## In progress",
        "A person rejected",
        "faults",
        "\n\n\n",
    ] {
        assert!(!text.contains(part), "{part:?} is in\n{text}");
    }
}

#[test]
fn a_session_variable_is_unknown_to_the_planners_template() {
    let error = prompt::check(TEMPLATE, "{{ objective.title }}").unwrap_err().to_string();
    assert!(error.contains("objective.title") && error.contains("context_files"), "{error}");
}
