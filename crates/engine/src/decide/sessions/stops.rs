//! Stopping sessions.

use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use paddock_model::event::Fact;
use paddock_model::ids::SessionId;
use paddock_model::objective::Objective;
use paddock_model::session::{Session, SessionStatus, Stop};

/// Returns the objective's last session, if it is not over.
pub(in crate::decide) fn open_session<'s>(
    scribe: &'s Scribe<'_>,
    objective: &Objective,
) -> Option<&'s Session> {
    let last = objective.sessions.last().and_then(|id| scribe.state.session(*id));
    last.filter(|session| session.status.is_open())
}

/// Asks a session to stop. Its work is harvested once it has ended.
pub(in crate::decide) fn ask_to_stop(scribe: &mut Scribe<'_>, session: &Session, stop: Stop) {
    let (objective, id) = (session.objective.clone(), session.id);
    scribe.record(Fact::SessionStopping { objective, session: id, stop, now: false });
    scribe.order(Effect::StopSession { session: id, stop, now: false });
}

/// Asks the session of an objective to stop, if one runs, and returns that session.
pub(in crate::decide) fn stop_session_of(
    scribe: &mut Scribe<'_>,
    objective: &Objective,
) -> Option<SessionId> {
    let session = open_session(scribe, objective)?.clone();
    if !session.status.has_processes() {
        return None;
    }
    // A session that is stopping already is not asked twice.
    if session.status != SessionStatus::Stopping {
        ask_to_stop(scribe, &session, Stop::Human);
    }
    Some(session.id)
}
