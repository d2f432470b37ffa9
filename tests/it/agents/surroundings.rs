//! Variables and working folders that agents, set-ups, gates and notifications inherit from the shell in
//! which Paddock was started.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use paddock_testkit::{Sandbox, Supervisor};
use serde_json::Value;

/// Markers that an agent sets for the commands it runs, among them Paddock, and a stale `OLDPWD`. A child
/// that inherits a marker believes that it runs inside that agent.
const OUTER: [(&str, &str); 9] = [
    ("CLAUDECODE", "1"),
    ("CLAUDE_CODE_ENTRYPOINT", "cli"),
    ("CLAUDE_CODE_SESSION_ACCESS_TOKEN", "outer"),
    ("CLAUDE_CODE_SSE_PORT", "4711"),
    ("CODEX_SANDBOX", "seatbelt"),
    ("GEMINI_CLI", "1"),
    ("OPENCODE", "1"),
    ("AGENT", "1"),
    ("OLDPWD", "/"),
];
/// Logins and settings of agents, which children must inherit.
const KEPT: [(&str, &str); 4] = [
    ("ANTHROPIC_API_KEY", "key"),
    ("CLAUDE_CODE_USE_BEDROCK", "1"),
    ("CLAUDE_CONFIG_DIR", "/config"),
    ("CODEX_HOME", "/codex"),
];

/// Writes its environment, and what `pwd` prints. awk lists the variables because a shell would correct
/// `PWD`.
const WRITER: &str = r#"name=$1; shift
awk 'BEGIN { for (n in ENVIRON) print n "=" ENVIRON[n] }' > "$NOTES/$name.env"
pwd > "$NOTES/$name.pwd"
"#;

/// Makes a project whose worktrees lie behind a symbolic link, so that each folder has two names.
fn linked(place: &Sandbox, lines: &str) {
    let repository = place.project("shop", lines);
    fs::create_dir(place.path("far away")).unwrap();
    std::os::unix::fs::symlink(place.path("far away"), place.path("linked")).unwrap();
    fs::write(place.path("write.sh"), WRITER).unwrap();
    let file = place.project_file("shop");
    let text = fs::read_to_string(&file).unwrap();
    let is_root = |line: &&str| line.starts_with("worktrees_root:");
    let line = text.lines().find(is_root).unwrap().to_owned();
    let linked = format!("worktrees_root: {:?}", place.path("linked"));
    fs::write(&file, text.replace(&line, &linked)).unwrap();
    assert!(repository.is_dir());
}

/// Runs until nothing can move, started in the repository with the variables above.
fn run(place: &Sandbox) -> (i32, Vec<Value>) {
    let mut command = place.paddock(&["run", "--no-tui", "--json", "--until-idle"]);
    command.envs(OUTER).envs(KEPT).env("PWD", place.path("shop")).current_dir(place.path("shop"));
    let mut supervisor = Supervisor::start(&mut command);
    (supervisor.end(), supervisor.events())
}

