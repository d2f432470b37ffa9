//! Agents and workers in project files: entries with some keys, which are merged over the entry of the same
//! id in the file below or among the built-in ones.

use std::collections::BTreeMap;

use serde::Serialize;

use super::builtin::{self, PLACEHOLDERS, RESUME_PLACEHOLDER};
use super::error::Place;
use super::reader::{Section, Sink, meant};
use super::settings_table::{self as keys, Key};
use super::shell_syntax;
use super::yaml::{Node, Value};
use paddock_model::ids::{AgentId, ObjectiveId, WorkerId, nearest_id};
use paddock_model::settings::{AgentSettings, CommandTemplate, Role, StdinRule, Strategy, WorkerSettings};

/// An agent in one file. Keys that are `None` come from the entry below.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AgentEntry {
    pub id: AgentId,
    #[serde(skip)]
    pub place: Place,
    pub name: Option<String>,
    pub command: Option<CommandTemplate>,
    pub resume: Option<CommandTemplate>,
    /// Shell syntax in double quotes in its commands, by key: a warning when the project is resolved.
    #[serde(skip)]
    pub unexpanded: Vec<(&'static str, Place, String)>,
    pub cli_command: Option<String>,
    pub stdin: Option<StdinRule>,
    pub transcript: Option<String>,
    pub stop_signal: Option<String>,
    pub env: Option<BTreeMap<String, String>>,
    pub planner: Option<bool>,
    pub enabled: Option<bool>,
    pub description: Option<String>,
}

/// A worker in one file. Keys that are `None` come from the entry below.
#[derive(Debug, Clone)]
pub(super) struct WorkerEntry {
    pub id: WorkerId,
    pub place: Place,
    pub name: Option<String>,
    pub role: Option<Role>,
    pub strategy: Option<Strategy>,
    pub agents: Option<Vec<(AgentId, Place)>>,
    pub template: Option<String>,
}

/// Reads an id. Returns `None`, and adds a fault with an allowed id as an example, if it is missing or
/// malformed.
pub(super) fn id_of(section: &Section<'_>, key: &Key<String>, what: &str) -> Option<String> {
    let id = section.required(key)?;
    if ObjectiveId::new(id.as_str()).is_ok() {
        return Some(id);
    }
    // The text may be anything that was pasted, of any length.
    let shown: String = id.chars().take(60).collect();
    let place = section.place_of(key);
    let near = nearest_id(&id);
    let example = if near.is_empty() { String::new() } else { format!(", for example `{near}`") };
    let problem = format!("the {what} id {shown:?} is not allowed");
    let right = format!("use 1 to 63 of a-z, 0-9, `_` and `-`, beginning with a letter or digit{example}");
    section.fault(key.name(), place, problem, Some(right));
    None
}

/// Reads the list `agents` of a file. Returns `None` if it is not given.
pub(super) fn read_agents(file: &Section<'_>) -> Option<Vec<AgentEntry>> {
    let sections = file.sections(&keys::AGENTS)?;
    let entries: Vec<AgentEntry> = sections.iter().filter_map(read_agent).collect();
    report_twice(file.sink, "agent", entries.iter().map(|entry| (entry.id.as_str(), entry.place)));
    Some(entries)
}

fn read_agent(section: &Section<'_>) -> Option<AgentEntry> {
    let id = id_of(section, &keys::AGENT_ID, "agent");
    let shell = section.value(&keys::SHELL);
    let entry = AgentEntry {
        id: id.clone().unwrap_or_default().into(),
        place: section.place,
        name: section.given(&keys::AGENT_NAME),
        command: read_command(section, &keys::COMMAND_TEMPLATE, PLACEHOLDERS, shell),
        resume: read_resume(section, shell),
        unexpanded: [&keys::COMMAND_TEMPLATE, &keys::RESUME_TEMPLATE]
            .into_iter()
            .filter_map(|key| unexpanded(section, key, shell))
            .collect(),
        cli_command: section.given(&keys::CLI_COMMAND),
        stdin: section.given(&keys::STDIN),
        transcript: section.given(&keys::TRANSCRIPT),
        stop_signal: section.given(&keys::STOP_SIGNAL),
        env: read_env(section),
        planner: section.given(&keys::AGENT_PLANNER),
        enabled: section.given(&keys::AGENT_ENABLED),
        description: section.given(&keys::AGENT_DESCRIPTION),
    };
    section.finish();
    id.map(|_| entry)
}

