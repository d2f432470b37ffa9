//! `paddock agent`: lists, checks, enables and disables agents.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::{lengths, output};
use paddock_agents::transcript::{UsageReporting, When};
use paddock_config::builtin::{self, SCRIPTED};
use paddock_config::project_file;
use paddock_config::validate::{on_path, project_files};
use paddock_model::command::Command;
use paddock_model::ids::{AgentId, ProjectSlug};
use paddock_model::settings::{AgentSettings, ProjectSettings};
use paddock_model::state::State;
use paddock_report::agents::{AgentStatus, CheckStatus, Owned, agents, note_planners, of_projects};
use paddock_report::text::{harmless, table};
use paddock_supervisor::{Checkup, check_agent};

#[derive(Debug, Subcommand)]
pub(super) enum Agent {
    /// List agents and whether they are usable
    #[command(after_help = "Examples:\n  paddock agent list\n  paddock agent list --json")]
    List(List),
    /// Check agents with a one-word prompt: installed, logged in, within their limits
    #[command(after_help = "Examples:
  paddock agent check                 check all agents that are found on PATH
  paddock agent check claude
  paddock agent check --json --timeout-seconds 60")]
    Check(Check),
    /// Enable an agent in every project, at once
    #[command(after_help = "Examples:\n  paddock agent enable claude")]
    Enable(Named),
    /// Say whether an agent may plan for a project, if its settings say nothing about it
    #[command(after_help = "Examples:
  paddock --project shop agent planner my-agent
  paddock --project shop agent planner my-agent --no

`planner: true` or `planner: false` of the agent in the project file says the same and counts more. Which of the \
agents that may plan does so is the setting `planner.agent`.")]
    Planner(MayPlan),
    /// Disable an agent in every project: no new session starts with it
    #[command(after_help = "Examples:\n  paddock agent disable codex")]
    Disable(Named),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Id of the agent; default: all agents that are found on PATH and enabled
    id: Option<String>,
    /// Maximum seconds per agent, or with a unit (2m)
    #[arg(long, value_name = "TIME", default_value = "120", value_parser = lengths::whole_seconds)]
    timeout_seconds: u64,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Id of the agent
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct MayPlan {
    /// Id of the agent
    id: String,
    /// The agent must not plan
    #[arg(long)]
    no: bool,
}

/// Result of one check, for scripts.
#[derive(Debug, Serialize)]
struct Checked {
    agent: AgentId,
    #[serde(flatten)]
    check: CheckStatus,
    answer: String,
}

impl Agent {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        match self {
            Self::List(list) => return list.execute(context),
            Self::Check(check) => return check.execute(context),
            Self::Enable(Named { id: agent }) => {
                check_known(context, &agent)?;
                context.ask_and_say(Command::AgentEnable {
                    agent: agent.into(),
                    enabled: true,
                    by: context.environment.person(),
                })?;
            }
            Self::Planner(MayPlan { id: agent, no }) => {
                check_known(context, &agent)?;
                let project = context.project(&context.state()?, None)?;
                context.ask_and_say(Command::AgentMayPlan { project, agent: agent.into(), may_plan: !no })?;
            }
            Self::Disable(Named { id: agent }) => {
                check_known(context, &agent)?;
                context.ask_and_say(Command::AgentEnable {
                    agent: agent.into(),
                    enabled: false,
                    by: context.environment.person(),
                })?;
            }
        }
        Ok(Exit::Good)
    }
}

/// Returns the present status of every agent.
pub(super) fn statuses(context: &Context, state: &State) -> Vec<AgentStatus> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let projects = project_settings(context, state);
    let all = of_projects(projects.iter(), builtin::agents);
    let mut found = agents(state, all, now_ms, &|program| is_found(context, program));
    note_planners(&mut found, state, projects.iter());
    found
}

/// Returns the agents' settings from the project files as they are now; for a file with faults, as recorded.
pub(super) fn settings(context: &Context, state: &State) -> BTreeMap<AgentId, Owned> {
    of_projects(project_settings(context, state).iter(), builtin::agents)
}

fn project_settings(context: &Context, state: &State) -> BTreeMap<ProjectSlug, ProjectSettings> {
    let mut all: BTreeMap<ProjectSlug, ProjectSettings> =
        state.projects().map(|project| (project.slug.clone(), project.settings.clone())).collect();
    // A running supervisor reads changed files by itself, so the files are what counts; a file with faults is
    // not used, so the recorded settings are.
    for path in project_files(&context.workspace).unwrap_or_default() {
        let read = project_file::read(&context.workspace, &path, None);
        if let Some(project) = read.ok().and_then(|file| super::config::resolve(state, &file).ok()) {
            all.insert(project.slug, project.settings);
        }
    }
    all.retain(|slug, _| context.project.as_ref().is_none_or(|only| only == slug));
    all
}

/// Fails if no project has the agent: a misspelt id would be recorded as disabled and change nothing.
fn check_known(context: &Context, id: &str) -> Result<(), Failure> {
    let all = settings(context, &context.state()?);
    match all.contains_key(id) {
        true => Ok(()),
        false => Err(unknown(id, &all)),
    }
}

fn unknown(id: &str, all: &BTreeMap<AgentId, Owned>) -> Failure {
    let known: Vec<&str> = all.keys().map(AgentId::as_str).collect();
    Failure::error(format!("there is no agent {id}; there is: {}", known.join(", ")))
}

/// Returns whether an agent's program is on the PATH that sessions get.
fn is_found(context: &Context, program: &str) -> bool {
    on_path(program, context.environment.path("PATH").map(std::path::Path::as_os_str))
}

