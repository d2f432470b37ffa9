//! Invalid input is refused with file, line and key. None of it is applied, and everything else continues.

use std::fs;
use std::path::Path;

use paddock_testkit::{Sandbox, count};

/// Plans, each with the words that its refusal must contain.
const BAD_PLANS: &[(&str, &[&str])] = &[
    (
        "objectives:\n  - {id: a, title: A, depends_on: [b]}\n  - {id: b, title: B, depends_on: [a]}\n",
        &["plan.yaml:2", "a -> b -> a"],
    ),
    ("objectives:\n  - {id: a, title: A, depends_on: [nobody]}\n", &["plan.yaml:2", "nobody"]),
    ("objectives:\n  - {id: a, title: A, depends_on: [a]}\n", &["plan.yaml:2", "a", "itself"]),
    ("objectives:\n  - {id: a, title: A\n", &["plan.yaml:"]),
    ("objectives:\n  - {id: a, title: A, path_skope: [x]}\n", &["plan.yaml:2", "path_skope", "path_scope"]),
    ("objectives:\n  - {id: a, title: A, priority: high}\n", &["plan.yaml:2", "priority"]),
    ("objectives:\n  - {id: a, title: A}\n  - {id: a, title: B}\n", &["plan.yaml:3", "a"]),
    ("objectives:\n  - {id: a, title: A, worker_id: wizard}\n", &["plan.yaml:2", "wizard"]),
    ("objectives:\n  - {id: a, title: A, path_scope: [\"a[\"]}\n", &["plan.yaml:2", "\"a[\""]),
    ("objectives: 7\n", &["plan.yaml:1", "objectives"]),
    ("", &["plan.yaml"]),
];

#[test]
fn bad_plans_are_refused_as_a_whole() {
    let place = Sandbox::new();
    place.project("plans", "");
    // The first command after a change reads the project file and records that; this event is not the plan's.
    let events = || {
        let all = place.good(&["events", "--json"]);
        let others = all.lines().filter(|line| !line.contains("\"project_configured\""));
        others.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = events();
    for (plan, names) in BAD_PLANS {
        fs::write(place.path("plan.yaml"), plan).unwrap();
        let said = place.refused(&["plan", "apply", "plan.yaml"], 1);
        for name in *names {
            assert!(said.contains(name), "{plan}: {said} does not say {name}");
        }
    }
    assert_eq!(events(), before, "nothing was applied");
    let said = place.refused(&["objective", "add", "--title", "T", "--depends-on", "nobody"], 1);
    assert!(said.contains("nobody"), "{said}");
    let said = place.refused(&["objective", "add", "--id", "own", "--title", "T", "--depends-on", "own"], 1);
    assert!(said.contains("own -> own"), "{said}");
    assert_eq!(events(), before, "nothing was added");
}

/// Lines for a project file, each with the words that its fault must contain.
const BAD_LINES: &[(&str, &[&str])] = &[
    ("max_paralel_sessions: 3", &["max_paralel_sessions", "max_parallel_sessions"]),
    ("max_parallel_sessions: many", &["max_parallel_sessions"]),
    ("verify: [{name: x, run: [", &[]),
    ("disk: {min_free_gb: -1}", &["min_free_gb"]),
    ("workers: [{id: 'A B'}]", &["a-z"]),
];

/// Writes a file by rename, as most editors do, so that the supervisor never reads half of it.
fn replace(place: &Sandbox, file: &Path, text: &str) {
    fs::write(place.path("new"), text).unwrap();
    fs::rename(place.path("new"), file).unwrap();
}

#[test]
fn a_project_file_that_breaks_stops_only_its_project_until_it_is_mended() {
    let place = Sandbox::new();
    let broken = place.project("broken", "");
    let sound = place.project("sound", "");
    let supervisor = place.supervisor(&["--poll-seconds", "1"]);
    supervisor.wait("supervisor_started", "*");
    let file = place.project_file("broken");
    let good = fs::read_to_string(&file).unwrap();
    let line = good.lines().count() + 1;
    for (n, (bad, names)) in BAD_LINES.iter().enumerate() {
        replace(&place, &file, &format!("{good}{bad}\n"));
        let said = place.refused(&["config", "validate"], 1);
        assert!(said.contains("broken.yaml:"), "{said}");
        let held = supervisor.wait_where(bad, |event| event["type"] == "project_held", n + 1);
        let text = held["data"]["reason"]["text"].as_str().unwrap().to_owned();
        for name in names.iter().copied().chain(["broken.yaml"]) {
            assert!(said.contains(name) && text.contains(name), "{bad}: {said} / {text}");
        }
        assert!(bad.contains("[{name") || text.contains(&format!("broken.yaml:{line}")), "{text}");
        if n == 0 {
            place.objective("waits", "commit waits.txt\nover", &["--project", "broken"]);
            place.objective("goes", "commit goes.txt\nover", &["--project", "sound"]);
            supervisor.wait("worktree_removed", "goes");
            assert_eq!(count(&supervisor.events(), "session_planned", "waits"), 0);
            assert_eq!(place.status_of("waits")["reason"]["code"], "config_broken");
        }
        if n + 1 < BAD_LINES.len() {
            replace(&place, &file, &good);
            supervisor.wait_where("the release", |event| event["type"] == "project_released", n + 1);
        }
    }
    replace(&place, &file, &good);
    supervisor.wait("worktree_removed", "waits");
    supervisor.stop();
    place.is_tidy(&broken, 1);
    place.is_tidy(&sound, 1);
}

#[test]
fn a_broken_project_file_does_not_stop_other_projects_of_a_run() {
    let place = Sandbox::new();
    place.project("broken", "nonsense: true");
    let sound = place.project("sound", "");
    place.objective("goes", "commit goes.txt\nover", &["--project", "sound"]);
    place.idle(3);
    assert!(place.good(&["status"]).contains("nonsense"));
    place.is_tidy(&sound, 1);
}

#[test]
fn a_template_with_a_fault_costs_no_attempt_and_is_named_with_its_line() {
    let place = Sandbox::new();
    let repository = place.project("web", "");
    place.objective("waits", "commit waits.txt\nover", &[]);
    let templates = place.root().join("templates");
    fs::create_dir_all(&templates).unwrap();
    let template = templates.join("session-worker.md");
    fs::write(&template, "Do\n{{ objective.titel }}\n").unwrap();
    let fault = "templates/session-worker.md:2:1: there is no variable `objective.titel`; known are project";
    let said = place.refused(&["config", "validate"], 1);
    assert!(said.contains(fault), "{said}");
    let events = place.idle(3);
    assert_eq!(count(&events, "session_planned", "*"), 0);
    assert!(place.good(&["explain"]).contains(fault), "{}", place.good(&["explain"]));
    fs::write(&template, "{% if feedback %}").unwrap();
    let said = place.refused(&["config", "validate"], 1);
    assert!(said.contains("templates/session-worker.md:1:1: syntax error"), "{said}");
    // A running supervisor notices the mended template by itself.
    let supervisor = place.supervisor(&["--poll-seconds", "1"]);
    supervisor.wait("supervisor_started", "*");
    fs::write(&template, "{{ objective.description }}").unwrap();
    supervisor.wait("worktree_removed", "waits");
    supervisor.stop();
    place.is_tidy(&repository, 1);
}
