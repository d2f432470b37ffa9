//! A run of the supervisor with a fault in it, and what has to be true after the next run.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use paddock_testkit::Sandbox;

/// Three objectives, which land one after the other through a gate.
pub(super) const LANDINGS: usize = 3;

/// So many failures are no passing fault.
const OFTEN: usize = 5;

/// What changes files or flushes them. A question mark: not every machine has a call of that name.
const CALLS: &[&str] =
    &["fsync", "fdatasync", "?rename", "renameat", "renameat2", "?link", "linkat", "?unlink", "unlinkat"];
/// Of the database also what fills the disk.
const STORE_CALLS: &[&str] = &["pwrite64", "ftruncate"];

/// In which process, and at which files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Site {
    /// The supervisor's one thread that writes the database.
    Store,
    /// All else that the supervisor does by itself, git's library included.
    Supervisor,
    /// The keeper of the first session, at the files of its job.
    Session,
    /// The keeper of the first gate run.
    Gate,
}

pub(super) const SITES: [Site; 4] = [Site::Store, Site::Supervisor, Site::Session, Site::Gate];

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Kill,
    Eio,
    Enospc,
}

pub(super) const KINDS: [Kind; 3] = [Kind::Kill, Kind::Eio, Kind::Enospc];

/// One fault: at the N-th such call of a thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub site: Site,
    pub call: &'static str,
    pub nth: usize,
    pub kind: Kind,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {} {} of {:?}", self.kind, self.call, self.nth, self.site)
    }
}

impl Fault {
    fn expression(&self) -> String {
        let what = match self.kind {
            Kind::Kill => "signal=SIGKILL",
            Kind::Eio => "error=EIO",
            Kind::Enospc => "error=ENOSPC",
        };
        format!("inject={}:{what}:when={}", self.call, self.nth)
    }
}

impl Site {
    pub(super) fn calls(self) -> impl Iterator<Item = &'static str> {
        let more: &[&str] = if self == Self::Store { STORE_CALLS } else { &[] };
        CALLS.iter().chain(more).copied()
    }

    /// The files that are meant; empty: all.
    fn files(self, place: &Sandbox) -> Vec<PathBuf> {
        let runtime = place.root().join("runtime");
        let job = match self {
            Self::Supervisor => return Vec::new(),
            Self::Store => {
                return ["", "-wal", "-shm"].map(|end| runtime.join(format!("paddock.db{end}"))).into();
            }
            Self::Session => runtime.join("sessions/1"),
            Self::Gate => runtime.join("gates/1"),
        };
        let names = ["claim.json", "exit.json", "progress.json", "members.json", "start-error.json"];
        names.iter().map(|name| job.join(name)).chain([job.clone()]).collect()
    }

    /// Whether keepers are followed. Else every process is let go that runs another program.
    fn is_of_keepers(self) -> bool {
        matches!(self, Self::Session | Self::Gate)
    }
}

/// A project whose three objectives are ready.
pub(super) fn project(place: &Sandbox) -> PathBuf {
    let repository = place.project("web", "verify: [{name: there, run: \"test -f README.md\"}]");
    let objective = |id: &&str| {
        let scope = format!("{id}.txt");
        ((*id).to_owned(), Vec::new(), scope.clone(), format!("commit {scope}; over"))
    };
    place.plan(&["one", "two", "three"].iter().map(objective).collect::<Vec<_>>());
    repository
}

/// Runs the supervisor until nothing can move, under strace with this expression; its exit code, none: it was
/// killed. What strace tells goes to `log`.
fn traced(place: &Sandbox, site: Site, expression: &str, only: &[PathBuf]) -> (Option<i32>, String) {
    let log = place.path("trace");
    let mut command = place.program("strace");
    command.args(["-f", "-qq", "-o"]).arg(&log).arg(format!("-e{expression}"));
    if !site.is_of_keepers() {
        command.args(["-b", "execve"]);
    }
    for path in only {
        command.arg("-P").arg(path);
    }
    command.arg(paddock_testkit::program()).arg("--root").arg(place.root());
    command.args(["run", "--no-tui", "--until-idle"]).stdout(Stdio::null());
    let status = command.stderr(fs::File::create(place.path("problems")).unwrap()).status().unwrap();
    (status.code(), fs::read_to_string(log).unwrap_or_default())
}

