//! The command line: exit codes and output of the built binary on real workspaces and repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use paddock_testkit::{Sandbox, git};
use serde_json::Value;

fn repository(place: &Sandbox, name: &str) -> PathBuf {
    place.repository_on(name, "trunk", &[("README.md", "hello\n")])
}

/// Adds a project on a new repository, with the built-in agents.
fn project(place: &Sandbox, name: &str) {
    let path = repository(place, name);
    place.good(&["project", "add", path.to_str().unwrap()]);
}

/// Applies a plan that must be refused; returns the message.
fn bad_plan(place: &Sandbox, text: &str) -> String {
    fs::write(place.path("plan.yaml"), text).unwrap();
    place.refused(&["plan", "apply", "plan.yaml"], 1)
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    let place = Sandbox::new();
    for wrong in [&["dance"][..], &["--nonsense"], &["run", "--max-parallel", "0"], &["session", "log"]] {
        place.refused(wrong, 2);
    }
    assert!(place.refused(&[], 2).contains("paddock run --no-tui"));
    assert!(place.refused(&["run"], 2).contains("paddock run --no-tui"));
    assert!(place.good(&["--help"]).contains("Examples:"));
    assert!(place.good(&["help", "objective", "add"]).contains("Examples:"));
    assert_eq!(place.good(&["version"]), format!("paddock {}\n", env!("CARGO_PKG_VERSION")));
    let unknown = place.refused(&["events", "--type", "need_review"], 2);
    assert!(unknown.contains("did you mean `needs_review`?"), "{unknown}");
}

#[test]
fn a_workspace_is_made_once_and_a_missing_one_is_named() {
    let place = Sandbox::new();
    let marker = place.root().join("runtime/workspace.json");
    let before = fs::read(&marker).unwrap();
    place.good(&["init"]);
    assert_eq!(fs::read(&marker).unwrap(), before, "a second init keeps the workspace");
    fs::remove_file(&marker).unwrap();
    let said = place.refused(&["status"], 1);
    assert!(said.contains("is not a workspace: `paddock init"), "{said}");
}

#[test]
fn an_empty_workspace_has_a_status() {
    let place = Sandbox::new();
    let status = place.json(&["status", "--json"]);
    assert_eq!(status["version"], 1);
    assert_eq!(status["supervisor"]["running"], false);
    assert_eq!(status["projects"], serde_json::json!([]));
    assert!(place.good(&["status"]).contains("paddock project add"));
    assert_eq!(place.good(&["events"]), "");
}

#[test]
fn a_project_is_registered_listed_and_shown() {
    let place = Sandbox::new();
    project(&place, "My Shop");
    let file = fs::read_to_string(place.root().join("projects/my-shop.yaml")).unwrap();
    assert!(file.contains("target_branch: \"trunk\"") && file.contains("My Shop-wt"), "{file}");
    let list = place.json(&["project", "list", "--json"]);
    assert_eq!((&list[0]["slug"], &list[0]["name"]), (&"my-shop".into(), &"My Shop".into()));
    let show = place.good(&["project", "show"]);
    assert!(show.contains("refs/paddock/integration/trunk"), "{show}");
    let status = place.json(&["status", "--json"]);
    let project = &status["projects"][0];
    assert_eq!(project["target_branch"], "trunk");
    for key in ["integration", "state", "goal", "counts", "budget", "objectives", "sessions", "queue"] {
        assert!(!project[key].is_null(), "{key}");
    }
    let events = place.good(&["events", "--type", "project_added", "--json"]);
    let event: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert_eq!((&event["type"], &event["project"]), (&"project_added".into(), &"my-shop".into()));
}

#[test]
fn a_repository_is_added_once_and_a_refusal_leaves_no_file() {
    let place = Sandbox::new();
    project(&place, "shop");
    let again = place.refused(&["project", "add", "shop", "--slug", "other"], 1);
    assert!(again.contains("project shop works on this repository already"), "{again}");
    assert!(!place.root().join("projects/other.yaml").exists());
    git::init(&place.path("bare"), "trunk");
    let empty = place.refused(&["project", "add", "bare"], 1);
    assert!(empty.contains("has no commits"), "{empty}");
    fs::create_dir(place.path("plain")).unwrap();
    place.refused(&["project", "add", "plain"], 1);
    place.refused(&["project", "add", "nowhere"], 1);
    let id = place.refused(&["project", "add", "shop", "--slug", "../x"], 2);
    assert!(id.contains("a-z, 0-9"), "{id}");
    assert_eq!(fs::read_dir(place.root().join("projects")).unwrap().count(), 1);
}

#[test]
fn commands_from_the_repository_are_used_only_when_agreed_to() {
    let place = Sandbox::new();
    let path = repository(&place, "shop");
    fs::create_dir(path.join(".paddock")).unwrap();
    fs::write(path.join(".paddock/project.yaml"), "verify:\n  - {name: tests, run: make test}\n").unwrap();
    git::commit_all(&path, "Say how to test");
    let said = place.refused(&["project", "add", "shop"], 2);
    assert!(said.contains("make test") && said.contains("--yes"), "{said}");
    assert!(!place.root().join("projects/shop.yaml").exists());
    place.good(&["project", "add", "shop", "--yes"]);
    assert!(place.good(&["project", "show"]).contains("make test"));
}

