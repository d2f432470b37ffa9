//! Whole runs with agents that replay what the real programs printed: limits, failover, logins, budgets.

use std::fs;
use std::path::Path;

use paddock_testkit::{Sandbox, count, is, place_of};
use serde_json::Value;

/// Replays recordings. Each start runs and removes the first line of `$NOTES/<name>.cases`, which is shell;
/// without one it runs `work`, which commits, prints the recording of a good run, and ends.
const REPLAY: &str = r#"
set -e
name=$1; format=$2; data=$3
cases=$NOTES/$name.cases
echo "$name $PADDOCK_OBJECTIVE" >> "$NOTES/starts"
next=$(head -n 1 "$cases" 2>/dev/null || true)
test -n "$next" || next=work
sed -i 1d "$cases" 2>/dev/null || true
summary() { printf -- '---SESSION_SUMMARY---\\nstatus: completed\\nsummary: did it\\n---END_SESSION_SUMMARY---\\n'; }
commit() { echo "$PADDOCK_SESSION" > "$PADDOCK_OBJECTIVE.txt"; git add -A; git commit -q -m "Work on $PADDOCK_OBJECTIVE"; }
replay() { cat "$data/$format/$1.stdout"; cat "$data/$format/$1.stderr" >&2 2>/dev/null || true; }
# Replays a quota error whose reset is $1 seconds from now.
limited() { replay quota-oauth | sed "s/\"resetsAt\":[0-9]*/\"resetsAt\":$(($(date +%s) + $1))/g"; exit 1; }
work() { commit; replay ok; }
eval "$next"
"#;

pub(super) fn cases(place: &Sandbox, agent: &str, lines: &[&str]) {
    fs::write(place.note(&format!("{agent}.cases")), lines.join("\n") + "\n").unwrap();
}

/// Returns lines of a project file with an agent for each `(name, transcript)`, tried in this order.
pub(super) fn agents(place: &Sandbox, all: &[(&str, &str)]) -> String {
    let script = place.path("replay.sh");
    fs::write(&script, REPLAY).unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/transcripts");
    let mut text = String::from("disk: {min_free_gb: 0}\nagents:\n");
    for (name, transcript) in all {
        text.push_str(&format!(
            "  - {{id: {name}, transcript: {transcript}, cli_command: sh, command_template: [sh, {script:?}, {name}, \
             {transcript}, {data:?}]}}\n"
        ));
    }
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    text + &format!("workers: [{{id: implementer, agents: [{}]}}]\n", names.join(", "))
}

