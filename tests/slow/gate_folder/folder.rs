//! The gate's side: one gate folder, in which a keeper runs the commands as it does for the queue.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use paddock_git::gate_cache::{self, CachePlace};
use paddock_git::{GatePlace, HoldOrder, LookOrder, Repository, StatTrust, cache_key, gate_paths, hold};
use paddock_model::ids::ObjectId;
use paddock_model::settings::GateCommand;
use paddock_model::tamper::patterns;
use paddock_os::files::make_private_dir;
use paddock_runner::{
    ExitRecord, JobKey, JobKind, JobReport, JobSpec, LOOK_STAGE, Limits, LocalRunner, Resources, Runner,
    SecretValues, StageOutcome, StopSignal,
};
use paddock_supervisor::gate_job::{GateJob, look_result};
use paddock_testkit::DEADLINE;

/// How a run ended.
pub(super) enum Ended {
    Green,
    /// A command failed.
    Red(String),
    /// A command changed files by which the gate judges.
    Changed(String),
    NotEvaluated(String),
}

/// Agrees to the filters that the user's own configuration names, as `project add` does.
fn agreed(repository: &Repository) -> Repository {
    let now = repository.execution_config().unwrap();
    repository.agreeing(now.entries)
}

impl Ended {
    /// Returns the end in words, for a person who looks into a failure.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Green => "green".to_owned(),
            Self::Red(why) => format!("red: {why}"),
            Self::Changed(why) => format!("the gate was changed: {why}"),
            Self::NotEvaluated(why) => format!("not evaluated: {why}"),
        }
    }
}

/// What a run starts with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Kept,
    FromNothing,
}

/// The gate folders of one case.
pub(super) struct Folder {
    repository: Repository,
    repo_root: PathBuf,
    root: PathBuf,
    runner: LocalRunner,
    reports: Receiver<JobReport>,
    trust: StatTrust,
    kept: Vec<String>,
    runs: u64,
}

impl Folder {
    /// Makes a folder that keeps these folders between runs.
    pub(super) fn new(repo_root: &Path, root: &Path, trust: StatTrust, kept: &[&str]) -> Self {
        let (sender, reports) = channel();
        let program = paddock_testkit::program();
        let runner =
            LocalRunner::with_program(&root.join("runtime"), sender, program, BTreeMap::new()).unwrap();
        Self {
            repository: agreed(&Repository::open(repo_root).unwrap()),
            repo_root: repo_root.to_owned(),
            root: root.to_owned(),
            runner,
            reports,
            trust,
            kept: kept.iter().map(|&path| path.to_owned()).collect(),
            runs: 0,
        }
    }

    fn place(&self, start: Start) -> CachePlace {
        let name = if start == Start::FromNothing { "_fresh-1" } else { "_gate-1" };
        CachePlace {
            folder: self.root.join("wt").join(name),
            base: self.root.join(format!("wt/{name}.cache")),
            private: self.root.join("runtime/gate-folders").join(name),
        }
    }

    /// Returns the folder that outlives runs.
    pub(super) fn path(&self) -> PathBuf {
        self.place(Start::Kept).folder
    }

    /// Brings the folder to a commit. Returns why that was not possible.
    pub(super) fn hold(&self, commit: &ObjectId, start: Start) -> Result<LookOrder, String> {
        let CachePlace { folder, base, private } = self.place(start);
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        make_private_dir(&private).unwrap();
        let place = GatePlace { folder: folder.clone(), private: private.clone() };
        let order = HoldOrder {
            commit,
            kept: &self.kept,
            start_from_nothing: start == Start::FromNothing,
            trust: self.trust,
        };
        let held = hold(&self.repository, &place, &order).map_err(|error| error.to_string())?;
        let cache = CachePlace { folder, base, private };
        if start == Start::Kept {
            gate_cache::restore(&cache, &self.kept, &self.key(commit), self.trust).unwrap();
        } else {
            gate_cache::empty(&cache, &self.kept).unwrap();
        }
        Ok(LookOrder {
            place,
            repo_root: self.repo_root.clone(),
            git_dir: held.worktree.git_dir,
            commit: commit.clone(),
            kept: self.kept.clone(),
            gate_patterns: patterns(None),
            gate_paths: Vec::new(),
            is_set_up: false,
            must_mend: false,
            agreed: self.repository.execution_config().unwrap().entries,
        })
    }