fn seen(place: &Sandbox, name: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(place.note(&format!("{name}.env"))).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn is_in(place: &Sandbox, name: &str, folder: &Path) {
    let printed = fs::read_to_string(place.note(&format!("{name}.pwd"))).unwrap();
    assert_eq!(Path::new(printed.trim_end()), folder, "{name}");
    assert_eq!(seen(place, name).get("PWD").map(Path::new), Some(folder), "{name}");
}

/// Returns the gate's folder without symbolic links, which is the name that git uses.
fn gate_folder(place: &Sandbox) -> PathBuf {
    place.path("linked/shop/_gate-1").canonicalize().unwrap()
}

#[test]
fn children_run_in_their_own_folder_without_the_markers_of_an_outer_agent() {
    let place = Sandbox::new();
    let (agent, write) = (place.path("agent.sh"), place.path("write.sh"));
    let lines = format!(
        "agents: [{{id: tester, command_template: [sh, {agent:?}]}}]\n\
         worktree: {{setup: \"sh '{write}' setup${{PADDOCK_GATE:+-gate}}\"}}\n\
         verify: [{{name: gate, run: \"sh '{write}' gate\"}}]\n\
         notify: [{{on: [objective_done], run: \"sh '{write}' notify\"}}]\n",
        write = write.display()
    );
    linked(&place, &lines);
    let script = format!("sh '{}' agent; commit x; over", write.display());
    place.objective("cart", &script, &[]);
    let (code, _) = run(&place);
    assert_eq!(code, 0, "{}", place.run(&["status"]).1);
    let worktrees = place.path("linked").join("shop");
    for name in ["agent", "setup"] {
        let folder = seen(&place, name)["PADDOCK_WORKTREE"].clone();
        assert!(Path::new(&folder).starts_with(&worktrees), "{folder}");
        is_in(&place, name, Path::new(&folder));
    }
    for name in ["setup-gate", "gate"] {
        is_in(&place, name, &gate_folder(&place));
    }
    is_in(&place, "notify", place.root());
    for name in ["agent", "setup", "setup-gate", "gate", "notify"] {
        let variables = seen(&place, name);
        for (marker, _) in OUTER {
            assert!(!variables.contains_key(marker), "{name} has {marker}");
        }
        for (kept, value) in KEPT {
            assert_eq!(variables.get(kept).map(String::as_str), Some(value), "{name}: {kept}");
        }
    }
}

#[test]
fn a_program_that_trusts_pwd_works_in_its_worktree_and_not_in_the_users_checkout() {
    let place = Sandbox::new();
    // opencode trusts `PWD` if nothing else names its folder. awk does too; a shell would ask the system.
    let lines = "agents:\n  - id: wanderer\n    command_template: [awk, 'BEGIN { exit system(\"cd \\\"\" \
                 ENVIRON[\"PWD\"] \"\\\" && echo x > x.txt && git add x.txt && git commit -q -m x && sh \" \
                 ENVIRON[\"NOTES\"] \"/over.sh\") }']\n";
    linked(&place, lines);
    let over =
        "printf -- '---SESSION_SUMMARY---\\nstatus: completed\\nsummary: x\\n---END_SESSION_SUMMARY---\\n'\n";
    fs::write(place.note("over.sh"), over).unwrap();
    place.objective("cart", "", &[]);
    let begun = place.git(&place.path("shop"), &["rev-parse", "HEAD"]);
    let (code, _) = run(&place);
    assert_eq!(code, 0, "{}", place.run(&["status"]).1);
    let log = place.git(&place.path("shop"), &["log", "--first-parent", "--format=%P %s", "main"]);
    let newest = log.lines().next().unwrap();
    assert!(newest.starts_with(&begun) && newest.contains("Merge objective"), "{log}");
}

#[test]
fn a_marker_that_a_person_gives_an_agent_is_kept() {
    let place = Sandbox::new();
    let (agent, write) = (place.path("agent.sh"), place.path("write.sh"));
    let lines = format!(
        "agents: [{{id: tester, command_template: [sh, {agent:?}], env: {{CLAUDECODE: '1', OPENCODE: ''}}}}]\n"
    );
    linked(&place, &lines);
    // A value in `.env` counts even if the outer shell has the same (`CODEX_SANDBOX`), and the agent's
    // settings can remove one again (`OPENCODE`).
    fs::write(place.root().join(".env"), "CODEX_SANDBOX=seatbelt\nGEMINI_CLI=mine\nOPENCODE=mine\n").unwrap();
    place.objective("cart", &format!("sh '{}' agent; commit x; over", write.display()), &[]);
    let (code, _) = run(&place);
    assert_eq!(code, 0, "{}", place.run(&["status"]).1);
    let variables = seen(&place, "agent");
    let of = |name: &str| variables.get(name).map(String::as_str);
    assert_eq!((of("CLAUDECODE"), of("CODEX_SANDBOX")), (Some("1"), Some("seatbelt")));
    assert_eq!((of("GEMINI_CLI"), of("OPENCODE")), (Some("mine"), None));
    assert_eq!((of("CLAUDE_CODE_ENTRYPOINT"), of("AGENT")), (None, None));
}

#[test]
fn a_check_and_a_rerun_gate_see_no_markers_of_an_outer_agent() {
    let place = Sandbox::new();
    let write = place.path("write.sh");
    let lines = format!(
        "agents: [{{id: tester, command_template: [sh, -c, \"sh '{write}' check; {{ commit x && over; }} || echo OK\"]}}]\n\
         verify: [{{name: gate, run: \"sh '{write}' gate\"}}]\n",
        write = write.display()
    );
    linked(&place, &lines);
    let mut check = place.paddock(&["agent", "check", "tester"]);
    let output = check.envs(OUTER).env("PWD", place.path("shop")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let variables = seen(&place, "check");
    assert!(Path::new(&variables["PWD"]).starts_with(place.root().join("runtime/checks")), "{variables:?}");
    assert!(OUTER.iter().all(|(marker, _)| !variables.contains_key(*marker)), "{variables:?}");
    let agent = place.path("agent.sh");
    let text = fs::read_to_string(place.project_file("shop")).unwrap();
    let before = text.lines().find(|line| line.starts_with("agents:")).unwrap().to_owned();
    let worker = format!("agents: [{{id: tester, command_template: [sh, {agent:?}]}}]");
    fs::write(place.project_file("shop"), text.replace(&before, &worker)).unwrap();
    place.objective("cart", "commit x; over", &[]);
    place.idle(0);
    fs::remove_file(place.note("gate.env")).unwrap();
    let mut verify = place.paddock(&["verify", "--rerun"]);
    let output = verify.envs(OUTER).env("PWD", place.path("shop")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let gate = seen(&place, "gate");
    // `verify --rerun` makes a folder of its own and removes it, so only its parent can be compared.
    let folder = fs::read_to_string(place.note("gate.pwd")).unwrap();
    let worktrees = place.path("linked/shop").canonicalize().unwrap();
    assert_eq!(Path::new(folder.trim_end()).parent(), Some(&*worktrees), "{folder}");
    is_in(&place, "gate", Path::new(folder.trim_end()));
    assert!(OUTER.iter().all(|(marker, _)| !gate.contains_key(*marker)), "{gate:?}");
}
