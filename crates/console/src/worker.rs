//! Carries effects out that take time: commands for the supervisor one after the other, jobs beside each other.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command as Program, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::data::{FactsMsg, StartStep};
use super::error::Error;
use super::msg::{Job, Msg, World};
use paddock_config::Workspace;
use paddock_git::Repository;
use paddock_ipc::lock::is_running;
use paddock_model::command::Command;
use paddock_model::ids::{ObjectId, ObjectiveKey};
use paddock_model::operate::Order;
use paddock_os::fail_points::trouble_point;
use paddock_os::files::open_truncated;
use paddock_store::Reader;
use paddock_store::codec;

/// How long a supervisor may take to take the workspace's lock, beyond its patience with a command that holds it.
const START_TIMEOUT: Duration = Duration::from_secs(15);
/// How many jobs may wait or run at once; more are refused, so that a held key starts no hundred of them.
const JOBS_MAX: usize = 16;
/// How many commands may wait for the supervisor, which may be busy for as long as a landing; more are refused. A
/// form with a goal and its milestones sends them one by one, so this many are orders of a person.
const ASKS_MAX: usize = 32;

/// The threads.
pub(crate) struct Workers {
    arguments: Vec<String>,
    asks: SyncSender<(Command, String)>,
    world: World,
    running: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Workers {
    /// Starts the thread that asks.
    ///
    /// # Errors
    /// When the system gives none.
    pub(crate) fn start(world: World, arguments: Vec<String>) -> io::Result<Self> {
        let (asks, asked) = sync_channel(ASKS_MAX);
        let mine = world.clone();
        thread::Builder::new().name("asks".into()).spawn(move || ask_all(&mine, &asked))?;
        Ok(Self { arguments, asks, world, running: std::sync::Arc::default() })
    }

    /// Has a command carried out; the answer comes as [`Msg::Answered`]. Returns whether there was room for it.
    pub(crate) fn ask(&self, command: Command, doing: String) -> bool {
        self.asks.try_send((command, doing)).is_ok()
    }

    /// Runs a job; tells whether there was room for it.
    pub(crate) fn run(&self, job: Job) -> bool {
        use std::sync::atomic::Ordering;
        if self.running.fetch_add(1, Ordering::SeqCst) >= JOBS_MAX {
            self.running.fetch_sub(1, Ordering::SeqCst);
            return false;
        }
        let (world, running) = (self.world.clone(), self.running.clone());
        let work = move || {
            let Job { name, run } = job;
            let work = || {
                trouble_point!("console.job");
                run(&world)
            };
            let change = panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                Box::new(move |model: &mut super::Model| {
                    model.say_no(format!("{name}: a fault of Paddock; runtime/logs/console.log has it"));
                    Vec::new()
                })
            });
            running.fetch_sub(1, Ordering::SeqCst);
            let _ = world.messages.send(Msg::Apply(change));
        };
        thread::Builder::new().name("job".into()).spawn(work).is_ok()
    }

    /// Starts the supervisor in the background.
    pub(crate) fn start_supervisor(&self) {
        let (world, arguments) = (self.world.clone(), self.arguments.clone());
        let work = move || {
            let report = |step| world.messages.send(Msg::Facts(FactsMsg::Start(step)));
            let _ = report(StartStep::Began);
            if let Err(problem) = start_supervisor(&world, &arguments) {
                let said = problem.to_string();
                let _ = report(StartStep::Failed(said.clone()));
                let change = move |model: &mut super::Model| {
                    model.say_no(format!("the supervisor could not be started: {said}"));
                    Vec::new()
                };
                let _ = world.messages.send(Msg::Apply(Box::new(change)));
            } else {
                let _ = report(StartStep::Done);
            }
        };
        let _ = thread::Builder::new().name("start".into()).spawn(work);
    }
}

fn ask_all(world: &World, asked: &Receiver<(Command, String)>) {
    for (command, doing) in asked {
        let command = with_head(world, command);
        let reply = world.ask.run(command);
        if world.messages.send(Msg::Answered { doing, reply }).is_err() {
            return;
        }
    }
}

