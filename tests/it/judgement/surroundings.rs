//! Set-ups of worktrees, and the variables that reach agents and gates.

use std::fs;

use paddock_testkit::{Sandbox, Supervisor, count, is};

#[test]
fn a_setup_that_fails_holds_the_project_and_names_its_command_its_last_line_and_its_log() {
    let place = Sandbox::new();
    place.project("setup", "verify: []\nworktree: {setup: 'echo no compiler is here; exit 3'}");
    place.objective("work", "commit a.txt\nover", &[]);
    let supervisor = place.supervisor(&[]);
    let held = supervisor.wait("project_held", "*");
    let events = supervisor.stop();
    assert_eq!((count(&events, "session_planned", "work"), count(&events, "landed", "*")), (2, 0));
    let status = place.status_of("work");
    assert_eq!((&status["status"], &status["retries"]), (&"ready".into(), &0.into()));
    let said = held["data"]["reason"].to_string();
    for part in ["setup_failing", "exit 3", "exit status 3: no compiler is here", "paddock session log 2"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(place.good(&["session", "log", "2"]).contains("no compiler is here"));
    assert!(!place.note("setup.work.1.prompt").exists(), "no agent ran");
}

#[test]
fn a_failed_setup_runs_once_more_and_the_agent_finds_its_files() {
    let place = Sandbox::new();
    let setup = "test -e $NOTES/once || { touch $NOTES/once; exit 1; }; mkdir deps; echo lib > deps/lib";
    let repository = place.project("deps", &format!("verify: []\nworktree: {{setup: {setup:?}}}"));
    fs::write(repository.join(".gitignore"), "deps/\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Ignore"]);
    place.idle(0);
    place.objective("work", "test \"$(cat deps/lib)\" = lib\ncommit a.txt\nover", &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "session_planned", "work"), count(&events, "landed", "work")), (2, 1));
    assert_eq!(place.status_of("work")["retries"], 0);
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main"]), ".gitignore\nREADME.md\na.txt");
}

#[test]
fn variables_reach_agents_as_configured_and_the_env_file_does_not_reach_gates() {
    let place = Sandbox::new();
    let variables = "KEY ONLY REAL GONE LEFT HTTP_PROXY https_proxy ALL_PROXY NO_PROXY";
    let print = |to: &str| {
        format!("for n in {variables}; do eval \"echo \\\"$n=\\${{$n-unset}}\\\"\"; done > $NOTES/{to}")
    };
    let agent = place.path("agent.sh");
    let settings = format!(
        "agents: [{{id: tester, command_template: [sh, {agent:?}], \
         env: {{KEY: agent, GONE: \"\", LEFT: \"\", ALL_PROXY: \"\"}}}}]\n\
         verify: [{{name: tests, run: {:?}}}]",
        print("gate")
    );
    place.project("vars", &settings);
    fs::write(place.root().join(".env"), "KEY=file\nONLY=file\nREAL=file\nLEFT=file\n").unwrap();
    place.objective("work", &format!("{}\ncommit a.txt\nover", print("agent")), &[]);
    let mut run = place.paddock(&["run", "--no-tui", "--json", "--until-idle"]);
    run.env("REAL", "real").env("GONE", "real").env("PADDOCK_PROXY", "http://proxy:1");
    let mut supervisor = Supervisor::start(&mut run);
    assert_eq!(supervisor.end(), 0);
    assert!(supervisor.events().iter().any(|event| is(event, "landed", "work")));
    let found = |name: &str| fs::read_to_string(place.note(name)).unwrap();
    let agent = "KEY=agent\nONLY=file\nREAL=real\nGONE=unset\nLEFT=unset\nHTTP_PROXY=http://proxy:1\n\
                 https_proxy=http://proxy:1\nALL_PROXY=unset\nNO_PROXY=localhost,127.0.0.1,::1\n";
    assert_eq!(found("agent"), agent);
    let gate = "KEY=unset\nONLY=unset\nREAL=real\nGONE=real\nLEFT=unset\nHTTP_PROXY=unset\n\
                https_proxy=unset\nALL_PROXY=unset\nNO_PROXY=unset\n";
    assert_eq!(found("gate"), gate);
}

#[test]
fn copies_by_pattern_and_folder_reach_worktrees_and_what_is_missing_is_named() {
    let place = Sandbox::new();
    let copy = "worktree: {copy: ['**/.env', config/local, missing.txt]}";
    let repository = place.project("copies", &format!("verify: []\n{copy}"));
    fs::write(repository.join(".gitignore"), ".env\nlocal\nnode_modules\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Ignore"]);
    for folder in ["apps/web", "node_modules/x", "config/local/deep"] {
        fs::create_dir_all(repository.join(folder)).unwrap();
    }
    for file in [".env", "apps/web/.env", "node_modules/x/.env", "config/local/deep/a"] {
        fs::write(repository.join(file), "KEY=1\n").unwrap();
    }
    std::os::unix::fs::symlink("deep/a", repository.join("config/local/link")).unwrap();
    let script =
        "find . -name .env -o -path './config/*' ! -type d | sort > $NOTES/found\ncommit a.txt\nover";
    place.objective("work", script, &[]);
    place.idle(0);
    let found = fs::read_to_string(place.note("found")).unwrap();
    assert_eq!(found, "./.env\n./apps/web/.env\n./config/local/deep/a\n./config/local/link\n");
    let prompt = fs::read_to_string(place.note("copies.work.1.prompt")).unwrap();
    assert!(prompt.contains("`apps/web/.env`") && !prompt.contains("missing.txt"), "{prompt}");
    assert_eq!(place.status("copies")["copies_missed"], serde_json::json!(["missing.txt"]));
}

#[test]
fn adding_a_project_tries_its_setup_once_and_agrees_to_the_configuration_that_it_changes() {
    let place = Sandbox::new();
    let repository = place.repository("hooked");
    let common = "$(git rev-parse --git-common-dir)";
    let setup = format!("echo '*.nb -text' > {common}/info/attributes; echo made > left.txt");
    let file = format!(
        "slug: hooked\nname: hooked\nrepo_root: {repository:?}\nworktrees_root: {:?}\nverify: []\n\
         worktree: {{setup: {setup:?}}}\nagents: []\n",
        place.path("wt")
    );
    fs::write(place.project_file("hooked"), file).unwrap();
    let (code, _, said) =
        place.run(&["project", "add", repository.to_str().unwrap(), "--slug", "hooked", "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("changes git's configuration or hooks: info/attributes"), "{said}");
    assert!(said.contains("left.txt"), "{said}");
    assert!(!place.path("wt").join("hooked").exists(), "the worktree is gone");
    place.good(&["queue", "list"]);
    let (_, _, said) = place.run(&["doctor"]);
    assert!(!said.contains("nobody agreed"), "{said}");
    let held = place.events().into_iter().any(|event| event["type"] == "project_held");
    assert!(!held);
}
