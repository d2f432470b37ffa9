//! Serves one client: reads its requests one by one and answers them in parallel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::clients::{Admitted, FREE_BYTES, Seat};
use super::lines::LineBuffer;
use super::out::Out;
use super::protocol::decode_request;
use super::streams::send_events;
use super::{Backend, PROTOCOL_VERSION, Query, ReplyBody, Request, RequestBody, Service};
use paddock_model::command::{self, Answer};

/// Most requests of one client that are served at once. A console needs a few.
const REQUESTS_MAX: usize = 64;
/// Most subscriptions of one client. Each reads the database.
const SUBSCRIPTIONS_MAX: usize = 4;
/// Longest time for the last words to a client that has to go.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// How long a stopping server waits for the answers that are under way.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a client may keep the server waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Longest time from the connection to the hello.
    pub(super) hello: Duration,
    /// Longest time from the first byte of a line to its end. The longest line takes milliseconds.
    pub(super) line: Duration,
    /// Longest time for which replies may stay unread.
    pub(super) reading: Duration,
}

impl Patience {
    /// What clients of a supervisor get. A busy machine may take seconds to let a client run.
    pub(super) const USUAL: Self = Self {
        hello: Duration::from_secs(10),
        line: Duration::from_secs(10),
        reading: Duration::from_secs(30),
    };
}

/// One client and the tasks that serve its requests.
struct Connection<S> {
    backend: Arc<Backend<S>>,
    out: Out,
    seat: Arc<Seat>,
    patience: Patience,
    has_greeted: bool,
    /// Commands. They run to their end even if the client goes: their events may be recorded already.
    answers: JoinSet<()>,
    /// Subscriptions. They end with the client.
    streams: JoinSet<()>,
    /// Handles of the subscriptions by request id, to cancel them.
    by_id: HashMap<u64, AbortHandle>,
}

/// How the reading of a client's requests ends.
enum End {
    /// The client sends no more, or the server stops: what is under way is still answered.
    Finished,
    /// The client has done what it must not, and has to go.
    Refused(String),
    /// Another client needs the place.
    Evicted,
}

/// Serves one client until it goes, the server stops, or another client needs its place.
pub(super) async fn serve_client<S: Service>(
    stream: UnixStream,
    admitted: Admitted,
    backend: Arc<Backend<S>>,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    let seat = &admitted.seat;
    let (read, write) = stream.into_split();
    let (out, lines) = Out::new();
    // A task of its own, so that a client which does not read its replies does not stop the reading of its
    // requests.
    let mut writer = tokio::spawn(write_lines(write, lines, patience.reading));
    let mut connection = Connection {
        backend,
        out,
        seat: Arc::clone(seat),
        patience,
        has_greeted: false,
        answers: JoinSet::new(),
        streams: JoinSet::new(),
        by_id: HashMap::new(),
    };
    let gone = connection.out.clone();
    let mut end = tokio::select! {
        end = connection.read_requests(read) => end,
        _ = stop.wait_for(|stopped| *stopped) => End::Finished,
        () = seat.evicted() => End::Evicted,
        () = gone.closed() => End::Finished,
    };
    // Every sender of the queue has to be dropped before the writer ends.
    drop(gone);
    let Connection { out, mut answers, mut streams, .. } = connection;
    // Subscriptions never end by themselves, and would keep the queue full.
    streams.shutdown().await;
    if matches!(end, End::Finished) {
        let finish = async {
            while answers.join_next().await.is_some() {}
            // After all answers: requests that arrived later were not read. This line tells their client that
            // nothing was done, so that it may ask the next supervisor.
            out.send(0, ReplyBody::leaving()).await;
        };
        tokio::select! {
            () = finish => {}
            () = seat.evicted() => end = End::Evicted,
            () = farewell(stop.clone()) => return,
        }
    }
    let last_words = match end {
        End::Finished => None,
        End::Refused(text) => Some(ReplyBody::error(text)),
        End::Evicted => {
            while answers.try_join_next().is_some() {}
            Some(ReplyBody::crowded(!answers.is_empty()))
        }
    };
    if let Some(last_words) = last_words {
        // The commands go on without these tasks, which only wait for the answers.
        answers.shutdown().await;
        out.try_send(0, last_words);
        drop(out);
        let _ = timeout(LAST_WORDS, &mut writer).await;
        return writer.abort();
    }
    drop(out);
    // An error of the writer means that the client is gone, and then there is nothing left to do.
    tokio::select! {
        _ = writer => {}
        () = seat.evicted() => {}
        () = farewell(stop) => {}
    }
}

