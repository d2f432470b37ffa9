//! The git configuration that can run programs, as `project add`, `project show` and `doctor` show it.

use paddock_git::{Level, Listed, Means};
use paddock_report::text::harmless;

/// Returns whether an entry is worth a line: it runs a program, or it decides what git writes.
fn is_shown(entry: &Listed) -> bool {
    let is_plain = entry.key == "core.bare" && entry.value == "false";
    (entry.runs || matches!(entry.means, Means::Agreed | Means::Held)) && !is_plain
}

/// Returns the list as lines, grouped by level and file.
pub(super) fn lines(entries: &[Listed]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut group = None;
    for entry in entries.iter().filter(|entry| is_shown(entry)) {
        let here = Some((entry.level, &entry.origin));
        if group != here {
            lines.push(format!(
                "{} ({}):",
                entry.level.word(),
                harmless(&entry.origin.display().to_string())
            ));
            group = here;
        }
        lines.push(format!("  {}", line(entry)));
    }
    lines
}

/// Returns one entry as a line.
pub(super) fn line(entry: &Listed) -> String {
    let condition = if entry.is_conditional { ", under a condition" } else { "" };
    let (key, value) = (harmless(&entry.key), harmless(&entry.value));
    let value = if value.is_empty() { value } else { format!(" = {value}") };
    format!("{key}{value}: {}{condition} ({})", entry.does, entry.state())
}

/// Returns key, value and effect of an entry, for a person who is about to agree to it.
pub(super) fn described(entry: &Listed) -> String {
    let (key, value) = (harmless(&entry.key), harmless(&entry.value));
    let value = if value.is_empty() { value } else { format!(" = {value}") };
    format!("{key}{value} ({}): {}", harmless(&entry.origin.display().to_string()), entry.does)
}

/// Returns the whole list for JSON, also what only leads git somewhere.
pub(super) fn json(entries: &[Listed]) -> serde_json::Value {
    let row = |entry: &Listed| {
        serde_json::json!({
            "level": entry.level.word(), "origin": entry.origin.display().to_string(), "key": entry.key,
            "value": entry.value, "does": entry.does, "runs": entry.runs, "state": entry.state(),
            "conditional": entry.is_conditional,
        })
    };
    entries.iter().map(row).collect()
}

/// Returns each level with the keys that it sets, for one line of `doctor` each.
pub(super) fn by_level(entries: &[Listed]) -> Vec<(Level, Vec<&Listed>)> {
    let mut found: Vec<(Level, Vec<&Listed>)> = Vec::new();
    for entry in entries.iter().filter(|entry| is_shown(entry)) {
        match found.last_mut() {
            Some((level, of_level)) if *level == entry.level => of_level.push(entry),
            _ => found.push((entry.level, vec![entry])),
        }
    }
    found
}
