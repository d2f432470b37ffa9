//! Retired words: identifiers and phrases that readers did not understand do not return.
//!
//! Bare words of the language stay free ("room", "lane", "told"): what is listed is a name that was replaced, or a turn
//! of phrase.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{TokenStream, TokenTree};

use super::sources::{all_files, root};

/// A name that was used in the code, and the name that replaced it.
const IDENTIFIERS: &[(&str, &str)] = &[
    ("Aim", "HierarchyNode"),
    ("AimId", "NodeId"),
    ("AimKey", "NodeKey"),
    ("AimOrder", "NodeOrder"),
    ("Aims", "nodes by name"),
    ("aim", "node; goal, milestone or phase"),
    ("aims", "nodes; goals, milestones and phases"),
    ("aims_of", "nodes_of"),
    ("all_told", "all"),
    ("apart_ms", "distance_ms"),
    ("carry_out", "execute or run"),
    ("do_aside", "spawn_effect"),
    ("has_room", "has_space"),
    ("is_apart", "is_separate"),
    ("is_told", "is_reported, is_notified"),
    ("lay_down", "stop_gracefully"),
    ("LedgerError", "CodecError"),
    ("LinkError", "IpcError"),
    ("look_aside", "spawn_look"),
    ("on_room", "on_disk_space"),
    ("OnRoom", "OnDiskSpace"),
    ("pace", "slot_tuning, frame_rate, planner_backoff"),
    ("Pace", "SlotTuning"),
    ("put_aside", "set_aside"),
    ("RoomSeen", "DiskSpaceSeen"),
    ("SessionTold", "SessionReported"),
    ("staff", "assignment"),
    ("Stand", "PlannerState"),
    ("tell_at_once", "notify_now"),
    ("telling", "transcript reading, notification"),
    ("teller", "narrator, notifier"),
    ("Teller", "Narrator"),
    ("told", "reported, or what it holds"),
    ("Told", "Reported"),
    ("told_whole", "whole_text"),
    ("wait_for_room", "wait_for_disk_space"),
    ("with_room", "with_disk_space"),
];

/// A turn of phrase, in lower case, and what to write instead. Names of tests are read with spaces for underscores.
const PHRASES: &[(&str, &str)] = &[
    ("whoever is", "the subject by its name"),
    ("whoever was", "the subject by its name"),
    ("whoever has", "the subject by its name"),
    ("whoever holds", "the subject by its name"),
    ("whoever reads", "the reader by its name"),
    ("whoever stops", "the subject by its name"),
    ("for whoever", "for the reader, the caller, the user"),
    ("how-manieth", "the number, the index"),
    ("what became of", "the state or the result of"),
    ("what becomes of", "the state or the result of"),
    ("is told of", "is reported, is notified"),
    ("are told of", "are reported, are notified"),
    ("was told of", "was reported"),
    ("tells of", "reports, shows"),
    ("is told whole", "is shown in full"),
    ("is carried out", "runs, is executed"),
    ("are carried out", "run, are executed"),
    ("carries it out", "runs it"),
    ("carries itself out", "runs by itself"),
    ("laid work down", "stopped gracefully"),
    ("lay down in order", "stop gracefully"),
    ("lays work down", "stops gracefully"),
    ("land apart", "land separately"),
    ("lands apart", "lands separately"),
    ("comes to nothing", "has no effect"),
    ("so often it is", "a period: every, at most each"),
    ("nobody was told", "nothing is recorded"),
];

/// Returns the files of text that people read, as git has them.
pub(super) fn texts() -> Vec<PathBuf> {
    let output = Command::new("git").current_dir(root()).args(["ls-files", "-z"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    let is_read = |name: &&str| {
        let ends = [".rs", ".md", ".toml", ".yaml", ".sql", ".ci/run"];
        // Recordings and golden files hold what others wrote and what is stored.
        let is_kept =
            ["tests/data/", "tests/golden/", "fuzz/corpus/"].iter().any(|folder| name.starts_with(folder));
        !is_kept && (ends.iter().any(|end| name.ends_with(end)) || name.starts_with("templates/"))
    };
    let listed = names.split_terminator('\0').filter(is_read).map(|name| root().join(name));
    // A file that was moved and not committed is listed under its old name, too.
    listed.filter(|path| path.is_file() && !is_this_file(path)).collect()
}

fn is_this_file(path: &Path) -> bool {
    path.ends_with("tests/it/tidy/language.rs")
}

/// Calls `take` with every identifier, the one before it, and its line.
fn identifiers(tokens: TokenStream, take: &mut dyn FnMut(&str, &str, usize)) {
    let mut before = String::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => identifiers(group.stream(), take),
            TokenTree::Ident(name) => {
                let text = name.to_string();
                take(&before, &text, name.span().start().line);
                before = text;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[test]
fn no_retired_name_returns() {
    let mut found = Vec::new();
    for path in all_files().iter().filter(|path| !is_this_file(path)) {
        let tokens: TokenStream = fs::read_to_string(path).unwrap().parse().unwrap();
        identifiers(tokens, &mut |before, name, line| {
            if before == "fn" && name == "of" {
                found.push(format!(
                    "{}:{line}: a function `of`: name it `new`, `from_…` or by what it returns",
                    path.display()
                ));
            }
            if let Some((_, instead)) = IDENTIFIERS.iter().find(|(retired, _)| *retired == name) {
                found.push(format!("{}:{line}: {name}: use {instead}", path.display()));
            }
        });
    }
    assert!(found.is_empty(), "retired names:\n{}", found.join("\n"));
}

#[test]
fn no_retired_phrase_returns() {
    let mut found = Vec::new();
    for path in texts() {
        // A phrase may be broken by a line, with the mark of a comment before its second half.
        let text = fs::read_to_string(&path).unwrap().to_lowercase().replace('_', " ");
        let lines = text.lines().map(|line| line.trim().trim_start_matches(['/', '!', '#']).trim());
        let joined = lines.collect::<Vec<_>>().join(" ");
        for (phrase, instead) in PHRASES {
            if joined.contains(phrase) {
                found.push(format!("{}: \"{phrase}\": write {instead}", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "retired phrases:\n{}", found.join("\n"));
}
