//! Work that hangs: which work of this process has been going on for long, and what it waits for.
//!
//! Paddock's own reads never wait for a named pipe (see [`plain`](crate::plain)), but libraries and the
//! kernel may: libgit2 opens dozens of files that an agent can replace. So every piece of work has a name
//! here while it goes on. A thread looks at work that takes longer than [`PATIENCE`]; where it waits for
//! somebody to write to a named pipe, the pipe is opened and closed once, which ends the wait, and the pipe
//! is named. A library then reads an empty file, and reports what it makes of that. A pipe that was found is
//! opened and closed again and again from then on, until it is gone: others that read files there, such as the
//! git of an agent, do not wait for long either.
//!
//! Linux says in `/proc` what a thread waits for. Elsewhere long work is named, but not freed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;

/// Time after which work is looked at: far longer than opening a file takes on the slowest disk.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two looks while there is work.
const INTERVAL: Duration = Duration::from_secs(1);
/// Time between two looks at a pipe that somebody waited for lately. A program such as git opens a file anew
/// dozens of times, and waits for as long each time.
const EAGER_INTERVAL: Duration = Duration::from_millis(20);
/// Time for which a pipe counts as waited for lately.
const EAGER_FOR: Duration = Duration::from_secs(10);
/// Time between two looks while all work has been going on for longer than [`STEADY_AFTER`], such as a command
/// that follows a log.
const STEADY_INTERVAL: Duration = Duration::from_secs(10);
/// Time after which work most probably goes on by itself.
const STEADY_AFTER: Duration = Duration::from_secs(60);

/// A piece of work that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// What is done, for people: "looking at the target branch".
    pub doing: String,
    /// What it is done for, such as a project.
    pub about: Option<String>,
    /// For how long it has been going on.
    pub since: Duration,
}

/// Something that stands in the place of a file and that nobody could read without waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Its path.
    pub path: PathBuf,
    /// What it is: "a named pipe".
    pub what: &'static str,
    /// The work that met it, as far as that is known.
    pub work: Option<Work>,
}

/// Receives each obstacle once. Called on any thread, so it must be quick.
pub type OnObstacle = Box<dyn Fn(&Obstacle) + Send + Sync>;

struct Entry {
    doing: String,
    about: Option<String>,
    begun: Instant,
    thread: Option<i32>,
}

#[derive(Default)]
struct Going {
    work: BTreeMap<u64, Entry>,
    next: u64,
    is_watched: bool,
}

impl Going {
    /// Returns the time to the next look.
    fn pause(&self) -> Duration {
        let is_steady = |entry: &Entry| entry.begun.elapsed() > STEADY_AFTER;
        if !self.work.is_empty() && self.work.values().all(is_steady) { STEADY_INTERVAL } else { INTERVAL }
    }
}

#[derive(Default)]
struct Shared {
    going: Mutex<Going>,
    begun: Condvar,
    on_obstacle: OnceLock<OnObstacle>,
    /// Obstacles that were reported: each is named once.
    reported: Mutex<BTreeSet<PathBuf>>,
    /// Named pipes among them that may still be there.
    pipes: Mutex<BTreeSet<PathBuf>>,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(Shared::default)
}

