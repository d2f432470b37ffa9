//! Pausing an objective, now or when its session has ended.

use crate::decide::scribe::Scribe;
use paddock_model::ids::ObjectiveKey;
use paddock_model::objective::{Cause, Objective, Status};
use paddock_model::reason::{Reason, ReasonCode};

/// Moves an objective to paused, with this reason.
pub(in crate::decide) fn set_paused(scribe: &mut Scribe<'_>, objective: &Objective, text: &str) {
    let clears = format!("`paddock objective resume {}`", objective.key.id);
    let reason = Reason::new(ReasonCode::Human, scribe.now_ms, text, clears);
    scribe.move_to(&objective.key, Status::Paused, Cause::Human, Some(reason), None);
}

/// Pauses an objective whose session has ended, if a person asked for it during the session. Returns whether
/// it did. The decision that follows from the session is made when the objective is resumed.
pub(in crate::decide) fn pause_now(scribe: &mut Scribe<'_>, key: &ObjectiveKey) -> bool {
    let asked = |objective: &&Objective| objective.operated.pause_asked;
    let Some(objective) = scribe.state.objective(key).filter(asked).cloned() else { return false };
    set_paused(scribe, &objective, "a person paused it while its session ran");
    true
}
