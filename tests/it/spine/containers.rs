//! A container, entered as `docker exec` enters one: the leader of the clients' session is a process that the
//! supervisor cannot see.

use std::fs;

use paddock_testkit::{Sandbox, outcome_of};

/// Starts a supervisor, orders something through its socket, and stops it.
const SCRIPT: &str = r#"
"$PADDOCK" --root "$ROOT" run --no-tui > "$NOTES/supervisor" 2>&1 &
until [ -e "$NOTES/works" ]; do sleep 0.02; done
"$PADDOCK" --root "$ROOT" queue hold || exit 21
"$PADDOCK" --root "$ROOT" supervisor stop || exit 22
wait $!
"#;

#[test]
fn a_client_whose_sessions_leader_is_outside_is_answered() {
    let place = Sandbox::new();
    place.project("web", "");
    place.objective("one", "touch $NOTES/works\ncommit one.txt\nover", &[]);
    let Some(mut contained) = place.pid_namespace() else {
        return println!("no namespaces here: not tried");
    };
    contained.args(["sh", "-c", SCRIPT]);
    contained.env("ROOT", place.root()).env("PADDOCK", paddock_testkit::program());
    let (code, said) = outcome_of(&mut contained);
    assert_eq!(code, 0, "{said}{}", fs::read_to_string(place.note("supervisor")).unwrap_or_default());
    let events = place.events();
    assert!(events.iter().any(|event| event["type"] == "queue_held"), "{events:?}");
}
