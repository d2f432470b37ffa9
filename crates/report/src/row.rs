//! One event as one line for people.

use serde_json::Value;

use super::text::harmless;
use paddock_ipc::EventLine;
use paddock_model::agent::length;

/// The line: time of day, what it is about, and what happened. The line has its public type.
#[must_use]
pub fn human(line: &EventLine) -> String {
    let time = match line.at.parse::<jiff::Timestamp>() {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string(),
        Err(_) => line.at.clone(),
    };
    let mut about = match (&line.project, &line.objective) {
        (Some(project), Some(objective)) => format!("{project}/{objective}"),
        (Some(project), None) => project.clone(),
        _ => "paddock".to_owned(),
    };
    if let Some(session) = line.session {
        about.push_str(&format!(" #{session}"));
    }
    harmless(&format!("{time}  {about:<28}  {}", said(line)))
}

/// What happened, without when and to what.
#[must_use]
pub fn said(line: &EventLine) -> String {
    let data = &line.data;
    let words = line.kind.replace('_', " ");
    let more = match line.kind.as_str() {
        "session_planned" => planned(data),
        "session_ended" => ended(data),
        "session_exited" => exited(data),
        "session_stopping" => text(data, "/stop"),
        "agent_cooling" => cooling(data),
        "agent_locked" => named_agent(data, text(data, "/failure/text")),
        "agent_freed" => named_agent(data, text(data, "/why")),
        "agent_enabled" => named_agent(data, flag(data, "/enabled")),
        "agent_checked" => named_agent(data, flag(data, "/check/ok")),
        "agent_unusable" => named_agent(data, text(data, "/problem")),
        "budget_exhausted" => text(data, "/limit"),
        "clock_jumped" | "session_slept" => jumped(data),
        "queue_bypassed" => bypassed(data),
        "session_used" => used(data),
        "session_started" => number(data, "/pid").map(|pid| format!("process {pid}")),
        "supervisor_started" => number(data, "/pid").map(|pid| format!("process {pid}")),
        "supervisor_stopped" => text(data, "/mode"),
        "objective_added" => text(data, "/spec/title"),
        "gate_ended" => gate(data),
        "gate_started" | "gate_cancelled" => number(data, "/gate").map(|gate| format!("run {gate}")),
        "queue_left" => left(data),
        "queue_entered" | "landed" => subject(data),
        "published" | "external_adopted" | "target_adopted" => commit(data, "/to"),
        "target_set" => text(data, "/branch"),
        "integration_made" => commit(data, "/tip"),
        "publication_waits" => text(data, "/wait/text"),
        "project_enabled" => flag(data, "/enabled"),
        "project_paused" => flag(data, "/paused"),
        _ => text(data, "/reason/text").or_else(|| text(data, "/problem")),
    };
    match more {
        Some(more) => format!("{words}: {more}"),
        None => words,
    }
}

