//! Resolves a project file, the repository's own file and the built-in agents and workers to complete
//! settings.
//!
//! The layers, from the bottom: built in, `.paddock/project.yaml`, the workspace's project file. "Below"
//! means a lower layer; a key of a higher one replaces that of the lower.

use super::agents::{AgentEntry, WorkerEntry};
use super::builtin::{self, SCRIPTED};
use super::error::{ConfigError, Place};
use super::project_file::ProjectFile;
use super::reader::{Sink, meant};
use super::settings_table as keys;
use super::shared_part::SharedPart;
use paddock_agents::transcript::{When, usage_reporting};
use paddock_model::ids::{AgentId, ProjectSlug};
use paddock_model::settings::{AgentSettings, PlannerChoice, ProjectSettings, WorkerSettings};

/// Facts that resolving needs in addition to the project file.
pub struct Surroundings<'a> {
    /// Target branch if the file names none: the recorded one, or the branch of HEAD.
    pub head_branch: &'a str,
    /// `.paddock/project.yaml` as committed on the target branch; `None` if there is no such file.
    pub repository_file: Option<&'a [u8]>,
    /// Hash of the commands that the user agreed to ([`Project::agreement`]).
    pub agreed: Option<&'a str>,
    /// Returns whether a program is on PATH.
    pub on_path: &'a dyn Fn(&str) -> bool,
}

/// A project with complete settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Slug of the project.
    pub slug: ProjectSlug,
    /// Complete settings.
    pub settings: ProjectSettings,
    /// Hash of the commands (gate, agents) in the repository's own file; `None` if it has no commands.
    pub agreement: Option<String>,
    /// Whether the repository's commands are in the settings. They are not until the user has agreed to them.
    pub repository_commands_used: bool,
    /// Warnings, which do not prevent the use of the settings.
    pub warnings: Vec<ConfigError>,
}

impl Project {
    /// Returns whether the repository has commands that the user has not agreed to.
    #[must_use]
    pub fn needs_agreement(&self) -> bool {
        self.agreement.is_some() && !self.repository_commands_used
    }
}

impl ProjectFile {
    /// Resolves the file to complete settings.
    ///
    /// # Errors
    /// Fails with every fault of the repository's own file, and of references between the files.
    pub fn resolve(&self, around: &Surroundings<'_>) -> Result<Project, Vec<ConfigError>> {
        let repository = around.repository_file.map(SharedPart::from_repository).transpose()?;
        let repository = repository.unwrap_or_default();
        let agreement = repository.agreement_hash();
        // A changed command gives another hash, so an old agreement does not cover it.
        let used = agreement.is_some() && agreement.as_deref() == around.agreed;
        let mut below = repository.clone();
        // Without an agreement the repository's name and description still count: they run nothing.
        if !used {
            below.verify = None;
            below.agents.clear();
        }
        let (own_sink, below_sink) = (Sink::new(&self.own.file), Sink::new(&repository.file));
        // Faults are collected per file, so that each names the file that it is in.
        let mut settings = self.settings.clone();
        settings.target_branch = self.target_branch.clone().unwrap_or_else(|| around.head_branch.to_owned());
        self.fill_shared(&mut settings, &below, &own_sink);
        let parts = [(&below, &below_sink), (&self.own, &own_sink)];
        let withheld: &[AgentEntry] = if used { &[] } else { &repository.agents };
        let entries = parts.iter().flat_map(|(part, sink)| part.agents.iter().map(move |a| (a, *sink)));
        // An entry with some keys over an agent that waits for agreement is skipped with it. On its own it
        // would have no command, which would be a fault that the person did not make.
        let builtin = builtin::agents();
        let entries = entries.filter(|(own, _)| {
            let waits = withheld.iter().any(|entry| entry.id == own.id);
            own.command.is_some() || !waits || builtin.iter().any(|agent| agent.id == own.id)
        });
        let named = named_agents(entries);
        settings.workers = workers(&parts, &named, around.on_path);
        settings.agents = with_builtin(named);
        for (part, sink) in parts {
            check_workers(&part.workers, &settings, withheld, sink);
        }
        drop_unknown(&mut settings);
        self.check_planner(&settings, withheld, &own_sink);
        self.warn(&settings, agreement.is_some() && !used, &own_sink);
        // Faults of both files are reported together.
        let mut faults = below_sink.finish(Some(())).map_or_else(|faults| faults, |((), warnings)| warnings);
        match own_sink.finish(faults.is_empty().then_some(())) {
            Ok(((), warnings)) => {
                let (slug, repository_commands_used) = (self.slug.clone(), used);
                Ok(Project { slug, settings, agreement, repository_commands_used, warnings })
            }
            Err(own) => {
                faults.extend(own);
                Err(faults)
            }
        }
    }

