//! Threads that run slow effects: commands for the supervisor one at a time, jobs in parallel.

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
use paddock_git::{Repository, work_head};
use paddock_ipc::workspace_lock::is_running;
use paddock_model::command::Command;
use paddock_model::ids::{ObjectId, ObjectiveKey};
use paddock_model::operate::Order;
use paddock_os::fail_points::trouble_point;
use paddock_os::files::open_truncated;
use paddock_os::plain;
use paddock_store::Reader;
use paddock_store::codec;

/// How long a new supervisor may take to acquire the workspace's lock, in addition to the time that it waits
/// for a one-shot command that holds the lock.
const START_TIMEOUT: Duration = Duration::from_secs(15);
/// Upper bound on running jobs. More are refused, so that a
/// key that is held down cannot start hundreds of threads.
const JOBS_MAX: usize = 16;
/// Upper bound on commands that wait for the supervisor, which may be busy for
/// as long as a landing takes. More are refused. A form sends its commands one
/// at a time, so only a person who keeps giving orders reaches the bound.
const ASKS_MAX: usize = 32;

/// Handles to the threads that run effects.
pub(crate) struct Workers {
    arguments: Vec<String>,
    asks: SyncSender<(Command, String)>,
    world: World,
    running_jobs: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Workers {
    /// Starts the thread that sends commands to the supervisor.
    /// `arguments` are for a supervisor that the console starts.
    ///
    /// # Errors
    /// Fails if the thread cannot be started.
    pub(crate) fn start(world: World, arguments: Vec<String>) -> io::Result<Self> {
        let (asks, asked) = sync_channel(ASKS_MAX);
        let thread_world = world.clone();
        // One thread: commands reach the supervisor in the order in which the person gave them.
        thread::Builder::new().name("asks".into()).spawn(move || ask_all(&thread_world, &asked))?;
        Ok(Self { arguments, asks, world, running_jobs: std::sync::Arc::default() })
    }

    /// Queues a command; the answer comes as [`Msg::Answered`].
    /// Returns false if [`ASKS_MAX`] commands wait already.
    pub(crate) fn ask(&self, command: Command, doing: String) -> bool {
        self.asks.try_send((command, doing)).is_ok()
    }

    /// Runs a job on its own thread. Returns false if [`JOBS_MAX`]
    /// jobs run already, or no thread can be started.
    pub(crate) fn run(&self, job: Job) -> bool {
        use std::sync::atomic::Ordering;
        // Count first and take it back: a check before the count could let two callers pass at once.
        if self.running_jobs.fetch_add(1, Ordering::SeqCst) >= JOBS_MAX {
            self.running_jobs.fetch_sub(1, Ordering::SeqCst);
            return false;
        }
        let (world, running_jobs) = (self.world.clone(), self.running_jobs.clone());
        let work = move || {
            let Job { name, run } = job;
            let work = || {
                trouble_point!("console.job");
                run(&world)
            };
            // A panic in a job must not end the console; the panic hook has logged it already.
            let change = panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                Box::new(move |model: &mut super::Model| {
                    model.say_no(format!("{name} failed: Paddock panicked; see runtime/logs/console.log"));
                    Vec::new()
                })
            });
            running_jobs.fetch_sub(1, Ordering::SeqCst);
            // The send fails only once the loop has ended, and then nobody needs the result.
            let _ = world.messages.send(Msg::Apply(change));
        };
        thread::Builder::new().name("job".into()).spawn(work).is_ok()
    }

    /// Starts a supervisor on a thread of its own. Reports each step as [`FactsMsg::Start`].
    pub(crate) fn start_supervisor(&self) {
        let (world, arguments) = (self.world.clone(), self.arguments.clone());
        let work = move || {
            let report = |step| world.messages.send(Msg::Facts(FactsMsg::Start(step)));
            let _ = report(StartStep::Began);
            if let Err(problem) = start_supervisor(&world, &arguments) {
                let problem = problem.to_string();
                let _ = report(StartStep::Failed(problem.clone()));
                let change = move |model: &mut super::Model| {
                    model.say_no(format!("the supervisor could not be started: {problem}"));
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

/// Runs the queued commands until the loop has ended.
fn ask_all(world: &World, asked: &Receiver<(Command, String)>) {
    for (command, doing) in asked {
        let command = with_branch_head(world, command);
        let reply = world.ask.run(command);
        if world.messages.send(Msg::Answered { doing, reply }).is_err() {
            return;
        }
    }
}

/// Adds the current head of the branch to an approval. The approval holds for exactly that commit, which
/// includes commits that the person made on the branch themselves.
fn with_branch_head(world: &World, mut command: Command) -> Command {
    if let Command::Objective { objective, order: Order::Approve { head, .. }, .. } = &mut command
        && head.is_none()
    {
        *head = branch_head(world, objective);
    }
    command
}

/// Reads the head of an objective's branch. On any error returns `None`; the supervisor then pins the head
/// that its own review has seen.
fn branch_head(world: &World, key: &ObjectiveKey) -> Option<ObjectId> {
    let state = codec::load_snapshot(&Reader::open(world.workspace.db()).ok()?).ok()?;
    let branch = state.objective(key)?.branch();
    let repository = Repository::open(state.project(&key.project)?.settings.repo_root.as_ref()).ok()?;
    work_head(&repository, &branch).ok().flatten()
}

/// Returns whether a supervisor holds the workspace's lock. A holder without a pid does not count: it may be
/// a one-shot command that has not written yet what it is.
fn has_supervisor(workspace: &Workspace) -> bool {
    is_running(&workspace.runtime()).is_some_and(|holder| holder.pid.is_some())
}

/// Starts `run --no-tui --detached` and waits until that supervisor holds the workspace's lock. Returns at
/// once if one is running already.
///
/// # Errors
/// Fails with [`Error::Start`] if the process cannot be started, [`Error::SupervisorEnded`] if it exits, and
/// [`Error::SupervisorLate`] if it does not get the lock in time.
pub(crate) fn start_supervisor(world: &World, arguments: &[String]) -> Result<(), Error> {
    let workspace = &world.workspace;
    if has_supervisor(workspace) {
        return Ok(());
    }
    // Standard error goes to a file: the terminal shows the console, and an early exit explains itself there.
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
        // It may have exited after the check above and left the
        // lock to another one, so look again before failing.
        if child.try_wait().map_err(Error::Start)?.is_some() {
            if has_supervisor(workspace) {
                // Another supervisor was faster and holds the lock; this one had nothing to do.
                break;
            }
            let text = plain::read_to_string(&log).unwrap_or_default();
            let last_line = text.lines().rev().find(|line| !line.trim().is_empty());
            let last_line = last_line.unwrap_or("the supervisor exited without a message");
            let last_line = last_line.trim_start_matches("paddock: ").to_owned();
            return Err(Error::SupervisorEnded { last_line });
        }
        if Instant::now() >= give_up_at {
            return Err(Error::SupervisorLate { pid, log });
        }
        thread::sleep(Duration::from_millis(20));
    }
    // Without a wait, a supervisor that ends while the console runs would stay behind as a zombie process.
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

    #[test]
    fn commands_beyond_the_bound_are_refused_and_the_loop_never_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::init(folder.path(), |_| Some(false)).unwrap();
        let (release, may_release) = sync_channel::<()>(0);
        let (taken, is_taken) = sync_channel(ASKS_MAX + 2);
        let may_release = Mutex::new(may_release);
        let run = move |_| {
            taken.send(()).unwrap();
            let _ = may_release.lock().unwrap().recv();
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
        assert!((1..=ASKS_MAX).all(order), "these wait");
        assert!(!order(ASKS_MAX + 1), "the next is refused");
        drop(release);
        for number in 0..=ASKS_MAX {
            let Msg::Answered { doing, reply } = incoming.recv().unwrap() else { panic!("no answer") };
            assert_eq!((doing, reply.unwrap().unwrap().text), (format!("order {number}"), "done".to_owned()));
        }
    }
}
