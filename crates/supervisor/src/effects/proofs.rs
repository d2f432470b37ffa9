//! Proofs: writes a git note on each landed commit.

use super::super::error::EffectError;
use super::super::world::{Site, World};
use super::attempts::{past_locks, patiently};
use paddock_engine::input::{Input, Problem};
use paddock_model::ids::{GateId, ObjectId, ProjectSlug};
use paddock_model::proof::{Proof, compose_proof};
use paddock_model::state::State;
use paddock_os::fail_points::fail_point;
use paddock_runner::log::digest;

/// A proof to write.
pub(in super::super) struct Order {
    site: Site,
    commit: ObjectId,
    gate: Option<GateId>,
    at_ms: i64,
    proof: Box<Proof>,
}

impl Order {
    pub(in super::super) fn from_state(
        state: &State,
        project: &ProjectSlug,
        commit: &ObjectId,
    ) -> Option<Self> {
        let landing = state.project(project)?.unproven.iter().find(|landing| landing.commit == *commit)?;
        Some(Self {
            site: Site::find(state, project)?,
            commit: commit.clone(),
            gate: landing.gate,
            at_ms: landing.at_ms,
            proof: Box::new(compose_proof(state, project, landing, None)),
        })
    }
}

/// Writes the proof of a landing.
///
/// Reconciled by writing it again: the same landing gives the same note.
pub(in super::super) fn write(world: &World, order: &Order) {
    fail_point!("note.before");
    let write = || world.with_disk_space(&order.site, "a proof is written", || write_in(world, order));
    let result = past_locks(world, &order.site, || patiently(write));
    let result = result.map_err(|error| error.to_string());
    fail_point!("note.after");
    if let Err(problem) = &result {
        tracing::warn!(commit = %order.commit, problem, "a proof could not be written");
    }
    let (project, commit) = (order.site.slug.clone(), order.commit.clone());
    world.report(Input::ProofWritten { project, commit, result: result.map_err(Problem::new) });
}

/// Writes the note and returns the SHA-256 of its text.
fn write_in(world: &World, order: &Order) -> Result<String, EffectError> {
    let mut proof = order.proof.clone();
    // Logs that are gone leave their hashes out. The note is still worth writing.
    let logs = order.gate.and_then(|gate| digest::of_stages(&world.workspace.gate_dir(gate)));
    let commands = proof.gate.iter_mut().flat_map(|gate| &mut gate.commands);
    for (command, log) in commands.zip(logs.unwrap_or_default()) {
        command.log_sha256 = Some(log);
    }
    let text = serde_json::to_string_pretty(&proof)? + "\n";
    let repository = world.repository(&order.site.repo_root)?;
    let identity = world.identity(&repository);
    // The time of the landing and not of the writing, so that a note that is written again is the same, byte
    // for byte.
    repository.write_note(&order.commit, &text, &identity, order.at_ms / 1_000)?;
    Ok(digest::of_bytes(text.as_bytes()))
}
