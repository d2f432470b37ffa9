//! Work for the lanes: effects, and what is looked at beside them. Each is counted while it is in flight, and a panic in
//! it is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::executor::{ExecutorKey, Job};
use super::kernel::Kernel;
use super::message::{CHANGED, Message};
use super::world::World;
use super::{effects, panics};
use paddock_engine::effect::Effect;
use paddock_engine::input::{Input, Panicked};
use paddock_os::panics::caught;

/// Counts an effect, or an append, as in flight for as long as it lives.
pub(super) struct InFlight(Arc<World>);

impl InFlight {
    pub(super) fn new(world: &Arc<World>) -> Self {
        world.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(world))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        let reported = match std::thread::panicking() {
            // Only what follows a commit is not caught: the thread that writes dies of it.
            true => Some(Message::Panicked {
                thread: "store-writer".to_owned(),
                problem: "after events were recorded".to_owned(),
            }),
            // It counts as over before this is asked, and the kernel asks whether anything is left after it heard.
            false => self.0.over.mark(CHANGED).then_some(Message::Wake),
        };
        if let Some(reported) = reported {
            drop(self.0.inbox.send(reported));
        }
    }
}

impl Kernel {
    pub(super) fn jobs(&self, effects: &[Effect]) -> Vec<(ExecutorKey, Job)> {
        let jobs = effects.iter().filter_map(|effect| {
            let (executor_key, job) = effects::job(&self.world, &self.state, effect)?;
            let (project, doing) = effects::words(&self.state, effect);
            let world = Arc::clone(&self.world);
            let job = move || {
                world.wait_until_disk_has_space();
                job();
            };
            let panicked = Panicked { project, doing, effect: Some(effect.clone()), problem: String::new() };
            Some((executor_key, self.guarded(panicked, job)))
        });
        jobs.collect()
    }

    /// The job, counted as in flight until it is over, however it ends. A panic in it is told as `panicked`.
    fn guarded(&self, panicked: Panicked, job: impl FnOnce() + Send + 'static) -> Job {
        let in_flight = InFlight::new(&self.world);
        Box::new(move || {
            // It counts until the panic is told: nobody takes the work for over before.
            let in_flight = in_flight;
            if let Err(panic) = caught(job) {
                let problem = panic.to_string();
                tracing::error!(doing = panicked.doing, problem, "a fault of Paddock itself: a panic");
                std::thread::sleep(panics::PAUSE);
                in_flight.0.report(Input::Panicked(Panicked { problem, ..panicked }));
            }
        })
    }

    /// Gives work to a lane that no event has to be stored for: it only looks, and looks again by itself. One that waits
    /// there still gives its place to the newer one.
    pub(super) fn spawn_look(
        &self,
        executor_key: ExecutorKey,
        doing: &'static str,
        job: impl FnOnce(&World) + Send + 'static,
    ) {
        let job = self.background_job(&executor_key, doing.to_owned(), None, job);
        self.world.executor.send_newest(executor_key, doing, job);
    }

    /// The same for what is not done again by itself: should it panic, this effect finds out what has happened.
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
