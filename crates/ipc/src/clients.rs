//! Who is connected, who has to go when there are too many, and how much all of them may have in memory.
//!
//! Any process of the user can connect, also one that an agent started. So a new client always gets in, and
//! another one goes for it: first one of the same process if that has many, then one of a job, and of those
//! the one that was not served for the longest time. People's clients do not go for a job's.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::net::UnixStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Most clients at once: far more than one person opens, and fewer than half of the files that a supervisor
/// may open at least.
const CLIENTS_MAX: usize = 112;
/// Most clients of one process. A console needs three.
const OF_PROCESS_MAX: usize = 32;
/// Most clients of all jobs together.
const OF_JOBS_MAX: usize = 48;
/// Bytes that all jobs' clients together may have in unfinished lines beyond [`FREE_BYTES`] each.
const JOBS_BYTES_MAX: usize = 24 << 20;
/// The same for all other clients.
const OTHERS_BYTES_MAX: usize = 40 << 20;
/// Bytes that each client may have in an unfinished line without asking for a part of the common bytes. It is
/// also the longest line before the hello.
pub(super) const FREE_BYTES: usize = 64 << 10;
/// Most commands of all jobs' clients together that are under way at once. Few, so that a person's command
/// waits for few.
const JOBS_COMMANDS_MAX: usize = 8;
/// The same for all other clients.
const OTHERS_COMMANDS_MAX: usize = 256;

/// The clients that are connected.
pub(super) struct Clients {
    seats: Mutex<BTreeMap<u64, Arc<Seat>>>,
    last_id: AtomicU64,
    others: Arc<Share>,
    jobs: Arc<Share>,
}

/// What the clients of one kind share.
struct Share {
    /// Bytes of unfinished lines that are still free.
    free_bytes: AtomicUsize,
    commands: Arc<Semaphore>,
}

/// The process at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Peer {
    /// Its id; `None` where the system does not tell, or for a process of another namespace.
    pid: Option<i32>,
    /// Its session, which a process shares with what it starts unless that leaves it.
    session: Option<i32>,
    /// Whether it is part of a job.
    is_job: bool,
}

/// One client, as the others' eviction sees it.
pub(super) struct Seat {
    peer: Peer,
    share: Arc<Share>,
    /// Number of requests and subscriptions that are served.
    served: AtomicUsize,
    state: Mutex<SeatState>,
    must_leave: Notify,
}

struct SeatState {
    has_greeted: bool,
    /// Time of the last request's end, or of the connection.
    idle_since: Instant,
    /// Bytes taken from the share.
    taken_bytes: usize,
}

/// Counts as a request that is served, until it is dropped.
pub(super) struct Served(Arc<Seat>);

/// The place of a connection among the clients. Dropping it frees the place.
pub(super) struct Admitted {
    clients: Arc<Clients>,
    id: u64,
    pub(super) seat: Arc<Seat>,
}

impl Clients {
    pub(super) fn new() -> Arc<Self> {
        let share = |bytes, commands| {
            Arc::new(Share {
                free_bytes: AtomicUsize::new(bytes),
                commands: Arc::new(Semaphore::new(commands)),
            })
        };
        Arc::new(Self {
            seats: Mutex::default(),
            last_id: AtomicU64::new(0),
            others: share(OTHERS_BYTES_MAX, OTHERS_COMMANDS_MAX),
            jobs: share(JOBS_BYTES_MAX, JOBS_COMMANDS_MAX),
        })
    }

    /// Gives a new client a place, and evicts others as far as it has to.
    pub(super) fn admit(self: &Arc<Self>, stream: &UnixStream, is_job: fn(i32) -> bool) -> Admitted {
        self.seat(Peer::find(stream, is_job))
    }

    fn seat(self: &Arc<Self>, peer: Peer) -> Admitted {
        let share = if peer.is_job { &self.jobs } else { &self.others };
        let state = SeatState { has_greeted: false, idle_since: Instant::now(), taken_bytes: 0 };
        let seat = Arc::new(Seat {
            peer,
            share: Arc::clone(share),
            served: AtomicUsize::new(0),
            state: Mutex::new(state),
            must_leave: Notify::new(),
        });
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let mut seats = self.seats();
        make_place(&mut seats, OF_PROCESS_MAX, |other| other.pid == peer.pid);
        if peer.is_job {
            make_place(&mut seats, OF_JOBS_MAX, |other| other.is_job);
        }
        make_place(&mut seats, CLIENTS_MAX, |_| true);
        seats.insert(id, Arc::clone(&seat));
        drop(seats);
        Admitted { clients: Arc::clone(self), id, seat }
    }

