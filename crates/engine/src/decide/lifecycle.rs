//! A supervisor starts and stops.

use super::outstanding::outstanding;
use super::scribe::Scribe;
use crate::decide::queue::holds::release_queue;
use crate::effect::Effect;
use paddock_model::command::StopMode;
use paddock_model::event::Fact;
use paddock_model::ids::{GateId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::session::{SessionStatus, Stop};

/// A supervisor starts. Effects without a recorded outcome are ordered again; each finds out whether it has
/// happened.
pub(super) fn started(scribe: &mut Scribe<'_>, pid: u32, version: String) {
    scribe.record(Fact::SupervisorStarted { pid, version });
    // An agent that could not be started may have been installed since.
    let unusable = |p: &&paddock_model::project::Project| !p.unusable_agents.is_empty();
    let projects: Vec<ProjectSlug> =
        scribe.state.projects().filter(unusable).map(|project| project.slug.clone()).collect();
    for project in projects {
        scribe.record(Fact::AgentsReset { project });
    }
    // Dispatch waits until each target branch has been read (`dispatch::run`).
    let made = scribe.state.projects().filter(|project| project.integration.is_made);
    scribe.memo.unlooked =
        made.map(|project| project.slug.clone()).filter(|slug| scribe.memo.covers(slug)).collect();
    crate::decide::queue::side_runs::ask_canaries(scribe);
    let all: Vec<ProjectSlug> = scribe.state.projects().map(|project| project.slug.clone()).collect();
    for project in all.iter().filter(|project| scribe.memo.covers(project)).collect::<Vec<_>>() {
        // The pauses of a full disk are not recorded, so this supervisor tries at once.
        release_queue(scribe, project, &[paddock_model::reason::ReasonCode::DiskFull]);
    }
    super::panics::release_all(scribe);
    for effect in outstanding(scribe.state) {
        scribe.order(effect);
    }
    scribe.mark_all();
}

/// The supervisor is to stop. No new work starts; the mode says what happens to running sessions and gate
/// runs.
pub(super) fn stop(scribe: &mut Scribe<'_>, mode: StopMode) {
    scribe.memo.stopping = Some(mode);
    scribe.mark_all();
    // Their keepers do not need a supervisor.
    if mode == StopMode::Leave {
        return;
    }
    let now = mode == StopMode::Now;
    let sessions: Vec<(SessionId, ObjectiveKey, SessionStatus)> = scribe
        .state
        .open_sessions()
        .filter(|session| session.status.has_processes())
        .map(|session| (session.id, session.objective.clone(), session.status))
        .collect();
    for (session, objective, status) in sessions {
        // A session that is stopping already has its reason; a stop "now" only makes it immediate.
        if status != SessionStatus::Stopping {
            scribe.record(Fact::SessionStopping { objective, session, stop: Stop::Shutdown, now });
        }
        if status != SessionStatus::Stopping || now {
            scribe.order(Effect::StopSession { session, stop: Stop::Shutdown, now });
        }
    }
    let gates: Vec<(GateId, ProjectSlug, bool)> =
        scribe.state.open_gates().map(|gate| (gate.id, gate.project.clone(), gate.cancelled)).collect();
    for (gate, project, is_cancelled) in gates {
        if !is_cancelled {
            scribe.record(Fact::GateCancelled { project, gate });
        }
        scribe.order(Effect::StopGate { gate });
    }
}

/// A file that was deleted or replaced is back. Recorded for people.
pub(super) fn file_put_back(scribe: &mut Scribe<'_>, path: String, was_replaced: bool, kept: Option<String>) {
    scribe.record(Fact::FilePutBack { path, was_replaced, kept });
}

/// The supervisor has stopped gracefully. This is its last event.
pub(super) fn stopped(scribe: &mut Scribe<'_>, mode: StopMode) {
    scribe.record(Fact::SupervisorStopped { mode });
}
