//! The messages of the protocol, one JSON document per line. Closed enums, externally tagged, so that serde's
//! error names the place of a fault.

use serde::{Deserialize, Serialize};

use paddock_model::command::{self, Command};
use paddock_model::stored::StoredEvent;

/// Version of this protocol. Each end says its own in its hello.
pub(crate) const PROTOCOL_VERSION: u32 = 1;

/// Longest line that either end accepts, in bytes. The longest legitimate line, a whole status with a diff,
/// has a few MiB. Without a limit a broken peer could use up the memory of the other.
pub const LINE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// One line from a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Id that the client chose. Every reply to this request carries it.
    pub id: u64,
    /// The request itself.
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
    /// A command, which changes something. Answered once its events are recorded.
    Command(Command),
    /// A question, which changes nothing.
    Query(Query),
    /// Subscribes to events as they are committed.
    Subscribe {
        /// Event after which the subscription begins; `None`: it begins with the next event that happens.
        since_seq: Option<u64>,
        /// Whether to send gauges as well.
        gauges: bool,
    },
    /// Ends a subscription.
    Cancel {
        /// Id of the request that began the subscription.
        request: u64,
    },
    /// Asks for a `pong`.
    Ping,
}

/// A question that changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// Does the supervisor work? A supervisor that works answers.
    Alive,
}

/// One line from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// Id of the request that this replies to; 0 if the request could not be read at all.
    pub id: u64,
    /// The reply.
    pub body: ReplyBody,
}

/// What a server sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyBody {
    /// The answer to `hello`.
    Hello {
        /// The server's [`PROTOCOL_VERSION`].
        version: u32,
        /// Folder of the server's workspace.
        workspace: String,
        /// Process id of the server, to show to people.
        pid: u32,
    },
    /// The answer to a command or query.
    Answer(command::Reply),
    /// The subscription has begun.
    Subscribed {
        /// Event after which the events begin.
        since_seq: u64,
    },
    /// An event was committed.
    Event(EventLine),
    /// A gauge has a new value.
    Gauge(Gauge),
    /// The subscriber reads too slowly, and the subscription has ended. The client may subscribe again.
    Behind {
        /// Last event that was sent: the place to subscribe from.
        resume_from: u64,
    },
    /// The answer to `cancel`.
    Cancelled,
    /// The answer to `ping`.
    Pong,
    /// The request could not be served.
    Error {
        /// The reason, in words for people.
        text: String,
        /// Whether this is the last line of a server that stops gracefully (its id is 0). Requests without an
        /// answer were not begun. Left out when false, as older supervisors do not write it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_leaving: bool,
    },
}

/// An event in its public form, for scripts and other programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// Version of the fields in `data`.
    pub version: u32,
    /// Sequence number in the log.
    pub seq: u64,
    /// Time of the event, RFC 3339 in UTC.
    pub at: String,
    /// Type of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// Project that the event belongs to, if any.
    pub project: Option<String>,
    /// Objective that the event belongs to, if any.
    pub objective: Option<String>,
    /// Session that the event belongs to, if any.
    pub session: Option<u64>,
    /// Phase that the event belongs to, if any. A supervisor leaves it to its clients.
    #[serde(default)]
    pub phase: Option<String>,
    /// Goal that the event belongs to, if any. A supervisor leaves it to its clients.
    #[serde(default)]
    pub goal: Option<String>,
    /// The fields of this type of event.
    pub data: serde_json::Value,
}

impl From<&StoredEvent> for EventLine {
    fn from(event: &StoredEvent) -> Self {
        // The store holds only JSON. Should a damaged row hold something else, the client gets it as a
        // string.
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
            phase: None,
            goal: None,
            data,
        }
    }
}

/// A value that is worth showing but not recording. Only the latest value counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// Name of the gauge, such as `commits` or `tokens`.
    pub name: String,
    /// Session that it measures, if any.
    pub session: Option<u64>,
    /// Gate run that it measures, if any.
    pub gate: Option<u64>,
    /// The value.
    pub value: serde_json::Value,
}

impl ReplyBody {
    /// Returns the reply to a request that could not be served.
    pub(super) fn error(text: impl Into<String>) -> Self {
        Self::Error { text: text.into(), is_leaving: false }
    }

    /// Returns the last line of a server that stops gracefully.
    pub(super) fn leaving() -> Self {
        let text = "the supervisor is stopping; requests without an answer were not run".to_owned();
        Self::Error { text, is_leaving: true }
    }

    /// Returns the last line to a client that goes for another one. `is_begun`: whether one of its commands is
    /// under way. Otherwise it may ask again, as after [`Self::leaving`].
    pub(super) fn crowded(is_begun: bool) -> Self {
        let text = match is_begun {
            true => "too many clients at once: the request may still be run; `paddock events` shows it then",
            false => "too many clients at once; requests without an answer were not run",
        };
        Self::Error { text: text.to_owned(), is_leaving: !is_begun }
    }
}

/// The id of a request whose body is unknown, to answer it under its id.
#[derive(Deserialize)]
struct OnlyId {
    id: u64,
}

/// Parses a request.
///
/// # Errors
/// Returns the reason why the request cannot be parsed, and the id for the answer: 0 if not even the id can
/// be read.
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

/// Returns the message as one line; `None` if it cannot be written as JSON or exceeds [`LINE_MAX_BYTES`].
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
    fn the_lines_have_the_documented_form() {
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
    fn an_event_is_shown_with_its_time_in_rfc_3339() {
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
        let expected = r#"{"version":1,"seq":3,"at":"2023-11-14T22:13:20.123Z","type":"landed","project":"web","objective":null,"session":null,"phase":null,"goal":null,"data":{"commit":"abc"}}"#;
        assert_eq!(line, expected);
    }
}
