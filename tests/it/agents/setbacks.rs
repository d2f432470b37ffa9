//! Agents that do not do their work: they lose a conversation, end before they begin, say nothing, or do not
//! end.

use paddock_testkit::{Sandbox, count, is};

use super::replay::{self, note};
use super::runs::{agents, cases, find, starts};

#[test]
fn a_conversation_that_the_agent_has_lost_costs_no_retry() {
    let (place, _) = replay::project("");
    let lost = "case $1 in --resume) echo 'No conversation found with session ID: x' >&2; exit 1;; esac";
    let script = format!(
        "first && {{ commit done.txt; echo x > forgotten.txt; replay claude/ok; }}\n{lost}\ncommit forgotten.txt\n\
         replay claude/ok"
    );
    place.objective("again", &script, &["--worker", "by-claude"]);
    let events = place.idle(0);
    assert_eq!((count(&events, "session_planned", "again"), count(&events, "landed", "again")), (3, 1));
    assert!(note(&place, "again.2.arguments").starts_with("--resume "));
    assert_eq!(note(&place, "again.3.arguments").trim(), "fresh");
    // The forgotten file cost one retry, the lost conversation none, and its task is due again as it was.
    assert_eq!(place.status_of("again")["retries"], 1);
    let third = note(&place, "again.3.prompt");
    assert!(third.contains("Session: correction") && third.contains("forgotten.txt"), "{third}");
}

#[test]
fn the_workers_next_agent_takes_over_from_one_that_did_nothing_and_keeps_the_objective() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude"), ("codex", "codex")]);
    place.project("shop", &format!("{lines}verify: []\n"));
    // Claude crashes before it begins; Codex leaves a part of its work uncommitted, and continues.
    cases(&place, "claude", &["exit 7", "exit 7"]);
    cases(&place, "codex", &["commit; echo x > rest.txt; replay ok", "work"]);
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    assert_eq!(starts(&place), ["claude cart", "codex cart", "codex cart"]);
    assert_eq!(count(&events, "landed", "cart"), 1);
    assert_eq!(count(&events, "agent_cooling", "*"), 0);
}

#[test]
fn an_agent_that_says_nothing_takes_turns_with_the_others() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude"), ("codex", "codex")]);
    place.project("shop", &format!("{lines}verify: []\nrecovery: {{max_retries: 3}}\n"));
    cases(&place, "claude", &["true", "work"]);
    cases(&place, "codex", &["exit 7"]);
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    assert_eq!(starts(&place), ["claude cart", "codex cart", "claude cart"]);
    assert_eq!(count(&events, "landed", "cart"), 1);
}

#[test]
fn a_program_that_reports_its_end_and_stays_is_stopped_and_its_work_counts() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("claude", "claude")]);
    place.project("shop", &format!("{lines}verify: []\nsession_defaults: {{finish_seconds: 1}}\n"));
    // The second result is the last one: the program went on after the first.
    cases(&place, "claude", &["replay ok; commit; replay ok; exec sleep 600"]);
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "session_planned", "cart"), count(&events, "landed", "cart")), (1, 1));
    let ended = events.iter().find(|event| is(event, "session_ended", "cart")).unwrap();
    assert_eq!(ended["data"]["end"], "completed", "{ended}");
    assert_eq!(ended["data"]["account"]["failure"], serde_json::Value::Null, "{ended}");
    let exited = find(&events, "session_exited");
    assert_eq!(exited["data"]["process"]["stop"], "finished", "{exited}");
    assert!(ended["data"]["account"]["usage"]["tokens"]["input"].as_u64() > Some(0), "{ended}");
    let shown = place.good(&["session", "show", "1"]);
    assert!(shown.contains("it had finished"), "{shown}");
}

#[test]
fn an_agent_whose_answers_break_off_again_and_again_is_stopped_and_another_works() {
    let place = Sandbox::new();
    let lines = agents(&place, &[("opencode", "opencode"), ("codex", "codex")]);
    place.project("shop", &format!("{lines}verify: []\n"));
    cases(&place, "opencode", &["replay drop; exec sleep 600"]);
    place.objective("cart", "", &[]);
    let events = place.idle(0);
    assert_eq!(starts(&place), ["opencode cart", "codex cart"]);
    assert_eq!(find(&events, "session_stopping")["data"]["stop"], "waiting");
    let failure = &find(&events, "agent_cooling")["data"]["cooldown"]["failure"];
    assert_eq!(failure["class"], "network", "{failure}");
    assert_eq!(place.status_of("cart")["retries"], 0);
}
