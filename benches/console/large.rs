//! A workspace much larger than any real one.

use std::path::Path;

use paddock_model::ids::ObjectiveKey;
use paddock_store::Store;
use paddock_store::codec;
use serde_json::json;

use crate::fixture::{Log, key};

pub(crate) fn id(number: usize) -> ObjectiveKey {
    key(&format!("o{number:05}"))
}

/// Returns a log with this many objectives, each with up to two dependencies among the fifty before it, and
/// with this many sessions.
pub(crate) fn log(objectives: usize, sessions: usize) -> Log {
    let mut log = Log::new();
    for number in 0..objectives {
        let needs: Vec<String> = [7, 31]
            .iter()
            .filter(|step| number % 3 > 0 && number >= **step)
            .map(|step| format!("o{:05}", number - step))
            .collect();
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        log.objective(
            &format!("o{number:05}"),
            &format!("Do part {number} of the work 第{number}步"),
            &needs,
        );
    }
    for number in 0..sessions {
        let place = number * objectives / sessions;
        log.worked(500, &format!("o{place:05}"), number as u64 + 1);
    }
    log
}

/// Writes such a log to a database, filled up with notes to this number of events.
pub(crate) fn store(path: &Path, objectives: usize, events: usize) {
    let mut log = log(objectives, 100);
    while log.events.len() < events {
        let about = id(log.events.len() % objectives);
        log.fact(10, "human_note", json!({ "objective": about, "by": "ada", "note": "a note among many" }));
    }
    let writer = Store::open(path).unwrap().into_writer().unwrap();
    let keys = everything(&log);
    // Only the last batch writes the rows: writing all rows with each batch would take minutes.
    let (last, first) = log.events.split_last().unwrap();
    for some in first.chunks(5000) {
        let batch = codec::batch(&log.state, some, &std::collections::BTreeSet::new()).unwrap();
        writer.append_and_wait(batch).unwrap();
    }
    let batch = codec::batch(&log.state, std::slice::from_ref(last), &keys).unwrap();
    writer.append_and_wait(batch).unwrap();
    writer.close().unwrap();
}

/// Returns the keys of all rows.
fn everything(log: &Log) -> std::collections::BTreeSet<paddock_model::state::EntityKey> {
    use paddock_model::state::EntityKey;
    let projects = log.state.projects().map(|one| EntityKey::Project(one.slug.clone()));
    let objectives = log.state.objectives().map(|one| EntityKey::Objective(one.key.clone()));
    let sessions = log.state.sessions().map(|one| EntityKey::Session(one.id));
    projects.chain(objectives).chain(sessions).chain([EntityKey::Counters]).collect()
}
