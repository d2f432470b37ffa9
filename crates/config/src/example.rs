//! `paddock config example`: a project file with every key, its meaning and its default, made from the table
//! of settings.

use super::settings_table::{Kind, Row, Setting, Unset, below, inline};

const HEAD: &str = "# A Paddock project file with every key. All values are the defaults, so a real file needs only slug, name,
# repo_root and worktrees_root. A `#` directly before a key turns the key off; remove the `#` to use the key,
# and in a list from all lines of an item. `paddock config validate` checks the file; docs/configuration.md is
# the reference.
";

/// Maximum width of a line, in columns.
const WIDTH: usize = 110;

/// Returns the text of the example file.
#[must_use]
pub fn text() -> String {
    let mut text = HEAD.to_owned();
    for row in below("") {
        let setting = row.setting();
        text.push('\n');
        match setting.kind {
            Kind::Section => {
                comment(&mut text, "", row);
                text.push_str(&format!("{}:\n", setting.name()));
                below(setting.path).for_each(|row| pair(&mut text, "  ", "  ", row));
            }
            Kind::Sections => list(&mut text, row),
            _ => pair(&mut text, "", "", row),
        }
    }
    text
}

/// Appends a list with one item, turned off: the default of every list is empty, and the example must equal
/// the defaults.
fn list(text: &mut String, row: &dyn Row) {
    let setting = row.setting();
    comment(text, "", row);
    text.push_str(&format!("#{}:\n", setting.name()));
    for (at, row) in below(&format!("{}[]", setting.path)).enumerate() {
        match at {
            0 => pair(text, "#  ", "#  - ", row),
            _ => pair(text, "#    ", "#    ", row),
        }
    }
}

/// Appends a key with its comment. `margin` precedes the comment's lines, `begin` the key.
fn pair(text: &mut String, margin: &str, begin: &str, row: &dyn Row) {
    comment(text, margin, row);
    let setting = row.setting();
    // A shared key is turned off: any value here, even an empty text, would override the repository's file.
    let off = if setting.is_shared && setting.unset == Unset::Usual { "#" } else { "" };
    text.push_str(&format!("{begin}{off}{}: {}\n", setting.name(), value(row)));
}

/// Returns the value to show: the default, or the example if there is no default. In lists, whose items are
/// examples as a whole, the example comes first.
fn value(row: &dyn Row) -> String {
    let setting = row.setting();
    let is_item = setting.path.contains("[]");
    match (setting.unset, row.usual()) {
        (_, Some(default)) if !is_item || setting.example.is_empty() => inline(&default),
        (Unset::Null(_), _) if !is_item => "null".to_owned(),
        _ => setting.example.to_owned(),
    }
}

fn comment(text: &mut String, margin: &str, row: &dyn Row) {
    let mut line = format!("{margin}#");
    // The width is counted in characters, not bytes.
    for word in words(row).split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = format!("{margin}#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

/// Returns the words of the comment: the meaning, the allowed values, and what null or leaving the key out
/// means.
fn words(row: &dyn Row) -> String {
    let setting = row.setting();
    let mut words = setting.meaning.to_owned();
    if let Some(allowed) = allowed(setting) {
        words.push_str(&format!(" Allowed: {allowed}."));
    }
    match (setting.unset, row.usual()) {
        (Unset::Null(means), _) => words.push_str(&format!(" null: {means}.")),
        (Unset::From(means), _) if setting.kind != Kind::Section => {
            words.push_str(&format!(" Default: {means}."));
        }
        (Unset::Usual, Some(default)) if setting.is_shared => {
            words.push_str(&format!(
                " Default: the value in the repository's file, else {}.",
                inline(&default)
            ));
        }
        _ => {}
    }
    words
}

/// Returns the allowed values, unless the value itself shows them.
fn allowed(setting: &Setting) -> Option<String> {
    let of = |unit: &str| if unit.is_empty() { String::new() } else { format!(" ({unit})") };
    match setting.kind {
        Kind::Flag | Kind::Text | Kind::Section | Kind::Sections | Kind::Variables | Kind::Events => None,
        Kind::OneOf(_) | Kind::Format => Some(setting.kind.words().join(", ")),
        kind => Some(format!("{}{}", kind.shown(), of(setting.unit))),
    }
}
