//! The server's end of the socket: accepts clients.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::clients::Clients;
use super::connection::{Patience, serve_client};
use super::path::{Places, SocketFile, own_uid};
use super::{Backend, IpcError, Service};
use paddock_os::files::make_private;

/// Pause after the system refused a connection, mostly because too many files are open. Trying again at once
/// would keep a core busy.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Interval of the look whether the socket's files are still there.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// A bound socket. Dropping it removes the socket's file.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    patience: Patience,
    /// The socket's file as it was bound.
    identity: Option<(u64, u64)>,
    /// Removes the file when it is dropped.
    file: SocketFile,
}

impl Server {
    /// Binds the socket of the workspace with this runtime folder, and replaces a stale one. The caller holds
    /// the workspace lock and is inside a tokio runtime.
    ///
    /// # Errors
    /// Fails if the socket or its pointer file cannot be made.
    pub fn bind(runtime: &Path) -> Result<Self, IpcError> {
        Self::bind_at(runtime, &Places::from_env())
    }

    fn bind_at(runtime: &Path, places: &Places) -> Result<Self, IpcError> {
        let file = SocketFile::claim(runtime, places)?;
        let listener = listen(&file.socket)?;
        Ok(Self { listener, patience: Patience::USUAL, identity: file.identity(), file })
    }

    /// Makes the socket and its pointer file again if somebody deleted or replaced them: nobody could command
    /// the supervisor without.
    fn keep(&mut self) {
        let is_bound = self.identity.is_some() && self.file.identity() == self.identity;
        if is_bound && self.file.is_pointed_to() {
            return;
        }
        let again = || {
            self.file.claim_again(!is_bound)?;
            if is_bound { Ok(None) } else { listen(&self.file.socket).map(Some) }
        };
        match again() {
            Ok(listener) => {
                tracing::warn!(socket = %self.file.socket.display(), "the socket was gone, and is made again");
                if let Some(listener) = listener {
                    self.listener = listener;
                    self.identity = self.file.identity();
                }
            }
            // Tried again at the next look.
            Err(error) => tracing::debug!(%error, "the socket is gone, and cannot be made again"),
        }
    }