pub(super) fn starts(place: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(place.note("starts")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

pub(super) fn find<'e>(events: &'e [Value], kind: &str) -> &'e Value {
    events.iter().find(|event| event["type"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn a_rate_limited_agent_continues_at_the_reset_time_that_it_named() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude")]);
    place.project("shop", &lines);
    cases(&place, "claude", &["limited 6", "work"]);
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    let cooling = find(&events, "agent_cooling");
    assert_eq!(cooling["data"]["cooldown"]["failure"]["class"], "quota");
    assert_eq!(cooling["data"]["cooldown"]["named"], true);
    let until_ms = cooling["data"]["cooldown"]["until_ms"].as_i64().unwrap();
    let second = events.iter().filter(|event| is(event, "session_planned", "cart")).nth(1).unwrap();
    let at: jiff::Timestamp = second["at"].as_str().unwrap().parse().unwrap();
    assert!(at.as_millisecond() >= until_ms, "the session began before the limit was lifted");
    let row = place.status_of("cart");
    assert_eq!((row["status"].as_str(), row["retries"].as_u64()), (Some("done"), Some(0)));
    assert_eq!(starts(&place), ["claude cart", "claude cart"]);
}

#[test]
fn a_cooldown_is_explained_and_survives_the_supervisor_and_a_person_can_end_it() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude")]);
    place.project("shop", &lines);
    cases(&place, "claude", &["limited 3600", "work"]);
    place.objective("cart", "", &[]);
    let supervisor = place.supervisor(&[]);
    supervisor.wait("agent_cooling", "*");
    supervisor.wait_where("the objective is ready again", |e| is(e, "objective_ready", "cart"), 1);
    let reason = place.status_of("cart")["reason"].clone();
    assert_eq!(reason["code"], "cooling", "{reason}");
    assert!(reason["text"].as_str().unwrap().starts_with("cooling until "), "{reason}");
    supervisor.stop();
    let again = place.supervisor(&[]);
    assert_eq!(place.status_of("cart")["reason"]["code"], "cooling");
    let listed = place.json(&["agent", "list", "--json"]);
    let claude = listed.as_array().unwrap().iter().find(|agent| agent["id"] == "claude").unwrap();
    assert_eq!(claude["state"], "cooling", "{claude}");
    assert_eq!(claude["failures"][0]["error"]["class"], "quota");
    place.good(&["agent", "enable", "claude"]);
    again.wait("objective_done", "cart");
    again.stop();
    assert_eq!(starts(&place).len(), 2);
}

#[test]
fn another_agent_of_the_worker_takes_over() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude"), ("codex", "codex")]);
    place.project("shop", &lines);
    cases(&place, "claude", &["limited 3600", "exit 9"]);
    place.objective("cart", "", &[]);
    place.objective("sign", "", &["--depends-on", "cart"]);
    let events = place.idle(0);
    assert_eq!(starts(&place), ["claude cart", "codex cart", "codex sign"]);
    assert_eq!(count(&events, "agent_cooling", "*"), 1);
    assert_eq!(place.status_of("cart")["retries"], 0);
}

#[test]
fn an_agent_that_says_it_waits_for_an_hour_is_stopped_and_another_works() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("kimi", "kimi"), ("codex", "codex")]);
    place.project("shop", &lines);
    cases(&place, "kimi", &["replay 429-ra3600; exec sleep 600"]);
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    let stopping = find(&events, "session_stopping");
    assert_eq!(stopping["data"]["stop"], "waiting");
    let cooldown = &find(&events, "agent_cooling")["data"]["cooldown"];
    let wait_ms = cooldown["until_ms"].as_i64().unwrap() - cooldown["since_ms"].as_i64().unwrap();
    assert!((3_500_000..=3_700_000).contains(&wait_ms), "{cooldown}");
    let ended = events.iter().find(|event| is(event, "session_ended", "cart")).unwrap();
    assert_eq!(ended["data"]["end"], "interrupted");
    assert_eq!(starts(&place), ["kimi cart", "codex cart"]);
}

#[test]
fn an_agent_that_is_not_logged_in_waits_for_a_person_and_continues_after_a_check() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude")]);
    place.project("shop", &lines);
    cases(&place, "claude", &["replay 401-retries2; exit 1"]);
    place.objective("cart", "", &[]);
    place.objective("sign", "", &["--depends-on", "cart"]);
    place.idle(3);
    let row = place.status_of("cart");
    assert_eq!(
        (row["status"].as_str(), row["reason"]["code"].as_str()),
        (Some("needs_review"), Some("agent_login"))
    );
    assert_eq!(row["retries"], 0);
    // The first check still fails, so nothing may become ready.
    cases(&place, "claude", &["replay 401-retries2; exit 1"]);
    let (code, said, _) = place.run(&["agent", "check", "claude"]);
    assert!(code == 1 && said.contains("authentication"), "{said}");
    assert_eq!(place.status_of("cart")["status"], "needs_review");
    cases(&place, "claude", &["replay ok | sed 's/\"result\":\"[^\"]*\"/\"result\":\"OK\"/'", "work"]);
    let said = place.good(&["agent", "check", "claude"]);
    assert!(said.contains("claude: works"), "{said}");
    assert_eq!(place.status_of("cart")["status"], "ready");
    place.idle(0);
    assert_eq!(place.status_of("sign")["status"], "done");
}

