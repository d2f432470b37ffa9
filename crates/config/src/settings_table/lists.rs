//! Rows for the keys of a project file that are lists of sections, and for the keys of their items.

use super::{Key, Kind, Map, Usual, key, rows};
use crate::builtin::STOP_SIGNALS;
use paddock_model::settings::{CommandTemplate, Role, StdinRule, Strategy, TestReport, TestsRule};

/// Default time limit of a gate command, in minutes.
const GATE_TIMEOUT_MINUTES: f64 = 20.0;

rows! { LISTS:
    VERIFY: Key<Vec<Map>> = key("verify", Kind::Sections)
        .means("The gate: commands that must all pass on the exact tree that is about to land. Without a gate, work \
                lands unverified and is marked as such.")
        .shared()
        .from("the value in the repository's file, else no gate");
    VERIFY_NAME: Key<String> = key("verify[].name", Kind::Text)
        .means("The name of the command for people, unique in the gate.")
        .example("tests");
    VERIFY_RUN: Key<String> = key("verify[].run", Kind::Text)
        .means("The shell command.")
        .example("cargo test");
    VERIFY_TIMEOUT: Usual<f64> = key("verify[].timeout_minutes", Kind::AboveZero)
        .means("Maximum running time of the command; a fraction of a minute is rounded up to a full second.")
        .unit("minutes")
        .or(|| GATE_TIMEOUT_MINUTES);
    VERIFY_REPORT: Usual<TestReport> = key("verify[].report", Kind::Report)
        .means("Where the command reports which tests it ran. With auto, in its output, where a known test runner wrote \
                it. With `junit:PATH`, in the JUnit report that the command writes to this path, relative to the \
                repository's root; `*` matches within a name, as in `junit:target/surefire-reports/TEST-*.xml`.")
        .example("junit:build/junit.xml")
        .or(|| TestReport::Auto);
    VERIFY_TESTS: Usual<TestsRule> = key("verify[].tests", Kind::OneOf(&["auto", "required", "off"]))
        .means("What follows from the tests that the command reports. With auto they are compared with those on the \
                base, and a command that reports none counts by its exit status, which is shown as such. With \
                required the same, but a command that reports none is red. With off only the exit status counts.")
        .or(|| TestsRule::Auto);
    VERIFY_MIN_TESTS: Key<u64> = key("verify[].min_tests", Kind::Count(1))
        .means("Minimum number of tests that have to pass; with fewer the command is red.")
        .unit("tests")
        .example("40")
        .null("any number, as long as no test of the base is lost");
    VERIFY_ISOLATED: Usual<bool> = key("verify[].isolated", Kind::Flag)
        .means("Whether the command also has to pass on the work with the test files, and everything that the command \
                names, as they are on the base, in a folder of its own. For tests in files of their own; tests inside \
                the code that they test would be taken from the base together with that code.")
        .or(|| false);

    NOTIFY: Key<Vec<Map>> = key("notify", Kind::Sections)
        .means("Commands that run when certain events happen.")
        .from("no commands");
    NOTIFY_ON: Key<Vec<String>> = key("notify[].on", Kind::Events)
        .means("The types of events, at least one. docs/events.md lists the types.")
        .example("[needs_review, goal_completed, budget_exhausted]");
    NOTIFY_RUN: Key<String> = key("notify[].run", Kind::Text)
        .means("The shell command. It reads the event as JSON from its standard input.")
        .example("notify-send Paddock");

    AGENTS: Key<Vec<Map>> = key("agents", Kind::Sections)
        .means("Agents of your own, and changes to other agents. For the id of a built-in agent, or of an agent of the \
                repository's file, the keys given here replace its keys and leave its others. See docs/agents.md.")
        .shared()
        .from("the built-in agents, unchanged");
    AGENT_ID: Key<String> = key("agents[].id", Kind::Id)
        .means("The id of the agent, built-in or your own.")
        .example("my-agent");
    AGENT_NAME: Key<String> = key("agents[].name", Kind::Text)
        .means("The name of the agent for people.")
        .example("My Agent")
        .from("the id");
    COMMAND_TEMPLATE: Key<CommandTemplate> = key("agents[].command_template", Kind::Command)
        .means("The command that starts a session. `{prompt_file}`, `{prompt_text}`, `{worktree}`, `{session_dir}` \
                and `{model}` are replaced by their values. An agent of your own needs a command.")
        .example("my-agent-cli --prompt {prompt_file} --dir {worktree}")
        .field("command")
        .from("the command of the built-in agent");
    RESUME_TEMPLATE: Key<CommandTemplate> = key("agents[].resume_template", Kind::Command)
        .means("The command that resumes a conversation of the agent. `{agent_session}` is replaced by the \
                conversation's id.")
        .example("my-agent-cli --continue {agent_session} --prompt {prompt_file}")
        .field("resume")
        .null("the command of the built-in agent if `command_template` is not given; otherwise every session starts a \
               new conversation");
    SHELL: Usual<bool> = key("agents[].shell", Kind::Flag)
        .means("Whether a shell runs the commands, which `|`, `>`, `$NAME` and the like need. The commands must then \
                be texts, not lists.")
        .field("command.shell")
        .or(|| false);
    CLI_COMMAND: Key<String> = key("agents[].cli_command", Kind::Text)
        .means("The program that Paddock looks for on PATH to find out whether the agent is installed.")
        .example("my-agent-cli")
        .from("the first word of `command_template`");
    STDIN: Usual<StdinRule> = key("agents[].stdin", Kind::OneOf(&["none", "prompt"]))
        .means("What the agent reads from its standard input: nothing (none) or the prompt (prompt).")
        .or(|| StdinRule::None);
    TRANSCRIPT: Usual<String> = key("agents[].transcript", Kind::Format)
        .means("The format of the agent's output. With plain, Paddock learns neither tokens nor cost \
                from it. `jsonl:FIELD` is for any other program that prints one JSON event per line: FIELD is the \
                path of the agent's words in an event, such as jsonl:message.content.")
        .or(|| "plain".to_owned());
    STOP_SIGNAL: Usual<String> = key("agents[].stop_signal", Kind::OneOf(STOP_SIGNALS))
        .means("The signal that asks the agent to stop. Its processes are killed 20 seconds later.")
        .or(|| "TERM".to_owned());
    ENV: Key<Vec<String>> = key("agents[].env", Kind::Variables)
        .means("Environment variables of the agent, in addition to those of the built-in agent or the repository's \
                file. An empty value unsets a variable.")
        .example("{NAME: value, UNSET_ME: \"\"}")
        .from("no additional variables");
    AGENT_PLANNER: Usual<bool> = key("agents[].planner", Kind::Flag)
        .means("Whether the agent may plan. `planner.agent` chooses among those that may. In a project of an earlier \
                version an agent of your own that does not have this key plans once you have said that it may \
                (`paddock agent planner ID`).")
        .or(|| true);
    AGENT_ENABLED: Usual<bool> = key("agents[].enabled", Kind::Flag)
        .means("Whether Paddock uses the agent at all.")
        .or(|| true);
    AGENT_DESCRIPTION: Usual<String> = key("agents[].description", Kind::Text)
        .means("A description of the agent, for people.")
        .example("The agent of our own team")
        .or(String::new);

    WORKERS: Key<Vec<Map>> = key("workers", Kind::Sections)
        .means("Workers of your own, and changes to the built-in workers `implementer`, `integrator` and `researcher`. \
                A worker is a role with the agents that can take it.")
        .shared()
        .from("the built-in workers, unchanged");
    WORKER_ID: Key<String> = key("workers[].id", Kind::Id)
        .means("The id of the worker, built-in or your own.")
        .example("implementer");
    WORKER_NAME: Key<String> = key("workers[].name", Kind::Text)
        .means("The name of the worker for people.")
        .example("Implementer")
        .from("the id");
    ROLE: Usual<Role> =
        key("workers[].role", Kind::OneOf(&["implementer", "integrator", "researcher"]))
        .means("The role of the worker: it writes code (implementer), combines work and may change protected paths \
                (integrator), or investigates and may finish without a commit (researcher).")
        .or(|| Role::Implementer);
    STRATEGY: Usual<Strategy> =
        key("workers[].strategy", Kind::OneOf(&["fixed", "priority", "round_robin"]))
        .means("The choice of the agent for a session: the first usable one of `agents` (fixed and priority), or the \
                next one each time (round_robin).")
        // `fixed` and `priority` have the same effect.
        .or(|| Strategy::Priority);
    WORKER_AGENTS: Key<Vec<String>> = key("workers[].agents", Kind::Texts)
        .means("The ids of the worker's agents, in order.")
        .example("[my-agent]")
        .from("the agents in the project's `agents`, in order; without any, the built-in agents that are on PATH");
    TEMPLATE: Key<String> = key("workers[].template", Kind::Text)
        .means("The file name of the prompt template: a file in `templates/` of the workspace, or a built-in one.")
        .example("session-worker.md")
        .from("the template of the role");
}
