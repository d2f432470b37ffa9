//! A run of the supervisor with an injected fault, and the checks after the next run.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use paddock_testkit::Sandbox;

/// Number of objectives, which land one after the other through a gate.
pub(super) const LANDINGS: usize = 3;

/// From this number of failures on, Paddock may treat the fault as permanent and ask a person.
const OFTEN: usize = 5;

/// System calls that change or flush files. With a question mark strace accepts that the machine lacks the
/// call.
const CALLS: &[&str] =
    &["fsync", "fdatasync", "?rename", "renameat", "renameat2", "?link", "linkat", "?unlink", "unlinkat"];
/// Calls that are also tried at the database's files: they use up disk space.
const STORE_CALLS: &[&str] = &["pwrite64", "ftruncate"];

/// The process, and the files, at which a fault is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Site {
    /// The supervisor's thread that writes the database.
    Store,
    /// Everything else that the supervisor does in its own process, including libgit2.
    Supervisor,
    /// The keeper of the first session, at the files of its job.
    Session,
    /// The keeper of the first gate run.
    Gate,
}

pub(super) const SITES: [Site; 4] = [Site::Store, Site::Supervisor, Site::Session, Site::Gate];

/// The fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Kill,
    Eio,
    Enospc,
}

pub(super) const KINDS: [Kind; 3] = [Kind::Kill, Kind::Eio, Kind::Enospc];

/// One fault, at the n-th such call of a thread.
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

    /// Returns the files at which calls count. Empty: all files.
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

    /// Returns whether strace follows keepers. Otherwise it detaches from every process that executes another
    /// program.
    fn is_of_keepers(self) -> bool {
        matches!(self, Self::Session | Self::Gate)
    }
}

/// Makes a project with three ready objectives.
pub(super) fn project(place: &Sandbox) -> PathBuf {
    let repository = place.project("web", "verify: [{name: there, run: \"test -f README.md\"}]");
    let objective = |id: &&str| {
        let scope = format!("{id}.txt");
        ((*id).to_owned(), Vec::new(), scope.clone(), format!("commit {scope}; over"))
    };
    place.plan(&["one", "two", "three"].iter().map(objective).collect::<Vec<_>>());
    repository
}

/// Runs the supervisor under strace with this expression until nothing can move. Returns the exit code
/// (`None`: it was killed) and strace's log.
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

/// Runs the supervisor with a fault in strace's own words, at one file or folder.
pub(super) fn run(place: &Sandbox, inject: &str, only: &Path) -> Option<i32> {
    traced(place, Site::Supervisor, &format!("inject={inject}"), &[only.to_owned()]).0
}

/// Counts calls in a run without a fault: for each call, the count of the thread that made it most often.
/// strace counts `when=` per thread as well.
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

/// The outcome of a case.
pub(super) struct Outcome {
    /// Whether the fault happened at all: no two runs make exactly the same calls.
    pub was_met: bool,
    /// How long the next supervisor took to be at work. `None` if the run with the fault finished by itself.
    pub recovery: Option<Duration>,
}

/// Runs with this fault and then without; asserts that everything has landed as if nothing had happened.
pub(super) fn survives(fault: Fault) -> Outcome {
    let place = Sandbox::new();
    let repository = project(&place);
    let (ended, log) = traced(&place, fault.site, &fault.expression(), &fault.site.files(&place));
    let was_met = log.contains("(INJECTED)") || log.contains("killed by SIGKILL");
    let begun = Instant::now();
    let mut supervisor = place.supervisor(&["--until-idle"]);
    let recovery = (ended != Some(0)).then(|| begun.elapsed());
    let mut code = supervisor.end();
    // strace counts per thread, so the call fails in each new short-lived thread. To Paddock the disk is
    // broken then: it asks a person, and continues after a release.
    if code == 3 && log.matches("(INJECTED)").count() >= OFTEN {
        let explained = place.run(&["explain"]).1;
        assert!(explained.contains("tried 5 times: "), "`explain` does not name the fault: {explained}");
        place.good(&["queue", "release"]);
        code = place.supervisor(&["--until-idle"]).end();
    }
    let said =
        || fs::read_to_string(place.path("problems")).unwrap() + &place.run(&["explain"]).1 + &logged(&place);
    assert_eq!(code, 0, "{fault:?}: {ended:?}, then {code}: {}", said());
    has_landed_everything(&place, &repository);
    Outcome { was_met, recovery }
}

/// Returns Paddock's logs.
fn logged(place: &Sandbox) -> String {
    let files = fs::read_dir(place.root().join("runtime/logs")).unwrap().flatten();
    files.map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect()
}

/// Asserts that everything has landed exactly once, with proofs, and that nothing is left over.
pub(super) fn has_landed_everything(place: &Sandbox, repository: &Path) {
    for id in ["one", "two", "three"] {
        assert_eq!(place.status_of(id)["status"], "done", "{id}");
    }
    place.is_tidy(repository, LANDINGS);
    place.good(&["verify"]);
}
