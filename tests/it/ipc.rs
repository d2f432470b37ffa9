//! Server and client of the supervisor's socket, on real sockets.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use paddock_ipc::{Backend, BoxFuture, Client, Feed, Gauge, Gauges, Incoming, IpcError, Server, Service};
use paddock_model::command::{Answer, Command, Refusal, Reply};
use paddock_model::stored::StoredEvent;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(30);

/// A command for [`Worker`], which reads the agent's name as its instruction.
fn order(agent: &str) -> Command {
    Command::AgentEnable { agent: agent.into(), enabled: true, by: "".into() }
}

fn done(text: &str) -> Result<Reply, IpcError> {
    Ok(Ok(Answer::text(text)))
}

struct Worker;

impl Service for Worker {
    fn command(&self, command: Command) -> BoxFuture<Reply> {
        Box::pin(async move {
            let Command::AgentEnable { agent, .. } = command else {
                return Err(Refusal::new("not this one"));
            };
            match agent.as_str() {
                "hang" => std::future::pending().await,
                "panic" => panic!("as asked for"),
                "huge" => Ok(Answer::text("x".repeat(17 << 20))),
                text => Ok(Answer::text(text)),
            }
        })
    }
}

/// A running server with a feed of events and gauges.
struct RunningServer {
    folder: TempDir,
    tokio: Option<Runtime>,
    feed: Arc<Feed>,
    gauges: Arc<Gauges>,
    committed: Arc<Mutex<Vec<StoredEvent>>>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl RunningServer {
    fn new(ring: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let committed = Arc::new(Mutex::new(Vec::<StoredEvent>::new()));
        let store = Arc::clone(&committed);
        let history = move |after: u64, max: usize| {
            let events = store.lock().unwrap();
            Ok(events.iter().filter(|event| event.seq > after).take(max).cloned().collect())
        };
        let feed = Arc::new(Feed::with_capacity(0, Box::new(history), ring));
        let gauges = Arc::new(Gauges::default());
        let tokio = Runtime::new().unwrap();
        let inside = tokio.enter();
        let server = Server::bind(folder.path()).unwrap();
        let (stop, stopped) = watch::channel(false);
        let backend = Backend {
            service: Arc::new(Worker),
            feed: Arc::clone(&feed),
            gauges: Arc::clone(&gauges),
            workspace: "/the workspace".to_owned(),
            is_job: |_| false,
        };
        let serving = tokio.spawn(server.serve(backend, stopped));
        drop(inside);
        Self { folder, tokio: Some(tokio), feed, gauges, committed, stop, serving }
    }

    fn plain() -> Self {
        Self::new(100)
    }

    fn client(&self) -> Client {
        Client::connect(self.folder.path()).unwrap().unwrap()
    }

    fn raw(&self) -> (UnixStream, BufReader<UnixStream>) {
        let stream = UnixStream::connect(self.folder.path().join("paddock.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        (stream.try_clone().unwrap(), BufReader::new(stream))
    }

    /// Stores events and publishes each, as the supervisor does after a commit.
    fn happen(&self, seqs: std::ops::RangeInclusive<u64>, text: &str) {
        for seq in seqs {
            let event = StoredEvent {
                seq,
                at_ms: 0,
                kind: "note".to_owned(),
                version: 1,
                project: None,
                objective: None,
                session: None,
                data: serde_json::Value::from(text).to_string(),
            };
            self.committed.lock().unwrap().push(event.clone());
            self.feed.publish(vec![event]);
        }
    }
}

fn exchange(stream: &mut UnixStream, replies: &mut impl BufRead, line: &str) -> String {
    stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    let mut reply = String::new();
    replies.read_line(&mut reply).unwrap();
    reply
}

/// Reads events up to `last` and asserts that none is missing or repeated. Returns how often the server
/// reported that this subscriber was behind.
fn read_events(
    events: &mut impl Iterator<Item = Result<Incoming, IpcError>>,
    first: u64,
    last: u64,
) -> usize {
    let (mut next, mut behind) = (first, 0);
    while next <= last {
        match events.next().unwrap().unwrap() {
            Incoming::Event(event) => {
                assert_eq!(event.seq, next);
                next += 1;
            }
            Incoming::Behind { resume_from } => {
                assert_eq!(resume_from, next - 1);
                behind += 1;
            }
            Incoming::Gauge(gauge) => panic!("{gauge:?}"),
        }
    }
    behind
}

#[test]
fn commands_are_answered_and_internal_failures_are_reported() {
    let server = RunningServer::plain();
    let mut client = server.client();
    assert_eq!(client.hello().workspace, "/the workspace");
    assert_eq!(client.hello().pid, std::process::id());
    assert_eq!(client.command(order("ü\n\""), PATIENCE), done("ü\n\""));
    let failure = client.command(order("panic"), PATIENCE).unwrap_err().to_string();
    assert!(failure.contains("failed inside"), "{failure}");
    let failure = client.command(order("huge"), PATIENCE).unwrap_err().to_string();
    assert!(failure.contains("over 16 MiB"), "{failure}");
    let late = client.command(order("hang"), Duration::from_millis(20));
    assert_eq!(late, Err(IpcError::Timeout { seconds: 0 }));
    assert_eq!(
        client.command(order("x"), PATIENCE),
        done("x"),
        "a late answer does not spoil the connection"
    );
}

const ALIVE: &str =
    "{\"id\":6,\"body\":{\"answer\":{\"Ok\":{\"text\":\"the supervisor works\",\"objectives\":[]}}}}\n";

#[test]
fn unknown_requests_and_other_versions_get_an_error_and_no_hang_up() {
    let server = RunningServer::plain();
    let (mut stream, mut replies) = server.raw();
    let mut ask = |line: &str| exchange(&mut stream, &mut replies, line);
    assert!(ask(r#"{"id":1,"body":{"query":"alive"}}"#).contains("say hello first"));
    let hello = ask(r#"{"id":2,"body":{"hello":{"version":99}}}"#);
    assert!(hello.starts_with(r#"{"id":2,"body":{"hello":{"version":1,"#), "{hello}");
    assert!(ask(r#"{"id":3,"body":{"query":"alive"}}"#).contains("say hello first"));
    assert!(ask(r#"{"id":4,"body":{"hello":{"version":1}}}"#).contains("the workspace"));
    let unknown = ask(r#"{"id":5,"body":{"teleport":{}}}"#);
    assert!(unknown.starts_with(r#"{"id":5,"body":{"error":"#) && unknown.contains("teleport"), "{unknown}");
    assert!(ask("not json").starts_with(r#"{"id":0,"body":{"error":"#));
    assert_eq!(ask(r#"{"id":6,"body":{"query":"alive"}}"#), ALIVE);
    assert_eq!(ask(r#"{"id":7,"body":"ping"}"#), "{\"id\":7,\"body\":\"pong\"}\n");
}

#[test]
fn a_line_above_the_limit_is_refused() {
    let server = RunningServer::plain();
    let (mut stream, mut replies) = server.raw();
    exchange(&mut stream, &mut replies, r#"{"id":1,"body":{"hello":{"version":1}}}"#);
    let piece = vec![b'x'; 1 << 20];
    // The server may close the connection while the test still writes.
    let _ = (0..17).try_for_each(|_| stream.write_all(&piece));
    let mut reply = String::new();
    let _ = replies.read_line(&mut reply);
    assert!(reply.is_empty() || reply.contains("16 MiB"), "{reply}");
    assert_eq!(server.client().command(order("x"), PATIENCE), done("x"), "others are not affected");
}

#[test]
fn several_subscribers_early_and_late_see_every_event_once() {
    let server = RunningServer::new(8);
    server.happen(1..=100, "before");
    let mut from_start = server.client().events(Some(0), false).unwrap();
    let mut from_middle = server.client().events(Some(50), false).unwrap();
    let mut from_now = server.client().events(None, false).unwrap();
    let readers = std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| read_events(&mut from_start, 1, 400)),
            scope.spawn(|| read_events(&mut from_middle, 51, 400)),
            scope.spawn(|| read_events(&mut from_now, 101, 400)),
        ];
        server.happen(101..=400, "after");
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(readers.len(), 3);
}

#[test]
fn a_slow_subscriber_learns_that_it_is_behind_and_misses_nothing() {
    let server = RunningServer::new(16);
    let mut slow = server.client().events(None, false).unwrap();
    server.happen(1..=1000, &"x".repeat(4000));
    assert!(read_events(&mut slow, 1, 1000) >= 1);
    assert_eq!(slow.next_within(Duration::from_millis(1)), Ok(None));
    server.happen(1001..=1001, "y");
    assert_eq!(read_events(&mut slow, 1001, 1001), 0);
}

#[test]
fn only_the_latest_gauge_is_sent_and_only_to_those_who_asked() {
    let server = RunningServer::plain();
    let gauge =
        |value: u64| Gauge { name: "commits".into(), session: Some(3), gate: None, value: value.into() };
    let mut without = server.client().events(None, false).unwrap();
    (1..=5000).for_each(|value| server.gauges.set(gauge(value)));
    let mut with = server.client().events(None, true).unwrap();
    assert_eq!(with.next().unwrap(), Ok(Incoming::Gauge(gauge(5000))));
    server.happen(1..=1, "x");
    assert!(matches!(with.next().unwrap(), Ok(Incoming::Event(_))));
    assert_eq!(read_events(&mut without, 1, 1), 0);
}

#[test]
fn a_stream_can_be_cancelled_without_ending_the_connection() {
    let server = RunningServer::plain();
    let (mut stream, mut replies) = server.raw();
    let mut ask = |line: &str| exchange(&mut stream, &mut replies, line);
    ask(r#"{"id":1,"body":{"hello":{"version":1}}}"#);
    assert!(ask(r#"{"id":2,"body":{"subscribe":{"since_seq":null,"gauges":false}}}"#).contains("subscribed"));
    assert!(ask(r#"{"id":3,"body":{"cancel":{"request":2}}}"#).contains("cancelled"));
    server.happen(1..=5, "x");
    assert!(ask(r#"{"id":4,"body":{"query":"alive"}}"#).contains("answer"));
}

#[test]
fn a_server_that_ends_tells_every_client_and_the_next_one_takes_over() {
    let mut server = RunningServer::plain();
    let (mut waiting, mut late) = (server.client(), server.client());
    let mut events = server.client().events(None, true).unwrap();
    let answer = std::thread::spawn(move || waiting.command(order("hang"), PATIENCE));
    server.stop.send(true).unwrap();
    server.tokio.as_ref().unwrap().block_on(&mut server.serving).unwrap();
    // The server may or may not have read the first command before it ended.
    assert!(matches!(answer.join().unwrap(), Err(IpcError::Ended | IpcError::Leaving)));
    assert_eq!(late.command(order("hang"), PATIENCE), Err(IpcError::Leaving));
    assert_eq!(events.next().unwrap(), Err(IpcError::Ended));
    assert!(events.next().is_none());
    assert!(Client::connect(server.folder.path()).unwrap().is_none());
    drop(server.tokio.take());

    // A killed server leaves its socket and the pointer to it, but nobody listens.
    let socket = server.folder.path().join("paddock.sock");
    drop(UnixListener::bind(&socket).unwrap());
    fs::write(server.folder.path().join("paddock.socket-path"), socket.to_str().unwrap()).unwrap();
    assert!(Client::connect(server.folder.path()).unwrap().is_none());
    let tokio = Runtime::new().unwrap();
    let _inside = tokio.enter();
    assert!(Server::bind(server.folder.path()).is_ok());
}

/// Starts a server that reads one line, answers with these bytes, and ends.
fn false_server(folder: &Path, answer: &'static str) -> std::thread::JoinHandle<()> {
    let socket = folder.join("false.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    fs::write(folder.join("paddock.socket-path"), socket.to_str().unwrap()).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    })
}

#[test]
fn another_protocol_version_is_named_and_a_server_that_ends_mid_greeting_counts_as_none() {
    let half = r#"{"id":1,"body":{"hel"#;
    let other = "{\"id\":1,\"body\":{\"hello\":{\"version\":2,\"workspace\":\"w\",\"pid\":1}}}\n";
    for (answer, expected) in [(half, None), (other, Some(IpcError::OtherVersion { ours: 1, theirs: 2 }))] {
        let folder = tempfile::tempdir().unwrap();
        let server = false_server(folder.path(), answer);
        assert_eq!(Client::connect(folder.path()).map(|client| client.is_some()).err(), expected);
        server.join().unwrap();
    }
}
