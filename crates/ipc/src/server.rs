//! The listening end.

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

/// How many clients may be connected at once; far more than one person opens, far less than file handles.
const CLIENTS_MAX: usize = 256;
/// How long to wait before accepting again when the system refuses (out of file handles).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound socket. Dropping it removes the socket's file.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    /// Held for its end, which removes the file.
    _file: SocketFile,
}

impl Server {
    /// Binds the socket of the workspace whose runtime folder this is, replacing a stale one. The caller
    /// holds the workspace's lock and is inside a tokio runtime.
    ///
    /// # Errors
    /// [`IpcError`] when the socket cannot be made.
    pub fn bind(runtime: &Path) -> Result<Self, IpcError> {
        Self::bind_at(runtime, &Places::of_this_machine())
    }

    fn bind_at(runtime: &Path, places: &Places) -> Result<Self, IpcError> {
        let file = SocketFile::claim(runtime, places)?;
        let io = |error: std::io::Error| IpcError::io(&file.socket, &error);
        let listener = UnixListener::bind(&file.socket).map_err(io)?;
        // Nobody can slip in before this: the folder is closed to others, and each client's user is checked.
        make_private(&file.socket).map_err(io)?;
        Ok(Self { listener, _file: file })
    }

    /// Serves clients until `stop` becomes true (or its sender is dropped). Answers under way are then
    /// still given, for two seconds at most.
    pub async fn serve<S: Service>(self, backend: Backend<S>, stop: watch::Receiver<bool>) {
        let backend = Arc::new(backend);
        let mut clients = JoinSet::new();
        let mut stopped = stop.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            while clients.try_join_next().is_some() {}
            match accepted {
                Ok((stream, _)) if is_welcome(&stream) && clients.len() < CLIENTS_MAX => {
                    clients.spawn(serve_client(stream, Arc::clone(&backend), stop.clone()));
                }
                // Dropped: the other end sees the connection closed.
                Ok(_) => tracing::warn!("a client was turned away: another user, or too many at once"),
                Err(error) => {
                    tracing::warn!(%error, "a client could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self);
        while clients.join_next().await.is_some() {}
    }
}

/// Only the user who runs the supervisor commands it; not even root does by accident.
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
    fn a_workspace_with_a_very_long_path_is_reached_all_the_same() {
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
        let (report, stop) = watch::channel(false);
        let serving = tokio.spawn(server.serve(backend, stop));
        let mut client = Client::connect(&runtime).unwrap().unwrap();
        let answer =
            client.command(Command::SupervisorStop { mode: StopMode::Leave }, Duration::from_secs(20));
        assert_eq!(answer, Ok(Ok(Answer::text("done"))));
        report.send(true).unwrap();
        tokio.block_on(serving).unwrap();
        assert!(!socket.exists());
        assert!(Client::connect(&runtime).unwrap().is_none());
    }
}
