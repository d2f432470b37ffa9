//! A planner that is a script: each run prints the next plan that the test has written.

use std::fs;
use std::path::PathBuf;

use paddock_testkit::{Sandbox, is};
use serde_json::Value;

/// Keeps its prompt as a note, then prints `$NOTES/plan.<attempt>`, or a plan without objectives if there is
/// no such file. If `$NOTES/planner.sh` exists, it runs instead.
const PLANNER: &str = r#"
cp "$PADDOCK_PROMPT_FILE" "$NOTES/planner.$PADDOCK_SESSION.prompt"
attempt=$(sed -n 's/^Attempt: //p' "$PADDOCK_PROMPT_FILE" | head -n 1)
if [ -f "$NOTES/planner.sh" ]; then . "$NOTES/planner.sh"; exit; fi
echo "Here is the plan:"
echo '```yaml'
if [ -f "$NOTES/plan.$attempt" ]; then cat "$NOTES/plan.$attempt"; else echo 'objectives: []'; fi
echo '```'
"#;

/// Makes a project with a planner, a gate, and the given additional settings.
pub(super) fn project(place: &Sandbox, name: &str, settings: &str) -> PathBuf {
    fs::write(place.path("planner.sh"), PLANNER).unwrap();
    let (agent, planner) = (place.path("agent.sh"), place.path("planner.sh"));
    let agents = format!(
        "agents:\n  - {{id: tester, planner: false, command_template: [sh, {agent:?}]}}\n  - {{id: planner, planner: true, \
         command_template: [sh, {planner:?}]}}\nsession_defaults: {{planner_agent: planner}}\n\
         verify: [{{name: tests, run: \"sh check.sh\", timeout_minutes: 5}}]\n{settings}\n"
    );
    let repository = place.project(name, &agents);
    // The gate fails if a file of `out` is empty.
    fs::write(repository.join("check.sh"), "for f in out/*; do [ -s \"$f\" ] || exit 1; done\n").unwrap();
    fs::create_dir(repository.join("out")).unwrap();
    fs::write(repository.join("out/begin"), "x\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "A gate"]);
    repository
}

/// Writes the plan that planner run `attempt` prints. Its objectives, `(id, dependencies)`, write `out/<id>`;
/// `more` are further keys of the plan.
pub(super) fn write_plan(place: &Sandbox, attempt: u32, objectives: &[(&str, &[&str])], more: &str) {
    let mut plan = format!("reasoning: |\n  run {attempt}\n{more}objectives:\n");
    for (id, depends_on) in objectives {
        plan.push_str(&format!(
            "  - id: {id}\n    title: Make {id}\n    depends_on: {depends_on:?}\n    path_scope: [\"out/{id}\"]\n    \
             description: |\n      ```sh\n      mkdir -p out; commit out/{id}\n      over\n      ```\n"
        ));
    }
    if objectives.is_empty() {
        plan = format!("reasoning: run {attempt}\n{more}objectives: []\n");
    }
    fs::write(place.note(&format!("plan.{attempt}")), plan).unwrap();
}

/// Imports a goal with one milestone and one phase, whose text is given.
pub(super) fn small_goal(place: &Sandbox, phase: &str) {
    fs::write(
        place.path("goals.md"),
        format!("# The goal\n\n## The milestone\n\n### The phase\n\n{phase}\n"),
    )
    .unwrap();
    place.good(&["goal", "import", "goals.md"]);
}

pub(super) fn of_type<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| is(event, kind, "*")).collect()
}

/// Returns the prompts of all planner runs, in order.
pub(super) fn prompts(place: &Sandbox) -> Vec<String> {
    let name = |n: u32| place.note(&format!("planner.{n}.prompt"));
    (1..200).filter_map(|n| fs::read_to_string(name(n)).ok()).collect()
}

/// Runs until nothing can move, with no cooldown between planner runs; returns the events of this run.
pub(super) fn idle(place: &Sandbox, code: i32) -> Vec<Value> {
    let mut supervisor = place.supervisor(&["--until-idle", "--planner-cooldown", "0"]);
    assert_eq!(supervisor.end(), code, "{}", place.run(&["status"]).1);
    supervisor.events()
}
