//! The keys of a project file that are lists of sections, and the keys of their items.

use super::{Key, Kind, Map, Usual, key, rows};
use crate::builtin::STOP_SIGNALS;
use paddock_model::settings::{CommandTemplate, Role, StdinRule, Strategy};

/// Minutes a gate command may run when it says nothing.
const GATE_TIMEOUT_MINUTES: f64 = 20.0;

rows! { LISTS:
    VERIFY: Key<Vec<Map>> = key("verify", Kind::Sections)
        .means("The gate: every command must pass on what is about to land. Without one, work lands unverified and is \
                marked so.")
        .shared()
        .from("what the repository's file gives, else none");
    VERIFY_NAME: Key<String> = key("verify[].name", Kind::Text)
        .means("The name that people read; no two commands have the same.")
        .example("tests");
    VERIFY_RUN: Key<String> = key("verify[].run", Kind::Text)
        .means("The shell command.")
        .example("cargo test");
    VERIFY_TIMEOUT: Usual<f64> = key("verify[].timeout_minutes", Kind::AboveZero)
        .means("How long it may run; a fraction of a minute is rounded up to a second.")
        .unit("minutes")
        .or(|| GATE_TIMEOUT_MINUTES);

    NOTIFY: Key<Vec<Map>> = key("notify", Kind::Sections)
        .means("Commands that are run when something happens.")
        .from("none");
    NOTIFY_ON: Key<Vec<String>> = key("notify[].on", Kind::Events)
        .means("The types of events, of which docs/events.md has the list; one at least.")
        .example("[needs_review, goal_completed, budget_exhausted]");
    NOTIFY_RUN: Key<String> = key("notify[].run", Kind::Text)
        .means("The shell command. It gets the event as JSON on its standard input.")
        .example("notify-send Paddock");

    AGENTS: Key<Vec<Map>> = key("agents", Kind::Sections)
        .means("Agents of your own, and changes to built-in ones: keys over a built-in id, or over an agent of the \
                repository's file, change just those. See docs/agents.md.")
        .shared()
        .from("the built-in agents as they are");
    AGENT_ID: Key<String> = key("agents[].id", Kind::Id)
        .means("The id of the agent: a built-in one, or one of your own.")
        .example("my-agent");
    AGENT_NAME: Key<String> = key("agents[].name", Kind::Text)
        .means("The name that people read.")
        .example("My Agent")
        .from("the id");
    COMMAND_TEMPLATE: Key<CommandTemplate> = key("agents[].command_template", Kind::Command)
        .means("The command that starts a session, with `{prompt_file}`, `{prompt_text}`, `{worktree}`, \
                `{session_dir}` or `{model}` where their values go. An agent that is not built in needs one.")
        .example("my-agent-cli --prompt {prompt_file} --dir {worktree}")
        .field("command")
        .from("that of the built-in agent");
    RESUME_TEMPLATE: Key<CommandTemplate> = key("agents[].resume_template", Kind::Command)
        .means("The command that goes on with a conversation of the agent, which `{agent_session}` names.")
        .example("my-agent-cli --continue {agent_session} --prompt {prompt_file}")
        .field("resume")
        .null("that of the built-in agent, unless `command_template` is given here; else it cannot go on");
    SHELL: Usual<bool> = key("agents[].shell", Kind::Flag)
        .means("Whether a shell reads the commands, for `|`, `>`, `$NAME` and the like. They must be texts then.")
        .field("command.shell")
        .or(|| false);
    CLI_COMMAND: Key<String> = key("agents[].cli_command", Kind::Text)
        .means("The program that is looked up on PATH to find out whether the agent is there.")
        .example("my-agent-cli")
        .from("the first word of `command_template`");
    STDIN: Usual<StdinRule> = key("agents[].stdin", Kind::OneOf(&["none", "prompt"]))
        .means("What the agent gets on its standard input: nothing (none) or the prompt (prompt).")
        .or(|| StdinRule::None);
    TRANSCRIPT: Usual<String> = key("agents[].transcript", Kind::Format)
        .means("How the output of the agent is read.")
        .or(|| "plain".to_owned());
    STOP_SIGNAL: Usual<String> = key("agents[].stop_signal", Kind::OneOf(STOP_SIGNALS))
        .means("The signal that asks the agent to stop. After 20 seconds its processes are killed.")
        .or(|| "TERM".to_owned());
    ENV: Key<Vec<String>> = key("agents[].env", Kind::Variables)
        .means("Variables of the agent, over those of the built-in agent or the repository's file. An empty value \
                unsets a variable.")
        .example("{NAME: value, UNSET_ME: \"\"}")
        .from("none");
    AGENT_PLANNER: Usual<bool> = key("agents[].planner", Kind::Flag)
        .means("Whether the agent may plan. An agent of your own plans where `planner_agent` names it; where that is \
                null, only if `planner: true` is written here.")
        .or(|| true);
    AGENT_ENABLED: Usual<bool> = key("agents[].enabled", Kind::Flag)
        .means("Whether the agent is used at all.")
        .or(|| true);
    AGENT_DESCRIPTION: Usual<String> = key("agents[].description", Kind::Text)
        .means("What the agent is, for people.")
        .example("The agent of our own team")
        .or(String::new);

    WORKERS: Key<Vec<Map>> = key("workers", Kind::Sections)
        .means("Roles of your own, and changes to the built-in workers `implementer`, `integrator` and `researcher`.")
        .shared()
        .from("the built-in workers as they are");
    WORKER_ID: Key<String> = key("workers[].id", Kind::Id)
        .means("The id of the worker: a built-in one, or one of your own.")
        .example("implementer");
    WORKER_NAME: Key<String> = key("workers[].name", Kind::Text)
        .means("The name that people read.")
        .example("Implementer")
        .from("the id");
    ROLE: Usual<Role> =
        key("workers[].role", Kind::OneOf(&["implementer", "integrator", "researcher"]))
        .means("What the worker is for: it writes code (implementer), brings work together and may change protected \
                paths (integrator), or finds out and may finish without a commit (researcher).")
        .or(|| Role::Implementer);
    STRATEGY: Usual<Strategy> =
        key("workers[].strategy", Kind::OneOf(&["fixed", "priority", "round_robin"]))
        .means("Which of its agents does a session: the first that can be used (fixed and priority), or the next each \
                time (round_robin).")
        .or(|| Strategy::Priority);
    WORKER_AGENTS: Key<Vec<String>> = key("workers[].agents", Kind::Texts)
        .means("The ids of its agents, in order.")
        .example("[my-agent]")
        .from("the agents that `agents` names, in order; if it names none, the built-in ones that are found on PATH");
    TEMPLATE: Key<String> = key("workers[].template", Kind::Text)
        .means("The file name of its prompt's template, in `templates/` of the workspace or built in.")
        .example("session-worker.md")
        .from("the template of its role");
}
