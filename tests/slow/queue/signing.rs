//! Merges signed with the user's key.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use paddock_testkit::{Sandbox, count, is};

/// Makes a new key, and configures git to sign with it by this program.
fn sign_with(place: &Sandbox, program: &str) {
    let key = place.path("key");
    let mut keygen = place.program("ssh-keygen");
    let made = keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    let config = place.path("gitconfig");
    let mut text = fs::read_to_string(&config).unwrap();
    text.push_str(&format!(
        "\tsigningkey = {}\n[gpg]\n\tformat = ssh\n[gpg \"ssh\"]\n\tprogram = {program}\n",
        key.display()
    ));
    fs::write(config, text).unwrap();
}

#[test]
fn a_signing_program_that_hangs_is_ended_and_the_held_queue_names_it() {
    let place = Sandbox::new();
    let program = place.path("hangs");
    // The program ignores polite signals and never ends, so only Paddock's time limit can end it.
    fs::write(&program, "#!/bin/sh\ntrap '' TERM HUP\nwhile :; do sleep 1; done\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let config = place.path("gitconfig");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\tsigningkey = ABCDEF\n[gpg]\n\tprogram = {}\n", program.display()))
        .unwrap();
    place.project("signed", "verify: []\nsign: true");
    place.objective("work", "commit work.txt\nover", &[]);
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap();
    assert_eq!(held["data"]["reason"]["code"], "signing_failed", "{held}");
    let said = place.good(&["explain", "work"]);
    assert!(
        said.contains("the signing program did not answer within") && said.contains("queue release"),
        "{said}"
    );
    place.nobody_is_left();
    fs::write(&config, text).unwrap();
}

#[test]
fn a_landing_is_signed_if_the_project_asks_for_it_and_a_failing_key_is_named() {
    let place = Sandbox::new();
    if place.program("ssh-keygen").arg("-?").output().is_err() {
        return; // This machine has no program to sign with.
    }
    sign_with(&place, "/no/such/program");
    let repository = place.project("signed", "verify: []\nsign: true");
    place.objective(
        "work",
        "git -c commit.gpgSign=false commit -q --allow-empty -m x\ncommit work.txt\nover",
        &[],
    );
    let events = place.idle(3);
    assert_eq!(count(&events, "landed", "*"), 0);
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap();
    assert_eq!(held["data"]["reason"]["code"], "signing_failed", "{held}");
    assert!(held.to_string().contains("git could not sign"), "{held}");
    let config = place.path("gitconfig");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("/no/such/program", "ssh-keygen")).unwrap();
    place.good(&["queue", "release"]);
    place.idle(0);
    let raw = place.git(&repository, &["cat-file", "commit", "main"]);
    assert!(raw.contains("BEGIN SSH SIGNATURE"), "{raw}");
}
