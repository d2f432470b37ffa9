//! Checks every row of the table against everything that is made from it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{Kind, Row, Setting, Unset, all};
use crate::project_file::{ProjectFile, parse};
use crate::resolve::Surroundings;
use crate::shared_part::SharedPart;
use crate::{ConfigError, example, schema, show};
use paddock_model::settings::ProjectSettings;

thread_local! {
    /// Paths of the keys that this test's thread has read.
    pub(crate) static READ: RefCell<BTreeSet<&'static str>> = RefCell::default();
}

const BASE: [(&str, &str); 4] =
    [("slug", "x"), ("name", "X"), ("repo_root", "../r"), ("worktrees_root", "/wt")];

/// Returns a file that gives a key, with only the other keys that it needs.
fn file_with(setting: &Setting, value: &str) -> String {
    let (parent, name) = (setting.parent(), setting.name());
    let is_other = |key: &str| !(parent.is_empty() && key == name);
    let base = BASE.iter().filter(|(key, _)| is_other(key));
    let base: String = base.map(|(key, value)| format!("{key}: {value}\n")).collect();
    let own = match parent.strip_suffix("[]") {
        Some(list) => {
            let others = others(list).iter().filter(|(key, _)| *key != name);
            let others: String = others.map(|(key, value)| format!("    {key}: {value}\n")).collect();
            format!("{list}:\n  - {name}: {value}\n{others}")
        }
        None if parent.is_empty() => format!("{name}: {value}\n"),
        None => format!("{parent}:\n  {name}: {value}\n"),
    };
    base + &own
}

/// Returns the required keys of an item of a list.
fn others(list: &str) -> &'static [(&'static str, &'static str)] {
    match list {
        "verify" => &[("name", "t"), ("run", "make")],
        "notify" => &[("on", "[landed]"), ("run", "make")],
        "agents" => &[("id", "claude"), ("command_template", "x")],
        _ => &[("id", "implementer")],
    }
}

fn read(text: &str) -> Result<ProjectFile, Vec<ConfigError>> {
    parse(text.as_bytes(), "projects/x.yaml", None, Path::new("/ws"), None)
}

fn shown(text: &str) -> (ProjectSettings, Value) {
    let file = read(text).unwrap_or_else(|faults| panic!("{text}\n{faults:#?}"));
    let around =
        Surroundings { head_branch: "main", repository_file: None, agreed: None, on_path: &|_| false };
    let project = file.resolve(&around).unwrap_or_else(|faults| panic!("{text}\n{faults:#?}"));
    let document = show::document(&project.slug, &project.settings);
    (project.settings, document)
}

/// Returns the value of a key in a document; for a list, in its first item.
fn at<'d>(document: &'d Value, setting: &Setting) -> Option<&'d Value> {
    document.pointer(&format!("/{}", setting.path.replace("[]", ".0").replace('.', "/")))
}

/// Returns allowed values of a key, as YAML; at least one differs from the default.
fn samples(row: &dyn Row) -> Vec<String> {
    let setting = row.setting();
    let of = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    match (setting.kind, setting.path) {
        (Kind::Flag, _) => of(&["true", "false"]),
        (Kind::Count(least), _) => vec![least.to_string(), (least + 41).to_string()],
        (Kind::AutoOrCount(least), _) => vec![least.to_string(), "auto".to_owned()],
        (Kind::AutoOrFolders, _) => of(&["[a, \"b/**/c\"]", "[]", "auto"]),
        (Kind::Report, _) => of(&["auto", "\"junit:a/b-*.xml\""]),
        (Kind::AboveZero, _) => of(&["7", "2.5"]),
        (Kind::FromZero, _) => of(&["0", "2.5"]),
        // Read by another library here, which takes the bare word for a boolean.
        (_, "verify[].tests") => of(&["auto", "required", "\"off\""]),
        (Kind::Format, _) => of(&["claude", "plain", "jsonl:message.content"]),
        (Kind::OneOf(_), _) => setting.kind.words().into_iter().map(str::to_owned).collect(),
        (_, "planner.agent") => of(&["auto", "none", "claude"]),
        (_, "agents[].id") => of(&["claude"]),
        (_, "workers[].agents") => of(&["[scripted, claude]"]),
        (Kind::Section | Kind::Sections, _) => Vec::new(),
        (Kind::Texts | Kind::Globs, _) => of(&["[a, \"b/**\"]"]),
        _ => of(&[setting.example]),
    }
}

