//! Runs the user's own commands on events (`notify` in a project file).
//!
//! One thread runs the commands one after the other, each with a time limit. Nothing else waits for them: a
//! command that hangs delays only later notifications. A notification that does not fit into the queue is
//! dropped and logged.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::error::EffectError;
use super::message::{Inbox, Message};
use super::panics;
use paddock_engine::input::Input;
use paddock_ipc::EventLine;
use paddock_model::ids::ProjectSlug;
use paddock_model::state::State;
use paddock_model::stored::StoredEvent;
use paddock_os::files::create_private;
use paddock_report::{event_types, lineage};
use paddock_runner::inherit;

/// Most notifications that wait: a night's worth while one command hangs.
const WAITING_MAX: usize = 512;
/// Time limit of one command.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// How long an ending supervisor waits for the last commands.
const FAREWELL: Duration = Duration::from_secs(20);
/// Pause between two checks whether a command has ended.
const CHECK_PAUSE: Duration = Duration::from_millis(20);
/// Most characters kept of what a failed command wrote to standard error.
const STDERR_MAX_CHARS: usize = 400;
/// Type of the event that records a failed notification. No command receives this event, or a command that
/// always fails would cause its own next call.
const OWN_TYPE: &str = "notify_failed";

/// A notification: one event for one command.
pub(super) struct Notice {
    project: ProjectSlug,
    run: String,
    kind: String,
    /// The event as JSON.
    event: String,
}

/// The thread that runs the commands.
pub(super) struct Notifier {
    queue: SyncSender<Notice>,
    /// Disconnected when the thread has ended. Nothing is ever sent.
    done: Receiver<()>,
}

/// Returns the notifications that the projects' rules ask for on these events.
pub(super) fn notices(state: &State, stored: &[StoredEvent]) -> Vec<Notice> {
    // Called on the kernel's thread for every commit, and most workspaces have no rules.
    if state.projects().all(|project| project.settings.notify.is_empty()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for event in stored {
        let line = lineage::publish(state, EventLine::from(event));
        // An event without a project, about an agent or the supervisor, concerns every project.
        let is_meant = |slug: &ProjectSlug| line.project.as_deref().is_none_or(|own| own == slug.as_str());
        for project in state.projects().filter(|project| is_meant(&project.slug)) {
            let rules = project.settings.notify.iter().filter(|rule| rule.on.contains(&line.kind));
            for rule in rules.filter(|_| line.kind != OWN_TYPE) {
                found.push(Notice {
                    project: project.slug.clone(),
                    run: rule.run.clone(),
                    kind: line.kind.clone(),
                    event: event_types::json(&line),
                });
            }
        }
    }
    found
}

impl Notifier {
    /// Starts the thread. Commands run in `folder`, the workspace.
    pub(super) fn start(folder: PathBuf, inbox: Inbox) -> std::io::Result<Self> {
        let (queue, notices) = mpsc::sync_channel::<Notice>(WAITING_MAX);
        // Only the disconnection counts (see `done`): it works with a timeout, which joining the thread does
        // not.
        let (alive, done) = mpsc::channel::<()>();
        let ends = inbox.clone();
        let work = move || {
            for notice in notices {
                if let Err(error) = send_notice(&folder, &notice) {
                    let problem = error.to_string();
                    tracing::warn!(project = %notice.project, run = %notice.run, %problem, "a notification failed");
                    let (project, run) = (notice.project, notice.run);
                    drop(inbox.send(Message::Input(Input::NotifyFailed {
                        project,
                        run,
                        problem: problem.into(),
                    })));
                }
            }
            drop(alive);
        };
        panics::spawn("notify", ends, work)?;
        Ok(Self { queue, done })
    }

    /// Returns the sending end of the queue.
    pub(super) fn sender(&self) -> SyncSender<Notice> {
        self.queue.clone()
    }

    /// Waits up to [`FAREWELL`] for the notifications that are still queued. The caller has dropped all other
    /// senders.
    pub(super) fn finish(self) {
        let Self { queue, done } = self;
        drop(queue);
        let _ = done.recv_timeout(FAREWELL);
    }
}

/// Queues the notifications; never blocks.
pub(super) fn send(queue: &SyncSender<Notice>, notices: Vec<Notice>) {
    for notice in notices {
        // `try_send`, because this runs on the store's writer thread: a hanging command must not hold up
        // commits.
        if let Err(error) = queue.try_send(notice) {
            tracing::warn!(%error, "a notification was dropped: those before it take too long");
        }
    }
}

/// Opens a file that has no name any more. A command gets its input and writes its errors through such files
/// and not through pipes: one that does not read its input, or writes a lot, cannot block Paddock.
fn open_unnamed(folder: &Path, name: &str) -> std::io::Result<File> {
    let path = folder.join(format!("notify-{}-{name}", std::process::id()));
    // Left by a supervisor with the same process id that was killed between the two steps below.
    drop(fs::remove_file(&path));
    let file = create_private(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

/// Runs one command and waits for its end.
fn send_notice(folder: &Path, notice: &Notice) -> Result<(), EffectError> {
    let runtime = folder.join("runtime");
    let mut input = open_unnamed(&runtime, "input")?;
    writeln!(input, "{}", notice.event).and_then(|()| input.rewind())?;
    let mut said = open_unnamed(&runtime, "said")?;
    let errors = said.try_clone()?;
    let mut command = Command::new("sh");
    // A process group of its own, so that a command that takes too long is killed with everything it started.
    command.arg("-c").arg(&notice.run).process_group(0);
    inherit::start_in(&mut command, folder);
    command.env("PADDOCK_EVENT", &notice.kind).env("PADDOCK_PROJECT", notice.project.as_str());
    command.stdin(input).stdout(Stdio::null()).stderr(errors);
    let child = command.spawn()?;
    let status = wait(child)?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    // An error is ignored: the exit status is the message, and the words are an addition.
    drop(said.rewind().and_then(|()| said.take(1 << 16).read_to_string(&mut text)));
    let text: String = text.trim().chars().take(STDERR_MAX_CHARS).collect();
    Err(EffectError::Notification { status, said: text })
}

/// Waits for the command, and kills its process group when the time limit is over.
fn wait(mut child: Child) -> Result<std::process::ExitStatus, EffectError> {
    let until = Instant::now() + COMMAND_LIMIT;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < until => thread::sleep(CHECK_PAUSE),
            Ok(None) => {
                let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
                // An error means that the group has ended meanwhile. The child itself is not reaped yet, so
                // its id cannot belong to another process.
                let _ = group.map(|group| kill_process_group(group, Signal::KILL));
                drop(child.kill());
                drop(child.wait());
                return Err(EffectError::NotificationTimedOut(COMMAND_LIMIT));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
