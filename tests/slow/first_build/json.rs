//! Output of every command with `--json` for the workspace of the first build: all keys, words and figures
//! that the first build printed must still be there. New keys are allowed, and sentences for people may
//! change.
//!
//! `tests/golden/json` holds the output of the first build. With PADDOCK_WRITE_GOLDEN set, a missing file is
//! written, with the binary that PADDOCK_FIRST_BUILD names: for new commands.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::place::Packed;

/// Commands that only read, followed by ones that change the workspace, in an order in which each succeeds.
const COMMANDS: &[&str] = &[
    "project list --json",
    "project show web --json",
    "objective list --project web --json",
    "objective show web/landed --json",
    "objective show web/asks --json",
    "objective show web/running --json",
    "goal list --project web --json",
    "milestone list --project web --json",
    "phase list --project web --json",
    "explain --json",
    "explain web/waiting --json",
    "plan show --project web --json",
    "status --all --json",
    "session list --all --project web --json",
    "session show 3 --json",
    "queue list --project web --json",
    "salvage list --project web --json",
    "events --json",
    "report --since 2026-11-01 --json",
    "supervisor status --json",
    "agent list --project web --json",
    "agent check sh --project web --json",
    "config validate --json",
    "config show --project web --json",
    "config schema",
    "doctor --json",
    "verify --project web --json",
    "objective add --project web --id added --title Added --scope docs/** --json",
    "objective edit added --project web --title Edited --json",
    "objective expand added src/** --project web --json",
    "objective prioritize added 5 --project web --json",
    "objective pause added --project web --json",
    "objective resume added --project web --json",
    "objective cancel added --project web --json",
    "objective retry added --project web --json",
    "objective skip added --project web --json",
    "objective delete added --project web --json",
    "objective escalate waiting --project web --note look --json",
    "objective escalate turned-down --project web --note look --json",
    "objective reject asks --project web --note again --json",
    "objective approve turned-down --project web --json",
    "plan approve --project web --json",
    "goal import goals.md --project web --json",
    "plan apply plan.yaml --project web --json",
];

/// Keys whose values are sentences for people, or differ between runs or days: only the type is compared, and
/// null agrees with every type.
const TYPE_ONLY: &[&str] = &[
    "text",
    "clears",
    "remedy",
    "reason",
    "problem",
    "description",
    "answer",
    "until",
    "latency_ms",
    "used",
    "session_minutes",
    // Flags of built-in agents change with the programs that they start.
    "command_template",
    "resume_template",
];

/// Lists whose length depends on the machine: only the keys of their members are compared.
const KEYS_ONLY: &[&str] = &["findings"];

/// Lists of words to which words may be added.
const GROWING: &[&str] = &["enum"];

/// Values that have another shape since, with the reason.
const RESHAPED: &[&str] = &[
    // Not one of some words any more: `jsonl:FIELD` is a pattern. The words are below `anyOf`.
    "config schema .document .properties .agents .items .properties .transcript .enum",
];

fn file_of(command: &str) -> std::path::PathBuf {
    let name: String = command
        .replace(" --json", "")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/json").join(format!("{name}.json"))
}

/// Runs a command; returns the exit code and the output, which is one document or one per line.
fn answer(place: &Packed, command: &str) -> Value {
    let (code, said) = place.run(command);
    let said = said.replace(place.path("").to_str().unwrap().trim_end_matches('/'), "@FOLDER@");
    let lines = || said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
    let document = serde_json::from_str(&said).or_else(|_| lines().map(Value::Array));
    let document = document.unwrap_or_else(|error| panic!("{command}: {error}: {said}"));
    serde_json::json!({"exit": code, "document": document})
}

#[test]
#[cfg(target_os = "linux")]
fn every_command_still_prints_in_json_what_the_first_build_printed() {
    let place = Packed::unpack();
    fs::write(place.path("goals.md"), "# Another goal\n\nBecause.\n\n## A milestone\n\n### A phase\n")
        .unwrap();
    let plan = "objectives:\n  - {id: from-a-person, title: By hand, description: it, acceptance_criteria: [], \
                path_scope: [\"x/**\"], depends_on: [], worker_id: implementer, priority: 0}\n";
    fs::write(place.path("plan.yaml"), plan).unwrap();
    let mut faults = Vec::new();
    for command in COMMANDS {
        let said = answer(&place, command);
        let file = file_of(command);
        if !file.exists() && std::env::var_os("PADDOCK_WRITE_GOLDEN").is_some() {
            fs::write(&file, serde_json::to_string_pretty(&said).unwrap() + "\n").unwrap();
        }
        let golden = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let golden: Value = serde_json::from_slice(&golden).unwrap();
        compare(&golden, &said, command, &mut faults);
    }
    faults.retain(|fault: &String| !RESHAPED.iter().any(|place| fault.starts_with(place)));
    assert!(faults.is_empty(), "other than in the first build:\n{}", faults.join("\n"));
}

/// Adds a fault for everything in `golden` that `now` lacks or has in another place.
fn compare(golden: &Value, now: &Value, place: &str, faults: &mut Vec<String>) {
    match (golden, now) {
        (Value::Object(golden), Value::Object(now)) => {
            for (key, value) in golden {
                let place = format!("{place} .{key}");
                match now.get(key) {
                    None => faults.push(format!("{place} is missing")),
                    Some(Value::Array(now)) if KEYS_ONLY.contains(&key.as_str()) => {
                        now.iter().for_each(|now| compare_keys(&value[0], now, &place, faults));
                    }
                    Some(Value::Array(now)) if GROWING.contains(&key.as_str()) => {
                        let gone = |word: &&Value| !now.contains(word);
                        let gone = value.as_array().into_iter().flatten().filter(gone);
                        faults.extend(gone.map(|word| format!("{place} has no {word} any more")));
                    }
                    Some(now) if TYPE_ONLY.contains(&key.as_str()) && !value.is_object() => {
                        compare_types(value, now, &place, faults);
                    }
                    Some(now) => compare(value, now, &place, faults),
                }
            }
        }
        (Value::Array(golden), Value::Array(now)) if golden.len() == now.len() => {
            for (index, (golden, now)) in golden.iter().zip(now).enumerate() {
                compare(golden, now, &format!("{place}[{index}]"), faults);
            }
        }
        _ if golden != now => faults.push(format!("{place}: {golden} then, {now} now")),
        _ => {}
    }
}

fn compare_types(golden: &Value, now: &Value, place: &str, faults: &mut Vec<String>) {
    let is_one_null = golden.is_null() || now.is_null();
    if !is_one_null && std::mem::discriminant(golden) != std::mem::discriminant(now) {
        faults.push(format!("{place}: {golden} then, {now} now"));
    }
}

fn compare_keys(golden: &Value, now: &Value, place: &str, faults: &mut Vec<String>) {
    for key in golden.as_object().into_iter().flatten().map(|(key, _)| key) {
        if now.get(key).is_none() {
            faults.push(format!("{place}: a member has no {key}: {now}"));
        }
    }
}
