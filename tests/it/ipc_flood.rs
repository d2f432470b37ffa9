//! Many clients of the supervisor's socket at once, from this and from other processes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};
use std::sync::Arc;
use std::time::Duration;

use paddock_ipc::{Backend, BoxFuture, Client, Feed, Server, Service};
use paddock_model::command::{Answer, Command, Reply};
use paddock_testkit::{alone, until};
use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(30);
const HELLO: &[u8] = b"{\"id\":1,\"body\":{\"hello\":{\"version\":1}}}\n";
/// The socket that a process of this test floods.
const FLOODED: &str = "PADDOCK_TEST_FLOODED_SOCKET";

/// A service that takes a moment for each command, one after the other, as a kernel does.
struct Kernel(Arc<tokio::sync::Mutex<()>>);

impl Service for Kernel {
    fn command(&self, _: Command) -> BoxFuture<Reply> {
        let turn = Arc::clone(&self.0);
        Box::pin(async move {
            let _turn = turn.lock().await;
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok(Answer::text("done"))
        })
    }
}

fn order() -> Command {
    Command::AgentEnable { agent: "a".into(), enabled: true, by: "".into() }
}

/// Starts a server for which every other process is part of a job.
fn serve(folder: &Path) -> (tokio::runtime::Runtime, watch::Sender<bool>, PathBuf) {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let inside = tokio.enter();
    let server = Server::bind(folder).unwrap();
    let (stop, stopped) = watch::channel(false);
    let backend = Backend {
        service: Arc::new(Kernel(Arc::default())),
        feed: Arc::new(Feed::new(0, Box::new(|_, _| Ok(vec![])))),
        gauges: Arc::default(),
        workspace: "/the workspace".to_owned(),
        is_job: |pid| u32::try_from(pid) != Ok(std::process::id()),
    };
    tokio.spawn(server.serve(backend, stopped));
    drop(inside);
    (tokio, stop, folder.join("paddock.sock"))
}

fn asks(folder: &Path) {
    let mut client = Client::connect(folder).unwrap().unwrap();
    assert_eq!(client.command(order(), PATIENCE), Ok(Ok(Answer::text("done"))));
}

#[test]
fn hundreds_of_idle_connections_with_half_lines_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let (_tokio, _stop, socket) = serve(folder.path());
    let piece = vec![b'x'; 60_000];
    let idle: Vec<UnixStream> = (0..300)
        .map(|number| {
            let mut stream = UnixStream::connect(&socket).unwrap();
            // Refused if the server has dropped the connection by then.
            let _ = stream.write_all(if number % 2 == 0 { &piece } else { b"" });
            stream
        })
        .collect();
    asks(folder.path());
    // The newest may still be there; the oldest had to go.
    let mut said = String::new();
    idle[1].set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = (&idle[1]).read_to_string(&mut said);
    assert!(said.is_empty() || said.contains("too many clients at once"), "{said}");
}

/// Floods the socket that the environment names, until the connections are refused.
#[test]
#[ignore = "the test below runs it as a program"]
fn flooder() {
    let Some(socket) = std::env::var_os(FLOODED).map(PathBuf::from) else { return };
    let command = serde_json::json!({"id": 2, "body": {"command": order()}}).to_string() + "\n";
    let mut open: Vec<UnixStream> = Vec::new();
    println!("flooding");
    for number in 0.. {
        let Ok(mut stream) = UnixStream::connect(&socket) else { return };
        // Some connections stay silent, some stop in the middle of a line, most send 64 complete requests.
        let said: Vec<u8> = match number % 5 {
            0 => Vec::new(),
            1 => [HELLO, b"{\"id\":2,\"body\":{\"com"].concat(),
            _ => [HELLO, command.repeat(64).as_bytes()].concat(),
        };
        let _ = stream.set_write_timeout(Some(Duration::from_millis(100)));
        let _ = stream.write_all(&said);
        open.push(stream);
        if open.len() > 100 {
            open.remove(0);
        }
    }
}

#[test]
fn while_jobs_flood_the_socket_from_many_processes_people_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (tokio, stop, socket) = serve(folder.path());
    let mut flooders: Vec<_> = (0..4)
        .map(|_| {
            let mut program = Program::new(std::env::current_exe().unwrap());
            program.args(alone::arguments(module_path!(), "flooder")).env(FLOODED, &socket);
            program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for flooder in &mut flooders {
        let mut said = Vec::new();
        let mut stdout = flooder.stdout.take().unwrap();
        until("the flood has begun", || {
            let mut bytes = [0; 256];
            let count = stdout.read(&mut bytes).unwrap();
            said.extend_from_slice(&bytes[..count]);
            String::from_utf8_lossy(&said).contains("flooding")
        });
    }
    let mut kept = Client::connect(folder.path()).unwrap().unwrap();
    for _ in 0..8 {
        asks(folder.path());
        assert_eq!(kept.command(order(), PATIENCE), Ok(Ok(Answer::text("done"))), "nobody takes the place");
    }
    assert!(flooders.iter_mut().all(|one| one.try_wait().unwrap().is_none()), "the flood lasted");
    stop.send(true).unwrap();
    for mut flooder in flooders {
        flooder.kill().and_then(|()| flooder.wait()).unwrap();
    }
    drop(tokio);
}
