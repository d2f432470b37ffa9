//! Review: secrets never land, even if a later commit removes them, and scopes grow where recovery allows.

use paddock_testkit::{Sandbox, count, is};

/// Returns a made-up token. A literal would look like a real secret to scanners of this repository.
fn token() -> String {
    let chance: String =
        (0..36).map(|n| char::from(b"aB3dE5gH7jK9mN1pQ2sT4vW6xY8z"[(n * 11) % 28])).collect();
    format!("ghp_{chance}")
}

fn leaks() -> String {
    format!("commit notes.txt {}\ncommit notes.txt clean\n", token())
}

#[test]
fn a_secret_that_a_later_commit_removes_never_lands() {
    let place = Sandbox::new();
    let repository = place.project("leak", "recovery: {max_retries: 1}\nverify: []");
    let script =
        format!("case $PADDOCK_SESSION_KIND in work) {} ;; *) commit more.txt ;; esac\nover", leaks());
    place.objective("work", &script, &[]);
    let events = place.idle(3);
    assert_eq!((count(&events, "landed", "*"), count(&events, "queue_entered", "*")), (0, 0));
    let ended = events.iter().filter(|event| is(event, "session_ended", "work"));
    for event in ended {
        assert_eq!(event["data"]["harvest"]["findings"][0]["code"], "secret", "{event}");
        assert!(!event.to_string().contains(&token()), "events never repeat the secret");
    }
    assert_eq!(place.status_of("work")["status"], "needs_review");
    assert_eq!(place.git(&repository, &["log", "-1", "--format=%s", "main"]), "Begin");
}

#[test]
fn a_branch_that_was_rewritten_without_the_secret_lands_and_the_old_head_is_kept() {
    let place = Sandbox::new();
    let repository = place.project("mended", "verify: []");
    let rewrite = "git reset -q --soft refs/paddock/integration/main; commit notes.txt clean";
    let script = format!("case $PADDOCK_SESSION_KIND in work) {} ;; *) {rewrite} ;; esac\nover", leaks());
    place.objective("work", &script, &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "*")), (1, 2));
    let prompt = std::fs::read_to_string(place.note("mended.work.2.prompt")).unwrap();
    assert!(prompt.contains("rewrite the branch") && prompt.contains("GitHub token"), "{prompt}");
    assert!(!place.git(&repository, &["log", "-p", "main"]).contains(&token()));
    let kept = place.git(&repository, &["for-each-ref", "--format=%(refname)", "refs/paddock/kept"]);
    assert!(kept.contains("refs/paddock/kept/work/"), "{kept}");
    place.is_tidy(&repository, 1);
}

#[test]
fn a_file_out_of_scope_that_recovery_allows_widens_it_without_a_retry() {
    let place = Sandbox::new();
    let repository = place.project("wide", "verify: []");
    place.objective("work", "commit src/a.txt\ncommit docs/a.md\nover", &["--scope", "src/**"]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "work"), count(&events, "session_planned", "*")), (1, 1));
    let widened = events.iter().find(|event| is(event, "scope_widened", "work")).unwrap();
    assert_eq!(widened["data"]["globs"], serde_json::json!(["docs/a.md"]));
    let status = place.status_of("work");
    assert_eq!((&status["retries"], &status["expansions"]), (&0.into(), &1.into()));
    place.is_tidy(&repository, 1);
}

#[test]
fn only_an_integrator_may_change_protected_paths() {
    let place = Sandbox::new();
    let settings = "verify: []\nintegrator_only_patterns: [\"ci/**\"]\nrecovery: {max_retries: 0}";
    place.project("guard", settings);
    place.objective("coder", "commit ci/build.txt\nover", &["--scope", "ci/**"]);
    place.idle(3);
    assert_eq!(place.status_of("coder")["status"], "needs_review");
    let worker = ["--scope", "ci/**", "--worker", "integrator"];
    place.objective("joiner", "commit ci/other.txt\nover", &worker);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "joiner"), 1);
}
