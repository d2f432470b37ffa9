//! The public event types: a documented list, and its mapping from the stored types.

mod table;

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use paddock_ipc::EventLine;
use paddock_model::event::{Fact, FactKind};
use paddock_model::hierarchy::{Level, Stage};
use paddock_model::ids::ObjectiveId;
use paddock_model::objective::Status;
use paddock_model::stored::StoredEvent;
use table::{moved, node, types_of};

/// A public event type and the stored events that are published under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// Stored type.
    pub kind: FactKind,
    /// Required value of the stored event's `data.to`; `None` where the stored type has only one public type.
    pub to: Option<&'static str>,
    /// Required value of the stored event's `data.level`; `None` where the level does not matter.
    pub level: Option<&'static str>,
    /// Name of the public type.
    pub public: &'static str,
    /// What happened to what, in one sentence; a row of docs/events.md.
    pub description: &'static str,
}

/// Every public type. Scripts and `notify` settings name them, so types may be added but are never renamed or
/// removed.
pub static TYPES: LazyLock<Vec<EventType>> = LazyLock::new(|| FactKind::all().flat_map(types_of).collect());

/// Returns the public types, each once, in the order of the list.
#[must_use]
pub fn public_types() -> Vec<&'static str> {
    TYPES.iter().map(|row| row.public).collect()
}

/// Returns the stored types that are published as `public`; empty if there is no such public type.
#[must_use]
pub fn stored_kinds(public: &str) -> Vec<&'static str> {
    TYPES.iter().filter(|row| row.public == public).map(|row| row.kind.stored()).collect()
}

/// The part of an objective's move that decides its public type.
#[derive(Deserialize)]
struct ObjectiveMove {
    to: Status,
}

/// The part of a hierarchy node's move that decides its public type.
#[derive(Deserialize)]
struct NodeMove {
    level: Level,
    to: Stage,
}

/// Returns the public type of a stored event. Returns the stored type unchanged if this program does not know
/// it or cannot read its data, as when a newer supervisor wrote the event.
#[must_use]
pub(crate) fn public_type(stored: &str, data: &Value) -> String {
    let found = FactKind::all().find(|kind| kind.stored() == stored).and_then(|kind| {
        // Only the two fields that matter are read: a whole `Fact` would fail on any other field that
        // changed.
        if kind == FactKind::ObjectiveMoved {
            return ObjectiveMove::deserialize(data).ok().map(|one| moved(one.to));
        }
        if kind == FactKind::NodeMoved {
            return NodeMove::deserialize(data).ok().map(|one| node(one.level, one.to));
        }
        types_of(kind).into_iter().next()
    });
    found.map_or(stored, |one| one.public).to_owned()
}

/// Returns the public event line of a stored event.
#[must_use]
pub fn line(event: &StoredEvent) -> EventLine {
    publish(EventLine::from(event))
}

/// Returns a line that came over the socket, which carries stored types, with its public type.
#[must_use]
pub fn publish(line: EventLine) -> EventLine {
    // Planner sessions carry a placeholder where other sessions name their objective; scripts must not take
    // it for one.
    let objective = line.objective.filter(|id| *id != ObjectiveId::planner().as_str());
    EventLine { kind: public_type(&line.kind, &line.data), objective, ..line }
}

/// Returns the fact of a published line, or `None` if this program does not know it because a newer
/// supervisor wrote it.
pub(crate) fn fact(line: &EventLine) -> Option<Fact> {
    let kind = TYPES.iter().find(|row| row.public == line.kind)?.kind.stored();
    serde_json::from_value(serde_json::json!({ "type": kind, "data": line.data })).ok()
}

/// Returns the line as one JSON document that is safe to print on a terminal.
#[must_use]
pub fn json(line: &EventLine) -> String {
    // Serialization cannot fail: a line holds only texts, numbers and JSON values.
    crate::text::harmless_json(serde_json::to_string(line).unwrap_or_default())
}

/// Returns the text that docs/events.md must have.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(HEAD);
    for row in TYPES.iter() {
        text.push_str(&format!("| `{}` | {} |\n", row.public, row.description));
    }
    text
}

const HEAD: &str = "# Events

Paddock records everything that happens as an event. `paddock events` prints recorded events, and
`paddock run --no-tui --json` prints events as they happen. With `--json` each line is one JSON document:

    {\"version\":1,\"seq\":12,\"at\":\"2026-01-31T09:30:00.123Z\",\"type\":\"landed\",\"project\":\"web\",\"objective\":null,\"session\":null,\"phase\":null,\"goal\":null,\"data\":{}}

| key | meaning |
|---|---|
| `version` | version of the shape of `data` |
| `seq` | number of the event: 1, 2, 3, … without gaps |
| `at` | time of the event, RFC 3339 in UTC |
| `type` | one of the types below; types may be added |
| `project`, `objective`, `session` | subject of the event, or null |
| `phase`, `goal` | phase and goal that the event's objective, phase or goal belonged to, or null |
| `data` | further fields, which depend on the type |

`notify` in a project file names these types, and `paddock events --type` filters by them.

| type | what happened |
|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::stored::StoredEvent;

    #[test]
    fn the_document_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.md");
        let found = std::fs::read_to_string(path).unwrap_or_default();
        if std::env::var_os("PADDOCK_WRITE_DOCS").is_some() {
            std::fs::write(path, document()).unwrap();
            return;
        }
        let advice = "docs/events.md is out of date: run this test with PADDOCK_WRITE_DOCS=1";
        assert!(found == document(), "{advice}");
    }

    #[test]
    fn no_public_type_is_listed_twice() {
        let mut public = public_types();
        public.sort_unstable();
        let all = public.len();
        public.dedup();
        assert_eq!(public.len(), all);
    }

    #[test]
    fn a_move_is_published_under_the_state_that_it_leads_to() {
        let event = StoredEvent {
            seq: 3,
            at_ms: 0,
            kind: "objective_moved".to_owned(),
            version: 1,
            project: Some("web".to_owned()),
            objective: Some("cart".to_owned()),
            session: None,
            data: r#"{"from":"review","to":"needs_review"}"#.to_owned(),
        };
        assert_eq!(line(&event).kind, "needs_review");
        assert_eq!(stored_kinds("needs_review"), ["objective_moved"]);
        assert_eq!(public_type("dance", &Value::Null), "dance");
    }
}