#[test]
fn a_session_is_stopped_when_its_cost_reaches_the_limit() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("opencode", "opencode")]);
    place.project("shop", &format!("{lines}session_defaults: {{max_usd_per_session: 0.5}}"));
    let dear = "commit; replay ok | sed 's/\"cost\":[0-9.]*/\"cost\":0.3/g'; exec sleep 600";
    cases(&place, "opencode", &[dear, "work"]);
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    assert_eq!(find(&events, "session_stopping")["data"]["stop"], "cost");
    let ended = events.iter().find(|event| is(event, "session_ended", "cart")).unwrap();
    assert_eq!(ended["data"]["end"], "over_budget");
    assert!(ended["data"]["account"]["usage"]["usd_micros"].as_u64().unwrap() >= 500_000, "{ended}");
    let row = place.status_of("cart");
    assert_eq!((row["status"].as_str(), row["retries"].as_u64()), (Some("done"), Some(0)));
}

/// Claude's lines: `init`; `says ID INPUT WRITTEN READ OUTPUT [HELPER]`; `result USD INPUT OUTPUT`.
const CLAUDE: &str = r#"
id=11111111-1111-1111-1111-111111111111
init() { printf '{"type":"system","subtype":"init","session_id":"%s","model":"claude-x"}\n' $id; }
says() { helper=null; test -z "$6" || helper="\"$6\""; printf '{"type":"assistant","message":{"id":"%s","role":"assistant","content":[{"type":"text","text":"going on"}],"usage":{"input_tokens":%s,"cache_creation_input_tokens":%s,"cache_read_input_tokens":%s,"output_tokens":%s}},"parent_tool_use_id":%s,"session_id":"%s"}\n' "$1" $2 $3 $4 $5 "$helper" $id; }
result() { printf '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"%s","session_id":"%s","total_cost_usd":%s,"modelUsage":{"claude-x":{"inputTokens":%s,"outputTokens":%s,"cacheReadInputTokens":0,"cacheCreationInputTokens":0,"costUSD":%s}}}\n' '---SESSION_SUMMARY---\\nstatus: completed\\nsummary: did it\\n---END_SESSION_SUMMARY---' $id $1 $2 $3 $1; }
"#;

