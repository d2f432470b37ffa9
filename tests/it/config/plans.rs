//! Plans in the planner's format.

use paddock_agents::planner::{self, PlannerContext};
use paddock_config::plan_file::{PlanContext, ReadPlan, read, read_answer};
use paddock_model::ids::ObjectiveId;

fn plan(text: &str) -> Result<ReadPlan, Vec<String>> {
    let existing = [ObjectiveId::new("old").unwrap()];
    let context = PlanContext { existing: &existing, workers: &["implementer".into(), "researcher".into()] };
    read(text, "plan.yaml", &context).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn a_plan_among_prose_is_read_whole_and_a_fence_in_a_description_survives() {
    let text = "Here it is:\n\n```yaml\nreasoning: |\n  because\nphase_checks:\n  - {description: d, check_type: shell, check_command: make, expected: \"\"}\nobjectives:\n  - id: one\n    title: \"中文: yes\"\n    description: |\n      run\n      ```sh\n      make\n      ```\n      and more\n    acceptance_criteria: [\"it works\"]\n    path_scope: [\"src/**\"]\n    depends_on: [old]\n    session_budget: {max_commits: 2, max_minutes: 10}\n  - id: two\n    title: Second\n    depends_on: [one]\n    worker_id: researcher\n    priority: -3\n```\nThat is all.\n";
    let read = plan(text).unwrap();
    let one = &read.document.objectives[0];
    assert_eq!(one.title, "中文: yes");
    assert_eq!(one.description, "run\n```sh\nmake\n```\nand more\n");
    assert_eq!((one.session_budget.max_commits, one.worker_id.as_str()), (Some(2), "implementer"));
    assert_eq!(read.document.objectives[1].priority, -3);
    assert_eq!(read.document.phase_checks[0].check_command, "make");
    assert_eq!(read.lines, [9, 21]);
}

#[test]
fn a_cycle_is_printed_with_its_line() {
    let errors =
        plan("objectives:\n- id: a\n  title: A\n  depends_on: [b]\n- id: b\n  title: B\n  depends_on: [a]\n");
    let errors = errors.unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("plan.yaml:4:16: ") && errors[0].contains("a -> b -> a"), "{errors:?}");
}

#[test]
fn every_fault_of_a_plan_is_reported_at_once_with_its_line() {
    let text = "objectives:\n- id: Bad Id\n  title: A\n- id: old\n  title: B\n- id: c\n  title: C\n  depends_on: [c, nowhere, odl]\n  worker_id: implementr\n  path_scope: [\"src/[\"]\n  tilte: x\n  session_budget: {max_commits: 0}\n";
    let errors = plan(text).unwrap_err();
    let has = |line: &str, part: &str| {
        let found = errors
            .iter()
            .any(|error| error.starts_with(&format!("plan.yaml:{line}:")) && error.contains(part));
        assert!(found, "{line} {part}: {errors:#?}");
    };
    has("2", "`bad-id`");
    has("4", "already has an objective `old`");
    has("9", "did you mean `implementer`?");
    has("10", "does not compile");
    has("11", "did you mean `title`?");
    has("12", "a whole number from 1");
}

#[test]
fn dependencies_are_checked_within_the_plan_and_the_project() {
    let errors = plan("objectives:\n- id: c\n  title: C\n  depends_on: [c, odl, old]\n- id: c\n  title: D\n")
        .unwrap_err();
    assert!(errors[0].contains("`c` depends on itself"), "{errors:?}");
    assert!(errors[1].contains("unknown objective `odl`; did you mean `old`?"), "{errors:?}");
    assert!(errors[2].contains("the objective `c` is given twice; line 2 has it already"), "{errors:?}");
    assert!(plan("nothing here").unwrap_err()[0].contains("contains no plan"));
    assert!(plan("objectives: []\n").unwrap().document.objectives.is_empty());
}

const FORM: &str = "reasoning: |\n  why\nobjectives:\n  - id: short-name\n    title: \"...\"\n    path_scope: [\"src/**\"]\n";

