//! The kernel: the one thread that decides. It stores each decision before anything follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::clock::{Clock, awake_since, day_start_ms, now_ms};
use super::error::SupervisorError;
use super::executor::{ExecutorKey, Job};
use super::jobs::InFlight;
use super::message::{CHANGED_BEYOND_WORK, Message, ReplyTo};
use super::notify::{self, Notice};
use super::observe::Watches;
use super::options::{Options, RunEnd};
use super::reading::Reading;
use super::world::{Site, World};
use super::{commits, effects, radar};
use paddock_engine::decide::{self, Decision, Memo, Settled};
use paddock_engine::effect::Effect;
use paddock_engine::input::Input;
use paddock_ipc::Feed;
use paddock_ipc::workspace_lock::{RepositoryClaim, WorkspaceLock};
use paddock_model::command::{Command, StopMode};
use paddock_model::event::Event;
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;
use paddock_model::state::State;
use paddock_model::stored::StoredEvent;
use paddock_os::fail_points::fail_point;
use paddock_os::hangs::{self, Work};
use paddock_runner::{JobKind, JobReport};
use paddock_store::codec;
use paddock_store::{DiskSpace, Writer};

/// Poll interval for the commits of running sessions, in case a watch missed one.
const COUNT_INTERVAL: Duration = Duration::from_secs(5);

/// Poll interval for the progress of gate runs.
const GATE_INTERVAL: Duration = Duration::from_secs(1);

/// Interval in which commands that wait for their project's file are looked at.
const WAITING_INTERVAL: Duration = Duration::from_secs(1);

/// Interval in which a stopping supervisor looks whether only such actions are left.
const STOP_INTERVAL: Duration = Duration::from_secs(1);

/// Receives every event once it is stored. Called on the store's writer thread, so it must not block.
pub(super) type OnEvents = Arc<dyn Fn(&[StoredEvent]) + Send + Sync>;

/// The state, and everything that the one deciding thread owns.
pub(super) struct Kernel {
    pub(super) state: State,
    pub(super) memo: Memo,
    pub(super) world: Arc<World>,
    pub(super) writer: Writer,
    pub(super) feed: Arc<Feed>,
    pub(super) inbox: Receiver<Message>,
    pub(super) on_events: OnEvents,
    pub(super) watches: Option<Watches>,
    /// Queue of the thread that runs the user's `notify` commands. `None` in a kernel that runs one command.
    pub(super) notify: Option<SyncSender<Notice>>,
    /// Claimed repositories: the git directory that was claimed, and the claim.
    pub(super) claims: BTreeMap<ProjectSlug, (PathBuf, RepositoryClaim)>,
    /// The lock of the workspace. `None` in a kernel that runs one command: it is over before a poll.
    pub(super) lock: Option<Arc<WorkspaceLock>>,
    /// Interval of the full look at every project, for changes that no watch reported.
    pub(super) poll_interval: Duration,
    /// Whether a person interrupted the run from the terminal.
    pub(super) interrupted: bool,
    /// Whether the run stops because its duration is over.
    pub(super) timed_out: bool,
    /// End of the run, if the run has a duration.
    pub(super) end_at: Option<Instant>,
    pub(super) clock: Clock,
    /// Actions that hang, as the last poll found them.
    pub(super) hanging: Vec<Work>,
    /// Projects that wanted worktrees after the last decision.
    pub(super) pools_wanted: BTreeSet<ProjectSlug>,
    /// What is known about the reading of project files.
    pub(super) reading: Reading,
    /// Time of the last check whether a database copy is due.
    pub(super) copies_checked_at: Option<Instant>,
}

impl Kernel {
    /// Lets the engine decide about the input, stores the events, and releases what follows from them.
    pub(super) fn step(&mut self, input: Input, reply_to: Option<ReplyTo>) -> Result<(), SupervisorError> {
        // First of all: the engine must discount the hours the machine slept before it computes with this
        // input's time, or it would stop sessions for minutes that they never ran.
        if let Some(by_ms) = self.clock.jumped_ms() {
            self.decide(Input::ClockJumped { by_ms }, None)?;
        }
        self.decide(input, reply_to)
    }

