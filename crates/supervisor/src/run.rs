//! Starts and ends a supervisor: the lock, the database, the runner, the socket, the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ask::take_workspace_lock;
use super::clock::Clock;
use super::error::SupervisorError;
use super::kernel::{Kernel, OnEvents};
use super::message::Message;
use super::notify::Notifier;
use super::observe::Watches;
use super::options::{Options, RunEnd};
use super::reading::Reading;
use super::service::KernelService;
use super::slot_places::slot_places;
use super::world::World;
use super::{disk_wait, logging, panics, printer, signals, take_up};
use paddock_config::{Environment, Workspace};
use paddock_engine::decide::{self, Memo};
use paddock_engine::input::Input;
use paddock_ipc::workspace_lock::WorkspaceLock;
use paddock_ipc::{Backend, Feed, Server};
use paddock_model::ids::ProjectSlug;
use paddock_model::state::State;
use paddock_model::stored::StoredEvent;
use paddock_os::panics::caught;
use paddock_os::{hangs, open_files};
use paddock_runner::{JobReport, LocalRunner};
use paddock_store::codec;
use paddock_store::{EventQuery, Reader, Store, StoreError};

/// Longest time that clients which do not read their answers can delay the end of a supervisor.
const FAREWELL: Duration = Duration::from_secs(3);

/// How long a starting supervisor waits for a one-shot command that holds the workspace. Nearly every command
/// takes less.
pub const COMMAND_PATIENCE: Duration = Duration::from_secs(30);

/// Runs a supervisor in the foreground until its run is over. `on_event` receives every event once it is
/// stored.
///
/// # Errors
/// Fails if another supervisor works in the workspace, or if the database, the socket or the system fails.
pub fn run(
    workspace: &Workspace,
    environment: &Environment,
    options: &Options,
    on_event: Box<dyn FnMut(&StoredEvent) + Send>,
) -> Result<RunEnd, SupervisorError> {
    // Before the lock: a supervisor that cannot open enough files should not make others wait for it.
    open_files::raise()?;
    paddock_os::panics::remember();
    let lock = Arc::new(take_workspace_lock(workspace, COMMAND_PATIENCE)?);
    // After the lock is taken: the folder of logs belongs to the one supervisor of the workspace.
    let _log = logging::begin(workspace, environment);
    let database = workspace.db().to_owned();
    let stored = move |after: u64, max: usize| events_after(&Reader::open(&database)?, after, max);
    let (on_events, printer) = printer::start(on_event, Box::new(stored));
    let end = work(workspace, environment, options, Arc::clone(&lock), on_events);
    // `work` dropped the last sender, so the printer ends once it has printed every event.
    drop(printer.join());
    end
}

/// Runs the kernel, and ends the threads around it in the right order.
fn work(
    workspace: &Workspace,
    environment: &Environment,
    options: &Options,
    lock: Arc<WorkspaceLock>,
    on_events: OnEvents,
) -> Result<RunEnd, SupervisorError> {
    // Unbounded on purpose: `message` explains why it cannot grow without end.
    let (inbox, messages) = mpsc::channel();
    let memo = build_memo(environment, options)?;
    let mut kernel = build_kernel(workspace, environment, memo, (inbox.clone(), messages), on_events)?;
    kernel.poll_interval = Duration::from_secs(match options.poll_seconds {
        Some(seconds) => seconds.max(1),
        None => environment.poll_seconds()?,
    });
    kernel.lock = Some(lock);
    kernel.watches = Some(Watches::new(&workspace.projects(), inbox.clone()));
    let notifier = Notifier::start(workspace.root().to_path_buf(), inbox.clone());
    let notifier = notifier.map_err(SupervisorError::system("start the thread for notifications"))?;
    kernel.notify = Some(notifier.sender());
    signals::listen(inbox.clone())?;
    name_obstacles(inbox.clone());
    sweep_slots(kernel.world.runner.clone());
    // The socket comes last: commands of clients that connect early wait in the inbox until the kernel runs.
    let (runtime, serving, stop) = serve(workspace, &kernel, inbox)?;
    take_up::note_in_index(workspace, environment, &kernel.state);
    let mut end = kernel.run(options);
    // From here on a batch that meets a full disk fails instead of waiting, so that the supervisor can end.
    kernel.writer.stop_waiting();
    // The notifier's thread ends when the last sender is dropped; the kernel holds one.
    drop(kernel.notify.take());
    notifier.finish();
    if end.is_ok()
        && let Err(error) = kernel.record_failed_notifications()
    {
        end = Err(error);
    }
    let Kernel { writer, inbox: unread, .. } = kernel;
    // Dropping the inbox drops the replies of commands that were not handled: their clients learn that the
    // supervisor is ending, and ask the next one. Dropping `stop` ends the server, which first sends the
    // answers under way; the writer is still at work and releases them.
    drop((stop, unread));
    drop(runtime.block_on(async { tokio::time::timeout(FAREWELL, serving).await }));
    runtime.shutdown_background();
    // Writes what is still queued. The run's own error comes before one of closing: it is the cause.
    let closed = writer.close();
    let end = end?;
    closed?;
    Ok(end)
}

/// Removes, in a thread, the temporary files of jobs that ended while no supervisor ran. Nothing depends on
/// it: a job that gets such a folder finds it empty in any case.
fn sweep_slots(runner: LocalRunner) {
    let sweep = move || {
        if let Err(panic) = caught(|| runner.sweep_slots()) {
            tracing::warn!(%panic, "temporary files of old jobs stay");
        }
    };
    // Without the thread, the next start finds them.
    drop(std::thread::Builder::new().name("old temporary files".to_owned()).spawn(sweep));
}

