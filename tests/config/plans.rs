//! Plans in the planner's format.

use paddock::config::plan_file::{PlanContext, ReadPlan, read};
use paddock::domain::ids::ObjectiveId;

fn plan(text: &str) -> Result<ReadPlan, Vec<String>> {
    let existing = [ObjectiveId::new("old").unwrap()];
    let context = PlanContext { existing: &existing, workers: &["implementer", "researcher"] };
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
fn every_fault_of_a_plan_is_said_at_once_with_its_line() {
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
    assert!(
        errors[2].contains("the objective `c` is given twice; it stands already in line 2"),
        "{errors:?}"
    );
    assert!(plan("nothing here").unwrap_err()[0].contains("holds no plan"));
    assert!(plan("objectives: []\n").unwrap().document.objectives.is_empty());
}
