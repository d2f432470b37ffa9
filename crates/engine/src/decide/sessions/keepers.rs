//! Keepers that did not do their work: people learn of it, and the end of the job decides what follows.

use crate::decide::scribe::Scribe;
use paddock_model::event::Fact;
use paddock_model::ids::{GateId, SessionId};
use paddock_model::keeper::KeeperTrouble;

/// The keeper of a session did not do its work.
pub(in crate::decide) fn of_session(scribe: &mut Scribe<'_>, id: SessionId, trouble: KeeperTrouble) {
    let Some(session) = scribe.state.session(id) else { return };
    let objective = session.objective.clone();
    let project = objective.project.clone();
    let (objective, session) = (Some(objective), Some(id));
    scribe.record(Fact::KeeperStopped { project, objective, session, gate: None, trouble });
}

/// The keeper of a gate run did not do its work.
pub(in crate::decide) fn of_gate(scribe: &mut Scribe<'_>, id: GateId, trouble: KeeperTrouble) {
    let Some(run) = scribe.state.gate(id) else { return };
    let project = run.project.clone();
    scribe.record(Fact::KeeperStopped { project, objective: None, session: None, gate: Some(id), trouble });
}