fn read_env(section: &Section<'_>) -> Option<BTreeMap<String, String>> {
    let pairs = section.text_map(&keys::ENV)?;
    if let Some((name, _)) = pairs.iter().find(|(name, _)| name.is_empty() || name.contains(['=', '\0'])) {
        let place = section.place_of(&keys::ENV);
        section.fault(keys::ENV.name(), place, format!("{name:?} is not a valid name of a variable"), None);
    }
    Some(pairs.into_iter().collect())
}

/// Reads the command that resumes a conversation. Adds a fault if the command does not name the conversation.
fn read_resume(section: &Section<'_>, shell: bool) -> Option<CommandTemplate> {
    let key = &keys::RESUME_TEMPLATE;
    let known: Vec<&str> = PLACEHOLDERS.iter().copied().chain([RESUME_PLACEHOLDER]).collect();
    let template = read_command(section, key, &known, shell)?;
    let wanted = format!("{{{RESUME_PLACEHOLDER}}}");
    // A misspelt placeholder is reported already; "does not name the conversation" would only repeat it.
    let has_typo = template.words.iter().any(|word| !unknown_placeholders(word, &known).is_empty());
    if !has_typo && !template.words.iter().any(|word| word.contains(&wanted)) {
        let place = section.place_of(key);
        let problem = format!("`{}` does not name the conversation to resume", section.key(key.name()));
        section.fault(
            key.name(),
            place,
            problem,
            Some(format!("write {wanted} where the agent expects the conversation's id")),
        );
    }
    Some(template)
}

/// Reads a command. Returns `None`, and adds a fault, if it cannot be split, is empty, or has the wrong type.
/// A placeholder outside `known` is a fault, too.
fn read_command(
    section: &Section<'_>,
    row: &Key<CommandTemplate>,
    known: &[&str],
    shell: bool,
) -> Option<CommandTemplate> {
    let (node, key) = (section.get(row)?, row.name());
    let words = match (&node.value, shell) {
        (Value::Text(text), true) => Some(vec![text.clone()]),
        (Value::Text(text), false) => split(section, key, node, text),
        (Value::List(_), false) => {
            section.texts(row).map(|texts| texts.into_iter().map(|(text, _)| text).collect())
        }
        (Value::List(_), true) => {
            section.wrong(key, node, "one text for the shell, since `shell` is true");
            None
        }
        _ => {
            section.wrong(key, node, &row.kind.expected());
            None
        }
    }?;
    // Without a program nothing could be started, and the failure would come only with the first session.
    if words.first().is_none_or(|word| word.trim().is_empty()) {
        section.fault(key, node.place, format!("`{}` is empty", section.key(key)), None);
        return None;
    }
    for word in words.iter().flat_map(|word| unknown_placeholders(word, known)) {
        let (problem, right) = match word {
            RESUME_PLACEHOLDER => (
                format!("`{{{word}}}` has a value only when a conversation is resumed"),
                "give the command for that as `resume_template`".to_owned(),
            ),
            _ => (format!("unknown placeholder `{{{word}}}`"), meant(word, known)),
        };
        section.fault(key, node.place, problem, Some(right));
    }
    Some(CommandTemplate { words, shell })
}

fn split(section: &Section<'_>, key: &'static str, node: &Node, text: &str) -> Option<Vec<String>> {
    match shell_words::split(text) {
        Ok(words) => {
            check_no_shell(section, key, node, text);
            Some(words)
        }
        Err(error) => {
            let problem = format!("`{}` cannot be split into words: {error}", section.key(key));
            section.fault(key, node.place, problem, Some("close the quote, or give a list".to_owned()));
            None
        }
    }
}

/// Adds a fault if a command without `shell: true` is written for a shell: the program would get `|` and
/// `$HOME` as arguments.
fn check_no_shell(section: &Section<'_>, key: &'static str, node: &Node, text: &str) {
    let name = section.key(key);
    if let Some(piece) = shell_syntax::outside_quotes(text) {
        let problem = format!(
            "`{name}` holds `{piece}`, which only a shell understands, but no shell runs the command"
        );
        let right = match piece.strip_suffix('=') {
            Some(variable) => format!("give `{variable}` under `env`, or add `shell: true`"),
            None => "add `shell: true`; or, if the program itself expects it, put it in single quotes or give the \
                     command as a list"
                .to_owned(),
        };
        section.fault(key, node.place, problem, Some(right));
    }
}

