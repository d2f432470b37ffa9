use std::collections::BTreeMap;
use std::path::PathBuf;

use super::files::{Entry, Level};
use super::key::Key;
use super::parse::parse;
use super::record::{hashes, judge};
use super::switch::switch;
use super::table::{Means, Row, TABLE};

fn entry(level: Level, key: &str, value: &str) -> Entry {
    let (origin, key) = (PathBuf::from("/f"), Key::new(key.as_bytes().to_vec()));
    Entry { level, origin, is_conditional: false, key, value: value.as_bytes().to_vec() }
}

/// A key of each row, with a subsection in mixed case that holds dots.
fn sample(row: &Row) -> String {
    let last_star = row.pattern.rfind('*');
    let text = row.pattern.char_indices().map(|(at, c)| match c {
        '*' if Some(at) == last_star && row.pattern.ends_with(".*") => "key".to_owned(),
        '*' if row.pattern.starts_with("sendemail.") => String::new(),
        '*' => "A.b".to_owned(),
        other => other.to_string(),
    });
    text.collect()
}

const LEVELS: [Level; 4] = [Level::System, Level::Global, Level::Local, Level::Worktree];

#[test]
fn every_row_is_found_by_a_key_of_its_own() {
    for row in &TABLE {
        let key = sample(row);
        let found = Row::find(&Key::new(key.clone().into_bytes()));
        assert_eq!(found.map(|found| found.pattern), Some(row.pattern), "{key}");
    }
    for harmless in
        ["user.name", "merge.conflictstyle", "branch.main.remote", "remote.origin.fetch", "filter.clean"]
    {
        assert!(Row::find(&Key::new(harmless.into())).is_none(), "{harmless}");
    }
}

#[test]
fn an_entry_that_nobody_agreed_to_is_switched_off_at_every_level_and_an_agreed_one_runs() {
    for row in &TABLE {
        for level in LEVELS {
            let entries = [entry(level, &sample(row), "evil")];
            let now = hashes(&entries);
            let off = switch(&entries, &BTreeMap::new());
            let agreed = switch(&entries, &now);
            let judged = judge(&BTreeMap::new(), &now);
            let is_own = !level.is_of_the_repository();
            match row.means {
                Means::Agreed => {
                    assert!(!off.settings.is_empty(), "{row:?}");
                    assert!(agreed.settings.is_empty() && agreed.drivers.is_empty(), "{row:?}");
                    assert_eq!(judged.off.len(), 1, "{row:?} {level:?}");
                }
                // The user's own programs for people are not compared.
                _ if is_own => assert_eq!(judged, judge(&now, &now), "{row:?} {level:?}"),
                Means::Off => {
                    assert_eq!(off.settings, agreed.settings, "{row:?}");
                    // `evil` is no alias that runs a program.
                    let is_named = row.pattern != "alias.*";
                    assert_eq!(judged.off.len(), usize::from(is_named), "{row:?}");
                }
                Means::Held => assert_eq!(judged.held.len(), 1, "{row:?}"),
                Means::Signing => assert_eq!(judged.signing.len(), 1, "{row:?}"),
                Means::Push => assert_eq!(judged.push.len(), 1, "{row:?}"),
                Means::Shown if row.pattern.starts_with("include") => {
                    assert_eq!(judged.off.len(), 1, "{row:?}");
                }
                Means::Shown => assert_eq!(judged, judge(&now, &now), "{row:?}"),
            }
        }
    }
}

#[test]
fn the_filters_of_git_lfs_are_agreed_to_as_they_are_and_in_no_other_form() {
    let standard = |level| {
        [
            entry(level, "filter.lfs.clean", "git-lfs clean -- %f"),
            entry(level, "filter.lfs.smudge", "git-lfs smudge -- %f"),
            entry(level, "filter.lfs.process", "git-lfs filter-process"),
            entry(level, "filter.lfs.required", "true"),
        ]
    };
    for level in LEVELS {
        let mut entries = standard(level).to_vec();
        let off = switch(&entries, &BTreeMap::new());
        assert!(off.settings.is_empty() && off.drivers.is_empty(), "{level:?}");
        assert_eq!(judge(&BTreeMap::new(), &hashes(&entries)).off, Vec::<String>::new());
        entries.push(entry(Level::Local, "filter.lfs.process", "git-lfs filter-process; evil"));
        assert!(switch(&entries, &BTreeMap::new()).drivers.filters.contains(b"lfs".as_slice()));
        let mut entries = standard(level).to_vec();
        entries.push(entry(Level::Local, "lfs.extension.x.smudge", "evil %f"));
        assert!(switch(&entries, &BTreeMap::new()).drivers.filters.contains(b"lfs".as_slice()));
    }
}

#[test]
fn a_driver_that_was_agreed_to_and_is_gone_is_still_needed() {
    let before = hashes(&[entry(Level::Local, "filter.x.clean", "x")]);
    let gone = switch(&[], &before);
    assert!(gone.settings.is_empty() && gone.drivers.filters.contains(b"x".as_slice()));
}

#[test]
fn the_record_of_an_earlier_build_holds_nothing_by_its_names() {
    // That build recorded included files as a whole, and nothing of the user's own level.
    let entries = [
        entry(Level::Global, "filter.lfs.process", "git-lfs filter-process"),
        entry(Level::Global, "core.pager", "less"),
        entry(Level::Local, "remote.origin.url", "https://example.org/x"),
        entry(Level::Local, "include.path", "more"),
    ];
    let now = hashes(&entries);
    let mut before: BTreeMap<String, String> =
        now.clone().into_iter().filter(|(name, _)| name.starts_with("config ")).collect();
    before.insert("included /f/more".to_owned(), "1".to_owned());
    assert_eq!(judge(&before, &now), judge(&now, &now));
    assert!(switch(&entries, &before).drivers.is_empty());
}

#[test]
fn sections_and_values_are_read_in_every_spelling() {
    let text = b"\xef\xbb\xbf# comment\n[Filter \"a.B\\\"c\"]Clean=x # no\r\n\tSMUDGE = \"a # b\" c\\\n  d\n[filter.UP] \
        process=1\n[core]\n\tfsmonitor\n[filter \"n.clean\0z\"] q = evil\n";
    let found = parse(text).unwrap();
    let found: Vec<(String, Option<String>)> = found
        .into_iter()
        .map(|(key, value)| (key.to_string(), value.map(|value| String::from_utf8(value).unwrap())))
        .collect();
    let wanted = [
        ("filter.a.B\"c.clean", Some("x")),
        ("filter.a.B\"c.smudge", Some("a # b c  d")),
        ("filter.up.process", Some("1")),
        ("core.fsmonitor", None),
        // git takes the NUL byte for the end of the key.
        ("filter.n.clean", Some("evil")),
    ];
    let wanted: Vec<_> =
        wanted.into_iter().map(|(key, value)| (key.to_owned(), value.map(str::to_owned))).collect();
    assert_eq!(found, wanted);
    for broken in
        ["[core", "[core \"x\" ]\n", "x = 1\n= 2", "[a]\nb = \"open\n", "[a]\nb = \\q\n", "[a]\n1b = 2\n"]
    {
        assert!(parse(broken.as_bytes()).is_none(), "{broken}");
    }
}
