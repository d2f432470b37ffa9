//! Acknowledged events survive SIGKILL.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use paddock_model::event::Durability;
use paddock_model::stored::StoredEvent;
use paddock_store::{Batch, EntityKind, EventQuery, Reader, Row, Store};
use paddock_testkit::alone;

const DATABASE: &str = "PADDOCK_TEST_DATABASE";

fn batch(seq: u64) -> Batch {
    let event = StoredEvent {
        seq,
        at_ms: 0,
        kind: "note".to_owned(),
        version: 1,
        project: None,
        objective: None,
        session: None,
        data: format!(r#"{{"text":"{}"}}"#, "x".repeat(500)),
    };
    let rows = vec![Row { kind: EntityKind::Meta, key: "last".to_owned(), body: Some(seq.to_string()) }];
    let durability = if seq.is_multiple_of(50) { Durability::Power } else { Durability::Process };
    Batch { events: vec![event], rows, durability }
}

/// Not a test of its own: `acknowledged_events_survive_sigkill` starts and kills it as a process.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(database) = env::var_os(DATABASE) else { return };
    let store = Store::open(Path::new(&database)).unwrap();
    let first = store.last_seq().unwrap() + 1;
    let writer = store.into_writer().unwrap();
    for seq in first.. {
        let report = move |outcome: Result<_, _>| {
            outcome.unwrap();
            writeln!(std::io::stdout(), "acknowledged {seq}").unwrap();
        };
        writer.append(batch(seq), Box::new(report));
    }
}

/// Runs the child until it has acknowledged `more` events, kills it, and returns the last acknowledged one.
fn write_and_kill(database: &Path, more: usize) -> u64 {
    let mut child = alone::command(module_path!(), "child_that_writes_until_it_is_killed")
        .env(DATABASE, database)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (mut seen, mut last) = (0, 0);
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        let number = line.strip_suffix('\n').and_then(|line| line.strip_prefix("acknowledged "));
        if let Some(seq) = number.and_then(|seq| seq.parse::<u64>().ok()) {
            last = seq;
            seen += 1;
        }
        // Further lines may follow: events that were acknowledged before the kill arrived. The last one
        // counts.
        if seen == more {
            child.kill().unwrap();
        }
        line.clear();
    }
    child.wait().unwrap();
    last
}

#[test]
fn acknowledged_events_survive_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("paddock.db");
    for more in [1, 137, 700, 1500] {
        let acknowledged = write_and_kill(&database, more);
        let store = Store::open(&database).unwrap();
        let last = store.last_seq().unwrap();
        assert!(last >= acknowledged && acknowledged > 0, "{acknowledged} acknowledged, {last} found");
        let events = Reader::open(&database).unwrap().events(&EventQuery::default()).unwrap();
        assert!(events.iter().map(|event| event.seq).eq(1..=last), "the log has a gap");
        let rows = store.load_rows(EntityKind::Meta).unwrap();
        assert_eq!(rows, [("last".to_owned(), last.to_string())], "rows and events are one transaction");
    }
}