/// Makes a project whose Claude runs one of these lines of shell per start.
fn claude(settings: &str, lines: &[&str]) -> Sandbox {
    let place = Sandbox::new();
    let agent = agents(&place, &[("claude", "claude")]);
    place.project("shop", &format!("{agent}{settings}"));
    fs::write(place.note("claude.sh"), CLAUDE).unwrap();
    let lines: Vec<String> = lines.iter().map(|line| format!(". \"$NOTES/claude.sh\"; {line}")).collect();
    cases(&place, "claude", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    place
}

#[test]
fn claude_is_stopped_while_it_works_when_its_tokens_reach_the_limit() {
    // The agent would sleep for ten minutes, so only the supervisor can end it. Each message id counts once
    // (`a` is reported twice), with its cached tokens and with those of sub-agents (`toolu_1`).
    let over = "init; commit; says a 100 0 0 1; says a 100 0 0 50; says b 50 200 300 50; says c 100 0 100 49 toolu_1; \
                exec sleep 600";
    let place = claude("session_defaults: {max_tokens_per_session: 999}", &[over, "work"]);
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    assert_eq!(find(&events, "session_stopping")["data"]["stop"], "tokens");
    let ended = events.iter().find(|event| is(event, "session_ended", "cart")).unwrap();
    assert_eq!(ended["data"]["end"], "over_budget");
    let tokens = &ended["data"]["account"]["usage"]["tokens"];
    assert_eq!(*tokens, serde_json::json!({"input": 450, "cached": 400, "output": 149}));
    let row = place.status_of("cart");
    assert_eq!((row["status"].as_str(), row["retries"].as_u64()), (Some("done"), Some(0)));
    assert_eq!(starts(&place).len(), 2, "a follow-up session continues the work");
}

#[test]
fn the_cost_of_a_session_that_was_stopped_is_estimated_and_counts() {
    let place = claude(
        "session_defaults: {max_tokens_per_session: 1000}",
        &[
            "init; commit; says a 100 0 0 100; result 0.10 100 100",
            "init; commit; says b 900 0 0 100; exec sleep 600",
        ],
    );
    place.objective("cart", "", &[]);
    place.objective("sign", "", &["--depends-on", "cart"]);
    place.idle(0);
    let status = place.json(&["status", "--json"]);
    let used = status["projects"][0]["budget"]["usd"]["used"].as_f64().unwrap();
    // A thousand tokens at the price of the session before, and the third session, which works as recorded.
    assert!((0.6..0.75).contains(&used), "{used}");
    let shown = place.good(&["session", "show", "2"]);
    assert!(shown.contains("~$0.50 (estimated"), "{shown}");
    assert!(shown.contains("stopped at its limit of 1000 tokens; "), "{shown}");
    let events = place.good(&["events", "--type", "session_ended"]);
    assert!(events.contains("over_budget") && !events.contains("above its limit of USD"), "{events}");
}

#[test]
fn answers_that_come_in_several_lines_count_once_and_stop_nothing_too_early() {
    // One answer of 20 tokens, reported in 60 lines: counting each line would give 1200 and stop the session.
    let lines = "init; commit; for n in $(seq 60); do says a 10 0 0 10; done; says b 10 0 0 10; \
                 result 0.01 20 20";
    let place = claude("session_defaults: {max_tokens_per_session: 100}", &[lines]);
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    assert!(!events.iter().any(|event| event["type"] == "session_stopping"));
    let ended = events.iter().find(|event| is(event, "session_ended", "cart")).unwrap();
    assert_eq!(
        ended["data"]["account"]["usage"]["tokens"]["input"], 20,
        "the result's figures replace the sum"
    );
    assert_eq!(ended["data"]["over"], Value::Null);
}

#[test]
fn a_cost_reported_only_at_the_end_does_not_fail_the_session_and_its_event_names_the_exceeded_limit() {
    let place = claude(
        "session_defaults: {max_usd_per_session: 2.0}",
        &["init; commit; says a 10 0 0 10; result 9.99 10 10"],
    );
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    let ended = events.iter().find(|event| is(event, "session_ended", "cart")).unwrap();
    assert_eq!(ended["data"]["end"], "completed");
    assert_eq!(ended["data"]["over"], serde_json::json!(["usd"]));
    assert_eq!(place.status_of("cart")["status"], "done");
    let said = place.good(&["events", "--type", "session_ended"]);
    assert!(said.contains("completed, 1 commit, above its limit of USD"), "{said}");
}

#[test]
fn commands_say_which_limits_act_during_a_session_and_which_at_its_end() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude"), ("codex", "codex"), ("mine", "plain")]);
    let limits = "session_defaults: {max_tokens_per_session: 1000, max_usd_per_session: 2.0}";
    place.project("shop", &format!("{lines}{limits}"));
    let (_, stdout, stderr) = place.run(&["config", "validate"]);
    let said = format!("{stdout}{stderr}");
    for part in [
        "a limit in USD acts only at the end of a session of the agent `claude`",
        "a limit in tokens acts only at the end of a session of the agent `codex`",
        "a limit in USD has no effect on the agent `codex`, which reports no cost",
        "a limit in tokens has no effect on the agent `mine`, which reports no tokens",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        !said.contains("a limit in tokens acts only at the end of a session of the agent `claude`"),
        "{said}"
    );
    let listed = place.good(&["agent", "list"]);
    let line = listed.lines().find(|line| line.starts_with("claude")).unwrap();
    assert!(line.contains("limits: tokens during, USD at the end"), "{listed}");
    let agents = place.json(&["agent", "list", "--json"]);
    let claude = agents.as_array().unwrap().iter().find(|agent| agent["id"] == "claude").unwrap();
    assert_eq!(claude["limits"], serde_json::json!({"tokens": "during", "usd": "at_end"}));
}

