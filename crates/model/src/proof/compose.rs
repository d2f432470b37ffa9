//! Composes the proof of a landing from the recorded state.

use super::{Proof, ProvenCommand, ProvenGate, ProvenObjective, ProvenSession, Unproven, VERSION};
use crate::gate::{CommandResult, GateRun, Verdict};
use crate::ids::{AgentId, ObjectiveKey, ProjectSlug};
use crate::objective::Objective;
use crate::session::{Exit, Session};
use crate::state::State;
use crate::train::Subject;

/// Returns the proof of a landing. `log` is the SHA-256 of the gate run's output; the caller replaces it with
/// a hash per command.
#[must_use]
pub fn compose_proof(state: &State, project: &ProjectSlug, landing: &Unproven, log: Option<&str>) -> Proof {
    let found = landing.subjects().filter_map(|subject| match subject {
        Subject::Objective(id) => state.objective(&ObjectiveKey { project: project.clone(), id: id.clone() }),
        Subject::Target => None,
    });
    let objectives: Vec<&Objective> = found.collect();
    let numbers = objectives.iter().flat_map(|objective| &objective.sessions);
    let sessions: Vec<&Session> = numbers.filter_map(|id| state.session(*id)).collect();
    let mut agents: Vec<AgentId> = sessions.iter().map(|session| session.agent.clone()).collect();
    agents.sort_unstable();
    agents.dedup();
    let named = |found: &&Objective| ProvenObjective {
        id: found.key.id.to_string(),
        title: found.spec.title.clone(),
    };
    Proof {
        version: VERSION,
        project: project.clone(),
        objectives: objectives.iter().map(named).collect(),
        sessions: sessions.into_iter().map(session_in).collect(),
        base: landing.base.clone(),
        heads: [&landing.head].into_iter().chain(landing.others.iter().map(|m| &m.head)).cloned().collect(),
        tree: landing.tree.clone(),
        verified: landing.gate.is_some(),
        gate: landing.gate.and_then(|gate| state.gate(gate)).map(|run| gate_in(run, log)),
        gate_checks_nothing: canary_of(state, project, landing),
        guarded: landing.guards().collect(),
        approvals: objectives.iter().flat_map(|found| found.operated.approvals.clone()).collect(),
        agents,
        usage: None,
        landed_at_ms: landing.at_ms,
    }
}

/// Returns the canary run that was green under the same gate; 0 if the number of that run is not recorded.
fn canary_of(state: &State, project: &ProjectSlug, landing: &Unproven) -> Option<u64> {
    let run = state.gate(landing.gate?)?;
    let judged = state.project(project)?.canary.judged.as_ref()?;
    // Only a canary run with the same commands says something about this gate.
    let is_green = judged.verdict == Verdict::Green && judged.terms == run.terms;
    is_green.then(|| judged.gate.map_or(0, |gate| gate.0))
}

fn session_in(session: &Session) -> ProvenSession {
    ProvenSession {
        id: session.id.0,
        kind: session.kind.to_string(),
        agent: session.agent.clone(),
        worker: session.worker.clone(),
        end: session.status.word().to_owned(),
        commits: session.harvest.as_ref().map_or(0, |harvest| harvest.commits),
    }
}

fn gate_in(run: &GateRun, log: Option<&str>) -> ProvenGate {
    let command = |result: &CommandResult| ProvenCommand {
        name: result.name.clone(),
        verdict: result.verdict(),
        exit_status: match result.exit {
            Exit::Code(code) => Some(code),
            _ => None,
        },
        seconds: result.took_ms as f64 / 1_000.0,
        log_sha256: log.map(str::to_owned),
    };
    ProvenGate {
        run: run.id.0,
        from_nothing: run.from_nothing,
        commands: run.results.iter().map(command).collect(),
    }
}
