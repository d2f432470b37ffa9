//! Tests of the words and values about gate runs, on a state made of events.

use super::*;
use crate::status::{StatusDocument, View, document};
use crate::status_text;
use paddock_model::answers::Answers;
use paddock_model::event::{Event, Fact};
use paddock_model::ids::ProjectSlug;
use paddock_model::proof::{Unproven, compose_proof};
use paddock_model::state::State;
use serde_json::{Value, json};

const GOLDEN: &str = include_str!("../../../tests/golden/events/v1.jsonl");

/// Returns an object id made from a number.
pub(crate) fn oid(digit: u64) -> String {
    format!("{digit:040x}")
}

/// A state made of facts.
pub(crate) struct Sample {
    pub(crate) state: State,
    seq: u64,
}

impl Sample {
    /// Returns a state with the project `web` and the objective `tokens`, whose gate is an install and a test.
    pub(crate) fn new() -> Self {
        let mut sample = Self { state: State::default(), seq: 0 };
        let golden = |kind: &str| -> Value {
            let mut lines = GOLDEN.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines.find(|fact| fact["type"] == kind).unwrap()["data"].clone()
        };
        let mut added = golden("project_added");
        added["project"] = json!("web");
        added["settings"]["verify"] = json!([
            {"name": "install", "run": "npm ci", "timeout_minutes": 10, "tests": "off"},
            {"name": "tests", "run": "make check", "timeout_minutes": 20}
        ]);
        sample.fact("project_added", added);
        sample.fact("integration_made", json!({"project": "web", "tip": oid(1)}));
        let spec = json!({"title": "Rotate tokens", "description": "", "acceptance_criteria": [], "path_scope": ["src/**"],
            "depends_on": [], "context_refs": [], "worker": "implementer", "priority": 0, "max_commits": null,
            "max_minutes": null, "phase": null});
        sample
            .fact("objective_added", json!({"objective": {"project": "web", "id": "tokens"}, "spec": spec}));
        sample.queued(1);
        sample
    }

    pub(crate) fn queued(&mut self, entry: u64) {
        let data = json!({"project": "web", "entry": entry, "subject": {"objective": "tokens"}, "head": oid(200), "priority": 0});
        self.fact("entry_queued", data);
    }

    pub(crate) fn fact(&mut self, kind: &str, data: impl Into<Value>) {
        self.seq += 1;
        let fact: Fact = serde_json::from_value(json!({"type": kind, "data": data.into()})).unwrap();
        self.state.apply(&Event { seq: self.seq, at_ms: 1_700_000_000_000 + self.seq as i64 * 1_000, fact });
    }

    /// Runs the gate on the entry 1. `tests` is what the second command reported.
    pub(crate) fn ran(&mut self, gate: u64, tests: &Value) {
        let terms = self.state.projects().next().unwrap().settings.gate_terms();
        let planned = json!({"project": "web", "gate": gate, "entry": 1, "commit": oid(300), "tree": oid(400),
            "on_base": false, "terms": terms, "slot": 1, "commands": [], "purpose": {"candidate": {"entries": [1]}}});
        self.fact("gate_planned", planned);
        let results = json!([
            {"name": "install", "exit": {"code": 0}, "timed_out": false, "took_ms": 300},
            {"name": "tests", "exit": {"code": 0}, "timed_out": false, "took_ms": 700, "tests": tests}
        ]);
        self.fact(
            "gate_ended",
            json!({"project": "web", "gate": gate, "verdict": "green", "results": results}),
        );
    }

    /// Compares a run with the base, on which 41 tests passed.
    pub(crate) fn compared(&mut self, gate: u64, tests: &Value, more: Value, outcome: &str) {
        let mut command = json!({"name": "tests", "tests": tests, "base": named(41), "added": 0});
        let Value::Object(more) = more else { panic!("{more}") };
        command.as_object_mut().unwrap().extend(more);
        let changed = json!([{"path": "tests/a.py", "added": 1, "removed": 3,
            "diff": "@@ -1,3 +1 @@\n-def test_a():\n-    assert add(1, 1) == 2\n-\n+# moved\n"}]);
        let data = json!({"project": "web", "gate": gate, "bases": [1], "base_tree": oid(2), "entries": [1],
            "comparison": {"commands": [command], "changed": changed, "more_changed": 2}, "outcome": outcome});
        self.fact("tests_compared", data);
    }

    /// Lands the entry 1 by a gate run.
    pub(crate) fn landed(&mut self, gate: u64) {
        let candidate = json!({"onto": oid(1), "onto_tree": oid(2), "commit": oid(300), "tree": oid(400), "sealed": true});
        let landed = json!({"project": "web", "entry": 1, "subject": {"objective": "tokens"}, "candidate": candidate,
            "head": oid(200), "verified": true, "gate": gate});
        self.fact("landed", landed);
    }

