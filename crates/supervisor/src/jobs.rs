//! Work for the lanes: effects, and what is looked at beside them. Each is counted while it is in flight, and a panic in
//! it is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::kernel::Kernel;
use super::lanes::{Job, Lane};
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
        let told = match std::thread::panicking() {
            // Only what follows a commit is not caught: the thread that writes dies of it.
            true => Some(Message::Panicked {
                thread: "store-writer".to_owned(),
                problem: "after events were recorded".to_owned(),
            }),
            // It counts as over before this is asked, and the kernel asks whether anything is left after it heard.
            false => self.0.over.mark(CHANGED).then_some(Message::Wake),
        };
        if let Some(told) = told {
            drop(self.0.inbox.send(told));
        }
    }
}

impl Kernel {
    pub(super) fn jobs(&self, effects: &[Effect]) -> Vec<(Lane, Job)> {
        let jobs = effects.iter().filter_map(|effect| {
            let (lane, job) = effects::job(&self.world, &self.state, effect)?;
            let (project, doing) = effects::words(&self.state, effect);
            let world = Arc::clone(&self.world);
            let job = move || {
                world.wait_until_there_is_room();
                job();
            };
            let panicked = Panicked { project, doing, effect: Some(effect.clone()), problem: String::new() };
            Some((lane, self.guarded(panicked, job)))
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
                in_flight.0.tell(Input::Panicked(Panicked { problem, ..panicked }));
            }
        })
    }

    /// Gives work to a lane that no event has to be stored for: it only looks, and looks again by itself. One that waits
    /// there still gives its place to the newer one.
    pub(super) fn look_aside(
        &self,
        lane: Lane,
        doing: &'static str,
        job: impl FnOnce(&World) + Send + 'static,
    ) {
        let job = self.aside(&lane, doing.to_owned(), None, job);
        self.world.lanes.send_newest(lane, doing, job);
    }

    /// The same for what is not done again by itself: should it panic, this effect finds out what has happened.
    pub(super) fn do_aside(
        &self,
        lane: Lane,
        doing: String,
        effect: Option<Effect>,
        job: impl FnOnce(&World) + Send + 'static,
    ) {
        let job = self.aside(&lane, doing, effect, job);
        self.world.lanes.send(lane, job);
    }

    fn aside(
        &self,
        lane: &Lane,
        doing: String,
        effect: Option<Effect>,
        job: impl FnOnce(&World) + Send + 'static,
    ) -> Job {
        let world = Arc::clone(&self.world);
        let panicked = Panicked { project: lane.project().cloned(), doing, effect, problem: String::new() };
        self.guarded(panicked, move || job(&world))
    }
}
