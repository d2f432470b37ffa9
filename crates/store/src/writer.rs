//! The one thread that writes to the database.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::append::append_all;
use super::open::BUSY_TIMEOUT;
use super::place::{self, Place, PutBack};
use super::{Batch, CommitInfo, Store, StoreError};
use paddock_model::event::Durability;

/// Callback with the outcome of a batch. Runs once, on the writer's thread, after the transaction of the
/// batch. It must be quick and must not append: this very thread empties the queue that an append may wait
/// for.
pub(crate) type OnCommit = Box<dyn FnOnce(Result<CommitInfo, StoreError>) + Send>;

/// Capacity of the queue, in batches. If decisions come faster than the disk writes, the sender blocks here
/// instead of running thousands of events ahead of what is recorded. A burst of all sessions reporting at
/// once fits.
const QUEUE_BATCHES: usize = 1024;
/// Maximum number of batches per transaction, so that the first of them does not wait for a long queue.
const GROUP_BATCHES: usize = 256;
/// Time between attempts to write while the disk is full.
const FULL_DISK_INTERVAL: Duration = Duration::from_millis(500);
/// Interval of the look at the database's files while nothing is written.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// Number of such looks in a row after which the write-ahead log is moved into the database.
const IDLE_LOOKS: u32 = 3;

/// What a writer that waits for disk space reports about the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskSpace {
    /// The disk is full. Nothing is written until there is space, and nothing is lost. The error names the
    /// database.
    Missing(StoreError),
    /// There is space again, and the batches that waited are written.
    Found,
}

/// What happens to the database of a patient writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The disk filled up, or has space again.
    Disk(DiskSpace),
    /// The database was deleted or replaced, and is back with everything that was recorded.
    PutBack(PutBack),
    /// The writer failed while nothing was queued. Nothing is written after this.
    Failed(StoreError),
}

/// Callback for what happens to the database. Runs on the writer's thread and must be as quick as
/// [`OnCommit`].
pub type OnNews = Box<dyn Fn(News) + Send>;

/// A queued batch.
struct Job {
    batch: Batch,
    on_commit: OnCommit,
}

/// Appends batches, in the order in which they were given, on a thread that owns the connection.
///
/// Whatever is queued when a transaction begins shares the transaction (group commit without a time window):
/// a lone batch waits for nobody, and under load many batches share one flush.
///
/// After a failed append nothing later is written, and every later batch gets the same error (fail-stop): the
/// state in memory is ahead of the log by then, so the process should end and start over from what is on
/// disk. A database that was deleted or replaced is put back first (`place`). A patient writer does not treat a full disk as a failure: the batch waits until there is space.
pub struct Writer {
    queue: Option<SyncSender<Job>>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Writer {
    pub(super) fn start(store: Store, on_news: Option<OnNews>) -> Result<Self, StoreError> {
        let last_seq = store.last_seq()?;
        let path = store.path.clone();
        // After the first read, which opens the write-ahead log.
        let place = Place::at(&path, store.marker).map_err(|error| StoreError::from_io(&path, &error))?;
        let (queue, jobs) = sync_channel(QUEUE_BATCHES);
        let closing = Arc::new(AtomicBool::new(false));
        let mut state = State {
            connection: store.connection,
            path: store.path,
            place,
            last_seq,
            failed: None,
            // The previous process or a migration may have left a log.
            log_is_dirty: true,
            on_news,
            closing: Arc::clone(&closing),
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                state.run(&jobs);
                state.close()
            })
            .map_err(|error| StoreError::from_io(&path, &error))?;
        Ok(Self { queue: Some(queue), closing, thread: Some(thread) })
    }

    /// Queues a batch; blocks only while the queue is full. `on_commit` runs exactly once, whatever happens.
    pub fn append(&self, batch: Batch, on_commit: OnCommit) {
        let refused = match &self.queue {
            Some(queue) => queue.send(Job { batch, on_commit }).err().map(|error| error.0.on_commit),
            None => Some(on_commit),
        };
        if let Some(on_commit) = refused {
            on_commit(Err(StoreError::WriterGone));
        }
    }

