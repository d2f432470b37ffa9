//! Why no work is planned for a goal, milestone or phase.

use crate::assignment::planners_from;
use crate::decide::remaining_work;
use paddock_model::agent::AgentHealth;
use paddock_model::hierarchy::HierarchyNode;
use paddock_model::ids::AgentId;
use paddock_model::objective::Status;
use paddock_model::planning::planners;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::state::State;

/// Returns the reason why the active goal, milestone or phase has no work left and gets none by itself.
/// `None` while it has work, or while the planner plans it or reports what it waits for.
#[must_use]
pub fn nothing_planned(state: &State, project: &Project) -> Option<Reason> {
    let planning = &project.planning;
    let line = state.active_line(&project.slug);
    let node = line.phase.or(line.milestone).or(line.goal)?;
    let is_planned = planning.run.is_some() || planning.waiting.is_some() || planning.stuck.is_some();
    let slug = &project.slug;
    // Objectives that need a person are needs of their own, so nothing has to be said about the goal.
    // Objectives blocked by one that failed neither move nor ask for anybody, and do not count as work.
    let asking = [Status::NeedsReview, Status::Paused];
    let has_work = remaining_work(state, slug, 1) > 0
        || asking.iter().any(|status| !state.in_status(slug, *status).is_empty());
    if is_planned || has_work {
        return None;
    }
    let by_hand = format!(
        "add objectives (`paddock objective add`), or mark it complete (`paddock {} complete {}`)",
        node.key.level, node.key.id
    );
    let names: Vec<&AgentId> = planners(&project.settings);
    let (text, clears) = if names.is_empty() {
        let clears = format!("install an agent that plans, name one in projects/{slug}.yaml, {by_hand}");
        (format!("{} has no objective, and no agent may plan", named(node)), clears)
    } else if planners_from(state, project).is_empty() {
        let trouble = |id: &&AgentId| {
            let out = || state.agent_health(id).and_then(AgentHealth::out_of_use);
            let why = project.unusable_agents.get(*id).cloned().or_else(out);
            format!("{id}: {}", why.unwrap_or_else(|| "it cannot be used".to_owned()))
        };
        let trouble: Vec<String> = names.iter().map(trouble).collect();
        let text = format!(
            "{} has no objective, and no agent that may plan can be used ({})",
            named(node),
            trouble.join("; ")
        );
        (text, format!("repair one, then `paddock agent check {}`; or {by_hand}", names[0]))
    } else if line.phase.is_none() && state.undivided(slug).is_none() {
        let clears = format!("`paddock phase add` or `paddock phase activate` gives it one; or {by_hand}");
        (format!("{} has no active phase to plan", named(node)), clears)
    } else {
        // The planner will start by itself.
        return None;
    };
    Some(Reason::new(ReasonCode::NothingPlanned, node.since_ms, text, clears))
}

fn named(node: &HierarchyNode) -> String {
    format!("the {} {}", node.key.level, node.key.id)
}