/// A run with an expression of strace's own, at one file or folder.
pub(super) fn run(place: &Sandbox, inject: &str, only: &Path) -> Option<i32> {
    traced(place, Site::Supervisor, &format!("inject={inject}"), &[only.to_owned()]).0
}

/// How often each call was made by the thread that made it most often, in a run without a fault.
pub(super) fn recorded(site: Site) -> BTreeMap<&'static str, usize> {
    let place = Sandbox::new();
    let repository = project(&place);
    let expression = format!("trace={}", site.calls().collect::<Vec<_>>().join(","));
    let (ended, log) = traced(&place, site, &expression, &site.files(&place));
    assert_eq!(ended, Some(0), "{log}");
    has_landed_everything(&place, &repository);
    let mut counts = BTreeMap::<(&str, &str), usize>::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(char::is_whitespace) else { continue };
        if let Some((call, _)) = rest.trim_start().split_once('(') {
            *counts.entry((thread, call)).or_default() += 1;
        }
    }
    let most = |call: &'static str| {
        let of_call = counts.iter().filter(|((_, found), _)| *found == call.trim_start_matches('?'));
        (call, of_call.map(|(_, count)| *count).max().unwrap_or(0))
    };
    site.calls().map(most).filter(|(_, count)| *count > 0).collect()
}

/// What a case came to.
pub(super) struct Outcome {
    /// Whether the fault was met at all: no two runs make the same calls.
    pub was_met: bool,
    /// How long the supervisor after it took until it was at work; none when the faulty run came to its end itself.
    pub recovery: Option<Duration>,
}

/// A run with this fault, then one without; everything must have landed as if nothing had been.
pub(super) fn survives(fault: Fault) -> Outcome {
    let place = Sandbox::new();
    let repository = project(&place);
    let (ended, log) = traced(&place, fault.site, &fault.expression(), &fault.site.files(&place));
    let was_met = log.contains("(INJECTED)") || log.contains("killed by SIGKILL");
    let begun = Instant::now();
    let mut supervisor = place.supervisor(&["--until-idle"]);
    let recovery = (ended != Some(0)).then(|| begun.elapsed());
    let mut code = supervisor.end();
    // strace counts for each thread: a call of threads that live shortly fails every time. Then the disk is broken as
    // far as Paddock can tell, a person is asked, and it goes on when they say so.
    if code == 3 && log.matches("(INJECTED)").count() >= OFTEN {
        let explained = place.run(&["explain"]).1;
        assert!(explained.contains("tried 5 times: "), "the cause is not shown: {explained}");
        place.good(&["queue", "release"]);
        code = place.supervisor(&["--until-idle"]).end();
    }
    let said =
        || fs::read_to_string(place.path("problems")).unwrap() + &place.run(&["explain"]).1 + &logged(&place);
    assert_eq!(code, 0, "{fault:?}: {ended:?}, then {code}: {}", said());
    has_landed_everything(&place, &repository);
    Outcome { was_met, recovery }
}

/// What Paddock logged.
fn logged(place: &Sandbox) -> String {
    let files = fs::read_dir(place.root().join("runtime/logs")).unwrap().flatten();
    files.map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect()
}

/// Everything has landed exactly once, is proven, and nothing is left over.
pub(super) fn has_landed_everything(place: &Sandbox, repository: &Path) {
    for id in ["one", "two", "three"] {
        assert_eq!(place.status_of(id)["status"], "done", "{id}");
    }
    place.is_tidy(repository, LANDINGS);
    place.good(&["verify"]);
}
