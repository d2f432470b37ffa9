//! What a gate run printed: how each command ended in the domain's words, and what a console follows meanwhile.

use std::path::{Path, PathBuf};

use super::super::clock::now_ms;
use super::super::disk_space::{is_disk_full, says_disk_full};
use super::super::world::World;
use paddock_agents::terminal::plain;
use paddock_engine::tests_run::TestsRun;
use paddock_ipc::Gauge;
use paddock_model::gate::{CommandResult, GateRun, Space};
use paddock_model::ids::GateId;
use paddock_model::session::Exit;
use paddock_model::state::State;
use paddock_runner::log::stretch::{Stretch, stretches};
use paddock_runner::log::{LogReader, Stream};
use paddock_runner::record::Progress;
use paddock_runner::{ExitRecord, StageEnd, StageOutcome};

/// Runners print their summary at the end: no more than this much of it is read, in bytes.
const SUMMARY_BYTES: u64 = 4 << 20;
/// A longer line is no summary.
const LINE_BYTES_MAX: usize = 4_096;

/// The stage that sets a gate worktree up, before the commands: it is none of them.
pub(super) const SETUP_STAGE: &str = "worktree.setup";

/// How each command of a run that is over ended. Reads its output: not for the kernel's thread.
pub(super) fn command_results(record: &ExitRecord, dir: &Path, worktree: &Path) -> Vec<CommandResult> {
    let is_full = is_disk_full(worktree) || is_disk_full(&std::env::temp_dir()) || is_disk_full(dir);
    let is_done = |stage: &StageEnd| stage.name == SETUP_STAGE && stage.succeeded();
    let stages = record.stages.iter().zip(stretches(record)).filter(|(stage, _)| !is_done(stage));
    stages.map(|(stage, stretch)| command_result(stage, &stretch, dir, is_full)).collect()
}

fn command_result(stage: &StageEnd, stretch: &Stretch, dir: &Path, is_full: bool) -> CommandResult {
    let has_passed = stage.outcome == StageOutcome::Exited { code: 0 };
    let has_failed = matches!(stage.outcome, StageOutcome::Exited { .. }) && !has_passed;
    let is_said = has_failed && printed_full(stretch, dir);
    let (exit, says_full) = match &stage.outcome {
        StageOutcome::Exited { code } => Space { is_missing: is_full, is_said }.exit(*code),
        StageOutcome::Signaled { signal } => (Exit::Signal(*signal), false),
        StageOutcome::NotStarted { text, .. } => (Exit::NotStarted(text.clone()), false),
        StageOutcome::TimedOut | StageOutcome::Stopped => (Exit::Signal(15), false),
    };
    let is_set_up = stage.name == SETUP_STAGE && stage.outcome != StageOutcome::Stopped;
    CommandResult {
        name: stage.name.clone(),
        exit: if is_set_up { of_set_up(exit) } else { exit },
        timed_out: stage.outcome == StageOutcome::TimedOut,
        took_ms: stage.awake_ms,
        no_tests: has_passed.then(|| no_tests(stretch, dir)).flatten(),
        says_full,
    }
}

/// A set-up that fails says nothing of the tests, whatever its exit status is.
fn of_set_up(exit: Exit) -> Exit {
    match exit {
        Exit::NotStarted(text) => Exit::SetupFailed(text),
        Exit::Code(_) | Exit::Signal(_) => Exit::SetupFailed(exit.to_string()),
        other => other,
    }
}

/// Output that cannot be read any more says nothing.
fn no_tests(stretch: &Stretch, dir: &Path) -> Option<String> {
    let mut read = TestsRun::default();
    each_line(stretch, dir, |line| push(&mut read, line));
    read.none_ran().map(str::to_owned)
}

/// Many runners colour their summaries, and some write them over a line that showed how far they were.
fn push(read: &mut TestsRun, line: &str) {
    plain(line.as_bytes()).lines().for_each(|line| read.push(line));
}

/// Whether the last lines say that the disk, or a quota, is full: the space may have been freed since.
fn printed_full(stretch: &Stretch, dir: &Path) -> bool {
    let mut found = false;
    each_line(stretch, dir, |line| found |= says_disk_full(line));
    found
}

fn each_line(stretch: &Stretch, dir: &Path, mut take: impl FnMut(&str)) {
    let mut lines = [Vec::new(), Vec::new()];
    let read = stretch.read(dir, SUMMARY_BYTES, |stream, bytes| {
        let line = &mut lines[stream as usize];
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                take(String::from_utf8_lossy(line).trim_end());
                line.clear();
            }
        }
    });
    lines.iter().filter(|line| !line.is_empty()).for_each(|line| take(&String::from_utf8_lossy(line)));
    if let Err(error) = read {
        tracing::warn!(%error, dir = %dir.display(), "the output of a gate run could not be read");
    }
}

/// The gate runs that are under way, as whoever watches them needs them.
pub(in super::super) struct Watched {
    gate: GateId,
    dir: PathBuf,
    commands: usize,
}

/// The gate runs that are under way.
pub(in super::super) fn watched(world: &World, state: &State) -> Vec<Watched> {
    let commands = |gate: &GateRun| match gate.commands.len() {
        0 => state.project(&gate.project).map_or(0, |project| project.settings.verify.len()),
        own => own,
    };
    let open = state.open_gates().map(|gate| Watched {
        gate: gate.id,
        dir: world.workspace.gate_dir(gate.id),
        commands: commands(gate),
    });
    open.collect()
}

/// Tells whoever watches which command runs, since when, and how much it has printed.
pub(in super::super) fn watch(world: &World, runs: &[Watched]) {
    for run in runs {
        let Ok(Some(progress)) = Progress::read(&run.dir) else { continue };
        let length = |stream| LogReader::open(&run.dir, stream).length().unwrap_or(0);
        let started_ms = i64::try_from(progress.started_at_ms).unwrap_or(i64::MAX);
        let value = serde_json::json!({
            "command": progress.name,
            "index": (progress.index + 1).min(run.commands.max(1)),
            "of": run.commands,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_read_whatever_their_colours_are() {
        let lines = [
            "\u{1b}[33m====== \u{1b}[33m2 skipped\u{1b}[0m\u{1b}[33m in 0.02s\u{1b}[0m ======",
            "\u{1b}[1m====== 2 skipped\u{1b}(B\u{1b}[m in 0.02s ======",
            "collecting\r\u{1b}[K====== no tests ran in 0.01s ======",
        ];
        for line in lines {
            let mut read = TestsRun::default();
            push(&mut read, line);
            assert_eq!(read.none_ran(), Some("pytest"), "{line:?}");
        }
    }
}
