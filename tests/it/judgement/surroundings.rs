//! Set-ups of worktrees, and the variables that reach agents and gates.

use std::fs;

use paddock_testkit::{Sandbox, Supervisor, count, is};

#[test]
fn a_setup_that_fails_twice_asks_a_person_and_names_its_log() {
    let place = Sandbox::new();
    place.project("setup", "verify: []\nworktree: {setup: 'echo no compiler is here; exit 3'}");
    place.objective("work", "commit a.txt\nover", &[]);
    let events = place.idle(3);
    assert_eq!((count(&events, "session_planned", "work"), count(&events, "landed", "*")), (2, 0));
    let status = place.status_of("work");
    assert_eq!(
        (&status["status"], &status["reason"]["code"]),
        (&"needs_review".into(), &"setup_failed".into())
    );
    assert_eq!(status["retries"], 0);
    let said = status["reason"]["text"].as_str().unwrap();
    assert!(said.contains("exit status 3") && said.contains("paddock session log 2"), "{said}");
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