    /// Fills in the shared keys: the own file's value, else the repository's, else the default.
    fn fill_shared(&self, settings: &mut ProjectSettings, below: &SharedPart, sink: &Sink) {
        let own = &self.own;
        settings.name = own.name.clone().or_else(|| below.name.clone()).unwrap_or_default();
        if settings.name.is_empty() {
            sink.add(self.places.top, "name", "`name` is missing".to_owned(), None);
        }
        settings.description = own
            .description
            .clone()
            .or_else(|| below.description.clone())
            .unwrap_or_else(|| keys::DESCRIPTION.default());
        settings.verify = own.verify.clone().or_else(|| below.verify.clone()).unwrap_or_default();
        settings.planner.context_files = own
            .context_files
            .clone()
            .or_else(|| below.context_files.clone())
            .unwrap_or_else(|| keys::CONTEXT_FILES.default());
    }

    /// Adds a fault if the planner is an unknown agent, or one that must not plan, or if the two keys that name
    /// it disagree.
    fn check_planner(&self, settings: &ProjectSettings, withheld: &[AgentEntry], sink: &Sink) {
        let older = settings.session_defaults.planner_agent.as_ref();
        let choice = &settings.planner.agent;
        if let (Some(place), Some(older)) = (self.places.planner_choice, older)
            && *choice != PlannerChoice::Agent(older.clone())
        {
            let problem = format!(
                "`planner.agent` is `{}`, but `session_defaults.planner_agent` is `{older}`",
                String::from(choice.clone())
            );
            let right = "remove `session_defaults.planner_agent`".to_owned();
            return sink.add(place, keys::PLANNER_CHOICE.path, problem, Some(right));
        }
        let (id, key, place) = match choice {
            PlannerChoice::Agent(id) => (id, keys::PLANNER_CHOICE.path, self.places.planner_choice),
            PlannerChoice::Auto | PlannerChoice::Nobody => match older {
                Some(id) => (id, keys::PLANNER_AGENT.path, self.places.planner_agent),
                None => return,
            },
        };
        let place = place.unwrap_or(self.places.top);
        match settings.agent(id) {
            Some(agent) if !agent.planner => {
                let problem = format!("the agent `{id}` has `planner: false`");
                sink.add(place, key, problem, Some("choose another agent".to_owned()));
            }
            None if !withheld.iter().any(|entry| entry.id == *id) => {
                let mut known = ids(settings);
                if key == keys::PLANNER_CHOICE.path {
                    known.extend([PlannerChoice::AUTO, PlannerChoice::NOBODY]);
                }
                sink.add(place, key, format!("unknown agent {id:?}"), Some(meant(id.as_str(), &known)));
            }
            _ => {}
        }
    }

    /// Adds warnings about commands that wait for agreement, and about limits that act late or never.
    fn warn(&self, settings: &ProjectSettings, withheld: bool, sink: &Sink) {
        if withheld {
            let problem = "the repository's .paddock/project.yaml contains commands that nobody agreed to";
            let right = format!("`paddock project trust {}` agrees to them", self.slug);
            sink.warn(Place::default(), "", problem.to_owned(), Some(right));
        }
        // Only agents that do work here: a warning about one that nobody uses would be noise.
        let used = |id: &&AgentSettings| settings.workers.iter().any(|worker| worker.agents.contains(&id.id));
        for agent in settings.agents.iter().filter(used).filter(|agent| agent.enabled) {
            let usage_reporting = usage_reporting(&agent.transcript);
            let limits = [
                ("USD", "cost", self.places.usd, usage_reporting.usd),
                ("tokens", "tokens", self.places.tokens, usage_reporting.tokens),
            ];
            for (unit, what, place, when) in limits {
                let Some((place, key)) = place else { continue };
                let id = &agent.id;
                let problem = match when {
                    When::During => continue,
                    When::Never => {
                        format!(
                            "a limit in {unit} has no effect on the agent `{id}`, which reports no {what}"
                        )
                    }
                    When::AtEnd => format!(
                        "a limit in {unit} acts only at the end of a session of the agent `{id}`, which reports its \
                         {what} only then"
                    ),
                };
                let also =
                    if usage_reporting.tokens == When::During { "minutes or tokens" } else { "minutes" };
                sink.warn(place, key, problem, Some(format!("add a limit in {also}")));
            }
        }
    }
}