    fn run(&self, gate: u64) -> &GateRun {
        self.state.gate(GateId(gate)).unwrap()
    }
}

/// Returns the tests of a runner that named them.
pub(crate) fn named(passed: u64) -> Value {
    json!({"passed": passed, "failed": 0, "skipped": 1, "source": "runner", "runners": ["pytest"], "names_sha256": "ab"})
}

/// Returns the tests of a command that reported none.
pub(crate) fn untold() -> Value {
    json!({"passed": 0, "failed": 0, "skipped": 0, "source": "exit"})
}

/// Returns answers of an engine that has nothing to say.
pub(crate) fn answers() -> Answers {
    Answers {
        why: |_, _, _, _| None,
        nothing_planned: |_, _| None,
        needs: |_, _| Vec::new(),
        in_order: |train| train.entries.iter().collect(),
    }
}

fn status_of(sample: &Sample) -> (StatusDocument, String) {
    let answers = answers();
    let view = View {
        state: &sample.state,
        answers: &answers,
        workspace: "/ws".into(),
        supervisor: None,
        now_ms: 1_700_000_100_000,
        day_ms: 1_700_000_000_000,
        all: false,
    };
    let found = document(&view, None);
    let text = status_text::render(&found, view.now_ms);
    (found, text)
}

#[test]
fn the_status_names_the_newest_landing_with_its_tests_and_commands_that_tell_none() {
    let mut sample = Sample::new();
    sample.ran(2, &named(42));
    sample.compared(2, &named(42), json!({"added": 1, "added_names": ["test_b"]}), "kept");
    sample.landed(2);
    let (found, text) = status_of(&sample);
    let landing = "  last landing: tokens, gate run 2 green, 42 tests, 1 skipped (41 before)\n    + test_b\n";
    assert!(text.contains(landing) && !text.contains("exit status only"), "{text}");
    let shown = serde_json::to_value(&found.projects[0]).unwrap();
    assert_eq!((&shown["gate"][0]["name"], &shown["gate"][0]["rule"]), (&json!("install"), &json!("off")));
    assert_eq!(
        (&shown["gate"][1]["source"], &shown["gate"][1]["tests"]["passed"]),
        (&json!("runner"), &json!(42))
    );
    assert_eq!((&shown["landing"]["run"], &shown["landing"]["verdict"]), (&json!(2), &json!("green")));

    // Work that loses its tests says nothing about the command.
    sample.queued(1);
    sample.ran(3, &untold());
    sample.compared(3, &untold(), json!({"silent": ["pytest"]}), "fewer_tests");
    let (found, text) = status_of(&sample);
    assert!(!text.contains("exit status only"), "{text}");
    assert_eq!(found.projects[0].queue[0].verdicts[1].text, "fewer tests than before, no tests (41 before)");

    let mut sample = Sample::new();
    sample.ran(3, &untold());
    sample.compared(3, &untold(), json!({"base": untold()}), "kept");
    let (found, text) = status_of(&sample);
    let line =
        "  gate command tests: green, exit status only (`paddock doctor` says how it can report more)\n";
    assert!(text.contains(line) && !text.contains("command install"), "{text}");
    let run = &serde_json::to_value(&found.projects[0].queue[0].verdicts).unwrap()[0];
    assert_eq!((&run["verdict"], &run["code"]), (&json!("green"), &json!("green_exit_only")));
    assert_eq!(
        (&run["text"], &run["commands"][1]["tests"]["source"]),
        (&json!("green, exit status only"), &json!("exit"))
    );
}

#[test]
fn an_event_says_how_many_tests_ran() {
    let mut sample = Sample::new();
    sample.ran(2, &named(42));
    assert_eq!(reported_tests(&sample.run(2).results).as_deref(), Some("42 tests, 1 skipped"));
    assert_eq!(code_of(Verdict::Green, &sample.run(2).results), VerdictCode::Green);
}

fn test_b_for_test_a() -> Value {
    json!({"added": 2, "added_names": ["test_b", "test_c"],
        "gone": [{"how": "missing", "file": "tests/a.py", "count": 1, "names": ["test_a"]}]})
}