    /// Appends a batch and waits for the outcome: for commands that run without a supervisor, and for tests.
    ///
    /// # Errors
    /// Returns what made the append fail; nothing of the batch was written.
    pub fn append_and_wait(&self, batch: Batch) -> Result<CommitInfo, StoreError> {
        let (report, reported) = sync_channel(1);
        self.append(
            batch,
            Box::new(move |outcome| {
                // Fails only if the thread that waits below has died.
                let _ = report.send(outcome);
            }),
        );
        reported.recv().unwrap_or(Err(StoreError::WriterGone))
    }

    /// Stops waiting for disk space: batches that wait fail with [`StoreError::DiskFull`].
    pub fn stop_waiting(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Writes what is queued, moves the write-ahead log into the database and closes it. Does not wait for
    /// disk space any more.
    ///
    /// # Errors
    /// Returns the error that stopped the writer, or that of the last checkpoint.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.stop_waiting();
        // Without a sender the thread leaves its loop once the queue is empty.
        self.queue = None;
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or(Err(StoreError::WriterGone)),
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Drop cannot return the error; `close` does.
        let _ = self.finish();
    }
}

/// What the writer's thread owns.
struct State {
    connection: Connection,
    path: PathBuf,
    place: Place,
    last_seq: u64,
    /// First error of a write; nothing is written after it.
    failed: Option<StoreError>,
    /// Whether the write-ahead log may hold something that the database file does not.
    log_is_dirty: bool,
    on_news: Option<OnNews>,
    /// Set by [`Writer::stop_waiting`].
    closing: Arc<AtomicBool>,
}

