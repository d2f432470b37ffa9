//! The kernel: the one thread that decides. Whatever it decides is stored before anything follows from it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::agreement::Known;
use super::clock::{Clock, awake_since, day_start_ms, now_ms};
use super::error::SupervisorError;
use super::executor::{ExecutorKey, Job};
use super::jobs::InFlight;
use super::message::{CHANGED_BEYOND_WORK, Message, ReplyTo};
use super::notify::{self, Notice};
use super::observe::Watches;
use super::options::{Options, RunEnd};
use super::world::{Site, World};
use super::{commits, effects, projects, radar};
use paddock_engine::decide::{self, Decision, Memo, Settled};
use paddock_engine::effect::Effect;
use paddock_engine::input::Input;
use paddock_ipc::Feed;
use paddock_ipc::lock::{RepositoryClaim, WorkspaceLock};
use paddock_model::command::{Command, StopMode};
use paddock_model::event::Event;
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;
use paddock_model::state::State;
use paddock_model::stored::StoredEvent;
use paddock_os::fail_points::fail_point;
use paddock_runner::{JobKind, JobReport};
use paddock_store::codec;
use paddock_store::{DiskSpace, Writer};

/// While sessions run, their commits are counted at least so often, should a watch have missed one.
const COUNT_INTERVAL: Duration = Duration::from_secs(5);

/// While gates run, what they are at is looked at so often, for whoever watches.
const GATE_INTERVAL: Duration = Duration::from_secs(1);

/// Told of every event once it is stored.
pub(super) type OnEvents = Arc<dyn Fn(&[StoredEvent]) + Send + Sync>;

pub(super) struct Kernel {
    pub(super) state: State,
    pub(super) memo: Memo,
    pub(super) world: Arc<World>,
    pub(super) writer: Writer,
    pub(super) feed: Arc<Feed>,
    pub(super) inbox: Receiver<Message>,
    pub(super) on_events: OnEvents,
    pub(super) watches: Option<Watches>,
    /// Where the user's own commands are told of events; none while only a command is carried out.
    pub(super) notify: Option<SyncSender<Notice>>,
    pub(super) claims: BTreeMap<ProjectSlug, (PathBuf, RepositoryClaim)>,
    pub(super) poll: Duration,
    pub(super) interrupted: bool,
    /// Whether it stops because its duration is over.
    pub(super) timed_out: bool,
    /// When the run is over, if it was given a duration.
    pub(super) end_at: Option<Instant>,
    pub(super) clock: Clock,
    /// When it was last looked whether the database is to be copied.
    pub(super) copies_looked_at: Option<Instant>,
}

impl Kernel {
    /// Lets the domain decide, has the events stored, and then releases what follows.
    pub(super) fn step(&mut self, input: Input, reply_to: Option<ReplyTo>) -> Result<(), SupervisorError> {
        // Before anything else counts the hours that the machine slept.
        if let Some(by_ms) = self.clock.jumped_ms() {
            self.decide(Input::ClockJumped { by_ms }, None)?;
        }
        self.decide(input, reply_to)
    }

    fn decide(&mut self, input: Input, reply_to: Option<ReplyTo>) -> Result<(), SupervisorError> {
        let Decision { events, effects, reply } =
            decide::step(&mut self.state, &mut self.memo, input, now_ms());
        debug_assert!(self.state.check_index(), "the caches of the state have drifted");
        let jobs = self.jobs(&effects);
        let answer = reply_to.zip(reply);
        if events.is_empty() && jobs.is_empty() && answer.is_none() {
            return Ok(());
        }
        self.append(&events, jobs, answer.map(|(to, reply)| -> Job { Box::new(move || to(reply)) }))
    }

