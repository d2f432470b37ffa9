//! What waits for a person: one list for the exit code, `status`, `report` and `explain`.

use std::fs;

use paddock_testkit::Sandbox;
use serde_json::Value;

/// The codes of what waits, as `status` lists them. Every other view must say the same, and a run must end so.
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
        let is_said =
            ["text", "since", "clears", "about"].iter().all(|key| !need[key].as_str().unwrap().is_empty());
        assert!(is_said, "{need}");
    }
    codes
}

#[test]
fn a_publication_that_waits_for_files_of_yours_is_no_success() {
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
fn what_lands_and_is_published_by_hand_only_waits_for_nobody() {
    let place = Sandbox::new();
    place.project("shop", "verify: []\nland: {publish: manual}");
    place.objective("a", "commit a.txt\nover", &[]);
    assert!(waiting(&place, 0).is_empty());
}

#[test]
fn an_objective_that_no_agent_can_do_waits_for_you_by_its_worker() {
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
fn what_people_paused_waits_for_them_and_what_they_gave_up_does_not() {
    let place = Sandbox::new();
    place.project("shop", "verify: []");
    place.objective("a", "commit a.txt\nover", &[]);
    place.objective("b", "commit b.txt\nover", &["--depends-on", "a"]);
    place.good(&["objective", "pause", "a"]);
    assert_eq!(waiting(&place, 3), ["human"]);
    place.good(&["objective", "cancel", "a"]);
    assert!(waiting(&place, 4).is_empty(), "b is behind what was cancelled");
    place.good(&["objective", "skip", "a"]);
    place.good(&["project", "pause", "shop"]);
    assert_eq!(waiting(&place, 3), ["project_paused"]);
    place.good(&["project", "resume", "shop"]);
    assert!(waiting(&place, 0).is_empty());
    place.good(&["project", "pause", "shop"]);
    assert!(waiting(&place, 0).is_empty(), "nothing of it is left to do");
}

#[test]
fn a_days_budget_that_is_spent_waits_for_a_higher_one_or_for_midnight() {
    let place = Sandbox::new();
    // One session of this kind tells what it cost.
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
fn one_cycle_and_an_ended_time_say_what_waits_too() {
    let place = Sandbox::new();
    place.project("shop", "verify: []");
    for (ends, more) in [(0, "--once"), (0, "--duration-minutes=0")] {
        assert_eq!(place.supervisor(&[more]).end(), ends, "{more}: nothing is to do");
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
fn a_goal_that_is_not_reached_counts_unless_no_planner_is_wanted() {
    let place = Sandbox::new();
    place.project("shop", "verify: []");
    place.good(&["goal", "add", "Page"]);
    place.objective("a", "commit a.txt\nover", &[]);
    assert_eq!(waiting(&place, 3), ["nothing_planned"]);
    assert_eq!(place.supervisor(&["--until-idle", "--no-planner"]).end(), 0);
    place.good(&["goal", "complete", "page"]);
    assert!(waiting(&place, 0).is_empty());
}

#[test]
fn a_project_that_is_disabled_waits_for_nothing() {
    let place = Sandbox::new();
    place.project("shop", "verify: []");
    place.objective("a", "over", &[]);
    place.good(&["objective", "escalate", "a"]);
    assert_eq!(waiting(&place, 3), ["human"]);
    place.good(&["project", "disable", "shop"]);
    assert!(waiting(&place, 0).is_empty());
}
