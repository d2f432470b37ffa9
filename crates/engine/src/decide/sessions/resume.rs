//! Whether a session continues its agent's earlier conversation.

use paddock_model::failure::{FailureClass, Remedy};
use paddock_model::ids::AgentId;
use paddock_model::objective::Objective;
use paddock_model::session::{Resume, Session, SessionEnd, SessionKind, SessionStatus};
use paddock_model::settings::ProjectSettings;
use paddock_model::state::State;

/// Returns the conversation that the objective's next session continues, if this agent runs it.
///
/// Only the conversation of the objective's last session can be continued: an older one knows nothing of the
/// work since. A conversation that may have caused the failure is not continued.
pub(in crate::decide) fn resume_of(
    state: &State,
    settings: &ProjectSettings,
    objective: &Objective,
    agent: &AgentId,
) -> Option<Resume> {
    let next = &objective.next;
    let continues = match next.kind {
        SessionKind::Work | SessionKind::FollowUp | SessionKind::Correction => true,
        SessionKind::Conflict | SessionKind::Planner => false,
    };
    if !continues || next.smaller || settings.agent(agent)?.resume.is_none() {
        return None;
    }
    let last = state.session(*objective.sessions.last()?)?;
    // Conversations belong to one program; another agent cannot read them.
    let is_same = last.agent == *agent && last.kind != SessionKind::Planner;
    let agent_session =
        last.account.agent_session.clone().filter(|id| is_same && is_sound(last) && can_be_named(id))?;
    Some(Resume { session: last.id, agent_session })
}

/// Returns whether the conversation may be continued. It may not if it is too long for the model, or if a
/// session that resumed it failed: a second try would fail in the same way.
fn is_sound(last: &Session) -> bool {
    let failure = last.account.failure.as_ref().map(|failure| failure.class);
    let is_too_long = failure == Some(FailureClass::ContextTooLong);
    // A rate limit or a lost network says nothing against the conversation.
    let is_outside = failure.is_some_and(|class| class.remedy() == Remedy::CoolDown);
    let has_failed = {
        let SessionStatus::Ended(end) = last.status else { return false };
        match end {
            SessionEnd::Failed | SessionEnd::Stalled | SessionEnd::Lost => true,
            SessionEnd::Completed
            | SessionEnd::Partial
            | SessionEnd::OverBudget
            | SessionEnd::Blocked
            | SessionEnd::Interrupted
            | SessionEnd::Killed => false,
        }
    };
    !is_too_long && (is_outside || !(has_failed && last.resume.is_some()))
}

/// Returns whether a conversation's id may be passed to the agent's program. The agent chose the id, and as
/// an argument it must not be taken for an option or a path.
fn can_be_named(id: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (1..=128).contains(&id.len()) && !id.starts_with('-') && id.chars().all(is_good)
}

#[cfg(test)]
mod tests {
    use super::can_be_named;

    #[test]
    fn an_id_that_could_be_an_option_or_a_path_is_not_passed_on() {
        assert!(can_be_named("aa2dfe09-0506-4a16-af74-aaaba43de243") && can_be_named("ses_dfc78dd55ffeeP1F"));
        for id in ["", "-rf", "--help", "../../etc/passwd", "a b", "$(x)", &"a".repeat(200)] {
            assert!(!can_be_named(id), "{id}");
        }
    }
}
