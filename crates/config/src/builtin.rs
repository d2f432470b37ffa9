//! What is built in: agents, workers, and the ways of reading an agent's output. Adding one is adding a row.

use paddock_model::settings::{AgentSettings, CommandTemplate, Role, StdinRule, Strategy, WorkerSettings};

/// Stands for this very program in an agent's command; the session room puts the path there.
pub(crate) const PADDOCK_WORD: &str = "{paddock}";

/// The id of the agent for demo, rehearsal and tests; used only where it is named.
pub const SCRIPTED: &str = "scripted";

struct AgentRow {
    id: &'static str,
    name: &'static str,
    command: &'static [&'static str],
    /// How it goes on with a conversation of its own; empty = it cannot.
    resume: &'static [&'static str],
    cli_command: &'static str,
    stdin: StdinRule,
    transcript: &'static str,
    /// What leaves least behind (docs/agents.md); the whole tree is killed afterwards in any case.
    stop_signal: &'static str,
    env: &'static [(&'static str, &'static str)],
    planner: bool,
    description: &'static str,
}

// In the order in which they are used where a project names none.
const AGENTS: &[AgentRow] = &[
    AgentRow {
        id: "claude",
        name: "Claude Code",
        command: &[
            "claude",
            "-p",
            "--output-format",
            "stream-json",
            "--verbose",
            "--dangerously-skip-permissions",
        ],
        resume: &[
            "claude",
            "-p",
            "--output-format",
            "stream-json",
            "--verbose",
            "--dangerously-skip-permissions",
            "--resume",
            "{agent_session}",
        ],
        cli_command: "claude",
        stdin: StdinRule::Prompt,
        transcript: "claude",
        // It then still tells what it used.
        stop_signal: "INT",
        env: &[
            // Without it the flag above is refused to root.
            ("IS_SANDBOX", "1"),
            // Waiting long is Paddock's business: it can use another agent meanwhile.
            ("CLAUDE_CODE_MAX_RETRIES", "4"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("DISABLE_TELEMETRY", "1"),
        ],
        planner: true,
        description: "Anthropic's Claude Code",
    },
    AgentRow {
        id: "codex",
        name: "OpenAI Codex",
        command: &["codex", "exec", "--json", "--dangerously-bypass-approvals-and-sandbox", "-"],
        resume: &[
            "codex",
            "exec",
            "resume",
            "--json",
            "--dangerously-bypass-approvals-and-sandbox",
            "{agent_session}",
            "-",
        ],
        cli_command: "codex",
        stdin: StdinRule::Prompt,
        transcript: "codex",
        // After SIGTERM its commands go on.
        stop_signal: "INT",
        env: &[],
        planner: true,
        description: "OpenAI's Codex CLI",
    },
    AgentRow {
        id: "kimi",
        name: "Kimi Code",
        command: &["kimi", "--output-format", "stream-json", "-p", "{prompt_text}"],
        resume: &["kimi", "--output-format", "stream-json", "-S", "{agent_session}", "-p", "{prompt_text}"],
        cli_command: "kimi",
        stdin: StdinRule::None,
        transcript: "kimi",
        stop_signal: "TERM",
        env: &[
            ("KIMI_LOOP_MAX_ATTEMPTS_PER_STEP", "4"),
            ("KIMI_DISABLE_TELEMETRY", "1"),
            ("KIMI_CODE_NO_AUTO_UPDATE", "1"),
        ],
        planner: true,
        description: "Moonshot's Kimi Code CLI",
    },
    AgentRow {
        id: "opencode",
        name: "opencode",
        // Without `--dir` it goes by PWD, which a wrapper may have left anywhere.
        command: &["opencode", "run", "--format", "json", "--auto", "--dir", "{worktree}"],
        resume: &[
            "opencode",
            "run",
            "--format",
            "json",
            "--auto",
            "--dir",
            "{worktree}",
            "-s",
            "{agent_session}",
        ],
        cli_command: "opencode",
        stdin: StdinRule::Prompt,
        transcript: "opencode",
        stop_signal: "TERM",
        env: &[("OPENCODE_DISABLE_AUTOUPDATE", "1")],
        planner: true,
        description: "opencode, with the model that it is configured for",
    },
    AgentRow {
        id: "gemini",
        name: "Gemini CLI",
        command: &["gemini", "--yolo", "--skip-trust", "-o", "stream-json"],
        resume: &[],
        cli_command: "gemini",
        stdin: StdinRule::Prompt,
        transcript: "gemini",
        stop_signal: "TERM",
        env: &[],
        planner: true,
        description: "Google's Gemini CLI",
    },
    AgentRow {
        id: "qwen",
        name: "Qwen Code",
        command: &["qwen", "--yolo", "-o", "stream-json"],
        resume: &[],
        cli_command: "qwen",
        stdin: StdinRule::Prompt,
        transcript: "qwen",
        stop_signal: "TERM",
        env: &[("QWEN_CODE_SUPPRESS_YOLO_WARNING", "1")],
        planner: true,
        description: "Alibaba's Qwen Code",
    },
    AgentRow {
        id: "copilot",
        name: "GitHub Copilot CLI",
        command: &[
            "copilot",
            "-p",
            "{prompt_text}",
            "--allow-all",
            "--output-format",
            "json",
            "--no-auto-update",
        ],
        resume: &[],
        cli_command: "copilot",
        stdin: StdinRule::None,
        transcript: "copilot",
        stop_signal: "TERM",
        env: &[],
        planner: true,
        description: "GitHub's Copilot CLI",
    },
    AgentRow {
        id: "aider",
        name: "aider",
        command: &[
            "aider",
            "--message-file",
            "{prompt_file}",
            "--yes-always",
            "--no-check-update",
            "--no-show-release-notes",
            "--analytics-disable",
            "--no-show-model-warnings",
            "--no-pretty",
            "--no-stream",
            "--no-gitignore",
            // What it would otherwise leave in the worktree would be work that was not committed.
            "--map-tokens",
            "0",
            "--chat-history-file",
            "{session_dir}/aider.chat.history.md",
            "--input-history-file",
            "{session_dir}/aider.input.history",
        ],
        resume: &[],
        cli_command: "aider",
        stdin: StdinRule::None,
        transcript: "aider",
        stop_signal: "TERM",
        env: &[],
        // It cannot look around in a repository.
        planner: false,
        description: "aider: edits and commits, without tools",
    },
    AgentRow {
        id: SCRIPTED,
        name: "Scripted agent",
        command: &[PADDOCK_WORD, "__scripted", "{prompt_file}"],
        resume: &[],
        cli_command: PADDOCK_WORD,
        stdin: StdinRule::None,
        transcript: "scripted",
        stop_signal: "TERM",
        env: &[],
        planner: true,
        description: "acts out a script; for demo, rehearsal and tests",
    },
];

const WORKERS: &[(&str, &str, Role, &str)] = &[
    ("implementer", "Implementer", Role::Implementer, "session-worker.md"),
    ("integrator", "Integrator", Role::Integrator, "session-integrator.md"),
    ("researcher", "Researcher", Role::Researcher, "session-researcher.md"),
];

/// The signals that may ask an agent to stop.
pub(crate) const STOP_SIGNALS: &[&str] = &["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"];

/// What an agent's command may name in braces.
pub(crate) const PLACEHOLDERS: &[&str] =
    &["prompt_file", "worktree", "session_dir", "model", "prompt", "prompt_text", "paddock"];

/// What the command by which it goes on with a conversation names besides, and must name.
pub(crate) const RESUME_PLACEHOLDER: &str = "agent_session";

/// The built-in agents.
#[must_use]
pub fn agents() -> Vec<AgentSettings> {
    let words = |words: &[&str]| CommandTemplate {
        words: words.iter().map(|&word| word.to_owned()).collect(),
        shell: false,
    };
    let agent = |row: &AgentRow| AgentSettings {
        id: row.id.into(),
        name: row.name.to_owned(),
        command: words(row.command),
        resume: (!row.resume.is_empty()).then(|| words(row.resume)),
        cli_command: row.cli_command.to_owned(),
        stdin: row.stdin,
        transcript: row.transcript.to_owned(),
        stop_signal: row.stop_signal.to_owned(),
        env: row.env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        planner: row.planner,
        plans: row.planner,
        enabled: true,
        description: row.description.to_owned(),
    };
    AGENTS.iter().map(agent).collect()
}

/// The built-in workers; without agents of their own they use the project's.
#[must_use]
pub(crate) fn workers() -> Vec<WorkerSettings> {
    let worker = |&(id, name, role, template): &(&str, &str, Role, &str)| WorkerSettings {
        id: id.into(),
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
pub(crate) fn template_of(role: Role) -> &'static str {
    WORKERS.iter().find(|row| row.2 == role).map_or("session-worker.md", |row| row.3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_agents::transcript::formats;

    /// It goes by `PWD` where nothing names its folder.
    #[test]
    fn opencode_is_told_the_worktree_when_it_begins_and_when_it_goes_on() {
        let agents = agents();
        let opencode = agents.iter().find(|agent| agent.id == "opencode").unwrap();
        for command in [&opencode.command, opencode.resume.as_ref().unwrap()] {
            let at = command.words.iter().position(|word| word == "--dir").unwrap();
            assert_eq!(command.words[at + 1], "{worktree}");
        }
    }

    #[test]
    fn every_built_in_agent_is_read_in_a_format_that_exists_and_stopped_by_a_signal_that_does() {
        for agent in agents() {
            assert!(formats().any(|(name, _)| name == agent.transcript), "{}", agent.id);
            assert!(STOP_SIGNALS.contains(&agent.stop_signal.as_str()), "{}", agent.id);
            let resume = agent.resume.as_ref().map(|resume| resume.words.join(" "));
            let wanted = format!("{{{RESUME_PLACEHOLDER}}}");
            assert!(resume.is_none_or(|line| line.contains(&wanted)), "{}", agent.id);
            assert!(!agent.command.words.join(" ").contains(&wanted), "{}", agent.id);
        }
    }
}
