//! Reads the sections of a project file that only the workspace's file may have.

use super::keep::folder_fault;
use super::reader::{Section, meant};
use super::settings_table as keys;
use super::yaml::Node;
use paddock_model::ids::AgentId;
use paddock_model::settings::{
    DayBudget, DiskSettings, LandSettings, NotifyRule, PortSettings, QueueSettings, RecoverySettings,
    SessionDefaults, WorktreeSettings,
};

pub(super) fn session_defaults(file: &Section<'_>) -> SessionDefaults {
    let section = file.section(&keys::SESSION_DEFAULTS);
    let read = SessionDefaults {
        scope_level: section.value(&keys::SCOPE_LEVEL),
        max_commits: section.value(&keys::MAX_COMMITS),
        max_minutes: section.value(&keys::MAX_MINUTES),
        max_tokens: section.given(&keys::MAX_TOKENS),
        max_usd: section.given(&keys::MAX_USD),
        stall_minutes: section.value(&keys::STALL_MINUTES),
        finish_seconds: section.value(&keys::FINISH_SECONDS),
        planner_agent: section.given(&keys::PLANNER_AGENT).map(AgentId::from),
    };
    section.finish();
    read
}

pub(super) fn recovery(file: &Section<'_>) -> RecoverySettings {
    let section = file.section(&keys::RECOVERY);
    let read = RecoverySettings {
        max_retries: section.value(&keys::MAX_RETRIES),
        expand: section.value(&keys::EXPAND),
        max_expansions: section.value(&keys::MAX_EXPANSIONS),
        max_sessions: section.value(&keys::MAX_SESSIONS),
    };
    section.finish();
    read
}

pub(super) fn worktree(file: &Section<'_>) -> WorktreeSettings {
    let section = file.section(&keys::WORKTREE);
    let read = WorktreeSettings {
        copy: section.value(&keys::COPY),
        // An empty text means "no command", as null does.
        setup: section.given(&keys::SETUP).filter(|command| !command.trim().is_empty()),
        setup_timeout_minutes: section.value(&keys::SETUP_TIMEOUT),
        seed: seed(&section),
    };
    section.finish();
    read
}

/// Reads `worktree.seed`: folders relative to the repository's root.
fn seed(section: &Section<'_>) -> Vec<String> {
    let given = section.value(&keys::SEED);
    let mut folders = Vec::new();
    for text in given {
        let folder = text.trim_start_matches("./").trim_end_matches('/');
        let fault = match text.trim() {
            "" | "auto" => {
                let right = "name folders, such as `[target, node_modules]`".to_owned();
                Some((format!("the folder {text:?} names no folder"), Some(right)))
            }
            _ => folder_fault(&text, folder),
        };
        if let Some((problem, right)) = fault {
            section.fault(keys::SEED.name(), section.place_of(&keys::SEED), problem, right);
        }
        folders.push(folder.to_owned());
    }
    folders
}

/// Reads the section `ports`.
pub(super) fn ports(file: &Section<'_>) -> PortSettings {
    let section = file.section(&keys::PORTS);
    let read = PortSettings {
        base: section.value(&keys::PORTS_BASE),
        per_slot: section.value(&keys::PORTS_PER_SLOT),
    };
    section.finish();
    if u64::from(read.base) + u64::from(read.per_slot) > 65_536 {
        let problem =
            format!("the first slot would end above port 65535 ({} + {})", read.base, read.per_slot);
        let right = Some("use a lower `base`, such as 20000".to_owned());
        section.fault(keys::PORTS_BASE.name(), section.place_of(&keys::PORTS_BASE), problem, right);
    }
    read
}

pub(super) fn queue(file: &Section<'_>) -> QueueSettings {
    let section = file.section(&keys::QUEUE);
    let read = QueueSettings {
        slots: section.value(&keys::SLOTS),
        strict: section.value(&keys::STRICT),
        flaky_retries: section.value(&keys::FLAKY_RETRIES),
        canary: section.value(&keys::CANARY),
        clean: section.value(&keys::CLEAN),
    };
    section.finish();
    read
}

pub(super) fn land(file: &Section<'_>) -> LandSettings {
    let section = file.section(&keys::LAND);
    let read = LandSettings {
        publish: section.value(&keys::PUBLISH),
        push: section.given(&keys::PUSH).filter(|remote| !remote.is_empty()),
    };
    // The name becomes an argument of git: a leading `-` would be an option.
    let is_bad = |remote: &String| remote.starts_with('-') || remote.contains(char::is_whitespace);
    if read.push.as_ref().is_some_and(is_bad) {
        let problem = "`land.push` must be the name of a remote".to_owned();
        section.fault(keys::PUSH.name(), section.place_of(&keys::PUSH), problem, None);
    }
    section.finish();
    read
}

pub(super) fn budget(file: &Section<'_>) -> DayBudget {
    let section = file.section(&keys::BUDGET);
    let read = DayBudget {
        usd: section.given(&keys::USD_PER_DAY),
        tokens: section.given(&keys::TOKENS_PER_DAY),
        session_minutes: section.given(&keys::SESSION_MINUTES_PER_DAY),
    };
    section.finish();
    read
}

pub(super) fn disk(file: &Section<'_>) -> DiskSettings {
    let section = file.section(&keys::DISK);
    let read = DiskSettings {
        min_free_gb: section.value(&keys::MIN_FREE_GB),
        session_log_mb: section.value(&keys::SESSION_LOG_MB),
        worktrees_gb: section.given(&keys::WORKTREES_GB),
    };
    section.finish();
    read
}

/// Reads `notify`. `event_types` are the public event types; with `None`, any word is allowed.
pub(super) fn notify(file: &Section<'_>, event_types: Option<&[&str]>) -> Vec<NotifyRule> {
    let mut rules = Vec::new();
    for section in file.sections(&keys::NOTIFY).unwrap_or_default() {
        let on = section.texts(&keys::NOTIFY_ON).unwrap_or_default();
        // Missing or empty, but not a list with faults, which are reported already.
        if section.get(&keys::NOTIFY_ON).is_none()
            || on.is_empty() && section.list(&keys::NOTIFY_ON).is_some_and(<[Node]>::is_empty)
        {
            let problem = format!("`{}` names no event", section.key(keys::NOTIFY_ON.name()));
            section.fault(keys::NOTIFY_ON.name(), section.place, problem, None);
        }
        for (word, place) in &on {
            if let Some(known) = event_types.filter(|known| !known.contains(&word.as_str())) {
                let problem = format!("unknown event type {word:?}");
                section.fault(keys::NOTIFY_ON.name(), *place, problem, Some(meant(word, known)));
            }
        }
        let run = section.required(&keys::NOTIFY_RUN);
        section.finish();
        let on = on.into_iter().map(|(word, _)| word).collect();
        rules.extend(run.map(|run| NotifyRule { on, run }));
    }
    rules
}