/// An approval pins the head that the person sees: the branch as it is now, their own commits included.
fn with_head(world: &World, mut command: Command) -> Command {
    if let Command::Objective { objective, order: Order::Approve { head, .. }, .. } = &mut command
        && head.is_none()
    {
        *head = branch_head(world, objective);
    }
    command
}

fn branch_head(world: &World, key: &ObjectiveKey) -> Option<ObjectId> {
    let state = codec::load_snapshot(&Reader::open(world.workspace.db()).ok()?).ok()?;
    let branch = state.objective(key)?.branch();
    let repository = Repository::open(state.project(&key.project)?.settings.repo_root.as_ref()).ok()?;
    repository.commit_of(&format!("refs/heads/{branch}")).ok().flatten()
}

/// Whether a supervisor has the lock. Who has not written yet who they are may carry out one command.
fn has_supervisor(workspace: &Workspace) -> bool {
    is_running(&workspace.runtime()).is_some_and(|holder| holder.pid.is_some())
}

/// Starts `run --no-tui` in a session of its own, its output off the terminal, and waits until it has the lock.
///
/// # Errors
/// [`Error::Start`], [`Error::SupervisorEnded`] or [`Error::SupervisorLate`]: why it did not start.
pub(crate) fn start_supervisor(world: &World, arguments: &[String]) -> Result<(), Error> {
    let workspace = &world.workspace;
    if has_supervisor(workspace) {
        return Ok(());
    }
    let log = workspace.logs().join("supervisor.out");
    let out = open_truncated(&log).map_err(Error::Start)?;
    let mut child = Program::new(std::env::current_exe().map_err(Error::Start)?)
        .arg("--root")
        .arg(workspace.root())
        .args(["run", "--no-tui", "--detached"])
        .args(arguments)
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(out)
        .spawn()
        .map_err(Error::Start)?;
    let pid = child.id();
    let give_up_at = Instant::now() + world.ask.patience + START_TIMEOUT;
    loop {
        if has_supervisor(workspace) {
            break;
        }
        if child.try_wait().map_err(Error::Start)?.is_some() {
            if has_supervisor(workspace) {
                // Another start was quicker, and this one had nothing to do.
                break;
            }
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it ended at once");
            return Err(Error::SupervisorEnded { said: last.trim_start_matches("paddock: ").to_owned() });
        }
        if Instant::now() >= give_up_at {
            return Err(Error::SupervisorLate { pid, log });
        }
        thread::sleep(Duration::from_millis(20));
    }
    // Whoever lives longer collects it: while the console runs, this thread waits for its end.
    let _ = thread::Builder::new().name("reaper".into()).spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msg::{Ask, messages};
    use paddock_config::Environment;
    use paddock_model::command::Answer;
    use paddock_model::ids::ProjectSlug;
    use std::sync::Mutex;

    /// The supervisor is busy; a person orders on and on.
    #[test]
    fn what_is_asked_beyond_the_bound_is_refused_and_the_loop_never_waits() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::init(folder.path(), |_| Some(false)).unwrap();
        let (go_on, may_go_on) = sync_channel::<()>(0);
        let (taken, is_taken) = sync_channel(ASKS_MAX + 2);
        let may_go_on = Mutex::new(may_go_on);
        let run = move |_| {
            taken.send(()).unwrap();
            let _ = may_go_on.lock().unwrap().recv();
            Ok(Ok(Answer::text("done")))
        };
        let (sender, incoming) = messages();
        let ask = Ask::new(run, Duration::ZERO);
        let world = World { workspace, environment: Environment::default(), ask, messages: sender };
        let workers = Workers::start(world, Vec::new()).unwrap();
        let order = |number: usize| {
            let project = ProjectSlug::new("shop").unwrap();
            workers.ask(Command::PlanNow { project }, format!("order {number}"))
        };
        assert!(order(0));
        is_taken.recv().unwrap();
        assert!((1..=ASKS_MAX).all(order), "so many wait");
        assert!(!order(ASKS_MAX + 1), "no more are taken");
        drop(go_on);
        for number in 0..=ASKS_MAX {
            let Msg::Answered { doing, reply } = incoming.recv().unwrap() else { panic!("no answer") };
            assert_eq!((doing, reply.unwrap().unwrap().text), (format!("order {number}"), "done".to_owned()));
        }
    }
}