#[test]
fn a_project_is_disabled_paused_and_removed() {
    let place = Sandbox::new();
    project(&place, "shop");
    place.good(&["project", "disable"]);
    assert_eq!(place.json(&["status", "--json"])["projects"][0]["state"], "disabled");
    place.good(&["project", "enable", "shop"]);
    place.good(&["project", "pause", "shop"]);
    assert_eq!(place.json(&["status", "--json"])["projects"][0]["state"], "paused");
    place.good(&["project", "resume"]);
    let unknown = place.refused(&["project", "remove", "other"], 1);
    assert!(unknown.contains("there is no project other; there is: shop"), "{unknown}");
    place.good(&["project", "remove", "shop"]);
    assert_eq!(place.json(&["project", "list", "--json"]), serde_json::json!([]));
    assert!(place.root().join("projects/shop.yaml.removed").exists());
    place.good(&["project", "add", "shop"]);
}

#[test]
fn objectives_are_added_with_ids_of_their_own_and_explained() {
    let place = Sandbox::new();
    project(&place, "shop");
    place.good(&["objective", "add", "--title", "Fix the login!", "--scope", "src/**"]);
    place.good(&["objective", "add", "--title", "Fix the login!", "--depends-on", "fix-the-login"]);
    place.good(&["objective", "add", "--title", "登录"]);
    let list = place.json(&["objective", "list", "--json"]);
    let ids: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["deng-lu", "fix-the-login", "fix-the-login-2"]);
    let second = place.json(&["objective", "show", "shop/fix-the-login-2", "--json"]);
    assert_eq!(second["depends_on"], serde_json::json!(["fix-the-login"]));
    assert_eq!(second["status"], "todo");
    assert_eq!(second["reason"]["code"], "dependencies");
    let dash = place.refused(&["objective", "add", "--title", "x", "--depends-on", "nothing"], 1);
    assert!(dash.contains("depends on nothing, which does not exist"), "{dash}");
    place.refused(&["objective", "add", "--title", "x", "--id", "a b"], 2);
    place.refused(&["objective", "add", "--title", "x", "--scope", "src/["], 2);
    place.refused(&["objective", "show", "nothing"], 1);
}

#[test]
fn an_ambiguous_project_or_objective_ends_with_2_and_the_candidates() {
    let place = Sandbox::new();
    project(&place, "shop");
    project(&place, "blog");
    let which = place.refused(&["objective", "add", "--title", "x"], 2);
    assert!(which.contains("blog, shop"), "{which}");
    for project in ["shop", "blog"] {
        place.good(&["--project", project, "objective", "add", "--title", "Same"]);
    }
    let several = place.refused(&["objective", "show", "same"], 2);
    assert!(several.contains("blog/same, shop/same"), "{several}");
    place.good(&["objective", "show", "blog/same"]);
    let mut named = place.paddock(&["objective", "show", "same", "--json"]);
    let output = named.env("PADDOCK_PROJECT", "shop").output().unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["project"], "shop");
}

#[test]
fn a_bad_plan_is_refused_with_file_line_and_key_and_nothing_is_applied() {
    let place = Sandbox::new();
    project(&place, "shop");
    let cases = [
        (
            "objectives:\n- id: a\n  title: A\n  depends_on: [b]\n- id: b\n  title: B\n  depends_on: [a]\n",
            "plan.yaml:4:16: ",
            "a -> b -> a",
        ),
        (
            "objectives:\n- id: a\n  title: A\n  depends_on: [nowhere]\n",
            "plan.yaml:4:16: ",
            "unknown objective `nowhere`",
        ),
        (
            "objectives:\n- id: a\n  title: A\n  depends_on: [a]\n",
            "plan.yaml:4:16: ",
            "`a` depends on itself",
        ),
        ("objectives:\n- id: a\n  title: A\n  tilte: x\n", "plan.yaml:4:3: ", "did you mean `title`?"),
        ("objectives:\n- id: a\n  title: A\n  priority: high\n", "plan.yaml:4:", "priority"),
        ("objectives: [\n", "plan.yaml:", "is not valid YAML"),
        ("objectives: []\n", "plan.yaml: ", "no objective"),
    ];
    for (text, at, part) in cases {
        let said = bad_plan(&place, text);
        let is_reported = said.lines().any(|line| line.contains(at) && line.contains(part));
        assert!(is_reported, "{text:?}: {said}");
    }
    assert_eq!(place.json(&["objective", "list", "--json"]), serde_json::json!([]));
    fs::write(place.path("good.yaml"), "objectives:\n- id: a\n  title: A\n").unwrap();
    place.good(&["plan", "apply", "good.yaml"]);
    assert!(bad_plan(&place, "objectives:\n- id: a\n  title: A\n").contains("already has an objective `a`"));
}

