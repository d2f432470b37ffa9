//! What the lines mean. Closed enums, externally tagged, so that a type error names its place.

use serde::{Deserialize, Serialize};

use paddock_model::command::{self, Command};
use paddock_model::stored::StoredEvent;

/// The version of this protocol; both ends say theirs first.
pub(crate) const PROTOCOL_VERSION: u32 = 1;

/// The longest line either end accepts, in bytes. The longest honest one is a whole status with a diff, a
/// few MiB; without a limit one broken peer could eat the memory of the other.
pub const LINE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// One line from a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the client; every reply to this request carries it.
    pub id: u64,
    /// What is asked for.
    pub body: RequestBody,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestBody {
    /// The first request of a connection.
    Hello {
        /// The client's [`PROTOCOL_VERSION`].
        version: u32,
    },
    /// Changes something; answered once it is recorded.
    Command(Command),
    /// Asks about something; changes nothing.
    Query(Query),
    /// Asks for events as they are committed.
    Subscribe {
        /// Begin after this event; without it, with the next one to happen.
        since_seq: Option<u64>,
        /// Whether gauges are wanted too.
        gauges: bool,
    },
    /// Ends the subscription that the request of this id began.
    Cancel {
        /// The id of that request.
        request: u64,
    },
    /// Answered by `pong`.
    Ping,
}

/// What may be asked without changing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// Whether the supervisor works.
    Alive,
}

/// One line from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The id of the request it belongs to; 0 when the request could not be read at all.
    pub id: u64,
    /// The reply.
    pub body: ReplyBody,
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyBody {
    /// The answer to `hello`.
    Hello {
        /// The server's [`PROTOCOL_VERSION`].
        version: u32,
        /// The workspace it works in.
        workspace: String,
        /// Its process id, for people.
        pid: u32,
    },
    /// The answer to a command or query.
    Answer(command::Reply),
    /// The subscription has begun.
    Subscribed {
        /// Events come from the one after this on.
        since_seq: u64,
    },
    /// An event was committed.
    Event(EventLine),
    /// A gauge has a new value.
    Gauge(Gauge),
    /// The subscriber reads too slowly, and the subscription has ended: subscribe anew from here.
    Behind {
        /// The last event that was sent.
        resume_from: u64,
    },
    /// The answer to `cancel`.
    Cancelled,
    /// The answer to `ping`.
    Pong,
    /// The request could not be served.
    Error {
        /// Why, for people.
        text: String,
        /// Whether this is the last line of a server that stops in order (under the id 0): what it has not answered
        /// it has not begun.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_leaving: bool,
    },
}

/// An event as the world sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// The version of the shape of `data`.
    pub version: u32,
    /// Its place in the log.
    pub seq: u64,
    /// When it happened, RFC 3339 in UTC.
    pub at: String,
    /// The type of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// The project it belongs to.
    pub project: Option<String>,
    /// The objective it belongs to.
    pub objective: Option<String>,
    /// The session it belongs to.
    pub session: Option<u64>,
    /// The rest.
    pub data: serde_json::Value,
}

impl From<&StoredEvent> for EventLine {
    fn from(event: &StoredEvent) -> Self {
        // The store only holds JSON; text that is none is carried as a text rather than dropped.
        let data = serde_json::from_str(&event.data)
            .unwrap_or_else(|_| serde_json::Value::String(event.data.clone()));
        let at = jiff::Timestamp::from_millisecond(event.at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self {
            version: event.version,
            seq: event.seq,
            at: at.to_string(),
            kind: event.kind.clone(),
            project: event.project.clone(),
            objective: event.objective.clone(),
            session: event.session,
            data,
        }
    }
}

/// A value that is worth showing but not recording: the latest one counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// What is measured.
    pub name: String,
    /// The session it is about, if any.
    pub session: Option<u64>,
    /// The gate run it is about, if any.
    pub gate: Option<u64>,
    /// The value.
    pub value: serde_json::Value,
}

