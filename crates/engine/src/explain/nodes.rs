//! Why no work is planned for a goal, milestone or phase.

use crate::assignment::planners_from;
use crate::decide::remaining_work;
use paddock_model::agent::AgentHealth;
use paddock_model::hierarchy::HierarchyNode;
use paddock_model::ids::AgentId;
use paddock_model::objective::Status;
use paddock_model::planning::{planners, unanswered};
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::settings::PlannerChoice;
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
    let names: Vec<&AgentId> = planners(project);
    // The question is asked as soon as there is something to plan: the answer may be needed at night.
    if names.is_empty() && !is_planned && !unanswered(project).is_empty() {
        let (text, clears) = no_planner(project);
        let text = format!("{text} for {}", named(node));
        return Some(Reason::new(ReasonCode::MayPlan, node.since_ms, text, clears));
    }
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
    let (text, clears) = if names.is_empty() {
        let (why, clears) = no_planner(project);
        (format!("{} has no objective, and {why}", named(node)), format!("{clears}; or {by_hand}"))
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

/// Returns why no agent may plan for a project, and what a person can do about it.
#[must_use]
pub(crate) fn no_planner(project: &Project) -> (String, String) {
    let (slug, settings) = (&project.slug, &project.settings);
    let file = format!("projects/{slug}.yaml");
    if settings.planner.agent == PlannerChoice::Nobody {
        let text = "`planner.agent` is `none`, so objectives come from people".to_owned();
        return (text, format!("write `planner: {{agent: auto}}` in {file} to let agents plan"));
    }
    if let Some(first) = unanswered(project).first() {
        let text = format!("a person has to say whether the agent {first} may plan");
        let clears = format!(
            "`paddock --project {slug} agent planner {first}` lets it plan, and with `--no` objectives come from \
             people; `planner: true` or `planner: false` of the agent in {file} does the same"
        );
        return (text, clears);
    }
    let of_workers = || settings.workers.iter().flat_map(|worker| &worker.agents);
    let mut agents = of_workers().filter_map(|id| settings.agent(id)).filter(|agent| agent.enabled);
    let clears = match agents.next() {
        None if of_workers().next().is_none() => {
            format!(
                "install an agent (`paddock agent list` names them) or add one of your own to `agents` in {file}"
            )
        }
        None => format!("write `enabled: true` for an agent in {file}"),
        Some(agent) if !agent.planner => {
            format!("remove `planner: false` of the agent {} in {file}", agent.id)
        }
        Some(agent) => format!("`paddock --project {slug} agent planner {}` lets that agent plan", agent.id),
    };
    ("no agent may plan".to_owned(), clears)
}

fn named(node: &HierarchyNode) -> String {
    format!("the {} {}", node.key.level, node.key.id)
}