impl Shared {
    fn pipes(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn going(&self) -> MutexGuard<'_, Going> {
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work goes on for as long as this value lives.
#[derive(Debug)]
#[must_use = "the work counts as over when this value is dropped"]
pub struct Watched(u64);

impl Drop for Watched {
    fn drop(&mut self) {
        shared().going().work.remove(&self.0);
    }
}

/// Says that work begins. It ends when the returned value is dropped.
pub fn watch(doing: impl Into<String>, about: Option<String>) -> Watched {
    let shared = shared();
    let mut going = shared.going();
    let number = going.next;
    going.next += 1;
    let was_empty = going.work.is_empty();
    let entry = Entry { doing: doing.into(), about, begun: Instant::now(), thread: system::thread_id() };
    going.work.insert(number, entry);
    if !going.is_watched {
        system::prepare();
        // Without the thread nothing is freed; everything else goes on.
        going.is_watched = thread::Builder::new().name("hangs".into()).spawn(look_again).is_ok();
    }
    drop(going);
    if was_empty {
        shared.begun.notify_one();
    }
    Watched(number)
}

/// Sets what is done with an obstacle that is found. The first call counts; before it, and without it, an
/// obstacle is only logged.
pub fn on_obstacle(act: OnObstacle) {
    drop(shared().on_obstacle.set(act));
}

/// Reports that something else stands in the place of a file. The work that this thread does has met it.
pub fn report(path: &Path, what: &'static str) {
    report_for(path, what, work_of(system::thread_id()));
}

fn report_for(path: &Path, what: &'static str, work: Option<Work>) {
    let shared = shared();
    if !shared.reported.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned()) {
        return;
    }
    shared.pipes().insert(path.to_owned());
    shared.begun.notify_one();
    tracing::warn!(path = %path.display(), what, ?work, "something else stands in the place of a file");
    if let Some(act) = shared.on_obstacle.get() {
        act(&Obstacle { path: path.to_owned(), what, work });
    }
}

/// Returns the newest work of a thread.
fn work_of(thread: Option<i32>) -> Option<Work> {
    let going = shared().going();
    let newest = going.work.values().rev().find(|entry| entry.thread == thread && thread.is_some());
    newest.map(|entry| entry.work(Instant::now()))
}

/// Returns the work that has been going on for at least `for_at_least`, longest first.
#[must_use]
pub fn long_work(for_at_least: Duration) -> Vec<Work> {
    let now = Instant::now();
    let going = shared().going();
    let mut found: Vec<Work> = going.work.values().map(|entry| entry.work(now)).collect();
    drop(going);
    found.retain(|work| work.since >= for_at_least);
    found.sort_by_key(|work| std::cmp::Reverse(work.since));
    found
}

impl Entry {
    fn work(&self, now: Instant) -> Work {
        let since = now.saturating_duration_since(self.begun);
        Work { doing: self.doing.clone(), about: self.about.clone(), since }
    }
}

/// Looks at long work, for as long as the process lives. Sleeps while there is no work.
fn look_again() {
    let shared = shared();
    // Pipes seen by the last look: only one that two looks in a row find is waited for.
    let mut before = BTreeSet::new();
    // The same for calls that open something: one that the next look finds as well goes on for too long.
    let mut opens_before = BTreeSet::new();
    let mut freed = None;
    loop {
        let mut going = shared.going();
        while going.work.is_empty() && shared.pipes().is_empty() {
            before.clear();
            going = shared.begun.wait(going).unwrap_or_else(PoisonError::into_inner);
        }
        let pause = going.pause();
        drop(going);
        if shared.pipes().is_empty() {
            thread::sleep(pause);
        } else {
            free_all(&mut freed);
        }
        if long_work(PATIENCE).is_empty() {
            continue;
        }
        let opens: BTreeSet<(i32, String)> = system::opens_here().into_iter().collect();
        // The pipe may have been replaced by a file while it was waited for, and cannot be opened any more.
        opens.intersection(&opens_before).for_each(|(thread, _)| system::open_again(*thread));
        opens_before = opens;
        let found: BTreeSet<(i32, PathBuf)> = system::pipes_awaited_here().into_iter().collect();
        for (thread, path) in found.intersection(&before) {
            free(path);
            // A thread without a name for its work helps one that has one: most probably the longest.
            let work = work_of(Some(*thread)).or_else(|| long_work(PATIENCE).into_iter().next());
            report_for(path, "a named pipe", work);
        }
        before = found;
    }
}

/// Ends, for the time of [`INTERVAL`], every wait for a pipe that was found. As long as a pipe is there, the
/// git of an agent or of the user may wait for it as well. `freed` is when somebody last did.
fn free_all(freed: &mut Option<Instant>) {
    let begun = Instant::now();
    loop {
        let is_eager = freed.is_some_and(|at| at.elapsed() < EAGER_FOR);
        thread::sleep(if is_eager { EAGER_INTERVAL } else { INTERVAL });
        shared().pipes().retain(|path| match free(path) {
            Freed::Gone => false,
            Freed::Nobody => true,
            Freed::Somebody => {
                *freed = Some(Instant::now());
                true
            }
        });
        if begun.elapsed() >= INTERVAL {
            return;
        }
    }
}

/// What came of [`free`].
enum Freed {
    /// The pipe is not there any more.
    Gone,
    /// Nobody waited for it.
    Nobody,
    Somebody,
}

/// Ends the wait of everybody who has opened this named pipe for reading, and waits for a writer.
fn free(path: &Path) -> Freed {
    if !fs::metadata(path).is_ok_and(|facts| facts.file_type().is_fifo()) {
        return Freed::Gone;
    }
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
    // To open it is enough. Without a reader, that fails.
    match OpenOptions::new().write(true).custom_flags(flags).open(path) {
        Ok(_) => Freed::Somebody,
        Err(_) => Freed::Nobody,
    }
}

/// Returns the named pipe for which another process waits, if it waits for one: one that it is opening, or
/// one that it reads. `None` where the system does not say.
#[must_use]
pub fn pipe_awaited_by(pid: i32) -> Option<PathBuf> {
    system::pipe_awaited_by(pid)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::sync::mpsc;

    #[test]
    fn a_thread_that_opens_a_pipe_is_freed_and_the_pipe_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let (sender, obstacles) = mpsc::channel();
        on_obstacle(Box::new(move |found| drop(sender.send(found.clone()))));
        let going_on = watch("reading for a test", Some("shop".to_owned()));
        let opened = path.clone();
        let reader = thread::spawn(move || fs::read(opened));
        let found = obstacles.iter().find(|found| found.path == path).unwrap();
        let work = found.work.unwrap();
        assert_eq!((found.what, work.doing.as_str()), ("a named pipe", "reading for a test"));
        // Each is reported once.
        report(&path, "a named pipe");
        assert!(!obstacles.try_iter().any(|found| found.path == path));
        assert_eq!(reader.join().unwrap().unwrap(), b"");
        assert!(long_work(Duration::ZERO).iter().any(|one| one.about.as_deref() == Some("shop")));
        drop(going_on);
        assert!(!long_work(Duration::ZERO).iter().any(|one| one.about.as_deref() == Some("shop")));
    }

