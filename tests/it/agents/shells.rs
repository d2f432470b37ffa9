//! Agents whose command line is passed to a shell (`shell: true`).

use std::fs;

use paddock_testkit::{Sandbox, count};

/// A pipeline as a person might write it: the prompt on standard input, and the output through `tee`.
const LINE: &str =
    "cat {prompt_file} | (cd {worktree} && sh \"$NOTES/work.sh\" {session_dir}) 2>&1 | tee \"$NOTES/out\"";

const WORK: &str = r#"
prompt=$(cat); test -n "$prompt" || exit 7
test -n "$PADDOCK_SESSION" || { echo OK; exit; }
test "$PWD" = "$PADDOCK_WORKTREE" || exit 8
if test "$PADDOCK_SESSION_KIND" = planner; then
  printf '```yaml\nobjectives:\n  - {id: planned, title: Planned, path_scope: ["p/**"], description: x}\n```\n'
  exit
fi
mkdir -p p; echo "$PADDOCK_OBJECTIVE" > "p/$PADDOCK_OBJECTIVE.txt"; git add -A; git commit -q -m work
printf -- '---SESSION_SUMMARY---\nstatus: completed\nsummary: x\n---END_SESSION_SUMMARY---\n'
"#;

#[test]
fn a_shell_agent_works_plans_and_answers_a_check() {
    let place = Sandbox::new();
    fs::write(place.note("work.sh"), WORK).unwrap();
    let lines = format!(
        "agents:\n  - {{id: piped, shell: true, planner: true, command_template: '{LINE}'}}\n\
         session_defaults: {{planner_agent: piped}}\n"
    );
    place.project("shop", &lines);
    place.good(&["agent", "check", "piped"]);
    fs::write(place.path("goals.md"), "# The goal\n\n## The milestone\n\n### The phase\n\nPlan it.\n")
        .unwrap();
    place.good(&["goal", "import", "goals.md"]);
    let mut supervisor = place.supervisor(&["--planner-cooldown", "0"]);
    supervisor.wait("objective_done", "planned");
    supervisor.signal(rustix::process::Signal::TERM);
    supervisor.end();
    let events = supervisor.events();
    assert!(count(&events, "session_ended", "planned") == 1, "one session was enough");
    let files = place.git(&place.path("shop"), &["ls-tree", "-r", "--name-only", "main"]);
    assert!(files.contains("p/planned.txt"), "{files}");
    assert!(fs::read_to_string(place.note("out")).is_ok(), "the last command of the pipeline ran");
}

#[test]
fn a_command_that_needs_a_shell_but_has_none_stops_only_its_own_project() {
    let place = Sandbox::new();
    place.project("good", "");
    place.project("bad", "");
    let file = place.project_file("bad");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().find(|line| line.starts_with("agents:")).unwrap();
    let faulty = "agents: [{id: tester, command_template: \"cat {prompt_file} | sh\"}]";
    fs::write(&file, text.replace(line, faulty)).unwrap();
    let number = fs::read_to_string(&file).unwrap().lines().position(|line| line == faulty).unwrap() + 1;
    let (code, stdout, stderr) = place.run(&["config", "validate"]);
    assert_ne!(code, 0);
    let said = stdout + &stderr;
    assert!(said.contains(&format!("bad.yaml:{number}:")) && said.contains("holds `|`"), "{said}");
    assert!(said.contains("`agents[0].command_template`") && said.contains("shell: true"), "{said}");
    place.objective("cart", "commit x; over", &["--project", "good"]);
    let supervisor = place.supervisor(&[]);
    supervisor.wait("objective_done", "cart");
    supervisor.stop();
}
