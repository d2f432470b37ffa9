//! The server's end of the socket: accepts clients.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::serve_client;
use super::path::{Places, SocketFile, own_uid};
use super::{Backend, IpcError, Service};
use paddock_os::files::make_private;

/// Most clients at once: far more than one person opens, and far fewer than the process may open files.
const CLIENTS_MAX: usize = 256;
/// Pause after the system refused a connection, mostly because too many files are open. Trying again at once
/// would keep a core busy.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound socket. Dropping it removes the socket's file.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    /// Removes the file when it is dropped.
    _file: SocketFile,
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
        let io = |error: std::io::Error| IpcError::io(&file.socket, &error);
        let listener = UnixListener::bind(&file.socket).map_err(io)?;
        // `bind` makes the file with the mode that the umask allows. No other user can connect before this
        // line, since the folder is closed to others, and the server checks the user of each client as well.
        make_private(&file.socket).map_err(io)?;
        Ok(Self { listener, _file: file })
    }

    /// Serves clients until `stop` becomes true or its sender is dropped. Then still sends the answers that
    /// are under way, for two seconds at most.
    pub async fn serve<S: Service>(self, backend: Backend<S>, stop: watch::Receiver<bool>) {
        let backend = Arc::new(backend);
        let mut clients = JoinSet::new();
        let mut stopped = stop.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            // Forgets the clients that have gone, so that they do not count below.
            while clients.try_join_next().is_some() {}
            match accepted {
                Ok((stream, _)) if is_welcome(&stream) && clients.len() < CLIENTS_MAX => {
                    clients.spawn(serve_client(stream, Arc::clone(&backend), stop.clone()));
                }
                // Dropping the stream closes the connection.
                Ok(_) => tracing::warn!("a client was turned away: another user, or too many at once"),
                Err(error) => {
                    tracing::warn!(%error, "a client could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // Removes the socket first: a client that comes now finds no supervisor instead of one that does not
        // answer.
        drop(self);
        while clients.join_next().await.is_some() {}
    }
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
    use std::os::unix::fs::PermissionsExt;

    struct Done;

    impl Service for Done {
        fn command(&self, _: Command) -> BoxFuture<Reply> {
            Box::pin(async { Ok(Answer::text("done")) })
        }
    }

    #[test]
    fn a_workspace_with_a_very_long_path_can_be_reached() {
        let root = tempfile::tempdir().unwrap();
        let runtime = root.path().join("ein langer Name mit Umlauten: ä ö ü ".repeat(5)).join("runtime");
        fs::create_dir_all(&runtime).unwrap();
        let tokio = tokio::runtime::Runtime::new().unwrap();
        let _inside = tokio.enter();
        let places = Places { xdg_runtime: None, tmp: root.path().to_owned() };
        let server = Server::bind_at(&runtime, &places).unwrap();
        let socket = server._file.socket.clone();
        assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
        let backend = Backend {
            service: Arc::new(Done),
            feed: Arc::new(Feed::new(0, Box::new(|_, _| Ok(vec![])))),
            gauges: Arc::default(),
            workspace: "w".to_owned(),
        };
        let (stopper, stop) = watch::channel(false);
        let serving = tokio.spawn(server.serve(backend, stop));
        let mut client = Client::connect(&runtime).unwrap().unwrap();
        let answer =
            client.command(Command::SupervisorStop { mode: StopMode::Leave }, Duration::from_secs(20));
        assert_eq!(answer, Ok(Ok(Answer::text("done"))));
        stopper.send(true).unwrap();
        tokio.block_on(serving).unwrap();
        assert!(!socket.exists());
        assert!(Client::connect(&runtime).unwrap().is_none());
    }
}