    #[test]
    fn a_program_that_opens_a_pipe_again_and_again_waits_for_a_moment_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("opened often");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        // Starts the looks; as work that goes on, it would count for the other tests' pipes.
        drop(watch("looking at a pipe", None));
        report(&path, "a named pipe");
        let script = "for n in $(seq 300); do cat \"$0\"; done";
        let mut program = std::process::Command::new("sh").args(["-c", script]).arg(&path).spawn().unwrap();
        // At one look a second this would take five minutes.
        wait_until(|| program.try_wait().unwrap().is_some());
    }

    #[test]
    fn a_thread_whose_pipe_was_replaced_by_a_file_opens_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = (folder.path().join("pipe"), folder.path().join("file"));
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        fs::write(&file, "content").unwrap();
        let going_on = watch("reading what is replaced", None);
        let opened = path.clone();
        let reader = thread::spawn(move || fs::read(opened));
        wait_until(|| system::pipes_awaited_here().iter().any(|(_, awaited)| *awaited == path));
        fs::rename(&file, &path).unwrap();
        // Without the restart the reader would wait for ever: nobody can open the pipe any more.
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let mut numbers = release.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        if (numbers.next(), numbers.next()) >= (Some(6), Some(9)) {
            assert_eq!(reader.join().unwrap().unwrap(), b"content");
        }
        drop(going_on);
    }

    #[test]
    fn the_pipe_that_another_process_waits_for_is_found_whether_it_opens_or_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let mut opening = std::process::Command::new("cat").arg(&path).spawn().unwrap();
        let pid = i32::try_from(opening.id()).unwrap();
        wait_until(|| pipe_awaited_by(pid).as_deref() == Some(&path));
        // With this writer, `cat` gets on to reading.
        let writer = OpenOptions::new().write(true).open(&path).unwrap();
        let mut reading = std::process::Command::new("cat").arg(&path).spawn().unwrap();
        let pid = i32::try_from(reading.id()).unwrap();
        wait_until(|| pipe_awaited_by(pid).as_deref() == Some(&path));
        drop(writer);
        opening.wait().unwrap();
        reading.wait().unwrap();
    }

    fn wait_until(mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(5));
        }
    }
}
