//! Whole runs with programs that print the recorded output of real agents, byte for byte, and end with the
//! same exit code or signal.

use std::fs;
use std::path::PathBuf;

use paddock_testkit::{Sandbox, count, is};
use serde_json::Value;

use super::recordings::folder;

/// Runs the `sh` block of the prompt, in which `replay AGENT/CASE` prints a recording and ends as it did. The
/// arguments and the prompt of each session are kept as notes.
const AGENT: &str = r#"
commit() { echo "${2:-$1}" > "$1"; git add -A; git commit -q -m "Write $1"; }
replay() {
  cat "$DATA/$1.stdout"
  test ! -e "$DATA/$1.stderr" || cat "$DATA/$1.stderr" >&2
  code=$(cat "$DATA/$1.exit")
  case $code in -*) kill "$code" $$;; *) exit "$code";; esac
}
echo "$*" > "$NOTES/$PADDOCK_OBJECTIVE.$PADDOCK_SESSION.arguments"
cp "$PADDOCK_PROMPT_FILE" "$NOTES/$PADDOCK_OBJECTIVE.$PADDOCK_SESSION.prompt"
first() { test ! -e "$NOTES/$PADDOCK_OBJECTIVE.begun" && touch "$NOTES/$PADDOCK_OBJECTIVE.begun"; }
script=$(sed -n '/^```sh$/,/^```$/p' "$PADDOCK_PROMPT_FILE" | sed '1d;/^```$/,$d')
eval "$script"
"#;

const AGENTS: [&str; 8] = ["claude", "codex", "kimi", "opencode", "gemini", "qwen", "copilot", "aider"];

/// Makes a sandbox with a project in which [`AGENT`] replaces every built-in agent. Each agent has a worker.
pub(super) fn project(settings: &str) -> (Sandbox, PathBuf) {
    let place = Sandbox::new();
    let script = place.path("replay.sh");
    fs::write(&script, AGENT).unwrap();
    let (mut agents, mut workers) = (String::new(), String::new());
    for id in AGENTS {
        let resume = match id {
            "claude" | "codex" => {
                format!(", resume_template: [sh, {script:?}, --resume, '{{agent_session}}']")
            }
            _ => String::new(),
        };
        let data = folder();
        agents += &format!(
            "  - {{id: {id}, cli_command: sh, command_template: [sh, {script:?}, fresh]{resume}, env: {{DATA: {data:?}}}}}\n"
        );
        workers += &format!("  - {{id: by-{id}, role: implementer, agents: [{id}]}}\n");
    }
    let repository = place.project(
        "replayed",
        &format!("verify: []\npath_conflicts: allow\nmax_parallel_sessions: 4\n{settings}\nagents:\n{agents}workers:\n{workers}"),
    );
    // A supervisor reads the project file; `objective add --worker` knows its workers only afterwards.
    place.idle(0);
    (place, repository)
}

fn sessions(place: &Sandbox) -> Vec<Value> {
    place.json(&["session", "list", "--all", "--json"]).as_array().unwrap().clone()
}

pub(super) fn note(place: &Sandbox, name: &str) -> String {
    fs::read_to_string(place.note(name)).unwrap()
}

#[test]
fn a_good_run_of_each_agent_lands_with_its_summary_and_usage() {
    let (place, repository) = project("");
    for id in AGENTS {
        place.objective(id, &format!("commit {id}.txt\nreplay {id}/ok"), &["--worker", &format!("by-{id}")]);
    }
    let events = place.idle(0);
    assert_eq!(count(&events, "landed", "*"), AGENTS.len());
    let names = place.git(&repository, &["ls-tree", "--name-only", "main"]);
    assert!(AGENTS.iter().all(|id| names.contains(&format!("{id}.txt"))), "{names}");
    // kimi and copilot write usage to files that the replaying script does not: unknown, never zero.
    let expected: [(&str, Option<u64>, Option<f64>); 8] = [
        ("claude", Some(25_300), Some(0.07843)),
        ("codex", Some(20_131), None),
        ("kimi", None, None),
        ("opencode", Some(15_637), Some(0.011_803)),
        ("gemini", Some(24_705), None),
        ("qwen", Some(10_080), None),
        ("copilot", None, None),
        ("aider", Some(5_040), None),
    ];
    let sessions = sessions(&place);
    for (id, tokens, usd) in expected {
        let row = sessions.iter().find(|row| row["agent"] == id).unwrap();
        assert_eq!(row["status"], "completed", "{id}");
        assert_eq!((row["usage"]["tokens"].as_u64(), row["usage"]["usd"].as_f64()), (tokens, usd), "{id}");
        let shown = place.good(&["session", "show", &row["id"].to_string()]);
        assert!(shown.contains("summary") && shown.contains("done"), "{id}: {shown}");
        let log = place.good(&["session", "log", &row["id"].to_string()]);
        assert!(log.contains("say     Done."), "{id}: {log}");
        assert!(!log.contains("\"type\""), "{id}: {log}");
    }
    let claude = sessions.iter().find(|row| row["agent"] == "claude").unwrap()["id"].to_string();
    let raw = place.good(&["session", "log", &claude, "--raw"]);
    assert_eq!(raw.into_bytes(), fs::read(folder().join("claude/ok.stdout")).unwrap());
}