/// Returns values that a key must refuse.
fn wrong(kind: Kind) -> Vec<String> {
    let of = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    match kind {
        Kind::Count(least) | Kind::AutoOrCount(least) => {
            vec![(least - 1).to_string(), "many".to_owned(), "true".to_owned()]
        }
        Kind::AutoOrFolders => of(&["all", "12", "true", "{a: b}"]),
        Kind::Report => of(&["all", "12", "true", "{junit: b}"]),
        Kind::AboveZero => of(&["0", "-1", "much", ".inf"]),
        Kind::FromZero => of(&["-1", "much", ".nan"]),
        Kind::Flag | Kind::OneOf(_) => of(&["nonsense", "1", "[a]"]),
        Kind::Format => of(&["nonsense", "1", "[a]", "jsonl", "\"jsonl:\"", "jsonl:a..b", "\"jsonl:a b\""]),
        Kind::Text | Kind::Id | Kind::Command => of(&["12", "true", "{a: b}"]),
        Kind::Texts | Kind::Globs | Kind::Events | Kind::Sections => of(&["nonsense", "12", "{a: b}"]),
        Kind::Variables | Kind::Section => of(&["nonsense", "12", "[a]"]),
    }
}

/// Returns whether `config show` shows the value that the file gave.
fn says(setting: &Setting, shown: &Value, given: &Value) -> bool {
    match (setting.kind, shown, given) {
        (_, Value::String(shown), Value::String(given)) if setting.path.ends_with("_root") => {
            shown.ends_with(given.trim_start_matches(".."))
        }
        (Kind::Command, Value::Array(words), Value::String(line)) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            words.join(" ") == *line
        }
        // Variables are added to those of the built-in agent.
        (Kind::Variables, Value::Object(shown), Value::Object(given)) => {
            given.iter().all(|(name, value)| shown.get(name) == Some(value))
        }
        (_, Value::Number(shown), Value::Number(given)) => shown.as_f64() == given.as_f64(),
        (_, shown, given) => shown == given,
    }
}

#[test]
fn every_key_is_read_and_shown_with_each_of_its_values() {
    for row in all() {
        let setting = row.setting();
        for sample in samples(row) {
            let (_, document) = shown(&file_with(setting, &sample));
            let given: Value = serde_yaml::from_str(&sample).unwrap();
            let found = at(&document, setting).unwrap_or_else(|| panic!("{} is not shown", setting.path));
            assert!(says(setting, found, &given), "{}: {sample} is shown as {found}", setting.path);
        }
        if setting.unset != Unset::Required && setting.path != "name" {
            shown(&file_with(setting, "null"));
        }
    }
}

#[test]
fn every_key_refuses_what_it_may_not_be_and_says_where() {
    for row in all() {
        let setting = row.setting();
        for value in wrong(setting.kind) {
            let text = file_with(setting, &value);
            let faults = read(&text).expect_err(&text);
            let key = setting.path.replace("[]", "[0]");
            let begin = format!("{}: {value}", setting.name());
            let (at, line) = text
                .lines()
                .enumerate()
                .find(|(_, line)| line.trim_start_matches([' ', '-']) == begin)
                .unwrap_or_else(|| panic!("{text}"));
            let column = line.len() - value.len() + 1;
            let is_it = |fault: &&ConfigError| {
                fault.key == key && (fault.place.line, fault.place.column) == (at as u64 + 1, column as u64)
            };
            let fault = faults.iter().find(is_it).unwrap_or_else(|| panic!("{key}: {value}: {faults:#?}"));
            assert!(fault.problem.contains(&format!("`{key}`")), "{fault}");
        }
    }
}

#[test]
fn a_file_that_says_nothing_gets_the_defaults_of_the_table() {
    let base: String = BASE.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
    let items =
        "agents: [{id: own, command_template: x}]\nworkers: [{id: own}]\nverify: [{name: t, run: x}]\n";
    let (_, document) = shown(&format!("{base}{items}"));
    let own = |list: &str| {
        let items = document[list].as_array().unwrap();
        items.iter().find(|item| item["id"] == "own" || item["name"] == "t").unwrap()
    };
    for row in all() {
        let setting = row.setting();
        let found = match setting.path.split_once("[].") {
            Some((list, name)) if list != "notify" => own(list).get(name),
            _ => at(&document, setting),
        };
        match (setting.unset, row.usual()) {
            (Unset::Usual, Some(default)) => {
                let found = found.unwrap_or_else(|| panic!("{}", setting.path));
                assert!(says(setting, found, &default), "{}: {found}, not {default}", setting.path);
            }
            (Unset::Usual, None) => panic!("{} has no default", setting.path),
            (Unset::Null(_), _) if setting.path != "target_branch" => {
                assert!(found.is_none_or(Value::is_null), "{}: {found:?}", setting.path);
            }
            _ => {}
        }
    }
}