/// Returns the first piece in double quotes that a shell would replace, in a command without `shell: true`.
///
/// Only a warning follows: a program may expect `$` in an argument. Commands with a fault are left out.
fn unexpanded(
    section: &Section<'_>,
    row: &Key<CommandTemplate>,
    shell: bool,
) -> Option<(&'static str, Place, String)> {
    let node = section.get(row)?;
    let Value::Text(text) = &node.value else { return None };
    let has_fault = shell_syntax::outside_quotes(text).is_some();
    let piece = shell_syntax::in_double_quotes(text).filter(|_| !shell && !has_fault)?;
    Some((row.name(), node.place, piece))
}

/// Returns the names in braces that are no placeholder. `${name}` belongs to the shell, and JSON (`{"a": 1}`)
/// is not a name.
fn unknown_placeholders<'w>(word: &'w str, known: &[&str]) -> Vec<&'w str> {
    let mut found = Vec::new();
    for (at, _) in word.match_indices('{') {
        let Some(name) = word[at + 1..].split_once('}').map(|(name, _)| name) else { break };
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if is_name && !word[..at].ends_with('$') && !known.contains(&name) {
            found.push(name);
        }
    }
    found
}

impl AgentEntry {
    fn warn_of_unexpanded(&self, sink: &Sink) {
        for (key, place, piece) in &self.unexpanded {
            let problem = format!(
                "`{key}` of the agent `{}` holds `{piece}` in double quotes: no shell runs the command, so the \
                 program gets it unchanged",
                self.id
            );
            let right = "add `shell: true`, or use single quotes if that is intended".to_owned();
            sink.warn(*place, key, problem, Some(right));
        }
    }