#[test]
fn a_conversation_that_no_longer_fits_is_followed_by_a_smaller_retry() {
    let (place, _) = project("");
    let script = "first && replay claude/context\ncommit small.txt\nreplay claude/ok";
    place.objective("long", script, &["--worker", "by-claude"]);
    let events = place.idle(0);
    assert_eq!((count(&events, "session_planned", "long"), count(&events, "landed", "long")), (2, 1));
    let ended = events.iter().find(|event| is(event, "session_ended", "long")).unwrap();
    assert_eq!(ended["data"]["end"], "failed", "{ended}");
    let prompt = note(&place, "long.2.prompt");
    assert!(prompt.contains("smaller steps") && prompt.contains("Prompt is too long"), "{prompt}");
    assert!(!prompt.contains("\"type\""), "events are no text for a prompt: {prompt}");
    assert_eq!(
        note(&place, "long.2.arguments").trim(),
        "fresh",
        "a conversation that no longer fits is not resumed"
    );
    assert_eq!(place.status_of("long")["retries"], 1);
}

#[test]
fn a_correction_resumes_the_agents_conversation_and_counts_only_its_own_tokens() {
    let (place, _) = project("");
    let script = "first && { commit done.txt; echo x > forgotten.txt; replay codex/ok; }\n\
                  commit forgotten.txt\nreplay codex/ok-resume-othercwd";
    place.objective("again", script, &["--worker", "by-codex"]);
    let events = place.idle(0);
    assert_eq!((count(&events, "session_planned", "again"), count(&events, "landed", "again")), (2, 1));
    assert_eq!(note(&place, "again.1.arguments").trim(), "fresh");
    assert_eq!(note(&place, "again.2.arguments").trim(), "--resume 01a2039e-bdc5-7651-9889-20669f20ba06");
    let tokens: Vec<_> = sessions(&place).iter().map(|row| row["usage"]["tokens"].as_u64()).collect();
    // codex counts tokens per conversation: 41135 at the end of the second session, 20131 of them of the
    // first.
    assert_eq!(tokens, [Some(20_131), Some(21_004)]);
    assert!(place.good(&["session", "show", "2"]).contains("the conversation of session 1"));
}

#[test]
fn an_answer_that_was_cut_off_is_no_success_despite_its_exit_status_and_summary() {
    let (place, _) = project("recovery: {max_retries: 1, max_sessions: 3}");
    place.objective("claims", "replay kimi/drop", &["--worker", "by-kimi"]);
    place.objective("silent", "replay codex/ok-workspace-write", &["--worker", "by-codex"]);
    place.objective("denied", "replay claude/ok-permprompt", &["--worker", "by-claude"]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    for id in ["claims", "silent"] {
        let status = place.status_of(id);
        assert_eq!(status["status"], "needs_review", "{status}");
        assert!(note_of_second(&place, id).contains("the summary claims commits, but none was made"), "{id}");
    }
    let denied = place.status_of("denied");
    assert_eq!(
        (&denied["status"], &denied["reason"]["code"]),
        (&"needs_review".into(), &"agent_refused".into())
    );
}

fn note_of_second(place: &Sandbox, objective: &str) -> String {
    let second = sessions(place).iter().filter(|row| row["objective"] == objective).nth(1).cloned().unwrap();
    note(place, &format!("{objective}.{}.prompt", second["id"]))
}

#[test]
fn a_tool_that_was_denied_once_does_not_undo_what_was_committed() {
    let (place, _) = project("");
    place.objective("found", "commit found.txt\nreplay claude/ok-permprompt", &["--worker", "by-claude"]);
    assert_eq!(count(&place.idle(0), "landed", "found"), 1);
}