impl List {
    fn execute(self, context: &Context) -> Outcome {
        let found = statuses(context, &context.state()?);
        if self.json {
            output::json(&found)?;
            return Ok(Exit::Good);
        }
        let rows: Vec<Vec<String>> = found.iter().map(row).collect();
        output::print(&table(&rows, 0))?;
        Ok(Exit::Good)
    }
}

fn row(agent: &AgentStatus) -> Vec<String> {
    let state = match &agent.until {
        Some(until) if agent.state == "cooling" => format!("cooling until {until}"),
        _ => agent.state.replace('_', " "),
    };
    // When it worked last says something only about an agent without a problem.
    let success = agent.last_success.as_ref().map(|at| format!("last worked {at}")).unwrap_or_default();
    let check = agent.last_check.as_ref();
    let version = check.and_then(|check| check.version.clone()).unwrap_or_default();
    let mut more: Vec<String> = agent.reason.iter().map(|reason| harmless(reason)).collect();
    if more.is_empty() && !success.is_empty() {
        more.push(success);
    }
    let limits = limits(agent.limits);
    let plans = match (agent.planner, agent.plans_for.is_empty()) {
        (_, false) => "plans",
        (true, true) => "may plan",
        (false, _) => "does not plan",
    };
    vec![
        agent.id.to_string(),
        state,
        agent.program.clone(),
        harmless(&version),
        plans.to_owned(),
        limits,
        more.join("; "),
    ]
}

/// Says when limits on tokens and cost act, which depends on when the agent reports them:
/// `limits: tokens during, USD at the end`.
fn limits(usage_reporting: UsageReporting) -> String {
    let clause = |unit: &str, when| match when {
        When::During => format!("{unit} during"),
        When::AtEnd => format!("{unit} at the end"),
        When::Never => format!("no {unit}"),
    };
    format!("limits: {}, {}", clause("tokens", usage_reporting.tokens), clause("USD", usage_reporting.usd))
}

/// Checks every enabled agent that is found on PATH, for `doctor`.
pub(super) fn check_all(context: &Context, state: &State) -> Result<Vec<(AgentId, CheckStatus)>, Failure> {
    // `json` only keeps the check from printing: `doctor` shows the result in its own form.
    let all = Check { id: None, timeout_seconds: 120, json: true };
    let mut done = Vec::new();
    for agent in all.wanted(context, state)? {
        output::note(&format!("{}: asking for one word …", agent.id));
        let checkup = all.run(context, state, &agent)?;
        done.push((agent.id, CheckStatus::from_check(&checkup.check, None)));
    }
    Ok(done)
}

impl Check {
    /// Checks one agent, and records the result. Fails if the check cannot be started.
    ///
    /// In a workspace without projects nothing depends on the result, and it is not recorded.
    fn run(&self, context: &Context, state: &State, agent: &AgentSettings) -> Result<Checkup, Failure> {
        let limit = Duration::from_secs(self.timeout_seconds.max(1));
        let checkup = check_agent(&context.workspace, &context.environment, agent, limit)
            .map_err(|problem| Failure::error(format!("{} could not be checked: {problem}", agent.id)))?;
        if state.projects().next().is_some() {
            let check = checkup.check.clone();
            context.ask(Command::AgentChecked { agent: agent.id.clone(), check })?;
        }
        Ok(checkup)
    }

    fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let wanted = self.wanted(context, &state)?;
        if wanted.is_empty() {
            output::note("no agent was found on PATH; `paddock agent list` shows each agent's program");
            return Ok(Exit::Error);
        }
        let mut all_good = true;
        let mut done = Vec::new();
        for agent in wanted {
            if !self.json {
                output::note(&format!("{}: sending a one-word prompt …", agent.id));
            }
            let checkup = self.run(context, &state, &agent)?;
            all_good &= checkup.check.ok;
            if !self.json {
                output::line(&summary(&agent.id, &checkup))?;
            }
            let check = CheckStatus::from_check(&checkup.check, None);
            done.push(Checked { agent: agent.id, check, answer: checkup.answer });
        }
        if self.json {
            output::json(&done)?;
        }
        Ok(if all_good { Exit::Good } else { Exit::Error })
    }

    fn wanted(&self, context: &Context, state: &State) -> Result<Vec<AgentSettings>, Failure> {
        let mut all = settings(context, state);
        if let Some(id) = &self.id {
            // A named agent is checked even if it is disabled or not found: its error says why.
            return match all.remove(id.as_str()) {
                Some((agent, _)) => Ok(vec![agent]),
                None => Err(unknown(id, &all)),
            };
        }
        // The scripted agent is part of Paddock: it cannot be logged out or out of quota.
        let is_meant = |agent: &AgentSettings| {
            agent.enabled && agent.id != SCRIPTED && is_found(context, &agent.cli_command)
        };
        Ok(all.into_values().map(|(agent, _)| agent).filter(is_meant).collect())
    }
}

fn summary(id: &AgentId, checkup: &Checkup) -> String {
    let check = &checkup.check;
    let seconds = check.latency_ms as f64 / 1_000.0;
    let version =
        check.version.as_ref().map(|version| format!(", {}", harmless(version))).unwrap_or_default();
    match &check.failure {
        None => format!("{id}: works ({seconds:.1} s{version})"),
        Some(failure) => {
            let reset =
                failure.reset_ms.map(|at_ms| format!(", until {}", paddock_report::text::rfc3339(at_ms)));
            let shown = harmless(&failure.to_string());
            format!("{id}: {shown}{} ({seconds:.1} s{version})", reset.unwrap_or_default())
        }
    }
}