    /// Serves clients until `stop` becomes true or its sender is dropped. Then still sends the answers that
    /// are under way, for two seconds at most.
    pub async fn serve<S: Service>(mut self, backend: Backend<S>, stop: watch::Receiver<bool>) {
        let backend = Arc::new(backend);
        let clients = Clients::new();
        let mut tasks = JoinSet::new();
        let mut stopped = stop.clone();
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = looks.tick() => {
                    self.keep();
                    continue;
                }
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            // Forgets the tasks that have ended.
            while tasks.try_join_next().is_some() {}
            match accepted {
                Ok((stream, _)) if is_welcome(&stream) => {
                    let admitted = clients.admit(&stream, backend.is_job);
                    let (backend, stop) = (Arc::clone(&backend), stop.clone());
                    tasks.spawn(serve_client(stream, admitted, backend, self.patience, stop));
                }
                // Dropping the stream closes the connection.
                Ok(_) => tracing::warn!("a client of another user was turned away"),
                Err(error) => {
                    tracing::warn!(%error, "a client could not be accepted");
                    // Its files serve the client that waits.
                    clients.evict_one();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // Removes the socket first: a client that comes now finds no supervisor instead of one that does not
        // answer.
        drop(self);
        while tasks.join_next().await.is_some() {}
    }
}

/// Binds a socket that only the user can connect to.
fn listen(socket: &Path) -> Result<UnixListener, IpcError> {
    let io = |error: std::io::Error| IpcError::io(socket, &error);
    let listener = UnixListener::bind(socket).map_err(io)?;
    // `bind` makes the file with the mode that the umask allows. No other user can connect before this line,
    // since the folder is closed to others, and the server checks the user of each client as well.
    make_private(socket).map_err(io)?;
    Ok(listener)
}

/// Returns whether the client belongs to the user who runs the supervisor. Not even root may command it by
/// accident.
fn is_welcome(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own_uid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;
    use crate::{BoxFuture, Feed};
    use paddock_model::command::{Answer, Command, Reply, StopMode};
    use std::fs;
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    struct Done;

    impl Service for Done {
        fn command(&self, _: Command) -> BoxFuture<Reply> {
            Box::pin(async { Ok(Answer::text("done")) })
        }
    }

    /// A server in a folder of its own.
    struct Running {
        root: tempfile::TempDir,
        runtime: PathBuf,
        socket: PathBuf,
        feed: Arc<Feed>,
        stopper: watch::Sender<bool>,
        serving: tokio::task::JoinHandle<()>,
        tokio: tokio::runtime::Runtime,
    }

    fn start(runtime: &str, patience: Patience) -> Running {
        let root = tempfile::tempdir().unwrap();
        let runtime = root.path().join(runtime).join("runtime");
        fs::create_dir_all(&runtime).unwrap();
        let tokio = tokio::runtime::Runtime::new().unwrap();
        let inside = tokio.enter();
        let places = Places { xdg_runtime: None, tmp: root.path().to_owned() };
        let server = Server { patience, ..Server::bind_at(&runtime, &places).unwrap() };
        let socket = server.file.socket.clone();
        let feed = Arc::new(Feed::new(0, Box::new(|_, _| Ok(vec![]))));
        let backend = Backend {
            service: Arc::new(Done),
            feed: Arc::clone(&feed),
            gauges: Arc::default(),
            workspace: "w".to_owned(),
            is_job: |_| false,
        };
        let (stopper, stop) = watch::channel(false);
        let serving = tokio.spawn(server.serve(backend, stop));
        drop(inside);
        Running { root, runtime, socket, feed, stopper, serving, tokio }
    }

    #[test]
    fn a_workspace_with_a_very_long_path_can_be_reached() {
        let running = start(&"ein langer Name mit Umlauten: ä ö ü ".repeat(5), Patience::USUAL);
        assert!(
            running.socket.starts_with(running.root.path()) && !running.socket.starts_with(&running.runtime)
        );
        assert_eq!(fs::metadata(&running.socket).unwrap().permissions().mode() & 0o777, 0o600);
        let mut client = Client::connect(&running.runtime).unwrap().unwrap();
        let answer =
            client.command(Command::SupervisorStop { mode: StopMode::Leave }, Duration::from_secs(20));
        assert_eq!(answer, Ok(Ok(Answer::text("done"))));
        running.stopper.send(true).unwrap();
        running.tokio.block_on(running.serving).unwrap();
        assert!(!running.socket.exists());
        assert!(Client::connect(&running.runtime).unwrap().is_none());
    }

    #[test]
    fn a_deleted_socket_is_made_again() {
        let running = start("w", Patience::USUAL);
        let mut before = Client::connect(&running.runtime).unwrap().unwrap();
        for file in ["paddock.sock", "paddock.socket-path"] {
            fs::remove_file(running.runtime.join(file)).unwrap();
            let begun = std::time::Instant::now();
            while !matches!(Client::connect(&running.runtime), Ok(Some(_))) {
                assert!(begun.elapsed() < Duration::from_secs(60));
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let answer =
            before.command(Command::SupervisorStop { mode: StopMode::Leave }, Duration::from_secs(20));
        assert_eq!(answer, Ok(Ok(Answer::text("done"))), "connections of before go on");
    }

    const HELLO: &str = "{\"id\":1,\"body\":{\"hello\":{\"version\":1}}}\n";

    /// Connects, sends the text, and returns what comes until the server closes the connection.
    fn until_closed(running: &Running, text: &str) -> String {
        let mut stream = std::os::unix::net::UnixStream::connect(&running.socket).unwrap();
        // Both fail if the server has closed the connection with bytes unread.
        let _ = stream.write_all(text.as_bytes());
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut said = Vec::new();
        if let Err(error) = stream.read_to_end(&mut said) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
        String::from_utf8(said).unwrap()
    }

    #[test]
    fn a_client_that_keeps_the_server_waiting_is_dropped_and_an_idle_one_is_not() {
        let short = Duration::from_millis(100);
        let running = start("w", Patience { hello: short, line: short, reading: short });
        // Tried again: on a busy machine this client, too, may not say hello in time.
        let mut idle = loop {
            if let Ok(Some(client)) = Client::connect(&running.runtime) {
                break client;
            }
        };
        for silent in [String::new(), "{\"id\":1".to_owned(), format!("{HELLO}{{\"id\":2,\"bo")] {
            let said = until_closed(&running, &silent);
            assert!(said.ends_with("in time\"}}}\n"), "{said}");
        }
        let said = until_closed(&running, &"x".repeat(200 << 10));
        assert!(said.is_empty() || said.contains("say hello first"), "{said}");
        let answer = idle.command(Command::SupervisorStop { mode: StopMode::Leave }, Duration::from_secs(20));
        assert_eq!(answer, Ok(Ok(Answer::text("done"))));
    }

    #[test]
    fn a_subscriber_that_does_not_read_is_dropped() {
        let short = Duration::from_millis(100);
        let running = start("w", Patience { reading: short, ..Patience::USUAL });
        let mut stream = std::os::unix::net::UnixStream::connect(&running.socket).unwrap();
        let subscribe = "{\"id\":2,\"body\":{\"subscribe\":{\"since_seq\":null,\"gauges\":false}}}\n";
        stream.write_all(format!("{HELLO}{subscribe}").as_bytes()).unwrap();
        let mut said = [0; 1024];
        while !String::from_utf8_lossy(&said).contains("subscribed") {
            assert!(stream.read(&mut said).unwrap() > 0);
        }
        let text = serde_json::Value::from("x".repeat(4_000_000)).to_string();
        let event = paddock_model::stored::StoredEvent {
            seq: 1,
            at_ms: 0,
            kind: "note".to_owned(),
            version: 1,
            project: None,
            objective: None,
            session: None,
            data: text,
        };
        running.feed.publish(vec![event]);
        // Writing fails once the server has closed the connection.
        let begun = std::time::Instant::now();
        while stream.write_all(b"{\"id\":3,\"body\":\"ping\"}\n").is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
