//! Reads a summary that is not quite YAML, key by key.

use paddock_model::summary::{SessionSummary, SummaryStatus};

use super::{something, tidy};

const KEYS: [&str; 7] = [
    "status",
    "commits_made",
    "acceptance_criteria_met",
    "summary",
    "needs_follow_up",
    "follow_up_notes",
    "out_of_scope_changes_needed",
];

/// None when not even a status can be made out.
pub(super) fn read(block: &str) -> Option<SessionSummary> {
    let fields = fields(block);
    let text = |key: &str| fields.iter().rev().find(|(name, _)| *name == key).map_or("", |(_, text)| text);
    Some(SessionSummary {
        status: status(text("status"))?,
        commits_made: first_word(text("commits_made")).parse().ok(),
        criteria: text("acceptance_criteria_met").lines().filter_map(criterion).collect(),
        summary: tidy(text("summary")),
        needs_follow_up: truth(text("needs_follow_up")).unwrap_or(false),
        follow_up_notes: something(text("follow_up_notes")),
        out_of_scope_changes_needed: something(text("out_of_scope_changes_needed")),
        lenient: true,
    })
}

/// Each known key with its text: what follows on its line and all lines up to the next known key.
fn fields(block: &str) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for line in block.lines() {
        if let Some((key, rest)) = key_of(line) {
            let rest = rest.trim();
            let is_mark = matches!(rest, "|" | ">" | "|-" | ">-" | "|+" | ">+");
            found.push((key, if is_mark { String::new() } else { unquoted(rest).to_owned() }));
        } else if let Some((_, text)) = found.last_mut() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(line.strip_prefix("  ").unwrap_or(line));
        }
    }
    found
}

/// A known key at the line's beginning, bare, bold or quoted.
fn key_of(line: &str) -> Option<(&'static str, &str)> {
    if line.starts_with("  ") {
        return None;
    }
    let (name, rest) = line.split_once(':')?;
    let name = name.trim().trim_matches(['*', '`', '"', '\'']).to_ascii_lowercase().replace([' ', '-'], "_");
    let key = KEYS.into_iter().find(|key| *key == name)?;
    Some((key, rest.trim_start_matches("**")))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn first_word(text: &str) -> String {
    let plain = |c: &char| c.is_alphanumeric() || *c == '_';
    text.trim_start_matches(|c: char| !plain(&c)).chars().take_while(plain).collect()
}

fn status(text: &str) -> Option<SummaryStatus> {
    match first_word(text).to_ascii_lowercase().as_str() {
        "completed" | "complete" | "done" => Some(SummaryStatus::Completed),
        "partial" | "partially" => Some(SummaryStatus::Partial),
        "blocked" => Some(SummaryStatus::Blocked),
        _ => None,
    }
}

fn truth(text: &str) -> Option<bool> {
    match first_word(text).to_ascii_lowercase().as_str() {
        "true" | "yes" | "met" | "x" => Some(true),
        "false" | "no" | "not" => Some(false),
        _ => None,
    }
}

/// `- text: true`; the text may hold colons of its own.
fn criterion(line: &str) -> Option<(String, bool)> {
    let line = line.trim().trim_start_matches(['-', '*']).trim();
    let (text, value) = line.rsplit_once(':')?;
    let text = unquoted(text.trim());
    Some((text.to_owned(), truth(value)?)).filter(|(text, _)| !text.is_empty())
}
