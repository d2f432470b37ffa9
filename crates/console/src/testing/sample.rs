//! A sample project in the middle of a night's work, built from events like those that a supervisor records.

use serde_json::{Value, json};

use super::facts_of;
use crate::Model;
use crate::data::{FactsMsg, Loaded, SupervisorSeen};
use paddock_ipc::Gauge;
use paddock_model::event::{Event, Fact};
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::state::State;
use paddock_report::event_types::line;
use paddock_store::codec::to_stored;

/// Time of the first event, in Unix milliseconds.
pub(super) const BEGIN_MS: i64 = 1_700_000_000_000;
/// One minute, in milliseconds.
pub(crate) const MINUTE_MS: i64 = 60_000;

const GOLDEN: &str = include_str!("../../../../tests/golden/events/v1.jsonl");

/// Builds a model by applying facts one after the other.
pub(crate) struct Sample {
    /// The model that the facts are applied to.
    pub model: Model,
    /// Time of the next fact, in Unix milliseconds.
    pub at_ms: i64,
    seq: u64,
    sessions: u64,
    gates: u64,
}

fn oid(digit: u64) -> String {
    format!("{digit:040x}")
}

/// Returns the key of an objective of the sample project.
pub(crate) fn key(id: &str) -> ObjectiveKey {
    ObjectiveKey { project: slug(), id: ObjectiveId::new(id).unwrap() }
}

/// Returns the slug of the sample project.
pub(crate) fn slug() -> ProjectSlug {
    ProjectSlug::new("shop").unwrap()
}

fn named(id: &str) -> Value {
    json!({"project": "shop", "id": id})
}

impl Sample {
    /// Returns a sample without projects, with a running supervisor.
    pub(crate) fn empty() -> Self {
        let mut model = Model {
            now_ms: BEGIN_MS,
            day_ms: BEGIN_MS - 3_600_000,
            size: (120, 40),
            ..Model::new(paddock_engine::ANSWERS, crate::actions::keymap())
        };
        let nothing = Loaded { state: State::default(), events: Vec::new() };
        model.facts.apply(FactsMsg::Loaded(Box::new(nothing)));
        model.facts.apply(FactsMsg::Supervisor(SupervisorSeen::Running { pid: 4711 }));
        Self { model, at_ms: BEGIN_MS, seq: 0, sessions: 0, gates: 0 }
    }

