//! Fail points: moments between an intent and its record at which a test kills this process, as a power cut
//! would.
//!
//! The feature `fail_points` switches them on. Without it the program contains neither their code nor their
//! names. The macros are defined here for all callers, so the feature of this crate alone decides. Only tests
//! build with it (the root package's `[dev-dependencies]`).
//!
//! `PADDOCK_FAIL_POINT=NAME:N@FILE`: each time that any process with this variable passes a point, it appends
//! the point's name to the file as a line. The process that passes NAME for the N-th time kills itself with
//! SIGKILL. The count is in the file, so exactly one process dies, once, however often Paddock is started
//! again with the variable.

/// Marks a moment at which a test may kill the process. Expands to nothing without the feature.
#[cfg(feature = "fail_points")]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {
        $crate::fail_points::reach($name)
    };
}

/// Marks a moment at which a test may kill the process. Expands to nothing without the feature.
#[cfg(not(feature = "fail_points"))]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {};
}

/// Marks a place at which a test may make a thread panic or hang: `PADDOCK_TROUBLE=panic:NAME`,
/// `panic-once:NAME` or `hang:NAME`. With `@ABOUT` appended, only for the subject that the place passes as
/// its second argument. Expands to nothing without the feature.
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

/// Marks a place at which a test may make a thread panic or hang. Expands to nothing without the feature.
#[cfg(not(feature = "fail_points"))]
#[macro_export]
macro_rules! trouble_point {
    ($name:literal) => {};
    ($name:literal, $about:expr) => {};
}

pub use crate::{fail_point, trouble_point};