    /// Merges this entry's variables over those of the agent below. An empty value stays, since it unsets the
    /// variable.
    fn env_over(&self, below: Option<&AgentSettings>) -> BTreeMap<String, String> {
        let mut env = below.map(|agent| agent.env.clone()).unwrap_or_default();
        env.extend(self.env.iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        env
    }

    /// Merges this entry's keys over those of the agent below. Returns `None`, and adds a fault, if neither
    /// has a command.
    pub(crate) fn over(&self, below: Option<&AgentSettings>, sink: &Sink) -> Option<AgentSettings> {
        self.warn_of_unexpanded(sink);
        let Some(command) = self.command.clone().or_else(|| below.map(|agent| agent.command.clone())) else {
            let problem = format!("the agent `{}` has no command and is not built in", self.id);
            let names: Vec<String> =
                builtin::agents().into_iter().map(|agent| agent.id.to_string()).collect();
            let right = format!("give `command_template`; built in: {}", names.join(", "));
            sink.add(self.place, "command_template", problem, Some(right));
            return None;
        };
        // The program of a shell command is its first word, as far as the text can be split without a shell.
        let first = || match command.shell {
            true => shell_words::split(&command.words[0]).ok().and_then(|words| words.first().cloned()),
            false => command.words.first().cloned(),
        };
        // The built-in command to resume would not fit another command that starts a session.
        let below_resume = below.filter(|_| self.command.is_none()).and_then(|agent| agent.resume.clone());
        let resume = self.resume.clone().or(below_resume);
        // An own command brings its own program along; otherwise the program of the agent below stays.
        let own_program = self.command.is_some().then(first).flatten();
        let below_program = || below.map(|agent| agent.cli_command.clone());
        let text = |own: &Option<String>, get: fn(&AgentSettings) -> &String, default: &str| {
            own.clone().or_else(|| below.map(|agent| get(agent).clone())).unwrap_or(default.to_owned())
        };
        Some(AgentSettings {
            id: self.id.clone(),
            name: text(&self.name, |agent| &agent.name, self.id.as_str()),
            cli_command: self.cli_command.clone().or(own_program).or_else(below_program).unwrap_or_default(),
            stdin: self.stdin.or(below.map(|agent| agent.stdin)).unwrap_or_else(|| keys::STDIN.default()),
            transcript: text(&self.transcript, |agent| &agent.transcript, &keys::TRANSCRIPT.default()),
            stop_signal: text(&self.stop_signal, |agent| &agent.stop_signal, &keys::STOP_SIGNAL.default()),
            env: self.env_over(below),
            planner: self
                .planner
                .or(below.map(|agent| agent.planner))
                .unwrap_or_else(|| keys::AGENT_PLANNER.default()),
            // Unlike `planner`, this is false unless somebody said so: a project of an earlier build asks before
            // such an agent plans.
            plans: self.planner.or(below.map(|agent| agent.plans)).unwrap_or(false),
            enabled: self
                .enabled
                .or(below.map(|agent| agent.enabled))
                .unwrap_or_else(|| keys::AGENT_ENABLED.default()),
            description: text(
                &self.description,
                |agent| &agent.description,
                &keys::AGENT_DESCRIPTION.default(),
            ),
            resume,
            command,
        })
    }
}

/// Reads the list `workers` of a file. Returns `None` if it is not given.
pub(super) fn read_workers(file: &Section<'_>) -> Option<Vec<WorkerEntry>> {
    let sections = file.sections(&keys::WORKERS)?;
    let entries: Vec<WorkerEntry> = sections.iter().filter_map(read_worker).collect();
    report_twice(file.sink, "worker", entries.iter().map(|entry| (entry.id.as_str(), entry.place)));
    Some(entries)
}

fn read_worker(section: &Section<'_>) -> Option<WorkerEntry> {
    let id = id_of(section, &keys::WORKER_ID, "worker");
    let agents = section.texts(&keys::WORKER_AGENTS);
    let entry = WorkerEntry {
        id: id.clone().unwrap_or_default().into(),
        place: section.place,
        name: section.given(&keys::WORKER_NAME),
        role: section.given(&keys::ROLE),
        strategy: section.given(&keys::STRATEGY),
        agents: agents.map(|all| all.into_iter().map(|(id, place)| (id.into(), place)).collect()),
        template: section.given(&keys::TEMPLATE),
    };
    let place = section.place_of(&keys::TEMPLATE);
    // A path could read any file into a prompt.
    if entry.template.as_ref().is_some_and(|name| name.contains('/') || !name.ends_with(".md")) {
        let problem = format!("`{}` must be the name of a template file", section.key(keys::TEMPLATE.name()));
        section.fault(
            keys::TEMPLATE.name(),
            place,
            problem,
            Some("for example session-worker.md".to_owned()),
        );
    }
    section.finish();
    id.map(|_| entry)
}

impl WorkerEntry {
    /// Merges this entry's keys over those of the worker below.
    pub(crate) fn over(&self, below: Option<&WorkerSettings>) -> WorkerSettings {
        let role = self.role.or(below.map(|worker| worker.role)).unwrap_or_else(|| keys::ROLE.default());
        // A worker with another role gets the template of that role, unless the entry names one.
        let kept = below.filter(|worker| worker.role == role).map(|worker| worker.template.clone());
        let own_agents = self.agents.as_ref().map(|agents| agents.iter().map(|(id, _)| id.clone()).collect());
        WorkerSettings {
            id: self.id.clone(),
            name: self
                .name
                .clone()
                .or_else(|| below.map(|worker| worker.name.clone()))
                .unwrap_or_else(|| self.id.to_string()),
            role,
            strategy: self
                .strategy
                .or(below.map(|worker| worker.strategy))
                .unwrap_or_else(|| keys::STRATEGY.default()),
            agents: own_agents.or_else(|| below.map(|worker| worker.agents.clone())).unwrap_or_default(),
            template: self.template.clone().or(kept).unwrap_or_else(|| builtin::template_of(role).to_owned()),
        }
    }
}

/// Adds a fault for every id that is given twice in one list.
pub(super) fn report_twice<'i>(sink: &Sink, what: &str, ids: impl Iterator<Item = (&'i str, Place)>) {
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for (id, place) in ids {
        match seen.get(id) {
            Some(first) => {
                let right = format!("line {} has it already", first.line);
                sink.add(place, "id", format!("the {what} `{id}` is given twice"), Some(right));
            }
            None => drop(seen.insert(id, place)),
        }
    }
}
