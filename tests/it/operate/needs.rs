//! The needs, which wait for a person: exit code, `status`, `report` and `explain` share one list.

use std::fs;

use paddock_testkit::Sandbox;
use serde_json::Value;

/// Runs until idle, expecting this exit code, and returns the codes of the needs that `status` lists. Asserts
/// that `report`, `explain` and the exit code agree with them.
fn waiting(place: &Sandbox, code: i32) -> Vec<String> {
    place.idle(code);
    let status = place.json(&["status", "--json"]);
    let lists = |document: &Value, key: &str| -> Vec<String> {
        let projects = document["projects"].as_array().unwrap();
        let all = projects.iter().flat_map(|project| project[key].as_array().unwrap().clone());
        all.map(|need| need["code"].as_str().unwrap().to_owned()).collect()
    };
    let codes = lists(&status, "needs");
    assert_eq!(lists(&place.json(&["report", "--json"]), "waiting"), codes);
    let explained = place.json(&["explain", "--json"]);
    let explained: Vec<&Value> =
        explained.as_array().unwrap().iter().map(|one| &one["reason"]["code"]).collect();
    assert!(codes.iter().all(|code| explained.iter().any(|known| *known == code)), "{explained:?}");
    assert_eq!(place.good(&["status"]).contains("needs you"), !codes.is_empty());
    assert_eq!(code == 3, !codes.is_empty(), "{codes:?}");
    for need in
        status["projects"].as_array().unwrap().iter().flat_map(|project| project["needs"].as_array().unwrap())
    {
        let is_explained =
            ["text", "since", "clears", "about"].iter().all(|key| !need[key].as_str().unwrap().is_empty());
        assert!(is_explained, "{need}");
    }
    codes
}

#[test]
fn a_publication_that_waits_for_files_of_the_user_is_a_need() {
    let place = Sandbox::new();
    let repository = place.project("shop", "verify: []");
    fs::write(repository.join("a.txt"), "mine\n").unwrap();
    place.objective("a", "commit a.txt\nover", &[]);
    assert_eq!(waiting(&place, 3), ["publication_waits"]);
    assert_eq!(place.status_of("a")["status"], "done");
    fs::remove_file(repository.join("a.txt")).unwrap();
    assert!(waiting(&place, 0).is_empty());
}

#[test]
fn a_landing_that_is_published_by_hand_is_no_need() {
    let place = Sandbox::new();
    place.project("shop", "verify: []\nland: {publish: manual}");
    place.objective("a", "commit a.txt\nover", &[]);
    assert!(waiting(&place, 0).is_empty());
}

#[test]
fn objectives_without_an_agent_are_one_need_of_their_worker() {
    let place = Sandbox::new();
    place.project("shop", "agents: [{id: tester, command_template: [sh, nowhere], enabled: false}]");
    place.objective("a", "over", &[]);
    place.objective("b", "over", &[]);
    assert_eq!(waiting(&place, 3), ["no_agent"]);
    let need = place.json(&["status", "--json"])["projects"][0]["needs"][0].clone();
    assert_eq!((&need["about"], &need["worker"]), (&"worker".into(), &"implementer".into()));
    assert!(need["text"].as_str().unwrap().ends_with("a, b cannot start"), "{need}");
}

#[test]
fn a_paused_objective_or_project_is_a_need_and_a_cancelled_one_is_not() {
    let place = Sandbox::new();
    place.project("shop", "verify: []");
    place.objective("a", "commit a.txt\nover", &[]);
    place.objective("b", "commit b.txt\nover", &["--depends-on", "a"]);
    place.good(&["objective", "pause", "a"]);
    assert_eq!(waiting(&place, 3), ["human"]);
    place.good(&["objective", "cancel", "a"]);
    assert!(waiting(&place, 4).is_empty(), "b depends on a cancelled objective, which a person chose");
    place.good(&["objective", "skip", "a"]);
    place.good(&["project", "pause", "shop"]);
    assert_eq!(waiting(&place, 3), ["project_paused"]);
    place.good(&["project", "resume", "shop"]);
    assert!(waiting(&place, 0).is_empty());
    place.good(&["project", "pause", "shop"]);
    assert!(waiting(&place, 0).is_empty(), "a paused project without work is no need");
}

#[test]
fn a_spent_day_budget_is_a_need_until_midnight_or_a_higher_budget() {
    let place = Sandbox::new();
    // Claude's transcript reports its cost in USD: here more than the budget of a day.
    let agent = place.path("costly.sh");
    fs::write(&agent, "echo x > x; git add x; git commit -qm x; printf '%s\\n' '{\"type\":\"result\",\"is_error\":false,\"result\":\"---SESSION_SUMMARY---\\nstatus: completed\\nsummary: x\\n---END_SESSION_SUMMARY---\",\"session_id\":\"1\",\"total_cost_usd\":5.0}'\n").unwrap();
    let settings = format!(
        "verify: []\nagents: [{{id: tester, transcript: claude, command_template: [sh, {agent:?}]}}]\nbudget: {{usd_per_day: 1.0}}"
    );
    place.project("shop", &settings);
    place.objective("a", "over", &[]);
    place.objective("b", "over", &["--depends-on", "a"]);
    assert_eq!(waiting(&place, 3), ["day_budget"]);
    let need = place.json(&["status", "--json"])["projects"][0]["needs"][0].clone();
    assert!(need["clears"].as_str().unwrap().contains("midnight"), "{need}");
}

#[test]
fn one_cycle_and_an_ended_time_report_needs_in_the_exit_code_too() {
    let place = Sandbox::new();
    place.project("shop", "verify: []");
    for (ends, more) in [(0, "--once"), (0, "--duration-minutes=0")] {
        assert_eq!(place.supervisor(&[more]).end(), ends, "{more}: there is nothing to do");
    }
    place.objective("a", "over", &[]);
    place.good(&["objective", "pause", "a"]);
    for more in ["--once", "--duration-minutes=0", "--until-idle"] {
        assert_eq!(place.supervisor(&[more]).end(), 3, "{more}");
    }
    place.good(&["objective", "cancel", "a"]);
    for more in ["--once", "--duration-minutes=0", "--until-idle"] {
        assert_eq!(place.supervisor(&[more]).end(), 4, "{more}");
    }
}

#[test]
fn an_unfinished_goal_is_a_need_unless_the_run_has_no_planner() {
    let place = Sandbox::new();
    place.project("shop", "verify: []\nplanner: {agent: none}");
    place.good(&["goal", "add", "Page"]);
    place.objective("a", "commit a.txt\nover", &[]);
    assert_eq!(waiting(&place, 3), ["nothing_planned"]);
    assert_eq!(place.supervisor(&["--until-idle", "--no-planner"]).end(), 0);
    place.good(&["goal", "complete", "page"]);
    assert!(waiting(&place, 0).is_empty());
}

#[test]
fn a_disabled_project_has_no_needs() {
    let place = Sandbox::new();
    place.project("shop", "verify: []");
    place.objective("a", "over", &[]);
    place.good(&["objective", "escalate", "a"]);
    assert_eq!(waiting(&place, 3), ["human"]);
    place.good(&["project", "disable", "shop"]);
    assert!(waiting(&place, 0).is_empty());
}
