//! Evaluates a run of a phase's checks: a check passes with exit status 0 and the expected text in its
//! output.

use super::super::error::EffectError;
use super::super::world::World;
use paddock_agents::terminal::plain;
use paddock_engine::input::{Input, Problem};
use paddock_model::cut;
use paddock_model::gate::{CommandResult, Purpose};
use paddock_model::hierarchy::{Level, NodeKey};
use paddock_model::ids::{GateId, ProjectSlug};
use paddock_model::plan::PhaseCheck;
use paddock_model::planning::{FailedCheck, OUTPUT_MAX_BYTES};
use paddock_model::session::Exit;
use paddock_model::state::State;
use paddock_runner::log::{LogReader, Stream};
use paddock_runner::{Adoption, JobKey, JobKind, Runner, StageEnd};

/// Bytes of one check's output that are searched for the expected text. Of a longer output, the first and the
/// last half of it.
const SEARCHED_MAX_BYTES: usize = 8 << 20;
/// Bytes of a log read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// A run of checks to evaluate.
pub(in super::super) struct Order {
    pub(in super::super) project: ProjectSlug,
    pub(in super::super) slot: u32,
    gate: GateId,
    checks: Vec<PhaseCheck>,
    results: Vec<CommandResult>,
}

impl Order {
    pub(in super::super) fn from_state(state: &State, gate: GateId) -> Option<Self> {
        let run = state.gate(gate)?;
        let Purpose::Phase { phase } = &run.purpose else { return None };
        let node = NodeKey { project: run.project.clone(), level: Level::Phase, id: phase.clone() };
        // The checks as they were when the run began: a plan may have changed them since.
        let checks = state.node(&node)?.progress.checked.clone();
        Some(Self {
            project: run.project.clone(),
            slot: run.slot,
            gate,
            checks,
            results: run.results.clone(),
        })
    }
}

/// Evaluates a run and reports the checks that failed.
///
/// Reconciled by reading again: it changes nothing.
pub(in super::super) fn read(world: &World, order: &Order) {
    let failed = judge(world, order);
    world.report(Input::ChecksRead { gate: order.gate, failed: failed.map_err(Problem::new) });
}

/// Returns the checks that failed, with the end of their output.
fn judge(world: &World, order: &Order) -> Result<Vec<FailedCheck>, EffectError> {
    let stages = stages(world, order)?;
    let mut failed = Vec::new();
    for (place, (check, result)) in order.checks.iter().zip(&order.results).enumerate() {
        let output = output(world, order.gate, &stages, place)?;
        let problem = match () {
            // In this order: a command that timed out has no meaningful exit status.
            () if result.timed_out => Some("it timed out".to_owned()),
            () if result.exit != Exit::Code(0) => Some(format!("it ended with {}", result.exit)),
            () if !output.contains(check.expected.trim()) => {
                Some(format!("its output does not contain {:?}", check.expected.trim()))
            }
            () => None,
        };
        failed.extend(problem.map(|problem| FailedCheck {
            description: check.description.clone(),
            command: check.check_command.clone(),
            problem,
            output: end_of(&output),
        }));
    }
    Ok(failed)
}

/// Returns how the commands of the run ended, from its exit record.
fn stages(world: &World, order: &Order) -> Result<Vec<StageEnd>, EffectError> {
    let key = JobKey { kind: JobKind::Gate, id: order.gate.0, attempt: 1 };
    let dir = world.workspace.gate_dir(order.gate);
    // Adopting a run that is over only reads its record.
    match world.runner.adopt(&key, &dir) {
        Ok(Adoption::Ended(record)) => Ok(record.stages),
        Ok(_) => Err(EffectError::RecordGone),
        Err(error) => Err(error.into()),
    }
}

/// Returns the output of one check: standard output, then standard error.
fn output(world: &World, gate: GateId, stages: &[StageEnd], place: usize) -> Result<String, EffectError> {
    let dir = world.workspace.gate_dir(gate);
    let mut text = String::new();
    for stream in [Stream::Stdout, Stream::Stderr] {
        let begin = |stage: &StageEnd| match stream {
            Stream::Stdout => stage.stdout_from,
            Stream::Stderr => stage.stderr_from,
        };
        // All commands of a run share two logs. A command's part reaches to the beginning of the next
        // command's.
        let log = LogReader::open(&dir, stream);
        let from = stages.get(place).map_or(0, begin);
        let to = match stages.get(place + 1) {
            Some(next) => begin(next),
            None => log.length()?,
        };
        text.push_str(&read_range(&log, from, to)?);
    }
    Ok(text)
}

/// Reads a part of a log, without its middle if it is too long.
fn read_range(log: &LogReader, from: u64, to: u64) -> std::io::Result<String> {
    let half = SEARCHED_MAX_BYTES as u64 / 2;
    let parts = match to.saturating_sub(from) > 2 * half {
        true => vec![(from, from + half), (to - half, to)],
        false => vec![(from, to)],
    };
    let mut bytes = Vec::new();
    for (mut at, end) in parts {
        while at < end {
            let want = usize::try_from(end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let chunk = log.read_at(at, want)?;
            // The log ends here, before the place that was expected.
            if chunk.bytes.is_empty() {
                break;
            }
            at = chunk.next_offset();
            bytes.extend(chunk.bytes);
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the end of an output as plain text, for the prompt of the next planner.
fn end_of(output: &str) -> String {
    let clean = plain(output.as_bytes());
    cut::end(clean.trim(), OUTPUT_MAX_BYTES).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_check_is_reported_without_terminal_sequences() {
        assert_eq!(
            end_of("\u{1b}[31m1 failed\u{1b}(B\u{1b}[m\r\n\u{1b}]0;title\u{7}done\n\n"),
            "1 failed\ndone"
        );
    }
}
