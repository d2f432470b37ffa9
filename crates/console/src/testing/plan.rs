//! Facts that stop a project: a plan that waits for approval, holds, an unusable agent.

use serde_json::{Value, json};

use super::sample::Sample;

fn proposed(id: &str, title: &str, depends_on: &[&str], scope: &str) -> Value {
    json!({"id": id, "title": title, "description": title, "acceptance_criteria": ["the tests pass"],
        "path_scope": [scope], "depends_on": depends_on, "context_refs": [], "worker_id": "implementer",
        "priority": 0, "session_budget": {"max_commits": 3, "max_minutes": 45}})
}

impl Sample {
    /// Adds a plan that waits for approval.
    pub(crate) fn planned(&mut self) -> &mut Self {
        let objectives = json!([
            proposed("invoice-model", "A model of invoices", &["billing-webhook"], "src/invoice/**"),
            proposed("invoice-pdf", "发票导出为 PDF", &["invoice-model"], "src/pdf/**"),
            proposed("invoice-mail", "Mail invoices", &["invoice-model", "login-page"], "src/mail/**"),
            proposed("invoice-e2e", "Try it from end to end", &["invoice-pdf", "invoice-mail"], "tests/**"),
        ]);
        let plan = json!({"reasoning": "Billing events are taken in; what is missing is what the customer sees.",
            "phase_checks": [{"description": "invoices are sent", "check_type": "shell",
                "check_command": "cargo test --test invoices", "expected": ""}],
            "objectives": objectives});
        let warnings = json!(["invoice-pdf and login-page may change the same files: src/pdf/**"]);
        let data = json!({"project": "shop", "session": 9, "phase": null, "plan": plan, "warnings": warnings, "waits": true});
        self.fact("plan_made", data)
    }

    /// Adds a rewritten target branch, a red gate on the target, and an agent that was not found.
    pub(crate) fn stopped(&mut self) -> &mut Self {
        let reason = |code: &str, text: &str, clears: &str, at_ms: i64| json!({"code": code, "text": text, "clears": clears, "since_ms": at_ms});
        let at = self.at_ms;
        let rewritten = reason(
            "target_rewritten",
            "main no longer descends from what was published",
            "`paddock queue adopt` or `paddock queue republish`",
            at,
        );
        self.fact("project_held", json!({"project": "shop", "reason": rewritten}));
        let red = reason(
            "target_red",
            "the gate is red on the target itself: tests: exit status 101",
            "main or the gate changes, or `paddock queue release`",
            at,
        );
        self.fact("queue_held", json!({"project": "shop", "reason": red}));
        self.fact(
            "agent_unusable",
            json!({"project": "shop", "agent": "codex", "problem": "codex was not found on PATH"}),
        )
    }
}
