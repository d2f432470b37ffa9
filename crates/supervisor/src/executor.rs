//! A keyed executor: jobs with the same key run one after the other, jobs with different keys in parallel.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use paddock_model::ids::{ProjectSlug, SessionId};
use paddock_os::hangs;
use paddock_os::panics::caught;

/// Most threads: one per session slot of a large machine, and some for git and gates. A key occupies at most
/// one thread, so a hanging repository cannot take them all.
const THREADS_MAX: usize = 32;

/// Time after which a job's thread no longer counts.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// One piece of work.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// What a job works on. Jobs with equal keys never run at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ExecutorKey {
    /// Refs of a project: candidates, landings, publishing, looks at the target branch.
    Refs(ProjectSlug),
    /// The user's remote of a project. Apart from [`Self::Refs`], since a remote may take long to answer.
    Push(ProjectSlug),
    /// Looks at running sessions and project files.
    Counting(ProjectSlug),
    /// Proofs of a project's landings. Apart from [`Self::Refs`], so that the next landing does not wait for
    /// a note.
    Proofs(ProjectSlug),
    /// Comparisons of the tests of gate runs. Apart from the others, since a landing waits for each.
    Comparing(ProjectSlug),
    /// The conflict radar of a project.
    Radar(ProjectSlug),
    /// Worktrees of a project: git fails when worktrees of one repository are made in parallel.
    Worktrees(ProjectSlug),
    /// The pool of a project's worktrees. Apart from [`Self::Worktrees`], so that no session waits for it.
    Pool(ProjectSlug),
    /// One of a project's gate worktrees, by its slot.
    GateWorktree(ProjectSlug, u32),
    /// Progress of gate runs, for the gauges.
    Gauges,
    /// Copies of the database.
    Copies,
    /// Starting, stopping and harvesting one session.
    Session(SessionId),
}

/// A job that waits for a thread.
struct Waiting {
    /// Name of a look, which a newer look of the same name replaces. `None` for an effect, which nothing
    /// replaces.
    name: Option<&'static str>,
    job: Job,
}

#[derive(Default)]
struct Queues {
    /// Jobs that wait, by key. Bounded: the engine orders an effect again only after its answer (see
    /// `message`), and of each look at most one waits.
    waiting: HashMap<ExecutorKey, VecDeque<Waiting>>,
    /// Keys that have waiting jobs and no running one, in order of arrival.
    free: VecDeque<ExecutorKey>,
    /// Keys that have a running job.
    taken: std::collections::HashSet<ExecutorKey>,
    /// Number of threads that were started.
    threads: usize,
    /// Number of threads that wait for a free key.
    idle: usize,
}

impl ExecutorKey {
    /// Returns the project that the jobs belong to, if they belong to one alone.
    pub(super) fn project(&self) -> Option<&ProjectSlug> {
        match self {
            Self::Refs(project)
            | Self::Push(project)
            | Self::Counting(project)
            | Self::Proofs(project)
            | Self::Comparing(project)
            | Self::Radar(project)
            | Self::Worktrees(project)
            | Self::Pool(project)
            | Self::GateWorktree(project, _) => Some(project),
            Self::Gauges | Self::Copies | Self::Session(_) => None,
        }
    }
}

/// The threads that run effects and looks.
#[derive(Clone, Default)]
pub(super) struct Executor {
    shared: Arc<(Mutex<Queues>, Condvar)>,
}

impl Executor {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues the job after all earlier jobs of this key.
    pub(super) fn send(&self, key: ExecutorKey, job: Job) {
        self.add(self.queues(), key, Waiting { name: None, job });
    }

    /// Queues a look. If a look of this name already waits under this key, the new one takes its place, so
    /// that at most one waits however long a disk hangs.
    pub(super) fn send_newest(&self, key: ExecutorKey, name: &'static str, job: Job) {
        let mut queues = self.queues();
        let older = queues
            .waiting
            .get_mut(&key)
            .and_then(|waiting| waiting.iter_mut().find(|waiting| waiting.name == Some(name)));
        if let Some(older) = older {
            let older = std::mem::replace(&mut older.job, job);
            // The old job is dropped outside of the lock: its `InFlight` sends a message to the kernel as it
            // drops.
            drop(queues);
            drop(older);
            return;
        }
        self.add(queues, key, Waiting { name: Some(name), job });
    }

    fn add(&self, mut queues: MutexGuard<'_, Queues>, key: ExecutorKey, waiting: Waiting) {
        queues.waiting.entry(key.clone()).or_default().push_back(waiting);
        if !queues.taken.contains(&key) && !queues.free.contains(&key) {
            queues.free.push_back(key);
        }
        // Threads are started on demand and never end: an idle supervisor holds only as many as its busiest
        // moment needed.
        // Threads whose job hangs are lost for now, and others take their place.
        let hanging = hangs::long_work(HANGS_AFTER).len();
        let must_grow = queues.idle < queues.free.len() && queues.threads < THREADS_MAX + hanging;
        if must_grow {
            queues.threads += 1;
            let executor = self.clone();
            let spawned = thread::Builder::new().name("executor".into()).spawn(move || executor.work());
            if spawned.is_err() {
                queues.threads -= 1;
                tracing::error!("a thread could not be started; the threads that exist do the work");
            }
        }
        drop(queues);
        self.shared.1.notify_one();
    }

    fn work(&self) {
        let mut queues = self.queues();
        loop {
            let Some(key) = queues.free.pop_front() else {
                queues.idle += 1;
                queues = self.shared.1.wait(queues).unwrap_or_else(PoisonError::into_inner);
                queues.idle -= 1;
                continue;
            };
            let Some(Waiting { job, .. }) = queues.waiting.get_mut(&key).and_then(VecDeque::pop_front) else {
                continue;
            };
            // Taken before the lock is released, so that no other thread runs a second job of this key
            // meanwhile.
            queues.taken.insert(key.clone());
            drop(queues);
            // Jobs catch and report their own panics (`jobs`). Should one escape, this key must not stay
            // taken for good.
            if let Err(panic) = caught(job) {
                tracing::error!(?key, %panic, "a job panicked outside of its guard");
            }
            queues = self.queues();
            queues.taken.remove(&key);
            // To the back of the queue after each job, so that a busy key does not starve the others.
            match queues.waiting.get(&key).is_some_and(|left| !left.is_empty()) {
                true => queues.free.push_back(key),
                false => drop(queues.waiting.remove(&key)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn jobs_of_a_key_keep_their_order_and_do_not_hold_up_other_keys() {
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
    fn only_the_newest_of_repeated_looks_waits() {
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
    fn a_job_that_panics_does_not_stop_later_jobs_of_its_key() {
        let executor = Executor::default();
        let (sender, receiver) = mpsc::channel();
        executor.send(ExecutorKey::Session(SessionId(1)), Box::new(|| panic!("on purpose")));
        executor.send(ExecutorKey::Session(SessionId(1)), Box::new(move || sender.send(1).unwrap()));
        assert_eq!(receiver.recv().unwrap(), 1);
    }
}
