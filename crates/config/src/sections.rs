//! The sections of a project file that only the workspace's own file may give, with every default of SPEC 2.2.

use super::reader::Section;
use super::yaml::{Node, Value};
use paddock_model::settings::{
    ApprovalRule, DayBudget, DiskSettings, LandSettings, NotifyRule, PublishRule, QueueSettings,
    RecoverySettings, ScopeLevel, SessionDefaults, Slots, WorktreeSettings,
};

/// The context files of a plan when nothing else is said.
pub(super) const CONTEXT_FILES: &[&str] = &["README.md", "AGENTS.md", "CHECKPOINTS.md"];
/// Paths that are always in scope and never an overlap, when nothing else is said.
pub(super) const SHARED_PATTERNS: &[&str] = &["CHANGELOG.md", "**/Cargo.lock", "**/package-lock.json"];
const EXPAND: &[&str] = &["tests/**", "docs/**", "**/*.md"];

pub(super) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

pub(super) fn session_defaults(file: &Section<'_>) -> SessionDefaults {
    let section = file.section("session_defaults");
    let levels = [("small", ScopeLevel::Small), ("medium", ScopeLevel::Medium), ("large", ScopeLevel::Large)];
    let read = SessionDefaults {
        scope_level: section.choice("scope_level", &levels).unwrap_or(ScopeLevel::Medium),
        max_commits: section.count("max_commits_per_session", 1).unwrap_or(5),
        max_minutes: section.count("max_minutes_per_session", 1).unwrap_or(30),
        max_tokens: section.count("max_tokens_per_session", 1),
        max_usd: section.amount("max_usd_per_session", false),
        stall_minutes: section.count("stall_minutes", 1).unwrap_or(20),
        planner_agent: section.text("planner_agent"),
    };
    section.finish();
    read
}

pub(super) fn recovery(file: &Section<'_>) -> RecoverySettings {
    let section = file.section("recovery");
    let read = RecoverySettings {
        max_retries: section.count("max_retries", 0).unwrap_or(2),
        expand: section.globs("expand").unwrap_or_else(|| owned(EXPAND)),
        max_expansions: section.count("max_expansions", 0).unwrap_or(3),
        max_sessions: section.count("max_sessions", 1).unwrap_or(8),
    };
    section.finish();
    read
}

pub(super) fn worktree(file: &Section<'_>) -> WorktreeSettings {
    let section = file.section("worktree");
    let read = WorktreeSettings {
        copy: section.globs("copy").unwrap_or_else(|| owned(&[".env"])),
        setup: section.text("setup").filter(|command| !command.trim().is_empty()),
        setup_timeout_minutes: section.count("setup_timeout_minutes", 1).unwrap_or(10),
    };
    section.finish();
    read
}

pub(super) fn queue(file: &Section<'_>) -> QueueSettings {
    let section = file.section("queue");
    let read = QueueSettings {
        slots: section.get("slots").map_or(Slots::Auto, |node| slots(&section, node)),
        strict: section.flag("strict").unwrap_or(false),
        flaky_retries: section.count("flaky_retries", 0).unwrap_or(1),
        canary: section.flag("canary").unwrap_or(false),
        clean: section.flag("clean").unwrap_or(false),
    };
    section.finish();
    read
}

fn slots(section: &Section<'_>, node: &Node) -> Slots {
    match &node.value {
        Value::Text(text) if text == "auto" => return Slots::Auto,
        Value::Int(count) if *count >= 1 => {
            if let Ok(count) = u32::try_from(*count) {
                return Slots::Count(count);
            }
        }
        _ => {}
    }
    section.wrong("slots", node, "auto or a whole number from 1");
    Slots::Auto
}

pub(super) fn land(file: &Section<'_>) -> LandSettings {
    let section = file.section("land");
    let rules = [("auto", PublishRule::Auto), ("manual", PublishRule::Manual)];
    let read = LandSettings {
        publish: section.choice("publish", &rules).unwrap_or(PublishRule::Auto),
        push: section.text("push").filter(|remote| !remote.is_empty()),
    };
    if read
        .push
        .as_ref()
        .is_some_and(|remote| remote.starts_with('-') || remote.contains(char::is_whitespace))
    {
        let place = section.get("push").map_or(section.place, |node| node.place);
        section.fault("push", place, "`land.push` must be the name of a remote".to_owned(), None);
    }
    section.finish();
    read
}

pub(super) fn approval(planner: &Section<'_>) -> ApprovalRule {
    let rules = [("auto", ApprovalRule::Auto), ("manual", ApprovalRule::Manual)];
    planner.choice("approval", &rules).unwrap_or(ApprovalRule::Auto)
}

pub(super) fn budget(file: &Section<'_>) -> DayBudget {
    let section = file.section("budget");
    let read = DayBudget {
        usd: section.amount("usd_per_day", false),
        tokens: section.count("tokens_per_day", 1),
        session_minutes: section.count("session_minutes_per_day", 1),
    };
    section.finish();
    read
}

pub(super) fn disk(file: &Section<'_>) -> DiskSettings {
    let section = file.section("disk");
    let read = DiskSettings {
        min_free_gb: section.amount("min_free_gb", true).unwrap_or(5.0),
        session_log_mb: section.count("session_log_mb", 1).unwrap_or(100),
        worktrees_gb: section.amount("worktrees_gb", false),
    };
    section.finish();
    read
}

/// `event_types`: the public ones; none = not known here, every word passes.
pub(super) fn notify(file: &Section<'_>, event_types: Option<&[&str]>) -> Vec<NotifyRule> {
    let mut rules = Vec::new();
    for section in file.sections("notify").unwrap_or_default() {
        let on = section.texts("on").unwrap_or_default();
        if section.get("on").is_none() || on.is_empty() && section.list("on").is_some_and(<[Node]>::is_empty)
        {
            let problem = format!("`{}` names no event", section.key("on"));
            section.fault("on", section.place, problem, None);
        }
        for (word, place) in &on {
            if let Some(known) = event_types.filter(|known| !known.contains(&word.as_str())) {
                let right = super::reader::meant(word, known);
                section.fault("on", *place, format!("unknown event type {word:?}"), Some(right));
            }
        }
        let run = section.required("run");
        section.finish();
        let on = on.into_iter().map(|(word, _)| word).collect();
        rules.extend(run.map(|run| NotifyRule { on, run }));
    }
    rules
}