    /// Lets the engine decide about one input and passes the decision on.
    fn decide(&mut self, input: Input, reply_to: Option<ReplyTo>) -> Result<(), SupervisorError> {
        let Decision { events, effects, reply } =
            decide::step(&mut self.state, &mut self.memo, input, now_ms());
        debug_assert!(self.state.check_index(), "the caches of the state have drifted");
        // Jobs copy what they need out of the state here, on this thread: they run later, when the state has
        // moved on.
        let jobs = self.jobs(&effects);
        let answer = reply_to.zip(reply);
        if events.is_empty() && jobs.is_empty() && answer.is_none() {
            return Ok(());
        }
        self.empty_pools();
        self.append(&events, jobs, answer.map(|(to, reply)| -> Job { Box::new(move || to(reply)) }))
    }

    /// Queues the events for the store. Jobs and answer are released once the events are committed, also if
    /// there are no events: an empty batch keeps their order behind earlier ones.
    fn append(
        &mut self,
        events: &[Event],
        jobs: Vec<(ExecutorKey, Job)>,
        answer: Option<Job>,
    ) -> Result<(), SupervisorError> {
        // The rows that the events changed, as they are now. They are written in the transaction of the
        // events, so the two never differ on disk.
        let touched = self.state.take_touched();
        let batch = codec::batch(&self.state, events, &touched)?;
        let stored = batch.events.clone();
        let (world, feed, on_events) =
            (Arc::clone(&self.world), Arc::clone(&self.feed), Arc::clone(&self.on_events));
        // The append counts as in flight. Without this the kernel could look idle, and exit, between its
        // decision and the commit that releases the effects.
        let in_flight = InFlight::new(&self.world);
        let notifications = self.notify.clone().map(|queue| (queue, notify::notices(&self.state, &stored)));
        // Runs on the store's writer thread, in commit order. Nothing in it may block: the next commit waits
        // for it.
        let on_commit = move |committed| {
            let _in_flight = in_flight;
            if let Err(error) = committed {
                // Fail-stop: the state in memory is ahead of the log by now, and nothing may follow from
                // events that are not recorded.
                drop(world.inbox.send(Message::StoreFailed(error)));
                return;
            }
            for (executor_key, job) in jobs {
                world.executor.send(executor_key, job);
            }
            if let Some(answer) = answer {
                fail_point!("answer.before");
                answer();
                fail_point!("answer.after");
            }
            if let Some((queue, notices)) = notifications {
                notify::send(&queue, notices);
            }
            if !stored.is_empty() {
                on_events(&stored);
                feed.publish(stored);
            }
        };
        fail_point!("decide.before_append");
        self.writer.append(batch, Box::new(on_commit));
        Ok(())
    }

    /// Resumes outstanding work and runs until the run is over.
    pub(super) fn run(&mut self, options: &Options) -> Result<RunEnd, SupervisorError> {
        let beginning = hangs::watch("beginning", None);
        let pid = std::process::id();
        // Passive until the claims are settled: another workspace may hold a repository, and no session may
        // start in it before this kernel knows.
        self.memo.is_passive = true;
        self.take_claims()?;
        self.read_project_files_first()?;
        // Again: a project file may name another place for its repository since the last run.
        self.take_claims()?;
        self.report_day()?;
        self.memo.is_passive = false;
        self.world.tends_pools.store(true, Ordering::SeqCst);
        // The engine answers with every effect whose outcome is not recorded: this is where work of an
        // earlier supervisor is resumed.
        self.step(Input::Started { pid, version: env!("CARGO_PKG_VERSION").to_owned() }, None)?;
        self.watch_projects();
        for project in self.covered() {
            self.tend_pool(&project);
        }
        drop(beginning);
        let end_at = options.duration.and_then(|duration| Instant::now().checked_add(duration));
        self.end_at = end_at;
        let mut poll_at = Instant::now() + self.poll_interval;
        loop {
            if let Some(end) = self.is_over(options) {
                // An effect sends its result before it counts as over, so that result may still wait in the
                // inbox. Handling it can start more work: the end counts only if the inbox is empty as well.
                match self.inbox.try_recv() {
                    Ok(message) => {
                        self.handle(message)?;
                        continue;
                    }
                    Err(_) => return self.stop_gracefully(end),
                }
            }
            let now = Instant::now();
            if now >= poll_at {
                self.poll_all()?;
                poll_at = now + self.poll_interval;
            }
            // Once only: a person who asked for another kind of stop meanwhile keeps it.
            if end_at.is_some_and(|end| now >= end) && self.memo.stopping.is_none() {
                self.timed_out = true;
                self.step(Input::Stop(StopMode::Graceful), None)?;
            }
            self.wait(poll_at, end_at)?;
        }
    }

