//! Diagnostic commands: `agent check`, `doctor`, `config show`, and shell completion.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use paddock_testkit::Sandbox;
use serde_json::Value;

/// Makes a project with an agent for each `(id, shell script)`.
fn checked(place: &Sandbox, agents: &[(&str, &str)]) {
    let mut lines = String::from("agents:\n");
    for (id, script) in agents {
        lines.push_str(&format!(
            "  - {{id: {id}, cli_command: sh, command_template: [sh, -c, {script:?}]}}\n"
        ));
    }
    place.project("shop", &lines);
}

#[test]
fn a_check_tells_working_agents_from_silent_failing_and_endless_ones() {
    let place = Sandbox::new();
    let all = [
        ("good", "cat .git/HEAD > /dev/null; echo OK"),
        ("chatty", "echo Sure. The answer is: ok."),
        ("silent", "true"),
        ("failing", "echo the disk is gone >&2; exit 7"),
        ("endless", "trap '' TERM; (setsid sleep 600 &) ; sleep 600"),
    ];
    checked(&place, &all);
    let (code, stdout, _) = place.run(&["agent", "check", "--json", "--timeout-seconds", "3"]);
    assert_eq!(code, 1);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    let of = |id: &str| found.as_array().unwrap().iter().find(|one| one["agent"] == id).unwrap().clone();
    assert!(of("good")["ok"] == true && of("chatty")["ok"] == true, "{found}");
    assert!(of("silent")["error"]["text"].as_str().unwrap().contains("nothing"), "{found}");
    assert!(of("failing")["error"]["text"].as_str().unwrap().contains("the disk is gone"), "{found}");
    assert!(of("endless")["error"]["text"].as_str().unwrap().contains("within 3 s"), "{found}");
    // A check is no session, and it leaves no files.
    assert_eq!(place.json(&["session", "list", "--all", "--json"]).as_array().unwrap().len(), 0);
    assert_eq!(fs::read_dir(place.root().join("runtime/checks")).unwrap().count(), 0);
    let listed = place.json(&["agent", "list", "--json"]);
    let good = listed.as_array().unwrap().iter().find(|one| one["id"] == "good").unwrap();
    assert!(good["last_check"]["ok"] == true && good["last_success"].is_string(), "{good}");
    let said = place.refused(&["agent", "disable", "nobody"], 1);
    assert!(said.contains("there is no agent nobody; there is: "), "{said}");
    place.good(&["agent", "disable", "good"]);
    assert!(place.good(&["agent", "list"]).contains("disabled"));
}

#[test]
fn doctor_finds_what_is_wrong_and_says_what_to_do() {
    let place = Sandbox::new();
    checked(&place, &[("good", "echo OK")]);
    let healthy = place.json(&["doctor", "--json"]);
    assert_eq!(healthy["ok"], true, "{healthy}");
    let areas: Vec<&str> =
        healthy["findings"].as_array().unwrap().iter().map(|one| one["area"].as_str().unwrap()).collect();
    for area in
        ["git", "process trees", "open files", "disk", "database", "files", "project shop", "agent good"]
    {
        assert!(areas.contains(&area), "{area} is missing: {areas:?}");
    }
    fs::rename(place.path("shop"), place.path("moved")).unwrap();
    fs::write(place.root().join("projects/other.yaml"), "slug: other\nnmae: x\n").unwrap();
    let (code, stdout, _) = place.run(&["doctor", "--json"]);
    assert_eq!(code, 1);
    let ill: Value = serde_json::from_str(&stdout).unwrap();
    let errors: Vec<&Value> =
        ill["findings"].as_array().unwrap().iter().filter(|one| one["level"] == "error").collect();
    assert!(errors.len() >= 2 && errors.iter().all(|one| one["remedy"].is_string()), "{ill}");
}

#[test]
fn doctor_says_where_git_is_too_old_for_attributes_in_merges() {
    let place = Sandbox::new();
    let git = place.path("old/git");
    fs::create_dir(place.path("old")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" != version ] || exec echo git version $VERSION\nPATH='{path}' exec git \"$@\"\n"
    );
    fs::write(&git, script).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let found = |version: &str| -> Value {
        let mut doctor = place.paddock(&["doctor", "--json"]);
        doctor.env("PATH", format!("{}:{path}", place.path("old").display())).env("VERSION", version);
        let said: Value = serde_json::from_slice(&doctor.output().unwrap().stdout).unwrap();
        let findings = said["findings"].as_array().unwrap();
        findings.iter().find(|one| one["area"] == "git").unwrap().clone()
    };
    let old = found("2.39.5");
    assert_eq!(old["level"], "warning", "{old}");
    assert!(old["remedy"].as_str().unwrap().contains("git 2.41"), "{old}");
    assert_eq!(found("2.41.0")["level"], "good");
    assert_eq!(found("2.38.9")["level"], "error");
}

#[test]
fn a_damaged_row_is_made_again_from_the_events() {
    let place = Sandbox::new();
    checked(&place, &[("good", "echo OK")]);
    place.objective("cart", "", &[]);
    assert!(place.good(&["doctor", "--rebuild"]).contains("the stored state agrees with its"));
    let db = rusqlite::Connection::open(place.root().join("runtime/paddock.db")).unwrap();
    db.execute("UPDATE objective SET body = '{\"broken\": true}'", []).unwrap();
    drop(db);
    place.refused(&["status"], 1);
    let said = place.good(&["doctor", "--rebuild"]);
    assert!(said.contains("1 row differed") && said.contains("objective shop/cart"), "{said}");
    assert_eq!(place.status_of("cart")["title"], "cart");
    assert!(place.good(&["doctor", "--rebuild"]).contains("the stored state agrees with its"));
}

#[test]
fn the_settings_shown_can_be_read_back_as_they_are() {
    let place = Sandbox::new();
    checked(&place, &[("good", "echo OK")]);
    let shown = place.good(&["config", "show"]);
    let file = place.project_file("shop");
    fs::write(&file, shown.trim_start_matches("---\n")).unwrap();
    place.good(&["config", "validate"]);
    assert_eq!(place.good(&["config", "show"]), shown);
    let schema = place.json(&["config", "schema"]);
    let keys = place.json(&["--project", "shop", "config", "show", "--json"]);
    for key in keys.as_object().unwrap().keys() {
        assert!(schema["properties"][key].is_object(), "{key} is not in the schema");
    }
}

#[test]
fn the_shell_completes_commands_and_ids_of_the_workspace() {
    let place = Sandbox::new();
    checked(&place, &[("good", "echo OK")]);
    place.objective("cart", "", &[]);
    let complete = |words: &[&str]| {
        let root = place.root();
        let mut command = place.program(paddock_testkit::program());
        let all = [&["paddock", "--root", root.to_str().unwrap()], words].concat();
        command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", (all.len() - 1).to_string());
        command.env("_CLAP_IFS", "\n").arg("--").args(&all);
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(complete(&["obj"]).contains("objective"));
    assert!(
        complete(&["objective", "retry", ""]).contains("cart"),
        "{}",
        complete(&["objective", "retry", ""])
    );
    assert!(complete(&["agent", "check", ""]).contains("good"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.good(&["completions", shell]).contains("COMPLETE"), "{shell}");
    }
    assert!(place.good(&["man"]).contains(".TH paddock 1"));
}
