//! The keys of a project file that stand in a section.

use super::{Key, Kind, Map, Usual, key, rows};
use paddock_model::settings::{ApprovalRule, PublishRule, ScopeLevel, Slots};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

rows! { SECTIONS:
    SESSION_DEFAULTS: Key<Map> = key("session_defaults", Kind::Section)
        .means("What a session may use when its objective says nothing else. Sessions that run keep the limits with \
                which they started.")
        .from("the defaults of its keys");
    SCOPE_LEVEL: Usual<ScopeLevel> =
        key("session_defaults.scope_level", Kind::OneOf(&["small", "medium", "large"]))
        .means("How large the planner is asked to make an objective: 1 to 2 commits (small), 3 to 5 (medium) or 5 to \
                10 (large).")
        .or(|| ScopeLevel::Medium);
    MAX_COMMITS: Usual<u32> = key("session_defaults.max_commits_per_session", Kind::Count(1))
        .means("How many commits a session may make. It is stopped at one commit more; all its commits are kept and \
                reviewed.")
        .unit("commits")
        .field("session_defaults.max_commits")
        .or(|| 5);
    MAX_MINUTES: Usual<u32> = key("session_defaults.max_minutes_per_session", Kind::Count(1))
        .means("How long a session may run before it is stopped. Time in which the machine sleeps does not count.")
        .unit("minutes")
        .field("session_defaults.max_minutes")
        .or(|| 30);
    MAX_TOKENS: Key<u64> = key("session_defaults.max_tokens_per_session", Kind::Count(1))
        .means("How many tokens a session may use. The limit acts during a session or at its end, depending on when \
                the agent reports its tokens (`paddock agent list`).")
        .unit("tokens")
        .field("session_defaults.max_tokens")
        .null("no limit");
    MAX_USD: Key<f64> = key("session_defaults.max_usd_per_session", Kind::AboveZero)
        .means("How much a session may cost. The limit acts during a session or at its end, depending on when the \
                agent reports its cost (`paddock agent list`).")
        .unit("US dollars")
        .field("session_defaults.max_usd")
        .null("no limit");
    STALL_MINUTES: Usual<u32> = key("session_defaults.stall_minutes", Kind::Count(1))
        .means("How long a session may show no output, no changed file and no use of the CPU before it is stopped as \
                stalled.")
        .unit("minutes")
        .or(|| 20);
    PLANNER_AGENT: Key<String> = key("session_defaults.planner_agent", Kind::Text)
        .means("The id of the agent that plans. While it cannot be used, or cools down, the agents that null stands \
                for take over. For no planner, give `planner: false` to every agent that a worker uses, or run with \
                `--no-planner`.")
        .example("claude")
        .null("the first agent, in the order of `agents` and then of the built-in ones, that is enabled, that a worker \
               uses, and that is built in as a planner or says `planner: true`");

    RECOVERY: Key<Map> = key("recovery", Kind::Section)
        .means("How far Paddock goes by itself when an objective fails, before it asks a person.")
        .from("the defaults of its keys");
    MAX_RETRIES: Usual<u32> = key("recovery.max_retries", Kind::Count(0))
        .means("How many correction sessions an objective may have.")
        .unit("sessions")
        .or(|| 2);
    EXPAND: Usual<Vec<String>> = key("recovery.expand", Kind::Globs)
        .means("Paths by which the scope of an objective may grow without a person.")
        .or(|| owned(&["tests/**", "docs/**", "**/*.md"]));
    MAX_EXPANSIONS: Usual<u32> = key("recovery.max_expansions", Kind::Count(0))
        .means("How often the scope of one objective may grow in this way.")
        .unit("times")
        .or(|| 3);
    MAX_SESSIONS: Usual<u32> = key("recovery.max_sessions", Kind::Count(1))
        .means("How many sessions of any kind an objective may have; then a person is asked. After a person's \
                retry it may have as many again.")
        .unit("sessions")
        .or(|| 8);

    WORKTREE: Key<Map> = key("worktree", Kind::Section)
        .means("How a new worktree is prepared.")
        .from("the defaults of its keys");
    COPY: Usual<Vec<String>> = key("worktree.copy", Kind::Globs)
        .means("Files that are copied from the repository's folder into the worktree of a session, each named by its \
                path: a pattern such as `*.env` copies nothing. A branch that commits a file which matches is turned \
                down.")
        .or(|| owned(&[".env"]));
    SETUP: Key<String> = key("worktree.setup", Kind::Text)
        .means("A shell command that is run in a new worktree, of a session or of the gate.")
        .example("npm ci")
        .null("none");
    SETUP_TIMEOUT: Usual<u32> = key("worktree.setup_timeout_minutes", Kind::Count(1))
        .means("How long that command may run.")
        .unit("minutes")
        .or(|| 10);

    QUEUE: Key<Map> = key("queue", Kind::Section)
        .means("The merge queue.")
        .from("the defaults of its keys");
    SLOTS: Usual<Slots> = key("queue.slots", Kind::AutoOrCount(1))
        .means("How many gates run at the same time, at most 16. With `auto`, Paddock measures whether several at once \
                are faster, and uses at most 4.")
        .unit("gates")
        .or(|| Slots::Auto);
    STRICT: Usual<bool> = key("queue.strict", Kind::Flag)
        .means("Whether each objective is verified by a gate run of its own instead of in batches.")
        .or(|| false);
    FLAKY_RETRIES: Usual<u32> = key("queue.flaky_retries", Kind::Count(0))
        .means("How often a red gate is repeated on the same tree before the objective is sent back. It is repeated \
                at least once if the cause may lie outside the tree, such as a registry that did not answer.")
        .unit("times")
        .or(|| 1);
    CANARY: Usual<bool> = key("queue.canary", Kind::Flag)
        .means("Whether the gate is tried on an emptied tree each time a supervisor starts: there it must fail.")
        .or(|| false);
    CLEAN: Usual<bool> = key("queue.clean", Kind::Flag)
        .means("Whether ignored files, such as caches, are removed from the gate's worktrees before each run too.")
        .or(|| false);

    LAND: Key<Map> = key("land", Kind::Section)
        .means("What follows a landing.")
        .from("the defaults of its keys");
    PUBLISH: Usual<PublishRule> = key("land.publish", Kind::OneOf(&["auto", "manual"]))
        .means("Whether the target branch follows each landing at once (auto) or when a person says `paddock queue \
                publish` (manual).")
        .or(|| PublishRule::Auto);
    PUSH: Key<String> = key("land.push", Kind::Text)
        .means("The name of a remote to which the target branch is pushed after each publication, never by force.")
        .example("origin")
        .null("nothing is pushed");

    PLANNER: Key<Map> = key("planner", Kind::Section)
        .means("Planning. `session_defaults.planner_agent` says which agent plans.")
        .shared()
        .from("the defaults of its keys");
    APPROVAL: Usual<ApprovalRule> = key("planner.approval", Kind::OneOf(&["auto", "manual"]))
        .means("Whether a plan without faults becomes objectives at once (auto) or when a person approves it (manual).")
        .or(|| ApprovalRule::Auto);
    CONTEXT_FILES: Usual<Vec<String>> = key("planner.context_files", Kind::Texts)
        .means("Files of the repository, as committed, whose first 3,000 characters a planner's prompt holds.")
        .shared()
        .or(|| owned(&["README.md", "AGENTS.md", "CHECKPOINTS.md"]));

    BUDGET: Key<Map> = key("budget", Kind::Section)
        .means("What the project may spend in a day, from midnight to midnight in your time zone. When a limit is \
                reached, its sessions are stopped and nothing new starts before midnight.")
        .from("the defaults of its keys");
    USD_PER_DAY: Key<f64> = key("budget.usd_per_day", Kind::AboveZero)
        .means("How much its sessions may cost, as far as agents report their cost.")
        .unit("US dollars")
        .field("budget.usd")
        .null("no limit");
    TOKENS_PER_DAY: Key<u64> = key("budget.tokens_per_day", Kind::Count(1))
        .means("How many tokens its sessions may use, as far as agents report them.")
        .unit("tokens")
        .field("budget.tokens")
        .null("no limit");
    SESSION_MINUTES_PER_DAY: Key<u64> = key("budget.session_minutes_per_day", Kind::Count(1))
        .means("How long its sessions may run in all.")
        .unit("minutes")
        .field("budget.session_minutes")
        .null("no limit");

    DISK: Key<Map> = key("disk", Kind::Section)
        .means("Disk space.")
        .from("the defaults of its keys");
    MIN_FREE_GB: Usual<f64> = key("disk.min_free_gb", Kind::FromZero)
        .means("How much must be free on the disks of the workspace, the repository and the worktrees: below it \
                nothing new starts.")
        .unit("gigabytes")
        .or(|| 5.0);
    SESSION_LOG_MB: Usual<u64> = key("disk.session_log_mb", Kind::Count(1))
        .means("How much output is kept of a session.")
        .unit("megabytes")
        .or(|| 100);
    WORKTREES_GB: Key<f64> = key("disk.worktrees_gb", Kind::AboveZero)
        .means("Reserved for a limit on the space that worktrees use. It has no effect yet.")
        .unit("gigabytes")
        .null("no limit");
}
