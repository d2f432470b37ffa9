//! docs/configuration.md, made from the table of settings; a test holds the file to it.

use super::table::{Kind, Row, Unset, below, inline};

const HEAD: &str = "# Configuration

Made from the table of settings; do not edit.

Each project has one file, `projects/<slug>.yaml`, in the workspace. `paddock project add PATH` writes one;
`paddock config example` prints one with every key; `paddock config validate` checks all of them and names every fault
with its line, its column and what would be right; `paddock config show` prints the settings in force, every default
included; `paddock config schema` is a JSON Schema for editors.

- A key that is not known is a fault, and so is a value of another type. A file with a fault is not used: the settings
  that were read last stay in force, and nothing new starts in that project.
- `null` counts as not given, for every key.
- A supervisor that runs reads the files again by itself; no restart is needed. Sessions and gates that run keep what
  they started with. Two keys are different: another `target_branch` takes effect when `paddock project trust` agrees
  to it, and `queue.canary` when the next supervisor starts.
- A glob is relative to the repository's root: `*` stands for anything within a folder, `**` for any folders.
- The repository's own `.paddock/project.yaml`, as committed on the target branch, may give the keys marked with ¹. What
  the workspace's file gives goes over it: agents and workers key by key, everything else as a whole, even if it is
  empty. Commands from the repository's file (`verify`, `agents`) are used only after `paddock project add` or
  `paddock project trust` showed them and you agreed.
";

/// The document.
pub(super) fn document() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Project\n");
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
            text.push_str(&format!(" Left out: {words}."));
        }
        text.push('\n');
        table(&mut text, below(&parent));
    }
    text
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
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

fn default(row: &dyn Row) -> String {
    match (row.setting().unset, row.usual()) {
        (Unset::Required, _) => "must be given".to_owned(),
        (Unset::Null(means), _) => format!("`null`: {means}"),
        (Unset::From(words), _) => words.to_owned(),
        (Unset::Usual, default) => format!("`{}`", inline(&default.unwrap_or_default())),
    }
}

#[test]
fn the_document_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let found = std::fs::read_to_string(path).unwrap_or_default();
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
    let found = std::fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("PADDOCK_WRITE_DOCS").is_some() {
        std::fs::write(path, super::example::text()).unwrap();
        return;
    }
    let advice = "projects/example.yaml is out of date: run this test with PADDOCK_WRITE_DOCS=1";
    assert!(found == super::example::text(), "{advice}");
}
