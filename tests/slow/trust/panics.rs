//! Panics of Paddock itself, in an effect or in one of its threads. A panic is recorded by name. The effect
//! runs again, or the panic stops that project or the supervisor; it never passes in silence.

use std::process::Stdio;

use paddock_testkit::{Sandbox, Supervisor, outcome_with_panics};
use serde_json::Value;

fn run(place: &Sandbox, trouble: &str) -> (i32, Vec<Value>) {
    let mut command = place.paddock(&["run", "--no-tui", "--json", "--until-idle"]);
    command.env("PADDOCK_TROUBLE", trouble).stderr(Stdio::null());
    Supervisor::start(command).finish()
}

fn panics(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|event| event["type"] == "effect_panicked").collect()
}

const GATE: &str = "verify: [{name: gate, run: \"true\", timeout_minutes: 1}]\n";

#[test]
fn an_effect_that_panics_once_runs_again() {
    for effect in ["harvest", "look", "land", "gate.output", "tail"] {
        let place = Sandbox::scripted("workspace");
        place.simple(GATE);
        place.objectives(&["one"]);
        let (code, events) = run(&place, &format!("panic-once:{effect}"));
        assert_eq!(code, 0, "{effect}: {events:?}");
        let found = panics(&events);
        assert_eq!(found.len(), 1, "{effect}");
        let problem = found[0]["data"]["problem"].as_str().unwrap();
        assert!(problem.contains(&format!("one panic at {effect}")) && problem.contains(".rs:"), "{problem}");
        assert_eq!(place.status("p")["counts"]["done"], 1, "{effect}");
    }
}

#[test]
fn an_effect_that_panics_three_times_holds_its_project_and_no_other() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    let other = place.checkout("other", "main");
    place.register("other", &other, "");
    place.objectives(&["one"]);
    place.objectives_of("other", &["two"]);
    let (code, events) = run(&place, "panic:harvest@p");
    assert_eq!(code, 3, "{events:?}");
    assert_eq!(panics(&events).len(), 3);
    assert_eq!(place.status("other")["counts"]["done"], 1);
    assert_eq!(place.status("p")["state"], "broken");
    let (_, said) = place.outcome(&["status"]);
    assert!(said.contains("effect_panicked") && said.contains("p/one"), "{said}");
    // The next supervisor tries again, and the work is still there.
    assert_eq!(place.until_idle(), 0);
    assert_eq!(place.status("p")["counts"]["done"], 1);
}

#[test]
fn a_thread_that_panics_ends_the_supervisor_and_keepers_continue() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    place.objectives(&["one"]);
    let mut command = place.paddock(&["run", "--no-tui", "--until-idle"]);
    let (code, said) = outcome_with_panics(command.env("PADDOCK_TROUBLE", "panic:runner.wait"));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("waiting for session 1") && said.contains("start it again"), "{said}");
    assert_eq!(place.until_idle(), 0);
    assert_eq!(place.status("p")["counts"]["done"], 1);
}
