//! Composes the proof of a landing from the recorded state.

use super::{
    Place, Proof, ProvenCommand, ProvenGate, ProvenMark, ProvenObjective, ProvenSession, Unproven, VERSION,
};
use crate::evidence::ComparedCommand;
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
        Subject::Target | Subject::Remote => None,
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
    let run = landing.gate.and_then(|gate| state.gate(gate));
    let comparison = run.and_then(|run| run.compared.as_ref()).map(|compared| &compared.comparison);
    Proof {
        version: VERSION,
        project: project.clone(),
        objectives: objectives.iter().map(named).collect(),
        sessions: sessions.into_iter().map(session_in).collect(),
        base: landing.base.clone(),
        heads: [&landing.head].into_iter().chain(landing.others.iter().map(|m| &m.head)).cloned().collect(),
        tree: landing.tree.clone(),
        verified: landing.gate.is_some(),
        gate: run.map(|run| isolated_in(state, landing, gate_in(run, log))),
        gate_checks_nothing: canary_of(state, project, landing),
        guarded: landing.guards().collect(),
        tests_changed: comparison.map(|found| found.changed.clone()).unwrap_or_default(),
        more_tests_changed: comparison.map_or(0, |found| found.more_changed),
        marks: marks(state, project, landing),
        approvals: objectives.iter().flat_map(|found| found.operated.approvals.clone()).collect(),
        agents,
        usage: None,
        landed_at_ms: landing.at_ms,
    }
}

/// Returns the marks of the heads that landed.
fn marks(state: &State, project: &ProjectSlug, landing: &Unproven) -> Vec<ProvenMark> {
    let mut found = Vec::new();
    for (subject, head) in landing.heads() {
        let Subject::Objective(id) = subject else { continue };
        let key = ObjectiveKey { project: project.clone(), id: id.clone() };
        let marked = state.objective(&key).and_then(|objective| objective.operated.marked.as_ref());
        // Marks of another head say nothing about this one.
        for mark in marked.filter(|(of, _)| of == head).map_or(&[][..], |(_, marks)| marks) {
            found.push(ProvenMark {
                objective: id.to_string(),
                path: mark.path.to_string(),
                line: mark.line,
                kind: mark.kind,
                text: mark.text.clone(),
            });
        }
    }
    found
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

/// Notes which commands also passed in the runs of the guards.
fn isolated_in(state: &State, landing: &Unproven, mut gate: ProvenGate) -> ProvenGate {
    let runs = landing.guard_runs().unwrap_or_default();
    let runs: Vec<&GateRun> = runs.iter().filter_map(|gate| state.gate(*gate)).collect();
    for command in &mut gate.commands {
        let is_green =
            |result: &CommandResult| result.name == command.name && result.verdict() == Verdict::Green;
        command.isolated = !runs.is_empty() && runs.iter().all(|run| run.results.iter().any(is_green));
    }
    gate
}

fn gate_in(run: &GateRun, log: Option<&str>) -> ProvenGate {
    let comparison = run.compared.as_ref().map(|compared| compared.comparison.commands.as_slice());
    let compared = |name: &str| comparison.unwrap_or_default().iter().find(|command| command.name == name);
    ProvenGate {
        run: run.id.0,
        from_nothing: run.from_nothing,
        verdict: run.code(),
        commands: run.results.iter().map(|result| command_in(result, compared(&result.name), log)).collect(),
    }
}

fn command_in(
    result: &CommandResult,
    compared: Option<&ComparedCommand>,
    log: Option<&str>,
) -> ProvenCommand {
    ProvenCommand {
        name: result.name.clone(),
        verdict: result.code(),
        exit_status: match result.exit {
            Exit::Code(code) => Some(code),
            _ => None,
        },
        seconds: result.took_ms as f64 / 1_000.0,
        log_sha256: log.map(str::to_owned),
        tests: result.tests.clone(),
        base_tests: compared.and_then(|found| found.base.clone()),
        added: compared.map_or(0, |found| found.added),
        added_names: compared.map(|found| found.added_names.clone()).unwrap_or_default(),
        gone: compared.map(|found| found.gone.clone()).unwrap_or_default(),
        fewer: compared.map_or(0, |found| found.fewer),
        isolated: false,
        place: Place::Unconfined,
    }
}