    /// Returns a sample with the project `shop` and no objectives.
    pub(crate) fn shop() -> Self {
        let mut sample = Self::empty();
        let golden: Value = GOLDEN
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|fact| fact["type"] == "project_added")
            .unwrap();
        let mut data = golden["data"].clone();
        data["project"] = json!("shop");
        data["settings"]["name"] = json!("Shop");
        data["settings"]["budget"] = json!({"usd": 50.0, "tokens": null, "session_minutes": 600});
        data["settings"]["verify"] = json!([
            {"name": "build", "run": "cargo build --all", "timeout_minutes": 10},
            {"name": "tests", "run": "cargo test", "timeout_minutes": 20}
        ]);
        sample.fact("project_added", data);
        sample.fact("integration_made", json!({"project": "shop", "tip": oid(1)}));
        sample
    }

    /// Applies a fact of this type.
    pub(crate) fn fact(&mut self, kind: &str, data: impl Into<Value>) -> &mut Self {
        self.seq += 1;
        let fact: Fact = serde_json::from_value(json!({"type": kind, "data": data.into()})).unwrap();
        let event = Event { seq: self.seq, at_ms: self.at_ms, fact };
        let shown = line(&to_stored(&event).unwrap());
        self.model.facts.apply(FactsMsg::Happened(vec![(event, shown)]));
        self.model.now_ms = self.model.now_ms.max(self.at_ms);
        self.model.refresh();
        self
    }

    /// Lets minutes pass.
    pub(crate) fn after(&mut self, minutes: i64) -> &mut Self {
        self.at_ms += minutes * MINUTE_MS;
        self.model.now_ms = self.at_ms;
        self
    }

    /// Adds an objective and its dependencies.
    pub(crate) fn objective(&mut self, id: &str, title: &str, depends_on: &[&str]) -> &mut Self {
        let spec = json!({
            "title": title, "description": format!("{title}, as the plan says."), "acceptance_criteria": ["it works"],
            "path_scope": [format!("src/{id}/**")], "depends_on": depends_on, "context_refs": [],
            "worker": "implementer", "priority": 0, "max_commits": null, "max_minutes": null, "phase": null
        });
        self.fact("objective_added", json!({"objective": named(id), "spec": spec}))
    }

    /// Moves an objective to another status.
    pub(crate) fn moved(
        &mut self,
        id: &str,
        from: &str,
        to: &str,
        cause: &str,
        next: impl Into<Value>,
        reason: Option<(&str, &str)>,
    ) -> &mut Self {
        let reason = reason.map(|(code, text)| {
            json!({"code": code, "text": text, "since_ms": self.at_ms, "clears": "retry, approve or skip it"})
        });
        let data = json!({"objective": named(id), "from": from, "to": to, "cause": cause, "reason": reason, "next": next.into()});
        self.fact("objective_moved", data)
    }

    /// Starts a session on an objective. Returns its number.
    pub(crate) fn session(&mut self, id: &str, kind: &str, agent: &str, attempt: u32) -> u64 {
        self.sessions += 1;
        let session = self.sessions;
        if attempt == 1 {
            let base = json!({"objective": named(id), "path": format!("/home/ada/shop-wt/shop/{id}"),
                "branch": format!("paddock/{id}/work"), "base": oid(1), "epoch": 1});
            self.fact("worktree_ordered", base);
            self.fact("worktree_made", json!({"objective": named(id)}));
        }
        let plan = json!({"session": session, "kind": kind, "agent": agent, "worker": "implementer", "attempt": attempt,
            "budget": {"max_commits": 5, "max_minutes": 30, "max_tokens": 1_000_000, "max_usd_micros": 2_000_000},
            "from": oid(1), "overtook": []});
        self.fact("session_planned", json!({"objective": named(id), "plan": plan}));
        self.fact(
            "session_started",
            json!({"objective": named(id), "session": session, "pid": 700 + session}),
        );
        self.moved(id, "ready", "active", "session_starts", Value::Null, None);
        session
    }

    /// Records what a session has used.
    pub(crate) fn used(&mut self, id: &str, session: u64, tokens: u64, usd_micros: u64) -> &mut Self {
        let usage = json!({"model": "opus", "tokens": {"input": tokens, "cached": 0, "output": 0}, "usd_micros": usd_micros});
        self.fact("session_used", json!({"objective": named(id), "session": session, "usage": usage}))
    }

    /// Ends and harvests a session.
    pub(crate) fn ended(
        &mut self,
        id: &str,
        session: u64,
        end: &str,
        commits: u32,
        findings: impl Into<Value>,
    ) -> &mut Self {
        let awake = 60;
        let process = json!({"exit": {"code": i32::from(end == "failed")}, "stop": null, "awake_seconds": awake, "survivors": 0});
        self.fact("session_exited", json!({"objective": named(id), "session": session, "process": process}));
        let checkpoints: Vec<Value> = (0..commits)
            .map(
                |at| json!({"commit": oid(100 + u64::from(at)), "summary": format!("Step {at}"), "paths": 2}),
            )
            .collect();
        let harvest = json!({"head": oid(100 + session), "commits": commits, "checkpoints": checkpoints, "salvage": null,
            "findings": findings.into(), "summary": "The signing key is apart from the verifier now.", "summary_lenient": false});
        let (usage, failure) = (json!({"tokens": null, "usd_micros": null, "model": null}), Value::Null);
        let account = json!({"usage": usage, "failure": failure});
        let data = json!({"objective": named(id), "session": session, "end": end, "harvest": harvest,
            "over_commits": false, "problem": null, "account": account});
        self.fact("session_harvested", data);
        self.moved(id, "active", "review", "session_harvested", Value::Null, None)
    }

    /// Queues an objective that passed the review, as this entry.
    pub(crate) fn queued(&mut self, id: &str, entry: u64) -> &mut Self {
        self.moved(id, "review", "queued", "review_passed", Value::Null, None);
        let data = json!({"project": "shop", "entry": entry, "subject": {"objective": id}, "head": oid(200 + entry), "priority": 0});
        self.fact("entry_queued", data)
    }

    fn candidate(entry: u64) -> Value {
        json!({"onto": oid(1), "onto_tree": oid(2), "commit": oid(300 + entry), "tree": oid(400 + entry), "sealed": true})
    }

    /// Builds the chain of merges of these entries.
    pub(crate) fn built(&mut self, entries: &[u64]) -> &mut Self {
        let first = entries[0];
        let links: Vec<Value> = entries
            .iter()
            .map(|entry| json!({"entry": entry, "commit": oid(300 + entry), "tree": oid(400 + entry)}))
            .collect();
        let ordered =
            json!({"project": "shop", "entry": first, "onto": oid(1), "members": entries, "ahead": false});
        self.fact("candidate_ordered", ordered);
        let candidate = Self::candidate(first);
        let made = json!({"project": "shop", "entry": first, "candidate": candidate, "links": links, "apart": [], "ahead": false});
        self.fact("candidate_made", made)
    }

    /// Starts a gate run on these entries. Returns its number.
    pub(crate) fn gate(&mut self, entries: &[u64]) -> u64 {
        self.gates += 1;
        let gate = self.gates;
        let data = json!({"project": "shop", "gate": gate, "entry": entries[0], "commit": oid(300 + entries[0]),
            "tree": oid(400 + entries[0]), "on_base": false, "terms": "", "slot": 1, "commands": [],
            "purpose": {"candidate": {"entries": entries}}});
        self.fact("gate_planned", data);
        gate
    }

    /// Ends a gate run with this verdict.
    pub(crate) fn gate_ended(&mut self, gate: u64, verdict: &str, seconds: u64) -> &mut Self {
        let code = i32::from(verdict == "red");
        let failed = u64::from(verdict == "red");
        let tests = json!({"passed": 42 - failed, "failed": failed, "skipped": 0, "source": "runner", "runners": ["libtest"]});
        let results = json!([
            {"name": "build", "exit": {"code": 0}, "timed_out": false, "took_ms": seconds * 300},
            {"name": "tests", "exit": {"code": code}, "timed_out": false, "took_ms": seconds * 700, "tests": tests}
        ]);
        self.fact(
            "gate_ended",
            json!({"project": "shop", "gate": gate, "verdict": verdict, "results": results}),
        )
    }

    /// Compares the tests of a gate run with those on the base: one more passes there, and others ran.
    pub(crate) fn compared(&mut self, gate: u64, entries: &[u64], outcome: &str) -> &mut Self {
        let tests = |passed: u64| json!({"passed": passed, "failed": 0, "skipped": 0, "source": "runner"});
        let gone = json!({"how": "missing", "file": "tests/a.rs", "count": 1, "names": ["tokens::expire"]});
        let command = json!({"name": "tests", "tests": tests(42), "base": tests(41), "added": 2,
            "added_names": ["tokens::rotate", "tokens::sign"], "gone": [gone]});
        let changed = json!([{"path": "tests/a.rs", "added": 9, "removed": 2, "diff": "-fn expire()"}]);
        self.fact(
            "tests_compared",
            json!({"project": "shop", "gate": gate, "bases": [1], "base_tree": oid(2),
            "entries": entries, "comparison": {"commands": [command], "changed": changed, "more_changed": 0},
            "outcome": outcome}),
        )
    }

    /// Lands an entry.
    pub(crate) fn landed(&mut self, id: &str, entry: u64, gate: u64) -> &mut Self {
        let candidate = Self::candidate(entry);
        self.fact(
            "landing_intended",
            json!({"project": "shop", "entry": entry, "candidate": candidate, "gate": gate}),
        );
        self.fact("landed", json!({"project": "shop", "entry": entry, "subject": {"objective": id}, "candidate": Self::candidate(entry),
            "head": oid(200 + entry), "verified": true, "gate": gate}));
        self.moved(id, "queued", "done", "landed", Value::Null, None)
    }

    /// Sets a gauge.
    pub(crate) fn gauge(
        &mut self,
        name: &str,
        session: Option<u64>,
        gate: Option<u64>,
        value: impl Into<Value>,
    ) -> &mut Self {
        self.model.facts.apply(FactsMsg::Gauges(vec![Gauge {
            name: name.to_owned(),
            session,
            gate,
            value: value.into(),
        }]));
        self
    }

    /// Makes an objective ready.
    pub(crate) fn ready(&mut self, id: &str) -> &mut Self {
        self.moved(id, "todo", "ready", "dependencies_met", Value::Null, None)
    }

    /// Returns the whole night: landed, running and queued objectives, a batch at
    /// the gate, findings, an objective that waits for a person, a publication
    /// that waits, an agent that cools down, and branches that collide.
    pub(crate) fn night() -> Self {
        let mut sample = Self::shop();
        let node = json!({"project": "shop", "level": "goal", "id": "ship-v2"});
        sample.fact("aim_added", json!({"project": "shop", "aim": node, "title": "Ship v2", "description": "Tokens and billing", "parent": null}));
        for (id, title, needs) in [
            ("auth-schema", "Schema for tokens", &[][..]),
            ("auth-tokens", "Sign and rotate tokens", &["auth-schema"]),
            ("rate-limits", "Limit requests", &["auth-schema"]),
            ("login-page", "登录页面和密码重置", &["auth-schema"]),
            ("search-index", "Index for search", &[]),
            ("docs-openapi", "Describe the API", &[]),
            ("billing-webhook", "Take in billing events", &["auth-schema"]),
            ("billing-ui", "Show bills", &["billing-webhook"]),
        ] {
            sample.objective(id, title, needs);
        }
        sample.ready("auth-schema");
        let one = sample.session("auth-schema", "work", "claude", 1);
        sample.after(4).used("auth-schema", one, 120_000, 310_000).ended(
            "auth-schema",
            one,
            "completed",
            2,
            json!([]),
        );
        sample.queued("auth-schema", 0).built(&[0]);
        let gate = sample.gate(&[0]);
        sample.after(2).gate_ended(gate, "green", 118).landed("auth-schema", 0, gate);
        facts_of::billing(&mut sample);
        facts_of::queue(&mut sample);
        facts_of::working(&mut sample);
        sample.model.select(Some(key("auth-tokens")));
        sample.model.refresh();
        sample
    }
}
