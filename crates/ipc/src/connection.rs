//! Serves one client: reads its requests one by one and answers them in parallel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::lines::LineBuffer;
use super::out::Out;
use super::protocol::decode_request;
use super::streams::send_events;
use super::{Backend, PROTOCOL_VERSION, Query, ReplyBody, Request, RequestBody, Service};
use paddock_model::command::{self, Answer};

/// Most requests of one client that are served at once. A console needs a few.
const REQUESTS_MAX: usize = 64;
/// How long a stopping server waits for the answers that are under way.
const FAREWELL: Duration = Duration::from_secs(2);

/// One client and the tasks that serve its requests.
struct Connection<S> {
    backend: Arc<Backend<S>>,
    out: Out,
    has_greeted: bool,
    /// Commands. They run to their end even if the client goes: their events may be recorded already.
    answers: JoinSet<()>,
    /// Subscriptions. They end with the client.
    streams: JoinSet<()>,
    /// Handles of the subscriptions by request id, to cancel them.
    by_id: HashMap<u64, AbortHandle>,
}

/// Serves one client until it goes or the server stops.
pub(super) async fn serve_client<S: Service>(
    stream: UnixStream,
    backend: Arc<Backend<S>>,
    mut stop: watch::Receiver<bool>,
) {
    let (read, write) = stream.into_split();
    let (out, lines) = Out::new();
    // A task of its own, so that a client which does not read its replies does not stop the reading of its
    // requests.
    let writer = tokio::spawn(write_lines(write, lines));
    let mut connection = Connection {
        backend,
        out,
        has_greeted: false,
        answers: JoinSet::new(),
        streams: JoinSet::new(),
        by_id: HashMap::new(),
    };
    tokio::select! {
        () = connection.read_requests(read) => {}
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
    let Connection { out, mut answers, mut streams, .. } = connection;
    // Subscriptions never end by themselves, and would keep the queue full.
    streams.shutdown().await;
    let finish = async {
        while answers.join_next().await.is_some() {}
        // After all answers: requests that arrived later were not read. This line tells their client that
        // nothing was done, so that it may ask the next supervisor.
        out.send(0, ReplyBody::leaving()).await;
        // The writer ends once every sender of the queue is dropped.
        drop(out);
        // Its error means that the client is gone, and then there is nothing left to do.
        let _ = writer.await;
    };
    tokio::select! {
        () = finish => {}
        () = farewell(stop) => {}
    }
}

/// Ends [`FAREWELL`] after the server was stopped. While the server runs, a client's last answers may take
/// longer.
async fn farewell(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is dropped, which counts as stopped.
    let _ = stop.wait_for(|stopped| *stopped).await;
    tokio::time::sleep(FAREWELL).await;
}

/// Writes the queue's lines to the client until the queue is closed.
async fn write_lines(mut write: OwnedWriteHalf, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if write.write_all(&line).await.is_err() {
            return;
        }
    }
    // An error means that the client is gone already.
    let _ = write.shutdown().await;
}

impl<S: Service> Connection<S> {
    /// Reads and serves requests until the client closes the connection or sends a line that is too long.
    async fn read_requests(&mut self, mut read: OwnedReadHalf) {
        let mut buffer = LineBuffer::default();
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let count = match read.read(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            buffer.push(&bytes[..count]);
            loop {
                match buffer.next_line() {
                    Ok(Some(line)) => self.take_line(&line).await,
                    Ok(None) => break,
                    // Without the end of this line nobody knows where the next request begins. This is the
                    // only fault that closes the connection.
                    Err(_) => return self.out.refuse(0, super::IpcError::TooLong.to_string()).await,
                }
            }
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
            _ if is_full => {
                let text = format!("more than {REQUESTS_MAX} requests at once on one connection");
                self.out.refuse(id, text).await;
            }
            RequestBody::Command(command) => {
                // Called here and not in the task, so that commands reach the kernel in the order of their
                // requests.
                let answer = self.backend.service.command(command);
                self.answer(id, answer);
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
        let workspace = self.backend.workspace.clone();
        let pid = std::process::id();
        let hello = ReplyBody::Hello { version: PROTOCOL_VERSION, workspace, pid };
        self.out.send(id, hello).await;
    }

    /// Starts the task that waits for a command's answer and sends it.
    fn answer(&mut self, id: u64, answer: super::BoxFuture<command::Reply>) {
        let out = self.out.clone();
        self.answers.spawn(async move {
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
        let handle = self.streams.spawn(stream);
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
