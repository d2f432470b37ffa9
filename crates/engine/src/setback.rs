//! Sessions in which the agent program itself did not work, whatever its task was: it fell silent, or it ended
//! before it did anything.

use paddock_model::ids::{AgentId, ProjectSlug};
use paddock_model::objective::Objective;
use paddock_model::session::{Exit, ProcessEnd, Session, SessionEnd, SessionKind, SessionStatus};
use paddock_model::state::State;
use paddock_model::usage::Tokens;

/// Newest sessions of the workspace among which planner runs are looked for.
const SESSIONS_MAX: usize = 1_000;

/// Returns the place of the objective's last session with this agent that was a setback, in the order of the
/// objective's sessions. `None` if its last session with this agent was no setback, or if there is none.
///
/// Sessions before a person's retry do not count: the person may have repaired the agent.
pub(crate) fn last_setback(state: &State, objective: &Objective, agent: &AgentId) -> Option<usize> {
    let from = objective.operated.sessions_before as usize;
    let sessions = objective.sessions.iter().enumerate().skip(from).rev();
    let mut known = sessions.filter_map(|(place, id)| Some((place, state.session(*id)?)));
    let (place, last) = known.find(|(_, session)| session.agent == *agent && !session.status.is_open())?;
    is_setback(last).then_some(place)
}

/// Planner runs of a project that are looked at for setbacks of its planners.
const PLANNER_RUNS: usize = 8;

/// Returns whether the agent's last run as the project's planner, of its newest runs, was a setback.
pub(crate) fn failed_to_plan(state: &State, project: &ProjectSlug, agent: &AgentId) -> bool {
    let is_run = |session: &&Session| {
        session.kind == SessionKind::Planner
            && session.objective.project == *project
            && !session.status.is_open()
    };
    let mut runs = state.sessions().rev().take(SESSIONS_MAX).filter(is_run).take(PLANNER_RUNS);
    runs.find(|session| session.agent == *agent).is_some_and(is_setback)
}

/// Returns whether a session stalled, crashed before any work, or ended well without a word or a commit.
fn is_setback(session: &Session) -> bool {
    match session.status {
        SessionStatus::Ended(SessionEnd::Stalled) => true,
        SessionStatus::Ended(SessionEnd::Failed) => {
            let exit = session.process.as_ref().map(|process| &process.exit);
            let is_silent = exit == Some(&Exit::Code(0)) && !has_left_anything(session);
            is_silent || has_crashed_at_once(session)
        }
        SessionStatus::Ended(_)
        | SessionStatus::Starting
        | SessionStatus::Running
        | SessionStatus::Stopping
        | SessionStatus::Harvesting => false,
    }
}

/// Returns whether an agent ended with an error before it did any work: it used no tokens, as far as it says,
/// and left nothing.
pub(crate) fn has_crashed_at_once(session: &Session) -> bool {
    let used = session.account.usage.tokens.map_or(0, Tokens::total);
    let has_run = session.process.as_ref().is_some_and(ProcessEnd::has_run);
    has_run && used == 0 && !has_left_anything(session)
}

fn has_left_anything(session: &Session) -> bool {
    let harvest = session.harvest.as_ref();
    // Uncommitted files do not count: they may be those of a session before.
    harvest.is_some_and(|left| left.commits > 0 || !left.summary.is_empty())
}
