//! `paddock plan show`: the waiting plan, as a diff of the graph of objectives.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit_codes::{Exit, Outcome};
use crate::cli::output;
use paddock_engine::decide::{Memo, PlannerState, planner_state};
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::plan::{PhaseCheck, PlannedObjective};
use paddock_model::planning::{PhaseView, WaitingPlan};
use paddock_model::project::Project;
use paddock_model::state::State;
use paddock_report::text::{harmless, rfc3339};

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

/// The state of planning in a project, for scripts.
#[derive(Debug, Serialize)]
struct Shown {
    project: String,
    phase: Option<String>,
    planner: String,
    plan: Option<ShownPlan>,
}

/// A plan that waits for approval.
#[derive(Debug, Serialize)]
struct ShownPlan {
    session: u64,
    phase: Option<String>,
    since: String,
    /// Whether the plan is empty: the planner believes the phase done, and approval marks it done.
    believes_done: bool,
    /// Objectives of the phase that are not done; only for an empty plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase_stands: Option<PhaseView>,
    reasoning: String,
    warnings: Vec<String>,
    phase_checks: Vec<PhaseCheck>,
    /// Objectives that the plan adds.
    added: Vec<Added>,
}

/// An objective that a plan adds.
#[derive(Debug, Serialize)]
struct Added {
    #[serde(flatten)]
    objective: PlannedObjective,
    /// Objectives that it depends on.
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Serialize)]
struct Dependency {
    id: String,
    /// `new` for an objective of this plan, else the state of the existing objective.
    status: String,
}

impl Show {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let slug = context.project(&state, None)?;
        let Some(project) = state.project(&slug) else { return Ok(Exit::Good) };
        // The planner's cooldown belongs to the supervisor's options; without one, the environment gives it.
        let mut memo = Memo::working(None, None);
        let cooldown_ms = context.environment.planner_cooldown_seconds()?.saturating_mul(1_000);
        memo.planner_cooldown_ms = i64::try_from(cooldown_ms).ok();
        let shown = Shown {
            project: slug.to_string(),
            phase: state.active_line(&slug).phase.map(|phase| phase.key.id.to_string()),
            planner: sentence(&planner_state(&state, &memo, project), project),
            plan: project.planning.waiting.as_ref().map(|waiting| plan(&state, &slug, waiting)),
        };
        match (self.json, &shown.plan) {
            (true, _) => output::json(&shown)?,
            (false, Some(plan)) => output::print(&text(plan))?,
            (false, None) => output::line(&format!("no plan waits; {}", shown.planner))?,
        }
        Ok(Exit::Good)
    }
}

fn plan(state: &State, project: &ProjectSlug, waiting: &WaitingPlan) -> ShownPlan {
    let plan = &waiting.plan;
    let dependency = |id: &ObjectiveId| {
        let key = ObjectiveKey { project: project.clone(), id: id.clone() };
        let status = state.objective(&key).map_or_else(|| "new".to_owned(), |old| old.status.to_string());
        Dependency { id: id.to_string(), status }
    };
    let added = plan.objectives.iter().map(|objective| Added {
        dependencies: objective.depends_on.iter().map(dependency).collect(),
        objective: objective.clone(),
    });
    // A person judges a belief by the objectives of the phase that are not done.
    let believes_done = plan.objectives.is_empty();
    let phase = waiting.phase.as_ref().filter(|_| believes_done);
    ShownPlan {
        session: waiting.session.0,
        believes_done,
        phase_stands: phase.map(|phase| state.phase_view(project, phase)),
        phase: waiting.phase.as_ref().map(ToString::to_string),
        since: rfc3339(waiting.since_ms),
        reasoning: plan.reasoning.clone(),
        warnings: waiting.warnings.clone(),
        phase_checks: plan.phase_checks.clone(),
        added: added.collect(),
    }
}

