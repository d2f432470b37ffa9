//! Summaries that agents print at the end, and how far Paddock trusts them.

use std::fs;

use paddock_testkit::{Sandbox, count, is, place_of};

const PLAIN: &str = "verify: []\nrecovery: {max_retries: 1}";

/// Returns a command that prints a summary of these lines.
fn says(lines: &[&str]) -> String {
    let quoted: Vec<String> = lines.iter().map(|line| format!("\"{line}\"")).collect();
    format!("printf '%s\\n' ---SESSION_SUMMARY--- {} ---END_SESSION_SUMMARY---", quoted.join(" "))
}

/// Returns a script that runs `first` in the first session and `later` in all others.
fn first_then(first: &str, later: &str) -> String {
    format!("case $PADDOCK_SESSION_KIND in work)\n{first}\n;; *)\n{later}\n;; esac")
}

fn ends(events: &[serde_json::Value]) -> Vec<&str> {
    let ended = events.iter().filter(|event| is(event, "session_ended", "*"));
    ended.map(|event| event["data"]["end"].as_str().unwrap()).collect()
}

fn prompt(place: &Sandbox, name: &str) -> String {
    fs::read_to_string(place.note(&format!("{name}.prompt"))).unwrap()
}

#[test]
fn a_summary_that_says_partial_twice_without_a_commit_asks_a_person() {
    let place = Sandbox::new();
    place.project("stuck", PLAIN);
    place.objective("stuck", "over partial", &[]);
    let events = place.idle(3);
    assert_eq!(ends(&events), ["partial", "partial"]);
    let status = place.status_of("stuck");
    assert_eq!((&status["reason"]["code"], &status["retries"]), (&"no_progress".into(), &0.into()));
}

#[test]
fn partial_sessions_with_commits_are_followed_up_until_one_completes() {
    let place = Sandbox::new();
    let repository = place.project("steps", PLAIN);
    let script = "commit $PADDOCK_SESSION.txt\nif [ $PADDOCK_SESSION = 3 ]; then over; else over partial; fi";
    place.objective("steps", script, &[]);
    let events = place.idle(0);
    assert_eq!(ends(&events), ["partial", "partial", "completed"]);
    assert_eq!(count(&events, "landed", "steps"), 1);
    assert_eq!(place.status_of("steps")["retries"], 0);
    assert_eq!(place.git(&repository, &["ls-tree", "--name-only", "main"]), "1.txt\n2.txt\n3.txt\nREADME.md");
    place.is_tidy(&repository, 1);
}

#[test]
fn a_blocked_agent_asks_a_person_in_its_own_words() {
    let place = Sandbox::new();
    place.project("blocked", PLAIN);
    let said = says(&["status: blocked", "summary: the licence of zlib must be agreed to"]);
    place.objective("blocked", &format!("commit a.txt\n{said}"), &[]);
    let events = place.idle(3);
    assert_eq!((ends(&events), count(&events, "landed", "*")), (vec!["blocked"], 0));
    let reason = &place.status_of("blocked")["reason"];
    assert_eq!(reason["code"], "agent_blocked");
    assert!(reason["text"].as_str().unwrap().contains("the licence of zlib must be agreed to"), "{reason}");
}

#[test]
fn a_requested_follow_up_reads_in_its_prompt_what_is_left() {
    let place = Sandbox::new();
    let repository = place.project("more", PLAIN);
    let notes = "  the edge case of empty names is left";
    let said = says(&["status: completed", "needs_follow_up: true", "follow_up_notes: |", notes]);
    place.objective("more", &first_then(&format!("commit a.txt\n{said}"), "commit b.txt\nover"), &[]);
    let events = place.idle(0);
    assert_eq!((ends(&events), count(&events, "landed", "more")), (vec!["partial", "completed"], 1));
    let prompt = prompt(&place, "more.more.2");
    let (_, feedback) = prompt.split_once("## Feedback to act on").unwrap();
    assert!(prompt.contains("Session: follow-up") && feedback.contains(notes.trim()), "{prompt}");
    place.is_tidy(&repository, 1);
}

#[test]
fn a_path_that_a_summary_asks_for_widens_the_scope_where_recovery_allows() {
    let place = Sandbox::new();
    let repository = place.project("asks", PLAIN);
    let said = says(&["status: blocked", "out_of_scope_changes_needed: |", "  docs/guide.md"]);
    let script = first_then(&format!("commit src/a.txt\n{said}"), "commit docs/guide.md\nover");
    place.objective("asks", &script, &["--scope", "src/**"]);
    let events = place.idle(0);
    assert_eq!((ends(&events), count(&events, "landed", "asks")), (vec!["blocked", "completed"], 1));
    let widened = &events[place_of(&events, "scope_widened", "asks")]["data"];
    assert_eq!(widened["globs"], serde_json::json!(["docs/guide.md"]));
    let status = place.status_of("asks");
    assert_eq!((&status["retries"], &status["expansions"]), (&0.into(), &1.into()));
    place.is_tidy(&repository, 1);
}

#[test]
fn a_summary_that_is_not_yaml_is_still_read_and_marked_as_lenient() {
    let place = Sandbox::new();
    let repository = place.project("loose", PLAIN);
    let said = says(&["**Status**: Completed!", "summary: done: [all of it", "- commits made: {1"]);
    place.objective("loose", &format!("commit a.txt\n{said}"), &[]);
    let events = place.idle(0);
    let ended = &events[place_of(&events, "session_ended", "loose")]["data"];
    assert_eq!((&ended["end"], &ended["harvest"]["summary_lenient"]), (&"completed".into(), &true.into()));
    assert!(ended["harvest"]["summary"].as_str().unwrap().starts_with("done: [all of it"), "{ended}");
    place.is_tidy(&repository, 1);
}

#[test]
fn an_agent_that_only_prints_its_prompt_has_given_no_summary() {
    let place = Sandbox::new();
    place.project("echo", PLAIN);
    let block = "---SESSION_SUMMARY---\nstatus: completed\nsummary: an example\n---END_SESSION_SUMMARY---";
    let script = "cat \"$PADDOCK_PROMPT_FILE\"";
    let description = format!("```sh\n{script}\n```\nEnd like this:\n\n{block}\n");
    place.good(&["objective", "add", "--id", "echo", "--title", "echo", "--description", &description]);
    let events = place.idle(3);
    assert_eq!((ends(&events), count(&events, "landed", "*")), (vec!["failed", "failed"], 0));
    let status = place.status_of("echo");
    assert_eq!(
        (&status["status"], &status["reason"]["code"]),
        (&"needs_review".into(), &"retries_spent".into())
    );
}

#[test]
fn a_summary_after_much_noise_is_found_and_one_on_standard_error_is_not() {
    let place = Sandbox::new();
    let repository = place.project("noise", PLAIN);
    // Half a megabyte without a line break, then as many empty lines: more than a reader keeps.
    let noise = "head -c 500000 /dev/zero | tr '\\0' x\nhead -c 500000 /dev/zero | tr '\\0' '\\n'";
    let script = format!("commit a.txt\nover completed\n{noise}\nover partial\nover blocked >&2");
    place.objective("noise", &first_then(&script, "over"), &[]);
    let events = place.idle(0);
    assert_eq!((ends(&events), count(&events, "landed", "noise")), (vec!["partial", "completed"], 1));
    place.is_tidy(&repository, 1);
}
