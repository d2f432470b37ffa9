//! Reads the output of gate runs: how each command ended, and while a run is under way its progress for the
//! gauges.

use std::path::{Path, PathBuf};

use super::super::clock::now_ms;
use super::super::disk_space::is_disk_full;
use super::super::gate_job::{EXIT_GATE_CHANGED, LookResult, look_result};
use super::super::test_reports::{TestOrder, orders};
use super::super::world::World;
use super::evidence::{self, Reported};
use paddock_git::says_disk_full;
use paddock_ipc::Gauge;
use paddock_model::gate::{ChangedFiles, CommandResult, GateRun, Space, Verdict};
use paddock_model::ids::GateId;
use paddock_model::session::Exit;
use paddock_model::settings::GateCommand;
use paddock_model::state::State;
use paddock_runner::log::stretch::{Stretch, stretches};
use paddock_runner::log::{LogReader, Stream};
use paddock_runner::record::Progress;
use paddock_runner::{ExitRecord, LOOK_STAGE, SET_UP_STAGE, StageEnd, StageOutcome};

/// Bytes at the end of a command's output that are searched for words about a full disk.
const SUMMARY_BYTES: u64 = 4 << 20;
/// Most bytes kept of a line. No summary is longer.
const LINE_BYTES_MAX: usize = 4_096;

/// Returns how each command of a run that is over ended, and which tests it reported. Reads the run's output,
/// so the kernel's thread must not call this.
#[must_use]
pub fn command_results(record: &ExitRecord, dir: &Path, worktree: &Path) -> Vec<CommandResult> {
    // The space is measured when the run is over, which may be after it was freed again; the output is
    // searched as well.
    let is_full = record.temporary_lacked_space
        || is_disk_full(worktree)
        || is_disk_full(&std::env::temp_dir())
        || is_disk_full(dir);
    let mut results: Vec<CommandResult> = Vec::new();
    let orders = orders(dir);
    let (mut commands, mut looks) = (0, 0);
    for (stage, stretch) in record.stages.iter().zip(stretches(record)) {
        match stage.name.as_str() {
            LOOK_STAGE => {
                looks += 1;
                let found = look_result(dir, commands).unwrap_or_default();
                take_look(&mut results, stage, found, commands == 0);
            }
            // A set-up that succeeded is no result; one that failed is the reason why no command ran.
            SET_UP_STAGE if stage.succeeded() => {}
            name => {
                commands += usize::from(name != SET_UP_STAGE);
                let order = commands.checked_sub(1).and_then(|place| orders.get(place));
                let run = EndedCommand { stage, stretch: &stretch, dir, place: commands };
                results.push(command_result(&run, is_full, order.unwrap_or(&TestOrder::default())));
            }
        }
    }
    // An earlier build started the run. It held the folder against nothing, so its green proves nothing.
    if looks == 0 && commands > 0 && results.iter().all(|result| result.verdict() == Verdict::Green) {
        results.push(no_verdict(
            "an earlier version of Paddock started this run and did not look at the gate's folder".to_owned(),
        ));
    }
    results
}

/// Adds what a look found to the result of the command before it. A look that failed leaves the run without a
/// verdict.
fn take_look(results: &mut Vec<CommandResult>, stage: &StageEnd, found: LookResult, is_set_up: bool) {
    let is_red = stage.outcome == StageOutcome::Exited { code: EXIT_GATE_CHANGED };
    let changed = found.looked.and_then(|looked| looked.changed);
    // The exit code reached the keeper; the file with the names may be gone.
    let nameless = || ChangedFiles { paths: Vec::new(), count: 1, is_gate: true };
    if let Some(result) = results.last_mut() {
        result.changed = match is_red {
            true => Some(ChangedFiles { is_gate: true, ..changed.unwrap_or_else(nameless) }),
            false => changed,
        };
    }
    // A look that was stopped belongs to a run that was cancelled.
    if stage.succeeded() || is_red || stage.outcome == StageOutcome::Stopped {
        return;
    }
    let text = found.problem.unwrap_or_else(|| "the gate's folder could not be looked at".to_owned());
    let mut result = no_verdict(text.clone());
    if is_set_up {
        result.exit = Exit::SetupFailed(text);
    }
    results.push(result);
}

/// Returns the result of a run whose folder could not be held against the commit.
fn no_verdict(text: String) -> CommandResult {
    CommandResult::new(LOOK_STAGE, Exit::NotStarted(text))
}

