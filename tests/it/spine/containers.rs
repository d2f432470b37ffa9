//! A container, entered as `docker exec` enters one: the leader of the clients' session is a process that the
//! supervisor cannot see.

use std::fs;
use std::process::Stdio;

use paddock_testkit::{Sandbox, outcome_of};

/// Starts a supervisor, orders something through its socket, and stops it.
const SCRIPT: &str = r#"
"$PADDOCK" --root "$ROOT" run --no-tui > "$NOTES/supervisor" 2>&1 &
until [ -e "$NOTES/works" ]; do sleep 0.02; done
"$PADDOCK" --root "$ROOT" queue hold || exit 21
"$PADDOCK" --root "$ROOT" supervisor stop || exit 22
wait $!
"#;

/// Returns the options with which `unshare` gives a namespace of process ids, if the system allows one.
fn namespace(place: &Sandbox) -> Option<&'static str> {
    ["-pf", "-Urpf"].into_iter().find(|options| {
        let mut probe = place.program("unshare");
        probe.args([options, "--mount-proc", "true"]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    })
}

#[test]
fn a_client_whose_sessions_leader_is_outside_is_answered() {
    let place = Sandbox::new();
    place.project("web", "");
    place.objective("one", "touch $NOTES/works\ncommit one.txt\nover", &[]);
    let Some(options) = namespace(&place) else {
        return println!("no namespaces here: not tried");
    };
    let mut contained = place.program("unshare");
    contained.args([options, "--mount-proc", "--kill-child", "sh", "-c", SCRIPT]);
    contained.env("ROOT", place.root()).env("PADDOCK", paddock_testkit::program());
    let (code, said) = outcome_of(&mut contained);
    assert_eq!(code, 0, "{said}{}", fs::read_to_string(place.note("supervisor")).unwrap_or_default());
    let events = place.events();
    assert!(events.iter().any(|event| event["type"] == "queue_held"), "{events:?}");
}
