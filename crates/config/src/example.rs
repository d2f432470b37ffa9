//! A project file with every key, its meaning and its default: `paddock config example`. Made from the table of
//! settings.

use super::table::{Kind, Row, Setting, Unset, below, inline};

const HEAD: &str = "# A project file of Paddock with every key. Values that are shown are the defaults, so a real file needs only
# slug, name, repo_root and worktrees_root. A `#` right before a key turns the key off: take the `#` away to
# use it, in a list from all lines of an item. `paddock config validate` checks the file; the reference is
# docs/configuration.md.
";

/// Columns of a line.
const WIDTH: usize = 110;

/// The text of the file.
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

/// A list is turned off as a whole: an item would be more than the default.
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

/// A key with its comment; `margin` stands before the comment, `begin` before the key.
fn pair(text: &mut String, margin: &str, begin: &str, row: &dyn Row) {
    comment(text, margin, row);
    let setting = row.setting();
    // What is given here, even an empty text, would take the place of what the repository's file gives.
    let off = if setting.is_shared && setting.unset == Unset::Usual { "#" } else { "" };
    text.push_str(&format!("{begin}{off}{}: {}\n", setting.name(), value(row)));
}

/// The default, else the example. Items of lists are examples as a whole.
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

/// The meaning, what is allowed, and what null or nothing means.
fn words(row: &dyn Row) -> String {
    let setting = row.setting();
    let mut words = setting.meaning.to_owned();
    if let Some(allowed) = allowed(setting) {
        words.push_str(&format!(" Allowed: {allowed}."));
    }
    match (setting.unset, row.usual()) {
        (Unset::Null(means), _) => words.push_str(&format!(" null: {means}.")),
        (Unset::From(means), _) if setting.kind != Kind::Section => {
            words.push_str(&format!(" Left out: {means}."));
        }
        (Unset::Usual, Some(default)) if setting.is_shared => {
            words.push_str(&format!(
                " Left out: what the repository's file gives, else {}.",
                inline(&default)
            ));
        }
        _ => {}
    }
    words
}

fn allowed(setting: &Setting) -> Option<String> {
    let of = |unit: &str| if unit.is_empty() { String::new() } else { format!(" ({unit})") };
    match setting.kind {
        Kind::Flag | Kind::Text | Kind::Section | Kind::Sections | Kind::Variables | Kind::Events => None,
        Kind::OneOf(_) | Kind::Format => Some(setting.kind.words().join(", ")),
        kind => Some(format!("{}{}", kind.shown(), of(setting.unit))),
    }
}
