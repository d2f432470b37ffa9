//! A new variant of the closed lists (facts, effects, inputs, commands, states) does not compile until every
//! table has an arm for it.
//!
//! The test adds a variant to each list in a copy of the project. The compiler names each match that lacks
//! the variant and suggests an arm. The test adds the arms and compiles again, until the copy compiles:
//! errors in a crate hide those in the crates above it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The name of the new variant.
const VARIANT: &str = "AddedByATest";

/// The lists, each with the file that defines it.
const LISTS: [(&str, &str); 7] = [
    ("Fact", "crates/model/src/event.rs"),
    ("Command", "crates/model/src/command.rs"),
    ("Status", "crates/model/src/objective.rs"),
    ("SessionStatus", "crates/model/src/session.rs"),
    ("SessionEnd", "crates/model/src/session.rs"),
    ("Effect", "crates/engine/src/effect.rs"),
    ("Input", "crates/engine/src/input.rs"),
];

/// Tables that must decide about a new variant: the list, and the file in which the compiler has to stop.
const TABLES: [(&str, &str); 13] = [
    // Apply a fact to the state, choose its durability, publish it, show it, and verify landings against it.
    ("Fact", "crates/model/src/apply/mod.rs"),
    ("Fact", "crates/model/src/event/durability.rs"),
    ("FactKind", "crates/report/src/event_types/table.rs"),
    ("Fact", "crates/report/src/event_lines.rs"),
    ("Fact", "src/cli/verify/history.rs"),
    // Run an effect.
    ("Effect", "crates/supervisor/src/effects/mod.rs"),
    // Decide what follows from an input or a command.
    ("Input", "crates/engine/src/decide/inputs.rs"),
    ("Command", "crates/engine/src/decide/commands.rs"),
    // Publish, explain, show and continue a state.
    ("Status", "crates/report/src/event_types/table.rs"),
    ("Status", "crates/engine/src/explain.rs"),
    ("Status", "crates/console/src/theme/mod.rs"),
    ("SessionStatus", "crates/engine/src/decide/outstanding.rs"),
    ("SessionEnd", "crates/engine/src/decide/sessions/follow.rs"),
];

/// Largest number of rounds: twice the crates on the longest path from the model to the command line.
const ROUNDS_MAX: usize = 12;

/// Copies the project's files that git knows or would add, with uncommitted changes.
fn copy(from: &Path, to: &Path) {
    let listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").current_dir(from).args(listed).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in String::from_utf8(output.stdout).unwrap().split_terminator('\0') {
        // git also lists files whose removal is not committed.
        if let Ok(bytes) = fs::read(from.join(name)) {
            fs::create_dir_all(to.join(name).parent().unwrap()).unwrap();
            fs::write(to.join(name), bytes).unwrap();
        }
    }
}

fn add_variant(copy: &Path, list: &str, file: &str) {
    let path = copy.join(file);
    let text = fs::read_to_string(&path).unwrap();
    let head = format!("pub enum {list} {{\n");
    assert!(text.contains(&head), "{file} has no {list}");
    fs::write(&path, text.replace(&head, &format!("{head}    /// Of no use.\n    {VARIANT},\n"))).unwrap();
}

/// An arm that the compiler suggests: file, byte offset, and text.
type Arm = (String, usize, String);