    fn key(&self, commit: &ObjectId) -> String {
        cache_key(&self.repository, commit, &self.kept, None, 0).unwrap()
    }

    /// Makes what the last run left the caches of later runs, as its landing does.
    pub(super) fn keep(&self, commit: &ObjectId) {
        let place = self.place(Start::Kept);
        gate_cache::keep(&place, &self.kept, &self.key(commit), None, self.trust).unwrap();
    }

    /// Runs the gate on a folder that holds the commit. Where nothing is kept, the set-up runs every time.
    pub(super) fn run(&mut self, look: LookOrder, setup: Option<&str>, commands: &[String]) -> Ended {
        self.runs += 1;
        let dir = self.root.join(format!("runtime/gates/{}", self.runs));
        let worktree = look.place.folder.clone();
        let command = |run: &String| GateCommand::new(run.clone(), run.clone(), 1);
        let job = GateJob {
            tests: Vec::new(),
            commands: &commands.iter().map(command).collect::<Vec<_>>(),
            setup: setup.map(|command| (command, 60_000)),
            look: LookOrder { gate_paths: gate_paths(commands), ..look },
        };
        let mut stages = job.stages(&dir).unwrap();
        for stage in stages.iter_mut().filter(|stage| stage.name == LOOK_STAGE) {
            // The running program is this test.
            stage.argv[0] = paddock_testkit::program().into();
            if self.trust == StatTrust::ChangeTime {
                let without_clock = ["setpriv", "--bounding-set=-sys_time"].map(Into::into);
                stage.argv.splice(0..0, without_clock);
            }
        }
        let spec = JobSpec {
            key: JobKey { kind: JobKind::Gate, id: self.runs, attempt: 1 },
            dir,
            worktree,
            stages,
            stdin: None,
            env_set: BTreeMap::new(),
            env_names: Vec::new(),
            env_values: SecretValues::default(),
            env_unset: Vec::new(),
            limits: Limits::default(),
            stop_signal: StopSignal::Term,
            resources: Resources::default(),
            slot: None,
        };
        self.runner.submit(&spec).unwrap();
        how_it_ended(&self.wait(spec.key), &spec.dir)
    }

    fn wait(&self, wanted: JobKey) -> ExitRecord {
        loop {
            match self.reports.recv_timeout(DEADLINE).unwrap() {
                JobReport::Ended { key, record } if key == wanted => return *record,
                JobReport::Lost { key, job } if key == wanted => panic!("lost: {job:?}"),
                _ => {}
            }
        }
    }
}

fn how_it_ended(record: &ExitRecord, dir: &Path) -> Ended {
    let Some(failed) = record.stages.iter().position(|stage| !stage.succeeded()) else {
        return Ended::Green;
    };
    let stage = &record.stages[failed];
    if stage.name != LOOK_STAGE {
        return Ended::Red(format!("{}: {:?}", stage.name, stage.outcome));
    }
    let looks = record.stages[..failed].iter().filter(|stage| stage.name == LOOK_STAGE).count();
    let has_set_up = record.stages.first().is_some_and(|stage| stage.name == paddock_runner::SET_UP_STAGE);
    let found = look_result(dir, looks + usize::from(!has_set_up));
    match stage.outcome {
        StageOutcome::Exited { code: 1 } => Ended::Changed(format!("{found:?}")),
        _ => Ended::NotEvaluated(format!("{:?} {found:?}", stage.outcome)),
    }
}

/// Returns whether looks can run without the right to set the clock, as for most users.
pub(super) fn can_drop_clock() -> bool {
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-sys_time", "true"]).output().is_ok_and(|output| output.status.success())
}
