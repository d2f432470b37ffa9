//! Status of agents: which can be used, which cool down and until when, and which need a person.

use std::collections::BTreeMap;

use serde::Serialize;

use super::text::rfc3339;
use paddock_agents::transcript::{UsageReporting, reports_cost, usage_reporting};
use paddock_model::agent::{AgentHealth, Check, Trouble};
use paddock_model::failure::Failure;
use paddock_model::ids::{AgentId, ProjectSlug};
use paddock_model::planning::{PlanningConsent, planners_of};
use paddock_model::settings::{AgentSettings, ProjectSettings};
use paddock_model::state::State;

/// An agent of one or more projects.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AgentStatus {
    pub id: AgentId,
    pub name: String,
    /// Slugs of the projects that have an agent with this id.
    pub projects: Vec<String>,
    /// Program that starts the agent.
    pub program: String,
    /// Whether the program is on PATH.
    pub found: bool,
    /// Whether the agent may plan.
    pub planner: bool,
    /// Slugs of the projects whose goals the agent plans, or would if an agent before it could not.
    pub plans_for: Vec<String>,
    /// Whether the agent's output says what a session cost in dollars.
    pub reports_cost: bool,
    /// When the agent reports the usage that limits on tokens and USD need: `during` a session, `at_end`, or
    /// `never`.
    pub limits: UsageReporting,
    /// `ready`, `cooling`, `locked` (needs a person), `disabled`, `unusable` or `not_found`.
    pub state: &'static str,
    /// Why the agent is not ready; `None` when it is.
    pub reason: Option<String>,
    /// End of the cooldown; `None` when the agent does not cool down.
    pub until: Option<String>,
    pub last_success: Option<String>,
    pub last_check: Option<CheckStatus>,
    /// The agent's last failures, newest first.
    pub failures: Vec<TroubleStatus>,
}

/// The result of `agent check`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CheckStatus {
    pub at: Option<String>,
    pub ok: bool,
    pub version: Option<String>,
    pub latency_ms: u64,
    pub error: Option<FailureStatus>,
}

/// A failure of an agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct FailureStatus {
    pub class: String,
    pub text: String,
    /// When the agent can work again, as far as it says so.
    pub reset_at: Option<String>,
}

/// A failure in an agent's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TroubleStatus {
    pub at: String,
    pub project: Option<String>,
    pub session: Option<u64>,
    pub error: FailureStatus,
}

impl FailureStatus {
    fn from_failure(failure: &Failure) -> Self {
        let class = serde_json::to_value(failure.class).ok();
        Self {
            class: class.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned(),
            text: failure.text.clone(),
            reset_at: failure.reset_ms.map(rfc3339),
        }
    }
}

impl CheckStatus {
    /// Returns the status of a check that ended at `at_ms`, in Unix milliseconds.
    #[must_use]
    pub fn from_check(check: &Check, at_ms: Option<i64>) -> Self {
        Self {
            at: at_ms.map(rfc3339),
            ok: check.ok,
            version: check.version.clone(),
            latency_ms: check.latency_ms,
            error: check.failure.as_ref().map(FailureStatus::from_failure),
        }
    }
}

fn trouble(trouble: &Trouble) -> TroubleStatus {
    TroubleStatus {
        at: rfc3339(trouble.at_ms),
        project: trouble.project.as_ref().map(ToString::to_string),
        session: trouble.session.map(|session| session.0),
        error: FailureStatus::from_failure(&trouble.failure),
    }
}

/// An agent's settings in the first project that has the agent, and the slugs of all projects that have it.
pub type Owned = (AgentSettings, Vec<ProjectSlug>);

/// Returns the agents of all projects, each once. Without any project, returns the agents of `built_in`.
#[must_use]
pub fn of_projects<'s>(
    projects: impl Iterator<Item = (&'s ProjectSlug, &'s ProjectSettings)>,
    built_in: impl FnOnce() -> Vec<AgentSettings>,
) -> BTreeMap<AgentId, Owned> {
    let mut found: BTreeMap<AgentId, Owned> = BTreeMap::new();
    let mut is_empty = true;
    for (slug, settings) in projects {
        is_empty = false;
        for agent in &settings.agents {
            let entry = found.entry(agent.id.clone()).or_insert_with(|| (agent.clone(), Vec::new()));
            entry.1.push(slug.clone());
        }
    }
    if is_empty {
        found.extend(built_in().into_iter().map(|agent| (agent.id.clone(), (agent, Vec::new()))));
    }
    found
}

