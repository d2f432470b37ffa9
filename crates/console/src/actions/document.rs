//! docs/keys.md, made from the table; a test holds the file to it.

use std::fmt::Write;

use super::{Argument, Group, TABLE};
use crate::panes::{MAIN, PaneId, pane};

const HEAD: &str = "# Keys of the console

Made from the table of actions; do not edit. `?` in the console shows the same with the keys as you bound them,
`:` runs any action by its name, with what it takes after it, and any command of the command line.

`keys.yaml` in the workspace, and `paddock/keys.yaml` in your configuration folder, give actions other keys:

```yaml
retry: [F5, ctrl-r]     # several keys
kill: []                # none
zoom: \"+\"               # signs in quotes
```

A key is a letter or a sign, `ctrl-x`, `alt-x`, or one of enter, esc, tab, backtab, space, up, down, left, right,
home, end, pageup, pagedown, insert, delete, backspace, f1 to f12. A fault is said at the start with its line and
what would be right; the rest of the file is used.

In a log, the output of a gate and a diff, `/` and `&` take a regular expression; `!` in front of it wants what does
not match. Letters of any script match in either case, unless the pattern holds a capital letter: then case counts.
What is no pattern (`foo(`) is looked for as plain text, and the line says why. In a list, `/` shows the rows that
have the text in them, in either case.
";

/// The document.
fn document() -> String {
    let keymap = super::keymap();
    let mut out = HEAD.to_owned();
    for group in Group::ALL {
        let _ = write!(out, "\n## {}\n\n| keys | action | takes | does |\n|---|---|---|---|\n", group.word());
        for action in TABLE.iter().filter(|action| action.group == group) {
            let keys: Vec<String> = keymap.keys(action.name).iter().map(|key| format!("`{key}`")).collect();
            let takes = match action.argument {
                Argument::None => "",
                Argument::Optional(what) | Argument::Asked(what) => what,
            };
            let asks = if action.destructive { " (asks first)" } else { "" };
            let (name, title) = (action.name, action.title);
            let _ = writeln!(out, "| {} | {name} | {takes} | {title}{asks} |", keys.join(" "));
        }
    }
    out
}

#[test]
fn the_document_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keys.md");
    let found = std::fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("PADDOCK_WRITE_DOCS").is_some() {
        std::fs::write(path, document()).unwrap();
        return;
    }
    let advice = "docs/keys.md is out of date: run this test with PADDOCK_WRITE_DOCS=1";
    assert!(found == document(), "{advice}");
}

#[test]
fn every_name_stands_once_and_every_hint_is_one() {
    let mut names: Vec<&str> = TABLE.iter().map(|action| action.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a name stands twice");
    let model = crate::Model::new(paddock_engine::ANSWERS, crate::actions::keymap());
    let covers = [PaneId::Objective, PaneId::Diff, PaneId::Grid, PaneId::Timeline];
    for id in MAIN.into_iter().chain(covers) {
        for hint in pane(id).hints(&model) {
            assert!(names.contains(&hint), "{hint} of {id:?} is no action");
        }
    }
}
