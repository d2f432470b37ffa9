//! The built-in agents and workers. To add one, add a row, and for an agent a transcript reader in
//! `paddock_agents`.

use paddock_model::settings::{AgentSettings, CommandTemplate, Role, StdinRule, Strategy, WorkerSettings};

/// Placeholder for this program in an agent's command; the path is put in when a session starts.
pub(crate) const PADDOCK_WORD: &str = "{paddock}";

/// Id of the agent for demos, rehearsals and tests. It is used only if a project names it.
pub const SCRIPTED: &str = "scripted";

struct AgentRow {
    id: &'static str,
    name: &'static str,
    command: &'static [&'static str],
    /// Command that resumes a conversation; empty if the agent cannot.
    resume: &'static [&'static str],
    cli_command: &'static str,
    stdin: StdinRule,
    transcript: &'static str,
    /// Signal after which the agent leaves the fewest processes and files behind (docs/agents.md). Its whole
    /// process tree is killed afterwards in any case.
    stop_signal: &'static str,
    env: &'static [(&'static str, &'static str)],
    planner: bool,
    description: &'static str,
}

// The order in which agents are tried in a project that names none.
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
        // After SIGINT it still reports its usage.
        stop_signal: "INT",
        env: &[
            // Without this variable, root is refused the flag that skips permissions.
            ("IS_SANDBOX", "1"),
            // Few retries: instead of waiting long, Paddock can let another agent continue.
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
        // After SIGTERM the commands that it has started keep running.
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
        // Without `--dir` it takes its folder from PWD, which a wrapper script may have set to any folder.
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
        resume: &["gemini", "--yolo", "--skip-trust", "-o", "stream-json", "--resume", "{agent_session}"],
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
        resume: &["qwen", "--yolo", "-o", "stream-json", "--resume", "{agent_session}"],
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
        resume: &[
            "copilot",
            "--resume",
            "{agent_session}",
            "-p",
            "{prompt_text}",
            "--allow-all",
            "--output-format",
            "json",
            "--no-auto-update",
        ],
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
            // Its histories and its map of the repository would be untracked files in the worktree, and count
            // as uncommitted work.
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
        // It cannot explore a repository by itself.
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

/// Signals that may be configured to stop an agent.
pub(crate) const STOP_SIGNALS: &[&str] = &["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"];

/// Placeholders that an agent's command may contain, in braces.
pub(crate) const PLACEHOLDERS: &[&str] =
    &["prompt_file", "worktree", "session_dir", "model", "prompt", "prompt_text", "paddock"];

/// Additional placeholder of a command that resumes a conversation, which it must contain.
pub(crate) const RESUME_PLACEHOLDER: &str = "agent_session";

/// Returns the built-in agents.
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

/// Returns the built-in workers. Their lists of agents are empty: resolving a project file fills them in.
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

/// Returns the name of a role's template.
#[must_use]
pub(crate) fn template_of(role: Role) -> &'static str {
    WORKERS.iter().find(|row| row.2 == role).map_or("session-worker.md", |row| row.3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_agents::transcript::formats;

    /// opencode takes its folder from `PWD` if no argument names it.
    #[test]
    fn opencode_gets_the_worktree_when_it_begins_and_when_it_resumes() {
        let agents = agents();
        let opencode = agents.iter().find(|agent| agent.id == "opencode").unwrap();
        for command in [&opencode.command, opencode.resume.as_ref().unwrap()] {
            let at = command.words.iter().position(|word| word == "--dir").unwrap();
            assert_eq!(command.words[at + 1], "{worktree}");
        }
    }

    #[test]
    fn every_built_in_agent_has_a_known_transcript_format_and_stop_signal() {
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