/// Reads the answer of a planner whose prompt ends with [`FORM`]; returns the ids of its objectives, or every
/// fault.
fn said(text: &str) -> Result<Vec<String>, String> {
    let existing = [ObjectiveId::new("old").unwrap()];
    let context = PlanContext { existing: &existing, workers: &["implementer".into()] };
    let prompt =
        format!("Plan this.\n\n```plan\nobjectives: []\n```\n\n## The answer\n\n```text\n{FORM}```\n");
    let read = read_answer(text, &prompt, &context);
    let ids = |read: ReadPlan| read.document.objectives.iter().map(|one| one.id.to_string()).collect();
    read.map(ids).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn block(language: &str, body: &str) -> String {
    format!("```{language}\n{body}```\n")
}

#[test]
fn the_last_plan_of_a_planners_answer_counts() {
    let (empty, a, b) = (
        "objectives: []\n",
        "objectives:\n- {id: a, title: A}\n",
        "{\"objectives\": [{\"id\": \"b\", \"title\": \"B\"}]}\n",
    );
    let form = block("yaml", FORM);
    let (empty, a, b) = (block("yaml", empty), block("yml", a), block("json", b));
    for (text, ids) in [
        (format!("Form:\n{empty}Plan:\n{a}"), vec!["a"]),
        (format!("{form}{a}"), vec!["a"]),
        (format!("{a}as in\n{form}"), vec!["a"]),
        (format!("{a}again:\n{a}"), vec!["a"]),
        (
            format!("{a}again, and why:\n{}", a.replace("objectives:", "reasoning: so\nobjectives:")),
            vec!["a"],
        ),
        (format!("{}{b}", block("", "objectives: [...]\n")), vec!["b"]),
        (format!("{}{b}", block("yaml", "objectives:\n- {id: old, title: Done already}\n")), vec!["b"]),
        (format!("{}{empty}", block("yaml", "verify: [{run: make}]\n")), vec![]),
        (format!("{form}{empty}"), vec![]),
        ("objectives: []\n".to_owned(), vec![]),
    ] {
        assert_eq!(
            said(&text).as_deref(),
            Ok(&ids.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
            "{text}"
        );
    }
    let differ = said(&format!("{a}or\n{b}")).unwrap_err();
    assert!(
        differ.contains("plan:6:1")
            && differ.contains("2 blocks contain different `objectives`, in lines 1, 6"),
        "{differ}"
    );
    assert!(
        said(&format!("{a}{empty}")).unwrap_err().contains("differ"),
        "an empty plan does not silently replace a plan with objectives"
    );
}

#[test]
fn an_answer_without_objectives_is_no_empty_plan() {
    for (text, why) in [
        ("reasoning: all is well\nphase_checks: []\n".to_owned(), "has no `objectives`"),
        (block("yaml", "phase_checks:\n- {check_command: make}\n"), "has no `objectives`"),
        (block("yaml", "reasoning: x\nobjectives:\n"), "`objectives` has no value"),
        (block("yaml", FORM), "repeats the form of the prompt"),
        (block("text", "objectives: []\n"), "contains no plan"),
        ("Nothing is left to do.\n".to_owned(), "contains no plan"),
    ] {
        let faults = said(&text).unwrap_err();
        assert!(faults.contains(why), "{text}: {faults}");
    }
    let checks = plan("phase_checks:\n- {check_command: make}\n").unwrap();
    assert_eq!(checks.document.phase_checks.len(), 1, "a person may give the checks alone");
}

#[test]
fn the_echo_of_a_planners_prompt_is_no_plan_but_a_block_that_a_person_put_into_it_is() {
    let mut context = PlannerContext::default();
    let nobody = PlanContext { existing: &[], workers: &["implementer".into()] };
    assert!(read(&planner::render(None, &context).unwrap(), "echo", &nobody).is_err());
    context.phase.description = "Make the form.\n\n```plan\nobjectives: []\n```".to_owned();
    let text = planner::render(None, &context).unwrap();
    assert!(read(&text.replace("```plan", "```"), "echo", &nobody).is_ok());
}