    /// Evicts one client, for a new one that needs its file.
    pub(super) fn evict_one(&self) {
        let mut seats = self.seats();
        let count = seats.len();
        make_place(&mut seats, count, |_| true);
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Evicts clients of those that `counts` names until there are fewer than `max`.
fn make_place(seats: &mut BTreeMap<u64, Arc<Seat>>, max: usize, counts: impl Fn(&Peer) -> bool) {
    loop {
        let counted: Vec<(u64, &Arc<Seat>)> =
            seats.iter().filter(|(_, seat)| counts(&seat.peer)).map(|(id, seat)| (*id, seat)).collect();
        if counted.is_empty() || counted.len() < max {
            return;
        }
        let mut of_session: BTreeMap<Option<i32>, usize> = BTreeMap::new();
        counted.iter().for_each(|(_, seat)| *of_session.entry(seat.peer.session).or_default() += 1);
        // The greatest of these goes.
        let rank = |(_, seat): &&(u64, &Arc<Seat>)| {
            let state = seat.state();
            (
                seat.peer.is_job,
                seat.served.load(Ordering::SeqCst) == 0,
                of_session.get(&seat.peer.session).copied(),
                !state.has_greeted,
                Reverse(state.idle_since),
            )
        };
        let Some(id) = counted.iter().max_by_key(rank).map(|(id, _)| *id) else { return };
        if let Some(seat) = seats.remove(&id) {
            tracing::debug!(pid = seat.peer.pid, job = seat.peer.is_job, "a client goes: too many at once");
            seat.must_leave.notify_one();
        }
    }
}

impl Peer {
    fn find(stream: &UnixStream, is_job: fn(i32) -> bool) -> Self {
        // Linux reports 0 for a process that this one cannot see.
        let pid = stream.peer_cred().ok().and_then(|peer| peer.pid()).filter(|pid| *pid > 0);
        let session = pid.and_then(paddock_os::processes::session_of);
        Self { pid, session, is_job: pid.is_some_and(is_job) }
    }
}

impl Seat {
    fn state(&self) -> MutexGuard<'_, SeatState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the client has said hello.
    pub(super) fn greeted(&self) {
        self.state().has_greeted = true;
    }

    /// Returns once this client has to go.
    pub(super) async fn evicted(&self) {
        self.must_leave.notified().await;
    }

    /// Counts a request as served until the value is dropped.
    pub(super) fn serve(self: &Arc<Self>) -> Served {
        self.served.fetch_add(1, Ordering::SeqCst);
        Served(Arc::clone(self))
    }

    /// Waits until one more command may be under way.
    pub(super) async fn command(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.share.commands).acquire_owned().await.ok()
    }

    /// Takes as many of the common bytes as an unfinished line of `held` bytes needs, and gives the rest
    /// back. Returns `false` if there are not enough.
    pub(super) fn hold_bytes(&self, held: usize) -> bool {
        let needed = held.saturating_sub(FREE_BYTES);
        let mut state = self.state();
        let free = &self.share.free_bytes;
        if needed <= state.taken_bytes {
            free.fetch_add(state.taken_bytes - needed, Ordering::SeqCst);
            state.taken_bytes = needed;
            return true;
        }
        let more = needed - state.taken_bytes;
        let is_taken =
            free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |free| free.checked_sub(more)).is_ok();
        if is_taken {
            state.taken_bytes = needed;
        }
        is_taken
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.state().idle_since = Instant::now();
        self.0.served.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.clients.seats().remove(&self.id);
        self.seat.hold_bytes(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(pid: i32, session: i32, is_job: bool) -> Peer {
        Peer { pid: Some(pid), session: Some(session), is_job }
    }

    fn is_here(clients: &Clients, admitted: &Admitted) -> bool {
        clients.seats().contains_key(&admitted.id)
    }

    #[test]
    fn a_process_cannot_have_all_places_and_its_served_client_goes_last() {
        let clients = Clients::new();
        let greeted = clients.seat(peer(7, 7, false));
        greeted.seat.greeted();
        let _served = greeted.seat.serve();
        let others: Vec<Admitted> =
            (0..OF_PROCESS_MAX + 3).map(|_| clients.seat(peer(7, 7, false))).collect();
        assert_eq!(clients.seats().len(), OF_PROCESS_MAX);
        assert!(is_here(&clients, &greeted));
        // The first of the others came before the rest and went before them.
        assert!(!is_here(&clients, &others[3]) && is_here(&clients, &others[4]));
    }

    #[test]
    fn however_many_processes_jobs_start_people_keep_their_places() {
        let clients = Clients::new();
        let people: Vec<Admitted> = (1..=60).map(|pid| clients.seat(peer(pid, pid, false))).collect();
        let jobs: Vec<Admitted> = (1_000..6_000).map(|pid| clients.seat(peer(pid, pid, true))).collect();
        assert!(people.iter().all(|one| is_here(&clients, one)));
        let left = jobs.iter().filter(|one| is_here(&clients, one)).count();
        assert_eq!(left, OF_JOBS_MAX);
        let late: Vec<Admitted> = (100..152).map(|pid| clients.seat(peer(pid, pid, false))).collect();
        assert!(people.iter().chain(&late).all(|one| is_here(&clients, one)));
        assert_eq!(clients.seats().len(), CLIENTS_MAX);
    }

    #[test]
    fn of_strangers_the_largest_session_gives_way_first() {
        let clients = Clients::new();
        let person = clients.seat(peer(1, 1, false));
        let _many: Vec<Admitted> = (10..200).map(|pid| clients.seat(peer(pid, 9, false))).collect();
        assert!(is_here(&clients, &person));
    }

    #[test]
    fn unfinished_lines_share_a_bound_and_give_it_back() {
        let clients = Clients::new();
        let job = |pid| clients.seat(peer(pid, pid, true));
        let (first, second) = (job(1), job(2));
        assert!(first.seat.hold_bytes(16 << 20));
        assert!(!second.seat.hold_bytes(16 << 20) && second.seat.hold_bytes(FREE_BYTES));
        assert!(
            clients.seat(peer(3, 3, false)).seat.hold_bytes(16 << 20),
            "people have a share of their own"
        );
        drop(first);
        assert!(second.seat.hold_bytes(16 << 20));
    }
}