#[test]
fn a_run_says_how_many_tests_ran_and_what_differs_by_name() {
    let mut sample = Sample::new();
    sample.ran(2, &named(42));
    assert_eq!(verdict(sample.run(2)).as_deref(), Some("green, 42 tests, 1 skipped"));
    assert!(differences(sample.run(2)).is_empty());
    sample.compared(2, &named(42), test_b_for_test_a(), "kept");
    assert_eq!(verdict(sample.run(2)).as_deref(), Some("green, 42 tests, 1 skipped (41 before)"));
    assert_eq!(differences(sample.run(2)), ["+ test_b, test_c", "- test_a did not run, in tests/a.py"]);
    let all = commands(sample.run(2));
    assert_eq!((all[0].verdict, all[1].verdict), ("green_exit_only", "green"));
    assert_eq!(all[1].base_tests.as_ref().unwrap().passed, 41);
    let shown = serde_json::to_value(&all[1]).unwrap();
    assert_eq!(shown["tests"]["source"], "runner");
    assert_eq!(shown["gone"][0]["names"], json!(["test_a"]));
}

#[test]
fn a_run_that_told_no_test_is_green_by_its_exit_status_only() {
    let mut sample = Sample::new();
    sample.ran(2, &untold());
    assert_eq!(verdict(sample.run(2)).as_deref(), Some("green, exit status only"));
    assert_eq!(commands(sample.run(2))[1].verdict, "green_exit_only");
}

#[test]
fn a_run_with_fewer_tests_is_not_called_green() {
    let mut sample = Sample::new();
    sample.ran(2, &named(40));
    sample.compared(
        2,
        &named(40),
        json!({"fewer": 1, "silent": ["pytest"], "nameless": ["jest"], "failures": 2}),
        "fewer_tests",
    );
    let run = sample.run(2);
    assert_eq!(commands(run)[1].verdict, "red");
    assert_eq!(verdict(run).as_deref(), Some("fewer tests than before, 40 tests, 1 skipped (41 before)"));
    assert_eq!(
        differences(run),
        ["1 test fewer", "2 failures in its output", "no summary of pytest", "jest names its tests no more"]
    );
}

#[test]
fn a_command_that_lost_tests_is_named_by_its_verdict_and_the_others_are_not() {
    let mut sample = Sample::new();
    sample.ran(2, &named(42));
    sample.compared(2, &named(42), test_b_for_test_a(), "person");
    let all = commands(sample.run(2));
    assert_eq!((all[0].verdict, all[1].verdict), ("green_exit_only", "fewer_tests"));
}

#[test]
fn a_proof_holds_the_tests_and_says_by_which_a_landing_differs() {
    let mut sample = Sample::new();
    sample.ran(2, &named(42));
    sample.compared(2, &named(42), test_b_for_test_a(), "kept");
    sample.landed(2);
    let web = ProjectSlug::new("web").unwrap();
    let landing: Unproven = sample.state.project(&web).unwrap().unproven[0].clone();
    let proof = compose_proof(&sample.state, &web, &landing, None);
    let shown = serde_json::to_value(&proof).unwrap();
    let command = &shown["gate"]["commands"][1];
    assert_eq!(command["verdict"], "green");
    assert_eq!(command["tests"]["names_sha256"], "ab");
    assert_eq!(command["base_tests"]["passed"], 41);
    assert_eq!((&command["isolated"], &command["place"]), (&json!(false), &json!("unconfined")));
    assert_eq!(shown["gate"]["commands"][0]["verdict"], "green_exit_only");
    assert_eq!(shown["tests_changed"][0]["path"], "tests/a.py");
    assert!(shown["tests_changed"][0]["diff"].as_str().unwrap().contains("-def test_a"));
    assert_eq!(proven(&proof).as_deref(), Some("green, 42 tests, 1 skipped (41 before)"));
    assert_eq!(
        proven_differences(&proof),
        [
            "+ test_b, test_c",
            "- test_a did not run, in tests/a.py",
            "changed tests/a.py (+1 -3)",
            "changed 2 more test files"
        ]
    );
    let again: Proof = serde_json::from_value(shown).unwrap();
    assert_eq!(again, proof);
}

#[test]
fn a_proof_of_an_earlier_build_is_read_and_claims_no_tests() {
    let mut sample = Sample::new();
    sample.ran(2, &untold());
    sample.landed(2);
    let web = ProjectSlug::new("web").unwrap();
    let landing = sample.state.project(&web).unwrap().unproven[0].clone();
    let mut note = serde_json::to_value(compose_proof(&sample.state, &web, &landing, None)).unwrap();
    let gate = note["gate"].as_object_mut().unwrap();
    gate.remove("verdict");
    gate["commands"] = json!([
        {"name": "tests", "verdict": "green", "exit_status": 0, "seconds": 0.7, "log_sha256": null}
    ]);
    let proof: Proof = serde_json::from_value(note).unwrap();
    assert_eq!(proven(&proof).as_deref(), Some("green"));
    assert!(proven_differences(&proof).is_empty());
}