/// Returns the status of every agent.
#[must_use]
pub fn agents(
    state: &State,
    all: BTreeMap<AgentId, Owned>,
    now_ms: i64,
    on_path: &dyn Fn(&str) -> bool,
) -> Vec<AgentStatus> {
    all.into_values().map(|(agent, projects)| status(state, &agent, &projects, now_ms, on_path)).collect()
}

/// Fills in which agents may plan, from the settings of these projects and what the state knows of people's
/// answers. A project that is not in the state asks nobody, like every project that this build takes up.
pub fn note_planners<'s>(
    found: &mut [AgentStatus],
    state: &State,
    projects: impl Iterator<Item = (&'s ProjectSlug, &'s ProjectSettings)>,
) {
    let general = PlanningConsent { is_general: true, ..PlanningConsent::default() };
    let mut may_plan: BTreeMap<&AgentId, bool> = BTreeMap::new();
    for (slug, settings) in projects {
        let consent = state.project(slug).map_or(&general, |project| &project.planning.consent);
        let planning = planners_of(settings, consent);
        for agent in &settings.agents {
            *may_plan.entry(&agent.id).or_default() |= consent.allows(agent) == Some(true);
        }
        for one in found.iter_mut().filter(|one| planning.contains(&&one.id)) {
            one.plans_for.push(slug.to_string());
        }
    }
    for one in found {
        one.planner = may_plan.get(&one.id).copied().unwrap_or(one.planner);
    }
}

fn status(
    state: &State,
    agent: &AgentSettings,
    projects: &[ProjectSlug],
    now_ms: i64,
    on_path: &dyn Fn(&str) -> bool,
) -> AgentStatus {
    // A command that begins with a placeholder (`{paddock}`) is this program itself, so it is always found.
    let own = agent.cli_command.starts_with('{');
    let found = own || on_path(&agent.cli_command);
    let none = AgentHealth::default();
    let health = state.agent_health(&agent.id).unwrap_or(&none);
    let cooldown = health.cooling(now_ms);
    let unusable = || {
        let projects = projects.iter().filter_map(|slug| state.project(slug));
        // The agent may be unusable in one project and usable in another; the first problem is shown.
        projects.filter_map(|project| project.unusable_agents.get(&agent.id)).next().cloned()
    };
    // Only the first state that applies is shown: what only a person can change comes before a cooldown,
    // which passes by itself.
    let (word, reason) = if !found {
        ("not_found", Some(format!("{} is not found on PATH", agent.cli_command)))
    } else if !agent.enabled {
        ("disabled", Some("its project file says `enabled: false`".to_owned()))
    } else if health.disabled.is_some() {
        ("disabled", health.out_of_use())
    } else if health.locked.is_some() {
        ("locked", health.out_of_use())
    } else if let Some(problem) = unusable() {
        ("unusable", Some(problem))
    } else if let Some(cooldown) = cooldown {
        ("cooling", Some(cooldown.failure.to_string()))
    } else {
        ("ready", None)
    };
    AgentStatus {
        id: agent.id.clone(),
        name: agent.name.clone(),
        projects: projects.iter().map(ToString::to_string).collect(),
        program: if own { "paddock".to_owned() } else { agent.cli_command.clone() },
        found,
        planner: agent.planner,
        plans_for: Vec::new(),
        reports_cost: reports_cost(&agent.transcript),
        limits: usage_reporting(&agent.transcript),
        state: word,
        reason,
        until: cooldown.map(|cooldown| rfc3339(cooldown.until_ms)),
        last_success: health.last_success_ms.map(rfc3339),
        last_check: health
            .checked
            .as_ref()
            .map(|(at_ms, check)| CheckStatus::from_check(check, Some(*at_ms))),
        // The state keeps the oldest first.
        failures: health.troubles.iter().rev().map(trouble).collect(),
    }
}
