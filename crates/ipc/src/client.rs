//! The client's end of the socket: blocking, for command lines and for threads of their own.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::events::Events;
use super::lines::LineBuffer;
use super::path::read_pointer;
use super::protocol::encode_line;
use super::{IpcError, PROTOCOL_VERSION, Reply, ReplyBody, Request, RequestBody};
use paddock_model::command::{self, Command};

/// Longest wait for the supervisor's hello. A supervisor answers at once unless it is frozen.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time that the supervisor may leave a request unread. It reads at once unless it is frozen.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// The supervisor at the other end, as it introduces itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// Folder of the workspace that it works in.
    pub workspace: String,
    /// Its process id, to show to people. Never send a signal to it: the id may belong to another process by
    /// then.
    pub pid: u32,
}

/// A connection to the supervisor of a workspace.
///
/// Requests go one after the other. A subscription takes the whole connection; a caller that also sends
/// commands opens a second one.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    socket: PathBuf,
    buffer: LineBuffer,
    last_id: u64,
    hello: ServerHello,
}

impl Client {
    /// Connects to the supervisor of the workspace with this runtime folder. Returns `None` if no supervisor
    /// listens.
    ///
    /// # Errors
    /// - [`IpcError::OtherVersion`] if the supervisor speaks another version of the protocol;
    /// - [`IpcError::Timeout`] if it does not answer;
    /// - [`IpcError::Io`] if the socket cannot be used.
    pub fn connect(runtime: &Path) -> Result<Option<Self>, IpcError> {
        let Some(socket) = read_pointer(runtime)? else { return Ok(None) };
        let stream = match UnixStream::connect(&socket) {
            Ok(stream) => stream,
            // The supervisor was killed and left its socket or its pointer file behind.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                return Ok(None);
            }
            Err(error) => return Err(IpcError::io(&socket, &error)),
        };
        stream.set_write_timeout(Some(SEND_TIMEOUT)).map_err(|error| IpcError::io(&socket, &error))?;
        let hello = ServerHello { workspace: String::new(), pid: 0 };
        let buffer = LineBuffer::default();
        let mut client = Self { stream, socket, buffer, last_id: 0, hello };
        match client.greet() {
            Ok(()) => Ok(Some(client)),
            // The supervisor was stopping: it closed the connection before its hello, so it serves nobody any
            // more.
            Err(IpcError::Ended | IpcError::Leaving) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Exchanges the hellos.
    fn greet(&mut self) -> Result<(), IpcError> {
        match self.ask(RequestBody::Hello { version: PROTOCOL_VERSION }, HELLO_TIMEOUT)? {
            ReplyBody::Hello { version: PROTOCOL_VERSION, workspace, pid } => {
                self.hello = ServerHello { workspace, pid };
                Ok(())
            }
            ReplyBody::Hello { version, .. } => {
                Err(IpcError::OtherVersion { ours: PROTOCOL_VERSION, theirs: version })
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Returns how the supervisor introduced itself.
    #[must_use]
    pub fn hello(&self) -> &ServerHello {
        &self.hello
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// - [`IpcError::Timeout`] and [`IpcError::Ended`]: the command may have been run or not;
    /// - [`IpcError::Leaving`]: the supervisor is stopping and did not run the command;
    /// - [`IpcError::Refused`]: the supervisor did not understand the command.
    pub fn command(&mut self, command: Command, timeout: Duration) -> Result<command::Reply, IpcError> {
        match self.ask(RequestBody::Command(command), timeout)? {
            ReplyBody::Answer(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }

    /// Subscribes to the events after `since_seq` (or from now on), and to gauges if wanted.
    ///
    /// # Errors
    /// As for [`Client::command`].
    pub fn events(self, since_seq: Option<u64>, gauges: bool) -> Result<Events, IpcError> {
        Events::begin(self, since_seq, gauges, HELLO_TIMEOUT)
    }

    /// Sends a request and waits for its reply.
    fn ask(&mut self, body: RequestBody, timeout: Duration) -> Result<ReplyBody, IpcError> {
        let id = self.send(body)?;
        self.receive_for(id, Some(timeout))
    }

    /// Sends a request and returns its id.
    pub(super) fn send(&mut self, body: RequestBody) -> Result<u64, IpcError> {
        self.last_id += 1;
        let line = encode_line(&Request { id: self.last_id, body }).ok_or(IpcError::TooLong)?;
        // A request whose line was not written to its end was not read as a request. So a connection that
        // closes here leaves no doubt: the supervisor did nothing, and the caller may ask the next one.
        self.stream.write_all(&line).map_err(|error| match self.name(&error) {
            IpcError::Ended => IpcError::Leaving,
            other => other,
        })?;
        Ok(self.last_id)
    }

    /// Waits for the next reply to a request. Drops late replies to earlier requests, which timed out.
    pub(super) fn receive_for(&mut self, id: u64, timeout: Option<Duration>) -> Result<ReplyBody, IpcError> {
        let deadline = timeout.map(|timeout| (Instant::now() + timeout, timeout));
        loop {
            let line = self.receive_line(deadline)?;
            let reply: Reply = serde_json::from_slice(&line)
                .map_err(|error| IpcError::Garbled { reason: error.to_string() })?;
            match reply.body {
                ReplyBody::Error { is_leaving: true, .. } => return Err(IpcError::Leaving),
                // Id 0: the server could not read the request, nor its id.
                body if reply.id == id || reply.id == 0 => return Ok(body),
                _ => {}
            }
        }
    }

    /// Reads the next line. Keeps a part of a line that arrived before the deadline for the next call.
    fn receive_line(&mut self, deadline: Option<(Instant, Duration)>) -> Result<Vec<u8>, IpcError> {
        let mut bytes = [0; 16 * 1024];
        loop {
            if let Some(line) = self.buffer.next_line().map_err(|_| IpcError::TooLong)? {
                return Ok(line);
            }
            let left = match deadline {
                None => None,
                Some((at, timeout)) => match at.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => Some(left),
                    _ => return Err(IpcError::Timeout { seconds: timeout.as_secs() }),
                },
            };
            self.stream.set_read_timeout(left).map_err(|error| self.name(&error))?;
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(IpcError::Ended),
                Ok(count) => self.buffer.push(&bytes[..count]),
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(self.name(&error)),
            }
        }
    }

    /// Converts an error of the system to one that says what it means for the request.
    fn name(&self, error: &io::Error) -> IpcError {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                IpcError::Timeout { seconds: SEND_TIMEOUT.as_secs() }
            }
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::NotConnected => IpcError::Ended,
            _ => IpcError::io(&self.socket, error),
        }
    }
}

/// Returns whether reading may simply be tried again; the deadline decides when to give up.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Returns the error for a reply of the wrong kind. Names the kind only: the content may not be printable.
pub(super) fn unexpected(reply: &ReplyBody) -> IpcError {
    let reason = match reply {
        ReplyBody::Error { text, .. } => return IpcError::Refused { text: text.clone() },
        ReplyBody::Hello { .. } => "hello",
        ReplyBody::Answer(_) => "an answer",
        ReplyBody::Subscribed { .. } => "the beginning of a subscription",
        ReplyBody::Event(_) => "an event",
        ReplyBody::Gauge(_) => "a gauge",
        ReplyBody::Behind { .. } => "the end of a subscription",
        ReplyBody::Cancelled => "a cancellation",
        ReplyBody::Pong => "a pong",
    };
    IpcError::Garbled { reason: format!("{reason} instead of the expected reply") }
}
