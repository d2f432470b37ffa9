//! The project that most tests of the console show: a shop's backend at 23:42, with a landing, two sessions
//! at work, an entry in the queue, an objective that waits for a person, and a title in Chinese. It is made
//! of events, like a real log.

use paddock_console::data::{FactsMsg, Loaded, SupervisorSeen};
use paddock_console::msg::{Effect, Msg};
use paddock_console::update::{settle, update};
use paddock_console::{Model, panes};
use paddock_ipc::EventLine;
use paddock_model::event::{Event, Fact};
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::state::State;
use paddock_report::event_types::line;
use paddock_store::codec::to_stored;
use serde_json::{Value, json};

/// 2026-01-31 23:42 UTC.
pub(crate) const NOW_MS: i64 = 1_769_902_920_000;

/// A log of events under construction, and the state that they fold to.
pub(crate) struct Log {
    pub state: State,
    pub events: Vec<Event>,
}

pub(crate) fn oid(number: u64) -> String {
    format!("{number:040x}")
}

pub(crate) fn key(id: &str) -> ObjectiveKey {
    ObjectiveKey { project: ProjectSlug::new("shop-api").unwrap(), id: ObjectiveId::new(id).unwrap() }
}

impl Log {
    /// Starts a log with a project and nothing else. Its settings come from the golden event, so that new
    /// settings need no change here.
    pub(crate) fn new() -> Self {
        let golden = include_str!("../../golden/events/v1.jsonl");
        let mut added: Value = golden
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|fact| fact["type"] == "project_added")
            .unwrap();
        let data = &mut added["data"];
        data["project"] = json!("shop-api");
        data["settings"]["name"] = json!("Shop");
        data["settings"]["max_parallel_sessions"] = json!(6);
        data["settings"]["budget"] = json!({ "usd": null, "tokens": null, "session_minutes": 600 });
        let mut log = Self { state: State::default(), events: Vec::new() };
        log.fact(9000, "project_added", data.clone());
        log.fact(9000, "integration_made", json!({ "project": "shop-api", "tip": oid(1) }));
        log
    }

    /// Appends an event that happened this many seconds ago.
    pub(crate) fn fact(&mut self, seconds_ago: i64, kind: &str, data: impl Into<Value>) {
        let data = data.into();
        let fact: Fact = serde_json::from_value(json!({ "type": kind, "data": data }))
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        let seq = self.state.counters().seq + 1;
        let event = Event { seq, at_ms: NOW_MS - seconds_ago * 1000, fact };
        self.state.apply(&event);
        drop(self.state.take_touched());
        self.events.push(event);
    }

    pub(crate) fn objective(&mut self, id: &str, title: &str, depends_on: &[&str]) {
        let spec = json!({
            "title": title, "description": "", "acceptance_criteria": [], "path_scope": [],
            "depends_on": depends_on, "context_refs": [], "worker": "implementer", "priority": 0,
            "max_commits": null, "max_minutes": null, "phase": null
        });
        self.fact(8000, "objective_added", json!({ "objective": key(id), "spec": spec }));
    }

    pub(crate) fn moved(&mut self, seconds_ago: i64, id: &str, steps: &[(&str, &str)]) {
        for (to, cause) in steps {
            let from = self.state.objective(&key(id)).unwrap().status;
            let reason = (*to == "needs_review").then(|| {
                json!({
                    "code": "retries_spent", "text": "gate red twice: 3 tests fail only with main",
                    "since_ms": NOW_MS - seconds_ago * 1000, "clears": "retry it with a note, or skip it"
                })
            });
            let data = json!({
                "objective": key(id), "from": from, "to": to, "cause": cause, "reason": reason, "next": null
            });
            self.fact(seconds_ago, "objective_moved", data);
        }
    }

    pub(crate) fn session(&mut self, seconds_ago: i64, id: &str, number: u64) {
        let plan = json!({
            "session": number, "kind": "work", "agent": "claude", "worker": "implementer", "attempt": 1,
            "budget": { "max_commits": 5, "max_minutes": 30 }, "from": oid(1), "overtook": []
        });
        self.fact(seconds_ago, "session_planned", json!({ "objective": key(id), "plan": plan }));
        let started = json!({ "objective": key(id), "session": number, "pid": 4000 + number });
        self.fact(seconds_ago, "session_started", started);
    }

    fn harvested(&mut self, seconds_ago: i64, id: &str, number: u64) {
        let harvest = json!({
            "head": oid(100 + number), "commits": 1, "salvage": null, "findings": [],
            "checkpoints": [{ "commit": oid(100 + number), "summary": "Work on it", "paths": 2 }],
            "summary": "done", "summary_lenient": false
        });
        let process = json!({ "exit": { "code": 0 }, "stop": null, "awake_seconds": 120, "survivors": 0 });
        let exited = json!({ "objective": key(id), "session": number, "process": process });
        self.fact(seconds_ago, "session_exited", exited);
        let data = json!({
            "objective": key(id), "session": number, "end": "completed", "harvest": harvest,
            "over_commits": false, "problem": null
        });
        self.fact(seconds_ago, "session_harvested", data);
    }

    fn queued(&mut self, seconds_ago: i64, id: &str, entry: u64) {
        self.moved(seconds_ago, id, &[("queued", "review_passed")]);
        let data = json!({
            "project": "shop-api", "entry": entry, "subject": { "objective": id }, "head": oid(100 + entry),
            "priority": 0
        });
        self.fact(seconds_ago, "entry_queued", data);
    }

    fn landed(&mut self, seconds_ago: i64, id: &str, entry: u64) {
        let candidate = json!({
            "onto": oid(1), "onto_tree": oid(2), "commit": oid(200 + entry), "tree": oid(300 + entry),
            "sealed": true
        });
        let data = json!({
            "project": "shop-api", "entry": entry, "subject": { "objective": id }, "candidate": candidate,
            "head": oid(100 + entry), "verified": true, "gate": null
        });
        self.fact(seconds_ago, "landed", data);
        self.moved(seconds_ago, id, &[("done", "landed")]);
    }

    pub(crate) fn worked(&mut self, seconds_ago: i64, id: &str, number: u64) {
        self.moved(seconds_ago, id, &[("ready", "dependencies_met"), ("active", "session_starts")]);
        self.session(seconds_ago, id, number);
    }

    /// Returns the log described above.
    pub(crate) fn evening() -> Self {
        let mut log = Self::new();
        log.objective("auth-schema", "Tables for accounts and keys", &[]);
        log.objective("auth-tokens", "Sign and rotate tokens", &["auth-schema"]);
        log.objective("rate-limits", "Limit requests per account", &[]);
        log.objective("login-page", "登录页面：账号与验证码", &["auth-tokens"]);
        log.objective("audit-log", "Write down who did what", &[]);
        log.objective("billing-webhook", "Take in the provider's calls", &["auth-schema"]);
        log.objective("billing-ui", "Show what was billed", &["billing-webhook"]);
        log.objective("e2e-checkout", "Try the checkout from end to end", &["billing-ui", "rate-limits"]);
        for (number, id) in [(1, "auth-schema"), (2, "rate-limits"), (3, "billing-webhook")] {
            log.worked(5000 - 900 * i64::try_from(number).unwrap(), id, number);
        }
        log.harvested(4000, "auth-schema", 1);
        log.moved(3990, "auth-schema", &[("review", "session_harvested")]);
        log.queued(3980, "auth-schema", 0);
        log.landed(3900, "auth-schema", 0);
        log.harvested(1200, "rate-limits", 2);
        log.moved(1190, "rate-limits", &[("review", "session_harvested")]);
        log.queued(1180, "rate-limits", 1);
        log.harvested(1000, "billing-webhook", 3);
        let steps = [("review", "session_harvested"), ("needs_review", "human_due")];
        log.moved(960, "billing-webhook", &steps);
        log.worked(720, "auth-tokens", 4);
        log.worked(180, "audit-log", 5);
        log
    }

    /// Returns the console's model of this log, connected to a running supervisor.
    pub(crate) fn model(self, size: (u16, u16)) -> Model {
        let mut model = Model {
            now_ms: NOW_MS,
            day_ms: NOW_MS - 85_320_000,
            size,
            ..Model::new(paddock_engine::ANSWERS, paddock_console::actions::keymap())
        };
        let events: Vec<EventLine> =
            self.events.iter().map(|event| line(&to_stored(event).unwrap())).collect();
        let loaded = Loaded { state: self.state, events };
        send(&mut model, Msg::Facts(FactsMsg::Loaded(Box::new(loaded))));
        let running = SupervisorSeen::Running { pid: 4711 };
        send(&mut model, Msg::Facts(FactsMsg::Supervisor(running)));
        model
    }
}

/// Applies a message and settles the model, as the console's loop does.
pub(crate) fn send(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let (_, mut effects) = update(model, msg);
    effects.extend(settle(model));
    effects
}

/// Delivers an event that happens while the console is open.
pub(crate) fn happens(
    model: &mut Model,
    seconds_ago: i64,
    kind: &str,
    data: impl Into<Value>,
) -> Vec<Effect> {
    let data = data.into();
    let fact: Fact = serde_json::from_value(json!({ "type": kind, "data": data })).unwrap();
    let seq = model.facts.state.counters().seq + 1;
    let event = Event { seq, at_ms: NOW_MS - seconds_ago * 1000, fact };
    let line = line(&to_stored(&event).unwrap());
    send(model, Msg::Facts(FactsMsg::Happened(vec![(event, line)])))
}

/// Selects an objective in the first pane.
pub(crate) fn select(model: &mut Model, id: &str) {
    model.focus = panes::PaneId::Objectives;
    model.covers.clear();
    model.select(Some(key(id)));
}