/// Ends [`FAREWELL`] after the server was stopped. While the server runs, a client's last answers may take
/// longer.
async fn farewell(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is dropped, which counts as stopped.
    let _ = stop.wait_for(|stopped| *stopped).await;
    sleep(FAREWELL).await;
}

/// Writes the queue's lines to the client until the queue is closed.
async fn write_lines(mut write: OwnedWriteHalf, mut lines: mpsc::Receiver<Vec<u8>>, patience: Duration) {
    while let Some(line) = lines.recv().await {
        let mut rest = line.as_slice();
        // Limits the wait for the client and not the whole line: a slow reader of a long line makes progress.
        while !rest.is_empty() {
            match timeout(patience, write.write(rest)).await {
                Ok(Ok(count)) if count > 0 => rest = &rest[count..],
                // The client is gone, or reads nothing.
                Ok(_) | Err(_) => return,
            }
        }
    }
    // An error means that the client is gone already.
    let _ = write.shutdown().await;
}

/// Reads what has arrived; `None` if nothing came in time.
async fn read_within(
    read: &mut OwnedReadHalf,
    bytes: &mut [u8],
    until: Option<Instant>,
) -> Option<std::io::Result<usize>> {
    match until {
        Some(until) => timeout_at(until, read.read(bytes)).await.ok(),
        None => Some(read.read(bytes).await),
    }
}

fn refused(text: impl Into<String>) -> End {
    End::Refused(text.into())
}

impl<S: Service> Connection<S> {
    /// Reads and serves requests until the client closes the connection, keeps the server waiting, or sends a
    /// line that is too long.
    async fn read_requests(&mut self, mut read: OwnedReadHalf) -> End {
        let mut buffer = LineBuffer::default();
        let mut bytes = vec![0; 16 * 1024];
        let hello_until = Instant::now() + self.patience.hello;
        let mut line_until = None;
        loop {
            let until = line_until.or((!self.has_greeted).then_some(hello_until));
            let count = match read_within(&mut read, &mut bytes, until).await {
                Some(Ok(0) | Err(_)) => return End::Finished,
                Some(Ok(count)) => count,
                None => return refused("the client did not say hello, or did not end its line, in time"),
            };
            let had_part = buffer.has_part();
            buffer.push(&bytes[..count]);
            let mut found_line = false;
            loop {
                match buffer.next_line() {
                    Ok(Some(line)) => {
                        found_line = true;
                        self.take_line(&line).await;
                    }
                    Ok(None) => break,
                    // Without the end of this line nobody knows where the next request begins.
                    Err(_) => return refused(super::IpcError::TooLong.to_string()),
                }
            }
            if !self.has_greeted && buffer.held_bytes() > 2 * FREE_BYTES {
                return refused("say hello first; the line before it is too long");
            }
            if !self.seat.hold_bytes(buffer.held_bytes()) {
                return refused("too many long requests at once; try again in a moment");
            }
            line_until = match buffer.has_part() {
                // More of the same line gives no more time.
                true if had_part && !found_line => line_until,
                true => Some(Instant::now() + self.patience.line),
                false => None,
            };
        }
    }

    /// Serves the request on one line.
    async fn take_line(&mut self, line: &[u8]) {
        match decode_request(line) {
            Ok(request) => self.serve(request).await,
            Err((id, text)) => self.out.refuse(id, text).await,
        }
    }