    fn append(
        &mut self,
        events: &[Event],
        jobs: Vec<(ExecutorKey, Job)>,
        answer: Option<Job>,
    ) -> Result<(), SupervisorError> {
        let touched = self.state.take_touched();
        let batch = codec::batch(&self.state, events, &touched)?;
        let stored = batch.events.clone();
        let (world, feed, on_events) =
            (Arc::clone(&self.world), Arc::clone(&self.feed), Arc::clone(&self.on_events));
        let in_flight = InFlight::new(&self.world);
        let reported = self.notify.clone().map(|queue| (queue, notify::notices(&self.state, &stored)));
        let on_commit = move |committed| {
            let _in_flight = in_flight;
            if let Err(error) = committed {
                // Fail-stop: nothing follows from what is not recorded.
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
            if let Some((queue, notices)) = reported {
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

    /// Takes up work, and goes on until it is over.
    pub(super) fn run(&mut self, options: &Options) -> Result<RunEnd, SupervisorError> {
        let pid = std::process::id();
        // Nothing starts before it is settled who works on which repository.
        self.memo.is_passive = true;
        self.take_claims()?;
        self.read_project_files_first()?;
        // A file may say that its repository is somewhere else now.
        self.take_claims()?;
        self.report_day()?;
        self.memo.is_passive = false;
        self.step(Input::Started { pid, version: env!("CARGO_PKG_VERSION").to_owned() }, None)?;
        self.watch_projects();
        let duration =
            options.duration_minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
        let end_at = duration.and_then(|duration| Instant::now().checked_add(duration));
        self.end_at = end_at;
        let mut poll_at = Instant::now() + self.poll;
        loop {
            if let Some(end) = self.is_over(options) {
                // An effect tells before it counts as ended: what it told may be waiting to be heard.
                match self.inbox.try_recv() {
                    Ok(message) => {
                        self.take(message)?;
                        continue;
                    }
                    Err(_) => return self.stop_gracefully(end),
                }
            }
            let now = Instant::now();
            if now >= poll_at {
                self.look_around()?;
                poll_at = now + self.poll;
            }
            if end_at.is_some_and(|end| now >= end) && self.memo.stopping.is_none() {
                self.timed_out = true;
                self.step(Input::Stop(StopMode::Graceful), None)?;
            }
            self.wait(poll_at, end_at)?;
        }
    }

    /// Waits for something to happen, or for the next time that something is due.
    fn wait(&mut self, poll_at: Instant, end_at: Option<Instant>) -> Result<(), SupervisorError> {
        let now = Instant::now();
        let timer = decide::next_timer(&self.state, &self.memo);
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
        if self.state.open_gates().next().is_some() {
            until = until.min(GATE_INTERVAL);
        }
        match self.inbox.recv_timeout(until) {
            Ok(message) => {
                self.take(message)?;
                while let Ok(message) = self.inbox.try_recv() {
                    self.take(message)?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                self.count_commits();
                self.watch_gates();
            }
            Err(RecvTimeoutError::Disconnected) => return Err(SupervisorError::Gone),
        }
        let is_due =
            timer.is_some_and(|_| decide::next_timer(&self.state, &self.memo).is_some_and(|t| t <= now_ms()));
        if is_due {
            self.step(Input::Tick, None)?;
        }
        Ok(())
    }

    /// Records the notifications that failed while the supervisor was ending; nothing else is taken up any more.
    pub(super) fn hear_of_notifications(&mut self) -> Result<(), SupervisorError> {
        while let Ok(message) = self.inbox.try_recv() {
            if matches!(message, Message::Input(Input::NotifyFailed { .. })) {
                self.take(message)?;
            }
        }
        Ok(())
    }

    pub(super) fn take(&mut self, message: Message) -> Result<(), SupervisorError> {
        match message {
            Message::Input(input) => self.step(input, None),
            Message::Command(command, reply_to) => {
                if matches!(*command, Command::SupervisorStop { .. }) {
                    self.world.is_ending.store(true, Ordering::SeqCst);
                }
                self.step(Input::Command(command), Some(reply_to))?;
                self.take_claims()
            }
            Message::Job(report) => self.take_report(report),
            Message::Adopted(session, began_ms) => {
                let awake_ms = awake_since(began_ms).and_then(|awake| i64::try_from(awake.as_millis()).ok());
                awake_ms.map_or(Ok(()), |awake_ms| self.step(Input::SessionAwake { session, awake_ms }, None))
            }
            Message::Latest(latest) => latest.take().map_or(Ok(()), |input| self.step(input, None)),
            Message::RefsChanged(project, pending) => {
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
                self.world.over.take();
                Ok(())
            }
            Message::DiskSpace(DiskSpace::Found) => Ok(()),
            Message::DiskSpace(DiskSpace::Missing(full)) => self.wait_for_disk_space(&full),
            Message::StoreFailed(error) => Err(error.into()),
            Message::Panicked { thread, problem } => Err(SupervisorError::Panicked { thread, problem }),
        }
    }

    fn take_report(&mut self, report: JobReport) -> Result<(), SupervisorError> {
        let input = match report {
            JobReport::Started { key, keeper_pid } if key.kind == JobKind::Session => {
                let session = paddock_model::ids::SessionId(key.id);
                Input::SessionStarted { session, pid: u32::try_from(keeper_pid).unwrap_or(0) }
            }
            JobReport::Started { .. } => return Ok(()),
            JobReport::Unwatched { key, problem } => {
                return Err(SupervisorError::Panicked { thread: format!("waiting for {key}"), problem });
            }
            JobReport::Ended { key, record } => match key.kind {
                JobKind::Session => Input::SessionExited {
                    session: paddock_model::ids::SessionId(key.id),
                    process: effects::process_end(&self.world, &record),
                },
                JobKind::Gate => {
                    // Its output is read first, and not by this thread.
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
                JobKind::Session if job.never_started => Input::SessionExited {
                    session: paddock_model::ids::SessionId(key.id),
                    process: effects::never_began(),
                },
                JobKind::Session => Input::SessionLost { session: paddock_model::ids::SessionId(key.id) },
                JobKind::Gate => {
                    Input::GateExited { gate: paddock_model::ids::GateId(key.id), results: None }
                }
            },
        };
        self.step(input, None)
    }

    /// Says when the user's day began, if that is another one than was last told.
    fn report_day(&mut self) -> Result<(), SupervisorError> {
        let since_ms = day_start_ms();
        if self.state.counters().day_ms == since_ms {
            return Ok(());
        }
        self.step(Input::DayBegan { since_ms }, None)
    }

    /// What is done every poll interval, whether or not anything was heard.
    fn look_around(&mut self) -> Result<(), SupervisorError> {
        if !WorkspaceLock::file_in(&self.world.workspace.runtime()).exists() {
            return Err(SupervisorError::WorkspaceGone(self.world.workspace.root().to_owned()));
        }
        self.take_claims()?;
        self.read_project_files();
        for project in self.covered() {
            self.look(&project);
            self.scan(&project);
        }
        self.count_commits();
        self.copy_database_if_due();
        self.report_day()?;
        self.step(Input::Tick, None)
    }

    fn covered(&self) -> Vec<ProjectSlug> {
        let slugs = self.state.projects().map(|project| project.slug.clone());
        slugs.filter(|slug| self.memo.covers(slug)).collect()
    }

    fn look(&mut self, project: &ProjectSlug) {
        let Some(site) = Site::find(&self.state, project) else { return };
        if self.world.begin_look(project) {
            let executor_key = ExecutorKey::Refs(project.clone());
            self.spawn_look(executor_key, "looking at the target branch", move |world| {
                effects::look(world, &site);
            });
        }
    }

    /// Commits appeared, or something landed: who collides with whom may be others now.
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

    /// The files are read before anything is decided.
    pub(super) fn read_project_files_first(&mut self) -> Result<(), SupervisorError> {
        for (slug, known) in Known::of_all(&self.state, self.covered()) {
            projects::read_again(&self.world, &slug, &known);
        }
        while let Ok(message) = self.inbox.try_recv() {
            self.take(message)?;
        }
        Ok(())
    }

    fn watch_projects(&mut self) {
        for slug in self.covered() {
            let common_dir = self.state.project(&slug).map(|project| self.world.common_dir(project));
            if let (Some(watches), Some(common_dir)) = (&mut self.watches, common_dir) {
                watches.add(&slug, &common_dir);
            }
        }
    }

    fn read_project_files(&mut self) {
        self.watch_projects();
        for (slug, known) in Known::of_all(&self.state, self.covered()) {
            let executor_key = ExecutorKey::Counting(slug.clone());
            self.spawn_look(executor_key, "reading the project file", move |world| {
                projects::read_again(world, &slug, &known);
            });
        }
    }

    /// Whether the work of this process is over.
    fn is_over(&self, options: &Options) -> Option<RunEnd> {
        if !self.world.is_idle() {
            return None;
        }
        let stopped = match (self.interrupted, self.timed_out) {
            (true, _) => RunEnd::Interrupted,
            (false, true) => self.end(),
            (false, false) => RunEnd::Stopped,
        };
        match self.memo.stopping {
            Some(StopMode::Leave) => return Some(stopped),
            Some(_) => {
                let is_open = self.state.open_sessions().next().is_some()
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

    /// How a run ends that nobody stopped. What is left and goes on by itself is no trouble.
    fn end(&self) -> RunEnd {
        match decide::settled(&self.state, &self.memo) {
            Some(Settled::Done) => RunEnd::Done,
            Some(Settled::NeedsHuman) => RunEnd::NeedsHuman,
            Some(Settled::Stuck) => RunEnd::Stuck,
            None if decide::waiting(&self.state, &self.memo).is_empty() => RunEnd::Stopped,
            None => RunEnd::NeedsHuman,
        }
    }

    fn stop_gracefully(&mut self, end: RunEnd) -> Result<RunEnd, SupervisorError> {
        let mode = self.memo.stopping.unwrap_or(StopMode::Leave);
        self.step(Input::Stopped(mode), None)?;
        Ok(end)
    }
}