impl ReplyBody {
    /// The request could not be served, for this reason.
    pub(super) fn error(text: impl Into<String>) -> Self {
        Self::Error { text: text.into(), is_leaving: false }
    }

    /// The last line of a server that stops in order.
    pub(super) fn leaving() -> Self {
        let text = "the supervisor is leaving; what was not answered was not done".to_owned();
        Self::Error { text, is_leaving: true }
    }
}

/// Only the id, for answering a request whose body is unknown.
#[derive(Deserialize)]
struct OnlyId {
    id: u64,
}

/// Reads a request.
///
/// # Errors
/// Why it cannot be read, and under which id that is to be answered.
pub fn decode_request(line: &[u8]) -> Result<Request, (u64, String)> {
    serde_json::from_slice(line).map_err(|error| {
        let id = serde_json::from_slice::<OnlyId>(line).map_or(0, |request| request.id);
        (
            id,
            format!(
                "this request is not understood ({error}); client and supervisor may be of different versions"
            ),
        )
    })
}

/// A message as one line; `None` when it cannot be written or is over [`LINE_MAX_BYTES`].
pub(super) fn encode_line<T: Serialize>(message: &T) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(message).ok()?;
    line.push(b'\n');
    (line.len() <= LINE_MAX_BYTES).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::ids::SessionId;

    #[test]
    fn the_lines_look_as_they_are_documented() {
        let lines = [
            (RequestBody::Hello { version: 1 }, r#"{"id":1,"body":{"hello":{"version":1}}}"#),
            (
                RequestBody::Command(Command::SessionKill { session: SessionId(7) }),
                r#"{"id":1,"body":{"command":{"type":"session_kill","data":{"session":7}}}}"#,
            ),
            (RequestBody::Query(Query::Alive), r#"{"id":1,"body":{"query":"alive"}}"#),
            (RequestBody::Ping, r#"{"id":1,"body":"ping"}"#),
            (
                RequestBody::Subscribe { since_seq: Some(4), gauges: false },
                r#"{"id":1,"body":{"subscribe":{"since_seq":4,"gauges":false}}}"#,
            ),
        ];
        for (body, line) in lines {
            let request = Request { id: 1, body };
            assert_eq!(serde_json::to_string(&request).unwrap(), line);
            assert_eq!(decode_request(line.as_bytes()), Ok(request));
        }
    }

    #[test]
    fn an_error_is_read_as_older_supervisors_write_it() {
        let line = r#"{"error":{"text":"no"}}"#;
        assert_eq!(serde_json::to_string(&ReplyBody::error("no")).unwrap(), line);
        assert_eq!(serde_json::from_str::<ReplyBody>(line).unwrap(), ReplyBody::error("no"));
        let leaving = serde_json::to_string(&ReplyBody::leaving()).unwrap();
        assert_eq!(serde_json::from_str::<ReplyBody>(&leaving).unwrap(), ReplyBody::leaving());
    }

    #[test]
    fn an_unknown_body_keeps_its_id() {
        let unknown = decode_request(br#"{"id":7,"body":{"dance":{}}}"#).unwrap_err();
        assert_eq!(unknown.0, 7);
        assert!(unknown.1.contains("dance"), "{}", unknown.1);
        assert_eq!(decode_request(b"hello").unwrap_err().0, 0);
    }

    #[test]
    fn an_event_is_shown_with_its_time_in_words() {
        let event = StoredEvent {
            seq: 3,
            at_ms: 1_700_000_000_123,
            kind: "landed".to_owned(),
            version: 1,
            project: Some("web".to_owned()),
            objective: None,
            session: None,
            data: r#"{"commit":"abc"}"#.to_owned(),
        };
        let line = serde_json::to_string(&EventLine::from(&event)).unwrap();
        let expected = r#"{"version":1,"seq":3,"at":"2023-11-14T22:13:20.123Z","type":"landed","project":"web","objective":null,"session":null,"data":{"commit":"abc"}}"#;
        assert_eq!(line, expected);
    }
}
