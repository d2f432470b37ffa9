//! Moments at which a test kills this process, as a power switch would: between an intent and its record.
//!
//! The feature `fail_points` switches them on; without it nothing of them is in the program, neither code nor
//! names. The macros are defined here for all callers, so the feature of this crate alone decides; only tests build
//! with it (the root package's `[dev-dependencies]`).
//!
//! `PADDOCK_FAIL_POINT=NAME:N@FILE`: every passing of every point, by any process that has the variable, is
//! written to the file, a line each, and the process that makes the N-th passing of NAME kills itself by SIGKILL. The
//! file does the counting, so exactly one process dies, once, however often Paddock is started again with it.

/// Marks a moment. Nothing at all without the feature.
#[cfg(feature = "fail_points")]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {
        $crate::fail_points::reach($name)
    };
}

/// Marks a moment. Nothing at all without the feature.
#[cfg(not(feature = "fail_points"))]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {};
}

/// Marks a place where a test has a thread panic or hang, by `PADDOCK_TROUBLE=panic:NAME`,
/// `panic-once:NAME` or `hang:NAME`, and `@ABOUT` behind it where only that is meant. Nothing at all without the feature.
#[cfg(feature = "fail_points")]
#[macro_export]
macro_rules! trouble_point {
    ($name:literal) => {
        $crate::fail_points::trouble_at($name, "")
    };
    ($name:literal, $about:expr) => {
        $crate::fail_points::trouble_at($name, $about)
    };
}

/// Marks a place where a test has a thread panic or hang. Nothing at all without the feature.
#[cfg(not(feature = "fail_points"))]
#[macro_export]
macro_rules! trouble_point {
    ($name:literal) => {};
    ($name:literal, $about:expr) => {};
}

pub use crate::{fail_point, trouble_point};

/// Whether this program is built with them.
pub const ARE_ON: bool = cfg!(feature = "fail_points");

#[cfg(feature = "fail_points")]
pub use on::{POINTS, reach, trouble_at};

#[cfg(feature = "fail_points")]
mod on {
    use std::fs::{self, OpenOptions};
    use std::io::{Seek as _, Write as _};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    /// Names the point, its number, and the file that counts.
    const VARIABLE: &str = "PADDOCK_FAIL_POINT";

    /// Every point: its name, and what has happened when it is reached. In the order in which an objective's life
    /// passes them. The crash matrix goes through this very table.
    pub const POINTS: &[(&str, &str)] = &[
        ("migration.before", "the database is opened and checked; its schema is old"),
        ("migration.step", "a step is made, its transaction is open"),
        ("migration.after", "the schema is new"),
        ("decide.before_append", "decided, and given to nobody"),
        ("store.before_commit", "written into a transaction that is open"),
        ("store.after_commit", "recorded; nothing follows yet, nobody has been answered"),
        ("answer.before", "a command is recorded and not answered"),
        ("answer.after", "a command is answered"),
        ("integration.before", "the integration ref is ordered"),
        ("integration.after", "the ref exists; nobody was told"),
        ("worktree.before", "a worktree is ordered"),
        ("worktree.intent", "git knows nothing yet; the note says that it is being made"),
        ("worktree.unmarked", "git has made it; the mark that it is ours is missing"),
        ("worktree.after", "it is made; nobody was told"),
        ("spawn.before", "a session is ordered; its folder does not exist"),
        ("spawn.prompt", "its prompt is written"),
        ("spawn.submission", "session.json is written; there is no keeper"),
        ("spawn.after", "its keeper was started; nobody waits for it"),
        ("keeper.before_claim", "the keeper lives and holds its locks; no claim"),
        ("keeper.after_claim", "it has claimed the job; the command was not started"),
        ("keeper.after_spawn", "the command runs"),
        ("keeper.before_record", "the command has ended; no record of it"),
        ("keeper.after_record", "the record is written; the keeper lives"),
        ("adopt.before", "a job of an earlier supervisor is to be found again"),
        ("adopt.after", "it was found; nobody was told"),
        ("checkpoint.counted", "new commits of a running session were seen; nobody was told"),
        ("stop.before", "a session is to be stopped"),
        ("stop.after", "its keeper was asked to"),
        ("harvest.before", "a session has ended; its worktree was not looked at"),
        ("salvage.before", "uncommitted work was found"),
        ("salvage.unreferenced", "it is a commit, flushed, and no ref leads to it"),
        ("salvage.after", "a ref keeps it; nobody was told"),
        ("harvest.after", "everything is read; nobody was told"),
        ("plan.before", "a planner has ended; its output was not read"),
        ("plan.read", "its plan is read, its worktree is still there"),
        ("plan.after", "the worktree is gone; nobody was told"),
        ("candidate.before", "merges are ordered"),
        ("candidate.unreferenced", "they are made and flushed, and no ref leads to them"),
        ("candidate.after", "a ref keeps them; nobody was told"),
        ("gate.before", "a gate run is ordered"),
        ("gate.prepared", "its worktree is at the candidate; no keeper"),
        ("gate.after", "its keeper was started"),
        ("gate.output", "the run is over; its output was not read"),
        ("gate.told", "its output is read; nobody was told"),
        ("landing.before", "the intent is recorded; the ref was not looked at"),
        ("landing.checked", "the candidate is what was verified; the ref has not moved"),
        ("landing.moved", "the ref has moved, on disk; it was not read back"),
        ("landing.after", "landed; nobody was told"),
        ("note.before", "a proof is to be written"),
        ("note.after", "the note is written; its hash was not recorded"),
        ("publish.before", "the target branch is to follow"),
        ("publish.after", "it has; nobody was told"),
        ("publish.released", "told; the candidates' ref is gone"),
        ("cleanup.before", "a worktree is to be removed"),
        ("cleanup.moved", "its folder has another name; git knows it still"),
        ("cleanup.unregistered", "git has forgotten it; files are left under the other name"),
        ("cleanup.branch", "it is gone; its branch is still there"),
        ("cleanup.after", "the branch is gone; nobody was told"),
    ];

