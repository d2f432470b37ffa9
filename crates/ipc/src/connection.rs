//! One client: its requests are read one by one and served side by side.

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

/// How many requests of one client are served at once: a console with a grid of logs needs a dozen.
const REQUESTS_MAX: usize = 64;
/// How long a server that stops waits for answers under way.
const FAREWELL: Duration = Duration::from_secs(2);

struct Connection<S> {
    backend: Arc<Backend<S>>,
    out: Out,
    has_greeted: bool,
    /// Commands: they run to their end even when the client goes.
    answers: JoinSet<()>,
    /// Subscriptions: they end with the client.
    streams: JoinSet<()>,
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
    streams.shutdown().await;
    let finish = async {
        while answers.join_next().await.is_some() {}
        // Nobody reads on: whoever waits for an answer yet may ask the next supervisor.
        out.send(0, ReplyBody::leaving()).await;
        drop(out);
        // A client that is gone makes the writer end with an error that nobody needs to hear.
        let _ = writer.await;
    };
    tokio::select! {
        () = finish => {}
        () = farewell(stop) => {}
    }
}

async fn farewell(mut stop: watch::Receiver<bool>) {
    // A dropped server counts as stopped.
    let _ = stop.wait_for(|stopped| *stopped).await;
    tokio::time::sleep(FAREWELL).await;
}

async fn write_lines(mut write: OwnedWriteHalf, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if write.write_all(&line).await.is_err() {
            return;
        }
    }
    // The client may be gone already.
    let _ = write.shutdown().await;
}

impl<S: Service> Connection<S> {
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
                    // There is no telling where the next request begins: the only case of a hang-up.
                    Err(_) => return self.out.refuse(0, super::IpcError::TooLong.to_string()).await,
                }
            }
        }
    }

    async fn take_line(&mut self, line: &[u8]) {
        match decode_request(line) {
            Ok(request) => self.serve(request).await,
            Err((id, text)) => self.out.refuse(id, text).await,
        }
    }

    async fn serve(&mut self, Request { id, body }: Request) {
        let needs_hello = !matches!(body, RequestBody::Hello { .. } | RequestBody::Ping);
        if needs_hello && !self.has_greeted {
            let text = format!("say hello first, with version {PROTOCOL_VERSION}");
            return self.out.refuse(id, text).await;
        }
        while self.answers.try_join_next().is_some() {}
        while self.streams.try_join_next().is_some() {}
        self.by_id.retain(|_, handle| !handle.is_finished());
        let has_room = self.answers.len() + self.streams.len() < REQUESTS_MAX;
        match body {
            RequestBody::Hello { version } => self.greet(id, version).await,
            RequestBody::Ping => drop(self.out.send(id, ReplyBody::Pong).await),
            RequestBody::Cancel { request } => self.cancel(id, request).await,
            _ if !has_room => {
                let text = format!("more than {REQUESTS_MAX} requests at once on one connection");
                self.out.refuse(id, text).await;
            }
            RequestBody::Command(command) => {
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

    /// Every client hears our version, so that it can say what does not fit; only one of the same goes on.
    async fn greet(&mut self, id: u64, version: u32) {
        self.has_greeted = version == PROTOCOL_VERSION;
        let workspace = self.backend.workspace.clone();
        let pid = std::process::id();
        let hello = ReplyBody::Hello { version: PROTOCOL_VERSION, workspace, pid };
        self.out.send(id, hello).await;
    }

    fn answer(&mut self, id: u64, answer: super::BoxFuture<command::Reply>) {
        let out = self.out.clone();
        self.answers.spawn(async move {
            // A task of its own, so that a panic in it is an error for this client and no more.
            match tokio::spawn(answer).await {
                Ok(answer) => drop(out.send(id, ReplyBody::Answer(answer)).await),
                Err(error) => out.refuse(id, format!("the request failed inside: {error}")).await,
            }
        });
    }

    async fn begin(&mut self, id: u64, stream: impl Future<Output = ()> + Send + 'static) {
        if self.by_id.contains_key(&id) {
            return self.out.refuse(id, format!("request {id} is still being served")).await;
        }
        let handle = self.streams.spawn(stream);
        self.by_id.insert(id, handle);
    }

    async fn cancel(&mut self, id: u64, request: u64) {
        if let Some(handle) = self.by_id.remove(&request) {
            handle.abort();
        }
        self.out.send(id, ReplyBody::Cancelled).await;
    }
}
