//! `paddock explain`: explains why work is not moving.

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Outcome};
use super::{output, status};
use paddock_model::ids::ObjectiveKey;
use paddock_model::state::State;
use paddock_report::status::{ObjectiveStatus, ProjectStatus, ReasonStatus};
use paddock_report::text::harmless;

/// Reason codes of objectives that are moving. Such objectives are shown only if they are named.
const MOVING: [&str; 4] = ["working", "harvesting", "landing", "gating"];

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paddock explain                  everything that is not moving
  paddock explain fix-the-login
  paddock explain --json | jq '.[] | select(.reason.code == \"blocked_by\")'")]
pub(super) struct Explain {
    /// Objective: ID or PROJECT/ID; default: everything that is not moving
    id: Option<String>,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

/// An objective that is not moving, or a project if `objective` is `None`.
#[derive(Debug, serde::Serialize)]
struct Stuck {
    project: String,
    objective: Option<String>,
    status: Option<&'static str>,
    reason: Option<ReasonStatus>,
    dependents: Vec<String>,
}

impl Explain {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let wanted = self.id.as_ref().map(|id| context.objective(&state, id)).transpose()?;
        // A `--project` that does not exist would otherwise match nothing and read as "everything moves".
        if let (None, Some(project)) = (&wanted, &context.project) {
            context.project(&state, Some(project.as_str()))?;
        }
        let document = status::build(context, &state, false);
        let mut found = Vec::new();
        for project in &document.projects {
            // What holds a whole project comes first: it explains most of what follows.
            if wanted.is_none() {
                found.extend(project.reasons.iter().map(|reason| stuck_project(project, reason)));
            }
            for objective in &project.objectives {
                let is_named = wanted.as_ref().is_some_and(|key| is_same(key, project, objective));
                if is_named || (wanted.is_none() && is_stuck(objective)) {
                    found.push(stuck_objective(&state, project, objective));
                }
            }
        }
        match self.json {
            true => output::json(&found)?,
            false if found.is_empty() => output::line("everything is moving or done")?,
            false => output::print(&found.iter().map(text).collect::<Vec<_>>().join("\n"))?,
        }
        Ok(Exit::Good)
    }
}

fn is_same(key: &ObjectiveKey, project: &ProjectStatus, objective: &ObjectiveStatus) -> bool {
    key.project.as_str() == project.slug && key.id.as_str() == objective.id
}

fn is_stuck(objective: &ObjectiveStatus) -> bool {
    objective.reason.as_ref().is_some_and(|reason| !MOVING.contains(&reason.code.as_str()))
}

fn stuck_project(project: &ProjectStatus, reason: &ReasonStatus) -> Stuck {
    Stuck {
        project: project.slug.clone(),
        objective: None,
        status: None,
        reason: Some(reason.clone()),
        dependents: Vec::new(),
    }
}

fn stuck_objective(state: &State, project: &ProjectStatus, objective: &ObjectiveStatus) -> Stuck {
    let is_this = |key: &&ObjectiveKey| is_same(key, project, objective);
    let key = state.objectives().map(|found| &found.key).find(is_this);
    let dependents = key.map(|key| state.dependents(key).iter().map(ToString::to_string).collect());
    Stuck {
        project: project.slug.clone(),
        objective: Some(objective.id.clone()),
        status: Some(objective.status),
        reason: objective.reason.clone(),
        dependents: dependents.unwrap_or_default(),
    }
}

fn text(stuck: &Stuck) -> String {
    let mut text = match &stuck.objective {
        Some(id) => format!("{}/{id}  {}\n", stuck.project, stuck.status.unwrap_or_default()),
        None => format!("{}\n", stuck.project),
    };
    match &stuck.reason {
        Some(reason) => {
            text.push_str(&format!("  {}: {}\n", reason.code, harmless(&reason.text)));
            text.push_str(&format!("  since   {}\n  clears  {}\n", reason.since, harmless(&reason.clears)));
        }
        None => text.push_str("  done: nothing is in its way\n"),
    }
    if !stuck.dependents.is_empty() {
        text.push_str(&format!("  dependents: {}\n", stuck.dependents.join(", ")));
    }
    text
}
