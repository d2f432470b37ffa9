//! Shared by the tests of the runner: a folder with a runner, jobs made of shell scripts, and waiting for
//! reports.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use paddock_model::keeper::KeeperTrouble;
use paddock_runner::{
    ExitRecord, GuardTimes, JobKey, JobKind, JobReport, JobSpec, Limits, LocalRunner, LostJob, Resources,
    Runner, SecretValues, Stage, StopSignal,
};
use paddock_testkit::{DEADLINE, until};

/// A folder with a worktree `tree`, and a runner on it.
pub(super) struct Bench {
    pub folder: tempfile::TempDir,
    pub runner: Option<LocalRunner>,
    pub reports: Receiver<JobReport>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tree")).unwrap();
        let (runner, reports) = runner(folder.path());
        Self { folder, runner: Some(runner), reports }
    }

    /// A bench whose runner acts on keepers at other times.
    pub(super) fn guarding(times: GuardTimes) -> Self {
        let mut bench = Self::new();
        bench.runner = bench.runner.map(|runner| runner.guarded(times));
        bench
    }

    /// Replaces the runner by a new one, as after a crash of the supervisor: it knows only what is on disk.
    pub(super) fn restart(&mut self) {
        self.runner = None;
        let (runner, reports) = runner(self.folder.path());
        (self.runner, self.reports) = (Some(runner), reports);
    }

    pub(super) fn runner(&self) -> &LocalRunner {
        self.runner.as_ref().unwrap()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn job(&self, id: u64, script: &str) -> JobSpec {
        job(self.folder.path(), id, vec![stage("agent", script)])
    }

    pub(super) fn run(&self, spec: &JobSpec) -> ExitRecord {
        self.runner().submit(spec).unwrap();
        self.ended(spec.key)
    }

    pub(super) fn report(&self) -> JobReport {
        self.reports.recv_timeout(DEADLINE).unwrap()
    }

    pub(super) fn ended(&self, wanted: JobKey) -> ExitRecord {
        loop {
            match self.report() {
                JobReport::Ended { key, record } if key == wanted => return *record,
                JobReport::Lost { key, job } if key == wanted => panic!("lost: {job:?}"),
                _ => {}
            }
        }
    }

    /// Waits for the job's end and returns what was reported about its keeper, and the last report.
    pub(super) fn guarded(&self, wanted: JobKey) -> (Vec<KeeperTrouble>, JobReport) {
        let mut troubles = Vec::new();
        loop {
            match self.report() {
                JobReport::Trouble { key, trouble } if key == wanted => troubles.push(trouble),
                JobReport::Started { .. } => {}
                end => return (troubles, end),
            }
        }
    }

    pub(super) fn lost(&self, wanted: JobKey) -> LostJob {
        loop {
            match self.report() {
                JobReport::Lost { key, job } if key == wanted => return job,
                JobReport::Ended { key, record } if key == wanted => panic!("ended: {record:?}"),
                _ => {}
            }
        }
    }
}

fn runner(root: &Path) -> (LocalRunner, Receiver<JobReport>) {
    let (sender, receiver) = channel();
    let program = paddock_testkit::program();
    let environment = BTreeMap::from([("FROM_DOTENV".to_owned(), "dotenv".to_owned())]);
    let runner = LocalRunner::with_program(&root.join("runtime"), sender, program, environment).unwrap();
    (runner, receiver)
}

pub(super) fn stage(name: &str, script: &str) -> Stage {
    Stage {
        name: name.to_owned(),
        argv: vec![script.into()],
        shell: true,
        timeout_ms: None,
        counted: true,
        prompted: true,
    }
}

pub(super) fn job(root: &Path, id: u64, stages: Vec<Stage>) -> JobSpec {
    JobSpec {
        key: JobKey { kind: JobKind::Session, id, attempt: 1 },
        dir: root.join(format!("runtime/sessions/{id}")),
        worktree: root.join("tree"),
        stages,
        stdin: None,
        env_set: BTreeMap::new(),
        env_names: Vec::new(),
        env_values: SecretValues::default(),
        env_unset: Vec::new(),
        limits: Limits::default(),
        stop_signal: StopSignal::Term,
        resources: Resources { oom_score_adj: Some(500), ..Resources::default() },
        slot: None,
    }
}

/// Reads process ids, one per line, once the file has `count` of them. A line without its end may be half
/// written and does not count.
pub(super) fn pids(path: &Path, count: usize) -> Vec<i32> {
    let read = || -> Vec<i32> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().filter_map(|line| line.trim().parse().ok()).collect()
    };
    until("all processes wrote their ids", || read().len() >= count);
    read()
}

pub(super) fn lives(pid: i32) -> bool {
    paddock_os::processes::one(pid).is_some_and(|found| !found.zombie)
}

pub(super) fn log(dir: &Path, stream: paddock_runner::log::Stream) -> String {
    let reader = paddock_runner::log::LogReader::open(dir, stream);
    String::from_utf8(reader.read_at(0, 1_000_000).unwrap().bytes).unwrap()
}