#[test]
fn a_spent_day_budget_stops_new_work_and_runs_the_notify_command_once() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude")]);
    let notified = place.note("notified");
    let notify = format!(
        "notify:\n  - {{on: [budget_exhausted], run: \"cat >> '{}'\"}}\n  - {{on: [objective_done], run: \"echo no >&2; exit 3\"}}",
        notified.display()
    );
    place.project("shop", &format!("{lines}budget: {{usd_per_day: 0.05}}\n{notify}"));
    place.objective("cart", "", &[]);
    place.objective("sign", "", &["--depends-on", "cart"]);
    let events = place.idle(3);
    assert_eq!(find(&events, "budget_exhausted")["data"]["what"], "usd");
    let reason = place.status_of("sign")["reason"].clone();
    assert_eq!(reason["code"], "day_budget", "{reason}");
    assert!(reason["text"].as_str().unwrap().contains("$0.05"), "{reason}");
    let lines = fs::read_to_string(&notified).unwrap();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    let event: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!((event["type"].as_str(), event["project"].as_str()), (Some("budget_exhausted"), Some("shop")));
    let failed = place.good(&["events", "--type", "notify_failed"]);
    assert!(failed.contains("exit status: 3: no"), "{failed}");
    let status = place.json(&["status", "--json"]);
    assert!(status["projects"][0]["budget"]["usd"]["used"].as_f64().unwrap() > 0.05, "{status}");
    // A larger budget in the project file is enough for work to continue.
    let file = place.project_file("shop");
    let text = fs::read_to_string(&file).unwrap().replace("usd_per_day: 0.05", "usd_per_day: 50");
    fs::write(&file, text).unwrap();
    place.idle(0);
    let report = place.json(&["report", "--json"]);
    let shop = &report["projects"][0];
    assert_eq!(
        (shop["landed_unverified"].as_array().unwrap().len(), shop["lost"].as_array().unwrap().len()),
        (2, 0)
    );
    assert!(shop["spent"]["usd"].as_f64().unwrap() > 0.1, "{shop}");
}

#[test]
fn work_on_rate_limits_is_no_rate_limit() {
    let place = Sandbox::new();
    let script = "echo 'assert_eq!(status, 429); // Too Many Requests: rate limit exceeded' > limits.rs; commit; \
                  cat limits.rs; cat limits.rs >&2; echo 'Error: 429 Too Many Requests (as expected)'; summary";
    let lines = agents(&place, &[("sh", "plain")]);
    place.project("shop", &lines);
    cases(&place, "sh", &[script]);
    place.objective("limits", "", &[]);
    let events = place.idle(0);
    assert_eq!(count(&events, "agent_cooling", "*"), 0);
    assert!(place_of(&events, "session_ended", "limits") < place_of(&events, "objective_done", "limits"));
    assert_eq!(starts(&place).len(), 1);
}

#[test]
fn a_conversation_that_became_too_long_is_retried_with_less_to_do() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude")]);
    place.project("shop", &lines);
    cases(&place, "claude", &["replay context; exit 1", "work"]);
    place.objective("cart", "", &["--max-commits", "4"]);
    let events = place.idle(0);
    let budgets: Vec<&Value> = events
        .iter()
        .filter(|event| is(event, "session_planned", "cart"))
        .map(|event| &event["data"]["plan"]["budget"]["max_commits"])
        .collect();
    assert_eq!(budgets, [4, 2]);
    assert_eq!(place.status_of("cart")["retries"], 1);
}
