//! The user's own commands that are told of events (`notify` in a project file).
//!
//! One thread runs them one after the other, each bounded; nothing else ever waits for them, and a command that
//! hangs holds up only the next ones. What does not fit into the queue is said in the log.

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
use paddock_model::ids::ProjectSlug;
use paddock_model::state::State;
use paddock_model::stored::StoredEvent;
use paddock_os::files::create_private;
use paddock_report::events;
use paddock_runner::inherit;

/// Notifications that may wait: a night's worth while one command hangs.
const WAITING_MAX: usize = 512;
/// How long a command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// How long a supervisor that ends waits for the last ones.
const FAREWELL: Duration = Duration::from_secs(20);
/// Between two looks at a running command.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Bytes of what a failed command said that are kept.
const SAID_MAX_BYTES: usize = 400;
/// A failed notification is told of by an event, and no command is told of that one.
const OWN_TYPE: &str = "notify_failed";

/// One event for one command.
pub(super) struct Notice {
    project: ProjectSlug,
    run: String,
    kind: String,
    /// The event as JSON.
    event: String,
}

/// Runs the commands.
pub(super) struct Notifier {
    queue: SyncSender<Notice>,
    done: Receiver<()>,
}

/// What the projects' rules want told of these events.
pub(super) fn notices(state: &State, stored: &[StoredEvent]) -> Vec<Notice> {
    if state.projects().all(|project| project.settings.notify.is_empty()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for event in stored {
        let line = events::line(event);
        // What belongs to no project, an agent or the supervisor, is every project's business.
        let is_meant = |slug: &ProjectSlug| line.project.as_deref().is_none_or(|own| own == slug.as_str());
        for project in state.projects().filter(|project| is_meant(&project.slug)) {
            let rules = project.settings.notify.iter().filter(|rule| rule.on.contains(&line.kind));
            for rule in rules.filter(|_| line.kind != OWN_TYPE) {
                found.push(Notice {
                    project: project.slug.clone(),
                    run: rule.run.clone(),
                    kind: line.kind.clone(),
                    event: events::json(&line),
                });
            }
        }
    }
    found
}

impl Notifier {
    /// Commands run in `folder`, the workspace.
    pub(super) fn start(folder: PathBuf, inbox: Inbox) -> std::io::Result<Self> {
        let (queue, notices) = mpsc::sync_channel::<Notice>(WAITING_MAX);
        // Only its end is awaited: nothing is ever sent.
        let (report, done) = mpsc::channel();
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
            drop(report);
        };
        panics::spawn("notify", ends, work)?;
        Ok(Self { queue, done })
    }

    /// Has the commands told; never waits.
    pub(super) fn sender(&self) -> SyncSender<Notice> {
        self.queue.clone()
    }

    /// Waits for what is still to be told, within reason.
    pub(super) fn finish(self) {
        let Self { queue, done } = self;
        drop(queue);
        let _ = done.recv_timeout(FAREWELL);
    }
}

/// Queues what the rules want told.
pub(super) fn send(queue: &SyncSender<Notice>, notices: Vec<Notice>) {
    for notice in notices {
        if let Err(error) = queue.try_send(notice) {
            tracing::warn!(%error, "a notification was dropped: those before it take too long");
        }
    }
}

/// A file that is gone as soon as it is open: a command that does not read cannot block anybody.
fn nameless(folder: &Path, name: &str) -> std::io::Result<File> {
    let path = folder.join(format!("notify-{}-{name}", std::process::id()));
    drop(fs::remove_file(&path));
    let file = create_private(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

fn send_notice(folder: &Path, notice: &Notice) -> Result<(), EffectError> {
    let runtime = folder.join("runtime");
    let mut input = nameless(&runtime, "input")?;
    writeln!(input, "{}", notice.event).and_then(|()| input.rewind())?;
    let mut said = nameless(&runtime, "said")?;
    let errors = said.try_clone()?;
    let mut command = Command::new("sh");
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
    let tail = said.rewind().and_then(|()| said.take(1 << 16).read_to_string(&mut text));
    drop(tail);
    let text: String = text.trim().chars().take(SAID_MAX_BYTES).collect();
    Err(EffectError::Notification { status, said: text })
}

fn wait(mut child: Child) -> Result<std::process::ExitStatus, EffectError> {
    let until = Instant::now() + COMMAND_LIMIT;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < until => thread::sleep(LOOK_PAUSE),
            Ok(None) => {
                let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
                // Gone in the meantime is what was wanted.
                let _ = group.map(|group| kill_process_group(group, Signal::KILL));
                drop(child.kill());
                drop(child.wait());
                return Err(EffectError::NotificationTimedOut(COMMAND_LIMIT));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
