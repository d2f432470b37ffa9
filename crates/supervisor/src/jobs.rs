//! Jobs for the executor: effects and looks. Each counts as in flight until it is over, and reports its
//! panic.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::executor::{ExecutorKey, Job};
use super::kernel::Kernel;
use super::message::{CHANGED, Message};
use super::world::World;
use super::{effects, panics};
use paddock_engine::effect::Effect;
use paddock_engine::input::{Input, Panicked};
use paddock_os::hangs;
use paddock_os::panics::caught;

/// Counts a job or an append as in flight for as long as this value lives.
///
/// The kernel may end only when nothing is in flight, so the value must live until the job's last message is
/// sent.
pub(super) struct InFlight(Arc<World>);

impl InFlight {
    pub(super) fn new(world: &Arc<World>) -> Self {
        world.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(world))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        // The count goes down before the wake is sent: the kernel checks whether anything is in flight after
        // it has received the wake, and must not see this job any more.
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        let message = match std::thread::panicking() {
            // Jobs catch their panics; only code that follows a commit does not. It unwinds the store's
            // writer thread, and without that thread nothing can be recorded any more.
            true => Some(Message::Panicked {
                thread: "store-writer".to_owned(),
                problem: "after events were recorded".to_owned(),
            }),
            // One wake is enough for any number of jobs that end before the kernel handles it.
            false => self.0.over.mark(CHANGED).then_some(Message::Wake),
        };
        if let Some(message) = message {
            drop(self.0.inbox.send(message));
        }
    }
}

impl Kernel {
    /// Turns effects into jobs. Leaves out an effect whose subject is gone from the state.
    pub(super) fn jobs(&self, effects: &[Effect]) -> Vec<(ExecutorKey, Job)> {
        let jobs = effects.iter().filter_map(|effect| {
            let (executor_key, job) = effects::job(&self.world, &self.state, effect)?;
            let (project, doing) = effects::describe(&self.state, effect);
            let world = Arc::clone(&self.world);
            let job = move || {
                // An effect that has not begun is simply done later. One that fails half-way for want of
                // space would have to be explained to people, and might cost a retry.
                world.wait_until_disk_has_space();
                world.wait_until_recorded();
                job();
            };
            let panicked = Panicked { project, doing, effect: Some(effect.clone()), problem: String::new() };
            Some((executor_key, self.guarded(panicked, job)))
        });
        jobs.collect()
    }

    /// Wraps a job: it counts as in flight until it ends, in whatever way, and reports a panic as `panicked`.
    fn guarded(&self, panicked: Panicked, job: impl FnOnce() + Send + 'static) -> Job {
        let in_flight = InFlight::new(&self.world);
        Box::new(move || {
            let about = panicked.project.as_ref().map(ToString::to_string);
            // Dropped before the job counts as over.
            let _going_on = hangs::watch(panicked.doing.clone(), about);
            // Moved in, so that it drops after the panic is reported: the kernel must not take the work for
            // over before.
            let in_flight = in_flight;
            if let Err(panic) = caught(job) {
                let problem = panic.to_string();
                tracing::error!(doing = panicked.doing, problem, "a fault of Paddock itself: a panic");
                // Before the report, since the engine orders the effect again as soon as it receives the
                // report.
                std::thread::sleep(panics::PAUSE);
                in_flight.0.report(Input::Panicked(Panicked { problem, ..panicked }));
            }
        })
    }

    /// Sends a look to the executor. A look changes nothing, so no event precedes it, and the next poll
    /// repeats it; an older look of the same name that still waits is replaced.
    pub(super) fn spawn_look(
        &self,
        executor_key: ExecutorKey,
        doing: &'static str,
        job: impl FnOnce(&World) + Send + 'static,
    ) {
        let job = self.background_job(&executor_key, doing.to_owned(), None, job);
        self.world.executor.send_newest(executor_key, doing, job);
    }

    /// Sends a job that no poll repeats. Should it panic, the engine orders `effect`, which finds out what
    /// has happened.
    pub(super) fn spawn_effect(
        &self,
        executor_key: ExecutorKey,
        doing: String,
        effect: Option<Effect>,
        job: impl FnOnce(&World) + Send + 'static,
    ) {
        let job = self.background_job(&executor_key, doing, effect, job);
        self.world.executor.send(executor_key, job);
    }

    fn background_job(
        &self,
        executor_key: &ExecutorKey,
        doing: String,
        effect: Option<Effect>,
        job: impl FnOnce(&World) + Send + 'static,
    ) -> Job {
        let world = Arc::clone(&self.world);
        let panicked =
            Panicked { project: executor_key.project().cloned(), doing, effect, problem: String::new() };
        self.guarded(panicked, move || job(&world))
    }
}
