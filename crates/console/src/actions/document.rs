//! Generates docs/keys.md from the table. A test fails if the file is out of date.

use std::fmt::Write;

use super::{Argument, Group, TABLE};
use crate::panes::{MAIN, PaneId, pane};
use paddock_os::plain;

const HEAD: &str = "# Keys of the console

This page is generated from the table of actions; do not edit it. In the console, `?` shows the same list with
your own keys, and `:` runs an action by its name, followed by its argument, or any command of the command line.

To bind other keys, write `keys.yaml` in the workspace or `paddock/keys.yaml` in your configuration folder.
The workspace's file wins:

```yaml
retry: [F5, ctrl-r]     # several keys
kill: []                # no key
zoom: \"+\"               # punctuation in quotes
```

A key is a letter, digit or punctuation mark, `ctrl-x`, `alt-x`, or one of enter, esc, tab, backtab, space, up,
down, left, right, home, end, pageup, pagedown, insert, delete, backspace, f1 to f12. If an entry is wrong, the
console shows its line and the correction when it starts, ignores the entry, and uses the rest of the file.

In a log, a gate's output and a diff, `/` and `&` take a regular expression. `!` in front of it inverts the
match. Case is ignored, in every script, unless the expression contains a capital letter. An invalid expression
such as `foo(` is searched for as plain text, and the search line says so. In a list, `/` shows the rows that
contain the text; case is ignored.
";

/// Returns the text of docs/keys.md.
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
            let asks = if action.destructive { " (asks for confirmation)" } else { "" };
            let (name, title) = (action.name, action.title);
            let _ = writeln!(out, "| {} | {name} | {takes} | {title}{asks} |", keys.join(" "));
        }
    }
    out
}

#[test]
fn the_document_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keys.md");
    let found = plain::read_to_string(path).unwrap_or_default();
    if std::env::var_os("PADDOCK_WRITE_DOCS").is_some() {
        std::fs::write(path, document()).unwrap();
        return;
    }
    let advice = "docs/keys.md is out of date: run this test with PADDOCK_WRITE_DOCS=1";
    assert!(found == document(), "{advice}");
}

#[test]
fn names_are_unique_and_every_hint_is_an_action() {
    let mut names: Vec<&str> = TABLE.iter().map(|action| action.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two actions share a name");
    let model = crate::Model::new(paddock_engine::ANSWERS, crate::actions::keymap());
    let covers = [PaneId::Objective, PaneId::Diff, PaneId::Grid, PaneId::Timeline];
    for id in MAIN.into_iter().chain(covers) {
        for hint in pane(id).hints(&model) {
            assert!(names.contains(&hint), "the hint {hint} of {id:?} is not an action");
        }
    }
}
