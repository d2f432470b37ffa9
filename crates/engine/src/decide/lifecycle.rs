//! The supervisor takes up work, and lays it down.

use super::holds::let_queue_go_on;
use super::outstanding::outstanding;
use super::scribe::Scribe;
use crate::effect::Effect;
use paddock_model::command::StopMode;
use paddock_model::event::Fact;
use paddock_model::ids::{GateId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::session::{SessionStatus, Stop};

/// After a start, what was recorded and not finished is taken up: each effect finds out whether it happened.
pub(super) fn started(scribe: &mut Scribe<'_>, pid: u32, version: String) {
    scribe.record(Fact::SupervisorStarted { pid, version });
    let unusable = |p: &&paddock_model::project::Project| !p.unusable_agents.is_empty();
    let projects: Vec<ProjectSlug> =
        scribe.state.projects().filter(unusable).map(|project| project.slug.clone()).collect();
    for project in projects {
        scribe.record(Fact::AgentsReset { project });
    }
    let made = scribe.state.projects().filter(|project| project.integration.is_made);
    scribe.memo.unlooked =
        made.map(|project| project.slug.clone()).filter(|slug| scribe.memo.covers(slug)).collect();
    super::side_runs::ask_canaries(scribe);
    let all: Vec<ProjectSlug> = scribe.state.projects().map(|project| project.slug.clone()).collect();
    for project in all.iter().filter(|project| scribe.memo.covers(project)).collect::<Vec<_>>() {
        let_queue_go_on(scribe, project, &[paddock_model::reason::ReasonCode::DiskFull]);
    }
    super::panics::try_again(scribe);
    for effect in outstanding(scribe.state) {
        scribe.order(effect);
    }
    scribe.mark_all();
}

/// No new work from here on; what happens to the running sessions is the mode's.
pub(super) fn stop(scribe: &mut Scribe<'_>, mode: StopMode) {
    scribe.memo.stopping = Some(mode);
    scribe.mark_all();
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

/// The last event of a supervisor that stopped in order.
pub(super) fn stopped(scribe: &mut Scribe<'_>, mode: StopMode) {
    scribe.record(Fact::SupervisorStopped { mode });
}
