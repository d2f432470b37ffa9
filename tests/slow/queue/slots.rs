//! Automatic gate slots: Paddock measures how many gates can run at once.

use paddock_testkit::{Sandbox, count, is};

/// Landings per round. Each needs one gate run, which runs alone except when Paddock measures a second one.
const ROUND: usize = 4;
/// Largest number of rounds: on a busy machine the second run can start too late for a measurement.
const ROUNDS: usize = 6;

#[test]
fn automatic_slots_are_measured_while_work_lands_and_shown_with_their_figures() {
    let place = Sandbox::new();
    let verify = "verify: [{name: tests, run: 'sleep 2.4'}]\nqueue: {slots: auto, strict: true}";
    place.project("auto", &format!("max_parallel_sessions: 4\n{verify}"));
    let supervisor = place.supervisor(&[]);
    for round in 0..ROUNDS {
        for n in 0..ROUND {
            let id = format!("w{round}{n}");
            place.objective(&id, &format!("commit {id}\nover"), &["--scope", &id]);
        }
        supervisor.wait_nth("landed", "*", (round + 1) * ROUND);
        if count(&supervisor.events(), "slots_measured", "*") > 0 {
            break;
        }
    }
    let events = supervisor.stop();
    let measured = events.iter().find(|event| is(event, "slots_measured", "*"));
    let found =
        &measured.unwrap_or_else(|| panic!("nothing was measured in {ROUNDS} rounds"))["data"]["found"];
    let (alone_ms, beside) = (found["alone_ms"].as_u64().unwrap(), found["beside"].as_u64().unwrap());
    assert!(alone_ms >= 2_400 && beside >= 1_000, "{found}");
    let listed = place.json(&["queue", "list", "--json"]);
    assert_eq!(listed[0]["gate_slots"]["slots"], found["slots"], "{listed}");
    let said = place.good(&["queue", "list"]);
    let figures = format!("{:.1} s alone and {:.2} times", alone_ms as f64 / 1e3, beside as f64 / 1e3);
    assert!(said.contains(&figures), "{figures}: {said}");
}