/// Formats a waiting plan for people, as a diff: each line with a `+` is something that approval adds.
fn text(plan: &ShownPlan) -> String {
    let phase = plan.phase.as_deref().unwrap_or("-");
    let mut lines =
        vec![format!("plan of session {} for phase {phase}, waiting since {}", plan.session, plan.since)];
    lines.extend(plan.reasoning.trim().lines().map(|line| format!("  {line}")));
    if plan.believes_done {
        lines.push(format!("the planner believes that phase {phase} is done: it has nothing to add"));
    }
    lines.extend(plan.phase_stands.iter().flat_map(unfinished));
    for Added { objective, dependencies } in &plan.added {
        lines.push(format!("+ {}  {}", objective.id, objective.title));
        let after = |one: &Dependency| format!("{} ({})", one.id, one.status);
        let after: Vec<String> = dependencies.iter().map(after).collect();
        if !after.is_empty() {
            lines.push(format!("    after   {}", after.join(", ")));
        }
        // An empty scope means every path, which a reader must not take for "nothing".
        let scope = if objective.path_scope.is_empty() {
            "everything".to_owned()
        } else {
            objective.path_scope.join(" ")
        };
        lines.push(format!("    scope   {scope}"));
        lines.push(format!("    worker  {}", objective.worker_id));
        lines
            .extend(objective.acceptance_criteria.iter().map(|criterion| format!("    done    {criterion}")));
    }
    for check in &plan.phase_checks {
        lines.push(format!("+ check  {}  {}", check.check_command, check.description));
    }
    lines.extend(plan.warnings.iter().map(|warning| format!("warning: {warning}")));
    let approved = match plan.believes_done {
        true => "marks the phase done",
        false => "applies the plan",
    };
    lines.push(format!("`paddock plan approve` {approved}, `paddock plan reject --note TEXT` rejects it"));
    lines.iter().map(|line| harmless(line) + "\n").collect()
}

/// Lists the objectives of a phase that are not done, one line for each kind.
fn unfinished(view: &PhaseView) -> Vec<String> {
    let all = [
        ("failed or cancelled", &view.failed),
        ("waiting for you", &view.stuck),
        ("not done yet", &view.moving),
    ];
    let named = all.into_iter().filter(|(_, ids)| !ids.is_empty());
    named
        .map(|(what, ids)| {
            let ids: Vec<&str> = ids.iter().map(ObjectiveId::as_str).collect();
            format!("  {what}: {}", ids.join(", "))
        })
        .collect()
}

/// Says in one clause what the planner does or waits for.
fn sentence(planner_state: &PlannerState, project: &Project) -> String {
    let stuck = project.planning.stuck.as_ref();
    match planner_state {
        PlannerState::Running(session) => format!("session {session} is planning"),
        PlannerState::PlanWaits => "a plan waits to be approved or rejected".to_owned(),
        PlannerState::Undivided(at_ms) => {
            format!(
                "the goal has no milestones or phases: the planner plans it as one at {}",
                rfc3339(*at_ms)
            )
        }
        PlannerState::NoPhase => "no phase is active: there is nothing to plan".to_owned(),
        PlannerState::Off => "no agent may plan: objectives come from people".to_owned(),
        PlannerState::Held => "the project is paused, disabled or held: the planner waits".to_owned(),
        PlannerState::Stuck => {
            stuck.map_or_else(String::new, |reason| format!("{}; {}", reason.text, reason.clears))
        }
        PlannerState::Checking => "the checks of the phase run, or are about to run".to_owned(),
        PlannerState::BelievedDone => {
            "the planner believes that the phase is done; its other objectives are under way or wait for you"
                .to_owned()
        }
        PlannerState::Enough => "there is enough work at hand".to_owned(),
        PlannerState::Hoping | PlannerState::Barren => {
            "nothing of the last plans has landed yet: the planner waits for a landing".to_owned()
        }
        PlannerState::NoAgent => "no agent that may plan is usable now".to_owned(),
        // 0 if there is nothing to wait for: neither a cooldown nor an earlier run.
        PlannerState::At(at_ms) if *at_ms <= 0 => "the planner starts with the next cycle".to_owned(),
        PlannerState::At(at_ms) => format!("the planner starts at {}", rfc3339(*at_ms)),
    }
}
