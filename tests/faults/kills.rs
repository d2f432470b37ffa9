//! Killed in the middle of a system call: the next supervisor brings everything to the same end.

use crate::injected::{has_landed_everything, project, run};
use crate::place::Place;

/// What changes files, one name per kind of moment.
const CALLS: &str = "fsync,fdatasync,rename,renameat2,link,unlink";

fn killed_at(nth: u32) {
    let place = Place::new();
    let repository = project(&place);
    let ended = run(&place, &format!("{CALLS}:signal=SIGKILL:when={nth}"), None);
    assert_ne!(ended, Some(0), "it was killed");
    place.idle(0);
    has_landed_everything(&place, &repository);
}

#[test]
fn killed_before_anything_was_flushed() {
    killed_at(1);
}

#[test]
fn killed_at_the_second_change_of_a_thread() {
    killed_at(2);
}

#[test]
fn killed_at_the_fifth_change_of_a_thread() {
    killed_at(5);
}

#[test]
fn killed_at_the_ninth_change_of_a_thread() {
    killed_at(9);
}

/// By hand: `cargo test --test faults -- --ignored`.
#[test]
#[ignore = "takes minutes: every moment there is"]
fn killed_at_every_change_there_is() {
    for nth in 1.. {
        let place = Place::new();
        let repository = project(&place);
        let ended = run(&place, &format!("{CALLS}:signal=SIGKILL:when={nth}"), None);
        if ended != Some(0) {
            place.idle(0);
        }
        has_landed_everything(&place, &repository);
        if ended == Some(0) {
            return;
        }
    }
}
