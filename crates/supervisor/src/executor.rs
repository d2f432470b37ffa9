//! Lanes: what belongs together is done one after the other, everything else side by side.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use paddock_model::ids::{ProjectSlug, SessionId};
use paddock_os::panics::caught;

/// Threads at most: one per session slot of a large machine with room for git and gates beside them. A lane
/// never holds more than one thread, so a slow repository takes two at the most.
const THREADS_MAX: usize = 32;

/// One piece of work.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Names a lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ExecutorKey {
    /// Refs of a project: candidates, landings, publishing, looking.
    Refs(ProjectSlug),
    /// The user's remote of a project, which may take long to answer.
    Push(ProjectSlug),
    /// Looking at running sessions and project files.
    Counting(ProjectSlug),
    /// Proofs of a project's landings: off the path of the next one.
    Proofs(ProjectSlug),
    /// The conflict radar of a project.
    Radar(ProjectSlug),
    /// Worktrees of a project: git fails when they are made in parallel.
    Worktrees(ProjectSlug),
    /// One of a project's gate worktrees.
    GateWorktree(ProjectSlug, u32),
    /// What gate runs are at, for whoever watches.
    Gauges,
    /// Copies of the database.
    Copies,
    /// Orders to one session.
    Session(SessionId),
}

/// A job that no thread is at.
struct Waiting {
    /// What a look does: a newer one of the same name takes its place. None: it is an effect.
    name: Option<&'static str>,
    job: Job,
}

#[derive(Default)]
struct Queues {
    /// Of effects those whose answers the engine waits for (see `message`); of looks one of each name.
    waiting: HashMap<ExecutorKey, VecDeque<Waiting>>,
    /// Lanes with work that no thread is at, in order of arrival.
    free: VecDeque<ExecutorKey>,
    /// Lanes that a thread is at.
    taken: std::collections::HashSet<ExecutorKey>,
    threads: usize,
    idle: usize,
}

impl ExecutorKey {
    /// The project whose work it holds, where it is one's.
    pub(super) fn project(&self) -> Option<&ProjectSlug> {
        match self {
            Self::Refs(project)
            | Self::Push(project)
            | Self::Counting(project)
            | Self::Proofs(project)
            | Self::Radar(project)
            | Self::Worktrees(project)
            | Self::GateWorktree(project, _) => Some(project),
            Self::Gauges | Self::Copies | Self::Session(_) => None,
        }
    }
}

/// The threads that carry out effects.
#[derive(Clone, Default)]
pub(super) struct Executor {
    shared: Arc<(Mutex<Queues>, Condvar)>,
}

impl Executor {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the job done after everything given to this lane before.
    pub(super) fn send(&self, executor_key: ExecutorKey, job: Job) {
        self.add(self.queues(), executor_key, Waiting { name: None, job });
    }

    /// Like [`Self::send`], for a look; one of this name that waits in the lane gives its place to the newer one, so that
    /// however long a disk hangs, no more than one waits for it.
    pub(super) fn send_newest(&self, executor_key: ExecutorKey, name: &'static str, job: Job) {
        let mut queues = self.queues();
        let older = queues
            .waiting
            .get_mut(&executor_key)
            .and_then(|waiting| waiting.iter_mut().find(|waiting| waiting.name == Some(name)));
        if let Some(older) = older {
            let older = std::mem::replace(&mut older.job, job);
            // What ends with it tells the kernel.
            drop(queues);
            drop(older);
            return;
        }
        self.add(queues, executor_key, Waiting { name: Some(name), job });
    }

    fn add(&self, mut queues: MutexGuard<'_, Queues>, executor_key: ExecutorKey, waiting: Waiting) {
        queues.waiting.entry(executor_key.clone()).or_default().push_back(waiting);
        if !queues.taken.contains(&executor_key) && !queues.free.contains(&executor_key) {
            queues.free.push_back(executor_key);
        }
        let must_grow = queues.idle < queues.free.len() && queues.threads < THREADS_MAX;
        if must_grow {
            queues.threads += 1;
            let executor = self.clone();
            let spawned = thread::Builder::new().name("lane".into()).spawn(move || executor.work());
            if spawned.is_err() {
                queues.threads -= 1;
                tracing::error!("a thread could not be started; work goes on with those there are");
            }
        }
        drop(queues);
        self.shared.1.notify_one();
    }

    fn work(&self) {
        let mut queues = self.queues();
        loop {
            let Some(executor_key) = queues.free.pop_front() else {
                queues.idle += 1;
                queues = self.shared.1.wait(queues).unwrap_or_else(PoisonError::into_inner);
                queues.idle -= 1;
                continue;
            };
            let Some(Waiting { job, .. }) =
                queues.waiting.get_mut(&executor_key).and_then(VecDeque::pop_front)
            else {
                continue;
            };
            queues.taken.insert(executor_key.clone());
            drop(queues);
            // Jobs catch their own panics and tell of them; the lane must go on whatever they do.
            if let Err(panic) = caught(job) {
                tracing::error!(?executor_key, %panic, "a job panicked outside of its guard");
            }
            queues = self.queues();
            queues.taken.remove(&executor_key);
            match queues.waiting.get(&executor_key).is_some_and(|left| !left.is_empty()) {
                true => queues.free.push_back(executor_key),
                false => drop(queues.waiting.remove(&executor_key)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_lane_keeps_its_order_and_does_not_hold_up_others() {
        let executor = Executor::default();
        let (sender, receiver) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let slow = ExecutorKey::Session(SessionId(1));
        executor.send(slow.clone(), Box::new(move || gate.recv().unwrap()));
        for n in 0..10 {
            let sender = sender.clone();
            executor.send(slow.clone(), Box::new(move || sender.send(n).unwrap()));
        }
        let other = sender.clone();
        executor.send(ExecutorKey::Session(SessionId(2)), Box::new(move || other.send(99).unwrap()));
        assert_eq!(receiver.recv().unwrap(), 99);
        go.send(()).unwrap();
        let order: Vec<i32> = (0..10).map(|_| receiver.recv().unwrap()).collect();
        assert_eq!(order, (0..10).collect::<Vec<i32>>());
    }

    #[test]
    fn of_a_look_that_comes_again_and_again_the_newest_waits_alone() {
        let executor = Executor::default();
        let (sender, receiver) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let slow = ExecutorKey::Session(SessionId(1));
        executor.send(slow.clone(), Box::new(move || gate.recv().unwrap()));
        for n in 0..1_000 {
            for name in ["count", "read"] {
                let sender = sender.clone();
                executor.send_newest(slow.clone(), name, Box::new(move || sender.send((name, n)).unwrap()));
            }
        }
        drop(sender);
        go.send(()).unwrap();
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [("count", 999), ("read", 999)]);
    }

    #[test]
    fn a_job_that_panics_does_not_stop_its_lane() {
        let executor = Executor::default();
        let (sender, receiver) = mpsc::channel();
        executor.send(ExecutorKey::Session(SessionId(1)), Box::new(|| panic!("on purpose")));
        executor.send(ExecutorKey::Session(SessionId(1)), Box::new(move || sender.send(1).unwrap()));
        assert_eq!(receiver.recv().unwrap(), 1);
    }
}
