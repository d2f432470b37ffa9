//! Opening databases: damaged, foreign, newer and read-only ones, and those of older versions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use paddock_model::event::Durability;
use paddock_model::stored::StoredEvent;
use paddock_store::{Batch, EntityKind, EventQuery, Reader, Row, Store, StoreError};
use rusqlite::Connection;

fn event(seq: u64, kind: &str) -> StoredEvent {
    StoredEvent {
        seq,
        at_ms: 1_700_000_000_000 + i64::try_from(seq).unwrap(),
        kind: kind.to_owned(),
        version: 1,
        project: Some("web".to_owned()),
        objective: seq.is_multiple_of(2).then(|| "login".to_owned()),
        session: Some(seq),
        data: r#"{"text":"ü \u001b"}"#.to_owned(),
    }
}

fn row(key: &str, body: Option<&str>) -> Row {
    Row { kind: EntityKind::Objective, key: key.to_owned(), body: body.map(str::to_owned) }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn appended_events_and_rows_are_read_back_and_files_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a folder with spaces & 'quotes'?x=%41.db");
    let writer = Store::open(&path).unwrap().into_writer().unwrap();
    let events: Vec<_> = (1..=4).map(|seq| event(seq, "note")).collect();
    let rows = vec![row("web/login", Some("{}")), row("web/gone", Some("1"))];
    writer.append_and_wait(Batch { events: events.clone(), rows, durability: Durability::Power }).unwrap();
    let rows = vec![row("web/login", Some(r#"{"n":2}"#)), row("web/gone", None)];
    let later = Batch { events: vec![event(5, "other")], rows, durability: Durability::Process };
    assert!(!writer.append_and_wait(later).unwrap().flushed);
    let log = path.with_file_name(format!("{}-wal", path.file_name().unwrap().to_str().unwrap()));
    assert_eq!((mode(&path), mode(&log)), (0o600, 0o600));
    writer.close().unwrap();

    let store = Store::open(&path).unwrap();
    assert_eq!(store.last_seq().unwrap(), 5);
    let kept = store.load_rows(EntityKind::Objective).unwrap();
    assert_eq!(kept, [("web/login".to_owned(), r#"{"n":2}"#.to_owned())]);
    let all = EventQuery { limit: Some(4), ..EventQuery::default() };
    assert_eq!(Reader::open(&path).unwrap().events(&all).unwrap(), events);
}

#[test]
fn events_are_found_by_each_condition() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    let writer = Store::open(&path).unwrap().into_writer().unwrap();
    let events = (1..=9).map(|seq| event(seq, ["a", "b", "c"][(seq % 3) as usize])).collect();
    writer.append_and_wait(Batch { events, rows: vec![], durability: Durability::Process }).unwrap();
    let reader = Reader::open(&path).unwrap();
    let found = |query: EventQuery| -> Vec<u64> {
        reader.events(&query).unwrap().iter().map(|event| event.seq).collect()
    };
    let none = EventQuery::default;
    assert_eq!(found(EventQuery { since_seq: Some(7), ..none() }), [8, 9]);
    assert_eq!(found(EventQuery { since_ms: Some(1_700_000_000_008), ..none() }), [8, 9]);
    assert_eq!(found(EventQuery { kinds: vec!["a".into(), "b'".into()], ..none() }), [3, 6, 9]);
    assert_eq!(found(EventQuery { objective: Some("login".into()), ..none() }), [2, 4, 6, 8]);
    assert_eq!(found(EventQuery { project: Some("other".into()), ..none() }), [0u64; 0]);
    assert_eq!(found(EventQuery { limit: Some(2), newest_first: true, ..none() }), [9, 8]);
    let both = EventQuery { since_seq: Some(2), kinds: vec!["a".into()], limit: Some(1), ..none() };
    assert_eq!(found(both), [3]);
}

#[test]
fn a_gap_or_a_repetition_is_refused_and_stops_the_writer() {
    for wrong in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let writer = Store::open(&folder.path().join("paddock.db")).unwrap().into_writer().unwrap();
        let one =
            |seq| Batch { events: vec![event(seq, "a")], rows: vec![], durability: Durability::Process };
        writer.append_and_wait(one(1)).unwrap();
        let error = StoreError::NotContiguous { expected: 2, found: wrong };
        assert_eq!(writer.append_and_wait(one(wrong)), Err(error.clone()));
        assert_eq!(writer.append_and_wait(one(2)), Err(error));
    }
}

#[test]
fn a_database_of_a_newer_paddock_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    drop(Store::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    let message = Store::open(&path).unwrap_err().to_string();
    assert!(message.contains("written by a newer Paddock: its schema is 99"), "{message}");
    assert!(matches!(Reader::open(&path), Err(StoreError::Newer { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_of_paddock_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.db");
    fs::write(&path, "hello ".repeat(1000)).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Damaged { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "hello ".repeat(1000));
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Foreign { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(matches!(
        Store::open(&folder.path().join("no/such/folder.db")),
        Err(StoreError::CannotOpen { .. })
    ));
    assert!(matches!(Reader::open(&folder.path().join("none.db")), Err(StoreError::CannotOpen { .. })));
}

#[test]
fn a_damaged_page_is_noticed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    let writer = Store::open(&path).unwrap().into_writer().unwrap();
    let events = (1..=500).map(|seq| event(seq, "note")).collect();
    writer.append_and_wait(Batch { events, rows: vec![], durability: Durability::Power }).unwrap();
    writer.close().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // A whole page in the middle of the file: the first one would make it no database at all.
    let middle = bytes.len() / 8192 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_database_that_cannot_be_written_is_refused_and_one_open_to_others_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    drop(Store::open(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Store::open(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    // Root may write to a read-only file; any other user must get a refusal.
    let may_write = fs::OpenOptions::new().append(true).open(&path).is_ok();
    let opened = Store::open(&path);
    assert_eq!(opened.is_ok(), may_write);
    assert!(may_write || matches!(opened, Err(StoreError::ReadOnly { .. })));
    assert_eq!(mode(&path), 0o400);
    assert_eq!(Reader::open(&path).unwrap().last_seq().unwrap(), 0);
}

/// Writes a database of schema version 1 from a dump that was frozen with that version.
fn frozen_v1(path: &Path) {
    Connection::open(path).unwrap().execute_batch(include_str!("../data/store_v1.sql")).unwrap();
}

fn schema(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name").unwrap();
    let words = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = statement.query_map([], |row| row.get(0).map(words)).unwrap();
    found.map(|sql| sql.unwrap()).collect()
}

#[test]
fn a_database_of_version_1_opens_with_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    frozen_v1(&path);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.last_seq().unwrap(), 2);
    let events = Reader::open(&path).unwrap().events(&EventQuery::default()).unwrap();
    assert_eq!((events[0].kind.as_str(), events[1].session), ("project_added", Some(7)));
    assert_eq!(
        store.load_rows(EntityKind::Session).unwrap(),
        [("7".to_owned(), r#"{"state":"running"}"#.to_owned())]
    );
    drop(store);
    let fresh = folder.path().join("fresh.db");
    drop(Store::open(&fresh).unwrap());
    assert_eq!(schema(&path), schema(&fresh), "an old database ends up with the schema of a new one");
}

#[test]
fn a_reader_sees_consistent_snapshots_during_writes_and_makes_a_complete_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    let writer = Store::open(&path).unwrap().into_writer().unwrap();
    let reader = Reader::open(&path).unwrap();
    for seq in 1..=50 {
        let body = format!("{seq}");
        let rows = vec![row("web/x", Some(&body))];
        writer
            .append_and_wait(Batch { events: vec![event(seq, "a")], rows, durability: Durability::Process })
            .unwrap();
        let snapshot = reader.snapshot(&[EntityKind::Objective, EntityKind::Meta]).unwrap();
        assert_eq!(snapshot.last_seq, seq);
        assert_eq!(snapshot.rows[&EntityKind::Objective], [("web/x".to_owned(), body)]);
    }
    let copy = folder.path().join("copy.db");
    reader.backup_into(&copy).unwrap();
    assert_eq!(mode(&copy), 0o600);
    assert_eq!(Store::open(&copy).unwrap().last_seq().unwrap(), 50);
}