fn text(data: &Value, pointer: &str) -> Option<String> {
    data.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

fn number(data: &Value, pointer: &str) -> Option<u64> {
    data.pointer(pointer).and_then(Value::as_u64)
}

fn flag(data: &Value, pointer: &str) -> Option<String> {
    data.pointer(pointer).and_then(Value::as_bool).map(|flag| if flag { "yes" } else { "no" }.to_owned())
}

fn commit(data: &Value, pointer: &str) -> Option<String> {
    text(data, pointer).map(|commit| commit.chars().take(10).collect())
}

fn named_agent(data: &Value, what: Option<String>) -> Option<String> {
    let agent = text(data, "/agent")?;
    Some(what.filter(|what| !what.is_empty()).map_or(agent.clone(), |what| format!("{agent}, {what}")))
}

/// Whose commits, and which.
fn bypassed(data: &Value) -> Option<String> {
    let commits = data.pointer("/found/commits")?.as_array()?;
    let named = commits
        .iter()
        .filter_map(|one| Some(format!("{} of {}", commit(one, "/commit")?, text(one, "/objective")?)));
    Some(named.collect::<Vec<_>>().join(", "))
}

/// Which way, and how far.
fn jumped(data: &Value) -> Option<String> {
    let by_ms = data.pointer("/by_ms").and_then(Value::as_i64)?;
    let way = if by_ms < 0 { "back" } else { "on" };
    Some(format!("{way} by {}", length(by_ms.saturating_abs())))
}

fn cooling(data: &Value) -> Option<String> {
    let until_ms = data.pointer("/cooldown/until_ms").and_then(Value::as_i64)?;
    let until = super::text::rfc3339(until_ms);
    let failure = data.pointer("/cooldown/failure")?;
    let failure = serde_json::from_value::<paddock_model::failure::Failure>(failure.clone()).ok()?;
    named_agent(data, Some(format!("until {until}: {failure}")))
}

fn used(data: &Value) -> Option<String> {
    let usage = data.pointer("/usage")?;
    let usage = serde_json::from_value::<paddock_model::usage::Usage>(usage.clone()).ok()?;
    let tokens = usage.tokens.map(|tokens| format!("{} tokens", tokens.total()));
    let usd = usage.usd().map(|usd| format!("${usd:.2}"));
    Some([tokens, usd].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn planned(data: &Value) -> Option<String> {
    let (kind, agent) = (text(data, "/plan/kind")?, text(data, "/plan/agent")?);
    Some(format!("{kind} by {agent}, attempt {}", number(data, "/plan/attempt").unwrap_or(1)))
}

fn ended(data: &Value) -> Option<String> {
    let commits = number(data, "/harvest/commits").unwrap_or(0);
    let findings = data.pointer("/harvest/findings").and_then(Value::as_array);
    let first = findings.and_then(|list| list.first()).and_then(|one| text(one, "/text"));
    let problem = text(data, "/problem").or(first).map(|problem| format!("; {problem}")).unwrap_or_default();
    let word = if commits == 1 { "commit" } else { "commits" };
    let over: Vec<&str> = data
        .pointer("/over")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let over = match over.is_empty() {
        true => String::new(),
        false => format!(", above its limit of {}", over.join(" and ").replace("usd", "USD")),
    };
    Some(format!("{}, {commits} {word}{over}{problem}", text(data, "/end")?))
}

fn exited(data: &Value) -> Option<String> {
    let Some(exit) = data.pointer("/process/exit") else { return Some("without a record".to_owned()) };
    serde_json::from_value::<paddock_model::session::Exit>(exit.clone()).ok().map(|exit| exit.to_string())
}

fn gate(data: &Value) -> Option<String> {
    let verdict = text(data, "/verdict")?.replace('_', " ");
    Some(format!("run {} is {verdict}", number(data, "/gate")?))
}

fn subject(data: &Value) -> Option<String> {
    match data.pointer("/subject")? {
        Value::String(_) => Some("the user's own commits".to_owned()),
        other => {
            let id = text(other, "/objective")?;
            let at = commit(data, "/candidate/commit").map(|at| format!(" as {at}")).unwrap_or_default();
            let verified = data.pointer("/verified").and_then(Value::as_bool);
            let note = if verified == Some(false) { ", unverified" } else { "" };
            Some(format!("{id}{at}{note}"))
        }
    }
}

fn left(data: &Value) -> Option<String> {
    let why = match data.pointer("/why")? {
        Value::String(word) => word.replace('_', " "),
        Value::Object(one) => one.keys().next().cloned().unwrap_or_default().replace('_', " "),
        _ => return None,
    };
    Some(format!("{}, {why}", subject(data).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, data: Value) -> EventLine {
        EventLine {
            version: 1,
            seq: 1,
            at: "2026-01-31T09:30:00Z".to_owned(),
            kind: kind.to_owned(),
            project: Some("web".to_owned()),
            objective: None,
            session: None,
            data,
        }
    }

    #[test]
    fn what_happened_is_said_on_one_harmless_line() {
        let data = serde_json::json!({ "reason": { "text": "tests\nfailed \u{1b}[2J" } });
        let shown = human(&line("needs_review", data));
        assert!(shown.ends_with("needs review: tests failed \\u{1b}[2J"), "{shown}");
        let data = serde_json::json!({
            "subject": { "objective": "cart" }, "verified": false,
            "candidate": { "commit": "0123456789abcdef0123456789abcdef01234567" }
        });
        assert!(human(&line("landed", data)).ends_with("landed: cart as 0123456789, unverified"));
        assert!(human(&line("dance", Value::Null)).ends_with("dance"));
    }
}
