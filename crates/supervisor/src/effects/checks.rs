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
use paddock_runner::log::stretch::stretches;
use paddock_runner::{Adoption, JobKey, JobKind, Runner, is_gate_command};

/// Bytes of one check's output that are searched for the expected text. Of a longer output, the first and the
/// last half of it.
const SEARCHED_MAX_BYTES: usize = 8 << 20;

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
    let outputs = outputs(world, order)?;
    let mut failed = Vec::new();
    for (place, (check, result)) in order.checks.iter().zip(&order.results).enumerate() {
        let output = outputs.get(place).map_or("", String::as_str);
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
            output: end_of(output),
        }));
    }
    Ok(failed)
}

/// Returns the output of each check that ran, in order: standard output, then standard error.
fn outputs(world: &World, order: &Order) -> Result<Vec<String>, EffectError> {
    let key = JobKey { kind: JobKind::Gate, id: order.gate.0, attempt: 1 };
    let dir = world.workspace.gate_dir(order.gate);
    // Adopting a run that is over only reads its record.
    let Adoption::Ended(record) = world.runner.adopt(&key, &dir)? else {
        return Err(EffectError::RecordGone);
    };
    // The set-up and the looks at the folder are stages too, but no checks.
    let own = stretches(&record).into_iter().filter(|stretch| is_gate_command(&stretch.name));
    own.map(|stretch| {
        let mut bytes = Vec::new();
        stretch.read(&dir, u64::MAX, |_, read| {
            bytes.extend_from_slice(read);
            // Cut only now and then, so that a long output is not moved at every chunk.
            if bytes.len() > 2 * SEARCHED_MAX_BYTES {
                without_middle(&mut bytes);
            }
        })?;
        without_middle(&mut bytes);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    })
    .collect()
}

/// Removes the middle of an output that is too long to be searched.
fn without_middle(bytes: &mut Vec<u8>) {
    let half = SEARCHED_MAX_BYTES / 2;
    if bytes.len() > SEARCHED_MAX_BYTES {
        bytes.drain(half..bytes.len() - half);
    }
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
