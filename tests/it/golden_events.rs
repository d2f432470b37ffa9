//! Stored events must stay readable for good. Each type of event has a golden line of version 1, which never
//! changes.

use paddock_model::event::{Fact, FactKind};
use paddock_model::stored::StoredEvent;
use paddock_report::event_types::TYPES;
use paddock_store::codec::{from_stored, to_stored};
use serde_json::Value;

const GOLDEN: &str = include_str!("../golden/events/v1.jsonl");

fn stored(line: &str) -> StoredEvent {
    let golden: Value = serde_json::from_str(line).unwrap();
    StoredEvent {
        seq: 1,
        at_ms: 0,
        kind: golden["type"].as_str().unwrap().to_owned(),
        version: 1,
        project: None,
        objective: None,
        session: None,
        data: golden["data"].to_string(),
    }
}

#[test]
fn an_event_of_version_1_is_read_and_written_again_without_loss() {
    for line in GOLDEN.lines() {
        let before = stored(line);
        let event = from_stored(&before).unwrap();
        let after = to_stored(&event).unwrap();
        assert_eq!((&after.kind, event.fact.kind().stored()), (&before.kind, before.kind.as_str()));
        let (old, new): (Value, Value) =
            (serde_json::from_str(&before.data).unwrap(), serde_json::from_str(&after.data).unwrap());
        assert_kept(&old, &new, &before.kind);
        assert_eq!(from_stored(&after).unwrap(), event);
    }
}

/// Asserts that `new` holds everything that `old` does. Keys that were introduced later are allowed.
fn assert_kept(old: &Value, new: &Value, place: &str) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                assert_kept(value, new.get(key).unwrap_or(&Value::Null), &format!("{place}.{key}"));
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            assert_eq!(old.len(), new.len(), "{place}");
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                assert_kept(old, new, &format!("{place}[{index}]"));
            }
        }
        _ => assert_eq!(old, new, "{place}"),
    }
}

#[test]
fn every_type_of_event_has_a_golden_line() {
    let golden: Vec<String> = GOLDEN.lines().map(|line| stored(line).kind).collect();
    for kind in FactKind::all() {
        let name = kind.stored();
        assert!(
            golden.iter().any(|line| line == name),
            "{name} has no golden line in tests/golden/events/v1.jsonl"
        );
    }
    assert_eq!((FactKind::all().count(), Fact::VERSION), (golden.len(), 1));
}

#[test]
fn every_public_type_of_the_first_build_is_still_there() {
    let golden = include_str!("../golden/events/public.txt");
    let known: Vec<String> = TYPES
        .iter()
        .map(|one| {
            let mut line = format!("{} {}", one.public, one.kind.stored());
            one.to.iter().for_each(|to| line.push_str(&format!(" to={to}")));
            one.level.iter().for_each(|level| line.push_str(&format!(" level={level}")));
            line
        })
        .collect();
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        assert!(known.iter().any(|known| known == line), "no public type is any more: {line}");
    }
}
