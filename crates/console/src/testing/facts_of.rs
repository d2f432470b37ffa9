//! Parts of [`Sample::night`].

use serde_json::{Value, json};

use super::sample::{BEGIN_MS, MINUTE_MS, Sample};

/// Adds an objective that failed the gate twice and waits for a person.
pub(super) fn billing(sample: &mut Sample) {
    sample.ready("billing-webhook");
    let findings = json!([{"code": "out_of_scope", "text": "changed `src/cart.rs`, `docs/账单.md` and 3 more, which are outside the scope `src/billing-webhook/**`",
        "paths": ["src/cart.rs", "docs/账单.md"], "more_paths": 3}]);
    let one = sample.session("billing-webhook", "work", "claude", 1);
    sample.after(11).used("billing-webhook", one, 400_000, 900_000).ended(
        "billing-webhook",
        one,
        "completed",
        3,
        json!([]),
    );
    sample.queued("billing-webhook", 1).built(&[1]);
    let gate = sample.gate(&[1]);
    sample.after(2).gate_ended(gate, "red", 121);
    let next = json!({"kind": "correction", "feedback": {"gate": {"gate": gate, "command": "tests", "outcome": "exit status 101"}},
        "not_before_ms": null, "costs_retry": true});
    sample.fact(
        "entry_dropped",
        json!({"project": "shop", "entry": 1, "subject": {"objective": "billing-webhook"}, "why": "red"}),
    );
    sample.moved("billing-webhook", "queued", "ready", "session_due", next.clone(), None);
    let two = sample.session("billing-webhook", "correction", "codex", 2);
    sample.after(9).used("billing-webhook", two, 300_000, 1_000_000).ended(
        "billing-webhook",
        two,
        "completed",
        1,
        findings,
    );
    sample.moved(
        "billing-webhook",
        "review",
        "needs_review",
        "human_due",
        next,
        Some(("retries_spent", "gate red twice: 3 tests fail only with rate-limits")),
    );
    let cooldown = json!({"failure": {"class": "rate_limit", "reset_ms": null, "text": "You've hit your limit"},
        "in_a_row": 1, "named": true, "since_ms": sample.at_ms, "until_ms": BEGIN_MS + 120 * MINUTE_MS});
    sample.fact(
        "agent_cooled",
        json!({"agent": "codex", "project": "shop", "session": two, "cooldown": cooldown}),
    );
}

/// Adds a gate run on a batch of two entries, an entry that waits, and a publication that waits.
pub(super) fn queue(sample: &mut Sample) {
    for (entry, id) in [(2, "rate-limits"), (3, "search-index"), (4, "docs-openapi")] {
        sample.ready(id);
        let session = sample.session(id, "work", "claude", 1);
        sample.after(3).ended(id, session, "completed", 2, json!([]));
        sample.queued(id, entry);
    }
    sample.built(&[2, 3]);
    let gate = sample.gate(&[2, 3]);
    let wait = json!({"code": "local_changes", "files": ["src/cart.rs", "文档/说明.md"], "since_ms": sample.at_ms,
        "text": "your edits in src/cart.rs and 1 more file are in the way"});
    sample.fact("publication_waits", json!({"project": "shop", "wait": wait}));
    let collisions = json!([
        {"objective": "docs-openapi", "with": "rate-limits", "paths": ["src/api.rs"]},
        {"objective": "auth-tokens", "with": null, "paths": ["src/key.rs"]}
    ]);
    sample.fact("collisions_seen", json!({"project": "shop", "collisions": collisions}));
    let progress = json!({"command": "tests", "index": 2, "of": 2, "started_at_ms": sample.at_ms + 40_000,
        "elapsed_seconds": 20, "stdout_from": 0, "stderr_from": 0, "stdout_bytes": 900, "stderr_bytes": 0});
    sample.gauge("gate_progress", None, Some(gate), progress);
}

/// Adds two running sessions, one of them near its limits.
pub(super) fn working(sample: &mut Sample) {
    sample.ready("auth-tokens").ready("login-page");
    let one = sample.session("auth-tokens", "work", "claude", 1);
    sample.used("auth-tokens", one, 212_000, 620_000);
    sample.gauge("commits", Some(one), None, json!(2));
    let two = sample.session("login-page", "work", "kimi", 1);
    sample.gauge("commits", Some(two), None, Value::from(1));
    sample.after(1);
    sample.at_ms += 52_000;
    sample.model.now_ms = sample.at_ms;
}