    /// Serves one request, or starts the task that does.
    async fn serve(&mut self, Request { id, body }: Request) {
        let needs_hello = !matches!(body, RequestBody::Hello { .. } | RequestBody::Ping);
        if needs_hello && !self.has_greeted {
            let text = format!("say hello first, with version {PROTOCOL_VERSION}");
            return self.out.refuse(id, text).await;
        }
        // Forgets the tasks that have ended, so that they do not count below.
        while self.answers.try_join_next().is_some() {}
        while self.streams.try_join_next().is_some() {}
        self.by_id.retain(|_, handle| !handle.is_finished());
        let is_full = self.answers.len() + self.streams.len() >= REQUESTS_MAX;
        match body {
            RequestBody::Hello { version } => self.greet(id, version).await,
            RequestBody::Ping => drop(self.out.send(id, ReplyBody::Pong).await),
            // Always served: a full connection needs it to free a request.
            RequestBody::Cancel { request } => self.cancel(id, request).await,
            RequestBody::Subscribe { .. } if self.streams.len() >= SUBSCRIPTIONS_MAX => {
                let text = format!("more than {SUBSCRIPTIONS_MAX} subscriptions at once on one connection");
                self.out.refuse(id, text).await;
            }
            _ if is_full => {
                let text = format!("more than {REQUESTS_MAX} requests at once on one connection");
                self.out.refuse(id, text).await;
            }
            RequestBody::Command(command) => {
                // Called here and not in the task, so that commands reach the kernel in the order of their
                // requests. Before that, the wait: without it a flood of commands would fill the kernel's
                // inbox, and a person's command would wait for all of them.
                let permit = self.seat.command().await;
                let answer = self.backend.service.command(command);
                self.answer(id, answer, permit);
            }
            RequestBody::Query(Query::Alive) => {
                let answer = Ok(Answer::text("the supervisor works"));
                self.out.send(id, ReplyBody::Answer(answer)).await;
            }
            RequestBody::Subscribe { since_seq, gauges } => {
                let events = self.backend.feed.subscribe(since_seq);
                let gauges = gauges.then(|| self.backend.gauges.subscribe());
                self.begin(id, send_events(events, gauges, id, self.out.clone())).await;
            }
        }
    }

    /// Answers a hello. A client of another version gets the server's version as well, to explain the
    /// difference to its user, but no other request of it is served.
    async fn greet(&mut self, id: u64, version: u32) {
        self.has_greeted = version == PROTOCOL_VERSION;
        if self.has_greeted {
            self.seat.greeted();
        }
        let workspace = self.backend.workspace.clone();
        let pid = std::process::id();
        let hello = ReplyBody::Hello { version: PROTOCOL_VERSION, workspace, pid };
        self.out.send(id, hello).await;
    }

    /// Starts the task that waits for a command's answer and sends it.
    fn answer(
        &mut self,
        id: u64,
        answer: super::BoxFuture<command::Reply>,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        let out = self.out.clone();
        let served = self.seat.serve();
        self.answers.spawn(async move {
            let _served = served;
            let answer = async move {
                let answer = answer.await;
                drop(permit);
                answer
            };
            // Spawned once more, so that a panic in the service becomes an error for this client and not a
            // lost answer.
            match tokio::spawn(answer).await {
                Ok(answer) => drop(out.send(id, ReplyBody::Answer(answer)).await),
                Err(error) => out.refuse(id, format!("the request failed inside: {error}")).await,
            }
        });
    }

    /// Starts a subscription, unless one with this id is served already.
    async fn begin(&mut self, id: u64, stream: impl Future<Output = ()> + Send + 'static) {
        if self.by_id.contains_key(&id) {
            return self.out.refuse(id, format!("request {id} is still being served")).await;
        }
        let served = self.seat.serve();
        let handle = self.streams.spawn(async move {
            let _served = served;
            stream.await;
        });
        self.by_id.insert(id, handle);
    }

    /// Ends a subscription. One that has ended already counts as cancelled.
    async fn cancel(&mut self, id: u64, request: u64) {
        if let Some(handle) = self.by_id.remove(&request) {
            handle.abort();
        }
        self.out.send(id, ReplyBody::Cancelled).await;
    }
}
