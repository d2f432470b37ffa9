//! Conflicts: the integrator gets a session in the entry's worktree with both sides in its prompt; review
//! follows.

use std::fs;

use paddock_testkit::{Sandbox, count, is};

#[test]
fn two_branches_that_change_one_line_both_land_after_an_integrator_merged_one() {
    let place = Sandbox::new();
    let repository = place.project("line", "verify: []\npath_conflicts: allow\nmax_parallel_sessions: 2");
    // Each session waits until the other has begun, so both start from the same tip.
    let script = |own: &str, other: &str| {
        format!(
            "case $PADDOCK_SESSION_KIND in\n\
             work) touch $NOTES/{own}.began; wait_for $NOTES/{other}.began; commit README.md {own} ;;\n\
             conflict) git merge -q refs/paddock/integration/main || true; commit README.md both ;;\n\
             esac\nover"
        )
    };
    place.objective("left", &script("left", "right"), &[]);
    place.objective("right", &script("right", "left"), &[]);
    let events = place.idle(0);
    assert_eq!(count(&events, "landed", "*"), 2);
    let planned = |event: &&serde_json::Value| {
        is(event, "session_planned", "*") && event["data"]["plan"]["kind"] == "conflict"
    };
    let conflicts: Vec<_> = events.iter().filter(planned).collect();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0]["data"]["plan"]["worker"], "integrator");
    let (late, session) = (conflicts[0]["objective"].as_str().unwrap(), &conflicts[0]["session"]);
    let first = if late == "left" { "right" } else { "left" };
    let prompt = fs::read_to_string(place.note(&format!("line.{late}.{session}.prompt"))).unwrap();
    for part in ["README.md", &format!("Merge objective '{first}'"), "refs/paddock/integration/main"] {
        assert!(prompt.contains(part), "{part}: {prompt}");
    }
    assert_eq!(place.git(&repository, &["show", "main:README.md"]), "both");
    place.is_tidy(&repository, 2);
}
