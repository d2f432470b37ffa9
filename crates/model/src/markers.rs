//! Environment variables with which coding agents mark the shells that they start.
//!
//! Paddock itself may run in such a shell. If the next agent inherited the marks, it would take itself for a
//! child of the outer one: `claude -p` refuses to start if `CLAUDECODE` is set, and ports and tokens of the
//! outer session are not meant for the inner one. Variables that log an agent in or configure it
//! (`ANTHROPIC_API_KEY`, `CLAUDE_CONFIG_DIR`, `CLAUDE_CODE_USE_BEDROCK`, `CODEX_HOME`, `OPENCODE_CONFIG`, …)
//! are not marks and stay.

/// All marks, by program. A `*` at the end matches any rest.
const MARKERS: &[&str] = &[
    // Several programs, following the first one that set it.
    "AI_AGENT",
    // Claude Code: its shells, its hooks, its SDK, its editor and its cloud sessions.
    "CLAUDECODE",
    "CLAUDE_CODE",
    "CLAUDE_AGENT_SDK_CLIENT_APP",
    "CLAUDE_AGENT_SDK_VERSION",
    "CLAUDE_CODE_BRIDGE_*",
    "CLAUDE_CODE_CHILD_*",
    "CLAUDE_CODE_CONTAINER_ID",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_ENVIRONMENT_KIND",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_HOST_WORKTREE*",
    "CLAUDE_CODE_INVOKED_SKILLS",
    "CLAUDE_CODE_LAUNCHED_BY_SESSION_IDS",
    "CLAUDE_CODE_MESSAGING_*",
    "CLAUDE_CODE_PARENT_SESSION_ID",
    "CLAUDE_CODE_REMOTE",
    "CLAUDE_CODE_REMOTE_ENVIRONMENT_TYPE",
    "CLAUDE_CODE_REMOTE_SESSION_*",
    "CLAUDE_CODE_SESSION_*",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_CODE_TMUX_*",
    "CLAUDE_CODE_WEBSOCKET_AUTH_FILE_DESCRIPTOR",
    "CLAUDE_CODE_WORKER_EPOCH",
    "CLAUDE_EFFORT",
    "CLAUDE_ENV_FILE",
    "CLAUDE_PID",
    "CLAUDE_PLUGIN_DATA",
    "CLAUDE_PLUGIN_ROOT",
    "CLAUDE_PROJECT_DIR",
    "CLAUDE_SESSION_ID",
    "CLAUDE_SESSION_INGRESS_TOKEN_FILE",
    // Codex: its sandbox, its thread, and the launcher that npm installs.
    "CODEX_CI",
    "CODEX_INTERNAL_ORIGINATOR_OVERRIDE",
    "CODEX_MANAGED_*",
    "CODEX_NETWORK_PROXY_*",
    "CODEX_PERMISSION_PROFILE",
    "CODEX_SANDBOX*",
    "CODEX_SESSION_ID",
    "CODEX_SHELL_SNAPSHOT_*",
    "CODEX_SNAPSHOT_*",
    "CODEX_THREAD_ID",
    "CODEX_TOOL_CALL_*",
    // GitHub Copilot CLI.
    "COPILOT_AGENT_SESSION_ID",
    "COPILOT_CLI",
    "COPILOT_CLI_BINARY_VERSION",
    "COPILOT_LOADER_PID",
    "COPILOT_RUN_APP",
    // Gemini CLI and its editor.
    "GEMINI_CLI",
    "GEMINI_CLI_IDE_*",
    "GEMINI_CLI_SESSION_ID",
    "GEMINI_CLI_WORKTREE_HANDLED",
    "GEMINI_CWD",
    "GEMINI_PLANS_DIR",
    "GEMINI_PROJECT_DIR",
    "GEMINI_SESSION_ID",
    // opencode: its shells, its terminal, its editor.
    "OPENCODE",
    "OPENCODE_CALLER",
    "OPENCODE_CLIENT",
    "OPENCODE_EDITOR_SSE_PORT",
    "OPENCODE_PID",
    "OPENCODE_PROCESS_ROLE",
    "OPENCODE_RUN_ID",
    "OPENCODE_SESSION_ID",
    "OPENCODE_TERMINAL",
    "OPENCODE_WORKSPACE_ID",
    "_EXTENSION_OPENCODE_PORT",
    // Qwen Code and its editor.
    "QWEN_CODE",
    "QWEN_CODE_IDE_*",
    "QWEN_PROJECT_DIR",
    "QWEN_SESSION_ID",
    // Programs that Paddock cannot run, but in whose shells it may be started.
    "AMP_CURRENT_THREAD_ID",
    "AMP_THREAD_ID",
    "ANTIGRAVITY_AGENT",
    "AUGMENT_AGENT",
    "CLINE_ACTIVE",
    "CRUSH",
    "CURSOR_AGENT",
    "CURSOR_CLI",
    "CURSOR_SANDBOX*",
    "CURSOR_TRACE_ID",
    "GOOSE_TERMINAL",
    "PI_CODING_AGENT",
    "TRAE_AI_SHELL_ID",
];

