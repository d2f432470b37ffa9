//! What is built in: agents, workers, and the ways of reading an agent's output. Adding one is adding a row.

use std::collections::BTreeMap;

use crate::domain::settings::{AgentSettings, CommandTemplate, Role, StdinRule, Strategy, WorkerSettings};

/// Stands for this very program in an agent's command; the session room puts the path there.
pub const PADDOCK_WORD: &str = "{paddock}";

/// The id of the agent for demo, rehearsal and tests; used only where it is named.
pub const SCRIPTED: &str = "scripted";

struct AgentRow {
    id: &'static str,
    name: &'static str,
    command: &'static [&'static str],
    cli_command: &'static str,
    transcript: &'static str,
    planner: bool,
    description: &'static str,
}

const AGENTS: &[AgentRow] = &[AgentRow {
    id: SCRIPTED,
    name: "Scripted agent",
    command: &[PADDOCK_WORD, "__scripted", "{prompt_file}"],
    cli_command: PADDOCK_WORD,
    transcript: "scripted",
    planner: true,
    description: "acts out a script; for demo, rehearsal and tests",
}];

const WORKERS: &[(&str, &str, Role, &str)] = &[
    ("implementer", "Implementer", Role::Implementer, "session-worker.md"),
    ("integrator", "Integrator", Role::Integrator, "session-integrator.md"),
    ("researcher", "Researcher", Role::Researcher, "session-researcher.md"),
];

/// The ways of reading an agent's output, and whether each tells what a session cost.
pub const TRANSCRIPTS: &[(&str, bool)] =
    &[("plain", false), ("scripted", true), ("claude", true), ("codex", false), ("kimi", false)];

/// The signals that may ask an agent to stop.
pub const STOP_SIGNALS: &[&str] = &["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"];

/// What an agent's command may name in braces.
pub const PLACEHOLDERS: &[&str] =
    &["prompt_file", "worktree", "session_dir", "model", "prompt", "prompt_text", "paddock"];

/// Whether the transcript of that name tells what a session cost.
#[must_use]
pub fn reports_cost(transcript: &str) -> bool {
    TRANSCRIPTS.iter().any(|(name, cost)| *name == transcript && *cost)
}

/// The built-in agents.
#[must_use]
pub fn agents() -> Vec<AgentSettings> {
    let agent = |row: &AgentRow| AgentSettings {
        id: row.id.to_owned(),
        name: row.name.to_owned(),
        command: CommandTemplate { words: row.command.iter().map(|&w| w.to_owned()).collect(), shell: false },
        resume: None,
        cli_command: row.cli_command.to_owned(),
        stdin: StdinRule::None,
        transcript: row.transcript.to_owned(),
        stop_signal: "TERM".to_owned(),
        env: BTreeMap::new(),
        planner: row.planner,
        enabled: true,
        description: row.description.to_owned(),
    };
    AGENTS.iter().map(agent).collect()
}

/// The built-in workers; without agents of their own they use the project's.
#[must_use]
pub fn workers() -> Vec<WorkerSettings> {
    let worker = |&(id, name, role, template): &(&str, &str, Role, &str)| WorkerSettings {
        id: id.to_owned(),
        name: name.to_owned(),
        role,
        strategy: Strategy::Priority,
        agents: Vec::new(),
        template: template.to_owned(),
    };
    WORKERS.iter().map(worker).collect()
}

/// The template of a role.
#[must_use]
pub fn template_of(role: Role) -> &'static str {
    WORKERS.iter().find(|row| row.2 == role).map_or("session-worker.md", |row| row.3)
}
