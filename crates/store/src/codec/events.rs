//! Events as stored text, and back.

use serde_json::Value;

use super::CodecError;
use paddock_model::event::{Event, Fact};
use paddock_model::stored::StoredEvent;

/// Converts an event to its stored form.
///
/// # Errors
/// [`CodecError::Shape`] if the event cannot be written as JSON.
pub fn to_stored(event: &Event) -> Result<StoredEvent, CodecError> {
    let shape = |source| CodecError::Shape { what: format!("event {}", event.seq), source };
    let whole = serde_json::to_value(&event.fact).map_err(shape)?;
    let data = whole.get("data").cloned().unwrap_or(Value::Null);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    // Project, objective and session get columns of their own, so that queries can filter by them. Facts hold
    // them in different places: a fact about an objective names its project within the objective's key, and a
    // fact about a start names the session within its plan.
    let objective = data.get("objective");
    let project = text(data.get("project")).or_else(|| text(objective.and_then(|key| key.get("project"))));
    let session = data.get("session").or_else(|| data.get("plan").and_then(|plan| plan.get("session")));
    Ok(StoredEvent {
        seq: event.seq,
        at_ms: event.at_ms,
        kind: text(whole.get("type")).unwrap_or_default(),
        version: Fact::VERSION,
        project,
        objective: text(objective.and_then(|key| key.get("id"))),
        session: session.and_then(Value::as_u64),
        data: serde_json::to_string(&data).map_err(shape)?,
    })
}

/// Converts an event from its stored form. Events of older versions have to be brought up to date here, one
/// step per version.
///
/// # Errors
/// [`CodecError::Newer`] or [`CodecError::Shape`] if this program cannot read the event.
pub fn from_stored(stored: &StoredEvent) -> Result<Event, CodecError> {
    let what = || format!("event {} ({})", stored.seq, stored.kind);
    if stored.version > Fact::VERSION {
        return Err(CodecError::Newer { what: what(), version: stored.version });
    }
    let shape = |source| CodecError::Shape { what: what(), source };
    let data: Value = serde_json::from_str(&stored.data).map_err(shape)?;
    // `Fact` is an enum with adjacent tag and content. The columns hold them apart, so that the type can be
    // queried.
    let whole = serde_json::json!({ "type": stored.kind, "data": data });
    let fact = serde_json::from_value(whole).map_err(shape)?;
    Ok(Event { seq: stored.seq, at_ms: stored.at_ms, fact })
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::command::StopMode;
    use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};

    #[test]
    fn an_event_comes_back_as_it_was_and_names_what_it_is_about() {
        let project = ProjectSlug::new("shop").unwrap();
        let objective = ObjectiveKey { project, id: ObjectiveId::new("cart").unwrap() };
        let fact = Fact::SessionStarted { objective, session: SessionId(7), pid: 42 };
        let event = Event { seq: 3, at_ms: 1_700_000_000_000, fact };
        let stored = to_stored(&event).unwrap();
        assert_eq!(stored.kind, "session_started");
        assert_eq!(stored.project.as_deref(), Some("shop"));
        assert_eq!(stored.objective.as_deref(), Some("cart"));
        assert_eq!(stored.session, Some(7));
        assert_eq!(from_stored(&stored).unwrap(), event);
    }

    #[test]
    fn an_event_of_a_newer_version_is_refused_by_name() {
        let event = Event { seq: 1, at_ms: 0, fact: Fact::SupervisorStopped { mode: StopMode::Now } };
        let stored = StoredEvent { version: 99, ..to_stored(&event).unwrap() };
        let message = from_stored(&stored).unwrap_err().to_string();
        assert!(message.contains("event 1 (supervisor_stopped) of version 99"), "{message}");
    }
}