fn command_result(run: &EndedCommand<'_>, is_full: bool, order: &TestOrder) -> CommandResult {
    let EndedCommand { stage, stretch, dir, .. } = *run;
    let has_passed = stage.outcome == StageOutcome::Exited { code: 0 };
    let has_failed = matches!(stage.outcome, StageOutcome::Exited { .. }) && !has_passed;
    let is_said = has_failed && printed_full(stretch, dir);
    let (exit, says_full) = match &stage.outcome {
        StageOutcome::Exited { code } => Space { is_missing: is_full, is_said }.exit(*code),
        StageOutcome::Signaled { signal } => (Exit::Signal(*signal), false),
        StageOutcome::NotStarted { text, .. } => (Exit::NotStarted(text.clone()), false),
        StageOutcome::TimedOut | StageOutcome::Stopped => (Exit::Signal(15), false),
    };
    let is_set_up = stage.name == SET_UP_STAGE && stage.outcome != StageOutcome::Stopped;
    let has_exited = matches!(stage.outcome, StageOutcome::Exited { .. }) && stage.name != SET_UP_STAGE;
    let reported = if has_exited { evidence::read(run, order) } else { Reported::default() };
    CommandResult {
        name: stage.name.clone(),
        exit: if is_set_up { setup_exit(exit) } else { exit },
        timed_out: stage.outcome == StageOutcome::TimedOut,
        took_ms: stage.awake_ms,
        no_tests: reported.no_tests.filter(|_| has_passed),
        says_full,
        changed: None,
        tests: reported.tests,
        lack: reported.lack,
    }
}

/// Returns the exit of a set-up. A failure is marked as one of the set-up: it says nothing about the tests.
fn setup_exit(exit: Exit) -> Exit {
    match exit {
        Exit::NotStarted(text) => Exit::SetupFailed(text),
        Exit::Code(_) | Exit::Signal(_) => Exit::SetupFailed(exit.to_string()),
        other => other,
    }
}

/// Returns whether the end of the output holds the system's message for a full disk or a spent quota.
fn printed_full(stretch: &Stretch, dir: &Path) -> bool {
    let mut found = false;
    each_line(stretch, dir, SUMMARY_BYTES, |line| found |= says_disk_full(line));
    found
}

/// A command of a run that is over.
#[derive(Clone, Copy)]
pub(super) struct EndedCommand<'r> {
    pub(super) stage: &'r StageEnd,
    pub(super) stretch: &'r Stretch,
    /// Folder of the run.
    pub(super) dir: &'r Path,
    /// Number of the command, from 1; 0 for the set-up.
    pub(super) place: usize,
}

/// Calls `take` with each line at the end of a command's output, standard output and standard error apart, at
/// most the last `bytes_max` of each. Returns whether that was all of it.
pub(super) fn each_line(stretch: &Stretch, dir: &Path, bytes_max: u64, mut take: impl FnMut(&str)) -> bool {
    // One unfinished line per stream: their pieces alternate, and must not be mixed into one line.
    let mut lines = [Vec::new(), Vec::new()];
    let read = stretch.read(dir, bytes_max, |stream, bytes| {
        let line = &mut lines[stream as usize];
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let left = LINE_BYTES_MAX.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(left)]);
            if part.ends_with(b"\n") {
                take(String::from_utf8_lossy(line).trim_end());
                line.clear();
            }
        }
    });
    lines.iter().filter(|line| !line.is_empty()).for_each(|line| take(&String::from_utf8_lossy(line)));
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, dir = %dir.display(), "the output of a gate run could not be read");
        false
    })
}

/// A gate run that is under way, with what [`watch`] needs of it.
pub(in super::super) struct Watched {
    gate: GateId,
    dir: PathBuf,
    /// Names of the gate's commands, in order.
    commands: Vec<String>,
}

/// Returns the gate runs that are under way.
pub(in super::super) fn watched(world: &World, state: &State) -> Vec<Watched> {
    let names = |commands: &[GateCommand]| commands.iter().map(|command| command.name.clone()).collect();
    let commands = |gate: &GateRun| match gate.commands.is_empty() {
        true => state.project(&gate.project).map_or(Vec::new(), |p| names(&p.settings.verify)),
        false => names(&gate.commands),
    };
    let open = state.open_gates().map(|gate| Watched {
        gate: gate.id,
        dir: world.workspace.gate_dir(gate.id),
        commands: commands(gate),
    });
    open.collect()
}

/// Sets the gauge `gate_progress` of each run: which command runs, since when, and how much it has printed.
pub(in super::super) fn watch(world: &World, runs: &[Watched]) {
    for run in runs {
        // No progress yet, or none any more: the gauge keeps its last value until the run's end is reported.
        let Ok(Some(progress)) = Progress::read(&run.dir) else { continue };
        // Between two commands the gauge keeps the one that has ended.
        if progress.name == LOOK_STAGE {
            continue;
        }
        let place = run.commands.iter().position(|name| *name == progress.name).unwrap_or(0);
        let length = |stream| LogReader::open(&run.dir, stream).length().unwrap_or(0);
        let started_ms = i64::try_from(progress.started_at_ms).unwrap_or(i64::MAX);
        let value = serde_json::json!({
            "command": progress.name,
            "index": place + 1,
            "of": run.commands.len(),
            "started_at_ms": progress.started_at_ms,
            "elapsed_seconds": now_ms().saturating_sub(started_ms).max(0) / 1_000,
            "stdout_from": progress.stdout_from,
            "stderr_from": progress.stderr_from,
            "stdout_bytes": length(Stream::Stdout),
            "stderr_bytes": length(Stream::Stderr),
        });
        let gate = Some(run.gate.0);
        world.gauges.set(Gauge { name: "gate_progress".to_owned(), session: None, gate, value });
    }
}
