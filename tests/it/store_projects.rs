//! A project is stored as three rows, and a row that did not change is not written again.

use std::fs;
use std::path::Path;

use paddock_model::event::{Durability, Event, Fact};
use paddock_model::ids::ProjectSlug;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::state::State;
use paddock_model::stored::StoredEvent;
use paddock_store::codec::{self, from_stored};
use paddock_store::{Batch, EntityKind, Reader, Row, Store};
use rusqlite::Connection;
use serde_json::{Map, Value};

const GOLDEN: &str = include_str!("../golden/events/v1.jsonl");
const PARTS: [EntityKind; 3] = [EntityKind::Project, EntityKind::ProjectSettings, EntityKind::ProjectQueue];

/// Returns a state after every golden event except the removal of the project.
fn state() -> State {
    let mut state = State::default();
    // Golden lines name several projects; here all happen to one, so that its rows are as full as possible.
    for line in GOLDEN.replace("\"shop\"", "\"hello\"").lines() {
        let golden: Value = serde_json::from_str(line).unwrap();
        let stored = StoredEvent {
            seq: state.counters().seq + 1,
            at_ms: 1_700_000_000_000,
            kind: golden["type"].as_str().unwrap().to_owned(),
            version: 1,
            project: None,
            objective: None,
            session: None,
            data: golden["data"].to_string(),
        };
        let event = from_stored(&stored).unwrap();
        if !matches!(event.fact, Fact::ProjectRemoved { .. }) {
            state.apply(&event);
        }
    }
    drop(state.take_touched());
    state
}

fn of_projects(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().filter(|row| PARTS.contains(&row.kind)).collect()
}

/// Writes a database as the first build did: one row holds the whole project.
fn first_build(path: &Path, state: &State) {
    let database = Connection::open(path).unwrap();
    database.execute_batch(include_str!("../../crates/store/src/migrations/0001.sql")).unwrap();
    database.pragma_update(None, "application_id", 0x5061_6464).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    let is_older = |row: &Row| !matches!(row.kind, EntityKind::ProjectSettings | EntityKind::ProjectQueue);
    for row in codec::rows_of(state).unwrap().into_iter().filter(is_older) {
        let mut body = row.body.unwrap();
        if row.kind == EntityKind::Project {
            let project = state.project(&ProjectSlug::new(row.key.clone()).unwrap()).unwrap();
            let mut whole: Map<String, Value> = serde_json::from_str(&body).unwrap();
            whole.insert("settings".to_owned(), serde_json::to_value(&project.settings).unwrap());
            let Value::Object(queue) = serde_json::to_value(project.queue_row()).unwrap() else { panic!() };
            whole.extend(queue);
            // This key was introduced later.
            whole.remove("collisions");
            body = serde_json::to_string(&whole).unwrap();
        }
        let insert = format!("INSERT INTO {} (key, body, seq) VALUES (?1, ?2, 1)", row.kind.table());
        database.execute(&insert, [&row.key, &body]).unwrap();
    }
}

fn read(path: &Path) -> State {
    codec::load_snapshot(&Reader::open(path).unwrap()).unwrap()
}

#[test]
fn a_database_of_the_first_build_is_readable_and_its_rows_are_split_on_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    let mut wanted = state();
    let slugs: Vec<ProjectSlug> = wanted.projects().map(|project| project.slug.clone()).collect();
    assert!(!slugs.is_empty());
    for slug in slugs {
        let fact = Fact::CollisionsSeen { project: slug, collisions: Vec::new() };
        wanted.apply(&Event { seq: wanted.counters().seq + 1, at_ms: 0, fact });
    }
    first_build(&path, &wanted);

    let before = fs::read(&path).unwrap();
    assert!(read(&path) == wanted, "an old row holds the whole project");
    assert_eq!(fs::read(&path).unwrap(), before, "reading changes nothing");

    let store = Store::open(&path).unwrap();
    assert!(codec::load(&store).unwrap() == wanted, "nothing is lost when it is split");
    for part in PARTS {
        assert_eq!(store.load_rows(part).unwrap().len(), wanted.projects().count(), "{part:?}");
    }
    let copies = fs::read_dir(folder.path())
        .unwrap()
        .filter(|one| one.as_ref().unwrap().file_name().to_string_lossy().ends_with(".backup"));
    assert_eq!(copies.count(), 1, "a copy is taken before anything is changed");
}

#[test]
fn only_the_part_of_a_project_that_changed_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    let mut state = state();
    let slug = state.projects().next().unwrap().slug.clone();
    let writer = Store::open(&path).unwrap().into_writer().unwrap();
    let rows = of_projects(codec::rows_of(&state).unwrap());
    writer.append_and_wait(Batch { events: Vec::new(), rows, durability: Durability::Process }).unwrap();

    let reason = Reason::new(ReasonCode::QueueHeld, 0, "held", "release it");
    let events =
        [Fact::CanaryAsked { project: slug.clone() }, Fact::QueueHeld { project: slug.clone(), reason }];
    for (seq, fact) in (1..).zip(events) {
        let event = Event { seq, at_ms: 0, fact };
        state.apply(&event);
        let touched = state.take_touched();
        writer.append_and_wait(codec::batch(&state, &[event], &touched).unwrap()).unwrap();
    }
    let written = |kind: EntityKind| -> i64 {
        let sql = format!("SELECT seq FROM {} WHERE key = ?1", kind.table());
        Connection::open(&path).unwrap().query_row(&sql, [slug.as_str()], |row| row.get(0)).unwrap()
    };
    assert_eq!(PARTS.map(written), [1, 0, 2], "the settings were written once");
    let kept = read(&path);
    assert!(kept.project(&slug) == state.project(&slug));
    writer.close().unwrap();
}

#[test]
fn every_part_of_a_project_is_kept() {
    let state = state();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    let writer = Store::open(&path).unwrap().into_writer().unwrap();
    let rows = codec::rows_of(&state).unwrap();
    writer.append_and_wait(Batch { events: Vec::new(), rows, durability: Durability::Process }).unwrap();
    assert!(read(&path) == state);
    writer.close().unwrap();
}