fn ids(settings: &ProjectSettings) -> Vec<&str> {
    settings.agents.iter().map(|agent| agent.id.as_str()).collect()
}

/// Returns the agents that the files name, in order. Keys of a later file replace those of an earlier one,
/// and those of any file the built-in ones.
fn named_agents<'e>(entries: impl Iterator<Item = (&'e AgentEntry, &'e Sink)>) -> Vec<AgentSettings> {
    let builtin = builtin::agents();
    let mut named: Vec<AgentSettings> = Vec::new();
    for (entry, sink) in entries {
        // An agent keeps the position at which it was named first: the order is the order of preference.
        let at = named.iter().position(|agent| agent.id == entry.id);
        let below = at.map(|at| &named[at]).or_else(|| builtin.iter().find(|agent| agent.id == entry.id));
        let Some(agent) = entry.over(below, sink) else { continue };
        match at {
            Some(at) => named[at] = agent,
            None => named.push(agent),
        }
    }
    named
}

fn with_builtin(mut named: Vec<AgentSettings>) -> Vec<AgentSettings> {
    for agent in builtin::agents() {
        if !named.iter().any(|own| own.id == agent.id) {
            named.push(agent);
        }
    }
    named
}

/// Returns the built-in workers and those of the files. A worker without agents gets those that the files
/// name, or, if they name none, the built-in agents that are on PATH.
fn workers(
    parts: &[(&SharedPart, &Sink)],
    named: &[AgentSettings],
    on_path: &dyn Fn(&str) -> bool,
) -> Vec<WorkerSettings> {
    let mut workers = builtin::workers();
    for entry in parts.iter().flat_map(|(part, _)| &part.workers) {
        match workers.iter().position(|worker| worker.id == entry.id) {
            Some(at) => workers[at] = entry.over(Some(&workers[at])),
            None => workers.push(entry.over(None)),
        }
    }
    let own = |agent: &AgentSettings| agent.id.clone();
    // The scripted agent is always "found", and would do nothing useful with a real objective.
    let found = |agent: &AgentSettings| agent.id != SCRIPTED && on_path(&agent.cli_command);
    let usual: Vec<AgentId> = match named.is_empty() {
        false => named.iter().map(own).collect(),
        true => builtin::agents().iter().filter(|agent| found(agent)).map(own).collect(),
    };
    for worker in workers.iter_mut().filter(|worker| worker.agents.is_empty()) {
        worker.agents.clone_from(&usual);
    }
    workers
}

/// Adds a fault for every unknown agent that a worker names. An agent that waits for agreement is not a
/// fault.
fn check_workers(entries: &[WorkerEntry], settings: &ProjectSettings, withheld: &[AgentEntry], sink: &Sink) {
    for entry in entries {
        for (id, place) in entry.agents.iter().flatten() {
            if settings.agent(id).is_none() && !withheld.iter().any(|agent| agent.id == *id) {
                let problem = format!("the worker `{}` names the unknown agent {id:?}", entry.id);
                sink.add(*place, "workers.agents", problem, Some(meant(id.as_str(), &ids(settings))));
            }
        }
    }
}

/// Removes agents from workers that have no settings: those that wait for agreement.
fn drop_unknown(settings: &mut ProjectSettings) {
    let known: Vec<AgentId> = settings.agents.iter().map(|agent| agent.id.clone()).collect();
    for worker in &mut settings.workers {
        worker.agents.retain(|id| known.contains(id));
    }
}