/// Returns the example with the keys that it turns off switched on.
pub(crate) fn whole_example() -> String {
    let mut text = String::new();
    for line in example::text().lines() {
        let indent = line.len() - line.trim_start().len();
        match line.trim_start().strip_prefix('#') {
            Some(rest) if rest.starts_with("  ") || !rest.starts_with(' ') => {
                text.push_str(&format!("{}{rest}\n", &line[..indent]));
            }
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

#[test]
fn the_example_is_without_a_fault_names_every_key_and_holds_all_defaults() {
    let (settings, _) = shown(&example::text());
    let least = "slug: example\nname: Example\nrepo_root: ../example\nworktrees_root: ../example-wt\n";
    assert_eq!(settings, shown(least).0);
    let text = whole_example();
    shown(&text);
    let document: Value = serde_yaml::from_str(&text).unwrap();
    let every = format!("{} {}", schema::project_file(&["landed"]), crate::reference::document());
    for row in all() {
        let setting = row.setting();
        assert!(at(&document, setting).is_some(), "{} is not in the example", setting.path);
        assert!(every.contains(setting.meaning.split('`').next().unwrap()), "{}", setting.path);
    }
}

#[test]
fn the_schema_and_the_reference_have_every_key() {
    let schema = schema::project_file(&["landed"]);
    let reference = crate::reference::document();
    for row in all() {
        let setting = row.setting();
        let path = setting.path.replace("[].", "/items/properties/").replace('.', "/properties/");
        let found = schema.pointer(&format!("/properties/{path}"));
        let found = found.unwrap_or_else(|| panic!("{} is not in the schema", setting.path));
        assert!(found["description"].as_str().unwrap().starts_with(setting.meaning), "{}", setting.path);
        let (section, name) = (setting.parent().trim_end_matches("[]"), setting.name());
        let heading = if section.is_empty() { "## Project\n".to_owned() } else { format!("## `{section}`") };
        let part = reference.split(&heading).nth(1).unwrap().split("\n## ").next().unwrap();
        let is_heading = matches!(setting.kind, Kind::Section | Kind::Sections);
        let named = if is_heading {
            reference.contains(&format!("## `{name}`"))
        } else {
            part.contains(&format!("| `{name}`"))
        };
        assert!(named, "{} is not in the reference", setting.path);
    }
}

#[test]
fn the_repositorys_own_file_may_give_the_shared_keys_and_no_others() {
    let is_shared = |row: &dyn Row| {
        let list = row.setting().path.split_once("[]").map(|(list, _)| list);
        all().any(|of| of.setting().path == list.unwrap_or(row.setting().path) && of.setting().is_shared)
    };
    for row in all() {
        let setting = row.setting();
        let Some(sample) = samples(row).pop() else { continue };
        let whole = file_with(setting, &sample);
        let base = BASE.iter().filter(|(key, _)| *key != setting.path);
        let skipped: usize = base.map(|(key, value)| key.len() + value.len() + 3).sum();
        let read = SharedPart::from_repository(&whole.as_bytes()[skipped..]);
        assert_eq!(read.is_ok(), is_shared(row), "{}: {read:?}", setting.path);
    }
}

#[test]
fn every_key_of_the_table_is_read_and_no_other_one() {
    READ.take();
    shown(&whole_example());
    let read = READ.take();
    let table: BTreeSet<&str> = all().map(|row| row.setting().path).collect();
    assert_eq!(read, table);
    assert_eq!(all().count(), table.len(), "a path is in the table twice");
}

#[test]
fn every_row_has_a_meaning_in_whole_sentences() {
    for row in all() {
        let Setting { path, meaning, kind, unit, .. } = *row.setting();
        assert!(
            meaning.starts_with(|c: char| c.is_uppercase()) && meaning.ends_with('.'),
            "{path}: {meaning}"
        );
        let is_number =
            matches!(kind, Kind::Count(_) | Kind::AutoOrCount(_) | Kind::AboveZero | Kind::FromZero);
        assert_eq!(is_number, !unit.is_empty(), "{path} needs a unit if it is a number, and only then");
    }
}
