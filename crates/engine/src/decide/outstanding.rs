//! Effects to order again after a restart: those recorded as ordered but not as finished.

use super::target::adopt_effect;
use crate::effect::Effect;
use paddock_model::gate::GateRun;
use paddock_model::hierarchy::HierarchyNode;
use paddock_model::ids::{EntryId, ObjectId};
use paddock_model::objective::{Status, WorktreeStage};
use paddock_model::project::Project;
use paddock_model::session::{Session, SessionStatus, Stop};
use paddock_model::state::State;

/// Returns every effect whose outcome is not recorded. Executing one again is safe: each finds out first
/// whether it has happened.
#[must_use]
pub fn outstanding(state: &State) -> Vec<Effect> {
    let mut effects = Vec::new();
    for project in state.projects() {
        project_effects(state, project, &mut effects);
    }
    for objective in state.objectives() {
        let key = objective.key.clone();
        match objective.worktree.as_ref().map(|worktree| (worktree.stage, worktree.epoch)) {
            Some((WorktreeStage::Preparing, epoch)) => {
                effects.push(Effect::MakeWorktree { objective: key, epoch });
            }
            Some((WorktreeStage::Removing, _)) => effects.push(Effect::RemoveWorktree { objective: key }),
            _ => {}
        }
        // An objective in review after its session has ended waits for a second harvest: its branch moved
        // while it was queued, or it was resumed from a pause.
        let last = objective.sessions.last().and_then(|id| state.session(*id));
        let is_reviewed_again = objective.status == Status::Review;
        let ended = last.filter(|session| is_reviewed_again && !session.status.is_open());
        effects.extend(ended.map(|session| Effect::Harvest { session: session.id }));
    }
    for session in state.open_sessions() {
        session_effects(session, &mut effects);
    }
    let unread =
        |node: &HierarchyNode| node.progress.checking.filter(|gate| state.gate(*gate).is_some_and(is_over));
    effects.extend(state.nodes().filter_map(unread).map(|gate| Effect::ReadChecks { gate }));
    for gate in state.open_gates() {
        // Starting a run that runs already finds it again; only a run that is found can be stopped.
        effects.push(Effect::StartGate { gate: gate.id });
        if gate.cancelled {
            effects.push(Effect::StopGate { gate: gate.id });
        }
    }
    effects
}

fn is_over(run: &GateRun) -> bool {
    run.finished_ms.is_some()
}

fn project_effects(state: &State, project: &Project, effects: &mut Vec<Effect>) {
    let slug = project.slug.clone();
    let integration = &project.integration;
    // Everything below needs the integration ref.
    if !integration.is_made {
        let make = || Effect::MakeIntegration { project: slug, at: integration.tip.clone() };
        effects.extend(project.has_target().then(make));
        return;
    }
    if let Some(to) = &integration.adopting {
        let from = integration.tip.clone();
        effects.push(Effect::MoveExternal { project: slug.clone(), from, to: to.clone() });
    }
    if integration.taking_target {
        effects.push(adopt_effect(state, project));
    }
    effects.push(Effect::Look { project: slug.clone() });
    for landing in &project.unproven {
        effects.push(Effect::WriteProof { project: slug.clone(), commit: landing.commit.clone() });
    }
    let make = |members: Vec<EntryId>, onto: &ObjectId, ahead| Effect::MakeCandidate {
        project: slug.clone(),
        members,
        onto: onto.clone(),
        ahead,
    };
    let train = &project.train;
    if let Some(chain) = train.chain.as_ref().filter(|chain| chain.is_building) {
        effects.push(make(chain.asked.clone(), &chain.onto, false));
    }
    for entry in &train.entries {
        if let Some(ahead) = entry.ahead.as_ref().filter(|ahead| ahead.candidate.is_none()) {
            effects.push(make(vec![entry.id], &ahead.onto, true));
        }
    }
    if let Some(entry) = train.landing.as_ref().and_then(|landing| landing.members.first()) {
        effects.push(Effect::Land { project: slug.clone(), entry: *entry });
    }
}

fn session_effects(session: &Session, effects: &mut Vec<Effect>) {
    match session.status {
        SessionStatus::Starting | SessionStatus::Running => {
            effects.push(Effect::StartSession { session: session.id });
            // The supervisor may have ended before the keeper received the last extension.
            effects.push(Effect::ExtendSession { session: session.id });
        }
        SessionStatus::Stopping => {
            effects.push(Effect::StartSession { session: session.id });
            let stop = session.stop.unwrap_or(Stop::Shutdown);
            // The state does not say whether the stop was immediate. A stop that a person asked for counts as
            // such.
            let now = stop == Stop::Human;
            effects.push(Effect::StopSession { session: session.id, stop, now });
        }
        SessionStatus::Harvesting => effects.push(Effect::Harvest { session: session.id }),
        SessionStatus::Ended(_) => {}
    }
}
