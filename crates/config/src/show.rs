//! Settings as a project file would say them, every default included: `paddock config show`.

use serde_json::{Value, json};

use paddock_model::ids::ProjectSlug;
use paddock_model::settings::{
    AgentSettings, CommandTemplate, ProjectSettings, Slots, StdinRule, WorkerSettings,
};

/// The whole of it.
#[must_use]
pub fn document(slug: &ProjectSlug, settings: &ProjectSettings) -> Value {
    let s = settings;
    let defaults = &s.session_defaults;
    json!({
        "slug": slug,
        "name": s.name,
        "repo_root": s.repo_root,
        "worktrees_root": s.worktrees_root,
        "description": s.description,
        "target_branch": s.target_branch,
        "enabled": s.enabled,
        "max_parallel_sessions": s.max_parallel_sessions,
        "integrator_only_patterns": s.integrator_only_patterns,
        "path_scope": s.path_scope,
        "path_conflicts": s.path_conflicts,
        "shared_patterns": s.shared_patterns,
        "session_defaults": {
            "scope_level": defaults.scope_level,
            "max_commits_per_session": defaults.max_commits,
            "max_minutes_per_session": defaults.max_minutes,
            "max_tokens_per_session": defaults.max_tokens,
            "max_usd_per_session": defaults.max_usd,
            "stall_minutes": defaults.stall_minutes,
            "planner_agent": defaults.planner_agent,
        },
        "recovery": s.recovery,
        "worktree": s.worktree,
        "verify": s.verify.iter().map(gate).collect::<Vec<_>>(),
        "queue": {
            "slots": match s.queue.slots { Slots::Auto => json!("auto"), Slots::Count(count) => json!(count) },
            "strict": s.queue.strict,
            "flaky_retries": s.queue.flaky_retries,
            "canary": s.queue.canary,
            "clean": s.queue.clean,
        },
        "land": s.land,
        "test_patterns": s.test_patterns,
        "planner": s.planner,
        "budget": {
            "usd_per_day": s.budget.usd,
            "tokens_per_day": s.budget.tokens,
            "session_minutes_per_day": s.budget.session_minutes,
        },
        "disk": s.disk,
        "sign": s.sign,
        "notify": s.notify,
        "agents": s.agents.iter().map(agent).collect::<Vec<_>>(),
        "workers": s.workers.iter().map(worker).collect::<Vec<_>>(),
    })
}

fn gate(command: &paddock_model::settings::GateCommand) -> Value {
    let minutes = match command.timeout_seconds {
        0 => json!(command.timeout_minutes),
        seconds => json!(f64::from(command.timeout_minutes) + f64::from(seconds) / 60.0),
    };
    json!({ "name": command.name, "run": command.run, "timeout_minutes": minutes })
}

fn template(command: &CommandTemplate) -> Value {
    match command.shell {
        true => json!(command.words.join(" ")),
        false => json!(command.words),
    }
}

fn agent(agent: &AgentSettings) -> Value {
    let stdin = match agent.stdin {
        StdinRule::None => "none",
        StdinRule::Prompt => "prompt",
    };
    let mut shown = json!({
        "id": agent.id,
        "name": agent.name,
        "command_template": template(&agent.command),
        "shell": agent.command.shell,
        "cli_command": agent.cli_command,
        "stdin": stdin,
        "transcript": agent.transcript,
        "stop_signal": agent.stop_signal,
        "env": agent.env,
        "planner": agent.planner,
        "enabled": agent.enabled,
        "description": agent.description,
    });
    if let (Some(shown), Some(resume)) = (shown.as_object_mut(), &agent.resume) {
        shown.insert("resume_template".to_owned(), template(resume));
    }
    shown
}

fn worker(worker: &WorkerSettings) -> Value {
    json!({
        "id": worker.id,
        "name": worker.name,
        "role": worker.role,
        "strategy": worker.strategy,
        "agents": worker.agents,
        "template": worker.template,
    })
}