/// Compiles the copy. Adds list and file of each match that lacks the variant to `found`; returns the
/// suggested arms.
fn check(copy: &Path, found: &mut BTreeSet<(String, String)>) -> Vec<Arm> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(copy)
        .args(["check", "--locked", "--offline", "--keep-going", "--message-format", "json", "--target-dir"])
        .arg(target)
        .env("CARGO_INCREMENTAL", "0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut arms = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let whole: Value = serde_json::from_str(line).unwrap();
        let message = &whole["message"];
        if message["level"] != "error" || message["spans"].as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        let text = message["rendered"].as_str().unwrap();
        assert_eq!(message["code"]["code"], "E0004", "{text}");
        let file = message["spans"][0]["file_name"].as_str().unwrap().to_owned();
        let names = message["message"].as_str().unwrap().split(|c: char| !c.is_alphanumeric() && c != ':');
        let list = names.filter_map(|name| name.strip_suffix(&format!("::{VARIANT}"))).next_back();
        let list = list.unwrap_or_else(|| panic!("{text}")).rsplit(':').next().unwrap();
        found.insert((list.to_owned(), file));
        arms.push(arm(message).unwrap_or_else(|| panic!("no arm is offered: {text}")));
    }
    assert!(output.status.success() || !arms.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    arms
}

fn arm(message: &Value) -> Option<Arm> {
    let spans = message["children"].as_array()?.iter().flat_map(|child| child["spans"].as_array()).flatten();
    let span = spans.into_iter().find(|span| span["suggested_replacement"].is_string())?;
    let at = usize::try_from(span["byte_start"].as_u64()?).ok()?;
    let file = span["file_name"].as_str()?;
    Some((file.to_owned(), at, with_whole_paths(span["suggested_replacement"].as_str()?, file)))
}

/// Replaces the path of each variant by one from the root of its crate: the path that the compiler suggests
/// may not resolve in that file.
fn with_whole_paths(arm: &str, file: &str) -> String {
    let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut whole = String::new();
    let mut rest = arm;
    while let Some(end) = rest.find(VARIANT) {
        let start = rest[..end].rfind(|c| !is_of_path(c)).map_or(0, |at| at + 1);
        let list = rest[start..end].trim_end_matches(':').rsplit(':').next().unwrap();
        let home = LISTS.iter().find(|(name, _)| *name == list.trim_end_matches("Kind")).unwrap().1;
        let (package, module) = home.trim_start_matches("crates/").split_once("/src/").unwrap();
        let is_own = file.starts_with(&format!("crates/{package}/"));
        let package = if is_own { "crate".to_owned() } else { format!("paddock_{package}") };
        let module = module.trim_end_matches(".rs");
        whole.push_str(&format!("{}{package}::{module}::{list}::{VARIANT}", &rest[..start]));
        rest = &rest[end + VARIANT.len()..];
    }
    whole + rest
}

/// Adds the arms, from the end of each file to its start, so that the offsets of the others stay valid.
fn add(copy: &Path, arms: Vec<Arm>) {
    let mut files: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    for (file, at, text) in arms {
        files.entry(file).or_default().insert(at, text);
    }
    for (file, arms) in files {
        let mut text = fs::read_to_string(copy.join(&file)).unwrap();
        arms.iter().rev().for_each(|(at, arm)| text.insert_str(*at, arm));
        fs::write(copy.join(&file), text).unwrap();
    }
}

#[test]
fn a_new_variant_does_not_compile_until_every_table_has_it() {
    // Always the same folder: with a new one each time, the target folder would grow with every run.
    let copied = &Path::new(env!("CARGO_TARGET_TMPDIR")).join("exhaustive");
    drop(fs::remove_dir_all(copied));
    copy(Path::new(env!("CARGO_MANIFEST_DIR")), copied);
    LISTS.iter().for_each(|(list, file)| add_variant(copied, list, file));
    let mut found = BTreeSet::new();
    let mut rounds = 0;
    loop {
        let arms = check(copied, &mut found);
        if arms.is_empty() {
            break;
        }
        rounds += 1;
        assert!(rounds <= ROUNDS_MAX, "the copy does not compile after {rounds} rounds: {arms:?}");
        add(copied, arms);
    }
    let missing: Vec<_> = TABLES
        .iter()
        .filter(|(list, file)| !found.contains(&((*list).to_owned(), (*file).to_owned())))
        .collect();
    assert!(
        missing.is_empty(),
        "these compile without the new variant: {missing:?}; these do not: {found:#?}"
    );
}