impl State {
    fn run(&mut self, jobs: &Receiver<Job>) {
        let mut idle_looks = 0;
        loop {
            match jobs.recv_timeout(LOOK_INTERVAL) {
                Ok(first) => {
                    // Takes what is queued already and waits for no more, so a lone batch is committed at
                    // once.
                    let mut group = vec![first];
                    group.extend(jobs.try_iter().take(GROUP_BATCHES - 1));
                    self.commit(group);
                    idle_looks = 0;
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    idle_looks += 1;
                    if idle_looks % IDLE_LOOKS == 0 {
                        // A reader may be in the way, and then the next idle period tries again. A real fault
                        // shows at the next write.
                        let _ = self.checkpoint();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Looks at the database's files while nothing is written. A failure is reported, since no batch would.
    fn look(&mut self) {
        if self.failed.is_some() {
            return;
        }
        match self.keep_place() {
            // Tried again: nothing is acknowledged meanwhile.
            Ok(()) | Err(StoreError::DiskFull { .. }) => {}
            Err(error) => {
                self.failed = Some(error.clone());
                self.report(News::Failed(error));
            }
        }
    }

    fn report(&self, news: News) {
        if let Some(on_news) = &self.on_news {
            on_news(news);
        }
    }

    /// Puts the database back if it was deleted or replaced.
    fn keep_place(&mut self) -> Result<(), StoreError> {
        if let Some(put_back) = place::keep(&mut self.connection, &mut self.place, self.last_seq)? {
            self.log_is_dirty = true;
            self.report(News::PutBack(put_back));
        }
        Ok(())
    }

    /// Writes a group of batches and reports the outcome to each.
    fn commit(&mut self, group: Vec<Job>) {
        let begun = Instant::now();
        let outcome = match &self.failed {
            Some(error) => Err(error.clone()),
            None => self.write_for_good(&group),
        };
        let seconds = begun.elapsed().as_secs_f64();
        let batches = group.len();
        let outcome =
            outcome.map(|flushed| CommitInfo { seconds, flushed, batches, last_seq: self.last_seq });
        if let Err(error) = &outcome {
            self.failed.get_or_insert_with(|| error.clone());
        }
        // One transaction, so all of them share its outcome; callbacks run in the order of the log.
        for job in group {
            (job.on_commit)(outcome.clone());
        }
    }

    /// Writes a group to the file at the database's path.
    fn write_for_good(&mut self, group: &[Job]) -> Result<bool, StoreError> {
        let flushed = self.when_disk_has_space(|state| {
            state.keep_place()?;
            state.write(group)
        })?;
        // Again: the file may have been deleted in between, and what follows from these events, a landing for
        // one, begins right after this.
        self.when_disk_has_space(Self::keep_place)?;
        Ok(flushed)
    }

    /// Runs `act`, and repeats it while the disk is full if the writer is patient. A write on a full disk is
    /// rolled back as a whole, so it can be repeated.
    fn when_disk_has_space<T>(
        &mut self,
        mut act: impl FnMut(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut outcome = act(self);
        let mut is_reported = false;
        while let Err(error @ StoreError::DiskFull { .. }) = &outcome
            && self.on_news.is_some()
        {
            if !is_reported {
                self.report(News::Disk(DiskSpace::Missing(error.clone())));
                is_reported = true;
            }
            // After the first attempt: a writer that closes still writes everything that fits.
            if self.closing.load(Ordering::SeqCst) {
                break;
            }
            std::thread::sleep(FULL_DISK_INTERVAL);
            outcome = act(self);
        }
        if is_reported && outcome.is_ok() {
            self.report(News::Disk(DiskSpace::Found));
        }
        outcome
    }

    /// Writes a group in one transaction, as durable as its strongest batch. Returns whether the transaction
    /// was flushed.
    fn write(&mut self, group: &[Job]) -> Result<bool, StoreError> {
        let durability = group.iter().map(|job| job.batch.durability).max().unwrap_or(Durability::Process);
        let batches: Vec<&Batch> = group.iter().map(|job| &job.batch).collect();
        self.log_is_dirty = true;
        self.last_seq = append_all(&mut self.connection, &self.path, self.last_seq, &batches, durability)?;
        Ok(durability == Durability::Power)
    }

    /// Moves the write-ahead log into the database and empties it, without waiting for readers. An idle
    /// database leaves no large log to be read at the next start.
    fn checkpoint(&mut self) -> Result<(), StoreError> {
        if !self.log_is_dirty || self.failed.is_some() {
            return Ok(());
        }
        let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(&self.path, &error);
        // A checkpoint that waits for a reader would block every append for as long.
        self.connection.busy_timeout(Duration::ZERO).map_err(sqlite)?;
        let in_the_way: Result<i64, _> =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        self.connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
        self.log_is_dirty = in_the_way.map_err(sqlite)? != 0;
        Ok(())
    }

    fn close(mut self) -> Result<(), StoreError> {
        // A file that was deleted since the last look.
        if self.failed.is_none() {
            self.keep_place()?;
        }
        // A clean close leaves an empty log, which spares the next start its check of the whole file.
        self.checkpoint()?;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.connection.close().map_err(|(_, error)| StoreError::from_sqlite(&self.path, &error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::Reader;
    use paddock_model::stored::StoredEvent;

    fn event(seq: u64, data: &str) -> StoredEvent {
        StoredEvent {
            seq,
            at_ms: 0,
            kind: "note".to_owned(),
            version: 1,
            project: None,
            objective: None,
            session: None,
            data: data.to_owned(),
        }
    }

    fn batch(seq: u64, data: &str) -> Batch {
        Batch { events: vec![event(seq, data)], rows: vec![], durability: Durability::Process }
    }

    #[test]
    fn a_full_disk_stops_the_writer_and_keeps_what_was_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paddock.db");
        let store = Store::open(&path).unwrap();
        store.connection.pragma_update(None, "max_page_count", 64).unwrap();
        let writer = store.into_writer().unwrap();
        let bulk = serde_json::Value::from("x".repeat(20_000)).to_string();
        let mut kept = 0;
        let failure = loop {
            match writer.append_and_wait(batch(kept + 1, &bulk)) {
                Ok(_) => kept += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(failure, StoreError::DiskFull { path: path.clone() });
        assert!(kept > 0);
        // This batch would fit, but it would follow events that were lost.
        assert_eq!(writer.append_and_wait(batch(kept + 1, "1")), Err(failure.clone()));
        assert_eq!(writer.close(), Err(failure));
        assert_eq!(Reader::open(&path).unwrap().last_seq().unwrap(), kept);
        assert_eq!(Store::open(&path).unwrap().last_seq().unwrap(), kept);
    }

    /// Makes the disk seem full: the database may not grow by a page.
    fn fill(store: &Store) {
        let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        store.connection.pragma_update(None, "max_page_count", pages).unwrap();
    }

    #[test]
    fn a_patient_writer_waits_while_the_disk_is_full_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paddock.db");
        let store = Store::open(&path).unwrap();
        fill(&store);
        let (report, reported) = sync_channel(8);
        let writer = store.into_patient_writer(Box::new(move |news| report.send(news).unwrap())).unwrap();
        let bulk = serde_json::Value::from("x".repeat(200_000)).to_string();
        let (outcome, outcomes) = sync_channel(1);
        writer.append(batch(1, &bulk), Box::new(move |done| outcome.send(done).unwrap()));
        let full = StoreError::DiskFull { path: path.clone() };
        assert_eq!(reported.recv().unwrap(), News::Disk(DiskSpace::Missing(full.clone())));
        assert!(outcomes.try_recv().is_err(), "the batch waits");
        assert_eq!(writer.close(), Err(full.clone()));
        assert_eq!(outcomes.recv().unwrap(), Err(full));
        assert_eq!(Reader::open(&path).unwrap().last_seq().unwrap(), 0);
    }

    #[test]
    fn batches_queued_together_share_a_transaction_and_report_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("paddock.db")).unwrap();
        let writer = store.into_writer().unwrap();
        let reported = Arc::new(Mutex::new(Vec::new()));
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.lock().unwrap();
        for seq in 1..=20 {
            let (reported, gate) = (Arc::clone(&reported), Arc::clone(&gate));
            let mut batch = batch(seq, "1");
            if seq == 7 {
                batch.durability = Durability::Power;
            }
            writer.append(
                batch,
                Box::new(move |outcome| {
                    // Blocks the writer until all batches are queued.
                    drop(gate.lock().unwrap());
                    reported.lock().unwrap().push((seq, outcome.unwrap()));
                }),
            );
        }
        drop(closed);
        writer.close().unwrap();
        let reported = reported.lock().unwrap();
        assert_eq!(reported.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
        let (_, last) = reported.last().unwrap();
        assert_eq!(last.last_seq, 20);
        let (_, seventh) = reported.iter().find(|(seq, _)| *seq == 7).unwrap();
        assert!(seventh.flushed, "a group is as durable as its strongest batch");
        assert!(reported.iter().any(|(_, info)| info.batches > 1), "{reported:?}");
    }

    #[test]
    fn a_checkpoint_empties_the_log_and_a_reader_only_postpones_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paddock.db");
        let store = Store::open(&path).unwrap();
        let mut state = State {
            connection: store.connection,
            place: Place::at(&path, None).unwrap(),
            path: store.path,
            last_seq: 0,
            failed: None,
            log_is_dirty: false,
            on_news: None,
            closing: Arc::default(),
        };
        let log = folder.path().join("paddock.db-wal");
        let none = Box::new(|outcome: Result<CommitInfo, StoreError>| assert!(outcome.is_ok()));
        state.commit(vec![Job { batch: batch(1, "1"), on_commit: none.clone() }]);
        let other = Connection::open(&path).unwrap();
        let reading = other.unchecked_transaction().unwrap();
        let _: i64 = reading.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
        state.commit(vec![Job { batch: batch(2, "1"), on_commit: none }]);
        state.checkpoint().unwrap();
        assert!(state.log_is_dirty);
        drop(reading);
        state.checkpoint().unwrap();
        assert!(!state.log_is_dirty);
        assert_eq!(std::fs::metadata(log).unwrap().len(), 0);
    }
}
