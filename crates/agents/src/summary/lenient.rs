//! Reads a summary that is not valid YAML, key by key.

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

/// Reads the block. Returns `None` if it has no known status.
pub(super) fn read(block: &str) -> Option<SessionSummary> {
    let fields = fields(block);
    // The last occurrence of a repeated key counts.
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

/// Returns each known key with its text: the rest of its line, and all lines up to the next known key.
fn fields(block: &str) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for line in block.lines() {
        if let Some((key, rest)) = key_of(line) {
            let rest = rest.trim();
            // The mark of a YAML block text; the text itself follows on the next lines.
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

/// Returns the known key at the beginning of a line, bare, bold or quoted, and the rest of the line.
fn key_of(line: &str) -> Option<(&'static str, &str)> {
    // An indented line belongs to the text of the key before, even if it looks like a key.
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

/// Reads a criterion, `- text: true`. The text may contain colons.
fn criterion(line: &str) -> Option<(String, bool)> {
    let line = line.trim().trim_start_matches(['-', '*']).trim();
    // From the right, since the criterion may contain colons but the value does not.
    let (text, value) = line.rsplit_once(':')?;
    let text = unquoted(text.trim());
    Some((text.to_owned(), truth(value)?)).filter(|(text, _)| !text.is_empty())
}
