//! docs/configuration.md, made from the table of settings. A test compares the file with it.

use super::settings_table::{Kind, Row, Unset, below, inline};
use super::variables::{self, Role, Variable};
use paddock_os::plain;

const HEAD: &str = "# Configuration

This file is generated from the table of settings; do not edit it.

Each project has one file, `projects/<slug>.yaml`, in the workspace.

- `paddock project add PATH` writes the file of a new project.
- `paddock config example` prints a file with every key.
- `paddock config validate` checks all files, and reports every fault with its line, its column and a correction.
- `paddock config show` prints the settings in force, including defaults.
- `paddock config schema` prints a JSON Schema for editors.

Rules for all keys:

- An unknown key is a fault, and so is a value of the wrong type. A file with faults is not used: the settings that
  were read last stay in force, and nothing new starts in that project.
- `null` means that the key is not given, for every key.
- A running supervisor reads changed files again by itself; no restart is needed. Running sessions and gates keep the
  settings that they started with. Two keys are different: a new `target_branch` takes effect when `paddock project
  trust` agrees to it, and `queue.canary` when the next supervisor starts.
- A glob is relative to the repository's root: `*` matches anything within a folder, `**` any number of folders.
- The repository's own `.paddock/project.yaml`, as committed on the target branch, may give the keys marked with ¹. The
  workspace's file takes precedence: key by key for agents and workers, and as a whole for everything else, even if the
  value is empty. Commands from the repository's file (`verify`, `agents`) are used only after `paddock project add`
  or `paddock project trust` has shown them and you have agreed.
";

/// Returns the text of docs/configuration.md.
pub(super) fn document() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Project\n");
    // Keys without a section come first, then one table for each section and list.
    let is_plain = |row: &&dyn Row| !matches!(row.setting().kind, Kind::Section | Kind::Sections);
    table(&mut text, below("").filter(is_plain));
    for row in below("").filter(|row| !is_plain(row)) {
        let setting = row.setting();
        let list = setting.kind == Kind::Sections;
        let (what, parent) = match list {
            true => (" (a list)", format!("{}[]", setting.path)),
            false => ("", setting.path.to_owned()),
        };
        let mark = if setting.is_shared && list { "¹" } else { "" };
        text.push_str(&format!("\n## `{}`{mark}{what}\n\n{}", setting.path, setting.meaning));
        if let (Unset::From(words), true) = (setting.unset, list) {
            text.push_str(&format!(" Default: {words}."));
        }
        text.push('\n');
        table(&mut text, below(&parent));
    }
    variables(&mut text);
    text
}

/// Appends the environment variables.
fn variables(text: &mut String) {
    text.push_str(
        "\n## Environment variables\n\nPaddock reads these from its environment, else from `.env` in the workspace. \
         `paddock config validate` checks their values.\n\n| variable | default | meaning |\n|---|---|---|\n",
    );
    let of = |role: Role| variables::TABLE.iter().filter(move |variable| variable.role == role);
    for Variable { name, default, meaning, .. } in of(Role::Setting) {
        text.push_str(&format!("| `{name}` | {default} | {meaning} |\n"));
    }
    for (role, words) in [
        (Role::Surroundings, "Of the system and the terminal:"),
        (Role::Given, "Paddock sets these, and PADDOCK_PROJECT, for the programs that it starts:"),
    ] {
        text.push_str(&format!("\n{words}\n\n| variable | meaning |\n|---|---|\n"));
        for Variable { name, meaning, .. } in of(role) {
            text.push_str(&format!("| `{name}` | {meaning} |\n"));
        }
    }
}

fn table(text: &mut String, rows: impl Iterator<Item = &'static dyn Row>) {
    text.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
    for row in rows {
        let setting = row.setting();
        let value = match setting.unit {
            "" => setting.kind.shown(),
            unit => format!("{} ({unit})", setting.kind.shown()),
        };
        let is_item = setting.path.contains("[]");
        let mark = if setting.is_shared && !is_item { "¹" } else { "" };
        let mut meaning = setting.meaning.to_owned();
        if !setting.example.is_empty() {
            meaning.push_str(&format!(" Example: `{}`.", setting.example));
        }
        let cells = [format!("`{}`{mark}", setting.name()), value, default(row), meaning];
        // A `|` would end the cell.
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

fn default(row: &dyn Row) -> String {
    match (row.setting().unset, row.usual()) {
        (Unset::Required, _) => "required".to_owned(),
        (Unset::Null(means), _) => format!("`null`: {means}"),
        (Unset::From(words), _) => words.to_owned(),
        (Unset::Usual, default) => format!("`{}`", inline(&default.unwrap_or_default())),
    }
}

#[test]
fn the_document_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let found = plain::read_to_string(path).unwrap_or_default();
    if std::env::var_os("PADDOCK_WRITE_DOCS").is_some() {
        std::fs::write(path, document()).unwrap();
        return;
    }
    let advice = "docs/configuration.md is out of date: run this test with PADDOCK_WRITE_DOCS=1";
    assert!(found == document(), "{advice}");
}

#[test]
fn the_example_file_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../projects/example.yaml");
    let found = plain::read_to_string(path).unwrap_or_default();
    if std::env::var_os("PADDOCK_WRITE_DOCS").is_some() {
        std::fs::write(path, super::example::text()).unwrap();
        return;
    }
    let advice = "projects/example.yaml is out of date: run this test with PADDOCK_WRITE_DOCS=1";
    assert!(found == super::example::text(), "{advice}");
}