    /// Waits for a message, or until the next timer, poll or deadline, and handles what arrived.
    fn wait(&mut self, poll_at: Instant, end_at: Option<Instant>) -> Result<(), SupervisorError> {
        let now = Instant::now();
        let timer = decide::next_timer(&self.state, &self.memo);
        // A timer that is due already makes the difference negative, and the wait 0.
        let timer = timer.map(|at_ms| u64::try_from(at_ms - now_ms()).unwrap_or(0));
        let mut until = poll_at.saturating_duration_since(now);
        if let Some(end) = end_at.filter(|_| self.memo.stopping.is_none()) {
            until = until.min(end.saturating_duration_since(now));
        }
        if let Some(wait_ms) = timer {
            until = until.min(Duration::from_millis(wait_ms));
        }
        if self.state.open_sessions().next().is_some() {
            until = until.min(COUNT_INTERVAL);
        }
        if self.memo.stopping.is_some() {
            // Something that hangs ends with no message.
            until = until.min(STOP_INTERVAL);
        }
        if self.state.open_gates().next().is_some() {
            until = until.min(GATE_INTERVAL);
        }
        if self.reading.has_waiting() {
            until = until.min(WAITING_INTERVAL);
        }
        match self.inbox.recv_timeout(until) {
            Ok(message) => {
                self.handle(message)?;
                // Handles everything that has arrived before the timer is computed again: any message may
                // move it.
                while let Ok(message) = self.inbox.try_recv() {
                    self.handle(message)?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                self.count_commits();
                self.watch_gates();
            }
            Err(RecvTimeoutError::Disconnected) => return Err(SupervisorError::Gone),
        }
        self.run_late_commands()?;
        // Asked again: a message that was just handled may have recorded what the timer was for.
        let is_due =
            timer.is_some_and(|_| decide::next_timer(&self.state, &self.memo).is_some_and(|t| t <= now_ms()));
        if is_due {
            self.step(Input::Tick, None)?;
        }
        Ok(())
    }

    /// Records the notifications that failed while the supervisor was ending. Ignores every other message:
    /// nothing new may start any more.
    pub(super) fn record_failed_notifications(&mut self) -> Result<(), SupervisorError> {
        while let Ok(message) = self.inbox.try_recv() {
            if matches!(message, Message::Input(Input::NotifyFailed { .. })) {
                self.handle(message)?;
            }
        }
        Ok(())
    }

    /// Handles one message.
    pub(super) fn handle(&mut self, message: Message) -> Result<(), SupervisorError> {
        let _going_on = hangs::watch("deciding", None);
        match message {
            Message::Input(Input::WorktreeRemoved { objective, late }) => {
                let project = objective.project.clone();
                self.step(Input::WorktreeRemoved { objective, late }, None)?;
                self.tend_pool(&project);
                Ok(())
            }
            Message::Input(input) => self.step(input, None),
            Message::Command(command, reply_to) => {
                // Set before the step: effects that wait for disk space check this flag, and would otherwise
                // keep the supervisor from ending.
                if matches!(*command, Command::SupervisorStop { .. }) {
                    self.world.is_ending.store(true, Ordering::SeqCst);
                }
                self.handle_command(command, reply_to)
            }
            Message::ProjectFileRead(project, version) => self.project_file_read(&project, version),
            Message::Job(report) => self.handle_report(report),
            Message::Adopted(session, began_ms) => {
                let awake_ms = awake_since(began_ms).and_then(|awake| i64::try_from(awake.as_millis()).ok());
                awake_ms.map_or(Ok(()), |awake_ms| self.step(Input::SessionAwake { session, awake_ms }, None))
            }
            Message::Latest(latest) => latest.take().map_or(Ok(()), |input| self.step(input, None)),
            Message::RefsChanged(project, pending) => {
                // The mark is cleared before anything is read: a ref that changes from here on sends a new
                // message. Commits on work branches, the most frequent change, cost no look at the target
                // branch.
                if pending.take() == CHANGED_BEYOND_WORK {
                    self.look(&project);
                }
                self.count_commits_of(&project);
                self.scan(&project);
                Ok(())
            }
            Message::ProjectFilesChanged(pending) => {
                pending.take();
                self.read_project_files();
                Ok(())
            }
            Message::Stop(mode, is_interrupt) => {
                self.interrupted |= is_interrupt;
                self.world.is_ending.store(true, Ordering::SeqCst);
                self.step(Input::Stop(mode), None)
            }
            Message::Wake => {
                // Nothing else to do: the loop asks `is_over` after every message.
                self.world.over.take();
                Ok(())
            }
            // `wait_for_disk_space` consumes the `Found` that ends its wait; one that arrives here ends no
            // wait.
            Message::DiskSpace(DiskSpace::Found) => Ok(()),
            Message::DiskSpace(DiskSpace::Missing(full)) => self.wait_for_disk_space(&full),
            Message::StoreFailed(error) => Err(error.into()),
            Message::Panicked { thread, problem } => Err(SupervisorError::Panicked { thread, problem }),
        }
    }

    /// Turns a keeper's report into an input for the engine.
    fn handle_report(&mut self, report: JobReport) -> Result<(), SupervisorError> {
        let input = match report {
            JobReport::Started { key, keeper_pid } if key.kind == JobKind::Session => {
                let session = paddock_model::ids::SessionId(key.id);
                Input::SessionStarted { session, pid: u32::try_from(keeper_pid).unwrap_or(0) }
            }
            // The engine has no input for the start of a gate run: only its end matters.
            JobReport::Started { .. } => return Ok(()),
            JobReport::Trouble { key, trouble } => match key.kind {
                JobKind::Session => {
                    Input::SessionKeeper { session: paddock_model::ids::SessionId(key.id), trouble }
                }
                JobKind::Gate => Input::GateKeeper { gate: paddock_model::ids::GateId(key.id), trouble },
            },
            // The thread that waits for this keeper panicked. The end of its job would never be reported, so
            // the supervisor stops; the next one finds the keeper again.
            JobReport::Unwatched { key, problem } => {
                return Err(SupervisorError::Panicked { thread: format!("waiting for {key}"), problem });
            }
            JobReport::Ended { key, record } => match key.kind {
                JobKind::Session => Input::SessionExited {
                    session: paddock_model::ids::SessionId(key.id),
                    process: effects::process_end(&self.world, &record),
                },
                JobKind::Gate => {
                    // The verdict depends on the output, which may be gigabytes on a slow disk: an executor
                    // thread reads it and then reports `GateExited`.
                    let gate = paddock_model::ids::GateId(key.id);
                    if let Some((executor_key, order)) = effects::Ended::from_state(&self.state, gate, record)
                    {
                        let doing = format!("reading the output of gate run {gate}");
                        let effect = Some(Effect::StartGate { gate });
                        self.spawn_effect(executor_key, doing, effect, move |world| {
                            effects::ended(world, &order);
                        });
                    }
                    return Ok(());
                }
            },
            JobReport::Lost { key, job } => match key.kind {
                // No agent ran, so this is no loss: the same session is due again and no retry is spent.
                JobKind::Session if job.never_started => Input::SessionExited {
                    session: paddock_model::ids::SessionId(key.id),
                    process: effects::never_began(),
                },
                JobKind::Session => Input::SessionLost { session: paddock_model::ids::SessionId(key.id) },
                JobKind::Gate => Input::GateExited {
                    gate: paddock_model::ids::GateId(key.id),
                    results: None,
                    from_nothing: false,
                },
            },
        };
        self.step(input, None)
    }

    /// Reports the beginning of the user's day to the engine, if a new day has begun.
    fn report_day(&mut self) -> Result<(), SupervisorError> {
        let since_ms = day_start_ms();
        if self.state.counters().day_ms == since_ms {
            return Ok(());
        }
        self.step(Input::DayBegan { since_ms }, None)
    }

    /// Looks at everything once per poll interval, whether or not a watch reported a change.
    fn poll_all(&mut self) -> Result<(), SupervisorError> {
        let _going_on = hangs::watch("looking at everything", None);
        self.name_what_hangs()?;
        self.keep_locks()?;
        self.take_claims()?;
        self.read_project_files();
        for project in self.covered() {
            self.look(&project);
            self.scan(&project);
            self.tend_pool(&project);
        }
        self.count_commits();
        self.copy_database_if_due();
        self.report_day()?;
        self.step(Input::Tick, None)
    }

    /// Returns the projects that this run works on.
    pub(super) fn covered(&self) -> Vec<ProjectSlug> {
        let slugs = self.state.projects().map(|project| project.slug.clone());
        slugs.filter(|slug| self.memo.covers(slug)).collect()
    }

    fn look(&mut self, project: &ProjectSlug) {
        let Some(site) = Site::find(&self.state, project) else { return };
        if self.world.claim_look(project) {
            let executor_key = ExecutorKey::Refs(project.clone());
            self.spawn_look(executor_key, "looking at the target branch", move |world| {
                effects::look(world, &site);
            });
        }
    }

    /// Orders a scan of the conflict radar, since new commits or a landing may have changed which branches
    /// collide.
    fn scan(&self, project: &ProjectSlug) {
        if self.memo.is_passive || !self.state.project(project).is_some_and(Project::is_workable) {
            return;
        }
        if let Some(order) = radar::Order::from_state(&self.world, &self.state, project) {
            let executor_key = ExecutorKey::Radar(project.clone());
            self.spawn_look(executor_key, "looking for conflicts between branches", move |world| {
                radar::scan(world, &order);
            });
        }
    }

    fn watch_gates(&self) {
        let runs = effects::watched(&self.world, &self.state);
        if !runs.is_empty() {
            self.spawn_look(ExecutorKey::Gauges, "looking at gate runs", move |world| {
                effects::watch(world, &runs);
            });
        }
    }

    fn count_commits(&self) {
        for project in self.covered() {
            self.count_commits_of(&project);
        }
    }

    fn count_commits_of(&self, project: &ProjectSlug) {
        let running = commits::running(&self.state, project);
        let Some(site) = Site::find(&self.state, project).filter(|_| !running.is_empty()) else { return };
        let executor_key = ExecutorKey::Counting(project.clone());
        self.spawn_look(executor_key, "counting commits", move |world| {
            commits::count(world, &site, &running);
        });
    }

    pub(super) fn watch_projects(&mut self) {
        for slug in self.covered() {
            let common_dir = self.state.project(&slug).map(|project| self.world.common_dir(project));
            if let (Some(watches), Some(common_dir)) = (&mut self.watches, common_dir) {
                watches.add(&slug, &common_dir);
            }
        }
    }

    /// Returns how the run ends, if it is over.
    fn is_over(&self, options: &Options) -> Option<RunEnd> {
        // Effects and appends that are in flight may still change everything below.
        let only_hangs = self.only_hangs();
        if !self.world.is_idle() && !only_hangs {
            return None;
        }
        let stopped = match (self.interrupted, self.timed_out) {
            (true, _) => RunEnd::Interrupted,
            (false, true) => self.end(),
            (false, false) => RunEnd::Stopped,
        };
        match self.memo.stopping {
            // Sessions, gates and half-done landings are left to their keepers and the next supervisor.
            Some(StopMode::Leave) => return Some(stopped),
            Some(_) if only_hangs => return Some(stopped),
            Some(_) => {
                // Waits for a landing too: its intent is recorded, and until the answer is, nobody knows
                // whether the ref has moved.
                let is_open = self.state.open_sessions().any(|s| !self.memo.waits_for_repository(s.id))
                    || self.state.open_gates().next().is_some()
                    || self.state.projects().any(|project| project.train.landing.is_some());
                return (!is_open).then_some(stopped);
            }
            None => {}
        }
        if options.once {
            return Some(self.end());
        }
        decide::settled(&self.state, &self.memo).filter(|_| options.until_idle)?;
        Some(self.end())
    }

    /// Returns how a run ends that nobody stopped. Work that is left but continues by itself, such as a
    /// cooldown, does not need a human.
    fn end(&self) -> RunEnd {
        match decide::settled(&self.state, &self.memo) {
            Some(Settled::Done) => RunEnd::Done,
            Some(Settled::NeedsHuman) => RunEnd::NeedsHuman,
            Some(Settled::Stuck) => RunEnd::Stuck,
            None if decide::waiting(&self.state, &self.memo).is_empty() => RunEnd::Stopped,
            None => RunEnd::NeedsHuman,
        }
    }

    /// Records the end of the run and returns it.
    fn stop_gracefully(&mut self, end: RunEnd) -> Result<RunEnd, SupervisorError> {
        let mode = self.memo.stopping.unwrap_or(StopMode::Leave);
        self.step(Input::Stopped(mode), None)?;
        Ok(end)
    }
}