#[test]
fn faults_of_a_project_file_are_reported_with_file_line_and_key() {
    let place = Sandbox::new();
    project(&place, "shop");
    assert!(place.good(&["config", "validate"]).contains("1 project file without errors"));
    let file = place.root().join("projects/shop.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}max_paralel: 3\nverify: yes\n")).unwrap();
    let said = place.refused(&["config", "validate"], 1);
    let lines = text.lines().count();
    let unknown = format!("projects/shop.yaml:{}:1: unknown key `max_paralel`; did you mean", lines + 1);
    assert!(said.contains(&unknown) && said.contains("`verify`"), "{said}");
    fs::write(&file, text).unwrap();
    fs::remove_dir_all(place.path("shop")).unwrap();
    assert!(place.refused(&["config", "validate"], 1).contains("`repo_root`"));
}

#[test]
fn a_closed_standard_output_is_no_error() {
    let place = Sandbox::new();
    project(&place, "shop");
    // The reading end of the pipe is closed before `paddock` writes, as after `| head`.
    let mut child =
        place.paddock(&["status", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn without_a_supervisor_there_is_nothing_to_stop() {
    let place = Sandbox::new();
    assert!(place.good(&["supervisor", "stop"]).contains("no supervisor runs"));
    assert_eq!(place.json(&["supervisor", "status", "--json"])["running"], false);
    place.refused(&["session", "log", "7"], 1);
    place.refused(&["session", "kill", "7"], 1);
    place.refused(&["session", "extend", "7"], 2);
}

#[test]
fn the_queue_is_held_and_released() {
    let place = Sandbox::new();
    project(&place, "shop");
    place.good(&["queue", "hold"]);
    assert!(place.good(&["queue", "list"]).contains("a person holds the merge queue"));
    assert!(place.good(&["status"]).contains("needs you"));
    place.good(&["queue", "release"]);
    assert_eq!(place.json(&["queue", "list", "--json"])[0]["reasons"], serde_json::json!([]));
    let nothing = place.refused(&["queue", "adopt"], 1);
    assert!(nothing.contains("nothing to adopt"), "{nothing}");
}

#[test]
fn a_project_file_written_by_hand_is_used_by_run_and_by_project_add() {
    let place = Sandbox::new();
    let (shop, web) = (repository(&place, "shop"), repository(&place, "web"));
    let write = |slug: &str, repository: &Path| {
        let root = repository.display();
        let text = format!(
            "slug: {slug}\nname: {slug}\nrepo_root: {root}\nworktrees_root: {root}-wt\nmax_parallel_sessions: 7\n"
        );
        fs::write(place.root().join(format!("projects/{slug}.yaml")), &text).unwrap();
        text
    };
    write("shop", &shop);
    place.good(&["run", "--no-tui", "--until-idle"]);
    assert!(place.good(&["project", "list"]).contains("shop"));
    let text = write("web", &web);
    place.good(&["project", "add", web.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(place.root().join("projects/web.yaml")).unwrap(), text);
    let shown = place.json(&["project", "show", "web", "--json"]);
    assert_eq!(shown["settings"]["max_parallel_sessions"], 7);
}

#[test]
fn an_unknown_worker_in_a_broken_file_names_the_file_and_a_dry_run_is_json() {
    let place = Sandbox::new();
    project(&place, "shop");
    place.good(&["objective", "add", "--title", "one"]);
    for line in place.good(&["run", "--dry-run", "--json"]).lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event["type"].is_string() && event.get("phase").is_some(), "{line}");
    }
    let file = place.root().join("projects/shop.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\nworkers: [{{id: docs, role: researchr}}]\n")).unwrap();
    let said = place.refused(&["objective", "add", "--title", "two", "--worker", "docs"], 1);
    for part in
        ["there is no worker docs", "last good settings are in use", "projects/shop.yaml:", "researcher"]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let said = bad_plan(&place, "objectives:\n- {id: a, title: A, worker_id: docs}\n");
    assert!(said.contains("projects/shop.yaml has faults") && said.contains("unknown worker"), "{said}");
}

#[test]
fn templates_are_listed_and_printed_with_where_they_come_from() {
    let place = Sandbox::new();
    assert!(place.good(&["template", "list"]).contains("planner.md             built in"));
    let built_in = place.good(&["template", "show", "planner.md"]);
    let own = place.root().join("templates/planner.md");
    fs::create_dir_all(own.parent().unwrap()).unwrap();
    fs::write(&own, "mine\n").unwrap();
    assert!(place.good(&["template", "list"]).contains("instead of the built-in one"));
    assert_eq!(place.good(&["template", "show", "planner.md"]), "mine\n");
    assert_eq!(place.good(&["template", "show", "planner.md", "--built-in"]), built_in);
    assert!(place.refused(&["template", "show", "planer.md"], 1).contains("session-worker.md"));
}