/// Whether this program is built with fail points.
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

    /// Environment variable with the name of the point, the number of the passing, and the file that counts.
    const VARIABLE: &str = "PADDOCK_FAIL_POINT";

    /// Every point: its name, and the state of things when it is passed. In the order in which the life of an
    /// objective passes them. The crash tests go through this table.
    pub const POINTS: &[(&str, &str)] = &[
        ("migration.before", "the database is opened and checked; its schema is old"),
        ("migration.step", "a step is made, its transaction is open"),
        ("migration.after", "the schema is new"),
        ("decide.before_append", "the engine has decided; the store has no events yet"),
        ("store.before_commit", "events are written to an open transaction"),
        ("store.after_commit", "events are recorded; no effect has run, no answer was sent"),
        ("answer.before", "a command is recorded and not answered"),
        ("answer.after", "a command is answered"),
        ("integration.before", "the integration ref is ordered"),
        ("integration.after", "the integration ref exists; the kernel does not know yet"),
        ("worktree.before", "a worktree is ordered"),
        ("worktree.intent", "the note of the intent is written; git has not made the worktree yet"),
        ("worktree.unmarked", "git has made the worktree; Paddock's marker in it is missing"),
        ("place.shadow", "the shadow of an own place is made; the place has no files"),
        ("place.files", "an own place has its files; it has no repository"),
        ("place.given", "an own place has what the project has now; its session is not prepared"),
        ("worktree.after", "the worktree is made; the kernel does not know yet"),
        ("spawn.before", "a session is ordered; its folder does not exist"),
        ("spawn.prompt", "the session's prompt is written"),
        ("spawn.submission", "session.json is written; there is no keeper"),
        ("spawn.after", "the keeper is started; no thread waits for it yet"),
        ("keeper.before_claim", "the keeper lives and holds its locks; there is no claim"),
        ("keeper.after_claim", "the keeper has claimed the job; the command is not started"),
        ("keeper.after_spawn", "the command runs"),
        ("keeper.before_record", "the command has ended; there is no record of it"),
        ("keeper.after_record", "the record is written; the keeper lives"),
        ("adopt.before", "a job of an earlier supervisor is to be adopted"),
        ("adopt.after", "the job is adopted; the kernel does not know yet"),
        ("checkpoint.counted", "new commits of a running session are counted; the kernel does not know yet"),
        (
            "home.packed",
            "a place's new objects are checked and flushed in quarantine; the project has none of them",
        ),
        ("home.kept", "the file that keeps the pack is there; the pack is still in quarantine"),
        ("home.moved", "the project has the objects; no ref leads to them"),
        ("home.refs", "refs keep what is beside the work branch; the branch has not moved"),
        ("home.moving", "the move of the work branch is recorded as an intent; the branch has not moved"),
        ("home.recorded", "the branch has moved and the record is written"),
        ("stop.before", "a session is to be stopped"),
        ("stop.after", "the session's keeper is asked to stop it"),
        ("harvest.before", "a session has ended; its worktree is not read"),
        ("salvage.before", "uncommitted work is found"),
        ("salvage.unreferenced", "the uncommitted work is in a flushed commit; no ref points to it"),
        ("salvage.after", "a ref keeps the salvaged commit; the kernel does not know yet"),
        ("harvest.after", "the harvest is complete; the kernel does not know yet"),
        ("pool.retired", "a worktree's folder lies in the pool; git still knows the worktree"),
        ("pool.reset", "an entry of the pool is at the tip; it does not count yet"),
        ("pool.taken", "files of the pool are at the commit; they lie in the pool still"),
        ("pool.renamed", "files of the pool lie where the worktree is to be; git does not know them"),
        ("plan.before", "a planner has ended; its output is not read"),
        ("plan.read", "the plan is read; the planner's worktree is still there"),
        ("plan.after", "the planner's worktree is gone; the kernel does not know yet"),
        ("candidate.before", "merges are ordered"),
        ("candidate.unreferenced", "the merges are made and flushed; no ref points to them"),
        ("candidate.after", "a ref keeps the merges; the kernel does not know yet"),
        ("gate.before", "a gate run is ordered"),
        ("gate.prepared", "the gate worktree is at the candidate; there is no keeper"),
        ("gate.after", "the run's keeper is started"),
        ("gate.output", "the run is over; its output is not read"),
        ("gate.told", "the run's output is read; the kernel does not know yet"),
        ("compare.before", "a run is green; its tests are not compared with those on the base"),
        ("landing.before", "the intent is recorded; the ref is not read"),
        ("landing.checked", "the candidate is what the gate passed; the ref has not moved"),
        ("landing.moved", "the ref has moved, on disk; it is not read back"),
        ("landing.after", "the landing is done; the kernel does not know yet"),
        ("note.before", "a proof is to be written"),
        ("note.after", "the note is written; its hash is not recorded"),
        ("publish.before", "a publication is ordered"),
        ("publish.after", "the target branch has moved; the kernel does not know yet"),
        ("publish.released", "the publication is reported; the candidates' ref is gone"),
        ("cleanup.before", "a worktree is to be removed"),
        ("cleanup.moved", "the worktree's folder has another name; git still knows the worktree"),
        (
            "cleanup.forgotten",
            "git has forgotten the worktree; its git directory lies in Paddock's own folder",
        ),
        ("cleanup.unregistered", "git has forgotten the worktree; files are left under the other name"),
        ("cleanup.branch", "the worktree is gone; its branch is still there"),
        ("cleanup.after", "the branch is gone; the kernel does not know yet"),
    ];

    /// Panics or hangs, if a test wants that at this place.
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

    /// Whether this process has panicked at a `panic-once` place already.
    static PANICKED: AtomicBool = AtomicBool::new(false);

    /// The passing at which a test wants the process to die.
    struct Chosen {
        name: String,
        /// Number of the passing, counted from 1.
        nth: usize,
        /// The file that counts.
        file: String,
    }

    /// Reads the variable once. Returns `None` if it is not set or has another form.
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

    /// Counts a passing, and kills this process if it is the chosen one.
    pub fn reach(name: &'static str) {
        debug_assert!(POINTS.iter().any(|(known, _)| *known == name), "{name} is not in the table");
        if let Some(chosen) = chosen()
            && passing(chosen, name) == Some(chosen.nth)
        {
            let _ = kill_process(getpid(), Signal::KILL);
            // The signal may arrive only when this thread returns to the scheduler, and nothing may run until
            // then.
            loop {
                std::thread::park();
            }
        }
    }

    /// Writes the passing to the file. Returns its number if it is one of the chosen point.
    fn passing(chosen: &Chosen, name: &str) -> Option<usize> {
        let mut file = OpenOptions::new().create(true).append(true).open(&chosen.file).ok()?;
        // One write in append mode, so that the lines of several processes never mix. Its position says how
        // many lines came before it.
        file.write_all(format!("{name}\n").as_bytes()).ok()?;
        let end = usize::try_from(file.stream_position().ok()?).ok()?;
        let bytes = fs::read(&chosen.file).ok().filter(|_| name == chosen.name)?;
        let before = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
        Some(before.lines().filter(|line| *line == name).count())
    }
}
