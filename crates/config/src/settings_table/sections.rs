//! Rows for the keys in sections of a project file.

use super::{Key, Kind, Map, Usual, key, rows};
use paddock_model::settings::{
    ApprovalRule, Keep, PlannerChoice, PortSettings, PublishRule, ScopeLevel, Slots, finish_seconds,
};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

rows! { SECTIONS:
    SESSION_DEFAULTS: Key<Map> = key("session_defaults", Kind::Section)
        .means("Limits of a session, unless its objective sets its own. Running sessions keep the limits that they \
                started with.")
        .from("the defaults of its keys");
    SCOPE_LEVEL: Usual<ScopeLevel> =
        key("session_defaults.scope_level", Kind::OneOf(&["small", "medium", "large"]))
        .means("The size of objectives that the planner is asked for: 1 to 2 commits (small), 3 to 5 (medium) or 5 to \
                10 (large).")
        .or(|| ScopeLevel::Medium);
    MAX_COMMITS: Usual<u32> = key("session_defaults.max_commits_per_session", Kind::Count(1))
        .means("Maximum number of commits per session. A session is stopped when it exceeds the number; all its \
                commits are kept and reviewed.")
        .unit("commits")
        .field("session_defaults.max_commits")
        .or(|| 5);
    MAX_MINUTES: Usual<u32> = key("session_defaults.max_minutes_per_session", Kind::Count(1))
        .means("Maximum running time of a session; then it is stopped. Time in which the machine sleeps does not \
                count.")
        .unit("minutes")
        .field("session_defaults.max_minutes")
        .or(|| 30);
    MAX_TOKENS: Key<u64> = key("session_defaults.max_tokens_per_session", Kind::Count(1))
        .means("Maximum number of tokens per session. The limit acts during a session or at its end, depending on \
                when the agent reports its tokens (`paddock agent list`).")
        .unit("tokens")
        .field("session_defaults.max_tokens")
        .null("no limit");
    MAX_USD: Key<f64> = key("session_defaults.max_usd_per_session", Kind::AboveZero)
        .means("Maximum cost of a session. The limit acts during a session or at its end, depending on when the agent \
                reports its cost (`paddock agent list`).")
        .unit("US dollars")
        .field("session_defaults.max_usd")
        .null("no limit");
    STALL_MINUTES: Usual<u32> = key("session_defaults.stall_minutes", Kind::Count(1))
        .means("Time without output, changed files and CPU use after which a session is stopped as stalled.")
        .unit("minutes")
        .or(|| 20);
    FINISH_SECONDS: Usual<u32> = key("session_defaults.finish_seconds", Kind::Count(1))
        .means("Time without output, changed files and CPU use after which a session is stopped whose agent has \
                reported its end, if its program does not end by itself. The session counts as if it had.")
        .unit("seconds")
        .or(finish_seconds);
    PLANNER_AGENT: Key<String> = key("session_defaults.planner_agent", Kind::Text)
        .means("The older place of `planner.agent`: the id of the agent that plans.")
        .example("claude")
        .null("what `planner.agent` says");

    RECOVERY: Key<Map> = key("recovery", Kind::Section)
        .means("What Paddock does by itself when an objective fails, before it asks a person.")
        .from("the defaults of its keys");
    MAX_RETRIES: Usual<u32> = key("recovery.max_retries", Kind::Count(0))
        .means("Maximum number of correction sessions of an objective. With 0, the first failure goes to a person.")
        .unit("sessions")
        .or(|| 2);
    EXPAND: Usual<Vec<String>> = key("recovery.expand", Kind::Globs)
        .means("Paths that Paddock may add to the scope of an objective without asking a person.")
        .or(|| owned(&["tests/**", "docs/**", "**/*.md"]));
    MAX_EXPANSIONS: Usual<u32> = key("recovery.max_expansions", Kind::Count(0))
        .means("Maximum number of such additions per objective.")
        .unit("times")
        .or(|| 3);
    MAX_SESSIONS: Usual<u32> = key("recovery.max_sessions", Kind::Count(1))
        .means("Maximum number of sessions of any kind of an objective; then a person is asked. A person's retry \
                allows as many again.")
        .unit("sessions")
        .or(|| 8);

    WORKTREE: Key<Map> = key("worktree", Kind::Section)
        .means("Preparation of a new worktree.")
        .from("the defaults of its keys");
    COPY: Usual<Vec<String>> = key("worktree.copy", Kind::Globs)
        .means("Files that are copied from the repository's folder into the worktree of a session: a path names a file, a \
                link, or everything in a folder; a pattern such as `**/.env` means untracked files. An entry that stands \
                for nothing is named in `status`. The review refuses a branch that commits a copied file.")
        .or(|| owned(&[".env"]));
    SETUP: Key<String> = key("worktree.setup", Kind::Text)
        .means("A shell command that runs in each new worktree, of a session or of the gate. In a gate folder it runs \
                again when a lock file, a submodule or a file that it names has changed, and before every run if it \
                makes files outside of the folders that `gate.keep` keeps.")
        .example("npm ci")
        .null("no command");
    SETUP_TIMEOUT: Usual<u32> = key("worktree.setup_timeout_minutes", Kind::Count(1))
        .means("Maximum running time of `setup`; then it is stopped and counts as failed.")
        .unit("minutes")
        .or(|| 10);
    SEED: Usual<Vec<String>> = key("worktree.seed", Kind::Globs)
        .means("Ignored folders that the place of a new objective begins with, each as a copy of what the last landed \
                gate run left there. Only folders that `gate.keep` keeps can be copied. A folder that holds absolute \
                paths, such as `.venv`, is left out.")
        .example("[target, node_modules]")
        .or(Vec::new);

    PORTS: Key<Map> = key("ports", Kind::Section)
        .means("The network ports of sessions and gate runs. Each has a slot, a small number that no other job of yours \
                has at the same time, and the first port of its slot in PADDOCK_PORT_BASE.")
        .from("the defaults of its keys");
    PORTS_BASE: Usual<u32> = key("ports.base", Kind::Count(1024))
        .means("First port of slot 0. A slot with a port in use is passed over.")
        .unit("port number")
        .or(|| PortSettings::default().base);
    PORTS_PER_SLOT: Usual<u32> = key("ports.per_slot", Kind::Count(1))
        .means("Ports of each slot.")
        .unit("ports")
        .or(|| PortSettings::default().per_slot);

    GATE: Key<Map> = key("gate", Kind::Section)
        .means("The folders in which the gate runs (docs/gate.md).")
        .from("the defaults of its keys");
    KEEP: Usual<Keep> = key("gate.keep", Kind::AutoOrFolders)
        .means("Ignored folders that outlive a gate run, each as the last landed run left it; every other file that \
                the commit does not hold is removed before a run. With `auto`, these are the dependency and build \
                folders of the project's tools, such as `node_modules`, `.venv`, `vendor`, `target` and `build`. With \
                `[]` nothing is kept. Folders are relative to the repository's root. Reports, test caches and \
                generated sources do not belong here.")
        .example("[target, \"web/node_modules\"]")
        .or(|| Keep::Auto);

    QUEUE: Key<Map> = key("queue", Kind::Section)
        .means("The merge queue.")
        .from("the defaults of its keys");
    SLOTS: Usual<Slots> = key("queue.slots", Kind::AutoOrCount(1))
        .means("Number of gate runs at the same time, at most 16. With `auto`, Paddock measures whether several at \
                once are faster, and uses at most 4.")
        .unit("gates")
        .or(|| Slots::Auto);
    STRICT: Usual<bool> = key("queue.strict", Kind::Flag)
        .means("Whether every objective gets a gate run of its own. By default, several are verified as one batch.")
        .or(|| false);
    FLAKY_RETRIES: Usual<u32> = key("queue.flaky_retries", Kind::Count(0))
        .means("Number of times that a red gate is repeated on the same tree before the objective is sent back. The \
                gate is repeated at least once if the cause may lie outside the tree, such as a registry that did not \
                answer.")
        .unit("times")
        .or(|| 1);
    CANARY: Usual<bool> = key("queue.canary", Kind::Flag)
        .means("Whether the gate runs on an emptied tree each time a supervisor starts. A gate that passes there \
                checks nothing, which Paddock then reports.")
        .or(|| false);
    CLEAN: Usual<bool> = key("queue.clean", Kind::Flag)
        .means("The older way to keep nothing between gate runs: true is read as `gate.keep: []`.")
        .or(|| false);

    LAND: Key<Map> = key("land", Kind::Section)
        .means("What follows a landing.")
        .from("the defaults of its keys");
    PUBLISH: Usual<PublishRule> = key("land.publish", Kind::OneOf(&["auto", "manual"]))
        .means("Whether the target branch moves to each landing at once (auto) or when a person runs `paddock queue \
                publish` (manual).")
        .or(|| PublishRule::Auto);
    PUSH: Key<String> = key("land.push", Kind::Text)
        .means("The name of a remote that the target branch is pushed to after each publication, never by force.")
        .example("origin")
        .null("no push");

    PLANNER: Key<Map> = key("planner", Kind::Section)
        .means("Planning: dividing goals into objectives.")
        .shared()
        .from("the defaults of its keys");
    PLANNER_CHOICE: Usual<String> = key("planner.agent", Kind::Text)
        .means("Who plans: the first agent of the project's workers that may plan (auto), nobody, so that objectives \
                come from people (none), or the agent with this id. An agent may plan unless it says `planner: false`. \
                While the agent with the id is unusable or cooling down, those of `auto` take over.")
        .example("claude")
        .or(|| PlannerChoice::AUTO.to_owned());
    APPROVAL: Usual<ApprovalRule> = key("planner.approval", Kind::OneOf(&["auto", "manual"]))
        .means("Whether a plan without faults is applied at once (auto) or when a person approves it (manual).")
        .or(|| ApprovalRule::Auto);
    CONTEXT_FILES: Usual<Vec<String>> = key("planner.context_files", Kind::Texts)
        .means("Files of the repository, as committed, whose first 3,000 characters are part of a planner's prompt.")
        .shared()
        .or(|| owned(&["README.md", "AGENTS.md", "CHECKPOINTS.md"]));

    BUDGET: Key<Map> = key("budget", Kind::Section)
        .means("Limits per day, from midnight to midnight in your time zone. When a limit is reached, the project's \
                sessions are stopped, and nothing new starts before midnight.")
        .from("the defaults of its keys");
    USD_PER_DAY: Key<f64> = key("budget.usd_per_day", Kind::AboveZero)
        .means("Maximum cost of all sessions in a day. Counts agents that report their cost.")
        .unit("US dollars")
        .field("budget.usd")
        .null("no limit");
    TOKENS_PER_DAY: Key<u64> = key("budget.tokens_per_day", Kind::Count(1))
        .means("Maximum number of tokens of all sessions in a day. Counts agents that report their tokens.")
        .unit("tokens")
        .field("budget.tokens")
        .null("no limit");
    SESSION_MINUTES_PER_DAY: Key<u64> = key("budget.session_minutes_per_day", Kind::Count(1))
        .means("Maximum total running time of all sessions in a day.")
        .unit("minutes")
        .field("budget.session_minutes")
        .null("no limit");

    DISK: Key<Map> = key("disk", Kind::Section)
        .means("Limits on disk space.")
        .from("the defaults of its keys");
    MIN_FREE_GB: Usual<f64> = key("disk.min_free_gb", Kind::FromZero)
        .means("Minimum free space on the disks of the workspace, the repository and the worktrees. Below it, nothing \
                new starts.")
        .unit("gigabytes")
        .or(|| 5.0);
    SESSION_LOG_MB: Usual<u64> = key("disk.session_log_mb", Kind::Count(1))
        .means("Maximum size of the output that is kept of a session.")
        .unit("megabytes")
        .or(|| 100);
    WORKTREES_GB: Key<f64> = key("disk.worktrees_gb", Kind::AboveZero)
        .means("Reserved for a limit on the disk space of worktrees. The key has no effect yet.")
        .unit("gigabytes")
        .null("no limit");
}
