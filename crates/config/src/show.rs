//! `paddock config show`: settings in the form of a project file, including defaults, made from the table of
//! settings.

use serde_json::{Map, Value, json};

use super::settings_table::{Kind, Row, VERIFY_TIMEOUT, below};
use paddock_model::ids::ProjectSlug;
use paddock_model::settings::ProjectSettings;

/// Returns the settings as a document with the keys of a project file.
#[must_use]
pub fn document(slug: &ProjectSlug, settings: &ProjectSettings) -> Value {
    let stored = serde_json::to_value(settings).unwrap_or_default();
    let mut shown = section("", &stored);
    shown.insert("slug".to_owned(), json!(slug));
    Value::Object(shown)
}

/// Returns the keys of a section, from the settings, or of a list's item, from that item.
fn section(parent: &str, stored: &Value) -> Map<String, Value> {
    let pair = |row: &dyn Row| Some((row.setting().name().to_owned(), value(row, stored)?));
    below(parent).filter_map(pair).collect()
}

fn value(row: &dyn Row, stored: &Value) -> Option<Value> {
    let setting = row.setting();
    // The one key that is stored as two fields, minutes and seconds.
    if setting.path == VERIFY_TIMEOUT.path {
        return Some(minutes(stored));
    }
    let found = stored.pointer(&format!("/{}", setting.field().replace('.', "/"))).unwrap_or(&Value::Null);
    match setting.kind {
        Kind::Section => Some(Value::Object(section(setting.path, stored))),
        Kind::Sections => {
            let below = format!("{}[]", setting.path);
            let items = found.as_array().into_iter().flatten();
            Some(items.map(|item| Value::Object(section(&below, item))).collect())
        }
        // An agent without `resume_template` is shown without the key; null there has another meaning.
        Kind::Command => (!found.is_null()).then(|| command(found)),
        // Stored as `"auto"` or `{"count": 3}`, written as `auto` or `3`.
        Kind::AutoOrCount(_) => Some(found.get("count").unwrap_or(found).clone()),
        // Stored as `"auto"` or `{"folders": […]}`, written as `auto` or the list.
        Kind::AutoOrFolders => Some(found.get("folders").unwrap_or(found).clone()),
        // Stored as `{"junit": PATH}`, written as `junit:PATH`.
        Kind::Report if found.is_object() => {
            found["junit"].as_str().map(|path| Value::String(format!("junit:{path}")))
        }
        // Fields that were added later are not stored while they hold their default.
        _ if found.is_null() => Some(row.usual().unwrap_or_default()),
        _ => Some(found.clone()),
    }
}

/// Returns the time limit of a gate command in minutes, with a fraction only if it has seconds.
fn minutes(command: &Value) -> Value {
    let part = |name: &str| command[name].as_u64().and_then(|part| u32::try_from(part).ok()).unwrap_or(0);
    match (part("timeout_minutes"), part("timeout_seconds")) {
        (minutes, 0) => json!(minutes),
        (minutes, seconds) => json!(f64::from(minutes) + f64::from(seconds) / 60.0),
    }
}

/// Returns a command in the form of a project file: a list of words, or one text for a shell.
fn command(template: &Value) -> Value {
    let words = &template["words"];
    if template["shell"] != json!(true) {
        return words.clone();
    }
    let words = words.as_array().into_iter().flatten().filter_map(Value::as_str);
    json!(words.collect::<Vec<_>>().join(" "))
}