    /// Panics, or never comes back, if a test wants it here.
    #[track_caller]
    #[expect(clippy::panic, reason = "it is what is asked for, and only tests are built with it")]
    pub fn trouble_at(name: &'static str, about: &str) {
        let wanted = std::env::var("PADDOCK_TROUBLE").unwrap_or_default();
        let wanted = match wanted.split_once('@') {
            Some((wanted, only)) if only == about => wanted,
            Some(_) => return,
            None => &wanted,
        };
        match wanted.split_once(':') {
            Some(("panic", at)) if at == name => panic!("a test wants a panic at {name}"),
            Some(("panic-once", at)) if at == name && !PANICKED.swap(true, Ordering::SeqCst) => {
                panic!("a test wants one panic at {name}")
            }
            Some(("hang", at)) if at == name => loop {
                std::thread::park();
            },
            _ => {}
        }
    }

    /// Whether this process has panicked once already.
    static PANICKED: AtomicBool = AtomicBool::new(false);

    struct Chosen {
        name: String,
        nth: usize,
        file: String,
    }

    fn chosen() -> Option<&'static Chosen> {
        static CHOSEN: OnceLock<Option<Chosen>> = OnceLock::new();
        let read = || {
            let text = std::env::var(VARIABLE).ok()?;
            let (point, file) = text.split_once('@')?;
            let (name, nth) = point.rsplit_once(':')?;
            Some(Chosen { name: name.to_owned(), nth: nth.parse().ok()?, file: file.to_owned() })
        };
        CHOSEN.get_or_init(read).as_ref()
    }

    /// Counts a passing, and ends this process if it is the chosen one.
    pub fn reach(name: &'static str) {
        debug_assert!(POINTS.iter().any(|(known, _)| *known == name), "{name} is not in the table");
        if let Some(chosen) = chosen()
            && passing(chosen, name) == Some(chosen.nth)
        {
            let _ = kill_process(getpid(), Signal::KILL);
            // The signal arrives at the latest when this thread returns to the scheduler.
            loop {
                std::thread::park();
            }
        }
    }

    /// Which passing of the chosen point this is; none of another point.
    fn passing(chosen: &Chosen, name: &str) -> Option<usize> {
        let mut file = OpenOptions::new().create(true).append(true).open(&chosen.file).ok()?;
        // One write, so that lines of several processes never mix; where it ended up tells what was before it.
        file.write_all(format!("{name}\n").as_bytes()).ok()?;
        let end = usize::try_from(file.stream_position().ok()?).ok()?;
        let bytes = fs::read(&chosen.file).ok().filter(|_| name == chosen.name)?;
        let before = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
        Some(before.lines().filter(|line| *line == name).count())
    }
}