/// Has everything recorded that stands in the place of a file.
fn name_obstacles(inbox: Sender<Message>) {
    // A sender of its own for each thread that finds one.
    let inbox = Mutex::new(inbox);
    hangs::on_obstacle(Box::new(move |found| {
        let work = found.work.as_ref();
        let input = Input::FileBlocked {
            project: work.and_then(|work| ProjectSlug::new(work.about.clone()?).ok()),
            path: found.path.display().to_string(),
            what: found.what.to_owned(),
            doing: work.map_or_else(|| "reading it".to_owned(), |work| work.doing.clone()),
        };
        // An error means that the kernel is gone; the log has the obstacle all the same.
        drop(inbox.lock().unwrap_or_else(PoisonError::into_inner).send(Message::Input(input)));
    }));
}

/// Returns the engine's settings for a run with these options.
fn build_memo(environment: &Environment, options: &Options) -> Result<Memo, SupervisorError> {
    let mut memo = Memo::working(options.project.clone(), options.max_parallel);
    let seconds = match options.planner_cooldown {
        Some(seconds) => seconds,
        None => environment.planner_cooldown_seconds()?,
    };
    let cooldown_ms = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    memo.planner_cooldown_ms = (!options.no_planner).then_some(cooldown_ms);
    Ok(memo)
}

/// Opens the database and assembles a kernel. The caller holds the workspace lock.
pub(super) fn build_kernel(
    workspace: &Workspace,
    environment: &Environment,
    memo: Memo,
    (inbox, messages): (Sender<Message>, mpsc::Receiver<Message>),
    on_events: OnEvents,
) -> Result<Kernel, SupervisorError> {
    let store = Store::open(workspace.db())?.with_marker(&workspace.marker());
    let state = codec::load(&store)?;
    let last_seq = store.last_seq()?;
    let writer = match memo.is_passive {
        // A person waits for a one-shot command: a full disk is an error at once. A supervisor waits for free
        // space.
        true => store.into_writer()?,
        false => store.into_patient_writer(disk_wait::notifier(inbox.clone()))?,
    };
    let reader = Reader::open(workspace.db())?;
    let history = Box::new(move |after: u64, max: usize| Ok(events_after(&reader, after, max)?));
    let exe = std::env::current_exe().map_err(SupervisorError::system("find the program that runs"))?;
    // Bounded by its content: a job is reported twice, and there are as many jobs as slots. The thread below
    // only forwards the reports, because the runner's channel carries `JobReport`s and the inbox `Message`s.
    let (reports, jobs) = mpsc::channel::<JobReport>();
    let runner = LocalRunner::with_program(&workspace.runtime(), reports, exe.clone(), BTreeMap::new())?
        .with_slots(slot_places(environment));
    let forward = inbox.clone();
    let forward = move || {
        for report in jobs {
            if forward.send(Message::Job(report)).is_err() {
                return;
            }
        }
    };
    let spawned = panics::spawn("job reports", inbox.clone(), forward);
    spawned.map_err(SupervisorError::system("start the thread for job reports"))?;
    Ok(Kernel {
        state,
        memo,
        world: Arc::new(World::new(workspace.clone(), environment.clone(), runner, inbox, exe)),
        writer,
        feed: Arc::new(Feed::new(last_seq, history)),
        inbox: messages,
        on_events,
        watches: None,
        notify: None,
        claims: BTreeMap::new(),
        lock: None,
        // `work` replaces it; a kernel for one command never polls.
        poll_interval: Duration::from_secs(20),
        interrupted: false,
        timed_out: false,
        end_at: None,
        clock: Clock::new(),
        hanging: Vec::new(),
        pools_wanted: BTreeSet::new(),
        reading: Reading::default(),
        copies_checked_at: None,
    })
}

/// Reads at most `max` stored events after the event `after`, oldest first.
fn events_after(reader: &Reader, after: u64, max: usize) -> Result<Vec<StoredEvent>, StoreError> {
    let limit = Some(u32::try_from(max).unwrap_or(u32::MAX));
    reader.events(&EventQuery { since_seq: Some(after), limit, ..EventQuery::default() })
}

/// The socket's runtime, its server task, and the sender whose drop stops the server.
type Serving = (tokio::runtime::Runtime, tokio::task::JoinHandle<()>, tokio::sync::watch::Sender<bool>);

/// Starts serving the socket on a runtime of its own.
fn serve(workspace: &Workspace, kernel: &Kernel, inbox: Sender<Message>) -> Result<Serving, SupervisorError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("ipc")
        .enable_all()
        .build()
        .map_err(SupervisorError::system("start the runtime of the socket"))?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let backend = Backend {
        service: Arc::new(KernelService { inbox }),
        feed: Arc::clone(&kernel.feed),
        gauges: Arc::clone(&kernel.world.gauges),
        workspace: workspace.root().display().to_string(),
        is_job: paddock_runner::is_in_a_job,
    };
    let runtime_dir = workspace.runtime();
    let server = runtime.block_on(async { Server::bind(&runtime_dir) })?;
    let serving = runtime.spawn(server.serve(backend, stopped));
    Ok((runtime, serving, stop))
}

/// Returns the events that a supervisor would record now. Writes nothing and starts nothing.
///
/// # Errors
/// Fails if the database or the environment cannot be read.
pub fn dry_run(
    workspace: &Workspace,
    environment: &Environment,
    options: &Options,
) -> Result<Vec<StoredEvent>, SupervisorError> {
    let reader = Reader::find(workspace.db())?;
    let mut state = reader.map_or_else(|| Ok(State::default()), |reader| codec::load_snapshot(&reader))?;
    let mut memo = build_memo(environment, options)?;
    let decision = decide::step(&mut state, &mut memo, Input::Tick, super::clock::now_ms());
    Ok(decision.events.iter().map(codec::to_stored).collect::<Result<_, _>>()?)
}
