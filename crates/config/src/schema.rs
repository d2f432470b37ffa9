//! `paddock config schema`: the JSON Schema of project files, made from the table of settings.

use serde_json::{Map, Value, json};

use super::settings_table::{ID_PATTERN, Kind, Row, Unset, below, inline};

/// Returns the schema of `projects/<slug>.yaml`. `events` are the public event types, which `notify` may
/// name.
#[must_use]
pub fn project_file(events: &[&str]) -> Value {
    let mut schema = object("", events);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        schema.insert("title".to_owned(), "A Paddock project file".into());
    }
    schema
}

/// Returns the schema of a section, of a list's items, or of the file itself.
fn object(parent: &str, events: &[&str]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for row in below(parent) {
        let setting = row.setting();
        let mut schema = value(row, events);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), description(row).into());
        }
        properties.insert(setting.name().to_owned(), schema);
        if setting.unset == Unset::Required {
            required.push(setting.name());
        }
    }
    // Strict like the reader: an editor marks an unknown key before `validate` refuses it.
    json!({
        "type": "object", "additionalProperties": false, "properties": properties, "required": required
    })
}

fn value(row: &dyn Row, events: &[&str]) -> Value {
    let setting = row.setting();
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let schema = match setting.kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count(least) => json!({ "type": "integer", "minimum": least }),
        Kind::AutoOrCount(least) => {
            json!({ "anyOf": [{ "const": "auto" }, { "type": "integer", "minimum": least }] })
        }
        Kind::AutoOrFolders => json!({ "anyOf": [{ "const": "auto" }, texts] }),
        Kind::Report => json!({ "type": "string", "pattern": "^(auto|junit:[^/~ ].*)$" }),
        Kind::AboveZero => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Kind::FromZero => json!({ "type": "number", "minimum": 0 }),
        Kind::OneOf(_) => json!({ "enum": setting.kind.words() }),
        Kind::Format => json!({ "anyOf": [
            { "enum": setting.kind.words() },
            { "type": "string", "pattern": "^jsonl:[^. ]+(\\.[^. ]+)*$" },
        ] }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Id => json!({ "type": "string", "pattern": ID_PATTERN }),
        Kind::Texts | Kind::Globs => texts,
        Kind::Events => json!({ "type": "array", "items": { "enum": events }, "minItems": 1 }),
        Kind::Command => json!({ "anyOf": [{ "type": "string" }, texts] }),
        Kind::Variables => {
            json!({ "type": "object", "additionalProperties": { "type": ["string", "integer", "null"] } })
        }
        Kind::Section => object(setting.path, events),
        Kind::Sections => {
            json!({ "type": "array", "items": object(&format!("{}[]", setting.path), events) })
        }
    };
    // The reader takes null as "not given" for every key; the schema offers it only where it has a meaning.
    match setting.unset {
        Unset::Null(_) => json!({ "anyOf": [schema, { "type": "null" }] }),
        _ => schema,
    }
}

/// Returns the meaning of a key, and the consequence if it is not given.
fn description(row: &dyn Row) -> String {
    let setting = row.setting();
    let meaning = setting.meaning;
    match (setting.unset, row.usual()) {
        (Unset::Usual, Some(default)) => format!("{meaning} Default: {}.", inline(&default)),
        (Unset::Null(means), _) => format!("{meaning} null: {means}."),
        (Unset::From(words), _) => format!("{meaning} Default: {words}."),
        _ => meaning.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the keys from the example, which has every key, including those that are turned off.
    #[test]
    fn the_schema_knows_every_key_of_the_example_file() {
        let schema = project_file(&["landed"]).to_string();
        let mut count = 0;
        for line in crate::settings_table::tests::whole_example().lines() {
            let Some((key, _)) = line.trim_start_matches([' ', '-']).split_once(':') else { continue };
            let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if is_key {
                assert!(schema.contains(&format!("\"{key}\":")), "{key} is not in the schema");
                count += 1;
            }
        }
        assert!(count > 60, "only {count} keys were found");
    }
}