/// Names that people use for other purposes too. They count as marks only if one of the above is set as well.
const COMPANIONS: &[&str] = &["AGENT", "GEMINI_CLI_NO_RELAUNCH", "QWEN_CODE_NO_RELAUNCH"];

/// Returns whether a variable of this name marks an agent's shell, whatever else is set.
#[must_use]
pub(crate) fn is_marker(name: &str) -> bool {
    MARKERS.iter().any(|marker| match marker.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *marker,
    })
}

/// Returns those of the names of an environment that mark an agent's shell.
pub fn markers_among(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let (mut found, others): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| is_marker(name));
    if !found.is_empty() {
        found.extend(others.into_iter().filter(|name| COMPANIONS.contains(&name.as_str())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_shells_differ_from_logins_and_configuration() {
        let marks = [
            "CLAUDECODE",
            "CLAUDE_CODE_ENTRYPOINT",
            "CLAUDE_CODE_SESSION_ACCESS_TOKEN",
            "CLAUDE_CODE_SSE_PORT",
            "CODEX_SANDBOX",
            "CODEX_SANDBOX_NETWORK_DISABLED",
            "GEMINI_CLI",
            "GEMINI_CLI_IDE_SERVER_PORT",
            "OPENCODE",
            "OPENCODE_PID",
            "QWEN_CODE",
        ];
        for name in marks {
            assert!(is_marker(name), "{name}");
        }
        let kept = [
            "ANTHROPIC_API_KEY",
            "CLAUDE_CODE_MAX_RETRIES",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CONFIG_DIR",
            "CODEX_ACCESS_TOKEN",
            "CODEX_API_KEY",
            "CODEX_HOME",
            "COPILOT_GITHUB_TOKEN",
            "COPILOT_HOME",
            "GEMINI_API_KEY",
            "GEMINI_CLI_SYSTEM_SETTINGS_PATH",
            "GEMINI_MODEL",
            "IS_SANDBOX",
            "KIMI_API_KEY",
            "OPENCODE_API_KEY",
            "OPENCODE_CONFIG_CONTENT",
            "QWEN_CODE_SUPPRESS_YOLO_WARNING",
            "QWEN_HOME",
            "AIDER_MODEL",
            "PATH",
        ];
        for name in kept {
            assert!(!is_marker(name), "{name}");
        }
    }

    #[test]
    fn a_common_name_is_a_mark_only_together_with_another_mark() {
        let of = |names: &[&str]| markers_among(names.iter().map(|&name| name.to_owned()));
        assert!(of(&["AGENT", "HOME"]).is_empty());
        assert_eq!(of(&["AGENT", "HOME", "OPENCODE"]), ["OPENCODE", "AGENT"]);
    }
}
